"""What the type of a drug record makes of it: only what was given is a dose."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from populations import GUIDELINE, Table, screened

from calcipath.cli import main
from calcipath.population.screening import ScreenOptions
from calcipath.population.sql_columns import identifier

LASTS, LAPSED, RECENT, LONG_AGO = "2026-04-01", "2026-02-10", "2026-02-26", "2026-01-20"
# Type, end of the exposure, and on 1 March 2026: is sodium thiosulfate running, is it ordered or given?
EXPECTED = (
    ("32833", LASTS, None, True),  # an order is no dose
    ("32833", RECENT, None, None),  # and ends when it says
    ("32838", LASTS, None, True),  # nor is a prescription
    ("32838", LAPSED, None, True),  # whose supply may last longer than planned
    ("32838", LONG_AGO, None, None),
    ("38000177", LASTS, None, True),
    ("32839", LASTS, None, True),
    ("32818", RECENT, True, True),  # given
    ("32818", LONG_AGO, None, None),
    ("38000180", RECENT, True, True),
    ("581373", RECENT, True, True),
    ("32869", LASTS, True, True),  # a claim states that it was taken
    ("32869", LONG_AGO, None, None),
    ("", LASTS, True, True),
)
UNOBSERVED = (("", LASTS, None, None), ("32818", RECENT, True, True))  # nothing says whether a supply goes on
PEOPLE = (*EXPECTED, *UNOBSERVED)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """One person for each of `PEOPLE`, numbered from 0."""
    folder = tmp_path_factory.mktemp("drugs")
    (folder / "source").mkdir()
    numbers = [str(number) for number in range(len(PEOPLE))]
    people = [{"person_id": n, "gender_concept_id": "8507", "year_of_birth": "1960"} for n in numbers]
    periods = [
        {
            "observation_period_id": n, "person_id": n, "observation_period_start_date": "2025-01-01",
            "observation_period_end_date": "2026-03-01", "period_type_concept_id": "32817",
        }
        for n in numbers[: len(EXPECTED)]
    ]  # fmt: skip
    exposures = [
        {
            "drug_exposure_id": n, "person_id": n, "drug_concept_id": "0", "drug_exposure_start_date": "2026-01-10",
            "drug_exposure_end_date": end, "drug_type_concept_id": kind, "drug_source_value": "sodium thiosulfate",
        }
        for n, (kind, end, *_) in zip(numbers, PEOPLE, strict=True)
    ]  # fmt: skip
    for name, rows in (("person", people), ("observation_period", periods), ("drug_exposure", exposures)):
        with (folder / "source" / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return screened(folder / "source", folder / "work", ScreenOptions(as_of="2026-03-01"))[0]


@pytest.mark.parametrize("number", range(len(PEOPLE)), ids=[f"{kind or 'none'} to {end}" for kind, end, *_ in PEOPLE])
def test_what_a_type_says(facts: Table, number: int) -> None:
    row = facts[str(number)]
    assert (row["thiosulfate_running"], row["thiosulfate_ordered"]) == PEOPLE[number][2:]


def test_an_imaginary_population_takes_the_same_drugs_in_both_forms(tmp_path: Path) -> None:
    drugs = [identifier(fact.id) for fact in GUIDELINE.facts.values() if fact.kind == "medication"]
    counted = []
    for form in ("fhir", "omop"):
        asked = ["--format", form, "--patients", "100", "--enrich", "100", "--mistakes", "0", "--workers", "1"]
        assert main(["generate", str(tmp_path / form), *asked]) == 0
        facts, _ = screened(tmp_path / form, tmp_path / f"{form}-work", ScreenOptions(as_of="2026-06-30"))
        counted.append({drug: sum(row[drug] is True for row in facts.values()) for drug in drugs})
    assert counted[0] == counted[1]
    assert counted[0]["thiosulfate_ordered"] > 0
    assert counted[0]["thiosulfate_running"] == 0
