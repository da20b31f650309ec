"""Procedure, ServiceRequest and Encounter."""

from __future__ import annotations

from typing import Any

import pytest
from fhir_samples import concept, event_of, made, problems_of, record_of, report_of

from calcipath.record.model import Quantity

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def procedure(**fields: Any) -> dict[str, Any]:
    return made("Procedure", **{"status": "completed", "code": concept("Parathyroidectomy"), **fields})


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("in-progress", "active"),
        ("completed", "completed"),
        ("stopped", "completed"),
        ("preparation", "planned"),
        ("unknown", "unknown"),
    ],
)
def test_status_of_a_procedure(written: str, status: str) -> None:
    assert event_of(procedure(status=written)).status == status


def test_a_procedure_that_was_not_done_is_counted() -> None:
    assert report_of(procedure(status="not-done")).dropped == {"not done": 1}


def test_what_a_procedure_says() -> None:
    event = event_of(
        procedure(
            performedPeriod={"start": "2025-12-01", "end": "2025-12-02"},
            bodySite=[concept("Neck")],
            outcome=concept("Successful"),
            complication=[concept("Bleeding")],
            reasonCode=[concept("Tertiary hyperparathyroidism")],
        )
    )
    assert event.started is not None and event.started.written == "2025-12-01"
    assert event.ended is not None and event.ended.written == "2025-12-02"
    assert (event.site_text, event.value_text, event.texts) == ("Neck", "Successful", ("Bleeding",))
    assert event.reason == "Tertiary hyperparathyroidism"
    assert event_of(procedure(performedString="last spring")).texts == ("performed: last spring",)


def test_an_order_for_dialysis_has_its_frequency_and_length() -> None:
    repeat = {"frequency": 3, "period": 1, "periodUnit": "wk", "duration": 4, "durationUnit": "h"}
    order = made(
        "ServiceRequest",
        status="active",
        intent="order",
        code=concept("Dialysis"),
        authoredOn="2026-01-15",
        occurrenceTiming={"repeat": repeat},
    )
    event = event_of(order)
    assert (event.kind, event.status, event.frequency_per_week) == ("order", "active", 3.0)
    assert event.quantity == Quantity(4.0, "h", "http://unitsofmeasure.org", "h")
    assert event_of({**order, "status": "revoked"}).status == "completed"
    assert event_of({**order, "intent": "proposal"}).status == "planned"
    assert report_of({**order, "doNotPerform": True}).dropped == {"do not perform": 1}


@pytest.mark.parametrize(
    ("code", "inpatient"), [("IMP", True), ("ACUTE", True), ("AMB", False), ("EMER", False), ("X", None)]
)
def test_encounter_class(code: str, inpatient: bool | None) -> None:
    event = event_of(
        made(
            "Encounter",
            status="in-progress",
            **{"class": {"system": ACT, "code": code}},
            period={"start": "2026-01-10"},
        )
    )
    assert (event.kind, event.category, event.inpatient, event.status) == ("encounter", code, inpatient, "active")


def test_an_entry_knows_whether_its_encounter_was_in_hospital() -> None:
    stay = made("Encounter", "e", status="finished", **{"class": {"code": "IMP"}})
    found = record_of(procedure(encounter={"reference": "Encounter/e"}), procedure(id="y"), stay)
    assert [event.inpatient for event in found.events if event.kind == "procedure"] == [True, None]


def test_r5_shapes_are_listed_and_not_read() -> None:
    for resource in (
        procedure(occurrenceDateTime="2026-01-01"),
        made("MedicationRequest", status="active", medication={"concept": concept("warfarin")}),
        made("MedicationStatement", status="recorded", medication={"reference": {"reference": "Medication/m"}}),
        made("MedicationUsage", status="recorded", medication={"concept": concept("warfarin")}),
        made("MedicationAdministration", status="completed", occurenceDateTime="2026-01-01"),
        made("Encounter", status="completed", **{"class": [concept(code="IMP")]}),
        made("ServiceRequest", status="active", code={"concept": concept("Biopsy")}),
        made("Condition", code=concept("Ulcer"), evidence=[{"concept": concept("Pain")}]),
        made("AllergyIntolerance", code=concept("Penicillin"), type=concept(code="allergy")),
    ):
        found = report_of(resource)
        assert found.record.events == ()
        assert problems_of(resource) == [(f"{resource['resourceType']}/x", "unreadable")]
        assert "FHIR R5" in found.record.problems[0].handling


def test_an_entry_without_a_date_has_that_of_its_encounter() -> None:
    stay = made("Encounter", "e", status="finished", period={"start": "2026-01-10", "end": "2026-01-12"})
    at = {"reference": "Encounter/e"}
    diagnosis = made("Condition", code=concept("Ulcer"), encounter=at)
    dispensed = made("MedicationDispense", "d", status="completed", medicationCodeableConcept=concept("x"), context=at)
    condition, medication, _ = record_of(diagnosis, dispensed, stay).events
    assert condition.started is None and condition.issued is not None and condition.issued.written == "2026-01-10"
    assert medication.started is not None and medication.started.written == "2026-01-10"
    dated = record_of({**diagnosis, "recordedDate": "2026-01-11"}, stay).events[0]
    assert dated.issued is not None and dated.issued.written == "2026-01-11"
