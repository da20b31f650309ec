"""A whole record: whose it is, which version, what is in the future, and that nothing is lost in silence."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from small_records import PATIENT, listed, only, record, resource, words

from calcipath.record.model import Coding
from calcipath.record.reader import RawResource, RecordError, read_record, read_resources


def observation(name: str = "x", **fields: Any) -> dict[str, Any]:
    return {**resource("Observation", **{"status": "final", "code": words("Calcium"), **fields}), "id": name}


def test_demographics() -> None:
    patient = record(observation()).patient
    assert (patient.reference, patient.sex, patient.born and patient.born.written) == (
        "Patient/p",
        "female",
        "1960-05-04",
    )


def test_two_patients_are_refused() -> None:
    with pytest.raises(RecordError, match="2 patients"):
        record({"resourceType": "Patient", "id": "q"})
    with pytest.raises(RecordError):
        record(observation(subject={"reference": "Patient/q"}))
    with pytest.raises(RecordError):
        read_record([RawResource(observation("a")), RawResource(observation("b", subject={"reference": "Patient/q"}))])


def test_two_patients_without_ids_are_refused() -> None:
    with pytest.raises(RecordError):
        read_record([RawResource({"resourceType": "Patient", "gender": g}, "", g) for g in ("male", "female")])


@pytest.mark.parametrize(
    "reference", ["Patient/p", "Patient/p/_history/4", "urn:uuid:p", "https://ehr.example.org/fhir/Patient/p"]
)
def test_the_ways_to_name_the_one_patient(reference: str) -> None:
    assert only(observation(subject={"reference": reference})).name == "Calcium"


def test_a_measurement_of_a_device_is_not_the_patients() -> None:
    found = record(observation(subject={"reference": "Device/1"}))
    assert (found.events, [r for r, _ in listed(found)]) == ((), ["Observation/x"])


def test_no_patient_resource_is_listed() -> None:
    found = read_record([RawResource(observation())])
    assert len(found.events) == 1
    assert found.patient.sex == ""
    assert any("Patient" in reference for reference, _ in listed(found))


def test_the_newest_version_is_read_and_the_other_listed() -> None:
    old = observation(valueInteger=1, meta={"lastUpdated": "2026-01-01T00:00:00Z"})
    new = observation(valueInteger=2, meta={"lastUpdated": "2026-01-02T00:00:00Z"})
    for pair in ((old, new), (new, old)):
        found = record(*pair)
        assert [e.quantity.value for e in found.events if e.quantity] == [2]
        assert [r for r, _ in listed(found)] == ["Observation/x"]


def test_a_plain_copy_is_read_once() -> None:
    found = record(observation(), observation())
    assert (len(found.events), found.problems) == (1, ())


def test_as_of_leaves_the_future_out_and_says_so() -> None:
    days = [observation(day, effectiveDateTime=day) for day in ("2026-01-14", "2026-01-15", "2026-01-16", "2026")]
    found = record(*days, as_of="2026-01-15")
    assert [e.reference[12:] for e in found.events] == ["2026-01-14", "2026-01-15", "2026"]
    assert listed(found) == [("Observation/2026-01-16", "future-date")]


def test_a_diagnosis_that_was_only_recorded_later_is_left_out() -> None:
    found = record(resource("Condition", code=words("Ulcer"), recordedDate="2026-02-01"), as_of="2026-01-15")
    assert (found.events, listed(found)) == ((), [("Condition/x", "future-date")])


@pytest.mark.parametrize("as_of", ["yesterday", "2026-02-30", "\x00"])
def test_a_bad_as_of_is_one_sentence(as_of: str) -> None:
    with pytest.raises(RecordError) as caught:
        record(as_of=as_of)
    assert str(caught.value).isprintable()


def test_the_record_ends_with_the_newest_clinical_date() -> None:
    plan = resource("ServiceRequest", status="draft", intent="plan", code=words("Biopsy"), authoredOn="2027-01-01")
    found = record(
        observation("a", effectiveDateTime="2025-12"), observation("b", effectiveDateTime="2026-01-03"), plan
    )
    assert found.ends is not None
    assert found.ends.written == "2026-01-03"
    assert record().ends is None  # the birth date is no clinical date


def test_completeness_is_handed_on() -> None:
    assert record().complete == frozenset()
    assert record(complete=frozenset({"medications"})).complete == {"medications"}


def test_a_sites_own_code_system_is_read_as_the_standard_one() -> None:
    coded = observation(code={"coding": [{"system": "urn:local:lab", "code": "17861-6"}]})
    assert only(coded, code_systems={"urn:local:lab": "http://loinc.org"}).codings == (
        Coding("http://loinc.org", "17861-6"),
    )
    assert only(coded).codings == (Coding("urn:local:lab", "17861-6"),)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("MedicationRequest", {"medication": {"concept": words("Warfarin")}}),
        ("MedicationStatement", {"medication": {"reference": {"reference": "Medication/1"}}}),
        ("MedicationUsage", {"medication": {"concept": words("Warfarin")}}),
        ("Procedure", {"code": words("Biopsy"), "occurrenceDateTime": "2026-01-01"}),
        ("Encounter", {"actualPeriod": {"start": "2026-01-01"}}),
        ("MedicationAdministration", {"medication": {"concept": words("STS")}, "occurenceDateTime": "2026-01-01"}),
    ],
)
def test_r5_shapes_are_listed_and_not_read(kind: str, fields: dict[str, Any]) -> None:
    found = record(resource(kind, status="active", **fields))
    assert (found.events, listed(found)) == ((), [(f"{kind}/x", "unreadable")])
    assert "R5" in found.problems[0].handling


@pytest.mark.parametrize(
    "kind", ["Condition", "Observation", "Procedure", "MedicationRequest", "ServiceRequest", "AllergyIntolerance"]
)
def test_a_resource_without_a_code_is_listed(kind: str) -> None:
    found = record(resource(kind, status="active"))
    assert (found.events, {r for r, _ in listed(found)}) == ((), {f"{kind}/x"})


WRONG: tuple[Any, ...] = (
    True,
    7,
    1.5,
    "text",
    [],
    {},
    [[]],
    [None],
    {"a": {}},
    [{"a": 1}],
    10**400,
    float("nan"),
    "\ud800",
)
FIELDS = {
    "Condition": ("clinicalStatus", "verificationStatus", "code", "bodySite", "onsetDateTime", "abatementPeriod", "note", "severity"),
    "Observation": ("status", "code", "effectiveDateTime", "valueQuantity", "component", "referenceRange", "interpretation", "issued",
                    "valueString", "specimen", "bodySite", "category"),
    "MedicationRequest": ("status", "intent", "doNotPerform", "medicationCodeableConcept", "medicationReference", "dosageInstruction",
                          "authoredOn", "reasonCode", "dispenseRequest"),
    "DiagnosticReport": ("status", "code", "conclusion", "conclusionCode", "presentedForm", "result", "specimen"),
    "Encounter": ("status", "class", "type", "period", "reasonCode"),
    "Procedure": ("status", "code", "performedPeriod", "outcome", "bodySite", "complication"),
    "AllergyIntolerance": ("code", "reaction", "category", "clinicalStatus", "onsetDateTime"),
    "DocumentReference": ("content", "type", "date", "docStatus"),
    "Composition": ("section", "type", "title", "date"),
    "ServiceRequest": ("code", "intent", "occurrenceTiming", "orderDetail", "quantityQuantity"),
    "Patient": ("gender", "birthDate", "deceasedDateTime", "identifier", "id", "meta"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind, fields in FIELDS.items() for field in fields])
def test_wrong_types_in_any_field_are_an_event_a_void_or_a_listed_problem(kind: str, field: str) -> None:
    for wrong in WRONG:
        sample = resource(kind, status="final", code=words("Calcium"), medicationCodeableConcept=words("Warfarin"))
        sample |= {"type": words("Letter")} if kind in ("Composition", "DocumentReference") else {}
        sample |= {"type": [words("Visit")]} if kind == "Encounter" else {}
        sample[field] = wrong
        raw = [
            RawResource(r, "", f"entry[{n}]")
            for n, r in enumerate([sample] if kind == "Patient" else [PATIENT, sample])
        ]
        report = read_resources(raw)
        heard = [report.read, report.folded, report.ignored, report.dropped, report.refused]
        assert report.total == len(raw) == sum(sum(counts.values()) for counts in heard), (wrong, report)
        if sum(report.refused.values()):
            assert report.record.problems, wrong


@pytest.mark.parametrize(
    ("key", "wrong"), [("effectiveDateTime", 20260115), ("valueQuantity", "5 mg"), ("issued", "soon"), ("note", "x")]
)
def test_a_wrong_field_is_named_and_the_rest_is_read(key: str, wrong: Any) -> None:
    found = record(observation(**{key: wrong}))
    assert [e.name for e in found.events] == ["Calcium"]
    assert listed(found) == [("Observation/x", "unreadable")]
    assert key in found.problems[0].handling


@pytest.mark.parametrize("junk", [None, 7, "text", [], {}, {"resourceType": 5}, {"resourceType": ""}, {"id": "x"}])
def test_entries_that_are_no_resource_are_listed_by_their_place(junk: Any) -> None:
    assert listed(record(junk)) == [("entry[1]", "unreadable")]


def test_types_that_are_not_read_are_counted() -> None:
    found = record(resource("Claim"), {**resource("Claim"), "id": "y"}, resource("Coverage"))
    assert (dict(found.not_read), found.problems) == ({"Claim": 2, "Coverage": 1}, ())


def test_hostile_strings_lose_their_control_characters_and_stay_bounded() -> None:
    event = only(observation(valueString="pa\x00in\x1b[31m \u202elive\ud800 " + "a" * 300_000))
    assert not set("\x00\x1b\u202e\ud800") & set(event.value_text)
    assert len(event.value_text) <= 100_000
    assert event.value_text.encode("utf-8")
    assert [r for r, _ in listed(record(observation(valueString="a" * 300_000)))] == ["Observation/x"]


def test_10000_deep_nesting_in_memory_is_no_crash() -> None:
    deep: Any = "x"
    for _ in range(10_000):
        deep = {"extension": [deep]}
    for field in ("code", "valueQuantity", "component", "contained", "meta"):
        found = record(observation(**{field: deep}), observation(**{field: deep}))
        assert len(found.events) <= 2
