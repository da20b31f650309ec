"""CSV files that a spreadsheet opens without taking a cell for a formula."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from calcipath.population.report.run_folder import ReportDatabase

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_OPTIONS: Final = "FORMAT csv, HEADER true"
PACKED: Final = ".zst"  # a file of this ending is compressed (Zstandard), which is faster than to write it plain


def harmless(value: Any) -> Any:
    """A text with an apostrophe before what a spreadsheet would compute; anything else as it is.

    >>> harmless("=1+1"), harmless("plain"), harmless(-1.5)
    ("'=1+1", 'plain', -1.5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def copy_csv(database: ReportDatabase, select: str, file: Path, ours: Collection[str] = ()) -> None:
    """Write a query as CSV, compressed where the file's name ends with `.zst`; lists become JSON.

    The columns `ours` hold words of the programme only, of which none is a formula.
    """
    options = f"{_OPTIONS}, COMPRESSION zstd" if file.suffix == PACKED else _OPTIONS
    kinds = database.columns(f"({select})")
    shown = ", ".join(name if name in ours else _shown(name, kind) for name, kind in kinds.items())
    database.copy(f"SELECT {shown} FROM ({select})", file, options)


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
