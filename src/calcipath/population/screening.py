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
from calcipath.population.entry_reading import EntryReading, NotAsItsHead
from calcipath.population.fhir_sql import newest_sql
from calcipath.population.forms import FormReader, Forms
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
from calcipath.population.source import Source, make_ready

PORTION: Final = 50_000  # patients
ABOUT_PATIENT: Final = (
    "patient_id",
    "patient_site",
    "patient_sex",
    "spoken_facts",
)  # beside the facts in the table `fact`
SPOKEN: Final = (
    "SELECT patient, list_sort(list(struct_pack(fact := fact, holds := holds, low := low, high := high, "
    "position := position, reference := reference, dated := dated))) AS facts FROM picked "
    "WHERE holds IS NOT NULL OR low IS NOT NULL OR position IS NOT NULL GROUP BY patient"
)
Step = Callable[[str], None]


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
        self.forms = Forms()

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
        """Make the table `fact`: what the conditions read, who the patient is, and the facts that the record speaks of."""
        last = self.database.count("SELECT max(patient) FROM patient")
        self._step("facts")
        self._pick(self.database, 1, min(PORTION, last))
        for_each_portion(self.database, range(PORTION + 1, last + 1, PORTION), PORTION, self._pick)

    def _read(self) -> None:
        self._step("patients")
        make_ready(self.database, self.source)
        self._number_patients()
        self.forms = Forms()
        self.database.make_forms()
        self.database.make_rows("fact_rule", FactRule)
        self.database.add_rows("fact_rule", FactRule, fact_rules(self.reader.facts))
        self.reading = EntryReading(
            self.database,
            self.source,
            notes=self.options.notes,
            silent_dates=not self.options.as_of,
            learn=self._learn,
        )
        self.reading.read(self._step)

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
        found = self.database.run(f"SELECT number, content FROM content WHERE number > {since}")
        forms = self.reader.read(found)
        self.database.add_forms(forms)
        self.forms.problems.extend(forms.problems)
        tables = ("vote", "measure", "beginning", "frequency", "length")
        told = " UNION ".join(f"SELECT event FROM form_{table}" for table in tables)
        self.database.run(
            f"INSERT INTO speaking SELECT DISTINCT content FROM form_event WHERE content > {since} "
            f"AND (stay OR event IN (SELECT event FROM ({told})))"
        )

    def _pick(self, database: Database, first: int, last: int) -> None:
        run = database.run
        some = f"patient BETWEEN {first} AND {last}"
        run(f"CREATE OR REPLACE TEMP VIEW own_entry AS SELECT * FROM entry WHERE {some}")
        if not self.options.as_of:
            ends = record_ends_sql(DUCKDB, occurrence_sql(DUCKDB, "", "own_entry"))
            run(f"CREATE OR REPLACE TEMP TABLE record_end AS {ends}")
        speaking = "(SELECT * FROM own_entry WHERE content IN (SELECT content FROM speaking))"
        run(f"CREATE OR REPLACE TEMP TABLE occurrence AS {occurrence_sql(DUCKDB, self.options.as_of, speaking)}")
        run(f"CREATE OR REPLACE TEMP TABLE moment AS SELECT * FROM ({moment_sql(self.options.as_of)}) WHERE {some}")
        run(f"CREATE OR REPLACE TEMP TABLE picked AS {picked_sql(DUCKDB)}")
        facts = fact_table_sql(self.reader.facts, self.options.complete, DUCKDB)
        whole = (
            "SELECT f.*, p.id AS patient_id, p.site AS patient_site, p.sex AS patient_sex, s.facts AS spoken_facts "
            f"FROM ({facts}) AS f JOIN patient p ON f.patient = p.patient LEFT JOIN ({SPOKEN}) AS s ON f.patient = s.patient"
        )
        run(f"CREATE TABLE fact AS {whole}" if first == 1 else f"INSERT INTO fact {whole}")
