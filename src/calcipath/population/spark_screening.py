"""A population screened on Apache Spark through Spark Connect: the same steps and the same texts as `screening.py`.

The cluster reads the source, picks each fact's entry and gives the verdicts. Here the distinct contents are read by the
reader of one patient, and the results arrive in portions of patients, as tables of the embedded engine, from which the
run is written as ever. Nothing of ours runs on the cluster: it sees SQL and tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]

from calcipath.guideline.model import Guideline
from calcipath.population.dialect import SPARK
from calcipath.population.duckdb_engine import Database
from calcipath.population.fhir_sql import HAS_ID, version_order
from calcipath.population.form_pool import Reading, read_forms
from calcipath.population.form_rows import BEARING, speaking_sql
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
from calcipath.population.reason_query import because_query
from calcipath.population.results import KEPT as ABOUT
from calcipath.population.screening import ScreenOptions, Step, Told
from calcipath.population.spark import Spark
from calcipath.population.spark_source import open_on_spark

CONTENTS: Final = 200_000  # at a time
PORTION: Final = 25_000  # patients, of results: bounded here, and by what the server's driver may collect
BUCKETS: Final = 256
PATIENT: Final = ("sex", "birth_date", "death_date", "site")
KEPT: Final = ("reference", "started", "ended", "recorded", "value", "visit")
SPOKEN: Final = (
    "SELECT patient, array_sort(array_agg(named_struct('fact', fact, 'holds', holds, 'low', low, 'high', high, "
    "'position', position, 'reference', reference, 'dated', dated))) AS facts FROM picked "
    "WHERE holds IS NOT NULL OR low IS NOT NULL OR position IS NOT NULL GROUP BY patient"
)


class SparkScreening:
    """One run: `prepare` reads the source, `pick` gives the table of facts, `judge` that of verdicts, in `database`."""

    def __init__(
        self,
        spark: Spark,
        database: Database,
        guideline: Guideline,
        path: str,
        options: ScreenOptions,
        step: Step,
    ) -> None:
        self.spark, self.database, self.guideline, self.options = spark, database, guideline, options
        self._step = step
        self.reader = FormReader(guideline, notes=options.notes, code_systems=options.code_systems)
        self.reading = Reading()
        self.source = open_on_spark(spark, database, path)

    def prepare(self) -> None:
        """Read the source down to entries that bear on a fact."""
        self._step("contents")
        self.spark.view_of_query("event_read", self._events())
        dated = "count(visit) AS visits" if self.source.visits else "CAST(0 AS BIGINT) AS visits"
        self.spark.keep(
            "content_read",
            f"SELECT content, count(*) AS entries, count_if(patient IS NULL) AS nobody, {dated} FROM event_read "
            "GROUP BY content",
        )
        self._step("forms")
        self._read_forms()
        self._step("patients")
        self._number_patients()
        self._step("entries")
        self._read_entries()
        if not self.options.as_of:
            self._step("ends of records")
            entries = occurrence_sql(SPARK, "", "(SELECT * FROM entry)")
            self.spark.keep("record_end", record_ends_sql(SPARK, entries))

    def pick(self) -> None:
        """Make the table `fact`: what the conditions read, who the patient is, and the facts that the record speaks of."""
        keep, as_of = self.spark.keep, self.options.as_of
        self._step("facts")
        keep("occurrence", occurrence_sql(SPARK, as_of, "(SELECT * FROM entry WHERE speaks)"))
        keep("moment", moment_sql(as_of))
        keep("picked", picked_sql(SPARK))
        keep("fact", fact_table_sql(self.reader.facts, self.options.complete, SPARK, SPOKEN))
        self._bring("fact")

    def judge(self, verdicts: str = "") -> str:
        """Judge everybody on the cluster (by the query `verdicts`, if given); gives the query of the answers, here."""
        self._step("verdicts")
        self.spark.keep("verdict", verdicts or because_query(self.guideline).sql)
        self._step("answers")
        self._bring("verdict")
        kept = ", ".join(f"f.{name}" for name in ABOUT)
        return f"SELECT v.*, {kept} FROM verdict v JOIN fact f ON v.patient = f.patient"

    def told(self) -> Told:
        """What the source was like."""
        count = self.database.count
        return Told(
            kind=self.source.kind,
            resources=self.source.resources,
            unreadable=self.source.unreadable,
            samples=self.source.samples,
            problems=(),
            nobody=count("SELECT sum(nobody) FROM content"),
            strangers=self._strangers,
            versions=self._versions,
            entries_at_hand=False,
        )

    def _events(self) -> str:
        """The events; with notes, the free text is part of the content."""
        if not self.options.notes:
            return "SELECT * FROM event"
        whole = "concat(substr(content, 1, length(content) - 1), ',', substr(notes, 2))"
        content = f"CASE WHEN notes IS NULL THEN content ELSE {whole} END AS content"
        others = ", ".join(name for name in self.spark.columns("event") if name != "content")
        return f"SELECT {others}, {content} FROM event"

    def _contents(self) -> Iterator[dict[str, list[Any]]]:
        """The distinct contents, in portions."""
        count = self._count("SELECT count(*) FROM content_read")
        parts = count // CONTENTS + 1
        for part in range(parts):
            some = f"WHERE pmod(xxhash64(content), {parts}) = {part}" if parts > 1 else ""
            yield self.spark.rows(f"SELECT * FROM content_read {some}").to_pydict()

    def _read_forms(self) -> None:
        database, keys = self.database, list[bytes]()
        database.make_form_tables()
        database.load_rows("fact_rule", FactRule, fact_rules(self.reader.facts))
        database.run("CREATE TABLE content (number BIGINT, content VARCHAR, entries BIGINT, nobody BIGINT)")
        self._dated_by_visit = False
        for part in self._contents():
            self._dated_by_visit |= any(part["visits"])
            numbers = range(len(keys), len(keys) + len(part["content"]))
            keys += [hashlib.sha256(content.encode()).digest() for content in part["content"]]
            counted = {"number": numbers, **{name: part[name] for name in ("content", "entries", "nobody")}}
            database.append("content", pa.table({name: pa.array(values) for name, values in counted.items()}))
        self.spark.drop("content_read")
        database.run("CREATE TABLE counted AS SELECT number AS content, entries FROM content")
        self.reading = read_forms(database, self.reader)
        for table in ("fact_rule", "form_event", *BEARING):
            self._send(table, database.arrow(f"SELECT * FROM {table}"))
        bearing = {int(content) for (content,) in database.run(speaking_sql())}
        numbered = {"number": range(len(keys)), "digest": keys, "speaks": [n in bearing for n in range(len(keys))]}
        types = {"number": pa.int64(), "digest": pa.binary(), "speaks": pa.bool_()}
        self._send("known", pa.table({name: pa.array(numbered[name], types[name]) for name in numbered}))

    def _send(self, name: str, table: pa.Table) -> None:
        self.spark.view_of_table(f"{name}_sent", table)
        self.spark.keep(name, f"SELECT * FROM {name}_sent")

    def _number_patients(self) -> None:
        """The newest version of each patient, and those whom only entries name; numbered without gaps, in buckets."""
        order = zip(("updated", "version"), version_order(SPARK), strict=True)
        named_ = [*order, *((name, name) for name in ("place", *PATIENT))]
        fields = ", ".join(f"'{name}', {value}" for name, value in named_)
        self.spark.keep(
            "newest_patient",
            f"SELECT patient AS id, max(named_struct({fields})) AS p FROM patient_version WHERE patient IS NOT NULL "
            "GROUP BY patient",
        )
        known = ", ".join(f"p.{name} AS {name}" for name in PATIENT)
        unknown = ", ".join(f"CAST(NULL AS STRING) AS {name}" for name in PATIENT)
        named = "SELECT DISTINCT patient AS id FROM event WHERE patient IS NOT NULL"
        everybody = (
            f"SELECT id, {known}, false AS stranger FROM newest_patient UNION ALL SELECT n.id, {unknown}, true AS stranger "
            f"FROM ({named}) AS n LEFT ANTI JOIN newest_patient k ON n.id = k.id"
        )
        self.spark.keep(
            "person",
            f"SELECT *, bucket, row_number() OVER (PARTITION BY bucket ORDER BY id) AS nth FROM "
            f"(SELECT *, pmod(xxhash64(id), {BUCKETS}) AS bucket FROM ({everybody}))",
        )
        before = (
            "SELECT bucket, sum(number) OVER (ORDER BY bucket) - number AS before FROM "
            "(SELECT bucket, count(*) AS number FROM person GROUP BY bucket)"
        )
        columns = ", ".join(f"p.{name}" for name in ("id", *PATIENT, "stranger"))
        self.spark.keep(
            "patient",
            f"SELECT CAST(b.before + p.nth AS INT) AS patient, {columns} FROM person p JOIN ({before}) AS b "
            "ON p.bucket = b.bucket",
        )
        self.spark.drop("person")
        self._last = self._count("SELECT count(*) FROM patient")
        self._bring("patient")
        self._strangers = self.database.count("SELECT count(*) FROM patient WHERE stranger")

    def _read_entries(self) -> None:
        spark = self.spark
        spark.keep("twice", f"SELECT reference FROM event WHERE {HAS_ID} GROUP BY reference HAVING count(*) > 1")
        self._versions = self._count("SELECT count(*) FROM twice")
        once = "SELECT * FROM event_read"
        if self._versions:
            once = f"{self._once()} UNION ALL {self._newest()}"
        columns = ", ".join(f"e.{name}" for name in KEPT)
        numbered = (
            f"SELECT p.patient, k.number AS content, k.speaks, {columns} FROM ({once}) AS e "
            "JOIN known k ON unhex(sha2(e.content, 256)) = k.digest JOIN patient p ON e.patient = p.id"
        )
        if self.options.as_of:
            numbered += " WHERE k.speaks"
        if self._dated_by_visit:
            others = ", ".join(f"n.{name}" for name in ("patient", "content", "speaks", *KEPT) if name != "recorded")
            numbered = (
                f"SELECT {others}, coalesce(n.recorded, v.start) AS recorded FROM ({numbered}) AS n "
                "LEFT JOIN visit v ON n.visit = v.id"
            )
        spark.keep("entry", numbered)
        spark.drop("event_read")
        spark.drop("event")

    def _once(self) -> str:
        columns = ", ".join(f"e.{name}" for name in ("patient", "content", *KEPT))
        return f"SELECT {columns} FROM event_read e LEFT ANTI JOIN twice t ON e.reference = t.reference"

    def _newest(self) -> str:
        """Of entries that come more than once the newest version, as for one patient."""
        columns = ", ".join(("patient", "content", *KEPT))
        updated, version = version_order(SPARK)
        ranked = (
            f"SELECT e.*, row_number() OVER (PARTITION BY e.patient, e.reference ORDER BY {updated} DESC, {version} DESC, "
            "e.place DESC) AS rank FROM event_read e LEFT SEMI JOIN twice t ON e.reference = t.reference"
        )
        return f"SELECT {columns} FROM ({ranked}) WHERE rank = 1"

    def _bring(self, table: str) -> None:
        """The rows of a table in portions of patients, into a table of the same name here."""
        for first in range(1, max(self._last, 1) + 1, PORTION):
            some = f"patient BETWEEN {first} AND {first + PORTION - 1}"
            self.database.append(table, self.spark.rows(f"SELECT * FROM {table} WHERE {some}"))

    def _count(self, sql: str) -> int:
        return int(self.spark.rows(sql).column(0)[0].as_py())
