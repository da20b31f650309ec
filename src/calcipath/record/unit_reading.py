"""Which unit a FHIR Quantity is in: its UCUM code, else its human text; never a guess."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from calcipath.guideline.analytes import Analyte
from calcipath.guideline.unit_aliases import UnitAliases
from calcipath.guideline.units import Unit, UnitError, conversion, parse_unit, same_size
from calcipath.record.model import Quantity

_UCUM_SYSTEMS = frozenset({"http://unitsofmeasure.org", "urn:oid:2.16.840.1.113883.6.8"})


@dataclass(frozen=True, slots=True)
class UnitProblem:
    """Why no unit could be read: a word of the contract and one sentence about it."""

    kind: Literal["unit-missing", "unit-impossible"]
    sentence: str


@dataclass(frozen=True, slots=True)
class Measure:
    """What a quantity should be: the canonical unit, the substance and the units in which it may come.

    Empty `accepted` admits every unit that converts to `unit`.
    """

    unit: Unit
    analyte: Analyte | None
    accepted: tuple[Unit, ...]

    @property
    def unitless(self) -> bool:
        """A plain number (INR, pH, a score): it may come without a unit. A percentage may not."""
        return not any(self.unit.dimension) and self.unit.factor == 1.0

    def conversion_from(self, unit: Unit) -> tuple[float, float]:
        """See `units.conversion`; uses the substance's molar mass and valence. Raises `UnitError`."""
        mass = self.analyte.molar_mass if self.analyte else None
        valence = self.analyte.valence if self.analyte else None
        return conversion(unit, self.unit, molar_mass_g_per_mol=mass, valence=valence)

    def admits(self, unit: Unit) -> bool:
        """Whether values in `unit` are read: convertible, and among the accepted units where those are listed."""
        try:
            self.conversion_from(unit)
        except UnitError:
            return False
        if self.unitless:
            return any(same_size(unit, other) for other in (self.unit, *self.accepted))
        return not self.accepted or any(same_size(unit, other) for other in (self.unit, *self.accepted))


def measure_of(unit: str, analyte: Analyte | None, accepted_units: tuple[str, ...]) -> Measure:
    """The measure of a fact; its own accepted units stand before those of the analyte. Raises `UnitError`."""
    accepted = accepted_units or (analyte.accepted_units if analyte else ())
    return Measure(parse_unit(unit), analyte, tuple(parse_unit(code) for code in accepted))


def written_unit(quantity: Quantity) -> str:
    """The unit as a person reads it, for messages."""
    return (quantity.unit or quantity.code).strip()


def unit_of(quantity: Quantity, measure: Measure, aliases: UnitAliases) -> Unit | UnitProblem:
    """The unit of `quantity`, one that `measure` admits, or why there is none."""
    code, human = quantity.code.strip(), quantity.unit.strip()
    if not code and not human:
        return measure.unit if measure.unitless else UnitProblem("unit-missing", "no unit is given")
    if code and quantity.system.strip().rstrip("/").replace("https:", "http:") in _UCUM_SYSTEMS:
        coded = _parsed(aliases.misused_codes.get(code, "") if _misused(code, measure, aliases) else code)
        if coded is not None:
            return _agreeing(coded, code, human, measure, aliases)
        if not human:
            return UnitProblem("unit-impossible", f"'{code}' is not a UCUM unit")
    return _from_text(human or code, measure, aliases)


def _misused(code: str, measure: Measure, aliases: UnitAliases) -> bool:
    meant = aliases.misused_codes.get(code)
    coded = _parsed(code)
    return meant is not None and measure.admits(parse_unit(meant)) and (coded is None or not measure.admits(coded))


def _parsed(code: str) -> Unit | None:
    try:
        return parse_unit(code)
    except UnitError:
        return None


def _agreeing(coded: Unit, code: str, human: str, measure: Measure, aliases: UnitAliases) -> Unit | UnitProblem:
    """The coded unit, unless it is not used for this or the human text beside it says another unit."""
    if not measure.admits(coded):
        return UnitProblem("unit-impossible", f"the unit {code} is not used for it")
    readings = [parse_unit(reading) for reading in aliases.readings(human)]
    if readings and not any(same_size(coded, reading) for reading in readings):
        return UnitProblem("unit-impossible", f"the coded unit {code} and the written unit {human} differ")
    return coded


def _from_text(text: str, measure: Measure, aliases: UnitAliases) -> Unit | UnitProblem:
    readings = [parse_unit(reading) for reading in aliases.readings(text)]
    for reading in readings:
        if measure.admits(reading):
            return reading
    if readings:
        return UnitProblem("unit-impossible", f"the unit {text} is not used for it")
    return UnitProblem("unit-impossible", f"the unit '{text}' is not known")
