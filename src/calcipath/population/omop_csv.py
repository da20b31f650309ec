"""A table of OMOP CDM in CSV files: what it holds, and which of its lines are no rows."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from calcipath.errors import InputError
from calcipath.population.fhir_files import BadLine, first_sentence
from calcipath.population.fhir_lines import quoted

Run = Callable[[str], Sequence[tuple[Any, ...]]]
LONGEST_LINE: Final = 2 * 1024 * 1024  # bytes
LONGEST_NOTE: Final = 16 * 1024 * 1024
MOST_SAMPLES: Final = 5  # of a table
REJECTED: Final = "omop_rejected"
TWO_ENDINGS: Final = "lines end in two ways; of lines with too many columns the last were left out"


@dataclass(frozen=True, slots=True)
class CsvTable:
    """`relation` is what SQL selects from, `names` the columns as written; every cell is text."""

    relation: str
    names: tuple[str, ...]
    unreadable: int
    samples: tuple[BadLine, ...]


def read_csv_table(run: Run, files: Sequence[Path]) -> CsvTable:
    """The table in one or several files, each with a line of names. All lines are read once, to count those that have too
    few or too many columns. Raises `InputError`."""
    heads = {_head(file) for file in files}
    if len(heads) > 1:
        raise InputError(f"{files[0]} and the other files of its table do not have the same first line")
    mark, names = heads.pop()
    relation = _relation(files, mark, names)
    try:
        count, samples = _rejected(run, relation)
    except duckdb.InvalidInputException:  # the strict reader stops at lines that end in another way
        relation = _relation(files, mark, names, "strict_mode = false")
        count, samples = _rejected(run, relation)
        samples = (BadLine(files[0].name, 1, TWO_ENDINGS), *samples)
    return CsvTable(_closed(relation), names, count, samples)


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


def _relation(files: Sequence[Path], mark: str, names: Sequence[str], *more: str) -> str:
    """All lines, every cell as text, as a call that is still open. Tab-separated files have no quotation marks."""
    listed = ", ".join(quoted(str(file)) for file in files)
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in names)
    quotes = "quote = '', escape = ''" if mark == "\t" else "quote = '\"', escape = '\"'"
    holds_notes = any(name.lower() == "note_text" for name in names)
    longest = LONGEST_NOTE if holds_notes else LONGEST_LINE
    alone = ["parallel = false"] if holds_notes else []  # a note may have many lines
    return ", ".join([
        f"read_csv([{listed}], auto_detect = false, header = true, delim = {quoted(mark)}, {quotes}, nullstr = ''",
        f"columns = {{{columns}}}, ignore_errors = true, max_line_size = {longest}, buffer_size = {2 * longest}",
        *alone,
        *more,
    ])  # fmt: skip


def _closed(relation: str) -> str:
    return f"{relation})"


def _rejected(run: Run, relation: str) -> tuple[int, tuple[BadLine, ...]]:
    """How many lines are no rows, and the first of them."""
    scan = f"{REJECTED}_scan"
    kept = f"store_rejects = true, rejects_table = '{REJECTED}', rejects_scan = '{scan}', rejects_limit = 0"
    for table in (REJECTED, scan):
        run(f"DROP TABLE IF EXISTS {table}")
    try:
        run(f"SELECT count(*) FROM {relation}, {kept})")
    except duckdb.InvalidInputException:
        raise
    except duckdb.Error as error:
        raise InputError(f"a table cannot be read: {first_sentence(error)}") from None
    count = int(run(f"SELECT count(DISTINCT (file_id, line)) FROM {REJECTED}")[0][0])
    found = run(
        f"SELECT s.file_path, r.line, min(CAST(r.error_type AS VARCHAR)) FROM {REJECTED} AS r JOIN {scan} AS s "
        f"USING (scan_id, file_id) GROUP BY ALL ORDER BY 1, 2 LIMIT {MOST_SAMPLES}"
    )
    return count, tuple(BadLine(Path(str(file)).name, int(line), str(why).lower()) for file, line, why in found)
