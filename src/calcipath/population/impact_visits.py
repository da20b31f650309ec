"""A year of calls for one patient: the hooks' own choice at each call, with the memory of what was shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from calcipath.hooks.alerts import Alert
from calcipath.hooks.selection import AlertSettings, select
from calcipath.population.impact_model import CARDS, INTERRUPTIVE, Tally

YEAR: Final = 365.0  # days


@dataclass(slots=True)
class Year:
    """What a patient's calls came to."""

    calls: int = 0
    interrupted: int = 0
    over_budget: int = 0
    shown_before: int = 0
    numbers: Counter[str] = field(default_factory=Counter)


def a_year(alerts: Sequence[Alert], calls: int, settings: AlertSettings) -> Year:
    """So many calls at equal distances over a year, in which the record stays as it is."""
    found, keys = Year(calls), {alert.id: alert.id for alert in alerts}
    until: dict[str, float] = {}
    for number in range(calls):
        day = number * YEAR / calls
        seen = frozenset(key for key, end in until.items() if end > day)
        chosen = select(alerts, keys, seen, settings.budget)
        if settings.memory_days:
            until.update((alert.id, day + settings.memory_days) for alert in chosen.shown)
        found.interrupted += any(alert.indicator != "info" for alert in chosen.shown)
        found.over_budget += sum(why == "budget" for _, why in chosen.suppressed)
        found.shown_before += sum(why == "shown before" for _, why in chosen.suppressed)
        for alert in chosen.shown:
            found.numbers.update(_names(alert))
    return found


def first_shown(alerts: Sequence[Alert], settings: AlertSettings) -> tuple[Alert, ...]:
    """What a first call shows."""
    return select(alerts, {alert.id: alert.id for alert in alerts}, frozenset(), settings.budget).shown


def _names(alert: Alert) -> list[str]:
    names = [CARDS, f"indicator:{alert.indicator}", f"alert:{alert.id}", *(f"says:{r}" for r in alert.recommendations)]
    return [*names, INTERRUPTIVE] if alert.indicator != "info" else names


def add(tally: Tally, year: Year, patients: int) -> None:
    """Add the year of so many patients."""
    tally.patients += patients
    tally.calls += patients * year.calls
    tally.interrupted_calls += patients * year.interrupted
    tally.over_budget += patients * year.over_budget
    tally.shown_before += patients * year.shown_before
    tally.patients_with_cards += patients * (year.numbers[CARDS] > 0)
    tally.patients_interrupted += patients * (year.interrupted > 0)
    for name, count in year.numbers.items():
        tally.numbers[name] += patients * count
    for name in (CARDS, INTERRUPTIVE):
        yy, xy, xx = tally.squares.get(name, (0.0, 0.0, 0.0))
        y, x = year.numbers[name], year.calls
        tally.squares[name] = (yy + patients * y * y, xy + patients * x * y, xx + patients * x * x)
