"""The OMOP form says what the FHIR form says, in as many rows."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from synthetic import generated, lines, setting, table

from calcipath.synthesis.omop_forms import TABLES

CHOSEN = setting("mixed", notes=0.5, enrich=50)
SIZE = 1200
COLUMNS = {name: columns[0] for name, columns in TABLES.items()}


@pytest.fixture(scope="module")
def fhir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generated(tmp_path_factory.mktemp("fhir") / "out", SIZE, CHOSEN)


@pytest.fixture(scope="module")
def omop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generated(tmp_path_factory.mktemp("omop") / "out", SIZE, CHOSEN, "omop")


@pytest.fixture(scope="module")
def tables(omop: Path) -> dict[str, list[dict[str, str]]]:
    return {file.stem: table(file) for file in omop.glob("*.csv")}


def test_the_truth_is_the_same(fhir: Path, omop: Path) -> None:
    assert (fhir / "truth/truth.csv").read_bytes() == (omop / "truth/truth.csv").read_bytes()


def test_there_are_as_many_rows_as_resources(fhir: Path, tables: dict[str, list[dict[str, str]]]) -> None:
    """A blood pressure is two measurements; void and planned entries are left out; words are observations."""
    expected: Counter[str] = Counter()
    for kind, line in lines(fhir):
        held = json.loads(line)
        void = held.get("status") in ("entered-in-error", "preparation") or held.get("verificationStatus", {}).get(
            "coding", [{}]
        )[0].get("code") in ("refuted", "entered-in-error")
        if void:
            continue
        if kind == "Observation":
            expected["observation" if "valueString" in held else "measurement"] += len(held.get("component", [1]))
        else:
            expected[TABLE_OF.get(kind, "")] += 1
    assert {name: len(tables[name]) for name in TABLE_OF.values()} == {
        name: expected[name] for name in TABLE_OF.values()
    }


TABLE_OF = {
    "Patient": "person",
    "Condition": "condition_occurrence",
    "MedicationRequest": "drug_exposure",
    "Procedure": "procedure_occurrence",
    "Encounter": "visit_occurrence",
    "AllergyIntolerance": "observation",
    "DocumentReference": "note",
    "DiagnosticReport": "note",
    "Organization": "care_site",
    "Observation": "measurement",
}


def test_numbers_are_unique_and_persons_exist(tables: dict[str, list[dict[str, str]]]) -> None:
    persons = {row["person_id"] for row in tables["person"]}
    assert len(persons) == SIZE
    for name, key in COLUMNS.items():
        assert len({row[key] for row in tables[name]}) == len(tables[name])
        assert {row["person_id"] for row in tables[name]} <= persons


def test_every_concept_is_in_the_table_of_concepts(tables: dict[str, list[dict[str, str]]]) -> None:
    held = {row["concept_id"] for row in tables["concept"]} | {"0", ""}
    for rows in tables.values():
        for column in (name for name in rows[0] if name.endswith("concept_id")):
            assert {row[column] for row in rows} <= held, column


def test_current_and_stopped_drugs_can_be_told_apart(tables: dict[str, list[dict[str, str]]]) -> None:
    truth = {row["person"]: row for row in table_of_truth(tables)}
    wanted = {row["concept_id"] for row in tables["concept"] if "warfarin" in row["concept_name"]}
    for row in tables["drug_exposure"]:
        if row["drug_source_concept_id"] in wanted and not truth[row["person_id"]]["death"]:
            assert (row["drug_exposure_end_date"] > "2026-06-30") == (row["stop_reason"] == "" and _is_current(row))


def table_of_truth(tables: dict[str, list[dict[str, str]]]) -> list[dict[str, str]]:
    dead = {row["person_id"] for row in tables["death"]}
    return [
        {"person": row["person_id"], "death": "yes" if row["person_id"] in dead else ""} for row in tables["person"]
    ]


def _is_current(row: dict[str, str]) -> bool:
    return row["drug_exposure_end_date"] >= "2026-07"


def test_units_and_values_stand_beside_each_other(tables: dict[str, list[dict[str, str]]]) -> None:
    assert all(row["unit_concept_id"] != "0" and float(row["value_as_number"]) >= 0 for row in tables["measurement"])
    assert any(
        row["value_source_value"].startswith("<") and row["operator_concept_id"] != "0" for row in tables["measurement"]
    )
    assert any(row["range_low"] and row["range_high"] for row in tables["measurement"])
