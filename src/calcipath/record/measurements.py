"""Facts that are numbers: laboratory values and vital signs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from calcipath.guideline.model import Fact
from calcipath.guideline.unit_aliases import UnitAliases
from calcipath.record.evidence import Evidence, FactValue, event_date, instant, spoken_at
from calcipath.record.findings import Moment, in_window
from calcipath.record.model import DataProblem, Event, Finding, Quantity
from calcipath.record.quantities import EVERYTHING, Normalised, QuantityProblem, normalise
from calcipath.record.reference_ranges import reference_range
from calcipath.record.statements import fits

_WRITTEN_NUMBER = re.compile(
    r"^\s*(?P<sign><=?|>=?)?\s*(?P<number>\d+(?:\.\d+)?)\s*(?:/\s*10\b)?\s*(?P<unit>[^\s\d,;]{0,20})\s*$"
)
_POSITION_CODES = {
    "H": "above",
    "HH": "above",
    "HU": "above",
    "L": "below",
    "LL": "below",
    "LU": "below",
    "N": "within",
}
_POSITION_WORDS = (
    ("within", ("normal", "within range", "unremarkable")),
    ("above", ("elevated", "high", "raised", "increased")),
    ("below", ("low", "decreased", "reduced", "depressed")),
)
_NOT_NORMAL = ("abnormal", "not normal", "before ", "prior ")


@dataclass(frozen=True, slots=True)
class Reading:
    """One usable reading: an interval in the fact's unit, or only a position against the range."""

    event: Event
    interval: tuple[float, float] | None
    shown: float | str | None
    position: str
    written: Quantity | None = None


ReadValues = dict[tuple[int, str, str], "Normalised | QuantityProblem"]


def quantity(
    fact: Fact, findings: Sequence[Finding], moment: Moment, aliases: UnitAliases, read_values: ReadValues
) -> tuple[FactValue, tuple[DataProblem, ...]]:
    """The newest reading within the window: by instant, then the later issued, then the worse value, then the higher.

    The worse value is the one further from the middle of the range; without a range, the higher. The order is total,
    so that it does not matter in which order the entries stand. `read_values` remembers values that another fact has
    already read in the same unit.
    """
    readings: list[Reading] = []
    problems: list[DataProblem] = []
    seen: set[int] = set()
    for finding in findings:
        if id(finding.event) in seen or not fits(finding, fact) or finding.assertion in ("negated", "family"):
            continue
        seen.add(id(finding.event))
        read = _read(finding.event, fact, aliases, read_values)
        if isinstance(read, DataProblem):
            problems.append(read)
        elif read is not None:
            readings.append(read)
    if not readings:
        return FactValue(), tuple(problems)
    newest = max(readings, key=lambda r: (*spoken_at(r.event), *_worse(r, fact), r.event.reference))
    return _value(newest, fact, moment), tuple(problems)


POSITIONS = ("", "within", "below", "above")  # of equal values, the later in this order is the worse


def _worse(reading: Reading, fact: Fact) -> tuple[float, float, float, int]:
    """How bad a reading is, to choose among those of one instant; one without a number is the least bad."""
    nowhere = float("-inf")
    if reading.interval is None:
        return nowhere, nowhere, nowhere, POSITIONS.index(reading.position)
    low, high = reading.interval
    middle = (low + high) / 2
    badness = abs(middle - (fact.range[0] + fact.range[1]) / 2) if fact.range else middle
    return badness, high, low, POSITIONS.index(reading.position)


def _value(reading: Reading, fact: Fact, moment: Moment) -> FactValue:
    event = reading.event
    unit = fact.type.unit if reading.interval else ""
    evidence = Evidence(
        fact.label, event.reference, reading.shown, unit, event_date(event), fact=fact.id, recorded=_recorded(reading)
    )
    if not in_window(instant(event), fact, moment):
        return FactValue(
            None, (), other=(replace(evidence, assertion="historical"),), stale=event_date(event) or "undated"
        )
    return FactValue(reading.interval, (evidence,), reading.position)


def _recorded(reading: Reading) -> tuple[float, str] | None:
    """The number and unit of the entry, where the value is shown in another unit."""
    written = reading.written
    if written is None or isinstance(reading.shown, str) or reading.shown == float(f"{written.value:.5g}"):
        return None
    return written.value, written.code or written.unit


def written_quantity(event: Event) -> Quantity | None:
    """The event's quantity, or the number that its text consists of ("0", "7/10", "<5 mg/L")."""
    if event.quantity is not None:
        return event.quantity
    match = _WRITTEN_NUMBER.match(event.value_text or "")
    if match is None:
        return None
    return Quantity(float(match["number"]), unit=match["unit"], comparator=match["sign"] or "")


def _read(event: Event, fact: Fact, aliases: UnitAliases, read_values: ReadValues) -> Reading | DataProblem | None:
    written = event.dose if fact.from_dose else written_quantity(event)
    if written is None:
        position = worded_position(event)
        words = event.value_text or ", ".join(c.display for c in event.value_codings) or event.interpretation
        return Reading(event, None, words, position) if position else None
    key = (id(event), fact.type.unit, fact.concepts[0])
    read = read_values.get(key)
    if read is None:
        read = read_values[key] = normalise(
            written,
            unit=fact.type.unit,
            aliases=aliases,
            analyte=fact.analyte,
            accepted_units=fact.accepted_units,
            plausible=fact.plausible or EVERYTHING,
        )
    if isinstance(read, QuantityProblem):
        return DataProblem(event.reference, read.kind, read.handling, fact.id)
    shown = float(f"{read.value:.5g}")
    interval = (read.low, read.high)
    limits = limits_of(event, fact, aliases)
    position = limits if isinstance(limits, str) else position_of(interval, *limits)
    return Reading(event, interval, shown, position, written)


def limits_of(event: Event, fact: Fact, aliases: UnitAliases) -> tuple[float | None, float | None] | str:
    """The limits of normal for a value: the laboratory's, else the guideline's; or the position that the entry names."""
    limits = reference_range(
        event.range_low,
        event.range_high,
        value=event.quantity,
        unit=fact.type.unit,
        aliases=aliases,
        analyte=fact.analyte,
        accepted_units=fact.accepted_units,
        plausible=fact.plausible or EVERYTHING,
        usual=fact.range,
    )
    low, high = (limits.low, limits.high) if limits else (None, None)
    if low is None and high is None:
        if fact.range is None:
            return _POSITION_CODES.get(event.interpretation, "")
        low, high = fact.range
    return low, high


def position_of(interval: tuple[float, float], low: float | None, high: float | None) -> str:
    """Where an interval lies against limits: below, within, above, or '' when it cannot be told."""
    if low is not None and interval[1] < low:
        return "below"
    if high is not None and interval[0] > high:
        return "above"
    if (low is None or interval[0] >= low) and (high is None or interval[1] <= high):
        return "within"
    return ""


def worded_position(event: Event) -> str:
    if any(word in event.name.lower() for word in _NOT_NORMAL):
        return ""
    if event.interpretation in _POSITION_CODES:
        return _POSITION_CODES[event.interpretation]
    words = " ".join([event.value_text, *(c.display for c in event.value_codings)]).lower()
    if not words.strip() or len(words) > 60 or any(word in words for word in _NOT_NORMAL):
        return ""
    return next((side for side, found in _POSITION_WORDS if any(word in words for word in found)), "")
