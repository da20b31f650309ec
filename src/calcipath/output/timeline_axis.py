"""Scales of the drawn timeline: calendar ticks in time, and a linear scale for values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240)
_DAYS = (1, 2, 7, 14)


def calendar_day(seconds: float) -> str:
    """The UTC day of an instant; an instant outside the calendar's years is said to be out of range."""
    moment = _moment(seconds)
    return moment.strftime("%Y-%m-%d") if moment else "out of range"


def _moment(seconds: float) -> datetime | None:
    try:
        return EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map from `low`..`high` to `start`..`stop` (pixels; `stop` may be the smaller)."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.stop - self.start)


def ticks(first: float, last: float, most: int) -> list[tuple[float, str]]:
    """At most `most` calendar instants between two instants, with labels: days, months or years."""
    start, stop = _moment(first), _moment(last)
    if start is None or stop is None:
        return []
    for step in _DAYS:
        if (stop - start).days / step <= most - 1:
            return [(_seconds(day), day.strftime("%Y-%m-%d")) for day in _days(start, stop, step)][:most]
    for step in _MONTHS:
        marks = list(_months(start, stop, step))
        if len(marks) <= most:
            form = "%Y" if step >= 12 else "%Y-%m"
            return [(_seconds(month), month.strftime(form)) for month in marks]
    return []


def _seconds(moment: datetime) -> float:
    return (moment - EPOCH).total_seconds()


def _days(start: datetime, stop: datetime, step: int) -> Iterator[datetime]:
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if day < start:
        day += timedelta(days=1)
    while day <= stop:
        yield day
        day += timedelta(days=step)


def _months(start: datetime, stop: datetime, step: int) -> Iterator[datetime]:
    count = start.year * 12 + start.month - 1
    count += -count % step
    while count // 12 <= min(stop.year, 9999):
        month = datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC)
        if month > stop:
            return
        if month >= start:
            yield month
        count += step
