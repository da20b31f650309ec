"""What a run writes: one row a patient with verdicts, reasons and evidence; the facts; what the data are like."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Protocol

from calcipath.guideline.model import Fact, Guideline
from calcipath.population.duckdb_engine import Database
from calcipath.population.fact_sets import WORD
from calcipath.population.fhir_files import MOST_SAMPLES, BadLine
from calcipath.population.fhir_sql import quoted
from calcipath.population.forms import Forms
from calcipath.population.reason_query import ReasonQuery, because_query
from calcipath.population.screening import ABOUT_PATIENT, Screening
from calcipath.population.source import Source
from calcipath.population.sql_columns import identifier
from calcipath.population.verdict_sql import verdict_columns

AS_OF: Final = "strftime(to_timestamp(as_of), '%Y-%m-%dT%H:%M:%SZ')"


KEPT: Final = ("as_of", *ABOUT_PATIENT)


class ResultWriter:
    """Writes what a screening found as Parquet into a folder.

    `query` gives from the table `fact` of a screening what `write` wants.
    """

    def __init__(self, database: Database, guideline: Guideline, facts: tuple[Fact, ...], folder: Path) -> None:
        self.database, self.guideline, self.facts, self.folder = database, guideline, facts, folder

    def write(self, judged: str = "") -> None:
        """`patient.parquet`: verdicts, reasons, evidence; `fact.parquet`: what the conditions read.

        `judged`: SQL that gives the columns of `judged_query`; empty for that query itself over the table `fact`.
        """
        self._write(patients_sql(self.guideline, self.facts, judged), self.folder / "patient.parquet")
        others = ", ".join(("patient", *KEPT))
        self._write(f"SELECT patient_id AS patient, * EXCLUDE ({others}) FROM fact", self.folder / "fact.parquet")

    def _write(self, select: str, file: Path) -> None:
        self.database.run(
            f"COPY ({select}) TO {quoted(str(file))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480)"
        )


def judged_query(guideline: Guideline, source: str = "fact") -> ReasonQuery:
    """Verdicts and what decided them, with what the table `fact` of a screening holds beside the facts."""
    return because_query(guideline, source, kept=KEPT)


def patients_sql(guideline: Guideline, facts: tuple[Fact, ...], judged: str = "") -> str:
    """One row a patient as `patient.parquet` has it, from the query `judged` (empty: `judged_query`)."""
    query = judged_query(guideline)
    verdicts = ", ".join(verdict_columns(guideline))
    names = "[" + ", ".join(quoted(fact.id) for fact in facts) + "]"
    spoken = f"list_transform(coalesce(spoken_facts, []), lambda x: struct_update(x, fact := ({names})[x.fact + 1]))"
    return (
        f"SELECT patient_id AS patient, patient_site AS site, patient_sex AS sex, {AS_OF} AS as_of, {verdicts}, "
        f"{spoken} AS facts, {reasons_sql(query)} AS reasons FROM ({judged or query.sql})"
    )


def reasons_sql(query: ReasonQuery) -> str:
    """The items that were found, in order of their names, each with the facts that decided, from the columns of `query`."""
    items = ", ".join(_reason(query, name) for name in sorted(query.words))
    return f"list_filter([{items}], lambda r: r IS NOT NULL)"


def _reason(query: ReasonQuery, name: str) -> str:
    own = query.words[name]
    told = ", ".join(
        f"CASE WHEN {own[place // WORD]} & {1 << place % WORD} <> 0 THEN {quoted(fact)} END"
        for place, fact in enumerate(query.fact_ids)
        if query.possible[name] >> place & 1
    )
    facts = f"list_filter([{told}], lambda f: f IS NOT NULL)" if told else "CAST([] AS VARCHAR[])"
    found = identifier(name)
    if name.startswith("recommendation:"):
        found = f"{found} IN ('yes', 'held')"
    return f"CASE WHEN {found} THEN struct_pack(item := {quoted(name)}, facts := {facts}) END"


class ReadSource(Protocol):
    """What a source tells of itself, on either engine."""

    @property
    def kind(self) -> str: ...
    @property
    def resources(self) -> dict[str, int]: ...
    @property
    def unreadable(self) -> int: ...
    @property
    def samples(self) -> tuple[BadLine, ...]: ...
    @property
    def problems(self) -> str: ...


class Screened(Protocol):
    """A screening whose tables are made; `contents`, `entry` and `twice` are in the database."""

    forms: Forms

    @property
    def source(self) -> ReadSource: ...


def quality(database: Database, screening: Screened) -> dict[str, Any]:
    """What the data are like: what could not be read, or was not used, and how much of it."""
    source = screening.source
    entries = dict(database.run("SELECT content, entries FROM counted"))
    unreadable, samples = screening.reading.unreadable()
    problems: dict[tuple[str, str, str], int] = {}
    for content, problem in screening.forms.problems:
        key = problem.reference.partition("/")[0], problem.problem, problem.handling
        problems[key] = problems.get(key, 0) + int(entries.get(content, 0))

    for kind, table, column, number in database.run(source.problems) if source.problems else ():
        problems[str(table), str(kind), f"column {column}" if column else ""] = int(number)
    return {
        "kind": source.kind,
        "resources": dict(sorted((source.resources | _entries_by_type(database, source)).items())),
        "unreadable": sum((source.unreadable | unreadable).values()),
        "samples": [{"file": s.file, "line": s.line, "why": s.why} for s in (*source.samples, *samples)][:MOST_SAMPLES],
        "nobody": database.count(
            "SELECT count(*) FROM entry WHERE patient IS NULL AND stranger IS NULL AND odd IS NULL"
        ),
        "strangers": database.count("SELECT count(DISTINCT stranger) FROM entry WHERE odd IS NULL"),
        "versions": database.count("SELECT count(*) FROM twice"),
        "problems": [
            {"resource_type": kind, "problem": word, "handling": handling, "entries": number}
            for (kind, word, handling), number in sorted(problems.items(), key=lambda item: (-item[1], item[0]))
        ],
    }


def _entries_by_type(database: Database, source: Source) -> dict[str, int]:
    """How many entries of each resource type were read; OMOP tells the rows of its tables instead."""
    if source.kind.startswith("OMOP"):
        return {}
    found = database.run(
        "SELECT json_extract_string(c.content, '$.resourceType'), sum(n.entries) FROM counted n "
        "JOIN content c ON n.content = c.number GROUP BY 1"
    )
    return {str(kind): int(number) for kind, number in found}
