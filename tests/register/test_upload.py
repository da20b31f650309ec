"""An uploaded record becomes resources with keys, and says what it says of the same things."""

from __future__ import annotations

from typing import Any

from register_examples import observation, patient

from calcipath.record.fhir.raw import RawResource
from calcipath.record.reader import read_resources
from calcipath.register.register import Register
from calcipath.register.upload import settled
from calcipath.sources.files import source_of

UUID = "urn:uuid:0f0e3c0a-6a0c-4b5e-9a52-0c8f0f2e8a11"


def without_id(resource: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name != "id"}


def test_resources_without_ids_take_those_of_their_addresses() -> None:
    """References by address still name the same patient, also where the id differs from the address."""
    mine = {"subject": {"reference": UUID}}
    given = [
        RawResource(without_id(patient()), UUID),
        RawResource(without_id(observation("x", **mine))),
        RawResource(observation("o2", **mine)),
    ]
    found = settled(given)
    assert found.left_out == ()
    assert found.resources[0]["id"] == UUID.removeprefix("urn:uuid:")
    assert found.resources[2] == observation("o2", **mine)
    assert len({each["id"] for each in found.resources}) == 3
    other = settled([RawResource(patient(), UUID), RawResource(observation("o2", **mine))])
    assert other.resources == (patient(), observation("o2", subject={"reference": "Patient/p1"}))
    for resources in (found.resources, other.resources):
        record = read_resources(source_of(resources).resources).record
        assert record.problems == () and len(record.events) == len(resources) - 1


def test_what_was_given_is_not_changed() -> None:
    given = observation("o2", subject={"reference": UUID})
    settled([RawResource(patient(), UUID), RawResource(given)])
    assert given["subject"] == {"reference": UUID}


def test_of_several_versions_the_newest_stands(small: Register) -> None:
    newer = observation("o1", 2, meta={"lastUpdated": "2026-11-02T00:00:00Z"})
    older = observation("o1", 1, meta={"lastUpdated": "2026-11-01T00:00:00Z"})
    undated = observation("o1", 3)
    found = settled([RawResource(newer), RawResource(patient()), RawResource(older), RawResource(undated)])
    admin = small.local_account()
    made = small.cases.create(admin, "case", found.resources)
    assert small.cases.resources(admin, made.handle) == [newer, patient()]
    assert len(small.cases.history(admin, made.handle)) == 4


def test_what_cannot_be_kept_is_said() -> None:
    given = [
        RawResource(None, "", "entry[0]"),
        RawResource({"id": "x"}, "", "entry[1]"),
        RawResource(observation("a b"), "", "entry[2]"),
        RawResource(observation("gone"), "", "entry[3]", "deleted"),
        RawResource(observation("o1"), "", "entry[4]"),
    ]
    found = settled(given)
    assert found.resources == (observation("o1"),)
    assert [said.partition(":")[0] for said in found.left_out] == ["entry[0]", "entry[1]", "entry[2]", "entry[3]"]
    assert found.left_out[3] == "entry[3]: deleted; not kept"
