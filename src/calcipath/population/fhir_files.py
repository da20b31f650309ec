"""The files of a FHIR Bulk Data export, and which of their lines cannot be read."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Final

import duckdb
import orjson

from calcipath.errors import InputError
from calcipath.population.duckdb_engine import Database
from calcipath.population.fhir_lines import LARGEST_RESOURCE, FhirFiles, all_lines_sql

SUFFIXES: Final = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")
MOST_SAMPLES: Final = 20
HEAD: Final = 100  # lines
_QUOTED: Final = re.compile(r"(['\"`]).*")  # from the first quotation on it may be the data's own words


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no FHIR resource: where it stands and why. What it says is not kept."""

    file: str
    line: int
    why: str


@dataclass(frozen=True, slots=True)
class FhirExport:
    """The files by type, how many resources of each type, and how many lines of a file could not be read.

    `trusted`: types of which only the first lines of each file were looked at; nothing is counted of them yet.
    """

    files: FhirFiles
    counts: dict[str, int]
    unreadable: dict[str, int]
    trusted: frozenset[str] = frozenset()


def find_ndjson(path: Path) -> tuple[str, ...]:
    """The NDJSON files of a folder, or the file itself."""
    if path.is_dir():
        return tuple(str(file) for file in sorted(path.iterdir()) if file.name.lower().endswith(SUFFIXES))
    return (str(path),) if path.name.lower().endswith(SUFFIXES) else ()


def read_export(database: Database, files: Sequence[str], *, trusting: Collection[str] = ()) -> FhirExport:
    """Which types each file holds. Raises `InputError` for a file that cannot be read.

    Where its first lines are of one of the types `trusting`, a file is not read to its end; who reads it has to see
    whether all its lines are of that type.
    """
    heads = {file: head for file in files if (head := _head(file)) in trusting} if trusting else {}
    found = _types(database, [file for file in files if file not in heads])
    counts: dict[str, int] = {}
    types: dict[str, set[str]] = {file: {kind} for file, kind in heads.items()}
    for file, kind, number in found:
        if kind is not None:
            counts[kind] = counts.get(kind, 0) + number
            types.setdefault(file, set()).add(kind)
    if not types:
        raise InputError(
            f"no FHIR resource was found in {len(files)} NDJSON files: each line must be one JSON resource"
        )
    if heads and any(len(kinds) > 1 for kinds in types.values()):
        return read_export(database, files)
    by_type: dict[str, list[str]] = {}
    for file in files:
        kinds = types.get(file, set())
        if kinds:
            by_type.setdefault(next(iter(kinds)) if len(kinds) == 1 else "", []).append(file)
    unreadable = {file: number for file, kind, number in found if kind is None}
    held = FhirFiles({kind: tuple(held) for kind, held in by_type.items()}, checked=bool(heads))
    return FhirExport(held, counts, unreadable, frozenset(heads.values()))


def _head(file: str) -> str:
    """The one type of the first lines; empty where they differ, or where a line or the file cannot be read."""
    kinds: set[object] = set()
    try:
        with _opened(file) as lines:
            for line in islice(iter(lambda: lines.readline(LARGEST_RESOURCE), b""), HEAD):
                if line.strip():
                    held = orjson.loads(line)
                    kinds.add(held.get("resourceType") if type(held) is dict else None)
    except (OSError, EOFError, zlib.error, orjson.JSONDecodeError):
        return ""
    kind = next(iter(kinds)) if len(kinds) == 1 else None
    return kind if type(kind) is str else ""


def _types(database: Database, files: Sequence[str]) -> list[tuple[str, str | None, int]]:
    if not files:
        return []
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


def bad_lines(files: Iterable[str]) -> Iterator[BadLine]:
    """The first lines of the files that cannot be read."""
    left = MOST_SAMPLES
    for file in files:
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
