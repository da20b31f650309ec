"""What in an OMOP data set could not be read as it stands, counted by table and column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from calcipath.population.fhir_lines import quoted
from calcipath.population.omop_concepts import CONCEPT_TABLE, FAMILY, concept_columns
from calcipath.population.omop_schema import STEMS, TABLES
from calcipath.population.omop_source import OmopSource, quoted_name
from calcipath.population.omop_values import is_doubtful

PERIODS: Final = {
    "condition_occurrence": ("condition_start_date", "condition_end_date"),
    "drug_exposure": ("drug_exposure_start_date", "drug_exposure_end_date"),
    "device_exposure": ("device_exposure_start_date", "device_exposure_end_date"),
    "procedure_occurrence": ("procedure_date", "procedure_end_date"),
    "visit_occurrence": ("visit_start_date", "visit_end_date"),
}


Count = tuple[str, str, str]  # kind, column, condition


def problems_sql(source: OmopSource) -> str:
    """Kind, table, column and how many: cells that are not what the column asks for, rows without an id, ends before
    their start, dates that disagree, concepts that CONCEPT does not hold, rows without any code, family histories."""
    found = " UNION ALL ".join(
        f"({_problems_of(source, table)})" for table in source.tables if table in STEMS or table == "person"
    )
    return f"SELECT kind, table_name, column_name, entries FROM ({found}) WHERE entries > 0 ORDER BY ALL"


def _problems_of(source: OmopSource, table: str) -> str:
    """All counts of a table in one reading of it."""
    held = source.tables[table]
    columns = [(name, kind) for name, kind in TABLES[table].columns() if name in held.names]
    doubts = [
        f"{is_doubtful(quoted_name(held.names[name]), held.types[name], kind)} AS doubt_{name}"
        for name, kind in columns
    ]
    rows = source.rows(table, more=doubts)
    counts = [("unreadable", name, f"doubt_{name}") for name, _ in columns]
    counts += [*_of_rows(source, table), *_of_concepts(source, table)]
    listed = ", ".join(
        f"struct_pack(kind := {quoted(kind)}, name := {quoted(column)}, entries := count(*) FILTER (WHERE {condition}))"
        for kind, column, condition in counts
    )
    told = f"SELECT unnest([{listed}]) AS told FROM ({rows})"
    return f"SELECT told.kind AS kind, '{table}' AS table_name, told.name AS column_name, told.entries AS entries FROM ({told})"


def _of_rows(source: OmopSource, table: str) -> Iterator[Count]:
    for name in dict.fromkeys((TABLES[table].key[0], "person_id")):
        yield "no identifier", name, f"{name} IS NULL AND NOT doubt_{name}"
    if table in PERIODS:
        start, end = PERIODS[table]
        yield "ends before it starts", end, f"{end} < {start}"
    dates = TABLES[table].date
    for name in TABLES[table].instant:
        date = name.replace("_datetime", "_date")
        if name in source.tables[table].names and date in dates:
            yield "date and time differ", name, f"CAST({name} AS DATE) <> {date}"


def _of_concepts(source: OmopSource, table: str) -> Iterator[Count]:
    columns = [name for name in concept_columns(source, table) if name != "drug_type_concept_id"]
    known = f"(SELECT id FROM {CONCEPT_TABLE} WHERE known)"
    for name in columns:
        yield "unknown concept", name, f"{name} IS NOT NULL AND {name} NOT IN {known}"
    stem = TABLES[table].required[2].removesuffix("_concept_id") if len(TABLES[table].required) > 2 else ""
    parts = [f"{stem}_concept_id", f"{stem}_source_concept_id", f"{stem}_source_value"]
    if {name for name, _ in TABLES[table].columns()}.issuperset(parts):
        yield "no code", parts[0], " AND ".join(f"{part} IS NULL" for part in parts)
    if table == "observation":
        family = f"(SELECT id FROM {CONCEPT_TABLE} WHERE tells = '{FAMILY}')"
        valued = "(value_as_concept_id IS NOT NULL OR value_as_string IS NOT NULL)"
        yield "of the family, not read", parts[0], f"observation_concept_id IN {family} AND {valued}"
