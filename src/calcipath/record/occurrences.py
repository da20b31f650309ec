"""Facts about when and how often: time since something began, how often a week, how long one occurrence lasts."""

from __future__ import annotations

from collections.abc import Sequence

from calcipath.guideline.model import Fact
from calcipath.record.evidence import Evidence, FactValue, event_date, instant
from calcipath.record.findings import DAY, Moment
from calcipath.record.model import Event, Finding, When
from calcipath.record.quantities import EVERYTHING
from calcipath.record.spoken_schedule import spoken_hours, spoken_per_week
from calcipath.record.statements import fits

YEAR = 365.25 * DAY
SECONDS = {"a": YEAR, "d": DAY, "wk": 7 * DAY, "mo": YEAR / 12, "h": 3600.0}
_DURATION_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}


def elapsed(fact: Fact, findings: Sequence[Finding], moment: Moment) -> FactValue:
    """Time since the concept was first recorded, in the fact's unit, as an interval (partial dates, unknown starts).

    A single dated session or entry gives only a lower bound where the fact says so: the start may be earlier.
    """
    found: list[tuple[float, float, bool, str, Finding]] = []
    for finding in findings:
        event = finding.event
        if event.started is not None and marks_beginning(finding, fact):
            bound = only_bounds(event)
            found.append((event.started.latest, event.started.earliest, bound, event.reference, finding))
    if not found:
        return FactValue()
    latest, earliest, is_bound, _, finding = min(found, key=lambda each: each[:4])
    size = SECONDS[fact.type.unit]
    low = max(0.0, (moment.as_of - latest) / size)
    high = max(0.0, (moment.as_of - earliest) / size) if not (is_bound and fact.at_least) else float("inf")
    event = finding.event
    return FactValue(
        (low, high), (Evidence(f"{event.name or fact.label} since", event.reference, None, "", event_date(event)),)
    )


def marks_beginning(finding: Finding, fact: Fact) -> bool:
    """Whether the start of the entry is a time at which the thing was there."""
    event = finding.event
    if finding.assertion in ("negated", "family", "uncertain") or not fits(finding, fact):
        return False
    over = fact.current and event.status == "inactive" and event.kind == "condition"
    return event.verification != "refuted" and event.status != "planned" and not over


def only_bounds(event: Event) -> bool:
    """Whether the thing may have begun before: a single session says that it was there, not since when."""
    return not (event.kind == "condition" or event.status == "active" or event.ended is not None)


def frequency(fact: Fact, findings: Sequence[Finding]) -> FactValue:
    """How often a week, from the timing, else the name, of the newest order or procedure that gives it."""
    found = [(number, f.event) for f in findings if f.assertion == "stated" for number in (per_week(f),) if number]
    if not found:
        return FactValue()
    number, event = max(
        found, key=lambda each: (each[1].frequency_per_week is not None, instant(each[1]), each[0], each[1].reference)
    )
    evidence = Evidence(event.name or fact.label, event.reference, number, fact.type.unit, event_date(event))
    return FactValue((number, number), (evidence,))


def per_week(finding: Finding) -> float | None:
    """As its timing says, else its name."""
    timed = finding.event.frequency_per_week
    return spoken_per_week(finding.event.name) if timed is None and finding.route != "text" else timed


def duration(fact: Fact, findings: Sequence[Finding]) -> FactValue:
    """How long one occurrence lasts: as the newest order states it, else from start to end of the newest one done."""
    found = [(f.event, length) for f in findings if f.assertion == "stated" for length in (_length(f, fact),) if length]
    if not found:
        return FactValue()
    event, length = max(found, key=lambda each: (each[0].kind == "order", instant(each[0]), each[1], each[0].reference))
    evidence = Evidence(
        event.name or fact.label, event.reference, float(f"{length:.4g}"), fact.type.unit, event_date(event)
    )
    return FactValue((length, length), (evidence,))


def _length(finding: Finding, fact: Fact) -> float | None:
    """In the unit of the fact; None where the event does not say, or says what cannot be."""
    event = finding.event
    seconds = stated_length(finding)
    if is_timed(event) and _exact(event.started) and _exact(event.ended):
        seconds = event.ended.latest - event.started.latest  # type: ignore[union-attr]
    if seconds is None:
        return None
    length = seconds / SECONDS[fact.type.unit]
    low, high = fact.plausible or EVERYTHING
    return length if low <= length <= high else None


def is_timed(event: Event) -> bool:
    """Whether the time from start to end of the entry says how long it lasted, where both are exact."""
    return event.kind == "procedure" and event.status != "planned"


def stated_length(finding: Finding) -> float | None:
    """Seconds, as the order or the name says them."""
    event = finding.event
    if event.kind == "order" and event.quantity is not None and event.quantity.code in _DURATION_SECONDS:
        return event.quantity.value * _DURATION_SECONDS[event.quantity.code]
    hours = spoken_hours(event.name) if finding.route != "text" else None
    return None if hours is None else 3600.0 * hours


def _exact(when: When | None) -> bool:
    """A time of day is known, not only a date."""
    return when is not None and when.latest - when.earliest < 60.0
