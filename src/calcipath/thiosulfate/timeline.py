"""Clearance by interval and doses by time, cut into pieces on which both are constant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from calcipath.errors import InputError
from calcipath.thiosulfate.propagator import Array

MOST, LEAST = 1e60, 1e-60  # of any value; beyond them a number is a slip, and arithmetic would overflow
LONGEST = 1e7  # h, above a thousand years: a time beyond it is a slip
DIGITS = 11  # of an hour: times closer than 36 ns are one time
Interval = tuple[float, float, ArrayLike]
Infusion = tuple[float, ArrayLike, float]


@dataclass(frozen=True, slots=True)
class Piece:
    """An interval of constant clearance and input. `clearance` is an index, `inputs` are indices of infusions."""

    start: float
    hours: float
    clearance: int
    inputs: tuple[int, ...]
    given_at_start: tuple[int, ...]  # doses of no duration
    repeats: bool  # another piece has the same length and clearance


@dataclass(frozen=True, slots=True)
class Timeline:
    """Pieces in order, with the values that they refer to: clearances in L/h, input rates in mmol/h, boluses in mmol."""

    pieces: tuple[Piece, ...]
    clearances: tuple[Array, ...]
    rates: tuple[Array, ...]
    boluses: tuple[Array, ...]
    start: float
    at_end: tuple[int, ...]  # doses of no duration that stand at the very end


def cut(
    clearance: Sequence[Interval], infusions: Sequence[Infusion], marks: Sequence[float], *, end: float
) -> Timeline:
    """Cut the time from the first clearance interval to `end` at every switch, infusion edge and mark (all in h).

    Raises `InputError` for a gap or overlap in the clearance table, a negative or non-finite value, or an infusion
    outside the table.
    """
    table = _checked_table(clearance)
    start = table[0][0]
    given = _rows(infusions, "infusions", "(start h, mmol, duration h)")
    doses = [_checked_dose(number, dose, start, table[-1][1]) for number, dose in enumerate(given, 1)]
    if end > table[-1][1]:
        raise InputError(f"the clearance table ends at {table[-1][1]:g} h, before the last time {end:g} h")
    edges = {start, end, *(_rounded(mark) for mark in marks)}
    edges.update(edge for begin, stop, _ in table for edge in (begin, stop))
    edges.update(edge for begin, _, hours in doses for edge in (begin, _rounded(begin + hours)))
    times = sorted(edge for edge in edges if start <= edge <= end)
    return Timeline(
        tuple(_pieces(times, table, doses)),
        tuple(value for _, _, value in table),
        tuple(amount / hours if hours else np.zeros_like(amount) for _, amount, hours in doses),
        tuple(np.zeros_like(amount) if hours else amount for _, amount, hours in doses),
        start,
        tuple(index for index, (begin, _, hours) in enumerate(doses) if not hours and begin == times[-1]),
    )


def _pieces(
    times: list[float], table: list[tuple[float, float, Array]], doses: list[tuple[float, Array, float]]
) -> list[Piece]:
    """Walk the edges once; infusions open and close as their edges pass."""
    spans = [(begin, _rounded(begin + hours)) for begin, _, hours in doses]
    kinds: list[tuple[float, int]] = []
    rows: list[tuple[float, float, int, tuple[int, ...], tuple[int, ...]]] = []
    interval, running, waiting = 0, set[int](), sorted(range(len(doses)), key=lambda each: spans[each][0], reverse=True)
    for begin, stop in pairwise(times):
        while table[interval][1] <= begin:
            interval += 1
        running = {each for each in running if spans[each][1] > begin}
        started = []
        while waiting and spans[waiting[-1]][0] <= begin:
            started.append(waiting.pop())
        running.update(each for each in started if spans[each][1] > begin)
        at_once = tuple(sorted(each for each in started if spans[each][1] <= begin))
        hours = round(stop - begin, DIGITS)
        kinds.append((hours, interval))
        rows.append((begin, hours, interval, tuple(sorted(running)), at_once))
    same = _same_values([value for _, _, value in table])
    counted = Counter((hours, same[index]) for hours, index in kinds)
    return [
        Piece(begin, hours, same[index], inputs, at_once, counted[(hours, same[index])] > 1)
        for begin, hours, index, inputs, at_once in rows
    ]


def _same_values(values: list[Array]) -> list[int]:
    """For each clearance the index of the first one that is equal to it."""
    first: dict[bytes, int] = {}
    return [first.setdefault(value.tobytes(), index) for index, value in enumerate(values)]


def _checked_table(clearance: Sequence[Interval]) -> list[tuple[float, float, Array]]:
    rows = _rows(clearance, "clearance", "(start h, end h, L/h)")
    if not rows:
        raise InputError("the clearance table is empty: give at least one (start h, end h, L/h)")
    table: list[tuple[float, float, Array]] = []
    for number, (begin, stop, value) in enumerate(rows, 1):
        begin, stop = _time(begin, f"clearance interval {number}"), _time(stop, f"clearance interval {number}")
        if stop <= begin:
            raise InputError(f"clearance interval {number} ends at {stop:g} h, not after its start at {begin:g} h")
        if table and begin != table[-1][1]:
            kind = "a gap" if begin > table[-1][1] else "an overlap"
            raise InputError(
                f"the clearance table has {kind} between {table[-1][1]:g} h and {begin:g} h: each interval must start "
                "where the one before ends"
            )
        table.append((begin, stop, non_negative(value, f"clearance of interval {number}", "L/h")))
    return table


def _rows(given: Sequence[Any], what: str, shape: str) -> list[tuple[Any, Any, Any]]:
    """Rows of three. Raises `InputError` for anything else."""
    try:
        rows = [tuple(row) for row in given]
    except TypeError:
        rows = [()]
    if any(len(row) != 3 for row in rows):
        raise InputError(f"{what} must be a list of {shape}")
    return rows


def _checked_dose(number: int, dose: Infusion, first: float, last: float) -> tuple[float, Array, float]:
    begin, amount, hours = dose
    begin, hours = _time(begin, f"infusion {number}"), _time(hours, f"the duration of infusion {number}")
    if hours < 0:
        raise InputError(f"infusion {number} lasts {hours:g} h: a duration cannot be negative")
    if begin < first or begin + hours > last + 1e-9:
        raise InputError(
            f"infusion {number} ({begin:g} to {begin + hours:g} h) lies outside the clearance table "
            f"({first:g} to {last:g} h)"
        )
    return begin, non_negative(amount, f"amount of infusion {number}", "mmol"), hours


def _time(value: float, name: str) -> float:
    try:
        hours = float(value)
    except (TypeError, ValueError):
        hours = float("nan")
    if not abs(hours) <= LONGEST:
        raise InputError(f"{name} has a time that is not a number of hours")
    return _rounded(hours)


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)


def non_negative(value: ArrayLike, name: str, unit: str) -> Array:
    """The value as numbers, one or one for each patient. Raises `InputError` when one is negative or not finite."""
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a number, or one for each patient, in {unit}") from None
    if numbers.ndim > 1 or numbers.size == 0:
        raise InputError(f"{name} must be one number or one for each patient, not a table or nothing")
    least, most = extremes(numbers)
    if not (least >= 0.0 and most < np.inf):  # not a number is neither
        raise InputError(f"{name} must be zero or more, in {unit}")
    if most > MOST:
        raise InputError(f"{name} must be at most {MOST:g} {unit}")
    return numbers if numbers.ndim == 0 else np.ascontiguousarray(numbers)


def extremes(numbers: Array) -> tuple[float, float]:
    """The smallest and the largest; one number alone, the usual case, is not walked through."""
    if numbers.size == 1:
        return numbers.item(), numbers.item()
    return float(numbers.min()), float(numbers.max())


def positive(value: ArrayLike, name: str, unit: str) -> Array:
    """As `non_negative`, and above zero."""
    numbers = non_negative(value, name, unit)
    if extremes(numbers)[0] < LEAST:
        raise InputError(f"{name} must be above zero, in {unit}")
    return numbers
