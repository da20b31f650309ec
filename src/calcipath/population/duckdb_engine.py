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

FORM_TABLES: Final = {
    "form_event": ("events", rows.EventRow),
    "form_vote": ("votes", rows.VoteRow),
    "form_measure": ("measures", rows.MeasureRow),
    "form_beginning": ("beginnings", rows.BeginningRow),
    "form_frequency": ("frequencies", rows.FrequencyRow),
    "form_length": ("lengths", rows.LengthRow),
}
_TYPES: Final[Mapping[str, Any]] = {"int": np.int64, "float": np.float64, "bool": np.bool_, "str": object}


class Database:
    """A database in a folder of its own, which it also spills into. Raises `duckdb.Error`."""

    def __init__(self, folder: str, *, memory: str = "600MB", threads: int = 2) -> None:
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
        """Columns (arrays of one length) as a table; a NaN is null."""
        self._connection.register("loaded", dict(columns))
        self.run(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM loaded")
        self._connection.unregister("loaded")

    def append(self, table: str, rows: Any) -> None:
        """The rows of an Arrow table, added to a table; the first make it."""
        self._connection.register("loaded", rows)
        self.run(f"CREATE TABLE IF NOT EXISTS {table} AS SELECT * FROM loaded LIMIT 0")
        self.run(f"INSERT INTO {table} SELECT * FROM loaded")
        self._connection.unregister("loaded")

    def load_rows(self, table: str, row_type: type, found: Sequence[Any]) -> None:
        """Frozen rows as a table; a NaN or None is null."""
        columns: dict[str, Any] = {}
        for each in fields(row_type):
            written = str(each.type)
            values = [getattr(row, each.name) for row in found]
            if "None" in written:
                values = [np.nan if value is None else value for value in values]
            columns[each.name] = np.array(values, dtype=_TYPES[written.split(" ")[0]])
        self.load(table, columns)

    def load_forms(self, forms: Forms) -> None:
        """What the contents say, as tables."""
        for table, (member, row_type) in FORM_TABLES.items():
            self.load_rows(table, row_type, getattr(forms, member))
