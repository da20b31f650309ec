"""Condition and AllergyIntolerance; statuses from the value sets of FHIR R4."""

from __future__ import annotations

from typing import Any

import pytest
from fhir_samples import concept, event_of, made, problems_of, report_of

from calcipath.record.fhir.raw import RawResource
from calcipath.record.model import Coding
from calcipath.record.reader import read_record


def condition(clinical: str = "", verification: str = "", **fields: Any) -> dict[str, Any]:
    held = {"clinicalStatus": clinical, "verificationStatus": verification}
    return made("Condition", code=concept("Ulcer"), **{k: concept(code=v) for k, v in held.items() if v}, **fields)


@pytest.mark.parametrize(
    ("clinical", "status"),
    [
        ("active", "active"), ("recurrence", "active"), ("relapse", "active"), ("inactive", "inactive"),
        ("remission", "inactive"), ("resolved", "completed"), ("", "unknown"),
    ],
)  # fmt: skip
def test_clinical_status(clinical: str, status: str) -> None:
    assert event_of(condition(clinical)).status == status


@pytest.mark.parametrize(
    ("written", "verification"),
    [
        ("confirmed", "confirmed"), ("provisional", "provisional"), ("unconfirmed", "provisional"),
        ("differential", "provisional"), ("refuted", "refuted"), ("", "unstated"),
    ],
)  # fmt: skip
def test_verification(written: str, verification: str) -> None:
    assert event_of(condition("active", written)).verification == verification


def test_entered_in_error_is_counted_and_no_event() -> None:
    found = report_of(condition("active", "entered-in-error"))
    assert found.record.events == () and found.record.problems == ()
    assert found.dropped == {"entered in error": 1}


def test_a_bare_string_as_status_is_read_as_the_code() -> None:
    old = made("Condition", code=concept("Ulcer"), clinicalStatus="active", verificationStatus="refuted")
    assert (event_of(old).status, event_of(old).verification) == ("active", "refuted")
    assert report_of({**old, "verificationStatus": "entered-in-error"}).dropped == {"entered in error": 1}


@pytest.mark.parametrize("odd", [7, True, ["refuted"]])
def test_a_status_that_cannot_be_read_makes_the_entry_unusable(odd: Any) -> None:
    found = report_of({**condition("active"), "verificationStatus": odd})
    assert found.record.events == () and found.refused == {"Condition": 1}
    assert problems_of({**condition("active"), "verificationStatus": odd}) == [("Condition/x", "unreadable")]


def test_everything_that_a_condition_says() -> None:
    event = event_of(
        made(
            "Condition",
            clinicalStatus=concept(code="active"),
            category=[concept(code="problem-list-item")],
            severity=concept("Severe"),
            code=concept("Stasis ulcer", "N18.6", "http://hl7.org/fhir/sid/icd-10-cm", "End stage renal disease"),
            bodySite=[concept("Thigh", "68367000"), concept("Breast")],
            onsetPeriod={"start": "2025-03", "end": "2025-04"},
            recordedDate="2025-05-01",
            stage=[{"summary": concept("Stage 5")}],
            note=[{"text": "Since\nspring"}],
        )
    )
    assert event.kind == "condition" and event.reference == "Condition/x" and event.name == "Stasis ulcer"
    assert event.codings == (Coding("http://hl7.org/fhir/sid/icd-10-cm", "N18.6", "End stage renal disease"),)
    assert (event.category, event.value_text, event.site_text) == ("problem-list-item", "Severe", "Thigh; Breast")
    assert event.started is not None and event.started.written == "2025-03"
    assert event.issued is not None and event.issued.written == "2025-05-01"
    assert event.texts == ("Since\nspring", "Stage 5")


def test_onset_in_words_and_by_age() -> None:
    assert event_of(condition("active", onsetString="since childhood")).texts == ("onset: since childhood",)
    assert event_of(condition("active", onsetAge={"value": 52, "unit": "years"})).texts == ("onset at age 52 years",)


def test_abatement() -> None:
    gone = event_of(condition(abatementDateTime="2024-02"))
    assert gone.status == "completed" and gone.ended is not None and gone.ended.written == "2024-02"
    assert problems_of(condition("active", abatementDateTime="2024-02")) == [("Condition/x", "contradiction")]


def test_without_code_and_words_nothing_is_used() -> None:
    assert problems_of(made("Condition", clinicalStatus=concept(code="active"))) == [("Condition/x", "unreadable")]


def test_allergy() -> None:
    event = event_of(
        made(
            "AllergyIntolerance",
            clinicalStatus=concept(code="active"),
            verificationStatus=concept(code="confirmed"),
            category=["medication"],
            code=concept("Penicillin", "91936005"),
            recordedDate="2020",
            reaction=[
                {"manifestation": [concept("Anaphylaxis"), concept("Rash")], "description": "minutes after a dose"}
            ],
        )
    )
    assert (event.kind, event.name, event.status, event.category) == ("allergy", "Penicillin", "active", "medication")
    assert event.value_text == "Anaphylaxis; Rash" and event.texts == ("minutes after a dose",)


def test_an_allergy_without_a_code_is_named_by_the_substance() -> None:
    assert event_of(made("AllergyIntolerance", reaction=[{"substance": concept("Latex")}])).name == "Latex"


def test_a_device_whose_code_has_no_words_is_read() -> None:
    device = {
        "resourceType": "Device",
        "id": "d",
        "status": "active",
        "type": {"coding": [{"system": "http://snomed.info/sct", "code": "17107009"}]},
        "patient": {"reference": "Patient/p"},
    }
    patient = {"resourceType": "Patient", "id": "p"}
    (event,) = read_record([RawResource(patient), RawResource(device)]).events
    assert (event.name, event.codings[0].code) == ("", "17107009")
