"""Deleting a case for good: no row, no file, and on SQLite no byte of it in the database's files."""

from __future__ import annotations

import random
import re
import sqlite3
import string
from pathlib import Path

from register_examples import Clock, People, observation, opened, patient, picture
from sqlalchemy import event
from store_examples import run_sql

from calcipath.register.register import Register
from calcipath.store.store import open_store
from calcipath.store.verification import verify

CONSENT = "written, in the paper file"


def database_bytes(url: str) -> bytes:
    """The database, its log and all that stands beside it."""
    file = Path(url.removeprefix("sqlite:///"))
    return b"".join(each.read_bytes() for each in file.parent.iterdir() if each.is_file())


def test_nothing_of_a_case_is_left_but_that_it_was_deleted(register: Register, people: People, url: str) -> None:
    kept = register.cases.create(people.ada, "kept", [patient()])
    made = register.cases.create(people.ada, "gone", [patient(), observation("o1")])
    register.sharing.share(people.ada, made.handle, "Ben", "write")
    register.cases.add(people.ben, made.handle, [observation("o1", 2)])
    register.photographs.add(people.ada, made.handle, picture(), taken="2026-11-01", site="thigh", consent=CONSENT)
    register.cases.delete(people.ada, made.handle)
    for table in ("case_file", "case_access", "case_entry", "case_photograph"):
        assert made.handle not in str(run_sql(url, f"SELECT * FROM {table}"))
    assert run_sql(url, "SELECT action FROM audit_case ORDER BY at, number")[-1] == ("case-deleted",)
    assert [case.handle for case in register.cases.of(people.ada)] == [kept.handle]
    assert register.cases.resources(people.ada, kept.handle) == [patient()]
    with open_store(url) as store:
        assert verify(store).whole


def test_the_photographs_files_are_gone(small: Register, folder: Path) -> None:
    admin = small.local_account()
    made, kept = small.cases.create(admin, "gone"), small.cases.create(admin, "kept")
    for case in (made, made, kept):
        small.photographs.add(admin, case.handle, picture(), taken="2026-11-01", site="", consent=CONSENT)
    small.cases.delete(admin, made.handle)
    (photograph,) = small.photographs.of(admin, kept.handle)
    assert {file.name for file in folder.iterdir()} == {"calcipath-register", photograph.file}


def marker(chance: random.Random) -> str:
    return "MARKER" + "".join(chance.choices(string.ascii_uppercase, k=24))


def letters(words: list[str]) -> set[bytes]:
    """The random letters of markers in pieces of eight: a page of the database may end in the middle of a word."""
    return {word[start : start + 8].encode() for word in words for start in (6, 14, 22)}


def pieces(data: bytes) -> set[bytes]:
    """All that `letters` could find."""
    runs = re.findall(rb"[A-Z]{8,}", data)
    return {run[start : start + 8] for run in runs for start in range(len(run) - 7)}


def test_no_byte_of_it_is_left_in_sqlites_files(small: Register, sqlite_url: str) -> None:
    """Many cases grow together, entry by entry of every size, so that their rows share pages and move between them.

    With `secure_delete` alone, without building the file anew, this finds letters that were left.
    """
    chance = random.Random(15)  # noqa: S311
    admin = small.local_account()
    said: dict[str, list[str]] = {}
    for _ in range(10):
        label = marker(chance)
        said[small.cases.create(admin, label).handle] = [label]
    handles = list(said)
    for _ in range(80):
        for handle in chance.sample(handles, 2):
            key, words = marker(chance), [marker(chance) for _ in range(chance.choice((0, 1, 1, 2, 3, 8, 40)))]
            small.cases.add(admin, handle, [observation(key, note=[{"text": word} for word in words])])
            said[handle] += [key, *words]
        handle, label = chance.choice(handles), marker(chance)
        small.cases.relabel(admin, handle, label)
        said[handle].append(label)
    found = pieces(database_bytes(sqlite_url))
    assert all(len(letters(said[handle]) & found) > 20 for handle in handles)
    chance.shuffle(handles)
    kept = {handle: small.cases.history(admin, handle) for handle in handles[:5]}
    while len(handles) > 5:
        handle = handles.pop()
        assert small.cases.delete(admin, handle) is True
        assert letters(said[handle]) & pieces(database_bytes(sqlite_url)) == set()
    assert {handle: small.cases.history(admin, handle) for handle in handles} == kept


def test_a_reader_in_the_way_is_told_and_the_next_start_finishes(
    small: Register, sqlite_url: str, folder: Path, clock: Clock
) -> None:
    admin = small.local_account()
    made = small.cases.create(admin, "MARKERLABEL", [observation("o1")])
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM case_file").fetchall()
    small._ground.store._engine.dispose()
    event.listen(small._ground.store._engine, "connect", lambda each, _: each.execute("PRAGMA busy_timeout=100"))
    assert small.cases.delete(admin, made.handle) is False
    assert b"MARKERLABEL" in database_bytes(sqlite_url)
    other.execute("ROLLBACK")
    other.close()
    with open_store(sqlite_url) as store:
        opened(store, folder, clock)
        assert b"MARKERLABEL" not in database_bytes(sqlite_url)
