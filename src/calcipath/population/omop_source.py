"""An OMOP CDM data set: a folder with a file or a folder for each table, or a DuckDB database file."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from calcipath.errors import InputError
from calcipath.population.fhir_files import first_sentence
from calcipath.population.fhir_sql import quoted
from calcipath.population.omop_schema import TABLES, TELLING
from calcipath.population.omop_values import SQL_TYPES, cell

Run = Callable[[str], Sequence[tuple[Any, ...]]]
ATTACHED: Final = "omop"
DATABASES: Final = (".duckdb", ".ddb", ".db")
LONGEST_LINE: Final = 16 * 1024 * 1024  # bytes of a row with a note
_FILE: Final = re.compile(r"(?P<stem>.+?)\.(?P<kind>parquet|csv|tsv|txt)(?P<gz>\.gz)?", re.IGNORECASE)
_PART: Final = re.compile(r"(?P<table>[a-z_]+?)(?:[-_.]?(?:part)?[-_.]?\d+)?")


@dataclass(frozen=True, slots=True)
class OmopTable:
    """Where a table stands: `relation` is what SQL selects from, `types` the SQL type of each column by its name in
    lower case, `names` the columns as they are written there. `files`: the CSV files, whose lines may be bad."""

    relation: str
    types: Mapping[str, str]
    names: Mapping[str, str]
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OmopSource:
    """The tables that are there, by their names in lower case."""

    tables: Mapping[str, OmopTable] = field(default_factory=dict)

    def has(self, table: str) -> bool:
        """Whether the table is there."""
        return table in self.tables

    def rows(self, table: str) -> str:
        """A select of the columns that are read, each as what it should be; those that are missing are null."""
        held = self.tables[table]
        cells = ", ".join(
            f"{cell(quoted_name(held.names[name]), held.types[name], kind)} AS {name}"
            if name in held.names
            else f"CAST(NULL AS {SQL_TYPES[kind]}) AS {name}"
            for name, kind in TABLES[table].columns()
        )
        return f"SELECT {cells} FROM {held.relation}"


def quoted_name(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def find_omop(run: Run, path: str) -> OmopSource | None:
    """The data set at `path`; None where that is none. A database file is attached, to be read only.

    Raises `InputError` for a data set without persons, or with a table that cannot be read.
    """
    place = Path(path)
    if place.is_dir():
        files = _files(place)
        if not any(table in files for table in TELLING):
            return None
        found = {table: _from_files(run, held) for table, held in files.items()}
    elif place.suffix.lower() in DATABASES and place.is_file():
        found = _attached(run, place)
        if not any(table in found for table in TELLING):
            return None
    else:
        return None
    _check(path, found)
    return OmopSource(found)


def _check(path: str, found: Mapping[str, OmopTable]) -> None:
    if "person" not in found:
        raise InputError(f"{path} looks like an OMOP CDM data set and has no table person")
    for table, held in found.items():
        missing = [name for name in TABLES[table].required if name not in held.names]
        if missing:
            raise InputError(
                f"the table {table} in {path} has no column {missing[0]}, which OMOP CDM 5.3 and 5.4 require"
            )


def _files(place: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for entry in sorted(place.iterdir()):
        if entry.is_dir() and entry.name.lower() in TABLES:
            inside = sorted(file for file in entry.rglob("*") if file.is_file() and _FILE.fullmatch(file.name))
            found.setdefault(entry.name.lower(), []).extend(file for file in inside if not _is_hidden(file))
        elif entry.is_file() and not _is_hidden(entry) and (table := _table_of(entry.name)):
            found.setdefault(table, []).append(entry)
    return {table: files for table, files in found.items() if files}


def _is_hidden(file: Path) -> bool:
    return file.name.startswith((".", "_"))


def _table_of(name: str) -> str:
    file = _FILE.fullmatch(name)
    part = _PART.fullmatch(file["stem"].lower()) if file else None
    return part["table"] if part and part["table"] in TABLES else ""


def _from_files(run: Run, files: Sequence[Path]) -> OmopTable:
    parquet = [file for file in files if file.suffix.lower() == ".parquet"]
    if parquet and len(parquet) < len(files):
        raise InputError(
            f"{files[0].parent} holds {files[0].name} and {files[-1].name} for one table; keep one of the two"
        )
    if not parquet:
        return _from_csv(files)
    listed = ", ".join(quoted(str(file)) for file in parquet)
    return _described(run, f"read_parquet([{listed}], union_by_name = true)", str(parquet[0]))


def _from_csv(files: Sequence[Path]) -> OmopTable:
    heads = {_head(file) for file in files}
    if len(heads) > 1:
        raise InputError(f"{files[0]} and the other files of its table do not have the same first line")
    mark, names = heads.pop()
    listed = tuple(str(file) for file in files)
    types = {name.lower(): "VARCHAR" for name in names}
    return OmopTable(csv_sql(listed, mark, names), types, {name.lower(): name for name in names}, listed)


def csv_sql(files: Sequence[str], mark: str, names: Sequence[str], more: str = "") -> str:
    """All lines with the right number of columns, every cell as text. Tab-separated files have no quotation marks."""
    listed = ", ".join(quoted(file) for file in files)
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in names)
    quotes = "quote = '', escape = ''" if mark == "\t" else "quote = '\"', escape = '\"'"
    long = ", parallel = false" if any(name.lower() == "note_text" for name in names) else ""
    return (
        f"read_csv([{listed}], auto_detect = false, header = true, delim = {quoted(mark)}, {quotes}, nullstr = '', "
        f"columns = {{{columns}}}, ignore_errors = true, max_line_size = {LONGEST_LINE}{long}{more})"
    )


def _head(file: Path) -> tuple[str, tuple[str, ...]]:
    """What separates the columns, and their names."""
    try:
        with gzip.open(file, "rb") if file.suffix.lower() == ".gz" else file.open("rb") as stream:
            line = stream.readline(1_000_000).decode("utf-8-sig").strip("\r\n")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {type(error).__name__}") from None
    mark = "\t" if "\t" in line else ","
    names = tuple(name.strip() for name in next(csv.reader([line], delimiter=mark), []))
    if len({name.lower() for name in names}) < len(names) or not names:
        raise InputError(f"{file} has no first line that names its columns, each once")
    return mark, names


def _described(run: Run, relation: str, place: str) -> OmopTable:
    try:
        columns = [(str(row[0]), str(row[1])) for row in run(f"DESCRIBE SELECT * FROM {relation}")]
    except duckdb.Error as error:
        raise InputError(f"{place} cannot be read: {first_sentence(error)}") from None
    return OmopTable(
        relation, {name.lower(): kind for name, kind in columns}, {name.lower(): name for name, _ in columns}
    )


def _attached(run: Run, place: Path) -> dict[str, OmopTable]:
    try:
        run(f"ATTACH {quoted(str(place))} AS {ATTACHED} (READ_ONLY)")
        held = run(
            "SELECT table_schema, table_name FROM information_schema.tables "
            f"WHERE table_catalog = '{ATTACHED}' ORDER BY 1, 2"
        )
    except duckdb.Error as error:
        raise InputError(f"{place} cannot be read as a DuckDB database: {first_sentence(error)}") from None
    names = [(str(schema), str(table)) for schema, table in held]
    found: dict[str, OmopTable] = {}
    for schema, table in _nearest_first(names):
        if table.lower() in TABLES and table.lower() not in found:
            relation = ".".join(quoted_name(part) for part in (ATTACHED, schema, table))
            found[table.lower()] = _described(run, relation, f"the table {table} in {place}")
    return found


def _nearest_first(names: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Tables of the schema that holds most of the telling ones first: vocabularies may stand in another."""
    telling: dict[str, int] = {}
    for schema, table in names:
        telling[schema] = telling.get(schema, 0) + (table.lower() in TELLING)
    yield from sorted(names, key=lambda name: (-telling[name[0]], name))
