"""Where a population comes from: FHIR Bulk Data files, OMOP tables, or the flat form itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

import duckdb

from calcipath.errors import InputError
from calcipath.population.duckdb_engine import Database
from calcipath.population.fhir_files import BadLine, bad_lines, find_ndjson, first_sentence, read_export
from calcipath.population.fhir_lines import FhirFiles, quoted
from calcipath.population.fhir_members import MEMBERS
from calcipath.population.fhir_mixes import embed_ingredients
from calcipath.population.fhir_sql import TARGETS, events_sql, patients_sql, targets_sql, visits_sql
from calcipath.population.omop_people import patients_sql as omop_patients_sql
from calcipath.population.omop_problems import problems_sql
from calcipath.population.omop_source import OmopSource, find_omop
from calcipath.population.omop_sql import event_parts, prepare_sql

FLAT_PATIENT: Final = ("patient", "sex", "birth_date", "death_date", "site")
FLAT_EVENT: Final = ("patient", "reference", "content", "started", "ended", "recorded", "value", "notes")
ABOUT: Final = "about.json"
VERSION: Final = ("updated", "version")
NO_TEXT: Final = "CAST(NULL AS VARCHAR)"
NO_VERSION: Final = ", ".join(f"{NO_TEXT} AS {name}" for name in VERSION)
ALL_RIGHT: Final = f"{NO_TEXT} AS odd, {NO_TEXT} AS file"
NO_PATIENTS: Final = "SELECT " + ", ".join(f"{NO_TEXT} AS {name}" for name in (*FLAT_PATIENT, *VERSION)) + " LIMIT 0"


@dataclass(frozen=True, slots=True)
class Part:
    """SQL for a part of the flat events, named by its resource type, table or file.

    Beside the flat columns it has `visit` (the id of the encounter that may give the date), `updated` and `version` (as
    `meta` has them), `odd` (null; the type of a line that does not belong to the part, empty if it cannot be read) and
    `file` (where such a line stands). `by_visit`: some have no date but that of their `visit`. `encounters`: encounters may
    be among its entries. `size`: in bytes, of its files.
    """

    name: str
    events: str
    by_visit: bool = False
    encounters: bool = True
    size: int = 1


@dataclass(frozen=True, slots=True)
class Source:
    """SQL that gives the flat form, part by part.

    `prepare` runs first, then `complete`, for what SQL alone does not do. `visits` gives id and start of the encounters
    whose ids a query gives; None where the source has none. `resources` are those that are not counted by reading the
    parts; `unreadable` tells by file how many lines or rows could not be read. `looked_through` gives the same source after
    a look at every line of it; None where that has been done.
    """

    kind: str
    prepare: tuple[str, ...]
    patients: str
    parts: tuple[Part, ...]
    visits: Callable[[str], str] | None = None
    complete: Callable[[Database], None] | None = None
    problems: str = ""  # a query: kind, table, column and number of what was not used as written
    resources: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, int] = field(default_factory=dict)
    samples: tuple[BadLine, ...] = ()
    looked_through: Callable[[], Source] | None = None


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


def _fhir(database: Database, files: tuple[str, ...], *, trusting: bool = True) -> Source:
    export = read_export(database, files, trusting=MEMBERS if trusting else ())
    held = export.files
    prepare = tuple(
        f"CREATE OR REPLACE TABLE target_{kind.lower()} AS {targets_sql(held, kind) if _has(held, kind) else _NO_TARGETS}"
        for kind in TARGETS
    )
    kinds = [kind for kind in MEMBERS if export.counts.get(kind) or kind in export.trusted]
    return Source(
        kind="FHIR",
        prepare=prepare,
        patients=patients_sql(held) if _has(held, "Patient") else NO_PATIENTS,
        parts=tuple(
            Part(kind, events_sql(held, kind), bool(MEMBERS[kind].encounter), kind == "Encounter", _size(held.of(kind)))
            for kind in kinds
        ),
        visits=(lambda wanted: visits_sql(held, wanted)) if _has(held, "Encounter") else None,
        complete=embed_ingredients if _has(held, "Medication") else None,
        resources={kind: number for kind, number in export.counts.items() if kind not in kinds},
        unreadable=export.unreadable,
        samples=tuple(bad_lines(export.unreadable)),
        looked_through=partial(_fhir, database, files, trusting=False) if export.trusted else None,
    )


def _size(files: tuple[str, ...]) -> int:
    return sum(Path(file).stat().st_size for file in files) or 1


def _omop(database: Database, held: OmopSource) -> Source:
    columns = ", ".join((*FLAT_EVENT, "visit", NO_VERSION, ALL_RIGHT))
    parts = event_parts(held)
    return Source(
        kind="OMOP",
        prepare=prepare_sql(held),
        patients=f"SELECT {', '.join(FLAT_PATIENT)}, {NO_VERSION} FROM ({omop_patients_sql(held)})",
        parts=tuple(
            Part(table, f"SELECT {columns} FROM ({part})", encounters=table == "visit_occurrence")
            for table, part in parts.items()
        ),
        problems=problems_sql(held),
        resources={table: database.count(f"SELECT count(*) FROM ({held.rows(table)})") for table in held.tables},
        unreadable={"": held.unreadable} if held.unreadable else {},
        samples=held.samples,
    )


_NO_TARGETS: Final = "SELECT CAST(NULL AS VARCHAR) AS id, CAST(NULL AS VARCHAR) AS target LIMIT 0"


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
    flat = Source(
        kind="flat",
        prepare=(),
        patients=f"SELECT {', '.join(FLAT_PATIENT)}, {_kept_version(database, people)} FROM {_parquet(people)}",
        parts=tuple(_flat_part(database, file) for file in files["event"]),
    )
    return read_about(flat, place) if (place / ABOUT).exists() else flat


def _flat_part(database: Database, file: Path) -> Part:
    told = (name if name != "content" else "coalesce(content, '') AS content" for name in FLAT_EVENT)
    columns = ", ".join((*told, f"{NO_TEXT} AS visit", _kept_version(database, file), ALL_RIGHT))
    return Part(file.name, f"SELECT {columns} FROM {_parquet(file)}", size=_size((str(file),)))


def _kept_version(database: Database, file: Path) -> str:
    kept = set(VERSION) <= set(_columns(database, file))
    return ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in VERSION) if kept else NO_VERSION


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
        events = part.events
        if part.by_visit and source.visits is not None:
            starts = source.visits(f"SELECT visit FROM ({part.events})")
            recorded = "coalesce(e.recorded, v.start) AS recorded"
            events = f"SELECT e.* REPLACE ({recorded}) FROM ({events}) AS e LEFT JOIN ({starts}) AS v ON e.visit = v.id"
        columns = ", ".join((*FLAT_EVENT, *VERSION))
        _copy(database, f"SELECT {columns} FROM ({events})", folder / f"event-{number:02}.parquet")
    write_about(database, source, folder)
    database.run("SET preserve_insertion_order = false")


def write_about(database: Database, source: Source, folder: Path) -> None:
    """Keep with a flat form what was found when its source was read."""
    told = {
        "kind": source.kind,
        "resources": source.resources,
        "unreadable": source.unreadable,
        "samples": [[bad.file, bad.line, bad.why] for bad in source.samples],
        "problems": [list(row) for row in database.run(source.problems)] if source.problems else [],
    }
    (folder / ABOUT).write_text(json.dumps(told), encoding="utf-8")


def read_about(flat: Source, place: Path) -> Source:
    """A flat form with what was found when its source was read. Raises `InputError`."""
    try:
        told = json.loads((place / ABOUT).read_text(encoding="utf-8"))
        rows = [(*(quoted(str(word)) for word in row[:3]), str(int(row[3]))) for row in told["problems"]]
        return replace(
            flat,
            kind=f"{told['kind']}, kept flat",
            resources={str(kind): int(number) for kind, number in told["resources"].items()},
            unreadable={str(file): int(number) for file, number in told["unreadable"].items()},
            samples=tuple(BadLine(str(file), int(line), str(why)) for file, line, why in told["samples"]),
            problems=f"VALUES {', '.join('(' + ', '.join(row) + ')' for row in rows)}" if rows else "",
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise InputError(f"{place / ABOUT} is not what was kept with this flat form; make the flat form anew") from None


def _copy(database: Database, select: str, file: Path) -> None:
    database.run(f"COPY ({select}) TO {quoted(str(file))} (FORMAT parquet, COMPRESSION zstd)")


def _parquet(file: Path) -> str:
    return f"read_parquet({quoted(str(file))})"
