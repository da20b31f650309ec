"""The flat rows of the small OMOP data sets, written out by hand."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from omop_records import write_tables

from calcipath.population.duckdb_engine import Database
from calcipath.population.omop_sql import events_sql, find_omop, patients_sql, prepare_sql
from calcipath.population.omop_values import when

DATA = Path(__file__).parent / "data"
SNOMED, ICD10CM, RXNORM = (
    "http://snomed.info/sct",
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
)
UNITS = {"unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"}
CALCIPHYLAXIS = {"system": SNOMED, "code": "237900002", "display": "Calciphylaxis"}
STARTED, PERIOD = "$started", {"start": "$started", "end": "$ended"}
Flat = dict[str, tuple[dict[str, Any], tuple[Any, ...]]]


def flat(work: Path, path: Path) -> tuple[Flat, list[tuple[Any, ...]]]:
    """Content and (patient, started, ended, recorded, value, notes) by reference; and the patients."""
    work.mkdir()
    with Database(str(work)) as database:
        source = find_omop(database.run, str(path))
        assert source is not None
        for statement in prepare_sql(source):
            database.run(statement)
        rows = database.run(
            f"SELECT reference, content, patient, started, ended, recorded, value, notes FROM ({events_sql(source)})"
        )
        patients = database.run(f"SELECT * FROM ({patients_sql(source)}) ORDER BY patient")
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: (json.loads(row[1]), row[2:]) for row in rows}, patients


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> tuple[Flat, list[tuple[Any, ...]]]:
    return flat(tmp_path_factory.mktemp("omop") / "work", DATA / "omop-5.4")


def test_patients(held: tuple[Flat, list[tuple[Any, ...]]]) -> None:
    """A first of January that stands only in `birth_datetime` says no more than the year."""
    assert held[1] == [
        ("1", "female", "1961-04-09", None, "North Dialysis Unit"),
        ("2", "male", "1950", "2026-03-02T04:10:00", None),
        ("3", "female", "1972-11", None, "care site 2"),
    ]


def drug(code: str, name: str) -> dict[str, Any]:
    return {"coding": [{"system": RXNORM, "code": code, "display": name}]}


ROWS: dict[str, tuple[dict[str, Any], tuple[Any, ...]]] = {
    # a chronic diagnosis by two codes; midnight is no time of day
    "Condition/condition-1": (
        {
            "resourceType": "Condition",
            "code": {
                "coding": [
                    {"system": SNOMED, "code": "46177005", "display": "End-stage renal disease"},
                    {"system": ICD10CM, "code": "N18.6", "display": "End stage renal disease"},
                ]
            },
            "onsetDateTime": STARTED,
        },
        ("1", "2020-05-01", None, None, None, None),
    ),
    # ends within the stay at which it was recorded: no abatement
    "Condition/condition-2": (
        {
            "resourceType": "Condition",
            "verificationStatus": {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
                        "code": "provisional",
                    }
                ]
            },
            "code": {
                "coding": [
                    CALCIPHYLAXIS,
                    {"system": ICD10CM, "code": "E83.59", "display": "Other disorders of calcium metabolism"},
                ]
            },
            "onsetDateTime": STARTED,
        },
        ("1", "2026-02-10T09:30:00", None, None, None, None),
    ),
    "Condition/condition-3": (
        {
            "resourceType": "Condition",
            "code": {"coding": [CALCIPHYLAXIS]},
            "onsetDateTime": STARTED,
            "abatementDateTime": "$ended",
        },
        ("2", "2025-06-01", "2025-09-01", None, None, None),
    ),
    # no concept, one day: what the source wrote, with its words and its status
    "Condition/condition-4": (
        {
            "resourceType": "Condition",
            "clinicalStatus": {
                "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
            },
            "code": {
                "coding": [{"system": "omop:condition_source_value", "code": "Calciphylaxis of the left thigh"}],
                "text": "Calciphylaxis of the left thigh",
            },
            "onsetDateTime": STARTED,
        },
        ("3", "2026-01-15", None, None, None, None),
    ),
    "Condition/death-2": (
        {
            "resourceType": "Condition",
            "code": {
                "coding": [
                    CALCIPHYLAXIS,
                    {"system": ICD10CM, "code": "E83.59", "display": "Other disorders of calcium metabolism"},
                ]
            },
            "recordedDate": "$recorded",
        },
        ("2", None, None, "2026-03-02T04:10:00", None, None),
    ),
    # dispensed: a supply that reaches beyond the end of observation goes on
    "MedicationStatement/drug-1": (
        {
            "resourceType": "MedicationStatement",
            "status": "active",
            "medicationCodeableConcept": drug("855332", "warfarin sodium 5 MG Oral Tablet"),
            "effectivePeriod": PERIOD,
            "dosage": [{"route": {"text": "Oral route"}}],
        },
        ("1", "2026-02-01", "2026-05-01", None, None, '{"note":[{"text":"one daily"}]}'),
    ),
    "MedicationRequest/drug-2": (
        {
            "resourceType": "MedicationRequest",
            "status": "completed",
            "intent": "order",
            "medicationCodeableConcept": {
                "coding": [
                    {"system": RXNORM, "code": "36726", "display": "sodium thiosulfate"},
                    {"system": "omop:drug_source_value", "code": "STS 25 g"},
                ]
            },
            "authoredOn": STARTED,
            "dosageInstruction": [{"route": {"text": "IV"}, "timing": {"repeat": {"boundsPeriod": {"end": "$ended"}}}}],
        },
        ("1", "2026-02-12", "2026-02-26", None, None, '{"note":[{"text":"25 g in the last hour of dialysis"}]}'),
    ),
    # prescribed: 30 days supplied from the first of October, and a reason why it was stopped
    "MedicationRequest/drug-3": (
        {
            "resourceType": "MedicationRequest",
            "status": "stopped",
            "intent": "order",
            "medicationCodeableConcept": drug("855332", "warfarin sodium 5 MG Oral Tablet"),
            "authoredOn": STARTED,
            "dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": {"end": "$ended"}}}}],
        },
        ("2", "2025-10-01", "2025-10-30", None, None, None),
    ),
    "Observation/measurement-1": (
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {
                "coding": [
                    {
                        "system": "http://loinc.org",
                        "code": "17861-6",
                        "display": "Calcium [Mass/volume] in Serum or Plasma",
                    }
                ]
            },
            "effectiveDateTime": STARTED,
            "valueQuantity": {"value": "$value", **UNITS},
            "interpretation": [{"text": "High"}],
            "referenceRange": [{"low": {"value": 8.5, **UNITS}, "high": {"value": 10.2, **UNITS}}],
        },
        ("1", "2026-02-25T07:05:00", None, None, 9.7, None),
    ),
    "Observation/measurement-4": (
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {
                "coding": [{"system": "omop:measurement_source_value", "code": "Corrected calcium"}],
                "text": "Corrected calcium",
            },
            "effectiveDateTime": STARTED,
            "valueQuantity": {"value": "$value", "unit": "mmol/L"},
        },
        ("3", "2026-02-26", None, None, 2.4, None),
    ),
    "AllergyIntolerance/observation-2": (
        {
            "resourceType": "AllergyIntolerance",
            "code": {
                "coding": [
                    {"system": SNOMED, "code": "416098002", "display": "Allergy to drug"},
                    {"system": RXNORM, "code": "7980", "display": "penicillin G"},
                ]
            },
            "recordedDate": "$recorded",
        },
        ("1", None, None, "2024-01-12", None, None),
    ),
    "Condition/observation-3": (
        {
            "resourceType": "Condition",
            "clinicalStatus": {
                "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "inactive"}]
            },
            "code": {"coding": [CALCIPHYLAXIS]},
            "recordedDate": "$recorded",
        },
        ("2", None, None, "2025-12-01", None, None),
    ),
    "Observation/observation-1": (
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {
                "coding": [{"system": "omop:observation_source_value", "code": "Skin examination"}],
                "text": "Skin examination",
            },
            "effectiveDateTime": STARTED,
            "valueString": "black eschar with a violaceous rim, very tender",
            "bodySite": {"coding": [{"system": SNOMED, "code": "68505006", "display": "Thigh structure"}]},
        },
        ("1", "2026-02-11T10:00:00", None, None, None, None),
    ),
    "Procedure/procedure-1": (
        {
            "resourceType": "Procedure",
            "status": "completed",
            "code": {
                "coding": [
                    {"system": SNOMED, "code": "302497006", "display": "Hemodialysis"},
                    {"system": "omop:procedure_source_value", "code": "90935"},
                ]
            },
            "performedPeriod": PERIOD,
        },
        ("1", "2026-02-26T07:00:00", "2026-02-26T11:00:00", None, None, None),
    ),
    # an end on the same day says nothing about how long it took
    "Procedure/procedure-2": (
        {
            "resourceType": "Procedure",
            "status": "completed",
            "code": {"coding": [{"system": SNOMED, "code": "302497006", "display": "Hemodialysis"}]},
            "performedDateTime": STARTED,
        },
        ("2", "2026-02-27", None, None, None, None),
    ),
    "Device/device-1": (
        {
            "resourceType": "Device",
            "type": {
                "coding": [
                    {"system": SNOMED, "code": "360066001", "display": "Mechanical prosthetic heart valve"},
                    {"system": "omop:device_source_value", "code": "valve"},
                ],
                "text": "valve",
            },
            "manufactureDate": STARTED,
        },
        ("2", "2015-03-04", None, None, None, None),
    ),
    # in hospital on the day of the data pull, not discharged
    "Encounter/visit-3": (
        {
            "resourceType": "Encounter",
            "status": "in-progress",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
            "type": [{"coding": [{"system": "omop:Visit", "code": "IP", "display": "Inpatient Visit"}]}],
            "period": PERIOD,
        },
        ("3", "2026-02-20", "2026-03-05", None, None, None),
    ),
}


@pytest.mark.parametrize("reference", ROWS)
def test_a_row(held: tuple[Flat, list[tuple[Any, ...]]], reference: str) -> None:
    assert held[0][reference] == ROWS[reference]


def test_what_is_about_the_family_is_left_out(held: tuple[Flat, list[tuple[Any, ...]]]) -> None:
    assert not [reference for reference in held[0] if reference.endswith("/observation-4")]


def test_a_value_below_a_limit_and_one_that_is_no_number(held: tuple[Flat, list[tuple[Any, ...]]]) -> None:
    below, words = (held[0][f"Observation/measurement-{number}"] for number in (2, 3))
    assert below[0]["valueQuantity"]["comparator"] == "<"
    assert below[1][4] == 5.0
    assert words[0]["valueString"] == "haemolysed"
    assert words[1][4] is None


def test_a_finished_stay_and_an_outpatient(held: tuple[Flat, list[tuple[Any, ...]]]) -> None:
    classes = {name: held[0][name][0] for name in ("Encounter/visit-1", "Encounter/visit-2")}
    assert [(content["class"]["code"], content["status"]) for content in classes.values()] == [
        ("AMB", "finished"),
        ("IMP", "finished"),
    ]


def test_notes_are_apart_from_the_content(held: tuple[Flat, list[tuple[Any, ...]]]) -> None:
    """A report of pathology is a report; the text stands only in `notes`."""
    report, columns = held[0]["DiagnosticReport/note-1"]
    assert report == {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "category": [{"coding": [{"code": "PAT"}]}],
        "code": {"text": "Skin biopsy pathology report"},
        "effectiveDateTime": STARTED,
    }
    attachment = json.loads(columns[-1])["presentedForm"][0]
    assert base64.b64decode(attachment["data"]).decode().endswith("subcutis.\nConsistent with calciphylaxis.")
    letter, columns = held[0]["DocumentReference/note-2"]
    assert letter["type"] == {"text": "Clinic note"}
    assert "content" in json.loads(columns[-1])


def test_cdm_53_has_other_names_and_letter_case(tmp_path: Path) -> None:
    rows, patients = flat(tmp_path / "work", DATA / "omop-5.3")
    assert patients == [("1", "male", "1958-07-03", None, None), ("2", "female", "1966", None, None)]
    assert rows["Encounter/visit-1"][0]["status"] == "in-progress"
    assert rows["Procedure/procedure-1"][1][:3] == ("1", "2026-02-02T06:30:00", None)
    assert rows["MedicationRequest/drug-1"][1][1:3] == ("2026-01-20", "2026-02-18")
    assert rows["Condition/condition-1"][0]["code"]["coding"][1]["system"] == "http://hl7.org/fhir/sid/icd-9-cm"


@pytest.mark.parametrize(
    ("day", "instant", "told"),
    [
        ("2026-02-01", None, "2026-02-01"),
        (None, "2026-02-01 00:00:00", "2026-02-01"),
        (None, "2026-02-01 10:00:00", "2026-02-01T10:00:00"),
        ("2026-02-01", "2026-02-01 10:00:00.25", "2026-02-01T10:00:00.25"),
        ("2026-02-01", "2026-02-02 10:00:00", "2026-02-01"),
        (None, None, None),
    ],
)
def test_a_date_and_the_time_beside_it(tmp_path: Path, day: str | None, instant: str | None, told: str | None) -> None:
    date = f"CAST('{day}' AS DATE)" if day else "CAST(NULL AS DATE)"
    time = f"CAST('{instant}' AS TIMESTAMP)" if instant else "CAST(NULL AS TIMESTAMP)"
    with Database(str(tmp_path)) as database:
        assert database.run(f"SELECT {when(date, time)}") == [(told,)]


@pytest.mark.parametrize(
    ("cells", "born"),
    [
        ({"year_of_birth": "1960"}, "1960"),
        ({"year_of_birth": "1960", "month_of_birth": "13"}, "1960"),
        ({"year_of_birth": "1960", "month_of_birth": "2", "day_of_birth": "30"}, "1960-02"),
        ({"year_of_birth": "1960.0", "month_of_birth": "2.0", "day_of_birth": "29.0"}, "1960-02-29"),
        ({"year_of_birth": "1960", "birth_datetime": "1960-01-01"}, "1960"),
        ({"year_of_birth": "1960", "birth_datetime": "1960-05-06"}, "1960-05-06"),
        ({"year_of_birth": "1960", "month_of_birth": "5", "birth_datetime": "1960-05-01"}, "1960-05"),
        ({"birth_datetime": "1960-05-06 00:00:00"}, "1960-05-06"),
        ({"year_of_birth": "0"}, None),
        ({}, None),
    ],
)
def test_when_a_person_was_born(tmp_path: Path, cells: dict[str, str], born: str | None) -> None:
    path = write_tables(tmp_path / "cdm", {"person": [{"person_id": "1", **cells}]})
    with Database(str(tmp_path)) as database:
        source = find_omop(database.run, str(path))
        assert source is not None
        assert database.run(f"SELECT birth_date FROM ({patients_sql(source)})") == [(born,)]
