"""Which guards hold a recommendation, for the patients in whom it is held in one run and not in the other."""

from __future__ import annotations

from typing import Final

import numpy as np

from calcipath.guideline.model import Guideline
from calcipath.population.reason_query import because_query
from calcipath.population.report.run_folder import ReportDatabase, RunFolder

NONE: Final = (
    "SELECT CAST(NULL AS VARCHAR) AS patient, CAST(NULL AS VARCHAR) AS item, CAST([] AS VARCHAR[]) AS guards LIMIT 0"
)


def note_guards(database: ReportDatabase, run: RunFolder, guideline: Guideline, column: str, table: str) -> None:
    """Make `table` (patient, item, guards) of the rows of `moved` whose `column` is held."""
    database.run(f"CREATE TABLE {table} AS {NONE}")
    moved = database.run(f"SELECT DISTINCT item FROM moved WHERE {column} = 'held' ORDER BY item")
    items = [str(item) for (item,) in moved]
    if not items:
        return
    held = f"SELECT patient FROM moved WHERE {column} = 'held'"
    database.run(f"CREATE OR REPLACE TABLE held_fact AS SELECT * FROM {run.facts} WHERE patient IN ({held})")
    query = because_query(guideline, "held_fact", items, with_verdicts=False)
    database.run(f"CREATE OR REPLACE TABLE held AS {query.sql}")
    names = list(database.columns("held"))
    found: list[tuple[str, str, str]] = []
    for values in database.rows("SELECT * FROM held"):
        row = dict(zip(names, values, strict=True))
        found.extend((row["patient"], item, "\n".join(query.guards(row, item))) for item in items)
    columns = {
        name: np.array(part, dtype=object) for name, part in zip(("p", "i", "g"), zip(*found, strict=True), strict=True)
    }
    database.load("guarded", columns)
    database.run(f"INSERT INTO {table} SELECT p, i, string_split(g, chr(10)) FROM guarded WHERE g <> ''")
