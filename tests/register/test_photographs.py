"""Photographs: file, row and Media together or not at all; read back as they were; gone when they are removed."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from register_examples import (
    NOON,
    ON_SQLITE,
    Clock,
    People,
    acts,
    observation,
    opened,
    patient,
    picture,
    with_camera_data,
)
from store_examples import run_sql

from calcipath.errors import InputError
from calcipath.register.refusals import Changed, NotYours
from calcipath.register.register import Register
from calcipath.store.failures import StoreError
from calcipath.store.store import open_store
from calcipath.store.verification import verify

SAID = {"taken": "2026-11-01", "site": "left thigh", "consent": "written, 2026-11-01, Dr Ada"}


def files(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()} - {"calcipath-register"}


def test_a_photograph_is_a_file_a_row_and_a_media(register: Register, people: People, folder: Path, url: str) -> None:
    made = register.cases.create(people.ada, "case", [patient()])
    data = with_camera_data("JPEG")
    found = register.photographs.add(people.ada, made.handle, data, **SAID)
    assert register.photographs.of(people.ada, made.handle) == (found,)
    again, kept = register.photographs.read(people.ada, made.handle, found.id)
    assert again == found and kept == picture("JPEG")
    assert (found.taken, found.site, found.consent, found.at) == (*SAID.values(), NOON)
    assert (found.bytes, found.sha256) == (len(kept), hashlib.sha256(kept).hexdigest())
    (file,) = files(folder)
    assert file == found.file and (folder / file).read_bytes() == kept
    assert stat.S_IMODE((folder / file).stat().st_mode) == 0o600 and stat.S_IMODE(folder.stat().st_mode) == 0o700
    _, media = register.cases.resources(people.ada, made.handle)
    assert media == {
        "resourceType": "Media",
        "id": found.id,
        "status": "completed",
        "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/media-type", "code": "image"}]},
        "subject": {"reference": "Patient/p1"},
        "createdDateTime": "2026-11-01",
        "bodySite": {"text": "left thigh"},
        "height": 8,
        "width": 12,
        "content": {
            "contentType": "image/jpeg",
            "url": f"Binary/{found.id}",
            "size": len(kept),
            "hash": base64.b64encode(hashlib.sha1(kept, usedforsecurity=False).digest()).decode(),
        },
        "note": [{"text": "Consent: written, 2026-11-01, Dr Ada"}],
    }
    assert acts(url)[-1] == ("Ada", "photograph-added", 2)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"consent": " \n"}, "consent"),
        ({"taken": ""}, "date"),
        ({"taken": "yesterday"}, "date"),
        ({"taken": "2026-02-30"}, "date"),
        ({"site": "x" * 1001}, "at most 1000"),
        ({"data": b"GIF89a"}, "no JPEG, PNG or WebP"),
    ],
)
def test_what_is_refused_leaves_nothing(small: Register, folder: Path, how: dict[str, Any], said: str) -> None:
    admin = small.local_account()
    made = small.cases.create(admin, "case")
    with pytest.raises(InputError, match=said):
        small.photographs.add(admin, made.handle, **{"data": picture(), **SAID, **how})
    assert files(folder) == set()
    assert small.cases.open(admin, made.handle).revision == 1 and small.photographs.of(admin, made.handle) == ()


@ON_SQLITE
def test_only_who_may_write_adds_one(register: Register, people: People, folder: Path) -> None:
    made = register.cases.create(people.ada, "case")
    register.sharing.share(people.ada, made.handle, "Rita", "read")
    register.sharing.share(people.ada, made.handle, "Ben", "write")
    with pytest.raises(NotYours):
        register.photographs.add(people.rita, made.handle, picture(), **SAID)
    with pytest.raises(Changed):
        register.photographs.add(people.ben, made.handle, picture(), **SAID, expected=7)
    assert files(folder) == set()
    found = register.photographs.add(people.ben, made.handle, picture(), **SAID, expected=1)
    assert register.photographs.read(people.rita, made.handle, found.id)[1] == picture()
    with pytest.raises(InputError, match="no such photograph"):
        register.photographs.read(people.rita, made.handle, "other")


def test_a_photograph_of_another_case_is_not_there(small: Register) -> None:
    admin = small.local_account()
    made, other = small.cases.create(admin, "case"), small.cases.create(admin, "other")
    found = small.photographs.add(admin, made.handle, picture(), **SAID)
    with pytest.raises(InputError, match="no such photograph"):
        small.photographs.read(admin, other.handle, found.id)


def test_removing_its_media_removes_the_photograph(register: Register, people: People, folder: Path) -> None:
    made = register.cases.create(people.ada, "case", [{"resourceType": "Media", "id": "foreign"}])
    gone = register.photographs.add(people.ada, made.handle, picture("PNG"), **SAID)
    kept = register.photographs.add(people.ada, made.handle, picture(), **SAID)
    register.cases.remove(people.ada, made.handle, gone.key)
    register.cases.remove(people.ada, made.handle, "Media/foreign")
    assert register.photographs.of(people.ada, made.handle) == (kept,)
    assert files(folder) == {kept.file}
    assert [each["id"] for each in register.cases.resources(people.ada, made.handle)] == [kept.id]


def test_a_file_that_was_changed_or_is_gone_is_noticed(small: Register, folder: Path) -> None:
    admin = small.local_account()
    made = small.cases.create(admin, "case")
    found = small.photographs.add(admin, made.handle, picture(), **SAID)
    (folder / found.file).write_bytes(picture("PNG"))
    with pytest.raises(StoreError, match="changed or is damaged"):
        small.photographs.read(admin, made.handle, found.id)
    (folder / found.file).unlink()
    with pytest.raises(StoreError, match="no such file"):
        small.photographs.read(admin, made.handle, found.id)


def test_a_folder_that_cannot_be_written_keeps_nothing(small: Register, folder: Path) -> None:
    admin = small.local_account()
    made = small.cases.create(admin, "case")
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    with pytest.raises(StoreError, match="the folder of photographs: no such file"):
        small.photographs.add(admin, made.handle, picture(), **SAID)
    assert small.cases.open(admin, made.handle).revision == 1


def test_a_start_sweeps_what_has_no_row(small: Register, sqlite_url: str, folder: Path, clock: Clock) -> None:
    """Old orphans only, and only what has the form of our own names."""
    admin = small.local_account()
    made = small.cases.create(admin, "case")
    kept = small.photographs.add(admin, made.handle, picture(), **SAID).file
    old, half, new = "a" * 32, "b" * 32 + ".part", "c" * 32
    for name in (old, half, new, "holiday.jpg", "A" * 32):
        (folder / name).write_bytes(b"x")
    for name in (kept, old, half, "holiday.jpg", "A" * 32):
        os.utime(folder / name, (time.time() - 3601,) * 2)
    with open_store(sqlite_url) as store:
        opened(store, folder, clock)
    assert files(folder) == {kept, new, "holiday.jpg", "A" * 32}


def test_the_folder_of_another_store_is_left_alone(small: Register, tmp_path: Path, folder: Path, clock: Clock) -> None:
    admin = small.local_account()
    made = small.cases.create(admin, "case")
    kept = small.photographs.add(admin, made.handle, picture(), **SAID).file
    os.utime(folder / kept, (time.time() - 3601,) * 2)
    other = f"sqlite:///{tmp_path}/other.sqlite"
    with open_store(other) as store, pytest.raises(InputError, match="belongs to another store"):
        opened(store, folder, clock)
    assert files(folder) == {kept}


@ON_SQLITE
def test_a_photograph_does_not_break_the_chain(register: Register, people: People, url: str) -> None:
    made = register.cases.create(people.ada, "case", [observation("o1")])
    register.photographs.add(people.ada, made.handle, picture(), **SAID)
    with pytest.raises(InputError):
        register.photographs.add(people.ada, made.handle, b"", **SAID)
    with open_store(url) as store:
        found = verify(store)
    assert found.whole and len(found.heads) == 1
    assert run_sql(url, "SELECT count(*) FROM case_photograph") == [(1,)]
