"""FHIR dates as intervals: tables from the specification, and the standard library as an independent reader."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcipath.record.dates import is_after, newest, parse_when
from calcipath.record.model import When

# Seconds since 1970 by `date -u -d ... +%s` of GNU coreutils.
INTERVALS = [
    ("2022", 1640995200, 1672531199),
    ("2024-02", 1706745600, 1709251199),  # a leap year: 29 days
    ("2023-12", 1701388800, 1704067199),
    ("2026-01-15", 1768435200, 1768521599),
    ("2026-01-15T10:00:00Z", 1768471200, 1768471200),
    ("2026-01-15T10:00:00", 1768471200, 1768471200),  # no zone: UTC
    ("2026-01-15T10:00Z", 1768471200, 1768471259),  # no seconds: that minute
    ("2026-01-15T10:00:00+05:30", 1768451400, 1768451400),
    ("2026-01-15T10:00:00-05:00", 1768489200, 1768489200),
    ("2026-01-15T23:30:00-14:00", 1768570200, 1768570200),
    ("1969-12-31T23:59:59Z", -1, -1),
]


@pytest.mark.parametrize(("written", "earliest", "latest"), INTERVALS)
def test_a_date_is_the_interval_that_it_can_mean(written: str, earliest: int, latest: int) -> None:
    assert parse_when(written) == When(float(earliest), float(latest), written)


def test_fractions_of_a_second_are_kept() -> None:
    found = parse_when("2026-01-15T10:00:00.250Z")
    assert found is not None and found.earliest == 1768471200.25


@pytest.mark.parametrize(
    "written",
    [
        "", " ", "yesterday", "26-01-15", "2026-1-5", "20260115", "2026-13", "2026-00", "2026-02-30", "2023-02-29", "0000",
        "2026-01-15T24:00:00Z", "2026-01-15T10:60:00Z", "2026-01-15T10:00:61Z", "2026-01-15T10:00:00+14:01",
        "2026-01-15T10:00:00+02:75", "2026-01-15 10:00:00", "2026-01-15T10:00:00Z ", "2026-01-15\n", "٢٠٢٦-٠١-١٥",
    ],
)  # fmt: skip
def test_what_is_no_date_is_none(written: str) -> None:
    assert parse_when(written) is None


DAYS = st.dates(min_value=date(1, 1, 1), max_value=date(9999, 12, 31))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001  the strategy adds the zone
    max_value=datetime(9998, 12, 31),  # noqa: DTZ001
    timezones=ZONES,
)


@given(INSTANTS)
def test_an_instant_agrees_with_the_standard_library(instant: datetime) -> None:
    found = parse_when(instant.isoformat())
    expected = (instant - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    assert found is not None
    assert found.earliest == found.latest == pytest.approx(expected, abs=1e-4)


@given(DAYS, st.sampled_from([4, 7, 10]))
def test_a_partial_date_holds_every_instant_of_its_days(day: date, precision: int) -> None:
    whole, coarse = parse_when(day.isoformat()), parse_when(day.isoformat()[:precision])
    assert whole is not None and coarse is not None
    assert coarse.earliest <= whole.earliest <= whole.latest <= coarse.latest
    assert whole.latest - whole.earliest == 86399


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_none(text: str) -> None:
    found = parse_when(text)
    assert found is None or (found.earliest <= found.latest and found.written == text)


@pytest.mark.parametrize(
    ("written", "limit", "later"),
    [
        ("2026-01-16", "2026-01-15", True),
        ("2026-01-15", "2026-01-15", False),
        ("2026", "2026-01-15", False),  # may be before
        ("2026-02", "2026-01-15", True),
        ("2026-01-15T23:30:00-05:00", "2026-01-15", False),  # the same calendar day in Boston, the next in UTC
        ("2026-01-15", "2026-01-15T08:00:00+10:00", False),  # still the 14th in UTC
        ("2026-01-15T10:00:01Z", "2026-01-15T10:00:00Z", True),
        ("2026-01-15T10:00:00+02:00", "2026-01-15T09:00:00Z", False),
    ],
)
def test_after_means_certainly_after(written: str, limit: str, later: bool) -> None:
    when, bound = parse_when(written), parse_when(limit)
    assert when is not None and bound is not None
    assert is_after(when, bound) is later


def test_the_newest_is_the_one_that_begins_last() -> None:
    times = [parse_when(written) for written in ("2026", "2026-01-02", "2025-12-31T23:00:00Z", "2026-01")]
    found = newest([when for when in times if when])
    assert found is not None and found.written == "2026-01-02"
    assert newest([]) is None
