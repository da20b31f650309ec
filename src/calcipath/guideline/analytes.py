"""What a quantity is a quantity of: molar mass, valence and the units in which laboratories report it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calcipath.guideline.units import UnitError, parse_unit


class AnalyteError(ValueError):
    """An entry of the analyte or alias data that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class CustomaryUnit:
    """The UCUM unit in which a system of units reports an analyte, and the decimals of a value converted to it."""

    unit: str
    decimals: int


@dataclass(frozen=True, slots=True)
class Analyte:
    """One substance or count. `molar_mass` in g/mol and `valence` are None where they make no sense.

    `accepted_units` are the UCUM units in which laboratories report it; any other is refused. `source` is the
    origin of the molar mass. `us` and `si` are how the two systems of units show it; None where nothing is said.
    """

    id: str
    label: str
    molar_mass: float | None = None
    valence: int | None = None
    accepted_units: tuple[str, ...] = ()
    source: str = ""
    note: str = ""
    us: CustomaryUnit | None = None
    si: CustomaryUnit | None = None


def read_analytes(content: object) -> dict[str, Analyte]:
    """The analytes of `content/analytes.yaml`, already parsed, by id. Raises `AnalyteError`."""
    entries = content.get("analytes") if isinstance(content, Mapping) else None
    if not isinstance(entries, list):
        raise AnalyteError("the analyte data must hold a list 'analytes'")
    analytes: dict[str, Analyte] = {}
    for number, entry in enumerate(entries, 1):
        analyte = _analyte(entry, number)
        if analyte.id in analytes:
            raise AnalyteError(f"analyte '{analyte.id}' appears twice")
        analytes[analyte.id] = analyte
    return analytes


_KEYS = {"id", "label", "molar_mass", "valence", "accepted_units", "source", "note", "us", "si"}


def _analyte(entry: object, number: int) -> Analyte:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("id"), str):
        raise AnalyteError(f"analyte entry {number} has no id")
    name = str(entry["id"])
    if unknown := set(map(str, entry)) - _KEYS:
        raise AnalyteError(f"analyte '{name}': unknown key {', '.join(sorted(unknown))}")
    mass, valence = entry.get("molar_mass"), entry.get("valence")
    if mass is not None and not (isinstance(mass, (int, float)) and mass > 0 and entry.get("source")):
        raise AnalyteError(f"analyte '{name}': the molar mass must be a positive number (g/mol) with its source")
    if valence is not None and not (isinstance(valence, int) and valence > 0):
        raise AnalyteError(f"analyte '{name}': the valence must be a positive whole number")
    units = entry.get("accepted_units")
    if not isinstance(units, list) or not units:
        raise AnalyteError(f"analyte '{name}': accepted_units must be a list of UCUM units")
    for unit in units:
        try:
            parse_unit(str(unit))
        except UnitError as error:
            raise AnalyteError(f"analyte '{name}': {error}") from None
    return Analyte(
        id=name,
        label=str(entry.get("label", name)),
        molar_mass=float(mass) if mass is not None else None,
        valence=valence,
        accepted_units=tuple(map(str, units)),
        source=str(entry.get("source", "")),
        note=str(entry.get("note", "")),
        us=_customary(entry, "us", name),
        si=_customary(entry, "si", name),
    )


def _customary(entry: Mapping[object, object], key: str, name: str) -> CustomaryUnit | None:
    held = entry.get(key)
    if held is None:
        return None
    if not isinstance(held, Mapping) or set(held) != {"unit", "decimals"} or not isinstance(held["decimals"], int):
        raise AnalyteError(f"analyte '{name}': {key} must hold a unit and its decimals")
    accepted = entry.get("accepted_units")
    if not isinstance(accepted, list) or held["unit"] not in accepted:
        raise AnalyteError(f"analyte '{name}': the unit of {key} must be one of its accepted units")
    return CustomaryUnit(str(held["unit"]), held["decimals"])
