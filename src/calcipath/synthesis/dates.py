"""Day numbers as text: whole and partial dates, instants with the site's offset from UTC."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Final

from calcipath.synthesis.content import Site

CLOCK: Final = tuple(f"{minute // 60:02d}:{minute % 60:02d}:00" for minute in range(24 * 60))


@cache
def day_text(day: int) -> str:
    """YYYY-MM-DD."""
    return date.fromordinal(day).isoformat()


@cache
def _offset(site: Site, day: int) -> str:
    """Summer time from April to October, roughly: assumed for synthetic data."""
    return site.offsets[4 <= date.fromordinal(day).month <= 10]


def fhir_time(site: Site, day: int, minute: int) -> str:
    """A FHIR dateTime, as precise as is known and as the site writes it."""
    if minute >= 0:
        return day_text(day) if site.times == "date" else f"{day_text(day)}T{CLOCK[minute]}{_offset(site, day)}"
    return day_text(day)[: 10 + 3 * (minute + 1)] if minute != -3 else day_text(day)[:4]


def updated(day: int) -> str:
    """When the resource was last changed, an instant."""
    return f"{day_text(day)}T23:30:00.000Z"


def instant(site: Site, day: int, minute: int) -> str:
    """A FHIR instant, for elements that demand one."""
    return f"{day_text(day)}T{CLOCK[minute]}{_offset(site, day)}"
