"""A population screened on the embedded engine: source, contents, entries, facts, verdicts.

The steps and what each knows are in docs/decisions/0009-populations-by-forms.md. Patients go through the last steps in
portions, so that memory does not grow with the population.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from calcipath.guideline.model import Guideline
from calcipath.population.dialect import DUCKDB
from calcipath.population.duckdb_engine import Database
from calcipath.population.form_pool import Reading, read_forms
from calcipath.population.forms import FormReader
from calcipath.population.picking_sql import (
    FactRule,
    fact_rules,
    fact_table_sql,
    moment_sql,
    occurrence_sql,
    picked_sql,
    record_ends_sql,
)
from calcipath.population.source import FLAT_EVENT, NO_VERSIONS, Source, make_ready

PORTION: Final = 100_000  # patients
FLAT_COLUMNS: Final = ", ".join(f"{name} {'DOUBLE' if name == 'value' else 'VARCHAR'}" for name in FLAT_EVENT)
# An entry without an id is no version of another; its reference is empty or ends with the type.
NAMED: Final = "reference IS NOT NULL AND reference NOT LIKE '%/'"
ONCE: Final = "(s.reference IS NULL OR s.reference LIKE '%/' OR hash(s.reference) NOT IN (SELECT id FROM twice))"
NEWEST: Final = "struct_pack(u := updated, v := version, p := rowid)"  # of versions; at last by place, as in one record
SPOKEN: Final = (
    'SELECT patient, list(struct_pack(fact := fact, holds := holds, low := low, high := high, "position" := position, '
    "reference := reference, dated := dated) ORDER BY fact) AS facts FROM picked "
    "WHERE holds IS NOT NULL OR low IS NOT NULL OR position IS NOT NULL GROUP BY patient"
)
# The engine knows no sizes of files, and would hold the file in memory to look up the small table in it.
JOIN_CHOICES: Final = "join_order,build_side_probe_side"
Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ScreenOptions:
    """`as_of`: a FHIR date or instant for everybody, empty for the end of each record. The others as for one patient."""

    as_of: str = ""
    notes: bool = False
    complete: frozenset[str] = frozenset()
    code_systems: Mapping[str, str] = field(default_factory=dict)


class Screening:
    """One run: `prepare` reads the source, `judge` gives the tables of facts and verdicts."""

    def __init__(
        self, database: Database, guideline: Guideline, source: Source, options: ScreenOptions, step: Step
    ) -> None:
        self.database, self.guideline, self.source, self.options = database, guideline, source, options
        self._step = step
        self.reader = FormReader(guideline, notes=options.notes, code_systems=options.code_systems)
        self.reading = Reading()

    def prepare(self) -> None:
        """Read the source down to entries that bear on a fact."""
        run = self.database.run
        self._step("patients")
        make_ready(self.database, self.source)
        run("SET preserve_insertion_order = true")
        run(f"CREATE TABLE patient_version AS {self.source.patients}")
        run("SET preserve_insertion_order = false")
        newest = f"SELECT max_by(rowid, {NEWEST}) FROM patient_version GROUP BY patient"
        run(
            "CREATE TABLE patient AS SELECT CAST(row_number() OVER () AS INTEGER) AS patient, patient AS id, "
            f"* EXCLUDE (patient, updated, version) FROM patient_version WHERE rowid IN ({newest})"
        )
        self._read_contents()
        self._read_forms()
        self._read_entries()
        if not self.options.as_of:
            self._find_record_ends()

    def judge(self, verdicts: str) -> None:
        """Make the tables `fact`, `spoken` (the facts that a record speaks of) and `verdict` (by the query `verdicts`)."""
        last = self.database.count("SELECT max(patient) FROM patient")
        for first in range(1, last + 1, PORTION):
            self._pick(first, min(first + PORTION - 1, last))
        if not last:
            self._pick(1, 0)
        self._step("verdicts")
        self.database.run(f"CREATE TABLE verdict AS {verdicts}")

    def _events(self, part: str) -> str:
        """A part of the source; with notes, the free text is part of the content."""
        if not self.options.notes:
            return part
        whole = "concat(substr(content, 1, length(content) - 1), ',', substr(notes, 2))"
        return f"SELECT * REPLACE (CASE WHEN notes IS NULL THEN content ELSE {whole} END AS content) FROM ({part})"

    def _read_contents(self) -> None:
        self._step("contents")
        run = self.database.run
        run("CREATE TABLE counted (content VARCHAR, entries BIGINT, nobody BIGINT, ids UBIGINT[])")
        for part in self.source.parts:
            run(
                "INSERT INTO counted SELECT content, count(*), count(*) FILTER (WHERE patient IS NULL), "
                f"list(hash(reference)) FILTER (WHERE {NAMED}) FROM ({self._events(part.events)}) GROUP BY content"
            )
        run(
            "CREATE TABLE twice AS SELECT id FROM (SELECT unnest(ids) AS id FROM counted) GROUP BY id HAVING count(*) > 1"
        )
        run(
            "CREATE TABLE content AS SELECT CAST(row_number() OVER () AS INTEGER) AS number, content, "
            "sum(entries) AS entries, sum(nobody) AS nobody FROM counted GROUP BY content"
        )
        run("DROP TABLE counted")

    def _read_forms(self) -> None:
        self._step("forms")
        self.reading = read_forms(self.database, self.reader)
        self.database.load_rows("fact_rule", FactRule, fact_rules(self.reader.facts))
        tables = ("vote", "measure", "beginning", "frequency", "length")
        speaking = " UNION ".join(f"SELECT event FROM form_{table}" for table in tables)
        told = f"SELECT content FROM form_event WHERE stay OR event IN (SELECT event FROM ({speaking}))"
        self.database.run(f"CREATE TABLE known AS SELECT number, content, number IN ({told}) AS speaks FROM content")

    def _read_entries(self) -> None:
        self._step("entries")
        run = self.database.run
        run(f"SET disabled_optimizers = '{JOIN_CHOICES}'")
        run(f"CREATE TABLE newest_version ({FLAT_COLUMNS}, visit VARCHAR, updated DOUBLE, version BIGINT)")
        wanted = "CREATE TABLE entry AS SELECT * FROM ({}) LIMIT 0"
        for number, part in enumerate(self.source.parts):
            query = self._numbered(self._events(part.events))
            if number == 0:
                run(wanted.format(query))
            run(f"INSERT INTO entry {query} AND {ONCE}")
        if not self.source.parts:
            run(
                "CREATE TABLE entry (patient INTEGER, stranger VARCHAR, reference VARCHAR, content INTEGER, started VARCHAR, ended VARCHAR, recorded VARCHAR, value DOUBLE, visit VARCHAR)"
            )
        if self.source.parts:
            self._find_newest_versions()
            run(f"INSERT INTO entry {self._numbered('SELECT * FROM newest_version')}")
        run("RESET disabled_optimizers")
        self._add_strangers()
        needed = "SELECT visit FROM entry WHERE visit IS NOT NULL"
        if self.source.visits is not None and self.database.count(f"SELECT count(*) FROM ({needed})"):
            run(
                f"UPDATE entry SET recorded = v.start FROM ({self.source.visits(needed)}) AS v WHERE entry.visit = v.id"
            )

    def _find_newest_versions(self) -> None:
        """Of entries that come more than once, wherever they stand, the newest version, as for one patient."""
        run = self.database.run
        run("CREATE TEMP TABLE several AS SELECT * FROM newest_version LIMIT 0")
        if not self.database.count("SELECT count(*) FROM twice"):
            return
        only = "SELECT id FROM twice"
        run("SET preserve_insertion_order = true")
        for part in self.source.parts:
            given = f"SELECT *, {NO_VERSIONS} FROM ({part.events}) WHERE hash(reference) IN ({only})"
            if part.versions is not None:
                given = part.versions(only)
            run(f"INSERT INTO several {self._events(given)}")
        run("SET preserve_insertion_order = false")
        newest = f"SELECT max_by(rowid, {NEWEST}) FROM several GROUP BY patient, reference"
        run(f"INSERT INTO newest_version SELECT * FROM several WHERE {NAMED} AND rowid IN ({newest})")

    def _numbered(self, part: str, *, only_speaking: bool = True) -> str:
        """Entries with the numbers of patient and content; those of unknown patients keep the patient's id."""
        speaks = " AND (c.speaks OR p.patient IS NULL)" if only_speaking else ""
        return (
            "SELECT p.patient, CASE WHEN p.patient IS NULL THEN s.patient END AS stranger, s.reference, c.number AS content, "
            f"s.started, s.ended, s.recorded, s.value, s.visit FROM ({part}) AS s "
            "JOIN known c ON s.content = c.content LEFT JOIN patient p ON s.patient = p.id "
            f"WHERE s.patient IS NOT NULL{speaks}"
        )

    def _add_strangers(self) -> None:
        """Patients that entries name although no Patient resource does: nothing is known of them, and they count."""
        run = self.database.run
        run(
            "INSERT INTO patient (patient, id) SELECT (SELECT coalesce(max(patient), 0) FROM patient) + row_number() OVER (), "
            "stranger FROM (SELECT DISTINCT stranger FROM entry WHERE stranger IS NOT NULL)"
        )
        run("UPDATE entry SET patient = p.patient FROM patient p WHERE entry.stranger = p.id")

    def _find_record_ends(self) -> None:
        self._step("ends of records")
        run = self.database.run
        run("CREATE TABLE record_end (patient INTEGER, newest STRUCT(low DOUBLE, early DOUBLE))")
        run(f"SET disabled_optimizers = '{JOIN_CHOICES}'")
        for part in self.source.parts:
            entries = f"{self._numbered(self._events(part.events), only_speaking=False)} AND {ONCE}"
            self._add_record_ends(entries, by_visit=part.by_visit)
        self._add_record_ends(self._numbered("SELECT * FROM newest_version", only_speaking=False), by_visit=True)
        run("RESET disabled_optimizers")

    def _add_record_ends(self, entries: str, *, by_visit: bool) -> None:
        if by_visit and self.source.visits is not None:
            starts = self.source.visits(f"SELECT visit FROM ({entries})")
            dated = "coalesce(n.recorded, v.start) AS recorded"
            entries = f"SELECT n.* REPLACE ({dated}) FROM ({entries}) AS n LEFT JOIN ({starts}) AS v ON n.visit = v.id"
        ends = record_ends_sql(DUCKDB, occurrence_sql(DUCKDB, "", f"({entries})"))
        self.database.run(f"INSERT INTO record_end {ends}")

    def _pick(self, first: int, last: int) -> None:
        self._step(f"patients {first:,} to {last:,}")
        run = self.database.run
        some = f"patient BETWEEN {first} AND {last}"
        entries = f"(SELECT * FROM entry WHERE {some})"
        run(f"CREATE OR REPLACE TEMP TABLE occurrence AS {occurrence_sql(DUCKDB, self.options.as_of, entries)}")
        run(f"CREATE OR REPLACE TEMP TABLE moment AS SELECT * FROM ({moment_sql(self.options.as_of)}) WHERE {some}")
        run(f"CREATE OR REPLACE TEMP TABLE picked AS {picked_sql(DUCKDB)}")
        facts = fact_table_sql(self.reader.facts, self.options.complete, DUCKDB)
        for table, select in (("fact", facts), ("spoken", SPOKEN)):
            run(f"CREATE TABLE {table} AS {select}" if first == 1 else f"INSERT INTO {table} {select}")
