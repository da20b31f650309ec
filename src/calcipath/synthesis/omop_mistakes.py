"""A mistake put into one row of an OMOP table: what stands in the file instead of the row."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Final

from calcipath.synthesis.fhir_mistakes import impossible_date, in_a_hundred_years
from calcipath.synthesis.omop_concepts import Concepts
from calcipath.synthesis.omop_forms import TABLES

NOBODY: Final = "999999999999"


def mistaken_rows(table: str, row: str, kind: str, swaps: Mapping[str, str], concepts: Concepts) -> list[str]:
    """The rows that stand there instead of `row`. CDM has no versions: two versions of an id are the same row twice."""
    if kind == "truncated-line":
        return [row[: len(row) * 3 // 5]]
    if kind == "malformed-line":
        return [f"{row},,one column too many"]
    if kind in ("same-id-identical", "same-id-two-versions"):
        return [row, row]
    columns = TABLES[table]
    cells = dict(zip(columns, next(csv.reader([row])), strict=True))
    if kind == "wrong-unit":
        unit = swaps[cells["unit_source_value"]]
        cells |= {"unit_source_value": unit, "unit_concept_id": str(concepts.number("UCUM", unit))}
    elif kind in ("future-date", "impossible-date"):
        _redate(cells, in_a_hundred_years if kind == "future-date" else impossible_date)
    else:
        CHANGES[kind](cells)
    out = io.StringIO()
    csv.DictWriter(out, columns, lineterminator="").writerow(cells)
    return [out.getvalue()]


def _redate(cells: dict[str, str], change: Callable[[str], str]) -> None:
    for column, value in cells.items():
        if value and column.endswith(("_date", "_datetime")):
            cells[column] = change(value)


def _wrong_type(cells: dict[str, str]) -> None:
    if cells.get("value_as_number"):
        cells["value_as_number"] += " (see text)"
    else:
        cells["person_id"] = f"P{cells['person_id']}"


def _missing_unit(cells: dict[str, str]) -> None:
    cells |= {"unit_concept_id": "0", "unit_source_value": ""}


def _implausible(cells: dict[str, str]) -> None:
    value = f"{float(cells['value_as_number']) * 10_000:.12g}"
    cells |= {"value_as_number": value, "value_source_value": value}


def _without_person(cells: dict[str, str]) -> None:
    cells["person_id"] = ""


def _of_nobody(cells: dict[str, str]) -> None:
    cells["person_id"] = NOBODY


CHANGES: Final[Mapping[str, Callable[[dict[str, str]], None]]] = {
    "wrong-type": _wrong_type,
    "missing-unit": _missing_unit,
    "implausible-value": _implausible,
    "missing-subject": _without_person,
    "unknown-patient": _of_nobody,
}
