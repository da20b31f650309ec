"""Observation: every value[x] of FHIR R4, components, absence, interpretation and reference range."""

from __future__ import annotations

from typing import Any

import pytest
from fhir_samples import LOINC, concept, event_of, made, problems_of, record_of, report_of

from calcipath.record.model import Coding, Quantity

UCUM = "http://unitsofmeasure.org"
MG_DL = {"unit": "mg/dL", "system": UCUM, "code": "mg/dL"}


def observation(**fields: Any) -> dict[str, Any]:
    return made("Observation", **{"status": "final", "code": concept("Calcium", "17861-6", LOINC), **fields})


@pytest.mark.parametrize(
    ("field", "value", "quantity", "text"),
    [
        ("valueQuantity", {"value": 9.1, **MG_DL}, Quantity(9.1, "mg/dL", UCUM, "mg/dL"), ""),
        ("valueQuantity", {"value": 1, "comparator": "<"}, Quantity(1.0, comparator="<"), ""),
        ("valueInteger", 3, Quantity(3.0), ""),
        ("valueString", " black\teschar ", None, "black\teschar"),
        ("valueCodeableConcept", {"text": "Positive"}, None, "Positive"),
        ("valueRange", {"low": {"value": 2}, "high": {"value": 4.5, "unit": "cm"}}, None, "2-4.5 cm"),
        ("valueRange", {"high": {"value": 4, "unit": "cm"}}, None, "<=4 cm"),
        ("valueRatio", {"numerator": {"value": 1}, "denominator": {"value": 128}}, None, "1:128"),
        (
            "valueRatio",
            {"numerator": {"value": 60, "unit": "mg"}, "denominator": {"value": 2, "unit": "g"}},
            Quantity(30.0, "mg/g"),
            "",
        ),
        ("valueDateTime", "2026-01", None, "2026-01"),
        ("valueTime", "10:30:00", None, "10:30:00"),
        ("valuePeriod", {"start": "2025", "end": "2026"}, None, "2025 to 2026"),
        ("valueSampledData", {"data": "1 2 3"}, None, "sampled data"),
    ],
)
def test_values(field: str, value: Any, quantity: Quantity | None, text: str) -> None:
    event = event_of(observation(**{field: value}))
    assert (event.quantity, event.value_text, event.status) == (quantity, text, "completed")


@pytest.mark.parametrize("truth", [True, False])
def test_a_boolean_value_is_kept_apart_from_none(truth: bool) -> None:
    assert event_of(observation(valueBoolean=truth)).value_boolean is truth
    assert event_of(observation()).value_boolean is None


@pytest.mark.parametrize(
    "value",
    [{"value": "9.1"}, {"value": True}, {"value": 10**400}, {"value": 9.1, "comparator": "about"}, "9.1 mg/dL", [9.1]],
)
def test_a_value_of_the_wrong_type_is_listed_and_not_used(value: Any) -> None:
    found = record_of(observation(valueQuantity=value))
    assert [problem.problem for problem in found.problems] == ["unreadable"]
    assert found.events[0].quantity is None and found.events[0].status == "unknown"


def test_two_values_at_once_are_not_used() -> None:
    found = record_of(observation(valueString="low", valueInteger=9))
    assert len(found.problems) == 1 and found.events[0].value_text == "" and found.events[0].quantity is None


def test_an_absent_value_leaves_the_status_unknown() -> None:
    assert event_of(observation(dataAbsentReason=concept(code="not-performed"))).status == "unknown"


@pytest.mark.parametrize("field", ["valueAttachment", "valueReference"])
def test_a_value_of_r5_is_listed(field: str) -> None:
    found = record_of(observation(**{field: {}}))
    assert "FHIR R5" in found.problems[0].handling and found.events[0].status == "unknown"


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("final", "completed"), ("amended", "completed"), ("corrected", "completed"), ("preliminary", "active"),
        ("registered", "planned"), ("unknown", "unknown"),
    ],
)  # fmt: skip
def test_status(written: str, status: str) -> None:
    assert event_of(observation(status=written)).status == status


@pytest.mark.parametrize(("written", "why"), [("entered-in-error", "entered in error"), ("cancelled", "cancelled")])
def test_void_observations_are_counted(written: str, why: str) -> None:
    found = report_of(observation(status=written, valueQuantity="never read"))
    assert (found.record.events, found.record.problems, found.dropped) == ((), (), {why: 1})


def test_components_stand_for_the_panel_and_share_its_time() -> None:
    panel = observation(
        effectiveDateTime="2026-01-15",
        component=[
            {"code": concept("Systolic", "8480-6", LOINC), "valueQuantity": {"value": 88, "unit": "mmHg"}},
            {"code": concept("Diastolic", "8462-4", LOINC), "dataAbsentReason": concept(code="unknown")},
        ],
    )
    systolic, diastolic = record_of(panel).events
    assert (systolic.name, systolic.quantity) == ("Systolic", Quantity(88.0, "mmHg"))
    assert diastolic.status == "unknown" and systolic.status == "completed"
    assert {event.reference for event in (systolic, diastolic)} == {"Observation/x"}
    assert systolic.started is not None and systolic.started.written == "2026-01-15"


def test_a_panel_with_a_value_or_a_note_is_an_event_too() -> None:
    part = [{"code": concept("Size"), "valueString": "4 cm"}]
    named = [event.name for event in record_of(observation(component=part, note=[{"text": "worse"}])).events]
    assert named == ["Calcium", "Size"]
    assert [event.name for event in record_of(observation(component=part, valueInteger=3)).events] == [
        "Calcium",
        "Size",
    ]


def test_a_component_without_a_code_or_with_a_modifier_is_listed() -> None:
    good = {"code": concept("Size"), "valueString": "4 cm"}
    for bad in ({"valueString": "?"}, {**good, "modifierExtension": [{"url": "http://example.org/not"}]}):
        found = record_of(observation(component=[good, bad]))
        assert [event.name for event in found.events] == ["Size"] and len(found.problems) == 1


@pytest.mark.parametrize(
    ("held", "code"),
    [
        ([concept(code="HH")], "HH"), ([concept("High")], "H"), ([concept("critically low")], "LL"),
        ([concept("see comment"), concept(code="N")], "N"), ([concept("see comment")], ""), (concept(code="POS"), "POS"),
    ],
)  # fmt: skip
def test_interpretation(held: Any, code: str) -> None:
    assert event_of(observation(interpretation=held)).interpretation == code


def test_reference_range_is_the_one_of_normal() -> None:
    ranges = [
        {"type": concept(code="therapeutic"), "low": {"value": 2}, "high": {"value": 3}},
        {"low": {"value": 8.4, "unit": "mg/dL"}, "high": {"value": 10.2, "unit": "mg/dL"}},
    ]
    event = event_of(observation(referenceRange=ranges))
    assert (event.range_low, event.range_high) == (Quantity(8.4, "mg/dL"), Quantity(10.2, "mg/dL"))
    words = event_of(observation(referenceRange=[{"text": "7-115%"}]))
    assert (words.range_low, words.range_high, words.range_text) == (None, None, "7-115%")


def test_site_and_specimen() -> None:
    specimen = made(
        "Specimen",
        "s",
        type=concept("Skin"),
        collection={"method": concept("Punch biopsy"), "bodySite": concept("Thigh", "1")},
    )
    event = event_of(observation(bodySite=concept("Leg"), specimen={"reference": "Specimen/s"}), specimen)
    assert (event.specimen, event.site_text) == ("Skin, Punch biopsy", "Leg; Thigh")
    assert event.sites == (Coding("http://snomed.info/sct", "1"),)


def test_without_effective_the_date_of_issue_counts() -> None:
    event = event_of(observation(issued="2026-01-15T10:00:00Z"))
    assert event.started == event.issued is not None


@pytest.mark.parametrize("written", ["2026-02-30", "soon", 20260115, ["2026"]])
def test_an_impossible_date_is_listed_and_the_rest_kept(written: Any) -> None:
    found = record_of(observation(effectiveDateTime=written, valueInteger=3))
    assert [problem.problem for problem in found.problems] == ["unreadable"]
    assert found.events[0].started is None and found.events[0].quantity == Quantity(3.0)


def test_only_the_text_is_used_without_a_code() -> None:
    found = record_of(observation(code=None, valueString="necrotic ulcer"))
    assert found.events[0].value_text == "necrotic ulcer" and len(found.problems) == 1
    assert problems_of(observation(code=None, valueInteger=3)) == [("Observation/x", "unreadable")]
