"""Instants as the store keeps them: UTC, to the millisecond, in a text of fixed width that sorts by time."""

from __future__ import annotations

from datetime import UTC, datetime


def instant_text(seconds: float) -> str:
    """Seconds since 1970 as `2026-11-24T19:02:03.123Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(text: str) -> float:
    """The seconds since 1970 of an instant that `instant_text` wrote."""
    return datetime.fromisoformat(text).timestamp()
