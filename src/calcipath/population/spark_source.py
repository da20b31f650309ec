"""Where a population on a cluster comes from: FHIR Bulk Data files or the flat form, both read by Spark itself.

Whatever the source, three views are made: `patient_version` and `event` (the flat form with `updated`, `version` and
`place`, which orders versions without telling dates) and, for FHIR with encounters, `visit` (id, start).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from calcipath.errors import InputError
from calcipath.population.duckdb_engine import Database
from calcipath.population.fhir_files import BadLine
from calcipath.population.omop_source import find_omop
from calcipath.population.source import FLAT_EVENT, FLAT_PATIENT, VERSION
from calcipath.population.spark import NotFoundError, Spark
from calcipath.population.spark_fhir import ENDINGS, read_lines

PLACE: Final = "named_struct('file', _metadata.file_path, 'nth', _metadata.row_index) AS place"


@dataclass(frozen=True, slots=True)
class SparkSource:
    """What was found at a path, and what of it could not be read; `visits`: there is a view `visit`."""

    kind: str
    visits: bool = False
    resources: dict[str, int] = field(default_factory=dict)
    unreadable: int = 0
    samples: tuple[BadLine, ...] = ()
    problems: str = ""


def open_on_spark(spark: Spark, database: Database, path: str) -> SparkSource:
    """Make the views of the source at `path`, which the server must be able to read. Raises `InputError`."""
    place = path if "://" in path else str(Path(path).absolute())
    try:
        return _flat(spark, place)
    except NotFoundError:
        pass
    try:
        spark.view_of_lines("fhir_line", [place], ENDINGS)
        export = read_lines(spark)
    except NotFoundError:
        export = None
    if export is None:
        raise InputError(_why_not(database, path))
    export.make_views(database)
    return SparkSource("FHIR", export.has("Encounter"), export.counts, export.unreadable, export.samples())


def _why_not(database: Database, path: str) -> str:
    if Path(path).exists() and find_omop(database.run, path) is not None:
        return (
            f"{path}: OMOP is not read on Spark; make its flat form with --keep-flat and without --engine, and screen "
            "that with --engine"
        )
    return (
        f"{path}: Spark finds no population there; its server must be able to read the path, and it must hold FHIR Bulk "
        "Data (.ndjson, .ndjson.gz) or the flat patient.parquet and event.parquet"
    )


def _flat(spark: Spark, place: str) -> SparkSource:
    tables = (
        ("patient_version", "patient.parquet", FLAT_PATIENT, ""),
        ("event", "event*.parquet", FLAT_EVENT, ", CAST(NULL AS STRING) AS visit"),
    )
    for view, files, wanted, more in tables:
        spark.view_of_parquet(f"{view}_file", [f"{place}/{files}"], ("*", PLACE))
        held = spark.columns(f"{view}_file")
        missing = [name for name in wanted if name not in held]
        if missing:
            raise InputError(f"{files} of {place} has no column {missing[0]}; a flat table needs {', '.join(wanted)}")
        given = set(VERSION) <= set(held)
        marks = ", ".join(f"CAST({name if given else 'NULL'} AS STRING) AS {name}" for name in VERSION)
        spark.view_of_query(view, f"SELECT {', '.join(wanted)}{more}, {marks}, place FROM {view}_file")
    return SparkSource("flat")
