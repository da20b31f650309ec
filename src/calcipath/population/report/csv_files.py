"""CSV files that a spreadsheet opens without taking a cell for a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from calcipath.population.report.run_folder import ReportDatabase

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_OPTIONS: Final = "FORMAT csv, HEADER true"


def harmless(value: Any) -> Any:
    """A text with an apostrophe before what a spreadsheet would compute; anything else as it is.

    >>> harmless("=1+1"), harmless("plain"), harmless(-1.5)
    ("'=1+1", 'plain', -1.5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def copy_csv(database: ReportDatabase, select: str, file: Path) -> None:
    """Write a query as CSV; lists become JSON."""
    shown = ", ".join(_shown(name, kind) for name, kind in database.columns(f"({select})").items())
    database.copy(f"SELECT {shown} FROM ({select})", file, _OPTIONS)


def _shown(name: str, kind: str) -> str:
    if kind.endswith("[]"):
        return f"CAST(to_json({name}) AS VARCHAR) AS {name}"
    if kind == "VARCHAR":
        opens = f"starts_with({name}, chr(9)) OR starts_with({name}, chr(13)) OR substr({name}, 1, 1) IN ('=', '+', '-', '@')"
        return f"CASE WHEN {opens} THEN concat(chr(39), {name}) ELSE {name} END AS {name}"
    return name


def write_csv(file: Path, rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> None:
    """Write rows that Python made."""
    names = list(columns)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([harmless(row[name]) for name in names] for row in rows)
