"""One meaning: a population gives each patient the facts and verdicts that the one-patient evaluator gives."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "fuzz"))
from mutations import deep, mutated
from populations import (
    Resource,
    Table,
    differences,
    one_patient,
    patient_named,
    records,
    renamed,
    resources_of,
    screened,
    write_population,
)

from calcipath.errors import InputError
from calcipath.population.screening import ScreenOptions

CASES = Path(__file__).parents[1] / "data"
BUNDLES = [json.loads(file.read_text()) for file in sorted(CASES.glob("*/*.bundle.json"))]
TRIES = int(os.environ.get("CALCIPATH_FUZZ", "500"))
FIRST = int(os.environ.get("CALCIPATH_FUZZ_SEED", "0"))
BOTH = frozenset({"medications", "allergies"})
OPTIONS = (
    ScreenOptions(complete=BOTH),
    ScreenOptions(complete=BOTH, notes=True),
    ScreenOptions(as_of="2025-06-01"),
    ScreenOptions(as_of="2024-11-05T12:00:00-05:00", notes=True),
)


def name_of(chosen: ScreenOptions | bool) -> str:
    if isinstance(chosen, bool):
        return "by type" if chosen else "one file"
    return f"{chosen.as_of or 'end'}-{'notes' if chosen.notes else 'codes'}"


@pytest.mark.parametrize(
    ("options", "by_type"), list(zip(OPTIONS, (False, True, True, False), strict=True)), ids=name_of
)
def test_published_cases_and_damaged_records_as_one_population(
    tmp_path: Path, options: ScreenOptions, by_type: bool
) -> None:
    """Entries with one to six faults each: what SQL takes out and what it must leave to the reader.

    With notes and without, for a day and for the end of each record, in one file and by type: any two of these meet.
    """
    population = [r for number, b in enumerate(BUNDLES) for r in renamed(resources_of(b), f"c{number}-")]
    for seed in range(FIRST, FIRST + TRIES // len(OPTIONS)):
        population += renamed(damaged(seed), f"m{seed}-")
    found = compared(tmp_path, population, options, by_type=by_type)
    assert found.different == []
    assert {f"c{number}" for number in range(len(BUNDLES))} <= {name.partition("-")[0] for name in found.patients}
    assert len(found.patients) > len(BUNDLES) + TRIES / len(OPTIONS) / 2


def damaged(seed: int) -> list[Resource]:
    """A record with faults in its entries; who it is about stays readable."""
    rng = random.Random(seed)  # noqa: S311  a repeatable choice, no secret
    kept = []
    for resource in resources_of(rng.choice(BUNDLES)):
        changed = mutated(rng, resource) if resource["resourceType"] != "Patient" and rng.random() < 0.5 else resource
        if type(changed) is dict and not deep(changed):
            changed = {**changed, "id": resource["id"], "resourceType": resource["resourceType"]}
            if comparable(changed) and patient_named(changed) == patient_named(resource):
                kept.append(changed)
                continue
        kept.append(resource)
    return kept


def comparable(resource: Resource) -> bool:
    """Not what the population's reader is known to see differently (docs/populations.md, "What differs")."""
    try:
        orjson.loads(json.dumps(resource))
    except ValueError:  # a line that is no JSON is no entry
        return False
    return not any(key[:5] == "value" and key not in KNOWN_VALUES for key in resource)


def specimen(number: int, site: str) -> Resource:
    kind = {"text": "Skin"} if number != 1 else {"text": "Bone marrow"}
    return {
        "resourceType": "Specimen", "id": f"s{number}", "type": kind, "collection": {"bodySite": {"text": site}},
    }  # fmt: skip


def pathology(name: str, specimens: list[str], **more: object) -> list[Resource]:
    """A patient with a pathology report of these specimens that says what calciphylaxis looks like."""
    report = {
        "resourceType": "DiagnosticReport", "id": f"r-{name}", "status": "final", "effectiveDateTime": "2026-01-05",
        "category": [{"text": "Pathology"}], "code": {"text": "Surgical pathology report"},
        "subject": {"reference": f"Patient/{name}"}, "specimen": [{"reference": each} for each in specimens],
        "conclusion": "Calcification of small subcutaneous vessels with thrombosis, consistent with calciphylaxis.", **more,
    }  # fmt: skip
    return [{"resourceType": "Patient", "id": name}, report]


SEVERAL = {
    "two": ["Specimen/s1", "Specimen/s2"],
    "absolute": ["https://ehr.example/fhir/Specimen/s1/_history/2", "http://other.example/Specimen/s3"],
    "missing": ["Specimen/gone", "Specimen/s2", "Specimen/s1"],
    "six": [f"Specimen/s{number % 4}" for number in range(1, 7)],
    "one": ["Specimen/s2"],
    "none": [],
    "contained": ["#own", "Specimen/s1"],
}


@pytest.mark.parametrize("notes", [False, True])
def test_reports_of_several_specimens(tmp_path: Path, notes: bool) -> None:
    population = [specimen(number, site) for number, site in enumerate(("thigh", "sternum", "left calf", "abdomen"))]
    for name, references in SEVERAL.items():
        own = {"contained": [{**specimen(0, "right thigh"), "id": "own"}]} if name == "contained" else {}
        population += pathology(name, references, **own)
    options = ScreenOptions(as_of="2026-02-01", notes=notes)
    found = compared(tmp_path, population, options)
    assert (found.different, found.patients) == ([], list(SEVERAL))
    sampled = {name for name, row in found.facts.items() if row["skin_pathology_report"] is True}
    assert sampled == set(SEVERAL) - {"none"}


class Compared:
    """The facts of the population, the differences found, and which patients were compared."""

    def __init__(self, facts: Table) -> None:
        self.facts = facts
        self.different: list[str] = []
        self.patients: list[str] = []


def compared(folder: Path, population: list[Resource], options: ScreenOptions, *, by_type: bool = False) -> Compared:
    write_population(folder / "source", population, by_type=by_type)
    facts, verdicts = screened(folder / "source", folder / "work", options)
    found = Compared(facts)
    for patient, record in records(population).items():
        try:
            one = one_patient(record, options)
        except InputError:
            continue
        found.patients.append(patient)
        found.different += differences(patient, one, facts, verdicts)
    return found


def _known_values() -> Iterator[str]:
    from calcipath.population.fhir_members import ABSENT_VALUES, VALUES

    yield from (*VALUES, *ABSENT_VALUES)


KNOWN_VALUES = frozenset(_known_values())
