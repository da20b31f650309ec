"""One entry of a record before it is written in any format, and how entries of a chunk are put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any, Final, NamedTuple

from calcipath.synthesis.chance import Integers

LABORATORY: Final = "laboratory"
PRESSURE: Final = "blood-pressure"
EXAMINATION: Final = "examination"
DIAGNOSIS: Final = "diagnosis"
DRUG: Final = "drug"
PROCEDURE: Final = "procedure"
VISIT: Final = "visit"
ALLERGY: Final = "allergy"
REPORT: Final = "report"
NOTE: Final = "note"
DATE, MONTH, YEAR = -1, -2, -3  # instead of a minute of the day: how much of the date is known


class Entry(NamedTuple):
    """What one resource will say. `row` is the patient's place in the chunk.

    `variant` is the status, the flag of a result, or what a text says; `minute` of the day, or DATE, MONTH, YEAR;
    `end` a day number, or 0; `value` a number as written, or a text.
    """

    row: int
    family: str
    item: str
    variant: str
    day: int
    minute: int
    value: str = ""
    end: int = 0


def made(
    rows: Integers,
    family: str,
    item: str,
    variant: str | Sequence[str],
    days: Integers,
    minutes: int | Integers = DATE,
    values: Sequence[str] | None = None,
    ends: Integers | None = None,
) -> list[Entry]:
    """Entries of one kind, one for each row; what is not a sequence is the same for all."""
    columns: tuple[Iterable[Any], ...] = (
        rows.tolist(),
        repeat(family),
        repeat(item),
        repeat(variant) if isinstance(variant, str) else variant,
        days.tolist(),
        repeat(minutes) if isinstance(minutes, int) else minutes.tolist(),
        repeat("") if values is None else values,
        repeat(0) if ends is None else ends.tolist(),
    )
    return list(map(Entry._make, zip(*columns, strict=False)))
