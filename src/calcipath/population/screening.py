"""A population screened on the embedded engine: source, contents, entries, facts, verdicts.

The steps and what each knows are in docs/decisions/0009-populations-by-forms.md. Patients go through the last steps in
portions, so that memory does not grow with the population.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from calcipath.guideline.model import Guideline
from calcipath.population.dialect import DUCKDB
from calcipath.population.duckdb_engine import Database
from calcipath.population.entry_reading import EntryReading, NotAsItsHead
from calcipath.population.fhir_files import MOST_SAMPLES, BadLine
from calcipath.population.fhir_lines import quoted
from calcipath.population.fhir_sql import newest_sql
from calcipath.population.form_pool import Reading, read_forms
from calcipath.population.form_rows import speaking_sql
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
from calcipath.population.portions import for_each_portion
from calcipath.population.results import judged_query
from calcipath.population.source import Source, make_ready

PORTION: Final = 16_000  # patients; two at a time fit into the usual 400 MB, more would be spilled
SPOKEN: Final = (
    "SELECT patient, list_sort(list(struct_pack(fact := fact, holds := holds, low := low, high := high, "
    '"position" := position, reference := reference, dated := dated))) AS facts FROM picked '
    "WHERE holds IS NOT NULL OR low IS NOT NULL OR position IS NOT NULL GROUP BY patient"
)
Step = Callable[..., None]  # is told the name of a step, and what share of it is done where that is known


@dataclass(frozen=True, slots=True)
class Told:
    """What a source was like: `resources` that are not counted by content, lines that could not be read with the first of
    them, what was not used as written (kind, table, column, number), entries that name no patient, patients whom only
    entries name, entries in several versions. `entries_at_hand`: the table `entry` is in the database of the run."""

    kind: str
    resources: dict[str, int]
    unreadable: int
    samples: tuple[BadLine, ...]
    problems: Sequence[tuple[Any, ...]]
    nobody: int
    strangers: int
    versions: int
    entries_at_hand: bool = True


@dataclass(frozen=True, slots=True)
class ScreenOptions:
    """`as_of`: a FHIR date or instant for everybody, empty for the end of each record. The others as for one patient."""

    as_of: str = ""
    notes: bool = False
    complete: frozenset[str] = frozenset()
    code_systems: Mapping[str, str] = field(default_factory=dict)


class Screening:
    """One run: `prepare` reads the source, `pick` gives the table of facts."""

    def __init__(
        self, database: Database, guideline: Guideline, source: Source, options: ScreenOptions, step: Step
    ) -> None:
        self.database, self.guideline, self.source, self.options = database, guideline, source, options
        self._step = step
        self.reader = FormReader(guideline, notes=options.notes, code_systems=options.code_systems)
        self.reading = Reading()

    def prepare(self) -> None:
        """Read the source down to entries and what their contents say."""
        try:
            self._read()
        except NotAsItsHead:
            if self.source.looked_through is None:
                raise
            self._step("source")
            self.source = self.source.looked_through()
            self._read()

    def pick(self) -> None:
        """Make the view `fact`: what the conditions read, who the patient is, and the facts that the record speaks of."""
        last = self.database.count("SELECT max(patient) FROM patient")
        self._step("facts")
        self._pick(self.database, 1, min(PORTION, last))
        others = range(PORTION + 1, last + 1, PORTION)
        for_each_portion(self.database, others, PORTION, self._pick, lambda share: self._step("facts", share))
        files = ", ".join(quoted(self._facts_from(first)) for first in (1, *others))
        self.database.run(f"CREATE VIEW fact AS FROM read_parquet([{files}])")

    def judge(self) -> str:
        """The query that judges everybody, from the table `fact`; see `results.patients_sql`."""
        return judged_query(self.guideline).sql

    def told(self) -> Told:
        """What the source was like."""
        unreadable, samples = self.entries.unreadable()
        count = self.database.count
        return Told(
            kind=self.source.kind,
            resources=self.source.resources,
            unreadable=sum((self.source.unreadable | unreadable).values()),
            samples=(*self.source.samples, *samples)[:MOST_SAMPLES],
            problems=self.database.run(self.source.problems) if self.source.problems else [],
            nobody=count("SELECT count(*) FROM entry WHERE patient IS NULL AND stranger IS NULL AND odd IS NULL"),
            strangers=count("SELECT count(DISTINCT stranger) FROM entry WHERE odd IS NULL"),
            versions=count("SELECT count(*) FROM twice"),
        )

    def _read(self) -> None:
        self._step("patients")
        make_ready(self.database, self.source)
        self._number_patients()
        self.reading = Reading()
        self.database.make_form_tables()
        self.database.load_rows("fact_rule", FactRule, fact_rules(self.reader.facts))
        self.entries = EntryReading(
            self.database,
            self.source,
            notes=self.options.notes,
            silent_dates=not self.options.as_of,
            learn=self._learn,
        )
        self.entries.read(self._step)

    def _number_patients(self) -> None:
        run = self.database.run
        run("SET preserve_insertion_order = true")
        run(f"CREATE OR REPLACE TABLE patient_version AS {self.source.patients}")
        run("SET preserve_insertion_order = false")
        newest = f"SELECT max_by(rowid, {newest_sql('rowid')}) FROM patient_version GROUP BY patient"
        run(
            "CREATE OR REPLACE TABLE patient AS SELECT CAST(row_number() OVER () AS INTEGER) AS patient, patient AS id, "
            f"* EXCLUDE (patient, updated, version) FROM patient_version WHERE rowid IN ({newest})"
        )

    def _learn(self, since: int) -> None:
        """Read the contents whose numbers are above `since`."""
        self.reading += read_forms(self.database, self.reader, since)
        self.database.run(f"INSERT INTO speaking {speaking_sql(since)}")

    def _pick(self, database: Database, first: int, last: int) -> None:
        run = database.run
        some = f"patient BETWEEN {first} AND {last}"
        for table in ("patient", "entry"):
            run(f"CREATE OR REPLACE TEMP VIEW own_{table} AS SELECT * FROM {table} WHERE {some}")
        if not self.options.as_of:
            ends = record_ends_sql(DUCKDB, occurrence_sql(DUCKDB, "", "own_entry"))
            run(f"CREATE OR REPLACE TEMP TABLE record_end AS {ends}")
        speaking = "(SELECT * FROM own_entry WHERE content IN (SELECT content FROM speaking))"
        run(f"CREATE OR REPLACE TEMP TABLE occurrence AS {occurrence_sql(DUCKDB, self.options.as_of, speaking)}")
        run(f"CREATE OR REPLACE TEMP TABLE moment AS SELECT * FROM ({moment_sql(self.options.as_of)}) WHERE {some}")
        run(f"CREATE OR REPLACE TEMP TABLE picked AS {picked_sql(DUCKDB)}")
        facts = fact_table_sql(self.reader.facts, self.options.complete, DUCKDB, SPOKEN, "own_patient")
        # As files: into a table the engine would write them twice.
        run(f"COPY ({facts}) TO {quoted(self._facts_from(first))} (FORMAT parquet)")

    def _facts_from(self, first: int) -> str:
        """The file of a portion; each is named, since a star would make a pattern of the whole path."""
        return f"{self.database.folder}/fact-{first}.parquet"
