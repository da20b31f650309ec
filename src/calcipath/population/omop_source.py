"""An OMOP CDM data set: a folder with a file or a folder for each table, or a DuckDB database file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from calcipath.errors import InputError
from calcipath.population.fhir_files import BadLine, first_sentence
from calcipath.population.fhir_lines import quoted
from calcipath.population.omop_csv import Run, read_csv_table
from calcipath.population.omop_schema import TABLES, TELLING
from calcipath.population.omop_values import SQL_TYPES, cell

ATTACHED: Final = "omop"
DATABASES: Final = (".duckdb", ".ddb", ".db")
_FILE: Final = re.compile(r"(?P<stem>.+?)\.(?P<kind>parquet|csv|tsv|txt)(?P<gz>\.gz)?", re.IGNORECASE)
_NO_NAME: Final = re.compile(r"column\d+")
_PART: Final = re.compile(r"(?P<table>[a-z_]+?)(?:[-_.]?(?:part)?[-_.]?\d+)?")


@dataclass(frozen=True, slots=True)
class OmopTable:
    """Where a table stands: `relation` is what SQL selects from, `types` the SQL type of each column by its name in
    lower case, `names` the columns as they are written there. `unreadable`: lines that are no rows, with `samples`."""

    relation: str
    types: Mapping[str, str]
    names: Mapping[str, str]
    unreadable: int = 0
    samples: tuple[BadLine, ...] = ()


@dataclass(frozen=True, slots=True)
class OmopSource:
    """The tables that are there, by their names in lower case."""

    tables: Mapping[str, OmopTable] = field(default_factory=dict)

    @property
    def unreadable(self) -> int:
        """How many lines of CSV files are no rows."""
        return sum(held.unreadable for held in self.tables.values())

    @property
    def samples(self) -> tuple[BadLine, ...]:
        """The first of them in each table."""
        return tuple(sample for held in self.tables.values() for sample in held.samples)

    def has(self, table: str) -> bool:
        """Whether the table is there."""
        return table in self.tables

    def rows(self, table: str, more: Sequence[str] = ()) -> str:
        """A select of the columns that are read, each as what it should be; those that are missing are null."""
        held = self.tables[table]
        cells = [
            f"{cell(quoted_name(held.names[name]), held.types[name], kind)} AS {name}"
            if name in held.names
            else f"CAST(NULL AS {SQL_TYPES[kind]}) AS {name}"
            for name, kind in TABLES[table].columns()
        ]
        return f"SELECT {', '.join([*cells, *more])} FROM {held.relation}"


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
    return OmopSource(_checked(run, path, found))


def _checked(run: Run, path: str, found: Mapping[str, OmopTable]) -> dict[str, OmopTable]:
    """The tables with all that they must have. An empty one that has not is as good as missing, and so is one of which
    an import kept only the line of names, as a row."""
    kept: dict[str, OmopTable] = {}
    for table, held in found.items():
        missing = [name for name in TABLES[table].required if name not in held.names]
        if not missing:
            kept[table] = held
        elif not all(_NO_NAME.fullmatch(name) for name in held.names) and run(f"SELECT 1 FROM {held.relation} LIMIT 1"):
            raise InputError(
                f"the table {table} in {path} has no column {missing[0]}, which OMOP CDM 5.3 and 5.4 require"
            )
    if "person" not in kept:
        raise InputError(f"{path} looks like an OMOP CDM data set and has no table person")
    return kept


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
        return _from_csv(run, files)
    listed = ", ".join(quoted(str(file)) for file in parquet)
    return _described(run, f"read_parquet([{listed}], union_by_name = true)", str(parquet[0]))


def _from_csv(run: Run, files: Sequence[Path]) -> OmopTable:
    found = read_csv_table(run, files)
    names = {name.lower(): name for name in found.names}
    return OmopTable(found.relation, dict.fromkeys(names, "VARCHAR"), names, found.unreadable, found.samples)


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
