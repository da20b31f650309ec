"""Where a population comes from: FHIR Bulk Data files, OMOP tables, or the flat form itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import duckdb

from calcipath.errors import InputError
from calcipath.population.duckdb_engine import Database
from calcipath.population.fhir_files import BadLine, bad_lines, find_ndjson, first_sentence, read_export
from calcipath.population.fhir_members import MEMBERS
from calcipath.population.fhir_mixes import embed_ingredients
from calcipath.population.fhir_sql import TARGETS, FhirFiles, events_sql, patients_sql, quoted, targets_sql, visits_sql
from calcipath.population.omop_people import patients_sql as omop_patients_sql
from calcipath.population.omop_problems import problems_sql
from calcipath.population.omop_source import OmopSource, find_omop
from calcipath.population.omop_sql import event_parts, prepare_sql

FLAT_PATIENT: Final = ("patient", "sex", "birth_date", "death_date", "site")
FLAT_EVENT: Final = ("patient", "reference", "content", "started", "ended", "recorded", "value", "notes")
NO_VERSIONS: Final = "CAST(0 AS DOUBLE) AS updated, CAST(0 AS BIGINT) AS version"
NO_PATIENTS: Final = (
    "SELECT " + ", ".join(f"CAST(NULL AS VARCHAR) AS {name}" for name in FLAT_PATIENT) + f", {NO_VERSIONS} LIMIT 0"
)


@dataclass(frozen=True, slots=True)
class Part:
    """SQL for a part of the flat events.

    `versions`: the same with the columns `updated` and `version`, of the entries whose references have the hashes that
    a query gives (empty: of all); None where entries come in one version. `by_visit`: some may be dated by the
    encounter whose id the column `visit` holds. `encounters`: whether
    encounters may be among its entries.
    """

    events: str
    versions: Callable[[str], str] | None = None
    by_visit: bool = False
    encounters: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """SQL that gives the flat form, part by part.

    `prepare` runs first, then `complete`, for what SQL alone does not do. `visits` gives id and start of the encounters
    whose ids a query gives; None where the source has none. `unreadable`: lines or rows of the source that could not be read.
    """

    kind: str
    prepare: tuple[str, ...]
    patients: str
    parts: tuple[Part, ...]
    visits: Callable[[str], str] | None = None
    complete: Callable[[Database], None] | None = None
    problems: str = ""  # a query: kind, table, column and number of what was not used as written
    resources: dict[str, int] = field(default_factory=dict)
    unreadable: int = 0
    samples: tuple[BadLine, ...] = ()


def make_ready(database: Database, source: Source) -> None:
    """Make the tables that the parts of a source read."""
    for statement in source.prepare:
        database.run(statement)
    if source.complete is not None:
        source.complete(database)


def open_source(database: Database, path: str) -> Source:
    """The source at `path`. Raises `InputError` where nothing is there that can be read."""
    place = Path(path)
    if not place.exists():
        raise InputError(f"there is no file or folder {path}")
    if place.is_dir() and (place / "patient.parquet").exists() and any(place.glob("event*.parquet")):
        return _flat(database, place)
    files = find_ndjson(place)
    if files:
        return _fhir(database, files)
    omop = find_omop(database.run, path)
    if omop is not None:
        return _omop(database, omop)
    raise InputError(
        f"{path} holds no population: give a folder of FHIR Bulk Data (.ndjson, .ndjson.gz), of OMOP CDM tables, or of "
        "flat patient.parquet and event.parquet"
    )


def _fhir(database: Database, files: tuple[str, ...]) -> Source:
    export = read_export(database, files)
    held = export.files
    prepare = tuple(
        f"CREATE TABLE target_{kind.lower()} AS {targets_sql(held, kind) if _has(held, kind) else _NO_TARGETS}"
        for kind in TARGETS
    )
    kinds = [kind for kind in MEMBERS if export.counts.get(kind)]
    return Source(
        kind="FHIR",
        prepare=prepare,
        patients=patients_sql(held) if _has(held, "Patient") else NO_PATIENTS,
        parts=tuple(
            Part(
                events_sql(held, kind),
                partial(_versions, held, kind),
                bool(MEMBERS[kind].encounter),
                kind == "Encounter",
            )
            for kind in kinds
        ),
        visits=(lambda wanted: visits_sql(held, wanted)) if _has(held, "Encounter") else None,
        complete=embed_ingredients if _has(held, "Medication") else None,
        resources=export.counts,
        unreadable=sum(export.unreadable.values()),
        samples=tuple(bad_lines(export)),
    )


def _omop(database: Database, held: OmopSource) -> Source:
    return Source(
        kind="OMOP",
        prepare=prepare_sql(held),
        patients=f"SELECT {', '.join(FLAT_PATIENT)}, {NO_VERSIONS} FROM ({omop_patients_sql(held)})",
        parts=tuple(Part(part, encounters=table == "visit_occurrence") for table, part in event_parts(held).items()),
        problems=problems_sql(held),
        resources={table: database.count(f"SELECT count(*) FROM ({held.rows(table)})") for table in held.tables},
        unreadable=held.unreadable,
        samples=held.samples,
    )


_NO_TARGETS: Final = "SELECT CAST(NULL AS VARCHAR) AS id, CAST(NULL AS VARCHAR) AS target LIMIT 0"


def _versions(files: FhirFiles, kind: str, only: str) -> str:
    return events_sql(files, kind, versions=True, only=only)


def _has(files: FhirFiles, kind: str) -> bool:
    return bool(files.of(kind))


def _flat(database: Database, place: Path) -> Source:
    files = {"patient": [place / "patient.parquet"], "event": sorted(place.glob("event*.parquet"))}
    for table, wanted in (("patient", FLAT_PATIENT), ("event", FLAT_EVENT)):
        for file in files[table]:
            missing = [name for name in wanted if name not in _columns(database, file)]
            if missing:
                raise InputError(f"{file} has no column {missing[0]}; a flat table needs {', '.join(wanted)}")
    people = files["patient"][0]
    versions = "updated, version" if {"updated", "version"} <= set(_columns(database, people)) else NO_VERSIONS
    return Source(
        kind="flat",
        prepare=(),
        patients=f"SELECT {', '.join(FLAT_PATIENT)}, {versions} FROM {_parquet(people)}",
        parts=tuple(_flat_part(database, file) for file in files["event"]),
    )


def _flat_part(database: Database, file: Path) -> Part:
    no_visit, columns = "CAST(NULL AS VARCHAR) AS visit", ", ".join(FLAT_EVENT)
    kept = {"updated", "version"} <= set(_columns(database, file))
    versions = f"SELECT {columns}, {no_visit}, updated, version FROM {_parquet(file)}"

    def chosen(only: str) -> str:
        return f"{versions} WHERE hash(reference) IN ({only})" if only else versions

    return Part(f"SELECT {columns}, {no_visit} FROM {_parquet(file)}", chosen if kept else None)


def _columns(database: Database, file: Path) -> list[str]:
    try:
        return [str(row[0]) for row in database.run(f"DESCRIBE SELECT * FROM {_parquet(file)}")]
    except duckdb.Error as error:
        raise InputError(f"{file} cannot be read: {first_sentence(error)}") from None


def write_flat(database: Database, source: Source, folder: Path) -> None:
    """Write the flat form into `folder`: patient.parquet and one event file for each part of the source."""
    database.run("SET preserve_insertion_order = true")  # of versions without a telling date the later one counts
    _copy(database, source.patients, folder / "patient.parquet")
    for number, part in enumerate(source.parts):
        events = part.versions("") if part.versions else f"SELECT *, {NO_VERSIONS} FROM ({part.events})"
        if part.by_visit and source.visits is not None:
            starts = source.visits(f"SELECT visit FROM ({part.events})")
            recorded = "coalesce(e.recorded, v.start) AS recorded"
            events = f"SELECT e.* REPLACE ({recorded}) FROM ({events}) AS e LEFT JOIN ({starts}) AS v ON e.visit = v.id"
        columns = ", ".join((*FLAT_EVENT, "updated", "version"))
        _copy(database, f"SELECT {columns} FROM ({events})", folder / f"event-{number:02}.parquet")
    database.run("SET preserve_insertion_order = false")


def _copy(database: Database, select: str, file: Path) -> None:
    database.run(f"COPY ({select}) TO {quoted(str(file))} (FORMAT parquet, COMPRESSION zstd)")


def _parquet(file: Path) -> str:
    return f"read_parquet({quoted(str(file))})"
