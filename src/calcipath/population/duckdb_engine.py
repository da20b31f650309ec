"""The embedded engine: DuckDB, in this process, with bounded memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import duckdb

from calcipath.population.form_rows import FORM_TABLES, Columns, columns_of, table_columns


class Database:
    """A database in a folder of its own, which it also spills into. Raises `duckdb.Error`."""

    def __init__(self, folder: str, *, memory: str = "600MB", threads: int = 2) -> None:
        self.threads = threads
        self._connection = duckdb.connect(f"{folder}/screening.duckdb")
        self.run(f"SET threads = {threads}")
        self.run(f"SET memory_limit = '{memory}'")
        self.run(f"SET temp_directory = '{folder}'")
        self.run("SET preserve_insertion_order = false")
        self.run("SET TimeZone = 'UTC'")

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

    def load(self, table: str, columns: Mapping[str, Any]) -> None:
        """Columns (arrays of one length) as a table; a NaN is null. Without rows, objects are texts."""
        self._connection.register("loaded", dict(columns))
        typed = (
            f'CAST("{name}" AS VARCHAR) AS "{name}"' if held.dtype == object and not len(held) else f'"{name}"'
            for name, held in columns.items()
        )
        self.run(f"CREATE OR REPLACE TABLE {table} AS SELECT {', '.join(typed)} FROM loaded")
        self._connection.unregister("loaded")

    def load_rows(self, table: str, row_type: type, found: Sequence[Any]) -> None:
        """Frozen rows as a table; a NaN or None is null."""
        self.load(table, columns_of(row_type, found))

    def make_form_tables(self) -> None:
        """The tables of what contents say, without rows."""
        for table, (_, row_type) in FORM_TABLES.items():
            self.run(f"CREATE OR REPLACE TABLE {table} ({table_columns(row_type)})")

    def load_forms(self, tables: Mapping[str, Columns]) -> None:
        """Add what some contents say to the tables; a NaN is null."""
        for table, columns in tables.items():
            self._connection.register("loaded", dict(columns))
            self.run(f"INSERT INTO {table} SELECT * FROM loaded")
            self._connection.unregister("loaded")
