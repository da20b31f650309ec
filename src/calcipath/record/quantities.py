"""A FHIR Quantity as written, read into a fact's canonical unit as an interval, or refused with a reason.

A unit is never guessed: without one, with one that does not fit, or with a value that only makes sense in another
unit, the value is not used and the reason is said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from calcipath.guideline.analytes import Analyte
from calcipath.guideline.unit_aliases import UnitAliases
from calcipath.guideline.units import Unit
from calcipath.record.model import Quantity
from calcipath.record.unit_reading import Measure, UnitProblem, measure_of, unit_of, written_unit

ProblemKind = Literal["unit-missing", "unit-impossible", "value-implausible", "unreadable"]
EVERYTHING = (-math.inf, math.inf)
SMALLEST_SHARE = 1e9
MOST_SHARED = 1e6  # beyond it nine decimal places are more than a float holds
EPSILON = 2.0**-52
AT_MOST = ("<=", "ad")  # "ad": as much as brings the total to the value
_COMPARATORS = frozenset({"", "<", ">", ">=", *AT_MOST})


@dataclass(frozen=True, slots=True)
class Normalised:
    """A quantity in the canonical unit: the true value lies in the closed interval [low, high].

    `value` is the number as converted (see `decimal`), `comparator` as written. After '<' and '>' the bound itself is
    excluded (see `excluded`). An open low end is 0 where the quantity
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
    conversion = _conversion(quantity, measure, aliases, plausible)
    if isinstance(conversion, QuantityProblem):
        return conversion
    read = conversion.interval(number)
    if conversion.believes(read):
        return read
    return _out_of_range(number, quantity, conversion, measure)


@dataclass(frozen=True, slots=True)
class Conversion:
    """How every number with one unit and comparator is read: `number` x `factor` + `shift`, in the unit `code`.

    `floor` is the low end of "less than"; `plausible` the range of believable values.
    """

    factor: float
    shift: float
    comparator: str
    floor: float
    plausible: tuple[float, float]
    unit: Unit
    code: str

    def interval(self, number: float) -> Normalised:
        """The interval in which the true value lies."""
        value = decimal(number * self.factor + self.shift)
        low = high = value
        if self.comparator == "<":
            low, high = self.floor, value - excluded(value)
        elif self.comparator in AT_MOST:
            low = self.floor
        elif self.comparator == ">":
            low, high = value + excluded(value), math.inf
        elif self.comparator == ">=":
            high = math.inf
        return Normalised(min(low, high), high, value, self.code, self.comparator)

    def believes(self, read: Normalised) -> bool:
        """Whether the interval meets the plausible range; a value below a limit of detection may lie under it."""
        least, most = self.plausible
        if self.comparator in ("<", *AT_MOST) and least >= 0:
            return read.value > 0
        return read.low <= most and read.high >= least


def conversion_of(
    quantity: Quantity,
    *,
    unit: str,
    aliases: UnitAliases,
    analyte: Analyte | None = None,
    accepted_units: Sequence[str] = (),
    plausible: tuple[float, float] = EVERYTHING,
) -> Conversion | QuantityProblem:
    """How the numbers of quantities written like this one are read; as for `normalise`, whatever the number is."""
    return _conversion(quantity, measure_of(unit, analyte, tuple(accepted_units)), aliases, plausible)


def _conversion(
    quantity: Quantity, measure: Measure, aliases: UnitAliases, plausible: tuple[float, float]
) -> Conversion | QuantityProblem:
    if quantity.comparator not in _COMPARATORS:
        return _problem("unreadable", measure, _shown(quantity), f"the comparator '{quantity.comparator}' is not known")
    found = unit_of(quantity, measure, aliases)
    if isinstance(found, UnitProblem):
        return _problem(found.kind, measure, _shown(quantity), found.sentence)
    return _conversion_from(found, quantity.comparator, measure, plausible)


def _conversion_from(unit: Unit, comparator: str, measure: Measure, plausible: tuple[float, float]) -> Conversion:
    factor, shift = measure.conversion_from(unit)
    floor = 0.0 if plausible[0] >= 0 and not measure.unit.offset else -math.inf
    return Conversion(factor, shift, comparator, floor, plausible, unit, measure.unit.code)


def _instead(conversion: Conversion, measure: Measure) -> Iterator[Conversion]:
    for other in (measure.unit, *measure.accepted) if measure.accepted else ():
        if measure.admits(other) and other != conversion.unit:
            yield _conversion_from(other, conversion.comparator, measure, conversion.plausible)


def other_conversions(
    conversion: Conversion, *, unit: str, analyte: Analyte | None = None, accepted_units: Sequence[str] = ()
) -> Iterator[Conversion]:
    """How the same numbers would be read in the other accepted units; where one is then believable, the unit is wrong."""
    return _instead(conversion, measure_of(unit, analyte, tuple(accepted_units)))


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def decimal(number: float) -> float:
    """The number to nine decimal places, where it has so many: 33 g/L is 3.3 g/dL, not 3.3000000000000003.

    Three IEEE operations, so that a database gives the same last bit.
    """
    return math.floor(number * SMALLEST_SHARE + 0.5) / SMALLEST_SHARE if abs(number) < MOST_SHARED else number


def excluded(bound: float) -> float:
    """How far to step from a bound that is itself excluded: no less than to the neighbouring floating-point number."""
    return max(abs(bound), 1.0) * EPSILON


def _out_of_range(number: float, quantity: Quantity, conversion: Conversion, measure: Measure) -> QuantityProblem:
    """Either the unit is wrong (another accepted one would make the value believable) or the value is.

    Without a list of accepted units nothing says which mistake is likely: the value is called implausible.
    """
    shown, plausible = _shown(quantity), conversion.plausible
    instead = _instead(conversion, measure)
    fitting = [other.unit.code for other in instead if other.believes(other.interval(number))]
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
