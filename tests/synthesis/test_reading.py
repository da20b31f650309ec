"""What has no mistake reads without problem, and the truth is what an assessment finds."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from synthetic import AS_OF, generated, lines, records, setting, table

from calcipath.api import assess_resources
from calcipath.assessment.assess import Assessment
from calcipath.options import AssessmentOptions
from calcipath.record.dates import parse_when
from calcipath.record.reader import ReadReport, read_resources
from calcipath.site_assessor import assessor_for
from calcipath.sources.files import source_of

FACTS = {
    "on_dialysis": "dialysis",
    "warfarin": "vitamin-k-antagonist",
    "diabetes": "diabetes-recorded",
    "obesity": "obesity-recorded",
    "hypertension": "hypertension",
    "heart_failure": "heart-failure",
    "peripheral_arterial_disease": "peripheral-arterial-disease",
    "secondary_hyperparathyroidism": "secondary-or-tertiary-hyperparathyroidism",
    "calcium_acetate": "calcium-based-binder",
    "cinacalcet": "calcimimetic",
    "active_vitamin_d": "vitamin-d",
    "iron_sucrose": "iron-therapy",
    "insulin": "insulin-injection",
    "prednisone": "systemic-corticosteroid",
    "ulcer_present": "skin-ulcer",
    "calciphylaxis": "calciphylaxis-diagnosis",
    "penicillin_allergy": "penicillin-allergy",
    "sulfite_allergy": "sulfite-allergy",
}
VALUES = {"calcium": "calcium-total", "phosphate": "phosphate", "pth": "pth", "albumin": "albumin"}
LEVELS = ("suspected", "clinical", "confirmed")
Truth = Mapping[str, str]


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[dict[str, Any]]], list[Truth]]:
    folder = tmp_path_factory.mktemp("enriched") / "out"
    generated(folder, 110, setting(notes=0.6, enrich=40))
    rows: list[Truth] = [row for row in table(folder / "truth/truth.csv") if not row["died"]]
    return records(folder), rows


@pytest.fixture(scope="module")
def assessed(population: tuple[dict[str, list[dict[str, Any]]], list[Truth]]) -> list[tuple[Truth, Assessment]]:
    held, rows = population
    assessor = assessor_for("")[0]
    moment = parse_when(AS_OF)
    assert moment is not None
    found = []
    for row in rows[:70]:
        record = _read(held[row["patient"]]).record
        found.append((row, assessor.assess(record, as_of=moment.latest, as_of_text=AS_OF)))
    return found


def _read(resources: list[dict[str, Any]]) -> ReadReport:
    return read_resources(source_of(resources).resources, as_of=AS_OF)


@pytest.mark.parametrize("population_kind", ["dialysis", "mixed"])
def test_every_resource_reads_without_problem(tmp_path: Path, population_kind: str) -> None:
    folder = generated(tmp_path / "out", 150, setting(population_kind, notes=1.0, enrich=50))
    for resources in records(folder).values():
        report = _read(resources)
        assert report.record.problems == ()
        assert report.refused == {}
        assert report.ignored == {}


@pytest.mark.parametrize("column", FACTS)
def test_a_trait_is_a_fact_of_the_assessment(assessed: list[tuple[Truth, Assessment]], column: str) -> None:
    """What was put in is found; what was not put in is never found (it is unknown, or stated to be absent)."""
    for row, found in assessed:
        outcome = found.verdicts.outcome(FACTS[column])
        assert (outcome.value is True) == (row[column] == "yes"), row["patient"]


@pytest.mark.parametrize("column", VALUES)
def test_the_newest_value_is_a_fact_of_the_assessment(assessed: list[tuple[Truth, Assessment]], column: str) -> None:
    compared = 0
    for row, found in assessed:
        value = found.verdicts.fact_value(VALUES[column]).value
        if row[f"{column}_date"] > "2026-04-05":
            assert isinstance(value, tuple), row["patient"]
            truth = float(row[f"{column}_value"])
            assert value == pytest.approx((truth, truth), rel=0.002), row["patient"]
            compared += 1
    assert compared > 50


def test_the_modality_is_never_another(assessed: list[tuple[Truth, Assessment]]) -> None:
    known = [(row["modality"], found.verdicts.outcome("dialysis-modality").value) for row, found in assessed]
    assert all(value in (truth, None) for truth, value in known)
    assert sum(value is not None for _, value in known) > len(known) // 2


def test_calciphylaxis_and_suspicious_lesions_are_suspected(assessed: list[tuple[Truth, Assessment]]) -> None:
    kinds = {"calciphylaxis": 0, "suspicious_lesion": 0}
    for row, found in assessed:
        for kind in kinds:
            if row[kind] == "yes":
                kinds[kind] += 1
                assert found.answer["suspicion"]["level"] in LEVELS
    assert min(kinds.values()) >= 3


def test_what_a_note_denies_or_says_of_the_family_is_not_found(assessed: list[tuple[Truth, Assessment]]) -> None:
    quiet = [(row, found) for row, found in assessed if row["note"] in ("negated", "family", "uncertain")]
    assert quiet
    for row, found in quiet:
        assert found.verdicts.outcome("calciphylaxis-diagnosis").value is not True, row["patient"]


def test_mistakes_never_invent_anything(tmp_path: Path) -> None:
    """What a mistake hides becomes unknown, and nothing that was not put in is found."""
    folder = generated(tmp_path / "out", 100, setting(mistakes=0.05, notes=0.5, enrich=40, seed=11))
    held = _readable(folder)
    assessor, moment = assessor_for("")[0], parse_when(AS_OF)
    assert moment is not None
    for row in table(folder / "truth/truth.csv")[:40]:
        found = assessor.assess(_read(held[row["patient"]]).record, as_of=moment.latest, as_of_text=AS_OF)
        for column, fact in FACTS.items():
            value = found.verdicts.outcome(fact).value
            assert value is not True or row[column] == "yes", (row["patient"], column)
            if row["hiding_mistakes"] == "0" and not row["died"] and row[column] == "yes":
                assert value is True, (row["patient"], column)


def _readable(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The resources of each patient that are JSON and name the patient in any way."""
    shared: list[dict[str, Any]] = []
    found: dict[str, list[dict[str, Any]]] = {}
    for kind, line in lines(folder):
        try:
            resource = json.loads(line)
        except ValueError:
            continue
        subject = resource.get("subject", resource.get("patient", {}))
        named = subject if isinstance(subject, str) else subject.get("reference", "")
        if kind == "Medication":
            shared.append(resource)
        elif kind == "Patient":
            found.setdefault(resource["id"], []).append(resource)
        elif named:
            found.setdefault(named.removeprefix("Patient/"), []).append(resource)
    return {patient: [*resources, *shared] for patient, resources in found.items()}


def test_the_interface_for_callers_reads_them_too(
    population: tuple[dict[str, list[dict[str, Any]]], list[Truth]],
) -> None:
    held, rows = population
    row = next(row for row in rows if row["calciphylaxis"] == "yes")
    answer = assess_resources(held[row["patient"]], AssessmentOptions(as_of=AS_OF)).answer
    assert answer["data_problems"] == []


def test_the_truth_is_one_row_a_patient(tmp_path: Path) -> None:
    folder = generated(tmp_path / "out", 120, setting())
    with (folder / "truth/truth.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert len(rows) == 121
    assert len({row[0] for row in rows[1:]}) == 120
    assert {len(row) for row in rows} == {len(rows[0])}
