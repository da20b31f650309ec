"""FHIR Bulk Data on Spark: lines of NDJSON files, split into the flat form by the text that DuckDB uses too.

A line is read once to see what it is, and once to split it. It is a resource where it is one JSON object and nothing
else; what is more or less counts as unreadable, as for one patient.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from calcipath.errors import InputError
from calcipath.population.dialect import SPARK, Dialect
from calcipath.population.duckdb_engine import Database
from calcipath.population.fhir_files import BadLine, bad_lines
from calcipath.population.fhir_lines import LARGEST_RESOURCE
from calcipath.population.fhir_members import MEMBERS
from calcipath.population.fhir_mixes import embed_ingredients
from calcipath.population.fhir_sql import TARGETS, events_sql, patients_sql, targets_sql, visits_sql
from calcipath.population.spark import Spark

ENDINGS: Final = "*.{ndjson,ndjson.gz,jsonl,jsonl.gz}"
PLACE: Final = "named_struct('file', file, 'block', block, 'nth', monotonically_increasing_id()) AS place"
STRICT: Final = "map('allowSingleQuotes', 'false', 'allowNonNumericNumbers', 'false')"
NO_TARGETS: Final = "SELECT CAST(NULL AS STRING) AS id, CAST(NULL AS STRING) AS target WHERE false"
NO_PATIENTS: Final = (
    "SELECT CAST(NULL AS STRING) AS patient, CAST(NULL AS STRING) AS sex, CAST(NULL AS STRING) AS birth_date, "
    "CAST(NULL AS STRING) AS death_date, CAST(NULL AS STRING) AS site, CAST(NULL AS STRING) AS updated, "
    "CAST(NULL AS STRING) AS version, CAST(0 AS BIGINT) AS place WHERE false"
)


def resources_sql(members: Iterable[str], where: str = "true") -> str:
    """The lines of `fhir_line` that are one JSON object, as the row `r` of its members; others give null.

    As a list of one: whatever follows the object on its line then makes the whole unreadable.
    """
    schema = ", ".join(f"`{member}` VARIANT" for member in dict.fromkeys(members))
    usable = f"octet_length(value) <= {LARGEST_RESOURCE} AND is_valid_utf8(value)"
    braced = "startswith(bare, '{') AND endswith(bare, '}')"
    read = f"from_json(concat('[', bare, ']'), 'ARRAY<STRUCT<{schema}>>', {STRICT})"
    bare = f"SELECT *, CASE WHEN {usable} THEN trim(BOTH ' \\t\\r' FROM value) END AS bare FROM fhir_line WHERE {where}"
    whole = f"SELECT *, CASE WHEN {braced} THEN {read} END AS found, {PLACE} FROM ({bare})"
    return f"(SELECT *, CASE WHEN size(found) = 1 THEN found[0] END AS r FROM ({whole}))"


@dataclass(frozen=True, slots=True)
class SparkLines:
    """Resources by the files that hold their type."""

    by_type: dict[str, frozenset[str]]

    @property
    def dialect(self) -> Dialect:
        """Spark's."""
        return SPARK

    @property
    def marks(self) -> tuple[str, ...]:
        """Where each line stands."""
        return ("place",)

    @property
    def entry_marks(self) -> tuple[str, ...]:
        """The same."""
        return self.marks

    def entries(self, members: Iterable[str], resource_type: str) -> str:
        """The same as `lines`."""
        return self.lines(members, resource_type)

    def lines(self, members: Iterable[str], resource_type: str) -> str:
        """All resources of a type; a line that does not hold the word is not read at all."""
        wanted = tuple(dict.fromkeys((*members, "id", "resourceType")))
        files = ", ".join(map(SPARK.literal, sorted(self.by_type.get(resource_type, ()))))
        word = SPARK.literal(f'"{resource_type}"')
        where = f"file IN ({files}) AND contains(value, {word})" if files else "false"
        columns = ", ".join(f"nullif(to_json(r.`{member}`), 'null') AS `{member}`" for member in wanted)
        read = f"SELECT {columns}, place FROM {resources_sql(wanted, where)}"
        return f"(SELECT * FROM ({read}) WHERE `resourceType` = {word})"


@dataclass(frozen=True, slots=True)
class SparkExport:
    """What the files hold: how many resources of each type, and how many lines of each file cannot be read."""

    spark: Spark
    lines: SparkLines
    counts: dict[str, int]
    bad: dict[str, int]

    @property
    def unreadable(self) -> int:
        """Lines that cannot be read."""
        return sum(self.bad.values())

    def has(self, resource_type: str) -> bool:
        """Whether there are resources of a type."""
        return bool(self.counts.get(resource_type))

    def samples(self) -> tuple[BadLine, ...]:
        """The first lines that cannot be read, where this machine can open their files; else the files alone."""
        local = {file: _local(file) for file in self.bad}
        seen = {path: self.bad[file] for file, path in local.items() if path}
        found = tuple(bad_lines(seen)) if seen else ()
        unseen = (file for file, path in local.items() if not path)
        return (*found, *(BadLine(_name(file), 0, f"{self.bad[file]} lines are no FHIR resource") for file in unseen))

    def make_views(self, database: Database) -> None:
        """The views `patient_version`, `event` and `visit`; `database` is where mixes of drugs are put together."""
        for kind in TARGETS:
            self.spark.keep(f"target_{kind.lower()}", targets_sql(self.lines, kind) if self.has(kind) else NO_TARGETS)
        self._embed(database)
        self.spark.view_of_query("patient_version", patients_sql(self.lines) if self.has("Patient") else NO_PATIENTS)
        kinds = [kind for kind in MEMBERS if self.has(kind)]
        events = [f"SELECT * FROM ({events_sql(self.lines, kind)})" for kind in kinds]
        self.spark.keep("event", " UNION ALL ".join(events))
        if self.has("Encounter"):
            wanted = "SELECT visit FROM event WHERE visit IS NOT NULL"
            self.spark.view_of_query("visit", visits_sql(self.lines, wanted))

    def _embed(self, database: Database) -> None:
        """Mixes of drugs get their parts here: Medication resources are few beside the entries that refer to them."""
        mixes = "SELECT count(*) AS mixes FROM target_medication WHERE contains(target, '\"itemReference\"')"
        if not self.spark.rows(mixes)["mixes"][0].as_py():
            return
        held = self.spark.rows("SELECT id, target FROM target_medication WHERE id IS NOT NULL").to_pydict()
        database.load("target_medication", {name: np.array(values, dtype=object) for name, values in held.items()})
        embed_ingredients(database)
        rows = database.run("SELECT id, target FROM target_medication")
        names, targets = zip(*rows, strict=True)
        database.run("DROP TABLE target_medication")
        self.spark.view_of_table("mixed_medication", pa.table({"id": names, "target": targets}))
        self.spark.keep("target_medication", "SELECT id, target FROM mixed_medication")


def read_lines(spark: Spark) -> SparkExport | None:
    """What the view `fhir_line` holds; None where there is no line. Raises `InputError` where none is a resource."""
    kind = SPARK.words_at("to_json(r.resourceType)", "$")
    string = SPARK.is_string("to_json(r.resourceType)")
    named = f"SELECT file, octet_length(value) AS size, value, CASE WHEN {string} THEN {kind} END AS kind FROM "
    # A type that is written with escapes would not be found again by its word.
    sure = "CASE WHEN contains(value, concat('\"', kind, '\"')) THEN kind END AS kind"
    counted = (
        f"SELECT file, kind, count(*) AS number, max(size) AS largest FROM (SELECT file, size, {sure} FROM "
        f"({named}{resources_sql(('resourceType',), _NOT_EMPTY)})) GROUP BY file, kind"
    )
    rows = spark.rows(counted).to_pylist()
    if not rows:
        return None
    for row in rows:
        if row["largest"] > LARGEST_RESOURCE:
            raise InputError(f"{_name(row['file'])} holds a line of more than {LARGEST_RESOURCE >> 20} MB")
    counts: dict[str, int] = {}
    files: dict[str, set[str]] = {}
    for row in rows:
        if row["kind"] is not None:
            counts[row["kind"]] = counts.get(row["kind"], 0) + row["number"]
            files.setdefault(row["kind"], set()).add(row["file"])
    if not counts:
        number = len({row["file"] for row in rows})
        raise InputError(f"no FHIR resource was found in {number} NDJSON files: each line must be one JSON resource")
    lines = SparkLines({kind: frozenset(held) for kind, held in files.items()})
    bad = sorted((row["file"], row["number"]) for row in rows if row["kind"] is None)
    return SparkExport(spark, lines, counts, dict(bad))


_NOT_EMPTY: Final = r"value RLIKE '\\S'"


def _local(address: str) -> str:
    """The path of a file that this machine can open, else nothing."""
    parts = urlsplit(address)
    path = unquote(parts.path)
    return path if parts.scheme in ("", "file") and Path(path).is_file() else ""


def _name(address: str) -> str:
    return unquote(address.rpartition("/")[2])
