"""A chunk of patients as rows of OMOP CDM 5.4, in CSV: one file a table.

What is void (entered in error, refuted) or only planned has no place in the CDM and is left out.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from calcipath.synthesis.chunk import Chunk
from calcipath.synthesis.content import Content
from calcipath.synthesis.dates import CLOCK, day_text
from calcipath.synthesis.entries import (
    ALLERGY,
    DIAGNOSIS,
    DRUG,
    EXAMINATION,
    LABORATORY,
    NOTE,
    PRESSURE,
    PROCEDURE,
    VISIT,
    Entry,
)
from calcipath.synthesis.identifiers import MOST_ENTRIES
from calcipath.synthesis.omop_concepts import Concepts, concepts_of
from calcipath.synthesis.omop_forms import TABLES, TEXT, OmopForms, Row
from calcipath.synthesis.omop_mistakes import mistaken_rows

VOID: Final = ("X", "refuted", "entered-in-error", "planned")
SECOND_ROW: Final = 10_000_001 * MOST_ENTRIES  # the diastolic row of a blood pressure: the number plus this
SUPPLY: Final = 30  # days that a current drug reaches beyond the record, and an earlier one beyond its order
LASTS: Final = {PROCEDURE: 240, VISIT: 30}
PEOPLE_TABLES: Final[dict[str, tuple[str, ...]]] = {
    "person": (
        "person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth", "birth_datetime",
        "race_concept_id", "ethnicity_concept_id", "location_id", "provider_id", "care_site_id",
        "person_source_value", "gender_source_value", "gender_source_concept_id", "race_source_value",
        "race_source_concept_id", "ethnicity_source_value", "ethnicity_source_concept_id",
    ),
    "observation_period": (
        "observation_period_id", "person_id", "observation_period_start_date", "observation_period_end_date",
        "period_type_concept_id",
    ),
    "death": (
        "person_id", "death_date", "death_datetime", "death_type_concept_id", "cause_concept_id",
        "cause_source_value", "cause_source_concept_id",
    ),
}  # fmt: skip
CONCEPT_COLUMNS: Final = (
    "concept_id", "concept_name", "domain_id", "vocabulary_id", "concept_class_id", "standard_concept",
    "concept_code", "valid_start_date", "valid_end_date", "invalid_reason",
)  # fmt: skip
SOURCE_COLUMNS: Final = (
    "cdm_source_name", "cdm_source_abbreviation", "cdm_holder", "source_description", "source_documentation_reference",
    "cdm_etl_reference", "source_release_date", "cdm_release_date", "cdm_version", "cdm_version_concept_id",
    "vocabulary_version",
)  # fmt: skip
CARE_SITE_COLUMNS: Final = (
    "care_site_id", "care_site_name", "place_of_service_concept_id", "location_id", "care_site_source_value",
    "place_of_service_source_value",
)  # fmt: skip


class OmopFiles:
    """Writes chunks as files of one part; keeps the forms that it has made."""

    def __init__(self, content: Content, part: int) -> None:
        self.content = content
        self.part = part
        self.concepts = concepts_of(content)
        self.forms = OmopForms(content, self.concepts)
        self._rows: dict[tuple[int, str, str, str], tuple[Row, ...]] = {}

    def files(self, chunk: Chunk) -> dict[str, str]:
        """What a chunk adds to each file."""
        rows = self.rows(chunk)
        return {f"{table}.csv.{self.part:04d}": "\n".join(held) + "\n" for table, held in rows.items() if held}

    @staticmethod
    def shared(content: Content, as_of: int) -> dict[str, str]:
        """The files of what is not of one patient."""
        sites = ((place + 1, site.name, 0, "", site.id, "") for place, site in enumerate(content.sites))
        day = day_text(as_of)
        source = ("Synthetic", "SYN", "", "Imaginary patients", "", "calcipath generate", day, day, "5.4", 0, "")
        return {
            "cdm_source.csv": _table(SOURCE_COLUMNS, [source]),
            "care_site.csv": _table(CARE_SITE_COLUMNS, sites),
            "concept.csv": _table(CONCEPT_COLUMNS, _concept_rows(concepts_of(content))),
        }

    @staticmethod
    def headers() -> dict[str, str]:
        """The first line of each file that is written in parts."""
        return {f"{table}.csv": ",".join(columns) + "\n" for table, columns in (TABLES | PEOPLE_TABLES).items()}

    def rows(self, chunk: Chunk) -> dict[str, list[str]]:
        """All rows of a chunk by table, each without its newline."""
        found: dict[str, list[str]] = defaultdict(list)
        self._people(chunk, found)
        sites, numbers = chunk.people.site.tolist(), chunk.people.number.tolist()
        ends = chunk.people.end.tolist()
        for place, (entry, number) in enumerate(zip(chunk.entries, chunk.numbers, strict=True)):
            if entry.variant in VOID:
                continue
            key = (sites[entry.row], entry.family, entry.item, entry.variant)
            rows = self._rows.get(key) or self._rows.setdefault(key, self._forms(*key))
            gaps = self._gaps(entry, numbers[entry.row], number, ends[entry.row])
            for second, row in enumerate(rows):
                if second:
                    gaps["id"], gaps["value"] = gaps["id"] + SECOND_ROW, entry.value.split()[1]
                text = row.text % gaps
                if place in chunk.mistakes:
                    kind = chunk.mistakes[place].kind
                    found[row.table] += mistaken_rows(row.table, text, kind, self.content.swaps, self.concepts)
                else:
                    found[row.table].append(text)
        return found

    def _gaps(self, entry: Entry, person: int, number: int, record_end: int) -> dict[str, Any]:
        minute = max(entry.minute, 0)
        day = day_text(entry.day)
        end = entry.end or entry.day
        if entry.family == DRUG:
            end = max(record_end, entry.day) + SUPPLY if entry.variant == "active" else entry.day + SUPPLY
        last = day_text(end)
        return {
            "id": person * MOST_ENTRIES + number,
            "person": person,
            "day": day,
            "instant": f"{day} {CLOCK[minute]}",
            "end": last,
            "end_instant": f"{last} {CLOCK[minute + LASTS.get(entry.family, 0)]}",
            "value": entry.value.split()[0] if entry.family == PRESSURE else entry.value,
            "text": entry.value,
        }

    def _forms(self, place: int, family: str, item: str, variant: str) -> tuple[Row, ...]:
        site, forms = self.content.sites[place], self.forms
        if family == LABORATORY:
            return (forms.laboratory(site, item, variant),)
        if family == PRESSURE:
            return (forms.pressure("8480-6"), forms.pressure("8462-4"))
        if family == DIAGNOSIS:
            return (forms.diagnosis(site, item, variant),)
        if family == DRUG:
            return (forms.drug(site, item, variant),)
        if family == PROCEDURE:
            return (forms.procedure(site, item, variant),)
        if family == VISIT:
            return (forms.visit(place, variant),)
        if family == EXAMINATION:
            return (forms.examination(item),)
        if family == ALLERGY:
            return (forms.allergy(item),)
        if family == NOTE:
            return (forms.note("Clinic note", TEXT),)
        return (forms.note("Skin biopsy pathology report", self.content.notes["reports"][variant]),)

    def _people(self, chunk: Chunk, found: dict[str, list[str]]) -> None:
        people, number_of = chunk.people, self.concepts.number
        genders = {True: (number_of("Gender", "F"), "F"), False: (number_of("Gender", "M"), "M")}
        columns = (people.number, people.site, people.female, people.born, people.end, people.died)
        for identity, *values in zip(chunk.known, *(column.tolist() for column in columns), strict=True):
            number, place, female, born, end, died = values
            concept, letter = genders[female]
            year, month, day = day_text(born).split("-")
            known = f"{int(month)},{int(day)},{day_text(born)} 00:00:00" if number % 50 != 7 else ",,"
            found["person"].append(
                f"{number},{concept},{year},{known},0,0,,,{place + 1},{identity.of(0)},{letter},0,,0,,0"
            )
            begun, last = day_text(end - 365), day_text(end)
            found["observation_period"].append(f"{number},{number},{begun},{last},{self.forms.record}")
            if died:
                found["death"].append(f"{number},{last},{last} 00:00:00,{self.forms.record},0,,0")


def _concept_rows(concepts: Concepts) -> Iterable[Sequence[Any]]:
    for key, number in sorted(concepts.numbers.items(), key=lambda item: item[1]):
        concept, (vocabulary, code) = concepts.held[key], key
        standard = "S" if concept.standard else ""
        yield (number, concept.name, concept.domain, vocabulary, "", standard, code, "1970-01-01", "2099-12-31", "")


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()
