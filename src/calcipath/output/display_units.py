"""An answer and a timeline in the units that a reader is used to: customary in the United States, or SI.

Values of an analyte that the guideline knows are converted by its molar mass; the value and unit as they were recorded
stay beside it. Numbers inside sentences of the guideline ("target 150-300 pg/mL"), quotations of the record and the
words of the course are left as they are written: a page that shows them beside converted values must say so. Weights
stay in kg.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from calcipath.guideline.analytes import Analyte
from calcipath.guideline.model import Guideline
from calcipath.guideline.units import UnitError, conversion
from calcipath.output.timeline import Series, Timeline

UnitSystem = Literal["us", "si"]


@dataclass(frozen=True, slots=True)
class _Conversion:
    """To a customary unit: `value` x `factor` + `shift`, with so many decimals; a mere renaming changes no digit."""

    unit: str
    factor: float
    shift: float
    decimals: int

    def of(self, value: float) -> float:
        if self.factor == 1.0 and not self.shift:
            return value
        return round(value * self.factor + self.shift, self.decimals)


def shown_in(answer: Mapping[str, Any], system: UnitSystem, guideline: Guideline) -> dict[str, Any]:
    """A copy of an assessment's answer in the units of `system`.

    Every {value, unit} that names its measured `fact` (evidence, urgent findings, inputs of dosing) is converted where
    the guideline knows a customary unit of its analyte, and `recorded` holds {value, unit} as in the record.
    """
    return {key: _shown(value, system, guideline) for key, value in answer.items()}


def timeline_in(timeline: Timeline, system: UnitSystem, guideline: Guideline) -> Timeline:
    """A timeline with every series, its band and its points in the units of `system`."""
    analytes = {fact.analyte.id: fact.analyte for fact in guideline.facts.values() if fact.analyte}
    series = tuple(_series(each, analytes.get(each.analyte), system) for each in timeline.series)
    return replace(timeline, series=series)


def _shown(value: Any, system: UnitSystem, guideline: Guideline) -> Any:
    if isinstance(value, list):
        return [_shown(each, system, guideline) for each in value]
    if not isinstance(value, Mapping):
        return value
    copied = {key: _shown(each, system, guideline) for key, each in value.items()}
    fact = guideline.facts.get(name) if isinstance(name := value.get("fact"), str) else None
    if fact is None or fact.analyte is None:
        return copied
    if isinstance(copied.get("value"), Mapping):
        copied["value"] = _converted(copied["value"], fact.analyte, system)
        return copied
    return _converted(copied, fact.analyte, system)


def _converted(item: Mapping[str, Any], analyte: Analyte, system: UnitSystem) -> dict[str, Any]:
    value, unit = item.get("value"), item.get("unit")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isinstance(unit, str):
        return dict(item)
    found = _conversion(unit, analyte, system)
    if found is None or found.unit == unit:
        return dict(item)
    recorded = item.get("recorded") or {"value": value, "unit": unit}
    exact = recorded["value"] if recorded["unit"] == found.unit else found.of(value)
    return {**item, "value": exact, "unit": found.unit, "recorded": recorded}


def _series(series: Series, analyte: Analyte | None, system: UnitSystem) -> Series:
    found = _conversion(series.unit, analyte, system) if analyte else None
    if found is None:
        return series
    low, high = (None if limit is None else found.of(limit) for limit in (series.band_low, series.band_high))
    points = tuple((when, found.of(value), reference) for when, value, reference in series.points)
    return replace(series, unit=found.unit, band_low=low, band_high=high, points=points)


def _conversion(unit: str, analyte: Analyte, system: UnitSystem) -> _Conversion | None:
    """To the customary unit of the analyte; None where none is known or the unit is not of its kind."""
    customary = analyte.us if system == "us" else analyte.si
    if customary is None:
        return None
    try:
        factor, shift = conversion(
            unit, customary.unit, molar_mass_g_per_mol=analyte.molar_mass, valence=analyte.valence
        )
    except UnitError:
        return None
    return _Conversion(customary.unit, factor, shift, customary.decimals)
