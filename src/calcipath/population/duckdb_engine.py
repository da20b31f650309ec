"""The embedded engine: DuckDB, in this process, with bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

import duckdb

from calcipath.population.form_rows import FORM_TABLES, Columns, columns_of, table_columns

# The engine knows no sizes of files, and would hold the file in memory to look up the small table in it.
JOIN_CHOICES: Final = "join_order,build_side_probe_side"
# In a text of hundreds of thousands of characters the search for what is written twice costs more than it saves.
LONG_TEXT: Final = "common_subexpressions,statistics_propagation"


class Database:
    """A database in a folder of its own, which it also spills into. Raises `duckdb.Error`."""

    def __init__(self, folder: str, *, memory: str = "400MB", threads: int = 2) -> None:
        self.folder, self.threads = folder, threads
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
        other.folder, other.threads = self.folder, self.threads
        other._connection = self._connection.cursor()
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

    @contextmanager
    def without(self, optimizers: str) -> Iterator[None]:
        """What runs within is planned without these steps: joins as they are written (`JOIN_CHOICES`), or a long text."""
        self.run(f"SET disabled_optimizers = '{optimizers}'")
        try:
            yield
        finally:
            self.run("RESET disabled_optimizers")

    def count(self, sql: str) -> int:
        """The one number that a query gives; 0 for null."""
        found = self.run(sql)
        return int(found[0][0] or 0) if found else 0

    def load(self, table: str, columns: Columns) -> None:
        """Columns (arrays of one length) as a table; a NaN is null. Without rows, objects are texts."""
        self._connection.register("loaded", dict(columns))
        typed = (
            f'CAST("{name}" AS VARCHAR) AS "{name}"' if held.dtype == object and not len(held) else f'"{name}"'
            for name, held in columns.items()
        )
        self.run(f"CREATE OR REPLACE TABLE {table} AS SELECT {', '.join(typed)} FROM loaded")
        self._connection.unregister("loaded")

    def arrow(self, sql: str) -> Any:
        """The rows of a query as an Arrow table."""
        return self._connection.execute(sql).to_arrow_table()

    def append(self, table: str, rows: Any) -> None:
        """The rows of an Arrow table, added to a table; the first make it."""
        self._connection.register("loaded", rows)
        self.run(f"CREATE TABLE IF NOT EXISTS {table} AS SELECT * FROM loaded LIMIT 0")
        self.run(f"INSERT INTO {table} SELECT * FROM loaded")
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
