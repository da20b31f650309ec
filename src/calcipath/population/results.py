"""What a run writes: one row a patient with verdicts, reasons and evidence; the facts; what the data are like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from calcipath.guideline.model import Fact, Guideline
from calcipath.population.duckdb_engine import Database
from calcipath.population.fact_sets import WORD
from calcipath.population.fhir_sql import quoted
from calcipath.population.reason_query import ReasonQuery, because_query
from calcipath.population.screening import PORTION
from calcipath.population.sql_columns import identifier
from calcipath.population.verdict_sql import verdict_columns

AS_OF: Final = "strftime(to_timestamp(f.as_of), '%Y-%m-%dT%H:%M:%SZ')"


class ResultWriter:
    """Writes the tables of a screening as Parquet into a folder; its verdicts must be made by `query`."""

    def __init__(self, database: Database, guideline: Guideline, facts: tuple[Fact, ...], folder: Path) -> None:
        self.database, self.guideline, self.facts, self.folder = database, guideline, facts, folder
        self.query: ReasonQuery = because_query(guideline)

    def write(self) -> None:
        """`patient.parquet`: verdicts, reasons, evidence; `fact.parquet`: what the conditions read."""
        self._explain()
        verdicts = ", ".join(f"v.{name}" for name in verdict_columns(self.guideline))
        names = "[" + ", ".join(quoted(fact.id) for fact in self.facts) + "]"
        facts = f"list_transform(coalesce(s.facts, []), lambda x: struct_update(x, fact := ({names})[x.fact + 1]))"
        rows = (
            f"SELECT p.id AS patient, p.site, p.sex, {AS_OF} AS as_of, {verdicts}, {facts} AS facts, "
            "coalesce(r.reasons, []) AS reasons FROM {verdict} v JOIN {patient} p ON v.patient = p.patient "
            "JOIN {fact} f ON v.patient = f.patient LEFT JOIN {spoken} s ON v.patient = s.patient "
            "LEFT JOIN {reason} r ON v.patient = r.patient"
        )
        self._copy(rows, "patient")
        self._copy(
            "SELECT p.id AS patient, f.* EXCLUDE (patient, as_of) FROM {fact} f JOIN {patient} p USING (patient)",
            "fact",
        )

    def _copy(self, select: str, table: str) -> None:
        """In portions, so that the joins stay small; then as one file."""
        last = self.database.count("SELECT max(patient) FROM patient")
        parts = []
        for first in range(1, last + 1, PORTION) or [1]:
            some = f"WHERE patient BETWEEN {first} AND {first + PORTION - 1}"
            tables = {
                name: f"(SELECT * FROM {name} {some})" for name in ("verdict", "patient", "fact", "spoken", "reason")
            }
            parts.append(self.folder / f"{table}-{first}.parquet")
            self._write(select.format(**tables), parts[-1])
        whole = self.folder / f"{table}.parquet"
        if len(parts) == 1:
            parts[0].rename(whole)
            return
        self._write(f"SELECT * FROM read_parquet([{', '.join(quoted(str(part)) for part in parts)}])", whole)
        for part in parts:
            part.unlink()

    def _write(self, select: str, file: Path) -> None:
        self.database.run(
            f"COPY ({select}) TO {quoted(str(file))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480)"
        )

    def _explain(self) -> None:
        """The table `reason`: for each patient the items that were found, each with the facts that decided."""
        count = len(self.query.fact_ids) // WORD + 1
        found = " UNION ALL ".join(self._found(name, own, count) for name, own in self.query.words.items())
        run = self.database.run
        run(f"CREATE TABLE found AS {found}")
        words = ", ".join(f"w{number}" for number in range(count))
        patterns = run(f"SELECT DISTINCT {words} FROM found")
        columns: dict[str, Any] = {
            f"w{number}": np.array([pattern[number] for pattern in patterns], dtype=np.int64) for number in range(count)
        }
        columns["facts"] = np.array(["\n".join(self._names(pattern)) for pattern in patterns], dtype=object)
        self.database.load("pattern", columns)
        facts = "CASE WHEN q.facts = '' THEN [] ELSE string_split(q.facts, chr(10)) END"
        run(
            "CREATE TABLE reason AS SELECT f.patient, "
            f"list(struct_pack(item := f.item, facts := {facts}) ORDER BY f.item) AS reasons "
            f"FROM found f JOIN pattern q USING ({words}) GROUP BY f.patient"
        )

    def _found(self, name: str, own: Mapping[int, str], count: int) -> str:
        kind, _, item = name.partition(":")
        column = identifier(name)
        is_found = f"{column} IN ('yes', 'held')" if kind == "recommendation" else column
        words = ", ".join(
            f"coalesce({own[number]}, 0) AS w{number}" if number in own else f"CAST(0 AS BIGINT) AS w{number}"
            for number in range(count)
        )
        return f"SELECT patient, {quoted(name)} AS item, {words} FROM verdict WHERE {is_found}" if item else ""

    def _names(self, pattern: tuple[int, ...]) -> list[str]:
        ids = self.query.fact_ids
        return [name for place, name in enumerate(ids) if pattern[place // WORD] >> place % WORD & 1]
