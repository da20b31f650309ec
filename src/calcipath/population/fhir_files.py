"""The files of a FHIR Bulk Data export, and which of their lines cannot be read."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import duckdb
import orjson

from calcipath.errors import InputError
from calcipath.population.duckdb_engine import Database
from calcipath.population.fhir_sql import FhirFiles, all_lines_sql

SUFFIXES: Final = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")
MOST_SAMPLES: Final = 20
_QUOTED: Final = re.compile(r"(['\"`]).*")  # from the first quotation on it may be the data's own words


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no FHIR resource: where it stands and why. What it says is not kept."""

    file: str
    line: int
    why: str


@dataclass(frozen=True, slots=True)
class FhirExport:
    """The files by type, how many resources of each type, and how many lines could not be read."""

    files: FhirFiles
    counts: dict[str, int]
    unreadable: dict[str, int]


def find_ndjson(path: Path) -> tuple[str, ...]:
    """The NDJSON files of a folder, or the file itself."""
    if path.is_dir():
        return tuple(str(file) for file in sorted(path.iterdir()) if file.name.lower().endswith(SUFFIXES))
    return (str(path),) if path.name.lower().endswith(SUFFIXES) else ()


def read_export(database: Database, files: Sequence[str]) -> FhirExport:
    """Which types each file holds. Raises `InputError` for a file that cannot be read."""
    found = _types(database, files)
    counts: dict[str, int] = {}
    types: dict[str, set[str]] = {file: set() for file in files}
    for file, kind, number in found:
        if kind is not None:
            counts[kind] = counts.get(kind, 0) + number
            types[file].add(kind)
    if not counts:
        raise InputError(
            f"no FHIR resource was found in {len(files)} NDJSON files: each line must be one JSON resource"
        )
    by_type: dict[str, list[str]] = {}
    for file, kinds in types.items():
        by_type.setdefault(next(iter(kinds)) if len(kinds) == 1 else "", []).append(file)
    unreadable = {file: number for file, kind, number in found if kind is None}
    return FhirExport(FhirFiles({kind: tuple(held) for kind, held in by_type.items()}), counts, unreadable)


def _types(database: Database, files: Sequence[str]) -> list[tuple[str, str | None, int]]:
    try:
        return database.run(
            f"SELECT filename, resourceType ->> '$', count(*) FROM {all_lines_sql(files, named=True)} GROUP BY 1, 2"
        )
    except duckdb.Error as error:
        if len(files) > 1:  # which one was it?
            return [row for file in files for row in _types(database, [file])]
        raise InputError(f"{files[0]} cannot be read: {first_sentence(error)}") from None


def first_sentence(error: Exception) -> str:
    """What a database says, without its advice and without the data it may quote."""
    told = str(error).splitlines()[0].partition(": ")[2]
    return _QUOTED.sub("...", told)[:160] or type(error).__name__


def bad_lines(export: FhirExport) -> Iterator[BadLine]:
    """The first lines that cannot be read."""
    left = MOST_SAMPLES
    for file in export.unreadable:
        for number, why in _bad_lines_of(file):
            yield BadLine(Path(file).name, number, why)
            left -= 1
            if not left:
                return


def _bad_lines_of(file: str) -> Iterator[tuple[int, str]]:
    with _opened(file) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                held = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                yield number, f"no JSON: {error.msg}" if error.msg else "no JSON"
                continue
            if type(held) is not dict:
                yield number, "no JSON object"
            elif type(held.get("resourceType")) is not str:
                yield number, "no resourceType"


def _opened(file: str) -> IO[bytes]:
    return gzip.open(file, "rb") if file.lower().endswith(".gz") else Path(file).open("rb")  # type: ignore[return-value]
