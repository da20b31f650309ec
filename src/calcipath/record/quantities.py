"""A FHIR Quantity as written, read into a fact's canonical unit as an interval, or refused with a reason.

A unit is never guessed: without one, with one that does not fit, or with a value that only makes sense in another
unit, the value is not used and the reason is said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from calcipath.guideline.analytes import Analyte
from calcipath.guideline.unit_aliases import UnitAliases
from calcipath.guideline.units import Unit
from calcipath.record.model import Quantity
from calcipath.record.unit_reading import Measure, UnitProblem, measure_of, unit_of, written_unit

ProblemKind = Literal["unit-missing", "unit-impossible", "value-implausible", "unreadable"]
EVERYTHING = (-math.inf, math.inf)
_COMPARATORS = frozenset({"", "<", "<=", ">", ">=", "ad"})


@dataclass(frozen=True, slots=True)
class Normalised:
    """A quantity in the canonical unit: the true value lies in the closed interval [low, high].

    `value` is the number as converted (12 significant digits), `comparator` as written. After '<' and '>' the bound
    itself is excluded by taking the neighbouring floating-point number. An open low end is 0 where the quantity
    cannot be negative.
    """

    low: float
    high: float
    value: float
    unit: str
    comparator: str = ""


@dataclass(frozen=True, slots=True)
class QuantityProblem:
    """Why a quantity is not used: a word of the answer's contract and one plain sentence."""

    kind: ProblemKind
    handling: str


def normalise(
    quantity: Quantity,
    *,
    unit: str,
    aliases: UnitAliases,
    analyte: Analyte | None = None,
    accepted_units: Sequence[str] = (),
    plausible: tuple[float, float] = EVERYTHING,
) -> Normalised | QuantityProblem:
    """`quantity` in `unit` (UCUM), or the problem that keeps it from being used.

    `accepted_units` (else those of `analyte`) are the units in which it may come; none listed admits all that convert.
    `plausible` is the range of believable values in `unit`. A fact whose unit is a plain number (INR, pH, score)
    accepts a missing unit. Raises `UnitError` only when `unit` or `accepted_units` cannot be read.
    """
    measure = measure_of(unit, analyte, tuple(accepted_units))
    number = _number(quantity.value)
    if number is None:
        return _problem("value-implausible", measure, _shown(quantity), "the value is not a finite number")
    if quantity.comparator not in _COMPARATORS:
        return _problem("unreadable", measure, _shown(quantity), f"the comparator '{quantity.comparator}' is not known")
    found = unit_of(quantity, measure, aliases)
    if isinstance(found, UnitProblem):
        return _problem(found.kind, measure, _shown(quantity), found.sentence)
    read = _interval(number, quantity.comparator, found, measure, plausible)
    if _believable(read, plausible):
        return read
    return _out_of_range(number, quantity, found, measure, plausible)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def decimal(number: float) -> float:
    """The number to 12 significant digits: 33 g/L is 3.3 g/dL, not 3.3000000000000003."""
    return float(f"{number:.12g}")


def _interval(
    number: float, comparator: str, unit: Unit, measure: Measure, plausible: tuple[float, float]
) -> Normalised:
    factor, shift = measure.conversion_from(unit)
    value = decimal(number * factor + shift)
    floor = 0.0 if plausible[0] >= 0 and not measure.unit.offset else -math.inf
    low = high = value
    if comparator == "<":
        low, high = floor, math.nextafter(value, -math.inf)
    elif comparator in ("<=", "ad"):  # "ad": as much as brings the total to the value, so at most the value
        low = floor
    elif comparator == ">":
        low, high = math.nextafter(value, math.inf), math.inf
    elif comparator == ">=":
        high = math.inf
    return Normalised(min(low, high), high, value, measure.unit.code, comparator)


def _believable(read: Normalised, plausible: tuple[float, float]) -> bool:
    """Whether the interval meets the plausible range; a value below a limit of detection may lie under it."""
    least, most = plausible
    if read.comparator in ("<", "<=", "ad") and least >= 0:
        return read.value > 0
    return read.low <= most and read.high >= least


def _out_of_range(
    number: float, quantity: Quantity, unit: Unit, measure: Measure, plausible: tuple[float, float]
) -> QuantityProblem:
    """Either the unit is wrong (another accepted one would make the value believable) or the value is.

    Without a list of accepted units nothing says which mistake is likely: the value is called implausible.
    """
    shown = _shown(quantity)
    fitting = [
        other.code
        for other in ((measure.unit, *measure.accepted) if measure.accepted else ())
        if measure.admits(other)
        and other != unit
        and _believable(_interval(number, quantity.comparator, other, measure, plausible), plausible)
    ]
    limits = f"values from {plausible[0]:.6g} to {plausible[1]:.6g}{_name(measure.unit)} are believable"
    if fitting:
        reason = f"{limits}, and the number would fit {' or '.join(dict.fromkeys(fitting))}"
        return _problem("unit-impossible", measure, shown, f"the unit cannot be right: {reason}")
    return _problem("value-implausible", measure, shown, limits)


def _name(unit: Unit) -> str:
    return "" if unit.code == "1" else f" {unit.code}"


def _shown(quantity: Quantity) -> str:
    number = _number(quantity.value)
    value = f"{number:.12g}" if number is not None else "of no number"
    return f"{quantity.comparator}{value} {written_unit(quantity)}".strip()


def _problem(kind: ProblemKind, measure: Measure, shown: str, reason: str) -> QuantityProblem:
    what = measure.analyte.label if measure.analyte else "value"
    return QuantityProblem(kind, f"{what[0].upper()}{what[1:]} {shown}".rstrip() + f" not used: {reason}.")
