"""Each resource type as flat events: its statuses (required value sets of FHIR R4), values, sites and texts."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from small_records import SNOMED, listed, only, record, resource, status, words

VOID = "no event"


def outcome(sample: dict[str, Any]) -> str:
    found = record(sample)
    assert len(found.events) <= 1
    return found.events[0].status if found.events else VOID


# http://hl7.org/fhir/R4/valueset-condition-clinical.html
@pytest.mark.parametrize(
    ("code", "expected"),
    [("active", "active"), ("recurrence", "active"), ("relapse", "active"), ("inactive", "inactive"),
     ("remission", "inactive"), ("resolved", "completed"), ("entered-in-error", VOID), ("", "unknown")],
)  # fmt: skip
def test_clinical_status(code: str, expected: str) -> None:
    assert outcome(resource("Condition", code=words("Skin ulcer"), clinicalStatus=status(code))) == expected


# http://hl7.org/fhir/R4/valueset-condition-ver-status.html
@pytest.mark.parametrize(
    ("code", "expected"),
    [("confirmed", "confirmed"), ("unconfirmed", "provisional"), ("provisional", "provisional"),
     ("differential", "provisional"), ("refuted", "refuted"), ("", "unstated")],
)  # fmt: skip
def test_verification_status(code: str, expected: str) -> None:
    assert only(resource("Condition", code=words("x"), verificationStatus=status(code))).verification == expected


def test_a_condition_entered_in_error_is_no_event() -> None:
    assert outcome(resource("Condition", code=words("x"), verificationStatus=status("entered-in-error"))) == VOID
    assert (
        outcome(resource("AllergyIntolerance", code=words("x"), verificationStatus=status("entered-in-error"))) == VOID
    )


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        # http://hl7.org/fhir/R4/valueset-medicationrequest-status.html; on hold: not stopped, so still a current drug
        ("MedicationRequest", "active", "active"), ("MedicationRequest", "on-hold", "active"),
        ("MedicationRequest", "completed", "completed"), ("MedicationRequest", "stopped", "completed"),
        ("MedicationRequest", "draft", "planned"), ("MedicationRequest", "entered-in-error", VOID),
        ("MedicationRequest", "unknown", "unknown"),
        # http://hl7.org/fhir/R4/valueset-medication-statement-status.html
        ("MedicationStatement", "active", "active"), ("MedicationStatement", "on-hold", "active"),
        ("MedicationStatement", "completed", "completed"), ("MedicationStatement", "stopped", "completed"),
        ("MedicationStatement", "intended", "planned"), ("MedicationStatement", "entered-in-error", VOID),
        ("MedicationStatement", "unknown", "unknown"),
        # http://hl7.org/fhir/R4/valueset-medication-admin-status.html
        ("MedicationAdministration", "in-progress", "active"), ("MedicationAdministration", "completed", "completed"),
        ("MedicationAdministration", "stopped", "completed"), ("MedicationAdministration", "not-done", VOID),
        ("MedicationAdministration", "entered-in-error", VOID),
        # http://hl7.org/fhir/R4/valueset-medicationdispense-status.html
        ("MedicationDispense", "preparation", "planned"), ("MedicationDispense", "completed", "completed"),
        ("MedicationDispense", "cancelled", VOID), ("MedicationDispense", "declined", VOID),
        ("MedicationDispense", "entered-in-error", VOID),
    ],
)  # fmt: skip
def test_medication_status(kind: str, code: str, expected: str) -> None:
    assert outcome(resource(kind, status=code, medicationCodeableConcept=words("Warfarin"))) == expected


# http://hl7.org/fhir/R4/valueset-event-status.html, valueset-request-status.html, valueset-encounter-status.html,
# valueset-observation-status.html, valueset-diagnostic-report-status.html
@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        ("Procedure", "preparation", "planned"), ("Procedure", "in-progress", "active"), ("Procedure", "on-hold", "active"),
        ("Procedure", "completed", "completed"), ("Procedure", "stopped", "completed"), ("Procedure", "not-done", VOID),
        ("Procedure", "entered-in-error", VOID), ("Procedure", "unknown", "unknown"),
        ("ServiceRequest", "draft", "planned"), ("ServiceRequest", "active", "active"),
        ("ServiceRequest", "completed", "completed"), ("ServiceRequest", "entered-in-error", VOID),
        ("Encounter", "planned", "planned"), ("Encounter", "arrived", "active"), ("Encounter", "triaged", "active"),
        ("Encounter", "in-progress", "active"), ("Encounter", "onleave", "active"), ("Encounter", "finished", "completed"),
        ("Encounter", "cancelled", VOID), ("Encounter", "entered-in-error", VOID), ("Encounter", "unknown", "unknown"),
        ("Observation", "final", "completed"), ("Observation", "amended", "completed"), ("Observation", "corrected", "completed"),
        ("Observation", "cancelled", VOID), ("Observation", "entered-in-error", VOID), ("Observation", "registered", "planned"),
        ("DiagnosticReport", "final", "completed"), ("DiagnosticReport", "appended", "completed"),
        ("DiagnosticReport", "registered", "planned"), ("DiagnosticReport", "cancelled", VOID),
        ("DiagnosticReport", "entered-in-error", VOID),
    ],
)  # fmt: skip
def test_other_statuses(kind: str, code: str, expected: str) -> None:
    named = {"type": [words("Admission")]} if kind == "Encounter" else {"code": words("Something")}
    assert outcome(resource(kind, status=code, **named)) == expected


@pytest.mark.parametrize("intent", ["proposal", "plan", "option"])
@pytest.mark.parametrize("kind", ["MedicationRequest", "ServiceRequest"])
def test_a_plan_is_not_an_order(kind: str, intent: str) -> None:
    named = (
        {"code": words("Kidney graft")}
        if kind == "ServiceRequest"
        else {"medicationCodeableConcept": words("Warfarin")}
    )
    assert outcome(resource(kind, status="active", intent=intent, **named)) == "planned"
    assert outcome(resource(kind, status="active", intent="order", **named)) == "active"


@pytest.mark.parametrize("kind", ["MedicationRequest", "ServiceRequest"])
def test_do_not_perform_is_no_drug_and_no_order(kind: str) -> None:
    sample = resource(kind, status="active", code=words("x"), medicationCodeableConcept=words("Warfarin"))
    assert outcome({**sample, "doNotPerform": True}) == VOID
    assert outcome({**sample, "doNotPerform": False}) == "active"
    unclear = record({**sample, "doNotPerform": "true"})
    assert (unclear.events, listed(unclear)) == ((), [(f"{kind}/x", "unreadable")])


def test_a_statement_of_a_drug_that_was_not_taken_never_counts_as_taken() -> None:
    found = record(resource("MedicationStatement", status="not-taken", medicationCodeableConcept=words("Warfarin")))
    assert all(event.verification == "refuted" for event in found.events)


def test_abatement_without_a_status_means_resolved() -> None:  # Condition, invariant con-4
    event = only(resource("Condition", code=words("Ulcer"), abatementDateTime="2025-03"))
    assert (event.status, event.ended and event.ended.written) == ("completed", "2025-03")


def test_quantity_comparator_range_and_interpretation() -> None:
    event = only(
        resource(
            "Observation", status="final", code=words("CRP"), effectiveDateTime="2026-01-10",
            valueQuantity={"value": 5, "comparator": "<", "unit": "mg/L", "code": "mg/L", "system": "http://unitsofmeasure.org"},
            referenceRange=[
                {"type": status("critical"), "high": {"value": 200, "unit": "mg/L"}},
                {"low": {"value": 0, "unit": "mg/L"}, "high": {"value": 10, "unit": "mg/L"}, "text": "0-10"},
            ],
            interpretation=[status("N")],
        )
    )  # fmt: skip
    assert event.quantity is not None
    assert (event.quantity.value, event.quantity.comparator, event.quantity.code) == (5.0, "<", "mg/L")
    assert event.range_low is not None
    assert event.range_high is not None
    assert (event.range_low.value, event.range_high.value, event.interpretation) == (0, 10, "N")


@pytest.mark.parametrize(
    ("value", "attribute", "expected"),
    [({"valueString": "  no growth "}, "value_text", "no growth"), ({"valueBoolean": False}, "value_boolean", False),
     ({"valueCodeableConcept": {"text": "Absent"}}, "value_text", "Absent")],
)  # fmt: skip
def test_other_values(value: dict[str, Any], attribute: str, expected: object) -> None:
    assert getattr(only(resource("Observation", status="final", code=words("x"), **value)), attribute) == expected


def test_an_integer_is_a_quantity() -> None:
    event = only(resource("Observation", status="final", code=words("Pain"), valueInteger=7))
    assert event.quantity is not None
    assert event.quantity.value == 7


def test_components_become_events_of_their_own_under_one_reference() -> None:
    parts = [
        {"code": words("Systolic"), "valueQuantity": {"value": 120, "unit": "mmHg"}},
        {"code": words("Diastolic"), "valueQuantity": {"value": 80, "unit": "mmHg"}},
        {"valueQuantity": {"value": 1}},
    ]
    found = record(resource("Observation", status="final", code=words("Blood pressure"), component=parts))
    values = {e.name: e.quantity.value for e in found.events if e.quantity}
    assert values == {"Systolic": 120, "Diastolic": 80}
    assert {e.reference for e in found.events} == {"Observation/x"}
    assert ("Observation/x", "unreadable") in listed(found)


def test_body_sites_of_an_observation_and_of_a_condition() -> None:
    thigh = {"coding": [{"system": SNOMED, "code": "68367000", "display": "Thigh"}], "text": "inner thigh"}
    one = only(resource("Observation", status="final", code=words("Ulcer"), bodySite=thigh))
    many = only(resource("Condition", code=words("Ulcer"), bodySite=[thigh, words("left breast")]))
    assert [c.code for c in one.sites] == [c.code for c in many.sites] == ["68367000"]
    assert "inner thigh" in one.site_text
    assert "inner thigh" in many.site_text
    assert "left breast" in many.site_text


def test_a_specimen_is_folded_into_its_report() -> None:
    skin = {
        "resourceType": "Specimen",
        "id": "s",
        "type": words("Skin, punch biopsy"),
        "subject": {"reference": "Patient/p"},
    }
    report = resource(
        "DiagnosticReport", status="final", code=words("Pathology"), specimen=[{"reference": "Specimen/s"}]
    )
    event = only(skin, report)
    assert (event.resource_type, event.specimen) == ("DiagnosticReport", "Skin, punch biopsy")
    assert ("DiagnosticReport/x", "unresolved-reference") in listed(record(report))


def test_a_report_gives_conclusion_codes_and_attached_text() -> None:
    told = base64.b64encode("Calcium in small vessels, größer".encode()).decode()
    event = only(
        resource(
            "DiagnosticReport", status="final", code=words("Pathology"), conclusion="Calciphylaxis.",
            conclusionCode=[{"coding": [{"system": SNOMED, "code": "236506009"}]}],
            presentedForm=[{"contentType": "text/plain", "data": told}],
        )
    )  # fmt: skip
    assert event.texts == ("Calciphylaxis.", "Calcium in small vessels, größer")
    assert [c.code for c in event.value_codings] == ["236506009"]


@pytest.mark.parametrize(
    "attachment",
    [{"contentType": "application/pdf", "data": "AAAA"}, {"url": "Binary/1"}, {"contentType": "text/plain", "data": 7}],
)
def test_a_note_that_cannot_be_read_is_listed(attachment: dict[str, Any]) -> None:
    found = record(resource("DocumentReference", status="current", content=[{"attachment": attachment}]))
    assert ("DocumentReference/x", "unreadable") in listed(found)


def test_notes_of_documents_and_compositions() -> None:
    told = base64.b64encode(b"Painful plaque").decode()
    note = only(
        resource("DocumentReference", status="current", type=words("Letter"), date="2026-01-02T10:00:00Z",
                 content=[{"attachment": {"contentType": "text/plain; charset=utf-8", "data": told}}])
    )  # fmt: skip
    assert (note.kind, note.texts) == ("note", ("Painful plaque",))
    letter = only(
        resource("Composition", status="final", type=words("Letter"), date="2026-01-02", title="Letter",
                 section=[{"title": "Skin", "text": {"status": "generated", "div": "<div><p>Eschar &gt; 2 cm</p></div>"},
                           "section": [{"text": {"status": "generated", "div": "<div>inner part</div>"}}]}])
    )  # fmt: skip
    whole = " ".join(letter.texts)
    assert "Eschar > 2 cm" in whole
    assert "inner part" in whole
    assert "<" not in whole


def test_an_allergy_is_named_by_its_code_or_by_the_substance_of_its_reaction() -> None:
    allergy = resource("AllergyIntolerance", clinicalStatus=status("active"), code=words("Penicillin"))
    assert (only(allergy).name, only(allergy).status) == ("Penicillin", "active")
    del allergy["code"]
    allergy["reaction"] = [{"substance": words("Cefazolin"), "manifestation": [words("Anaphylaxis")]}]
    assert only(allergy).name == "Cefazolin"


def test_dose_route_and_times_a_week() -> None:
    dosage = {
        "text": "25 g after dialysis", "route": words("Intravenous"), "timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "wk"}},
        "doseAndRate": [{"doseQuantity": {"value": 25, "unit": "g"}}],
    }  # fmt: skip
    event = only(
        resource(
            "MedicationRequest", status="active", medicationCodeableConcept=words("STS"), dosageInstruction=[dosage]
        )
    )
    assert event.dose is not None
    assert (event.dose.value, event.dose.unit, event.route, event.frequency_per_week) == (25, "g", "Intravenous", 3)


@pytest.mark.parametrize(
    ("code", "expected"), [("IMP", True), ("ACUTE", True), ("AMB", False), ("HH", False), ("", None)]
)
def test_whether_an_encounter_is_a_stay(code: str, expected: bool | None) -> None:
    event = only(
        resource("Encounter", status="in-progress", type=[words("x")], **({"class": {"code": code}} if code else {}))
    )
    assert event.inpatient is expected
