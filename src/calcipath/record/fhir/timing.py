"""How often something is to happen, from a FHIR Timing.

Source: FHIR R4, data type Timing (http://hl7.org/fhir/R4/datatypes.html#Timing) and its abbreviations
(http://hl7.org/fhir/R4/valueset-timing-abbreviation.html).
"""

from __future__ import annotations

from calcipath.record.fhir.datatypes import number
from calcipath.record.fhir.entry import Entry, Json
from calcipath.record.model import Quantity

UCUM = "http://unitsofmeasure.org"
ABBREVIATIONS_SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation"
WEEK_IN = {"s": 604800.0, "min": 10080.0, "h": 168.0, "d": 7.0, "wk": 1.0, "mo": 12 / 52.1775, "a": 1 / 52.1775}
DAILY_OR_OFTENER = ("s", "min", "h", "d")
PER_WEEK = {
    "BID": 14.0, "TID": 21.0, "QID": 28.0, "AM": 7.0, "PM": 7.0, "QD": 7.0, "QOD": 3.5, "BED": 7.0, "WK": 1.0,
    "Q1H": 168.0, "Q2H": 84.0, "Q3H": 56.0, "Q4H": 42.0, "Q6H": 28.0, "Q8H": 21.0, "MO": WEEK_IN["mo"],
}  # fmt: skip


def per_week(entry: Entry, timing: Json) -> float | None:
    """Occurrences a week; None when the timing does not say.

    A period without a frequency is once a period (FHIR's own rule). Named week days count once each, or as often a day
    as the timing says.
    """
    repeat = entry.object(timing, "repeat")
    found = _repeated(entry, repeat) if repeat else None
    if found is not None:
        return found
    for coding in entry.codings(entry.object(timing, "code")):
        if coding.system == ABBREVIATIONS_SYSTEM and coding.code.upper() in PER_WEEK:
            return PER_WEEK[coding.code.upper()]
    return None


def _repeated(entry: Entry, repeat: Json) -> float | None:
    frequency = _positive(entry, repeat, "frequency", 1.0)
    period = _positive(entry, repeat, "period", None)
    unit = entry.text(repeat, "periodUnit")
    days, hours = (_listed(entry, repeat, field) for field in ("dayOfWeek", "timeOfDay"))
    if frequency is None:
        return None
    if days:
        daily = frequency / period * WEEK_IN[unit] / 7 if period and unit in DAILY_OR_OFTENER else max(hours, 1)
        return days * daily
    if hours:
        return 7.0 * hours
    return frequency / period * WEEK_IN[unit] if period and unit in WEEK_IN else None


def _positive(entry: Entry, repeat: Json, field: str, absent: float | None) -> float | None:
    written = repeat.get(field)
    if written is None:
        return absent
    value = number(written)
    if value is None or not 1e-6 < value < 1e6:
        entry.unreadable(f"timing {field}", "a number above zero")
        return None
    return value


def _listed(entry: Entry, repeat: Json, field: str) -> int:
    """How many different entries a list has."""
    held = repeat.get(field)
    if held is None:
        return 0
    if type(held) is not list or not all(type(item) is str for item in held):
        entry.unreadable(field, "a list of codes")
        return 0
    return len(set(held))


def duration(entry: Entry, timing: Json) -> Quantity | None:
    """How long one occurrence lasts (hours of a dialysis session)."""
    repeat = entry.object(timing, "repeat")
    value = _positive(entry, repeat, "duration", None)
    unit = entry.text(repeat, "durationUnit")
    return Quantity(value, unit, UCUM, unit) if value is not None and unit in WEEK_IN else None
