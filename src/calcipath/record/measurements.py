"""Facts that are numbers: laboratory values, vital signs, times and frequencies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from calcipath.guideline.model import Fact
from calcipath.guideline.unit_aliases import UnitAliases
from calcipath.record.evidence import Evidence, FactValue, event_date, instant, spoken_at
from calcipath.record.findings import DAY, Moment, fits, window_days
from calcipath.record.model import DataProblem, Event, Finding, Quantity, When
from calcipath.record.quantities import EVERYTHING, Normalised, QuantityProblem, normalise
from calcipath.record.reference_ranges import reference_range
from calcipath.record.spoken_schedule import spoken_hours, spoken_per_week

YEAR = 365.25 * DAY
_SECONDS = {"a": YEAR, "d": DAY, "wk": 7 * DAY, "mo": YEAR / 12, "h": 3600.0}
_DURATION_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
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


ReadValues = dict[tuple[int, str, str], "Normalised | QuantityProblem"]


def quantity(
    fact: Fact, findings: Sequence[Finding], moment: Moment, aliases: UnitAliases, read_values: ReadValues
) -> tuple[FactValue, tuple[DataProblem, ...]]:
    """The newest reading within the window: by instant, then the later issued, then the worse value.

    The worse value is the one further from the middle of the range; without a range, the higher. `read_values`
    remembers values that another fact has already read in the same unit.
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
    newest = max(readings, key=lambda r: (*spoken_at(r.event), _badness(r, fact)))
    return _value(newest, fact, moment), tuple(problems)


def _badness(reading: Reading, fact: Fact) -> float:
    if reading.interval is None:
        return float("-inf")
    middle = sum(reading.interval) / 2
    return abs(middle - sum(fact.range) / 2) if fact.range else middle


def _value(reading: Reading, fact: Fact, moment: Moment) -> FactValue:
    event = reading.event
    days, at = window_days(fact, moment), instant(event)
    unit = fact.type.unit if reading.interval else ""
    evidence = Evidence(fact.label, event.reference, reading.shown, unit, event_date(event))
    if days is not None and moment.as_of - at > days * DAY:
        return FactValue(
            None, (), other=(replace(evidence, assertion="historical"),), stale=event_date(event) or "undated"
        )
    return FactValue(reading.interval, (evidence,), reading.position)


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
        position = _worded_position(event)
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
    return Reading(event, (read.low, read.high), shown, _position(read, event, fact, aliases))


def _position(read: Normalised, event: Event, fact: Fact, aliases: UnitAliases) -> str:
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
    return position_of((read.low, read.high), low, high)


def position_of(interval: tuple[float, float], low: float | None, high: float | None) -> str:
    """Where an interval lies against limits: below, within, above, or '' when it cannot be told."""
    if low is not None and interval[1] < low:
        return "below"
    if high is not None and interval[0] > high:
        return "above"
    if (low is None or interval[0] >= low) and (high is None or interval[1] <= high):
        return "within"
    return ""


def _worded_position(event: Event) -> str:
    if any(word in event.name.lower() for word in _NOT_NORMAL):
        return ""
    if event.interpretation in _POSITION_CODES:
        return _POSITION_CODES[event.interpretation]
    words = " ".join([event.value_text, *(c.display for c in event.value_codings)]).lower()
    if not words.strip() or len(words) > 60 or any(word in words for word in _NOT_NORMAL):
        return ""
    return next((side for side, found in _POSITION_WORDS if any(word in words for word in found)), "")


def elapsed(fact: Fact, findings: Sequence[Finding], moment: Moment) -> FactValue:
    """Time since the concept was first recorded, in the fact's unit, as an interval (partial dates, unknown starts).

    A single dated session or entry gives only a lower bound where the fact says so: the start may be earlier.
    """
    best: tuple[float, float, Finding, bool] | None = None
    for finding in findings:
        event = finding.event
        if finding.assertion in ("negated", "family", "uncertain") or event.started is None or not fits(finding, fact):
            continue
        if event.verification == "refuted" or event.status == "planned":
            continue
        if fact.current and event.status == "inactive" and event.kind == "condition":
            continue
        is_start = event.kind == "condition" or event.status == "active" or event.ended is not None
        candidate = (event.started.earliest, event.started.latest, finding, is_start)
        if best is None or candidate[1] < best[1]:
            best = candidate
    if best is None:
        return FactValue()
    earliest, latest, finding, is_start = best
    size = _SECONDS[fact.type.unit]
    low = max(0.0, (moment.as_of - latest) / size)
    high = max(0.0, (moment.as_of - earliest) / size) if is_start or not fact.at_least else float("inf")
    event = finding.event
    return FactValue(
        (low, high), (Evidence(f"{event.name or fact.label} since", event.reference, None, "", event_date(event)),)
    )


def frequency(fact: Fact, findings: Sequence[Finding]) -> FactValue:
    """How often a week, from the timing, else the name, of the newest order or procedure that gives it."""
    found = [(number, f.event) for f in findings if f.assertion == "stated" for number in (_per_week(f),) if number]
    if not found:
        return FactValue()
    number, event = max(found, key=lambda each: (each[1].frequency_per_week is not None, instant(each[1])))
    evidence = Evidence(event.name or fact.label, event.reference, number, fact.type.unit, event_date(event))
    return FactValue((number, number), (evidence,))


def _per_week(finding: Finding) -> float | None:
    timed = finding.event.frequency_per_week
    return spoken_per_week(finding.event.name) if timed is None and finding.route != "text" else timed


def duration(fact: Fact, findings: Sequence[Finding]) -> FactValue:
    """How long one occurrence lasts: as the newest order states it, else from start to end of the newest one done."""
    found = [(f.event, length) for f in findings if f.assertion == "stated" for length in (_length(f, fact),) if length]
    if not found:
        return FactValue()
    event, length = max(found, key=lambda each: (each[0].kind == "order", instant(each[0])))
    evidence = Evidence(
        event.name or fact.label, event.reference, float(f"{length:.4g}"), fact.type.unit, event_date(event)
    )
    return FactValue((length, length), (evidence,))


def _length(finding: Finding, fact: Fact) -> float | None:
    """In the unit of the fact; None where the event does not say, or says what cannot be."""
    event, seconds = finding.event, None
    if event.kind == "order" and event.quantity is not None and event.quantity.code in _DURATION_SECONDS:
        seconds = event.quantity.value * _DURATION_SECONDS[event.quantity.code]
    elif event.kind == "procedure" and event.status != "planned" and _exact(event.started) and _exact(event.ended):
        seconds = event.ended.latest - event.started.latest  # type: ignore[union-attr]
    elif finding.route != "text" and (hours := spoken_hours(event.name)) is not None:
        seconds = 3600.0 * hours
    if seconds is None:
        return None
    length = seconds / _SECONDS[fact.type.unit]
    low, high = fact.plausible or EVERYTHING
    return length if low <= length <= high else None


def _exact(when: When | None) -> bool:
    """A time of day is known, not only a date."""
    return when is not None and when.latest - when.earliest < 60.0
