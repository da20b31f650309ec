"""FHIR data types that carry a measurement, a time or a passage of text."""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any

from calcipath.record.fhir.cleaning import LONGEST_TEXT, clean_text, text_of_markup
from calcipath.record.fhir.entry import Entry, Json
from calcipath.record.model import Quantity, When

LONGEST_ATTACHMENT = 1_500_000  # characters of base64: about a megabyte of text
COMPARATORS = {"", "<", "<=", ">=", ">"}
CHARACTER_SETS = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16"}
_NO_TIME: tuple[None, None, str] = (None, None, "")
Times = tuple[When | None, When | None, str]


def number(value: Any) -> float | None:
    """A JSON number as a float; None for anything else, and for one that no float can hold."""
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else None
    if kind is not int:
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def read_quantity(entry: Entry, holder: Json, field: str) -> Quantity | None:
    """A Quantity (SimpleQuantity, Age, Duration) as written; None when there is no readable number."""
    held = holder.get(field)
    if held is None:
        return None
    if type(held) is not dict:
        entry.unreadable(field, "a Quantity")
        return None
    written = held.get("value")
    if written is None:
        return None
    value = number(written)
    if value is None:
        entry.unreadable(f"{field}.value", "a number")
        return None
    comparator = held.get("comparator") or ""
    if type(comparator) is not str or comparator not in COMPARATORS:
        entry.unreadable(f"{field}.comparator", "one of <, <=, >=, >, and with it the value")
        return None
    return Quantity(value, *_unit(entry, held), comparator)


def _unit(entry: Entry, held: Json) -> tuple[str, str, str]:
    """Unit, canonical system and code; the same few come again and again."""
    key = (held.get("unit"), held.get("system"), held.get("code"))
    units = entry.context.units
    try:
        return units[key]
    except (KeyError, TypeError):  # not seen yet, or something unhashable where text should be
        pass
    before = len(entry.context.problems)
    system = entry.text(held, "system")
    found = entry.text(held, "unit"), entry.context.systems.get(system, system), entry.text(held, "code")
    if len(entry.context.problems) == before:
        units[key] = found
    return found


def written_number(value: float) -> str:
    """A number without an idle fraction.

    >>> written_number(128.0), written_number(0.5)
    ('128', '0.5')
    """
    return f"{value:.15g}"


def written_quantity(quantity: Quantity) -> str:
    """A quantity in words."""
    return f"{quantity.comparator}{written_number(quantity.value)} {quantity.unit or quantity.code}".strip()


def read_period(entry: Entry, holder: Json, field: str) -> tuple[When | None, When | None]:
    """Start and end of a Period; the end is left out, and listed, when it lies before the start."""
    period = entry.object(holder, field)
    started, ended = entry.when(period, "start"), entry.when(period, "end")
    if started and ended and ended.latest < started.earliest:
        entry.problem("contradiction", f"{field} ends before it starts; its end was not used")
        return started, None
    return started, ended


def read_times(entry: Entry, stem: str) -> Times:
    """Start, end and words of a choice such as `performed[x]`; an age or a string gives words."""
    resource = entry.resource
    if resource.get(f"{stem}DateTime") is not None:
        return entry.when(resource, f"{stem}DateTime"), None, ""
    if resource.get(f"{stem}Period") is not None:
        return *read_period(entry, resource, f"{stem}Period"), ""
    if resource.get(f"{stem}Instant") is not None:
        return entry.when(resource, f"{stem}Instant"), None, ""
    if resource.get(f"{stem}Timing") is not None:
        return *read_timing_bounds(entry, entry.object(resource, f"{stem}Timing")), ""
    return _times_in_words(entry, stem)


def _times_in_words(entry: Entry, stem: str) -> Times:
    resource = entry.resource
    age = read_quantity(entry, resource, f"{stem}Age")
    if age:
        return None, None, f"{stem} at age {written_quantity(age)}"
    if resource.get(f"{stem}Range") is not None:
        return None, None, f"{stem} at age {read_range(entry, resource, f'{stem}Range')}"
    written = entry.text(resource, f"{stem}String")
    return (None, None, f"{stem}: {written}") if written else _NO_TIME


def read_range(entry: Entry, holder: Json, field: str) -> str:
    """A Range in words."""
    held = entry.object(holder, field)
    low, high = read_quantity(entry, held, "low"), read_quantity(entry, held, "high")
    if low and high:
        return f"{written_number(low.value)}-{written_quantity(high)}"
    if low:
        return f">={written_quantity(low)}"
    return f"<={written_quantity(high)}" if high else ""


def read_timing_bounds(entry: Entry, timing: Json) -> tuple[When | None, When | None]:
    """First and last instant of a Timing: its events, else the bounds of its repetition."""
    events = timing.get("event")
    if type(events) is list and events:
        times = [found for item in events if (found := entry.when({"event": item}, "event"))]
        if times:
            return min(times, key=lambda when: when.earliest), max(times, key=lambda when: when.latest)
    return read_period(entry, entry.object(timing, "repeat"), "boundsPeriod")


def read_attachment(entry: Entry, attachment: Json) -> str:
    """The text of an Attachment with data; listed when it holds something that cannot be read as text."""
    kind = entry.text(attachment, "contentType").lower()
    data = attachment.get("data")
    if data is None:
        if attachment.get("url") is not None:
            entry.problem("unreadable", "the text is kept elsewhere (attachment with an address only); not read")
        return ""
    if type(data) is not str:
        entry.unreadable("attachment data", "base64 text")
        return ""
    if kind and not kind.startswith("text/") and not kind.startswith("application/xhtml"):
        entry.problem("unreadable", f"an attachment of type {kind[:60]} was not read")
        return ""
    text = _decoded(data, kind)
    if text is None:
        entry.problem("unreadable", "the attachment's data is not readable as base64 text; not read")
        return ""
    if len(data) > LONGEST_ATTACHMENT or len(text) > LONGEST_TEXT:
        entry.problem("unreadable", f"the attachment is longer than {LONGEST_TEXT} characters; cut there")
    return clean_text(text_of_markup(text[:LONGEST_TEXT]) if "html" in kind else text)


def _decoded(data: str, kind: str) -> str | None:
    try:
        raw = base64.b64decode(data[:LONGEST_ATTACHMENT], validate=False)
    except (binascii.Error, ValueError):
        return None
    named = kind.partition("charset=")[2].strip(" \"';").partition(";")[0]
    if named not in CHARACTER_SETS:
        named = "utf-8"
    try:
        return raw.decode(named)
    except UnicodeDecodeError:
        return None if b"\x00" in raw else raw.decode("windows-1252", errors="replace")
