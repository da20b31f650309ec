"""FHIR dates as intervals of instants.

A FHIR date may be partial: "2022" can mean any instant of that year. A date without a time zone is read as UTC, and an
instant without seconds as that whole minute. Source: FHIR R4, data types `date`, `dateTime` and `instant`
(http://hl7.org/fhir/R4/datatypes.html#dateTime).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from calcipath.record.model import When

DAY = 86400
EPOCH = date(1970, 1, 1).toordinal()
FURTHEST_ZONE = 14 * 60  # minutes; the widest offset that FHIR allows
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)


def parse_when(written: str) -> When | None:
    """The interval that a FHIR date, dateTime or instant can mean; None when it is not one or names no real day.

    >>> parse_when("2022")
    When(earliest=1640995200.0, latest=1672531199.0, written='2022')
    >>> parse_when("2026-02-30") is None
    True
    """
    match = _DATE.fullmatch(written)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        if hour is None:
            return _days(written, int(year), month, day)
        midnight = (date(int(year), int(month), int(day)).toordinal() - EPOCH) * DAY
    except ValueError:
        return None
    offset = _zone_minutes(zone)
    hours, minutes, seconds = int(hour), int(minute), int(second or 0)
    if offset is None or hours > 23 or minutes > 59 or seconds > 60:
        return None
    start = midnight + hours * 3600 + (minutes - offset) * 60 + seconds + float(fraction or 0)
    return When(start, start if second else start + 59, written)


def _days(written: str, year: int, month: str | None, day: str | None) -> When:
    """A whole day, month or year, to its last second."""
    if day is not None and month is not None:
        first = last = date(year, int(month), int(day)).toordinal()
    elif month is not None:
        first = date(year, int(month), 1).toordinal()
        last = date(year, 12, 31).toordinal() if month == "12" else date(year, int(month) + 1, 1).toordinal() - 1
    else:
        first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    return When(float((first - EPOCH) * DAY), float((last - EPOCH + 1) * DAY - 1), written)


def _zone_minutes(zone: str | None) -> int | None:
    """Minutes east of UTC; None for an offset that does not exist."""
    if zone is None or zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    if minutes > FURTHEST_ZONE or int(zone[4:6]) > 59:
        return None
    return -minutes if zone[0] == "-" else minutes


def is_after(when: When, limit: When) -> bool:
    """Whether `when` certainly lies after `limit`.

    Where either has no time of day, calendar days as written are compared: "2026-01-15" has no zone, and an evening
    instant of that day in Boston is not the day after.
    """
    width = min(len(when.written), len(limit.written), 10)
    if width == 10 and (len(when.written) > 10) and (len(limit.written) > 10):
        return when.earliest > limit.latest
    return when.written[:width] > limit.written[:width]


def newest(times: Iterable[When]) -> When | None:
    """The time that begins last; of those that begin together, the most precise."""
    return max(times, key=lambda when: (when.earliest, -when.latest), default=None)
