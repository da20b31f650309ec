"""Export and import: a bundle of FHIR that comes back as the same case, photographs byte for byte."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from register_examples import ON_SQLITE, Clock, People, acts, observation, opened, patient, picture, with_camera_data
from store_examples import run_sql

from calcipath.errors import InputError
from calcipath.record.reader import read_resources
from calcipath.register.exchange import is_exported_case
from calcipath.register.refusals import NotAllowed
from calcipath.register.register import Register
from calcipath.sources.files import read_path
from calcipath.store.store import open_store

SAID = {"taken": "2026-11-01T10:00:00Z", "site": "left thigh", "consent": "written"}
SETTINGS = {"complete": ["medications"], "notes": True, "as_of": "record"}


def filled(register: Register, people: People) -> str:
    made = register.cases.create(people.ada, "Mrs A", [patient(), observation("o1"), observation("o2")], SETTINGS)
    register.cases.add(people.ada, made.handle, [observation("o1", 5)])
    register.cases.remove(people.ada, made.handle, "Observation/o2")
    for data in (picture("PNG"), with_camera_data("JPEG", 6), picture("WEBP")):
        register.photographs.add(people.ada, made.handle, data, **SAID)
    return made.handle


def test_a_case_comes_back_as_it_was(register: Register, people: People, url: str) -> None:
    handle = filled(register, people)
    bundle = json.loads(json.dumps(register.exchange.export(people.ada, handle)))
    assert is_exported_case(bundle)
    made = register.exchange.import_(people.ben, bundle)
    assert (made.label, made.settings, made.owner, made.revision) == ("Mrs A", SETTINGS, "Ben", 1)
    assert register.cases.resources(people.ben, made.handle) == register.cases.resources(people.ada, handle)
    first, second = register.photographs.of(people.ada, handle), register.photographs.of(people.ben, made.handle)
    assert len(second) == 3 and not {each.file for each in first} & {each.file for each in second}
    for one, other in zip(first, second, strict=True):
        assert (one.id, one.taken, one.site, one.consent) == (other.id, other.taken, other.site, other.consent)
        mine = register.photographs.read(people.ada, handle, one.id)[1]
        assert mine == register.photographs.read(people.ben, made.handle, one.id)[1]
    assert register.exchange.export(people.ben, made.handle) == bundle
    assert [act for act in acts(url) if act[1] in ("case-exported", "case-imported")] == [
        ("Ada", "case-exported", None),
        ("Ben", "case-imported", 1),
        ("Ben", "case-exported", None),
    ]


@ON_SQLITE
def test_the_secrets_of_the_table_are_not_exported(register: Register, people: People, url: str) -> None:
    handle = filled(register, people)
    said = json.dumps(register.exchange.export(people.ada, handle))
    ((pseudonym,),) = run_sql(url, "SELECT pseudonym FROM case_file")
    assert pseudonym not in said and handle not in said and "date_shift" not in said and "Ada" not in said
    made = register.exchange.import_(people.ada, json.loads(said))
    rows = run_sql(url, "SELECT handle, pseudonym FROM case_file")
    assert {row[0] for row in rows} == {handle, made.handle} and len({row[1] for row in rows}) == 2


@ON_SQLITE
def test_the_bundle_is_read_as_any_record(register: Register, people: People, tmp_path: Path) -> None:
    """`calcipath assess` takes it: the same events, and nothing that cannot be read."""
    handle = filled(register, people)
    file = tmp_path / "case.json"
    file.write_text(json.dumps(register.exchange.export(people.ada, handle)))
    report = read_resources(read_path(str(file)).resources)
    assert [event.reference for event in report.record.events] == ["Observation/o1"]
    assert report.record.patient.reference == "Patient/p1" and report.record.problems == ()
    assert report.record.not_read == {"Basic": 1, "Media": 3, "Binary": 3}


def test_a_binary_of_the_record_itself_stays_one(small: Register) -> None:
    admin = small.local_account()
    binary = {"resourceType": "Binary", "id": "scan", "contentType": "application/pdf", "data": "JVBERg=="}
    made = small.cases.create(admin, "case", [binary])
    back = small.exchange.import_(admin, small.exchange.export(admin, made.handle))
    assert small.cases.resources(admin, back.handle) == [binary] and small.photographs.of(admin, back.handle) == ()


def broken(bundle: dict[str, Any], how: str) -> dict[str, Any]:
    entries = bundle["entry"]
    basic, binary = entries[0]["resource"], entries[-1]["resource"]
    photograph = basic["extension"][-1]["extension"]
    if how == "no case":
        del entries[0]
    elif how == "two cases":
        entries.append(entries[0])
    elif how == "no photograph":
        del entries[-1]
    elif how == "other bytes":
        binary["data"] = base64.b64encode(b"<script>").decode()
    elif how == "no base64":
        binary["data"] = "***"
    elif how == "no consent":
        photograph[:] = [part for part in photograph if part["url"] != "consent"]
    elif how == "bad id":
        binary["id"] = photograph[0]["valueString"] = "../../etc/passwd"
    elif how == "no label":
        basic["extension"][0]["valueString"] = ""
    elif how == "no settings":
        basic["extension"][1]["valueString"] = "[]"
    elif how == "no key":
        entries.insert(1, {"resource": {"resourceType": "Observation"}})
    return bundle


@pytest.mark.parametrize(
    "how",
    ["no case", "two cases", "no photograph", "other bytes", "no base64", "no consent", "bad id", "no label",
     "no settings", "no key"],
)  # fmt: skip
def test_a_broken_bundle_brings_nothing(small: Register, folder: Path, how: str) -> None:
    admin = small.local_account()
    made = small.cases.create(admin, "case", [patient()], SETTINGS)
    small.photographs.add(admin, made.handle, picture(), **SAID)
    bundle = broken(copy.deepcopy(small.exchange.export(admin, made.handle)), how)
    before = set(folder.iterdir())
    with pytest.raises(InputError) as refused:
        small.exchange.import_(admin, bundle)
    assert "\n" not in str(refused.value)
    assert len(small.cases.of(admin)) == 1 and set(folder.iterdir()) == before


@pytest.mark.parametrize("bundle", [{}, {"entry": None}, {"entry": [None, 1, {}, {"resource": 7}]}, {"entry": {}}])
def test_what_is_no_exported_case(small: Register, bundle: dict[str, Any]) -> None:
    assert not is_exported_case(bundle)
    with pytest.raises(InputError, match="no exported case"):
        small.exchange.import_(small.local_account(), bundle)


def test_an_exported_case_is_not_added_as_a_record(small: Register) -> None:
    admin = small.local_account()
    made = small.cases.create(admin, "case", [patient()])
    resources = [entry["resource"] for entry in small.exchange.export(admin, made.handle)["entry"]]
    with pytest.raises(InputError, match="import the bundle"):
        small.cases.add(admin, made.handle, resources)


@ON_SQLITE
def test_a_reader_imports_nothing(register: Register, people: People, folder: Path) -> None:
    bundle = register.exchange.export(people.ada, filled(register, people))
    before = set(folder.iterdir())
    with pytest.raises(NotAllowed):
        register.exchange.import_(people.rita, bundle)
    assert set(folder.iterdir()) == before


TEXTS = st.text(max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
KINDS = st.sampled_from(["Patient", "Observation", "Basic", "Binary", "Media", "Bundle"])
RESOURCES = st.builds(
    lambda kind, identifier, members: {**members, "resourceType": kind, "id": identifier},
    KINDS,
    st.text("abcXYZ019.-", min_size=1, max_size=4),
    st.dictionaries(TEXTS, VALUES, max_size=3),
)
PHOTOGRAPHS = st.tuples(
    st.sampled_from([picture("JPEG"), picture("PNG"), picture("WEBP"), with_camera_data("JPEG", 8)]),
    st.sampled_from(["2026", "2026-11", "2026-11-01", "2026-11-01T10:00:00+01:00"]),
    TEXTS,
    st.text(min_size=1, max_size=20).filter(lambda text: text.strip()),
)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One register for all examples."""
    folder = tmp_path_factory.mktemp("exchange")
    with open_store(f"sqlite:///{folder}/store.sqlite") as store:
        yield opened(store, folder / "photographs", Clock())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    label=st.text(min_size=1, max_size=20).filter(lambda text: text.split()),
    said=st.dictionaries(TEXTS, VALUES, max_size=3),
    steps=st.lists(st.lists(RESOURCES, max_size=3), max_size=3),
    photographs=st.lists(PHOTOGRAPHS, max_size=2),
)
def test_export_import_export_is_the_same(
    one: Register, label: str, said: dict[str, Any], steps: list[list[dict[str, Any]]], photographs: list[Any]
) -> None:
    admin = one.local_account()
    made = one.cases.create(admin, label, [], said)
    for resources in steps:
        one.cases.add(admin, made.handle, resources)
    for data, taken, site, consent in photographs:
        one.photographs.add(admin, made.handle, data, taken=taken, site=site, consent=consent)
    bundle = one.exchange.export(admin, made.handle)
    back = one.exchange.import_(admin, json.loads(json.dumps(bundle)))
    assert one.exchange.export(admin, back.handle) == bundle
    assert one.cases.resources(admin, back.handle) == one.cases.resources(admin, made.handle)
