"""The embedded engine: DuckDB, in this process, with bounded memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import TracebackType
from typing import Any, Final, Self

import duckdb
import numpy as np

from calcipath.population import forms as rows
from calcipath.population.forms import Forms

# The engine knows no sizes of files, and would hold the file in memory to look up the small table in it.
JOIN_CHOICES: Final = "join_order,build_side_probe_side"
FORM_TABLES: Final = {
    "form_event": ("events", rows.EventRow),
    "form_vote": ("votes", rows.VoteRow),
    "form_measure": ("measures", rows.MeasureRow),
    "form_beginning": ("beginnings", rows.BeginningRow),
    "form_frequency": ("frequencies", rows.FrequencyRow),
    "form_length": ("lengths", rows.LengthRow),
}
_TYPES: Final[Mapping[str, Any]] = {"int": np.int64, "float": np.float64, "bool": np.bool_, "str": object}
_SQL_TYPES: Final[Mapping[str, str]] = {"int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "str": "VARCHAR"}


class Database:
    """A database in a folder of its own, which it also spills into. Raises `duckdb.Error`."""

    def __init__(self, folder: str, *, memory: str = "600MB", threads: int = 2) -> None:
        self.threads = threads
        self._connection = duckdb.connect(f"{folder}/screening.duckdb")
        self.run(f"SET threads = {threads}")
        self.run(f"SET memory_limit = '{memory}'")
        self.run(f"SET temp_directory = '{folder}'")
        self._begin()

    def _begin(self) -> None:
        self.run("SET preserve_insertion_order = false")
        self.run("SET TimeZone = 'UTC'")

    def beside(self) -> Self:
        """The same database for another thread, with temporary tables of its own."""
        other = object.__new__(type(self))
        other.threads, other._connection = self.threads, self._connection.cursor()
        other._begin()
        return other

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement to its end; the rows that it gives."""
        return self._connection.execute(sql).fetchall()

    def count(self, sql: str) -> int:
        """The one number that a query gives; 0 for null."""
        found = self.run(sql)
        return int(found[0][0] or 0) if found else 0

    def load(self, table: str, columns: Mapping[str, Any], *, more: bool = False, own: bool = False) -> None:
        """Columns (arrays of one length) as a table (`own`: of this connection), or as `more` rows of it; a NaN is null."""
        self._connection.register("loaded", dict(columns))
        make = f"CREATE OR REPLACE {'TEMP ' if own else ''}TABLE {table} AS"
        self.run(f"{f'INSERT INTO {table}' if more else make} SELECT * FROM loaded")
        self._connection.unregister("loaded")

    def append(self, table: str, rows: Any) -> None:
        """The rows of an Arrow table, added to a table; the first make it."""
        self._connection.register("loaded", rows)
        self.run(f"CREATE TABLE IF NOT EXISTS {table} AS SELECT * FROM loaded LIMIT 0")
        self.run(f"INSERT INTO {table} SELECT * FROM loaded")
        self._connection.unregister("loaded")

    def make_rows(self, table: str, row_type: type) -> None:
        """An empty table for frozen rows."""
        columns = ", ".join(f"{each.name} {_SQL_TYPES[str(each.type).split(' ')[0]]}" for each in fields(row_type))
        self.run(f"CREATE OR REPLACE TABLE {table} ({columns})")

    def add_rows(self, table: str, row_type: type, found: Sequence[Any]) -> None:
        """Frozen rows into their table; a NaN or None is null."""
        if not found:
            return
        columns: dict[str, Any] = {}
        for each in fields(row_type):
            written = str(each.type)
            values = [getattr(row, each.name) for row in found]
            if "None" in written:
                values = [np.nan if value is None else value for value in values]
            columns[each.name] = np.array(values, dtype=_TYPES[written.split(" ")[0]])
        self.load(table, columns, more=True)

    def make_forms(self) -> None:
        """Empty tables for what contents say."""
        for table, (_, row_type) in FORM_TABLES.items():
            self.make_rows(table, row_type)

    def add_forms(self, forms: Forms) -> None:
        """What some contents say."""
        for table, (member, row_type) in FORM_TABLES.items():
            self.add_rows(table, row_type, getattr(forms, member))
