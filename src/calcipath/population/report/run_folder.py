"""A run's folder: the files that the engine wrote, opened for the report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from calcipath.errors import InputError
from calcipath.population.duckdb_engine import Database
from calcipath.population.sql_columns import text

FETCHED: Final = 10_000  # rows at a time


@dataclass(frozen=True, slots=True)
class RunFolder:
    """`run` and `quality` are what `run.json` and `quality.json` hold."""

    path: Path
    run: Mapping[str, Any]
    quality: Mapping[str, Any]

    @property
    def patients(self) -> str:
        """The table of verdicts, one row a patient, for a query."""
        return parquet(self.path / "patient.parquet")

    @property
    def facts(self) -> str:
        """The wide table of facts, for a query."""
        return parquet(self.path / "fact.parquet")

    @property
    def worklist(self) -> str:
        """The worklist that an earlier report wrote, for a query."""
        return parquet(self.path / "worklist.parquet")


def open_run(path: Path, *, reported: bool = False) -> RunFolder:
    """The run at `path`; `reported` asks for its worklist too. Raises `InputError`."""
    tables = ["patient.parquet", "worklist.parquet" if reported else "fact.parquet"]
    missing = [name for name in (*tables, "run.json", "quality.json") if not (path / name).is_file()]
    if missing:
        raise InputError(f"{path} is no finished run: it has no {missing[0]}")
    return RunFolder(path, _json(path / "run.json"), _json(path / "quality.json"))


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"{file} cannot be read as JSON") from None
    if not isinstance(found, dict):
        raise InputError(f"{file} does not hold an object")
    return found


def parquet(file: Path) -> str:
    """A Parquet file as a table of a query."""
    return f"read_parquet({literal(str(file))})"


def literal(value: str) -> str:
    """A text of the programme or the guideline in a query."""
    return text(value).text


class ReportDatabase(Database):
    """The engine with what a report needs besides: rows one after the other, and tables made from Python rows."""

    def rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, without holding them all."""
        cursor = self._connection.cursor()
        cursor.execute(sql)
        while found := cursor.fetchmany(FETCHED):
            yield from found
        cursor.close()

    def fill(self, table: str, columns: Mapping[str, str], rows: list[tuple[Any, ...]]) -> None:
        """A table of these columns (with SQL types) and rows."""
        self.run(f"CREATE OR REPLACE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
        if rows:
            marks = ", ".join("?" for _ in columns)
            self._connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    def copy(self, select: str, file: Path, options: str) -> None:
        """Write a query into a file. The engine's own message could quote a value, so it is not passed on."""
        try:
            self.run(f"COPY ({select}) TO {literal(str(file))} ({options})")
        except duckdb.IOException:
            raise InputError(f"cannot write {file}") from None

    def columns(self, source: str) -> dict[str, str]:
        """Names and types of the columns of a table or query."""
        return {str(row[0]): str(row[1]) for row in self.run(f"DESCRIBE SELECT * FROM {source}")}
