"""Medication resources: status by type, the drug behind a reference, dosage and timing (FHIR R4)."""

from __future__ import annotations

from typing import Any

import pytest
from fhir_samples import concept, event_of, made, problems_of, record_of, report_of

from calcipath.record.model import Coding, Quantity

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
WARFARIN = concept("", "11289", RXNORM, "warfarin")


def drug(resource_type: str = "MedicationRequest", **fields: Any) -> dict[str, Any]:
    return made(resource_type, **{"status": "active", "medicationCodeableConcept": WARFARIN, **fields})


@pytest.mark.parametrize(
    ("resource_type", "written", "status"),
    [
        ("MedicationRequest", "active", "active"), ("MedicationRequest", "on-hold", "active"),
        ("MedicationRequest", "stopped", "completed"), ("MedicationRequest", "cancelled", "completed"),
        ("MedicationRequest", "draft", "planned"), ("MedicationRequest", "unknown", "unknown"),
        ("MedicationStatement", "intended", "planned"), ("MedicationStatement", "completed", "completed"),
        ("MedicationAdministration", "completed", "completed"), ("MedicationAdministration", "in-progress", "active"),
        ("MedicationDispense", "completed", "completed"), ("MedicationDispense", "preparation", "planned"),
    ],
)  # fmt: skip
def test_status(resource_type: str, written: str, status: str) -> None:
    assert event_of(drug(resource_type, status=written)).status == status


@pytest.mark.parametrize(
    ("resource_type", "written", "why"),
    [
        ("MedicationRequest", "entered-in-error", "entered in error"),
        ("MedicationStatement", "entered-in-error", "entered in error"),
        ("MedicationAdministration", "not-done", "not done"),
        ("MedicationDispense", "declined", "declined"),
        ("MedicationDispense", "cancelled", "cancelled"),
    ],
)
def test_what_never_was_is_counted(resource_type: str, written: str, why: str) -> None:
    found = report_of(drug(resource_type, status=written))
    assert (found.record.events, found.record.problems, found.dropped) == ((), (), {why: 1})


def test_a_drug_that_was_never_taken_is_refuted() -> None:
    event = event_of(drug("MedicationStatement", status="not-taken"))
    assert (event.status, event.verification) == ("completed", "refuted")


@pytest.mark.parametrize("intent", ["proposal", "plan", "option"])
def test_a_proposal_or_plan_is_planned(intent: str) -> None:
    assert event_of(drug(intent=intent)).status == "planned"
    assert event_of(drug(intent=intent, status="stopped")).status == "completed"
    assert event_of(drug(intent="order")).status == "active"


def test_do_not_perform_is_never_a_drug() -> None:
    assert report_of(drug(doNotPerform=True)).dropped == {"do not perform": 1}
    assert event_of(drug(doNotPerform=False)).name == "warfarin"
    for odd in ("true", 1, 0, []):
        assert problems_of(drug(doNotPerform=odd)) == [("MedicationRequest/x", "unreadable")]


def test_an_unknown_or_missing_status_is_unknown() -> None:
    assert event_of(drug(status=None)).status == "unknown"
    found = record_of(drug(status="paused"))
    assert found.events[0].status == "unknown" and len(found.problems) == 1
    assert record_of(drug(status=4)).events == ()


def by_reference(reference: str, **fields: Any) -> dict[str, Any]:
    return drug(medicationCodeableConcept=None, medicationReference={"reference": reference}, **fields)


MEDICATION = {"resourceType": "Medication", "id": "m", "code": WARFARIN}


@pytest.mark.parametrize(
    "reference", ["Medication/m", "Medication/m/_history/3", "https://ehr.example.org/Medication/m", "urn:uuid:m"]
)
def test_the_drug_behind_a_reference(reference: str) -> None:
    event = event_of(by_reference(reference), MEDICATION)
    assert (event.name, event.codings) == ("warfarin", (Coding(RXNORM, "11289", "warfarin"),))


def test_a_contained_drug() -> None:
    assert event_of(by_reference("#m", contained=[MEDICATION])).name == "warfarin"


def test_a_dangling_reference_is_listed_and_its_display_read() -> None:
    lost = drug(
        medicationCodeableConcept=None, medicationReference={"reference": "Medication/no", "display": "Cinacalcet"}
    )
    found = record_of(lost)
    assert found.events[0].name == "Cinacalcet"
    assert [problem.problem for problem in found.problems] == ["unresolved-reference"]


def test_a_mix_is_all_of_its_ingredients() -> None:
    mix = {
        "resourceType": "Medication",
        "id": "mix",
        "ingredient": [
            {"itemReference": {"reference": "Medication/m"}},
            {"itemCodeableConcept": concept("Saline", "9863", RXNORM)},
        ],
    }
    event = event_of(by_reference("Medication/mix"), mix, MEDICATION)
    assert event.name == "warfarin; Saline" and [coding.code for coding in event.codings] == ["11289", "9863"]


def test_a_mix_of_itself_is_listed_and_ends() -> None:
    first = {
        "resourceType": "Medication",
        "id": "a",
        "code": WARFARIN,
        "ingredient": [{"itemReference": {"reference": "Medication/b"}}],
    }
    second = {"resourceType": "Medication", "id": "b", "ingredient": [{"itemReference": {"reference": "Medication/a"}}]}
    found = record_of(by_reference("Medication/a"), first, second)
    assert found.events[0].name == "warfarin"
    assert [problem.problem for problem in found.problems] == ["unresolved-reference"]


def test_a_local_code_that_is_a_word_names_the_drug() -> None:
    local = {"coding": [{"system": "http://site.example/names", "code": "Calcium Gluconate"}]}
    assert event_of(drug(medicationCodeableConcept=local)).name == "Calcium Gluconate"
    named = {
        "resourceType": "Medication",
        "id": "m",
        "identifier": [{"system": "u:1", "value": "CloniDINE"}, {"system": "u:2", "value": "51079030020"}],
    }
    assert event_of(by_reference("Medication/m"), named).name == "CloniDINE"


def test_dose_route_texts_and_reason() -> None:
    held = [
        {
            "text": "25 g after dialysis",
            "route": concept("intravenous"),
            "doseAndRate": [{"doseRange": {}}, {"doseQuantity": {"value": 25, "unit": "g"}}],
        },
        {"doseAndRate": [{"doseQuantity": {"value": 12.5, "unit": "g"}}]},
    ]
    why = {"reasonCode": [concept("Calciphylaxis")], "reasonReference": [{"reference": "Condition/c"}]}
    problem = made("Condition", "c", code=concept("Skin ulcer"))
    found = record_of(drug(dosageInstruction=held, note=[{"text": "slowly"}], **why), problem)
    event = found.events[0]
    assert (event.dose, event.route) == (Quantity(25.0, "g"), "intravenous")
    assert (event.texts, event.reason) == (("25 g after dialysis", "slowly"), "Calciphylaxis; Skin ulcer")
    given = event_of(
        drug(
            "MedicationAdministration",
            status="completed",
            dosage={"dose": {"value": 500, "unit": "mg"}, "text": "once"},
        )
    )
    assert (given.dose, given.texts) == (Quantity(500.0, "mg"), ("once",))


# Occurrences a week, by hand: 7 days, 168 hours; three named days are three times.
@pytest.mark.parametrize(
    ("repeat", "weekly"),
    [
        ({"frequency": 3, "period": 1, "periodUnit": "wk"}, 3.0),
        ({"period": 1, "periodUnit": "d"}, 7.0),
        ({"frequency": 2, "period": 1, "periodUnit": "d"}, 14.0),
        ({"frequency": 1, "period": 8, "periodUnit": "h"}, 21.0),
        ({"frequency": 1, "period": 2, "periodUnit": "wk"}, 0.5),
        ({"frequency": 1, "period": 1, "periodUnit": "mo"}, 12 / 52.1775),
        ({"dayOfWeek": ["mon", "wed", "fri"]}, 3.0),
        ({"dayOfWeek": ["mon", "wed", "fri"], "frequency": 1, "period": 1, "periodUnit": "wk"}, 3.0),
        ({"dayOfWeek": ["mon", "thu"], "frequency": 2, "period": 1, "periodUnit": "d"}, 4.0),
        ({"timeOfDay": ["08:00:00", "20:00:00"]}, 14.0),
        ({"frequency": 3}, None),
        ({"frequency": 3, "period": 0, "periodUnit": "wk"}, None),
        ({"frequency": 3, "period": 1, "periodUnit": "fortnight"}, None),
    ],
)
def test_frequency(repeat: dict[str, Any], weekly: float | None) -> None:
    event = record_of(drug(dosageInstruction=[{"timing": {"repeat": repeat}}])).events[0]
    assert event.frequency_per_week == (pytest.approx(weekly) if weekly else None)


def test_frequency_by_abbreviation_and_as_needed() -> None:
    system = "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation"
    timing = {"code": {"coding": [{"system": system, "code": "BID"}]}}
    assert event_of(drug(dosageInstruction=[{"timing": timing}])).frequency_per_week == 14.0
    assert event_of(drug(dosageInstruction=[{"timing": timing, "asNeededBoolean": True}])).frequency_per_week is None


def written(when: Any) -> str:
    return when.written if when else ""


def test_when_a_drug_was_taken() -> None:
    request = event_of(
        drug(
            authoredOn="2026-01-02",
            dosageInstruction=[{"timing": {"repeat": {"boundsPeriod": {"start": "2026-01-03", "end": "2026-02"}}}}],
        )
    )
    assert (written(request.started), written(request.ended)) == ("2026-01-02", "2026-02")
    valid = {"validityPeriod": {"start": "2025-01-01", "end": "2025-02-01"}}
    assert event_of(drug(dispenseRequest=valid)).ended is None
    over = event_of(drug(status="completed", dispenseRequest=valid))
    assert (written(over.started), written(over.ended)) == ("2025-01-01", "2025-02-01")
    statement = event_of(drug("MedicationStatement", effectivePeriod={"start": "2006"}, dateAsserted="2026-01"))
    assert (written(statement.started), written(statement.issued)) == ("2006", "2026-01")
    dispense = event_of(drug("MedicationDispense", status="completed", whenHandedOver="2026-01-05"))
    assert written(dispense.started) == "2026-01-05"


def test_a_period_that_ends_before_it_starts_loses_its_end() -> None:
    found = record_of(drug("MedicationStatement", effectivePeriod={"start": "2026-01-05", "end": "2025-12-01"}))
    assert [problem.problem for problem in found.problems] == ["contradiction"]
    assert (written(found.events[0].started), found.events[0].ended) == ("2026-01-05", None)
