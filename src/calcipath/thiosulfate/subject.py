"""One subject's doses, levels and dialysis sessions, checked and in order of time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from calcipath.errors import InputError
from calcipath.thiosulfate.timeline import DIGITS

LONGEST_INFUSION = 8784.0  # h, a year


class Dose(NamedTuple):
    """`amount` in mmol, from `start` (h) over `duration` (h; 0 is a bolus)."""

    start: float
    amount: float
    duration: float = 0.0


class Level(NamedTuple):
    """A concentration of `value` mmol/L at `time` (h); when `below`, all that is known is "under `lower_limit`"."""

    time: float
    value: float
    below: bool = False
    lower_limit: float | None = None


class Session(NamedTuple):
    """A dialysis session (h)."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event table says of one subject, between resets (`occasion` counts from 1; amounts start at zero in each).

    Rows are put in order of time, times are kept to the engine's 1e-11 h, and the value of a level below its limit is
    the limit. `weight` in kg. Raises `InputError` for impossible values.
    """

    id: str
    doses: tuple[Dose, ...] = ()
    levels: tuple[Level, ...] = ()
    sessions: tuple[Session, ...] = ()
    weight: float | None = None
    occasion: int = 1

    def __post_init__(self) -> None:
        where = f"subject {self.id}"
        object.__setattr__(self, "doses", tuple(sorted((checked_dose(*d, where) for d in self.doses), key=_first)))
        object.__setattr__(self, "levels", tuple(sorted((checked_level(*x, where) for x in self.levels), key=_first)))
        object.__setattr__(self, "sessions", checked_sessions(self.sessions, where))
        if self.weight is not None and not 0.0 < self.weight < math.inf:
            raise InputError(f"{where}: a weight must be above zero, in kg")


def checked_dose(start: float, amount: float, duration: float, where: str) -> Dose:
    """A dose with its times rounded. Raises `InputError`, beginning with `where`."""
    if not 0.0 < amount < math.inf:
        raise InputError(f"{where}: a dose must be above zero, in mmol")
    if not 0.0 <= duration <= LONGEST_INFUSION:
        raise InputError(f"{where}: an infusion must last from 0 to {LONGEST_INFUSION:g} h")
    return Dose(_hours(start, where), float(amount), _hours(duration, where))


def checked_level(time: float, value: float, below: bool, limit: float | None, where: str) -> Level:
    """A level, its value the limit when below it. Raises `InputError`, beginning with `where`."""
    time = _hours(time, where)
    if limit is not None and not 0.0 < limit < math.inf:
        raise InputError(f"{where}: a lower limit of quantification must be above zero, in mmol/L")
    if below:
        if limit is None:
            raise InputError(f"{where}: a level below quantification needs its lower limit, in mmol/L")
        return Level(time, float(limit), True, float(limit))
    if not 0.0 <= value < math.inf:
        raise InputError(f"{where}: a level must be zero or more, in mmol/L")
    if limit is not None and value < limit:
        raise InputError(f"{where}: a level of {value:g} lies below its limit {limit:g} mmol/L but is not marked so")
    return Level(time, float(value), False, None if limit is None else float(limit))


def checked_sessions(sessions: Iterable[tuple[float, float]], where: str) -> tuple[Session, ...]:
    """Sessions in order of time. Raises `InputError` when one does not end after its start, or two overlap."""
    rows = sorted(Session(_hours(start, where), _hours(end, where)) for start, end in sessions)
    for row in rows:
        if row.end <= row.start:
            raise InputError(f"{where}: the session at {row.start:g} h does not end after its start")
    for before, after in pairwise(rows):
        if after.start < before.end:
            raise InputError(
                f"{where}: the session at {after.start:g} h starts before the one at {before.start:g} h ends"
            )
    return tuple(rows)


def _hours(value: float, where: str) -> float:
    if not math.isfinite(value):
        raise InputError(f"{where}: a time is not a number")
    return round(float(value), DIGITS)


def _first(row: tuple[float, ...] | Dose | Level) -> float:
    return float(row[0])


def rows_of(given: Any, length: int, what: str, shape: str) -> list[tuple[Any, ...]]:
    """Rows of numbers of the right length. Raises `InputError` for anything else."""
    try:
        rows = [tuple(row) for row in given]
        for row in rows:
            _ = [float(cell) for cell in row if cell is not None]
    except (TypeError, ValueError):
        raise InputError(f"{what} must be a list of {shape}") from None
    if any(len(row) != length for row in rows) or any(isinstance(cell, str) for row in rows for cell in row):
        raise InputError(f"{what} must be a list of {shape}")
    return rows


def require_whole(value: object, least: int, name: str) -> None:
    """Raises `InputError` for what is no whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name} must be {least} or more, a whole number")
