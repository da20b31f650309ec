"""Schedules in the names of orders and procedures."""

from __future__ import annotations

import pytest

from calcipath.record.spoken_schedule import spoken_hours, spoken_per_week

PER_WEEK = {
    "Hemodialysis three times a week": 3,
    "Hemodialysis thrice weekly": 3,
    "HD 3x/week": 3,
    "HD 3 x per week": 3,
    "haemodialysis, 4 sessions per week, 3 h": 4,
    "twice-weekly haemodialysis": 2,
    "Haemodialysis twice weekly": 2,
    "Hemodialysis every other day": 3.5,
    "In-center hemodialysis TIW": 3,
    "Home nocturnal haemodialysis, nightly": 7,
    "Short daily haemodialysis": None,  # five to seven a week
    "Haemodialysis 2 times a week, then 3 times a week": None,
    "Hemodialysis": None,
    "Hemodialysis procedure with single evaluation 90935": None,
    "week 3 haemodialysis": None,
}
HOURS = {
    "Hemodialysis 4 h": 4,
    "Hemodialysis, 4-hour sessions, three times a week": 4,
    "HD 240 min": 4,
    "HD 3.5 hrs": 3.5,
    "CRRT 25 mL/kg/h": None,
    "Haemodialysis every 48 h": None,
    "4 h or 5 h haemodialysis": None,
    "Hemodialysis": None,
}


@pytest.mark.parametrize("name", PER_WEEK)
def test_how_often(name: str) -> None:
    assert spoken_per_week(name) == PER_WEEK[name]


@pytest.mark.parametrize("name", HOURS)
def test_how_long(name: str) -> None:
    assert spoken_hours(name) == HOURS[name]
