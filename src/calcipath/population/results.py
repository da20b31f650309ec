"""What a run writes: one row a patient with verdicts, reasons and evidence; the facts; what the data are like."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from calcipath.guideline.model import Fact, Guideline
from calcipath.population.duckdb_engine import LONG_TEXT, Database
from calcipath.population.fact_sets import WORD
from calcipath.population.fhir_lines import quoted
from calcipath.population.reason_query import ReasonQuery, because_query
from calcipath.population.sql_columns import identifier
from calcipath.population.verdict_sql import verdict_columns

AS_OF: Final = "strftime(to_timestamp(as_of), '%Y-%m-%dT%H:%M:%SZ')"


KEPT: Final = ("as_of", "patient_id", "patient_site", "patient_sex", "spoken_facts")  # in the table `fact`, no facts


def write_results(database: Database, guideline: Guideline, facts: tuple[Fact, ...], judged: str, folder: Path) -> None:
    """`patient.parquet`: verdicts, reasons, evidence; `fact.parquet`: what the conditions read.

    `judged` is SQL that gives the columns of `judged_query`; `fact` is as `fact_table_sql` gives it.
    """
    with database.without(LONG_TEXT):
        _write(database, patients_sql(guideline, facts, judged), folder / "patient.parquet")
    others = ", ".join(("patient", *KEPT))
    _write(database, f"SELECT patient_id AS patient, * EXCLUDE ({others}) FROM fact", folder / "fact.parquet")


def _write(database: Database, select: str, file: Path) -> None:
    database.run(f"COPY ({select}) TO {quoted(str(file))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480)")


def judged_query(guideline: Guideline, source: str = "fact") -> ReasonQuery:
    """Verdicts and what decided them, with what the table `fact` of a screening holds beside the facts."""
    return because_query(guideline, source, kept=KEPT)


def patients_sql(guideline: Guideline, facts: tuple[Fact, ...], judged: str) -> str:
    """One row a patient as `patient.parquet` has it, from a query with the columns of `judged_query`."""
    query = judged_query(guideline)
    verdicts = ", ".join(verdict_columns(guideline))
    names = "[" + ", ".join(quoted(fact.id) for fact in facts) + "]"
    spoken = f"list_transform(coalesce(spoken_facts, []), lambda x: struct_update(x, fact := ({names})[x.fact + 1]))"
    return (
        f"SELECT patient_id AS patient, patient_site AS site, patient_sex AS sex, {AS_OF} AS as_of, {verdicts}, "
        f"{spoken} AS facts, {reasons_sql(query)} AS reasons FROM ({judged}) CROSS JOIN ({fact_names_sql(query.fact_ids)})"
    )


def reasons_sql(query: ReasonQuery) -> str:
    """The items that were found, in order of their names, each with the facts that decided, from the columns of `query` and
    of `fact_names_sql`."""
    items = ", ".join(_reason(query, name) for name in sorted(query.words))
    return f"list_filter([{items}], lambda r: r IS NOT NULL)"


def fact_names_sql(fact_ids: tuple[str, ...]) -> str:
    """One row: for each eight facts the list of the names that each byte of their bits stands for.

    To spell out each name beside each bit of each item would make the query three times as long.
    """
    bits = ", ".join(f"b & {1 << bit} <> 0" for bit in range(8))
    columns = []
    for word in range(0, len(fact_ids), WORD):
        for byte in range(0, WORD, 8):
            names = fact_ids[word : word + WORD][byte : byte + 8]
            listed = ", ".join(map(quoted, names)) or "CAST(NULL AS VARCHAR)"
            tested = bits if len(names) == 8 else ", ".join(bits.split(", ")[: max(len(names), 1)])
            columns.append(
                f"list_transform(range(256), lambda b: list_where([{listed}], [{tested}])) AS {_names(word // WORD, byte)}"
            )
    return f"SELECT {', '.join(columns)}"


def _names(word: int, byte: int) -> str:
    return f"names_{word}_{byte}"


def _reason(query: ReasonQuery, name: str) -> str:
    told = [
        f"{_names(word, byte)}[({own} >> {byte} & 255) + 1]"
        for word, own in sorted(query.words[name].items())
        for byte in range(0, WORD, 8)
        if query.possible[name] >> (word * WORD + byte) & (255 if byte + 8 <= WORD else (1 << (WORD - byte)) - 1)
    ]
    facts = f"list_concat({', '.join(told)})" if len(told) > 1 else "".join(told) or "CAST([] AS VARCHAR[])"
    found = identifier(name)
    if name.startswith("recommendation:"):
        found = f"{found} IN ('yes', 'held')"
    return f"CASE WHEN {found} THEN struct_pack(item := {quoted(name)}, facts := {facts}) END"
