"""The concepts of the OMOP form: which there are, and the numbers by which tables refer to them.

A number of the OHDSI vocabularies is used where it was seen in a public file (`content/omop-concepts.csv`); every other
concept has a number above two billion, the range that OMOP leaves to a site. Vocabulary and code always tell what it is.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from calcipath.synthesis.content import Content, Term

FIRST_LOCAL: Final = 2_000_000_001
VOCABULARIES: Final = {"snomed": "SNOMED", "icd": "ICD10CM", "rxnorm": "RxNorm", "atc": "ATC"}
Key = tuple[str, str]  # vocabulary and code
RECORD: Final[Key] = ("Type Concept", "OMOP4976890")
PRESCRIPTION: Final[Key] = ("Type Concept", "OMOP4976911")
BELOW: Final[Key] = ("Meas Value Operator", "<")


@dataclass(frozen=True, slots=True)
class Concept:
    """One row of the table `concept`."""

    name: str
    domain: str
    standard: bool


@dataclass(frozen=True, slots=True)
class Concepts:
    """All concepts by vocabulary and code, and the number of each."""

    held: Mapping[Key, Concept]
    numbers: Mapping[Key, int]

    def number(self, vocabulary: str, code: str) -> int:
        """The number of a concept; 0, which is OMOP's "no matching concept", where there is none."""
        return self.numbers.get((vocabulary, code), 0)


def concepts_of(content: Content) -> Concepts:
    """The concepts that the generator's content needs."""
    held = dict(_every(content))
    text = files("calcipath.synthesis").joinpath("content", "omop-concepts.csv").read_text(encoding="utf-8")
    seen = {
        (row["vocabulary_id"], row["concept_code"]): int(row["concept_id"]) for row in csv.DictReader(text.splitlines())
    }
    local = (key for key in sorted(held) if key not in seen)
    return Concepts(
        held,
        {key: seen[key] for key in held if key in seen} | {key: FIRST_LOCAL + place for place, key in enumerate(local)},
    )


def _every(content: Content) -> Iterator[tuple[Key, Concept]]:
    for terms, domain in (
        (content.diagnoses, "Condition"),
        (content.drugs, "Drug"),
        (content.procedures, "Procedure"),
        (content.allergies, "Observation"),
    ):
        for term in terms.values():
            yield from _of_term(term, domain)
    for analyte in content.analytes.values():
        for writing in (analyte.us, analyte.si):
            yield ("LOINC", writing.loinc[0]), Concept(writing.loinc[1], "Measurement", standard=True)
            yield ("UCUM", writing.unit), Concept(writing.unit, "Unit", standard=True)
    for unit in (each for each in content.swaps.values() if each.isascii() and not each.endswith(("/l", "/ml", "/dl"))):
        yield ("UCUM", unit), Concept(unit, "Unit", standard=True)
    yield ("UCUM", "mm[Hg]"), Concept("millimetre of mercury", "Unit", standard=True)
    yield ("LOINC", "8480-6"), Concept("Systolic blood pressure", "Measurement", standard=True)
    yield ("LOINC", "8462-4"), Concept("Diastolic blood pressure", "Measurement", standard=True)
    yield ("LOINC", "11506-3"), Concept("Progress note", "Note", standard=True)
    yield ("Visit", "OP"), Concept("Outpatient Visit", "Visit", standard=True)
    yield ("Visit", "IP"), Concept("Inpatient Visit", "Visit", standard=True)
    yield ("Gender", "F"), Concept("FEMALE", "Gender", standard=True)
    yield ("Gender", "M"), Concept("MALE", "Gender", standard=True)
    yield BELOW, Concept("<", "Meas Value Operator", standard=True)
    yield RECORD, Concept("EHR", "Type Concept", standard=True)
    yield PRESCRIPTION, Concept("EHR prescription", "Type Concept", standard=True)


def _of_term(term: Term, domain: str) -> Iterator[tuple[Key, Concept]]:
    for system, (code, display) in term.codes.items():
        yield (VOCABULARIES[system], code), Concept(display, domain, standard=system in ("snomed", "rxnorm"))
    if term.site:
        yield ("SNOMED", term.site[0]), Concept(term.site[1], "Spec Anatomic Site", standard=True)
