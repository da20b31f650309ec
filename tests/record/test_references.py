"""References between resources: found, contained, dangling, circular."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from small_records import PATIENT, listed, only, record, resource, words

from calcipath.record.reader import RawResource, read_record

WARFARIN = {"resourceType": "Medication", "id": "m", "code": words("Warfarin 5 mg")}


def request(reference: str, **more: Any) -> dict[str, Any]:
    return resource("MedicationRequest", status="active", medicationReference={"reference": reference}, **more)


@pytest.mark.parametrize(
    "reference",
    ["Medication/m", "Medication/m/_history/3", "https://ehr.example.org/fhir/Medication/m", "urn:uuid:m"],
)
def test_a_drug_behind_a_reference(reference: str) -> None:
    assert only(WARFARIN, request(reference)).name == "Warfarin 5 mg"


def test_a_drug_by_full_url() -> None:
    raw = [RawResource(PATIENT), RawResource({"resourceType": "Medication", "code": words("STS")}, "urn:uuid:77"),
           RawResource(request("urn:uuid:77"))]  # fmt: skip
    assert [e.name for e in read_record(raw).events] == ["STS"]


def test_a_contained_drug() -> None:
    assert only(request("#m", contained=[WARFARIN])).name == "Warfarin 5 mg"


def test_a_drug_that_is_not_in_the_record_is_listed_and_read_by_its_display() -> None:
    assert ("MedicationRequest/x", "unresolved-reference") in listed(record(request("Medication/none")))
    shown = resource(
        "MedicationRequest",
        status="active",
        medicationReference={"reference": "Medication/none", "display": "Warfarin"},
    )
    found = record(shown)
    assert [e.name for e in found.events] == ["Warfarin"]
    assert ("MedicationRequest/x", "unresolved-reference") in listed(found)


def test_a_mixture_is_read_by_its_ingredients() -> None:
    mix = {
        "resourceType": "Medication", "id": "mix",
        "ingredient": [{"itemCodeableConcept": words("Sodium thiosulfate")}, {"itemReference": {"reference": "Medication/m"}}],
    }  # fmt: skip
    name = only(mix, WARFARIN, request("Medication/mix")).name
    assert "Sodium thiosulfate" in name
    assert "Warfarin 5 mg" in name


def test_circular_ingredients_end_and_are_listed() -> None:
    ring = [
        {"resourceType": "Medication", "id": a, "ingredient": [{"itemReference": {"reference": f"Medication/{b}"}}]}
        for a, b in (("1", "2"), ("2", "3"), ("3", "1"))
    ]
    found = record(*ring, request("Medication/1"))
    assert not found.events
    assert {reference for reference, _ in listed(found)} == {"MedicationRequest/x"}


def test_a_thousand_ingredients_that_are_their_own_mixture_take_no_time() -> None:
    many = [{"itemReference": {"reference": "Medication/1"}}] * 1000
    start = time.perf_counter()
    record({"resourceType": "Medication", "id": "1", "ingredient": many}, request("Medication/1"))
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    "reference", ["", "#", "#none", "/", "Medication/", "urn:uuid:", "http://[", "?", "\x00", "a" * 100_000]
)
def test_hostile_references_are_listed(reference: str) -> None:
    found = record(request(reference))
    assert not found.events
    assert {name for name, _ in listed(found)} == {"MedicationRequest/x"}


def test_a_reference_to_another_type_names_no_drug() -> None:
    found = record(request("Patient/p"))
    assert [e.name for e in found.events] == []
    assert {name for name, _ in listed(found)} == {"MedicationRequest/x"}
