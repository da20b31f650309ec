"""Which alerts are shown: urgent ones always, others within a budget, none twice for the same facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from calcipath.hooks.alerts import Alert

Why = Literal["budget", "shown before"]


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """What a site sets for its alerts (docs/ehr-integration.md): most cards a call, and for how long none comes again."""

    budget: int = 3
    memory_days: float = 30.0


@dataclass(frozen=True, slots=True)
class Selection:
    """The alerts to show in order, and those that are not, each with why."""

    shown: tuple[Alert, ...]
    suppressed: tuple[tuple[Alert, Why], ...]


def select(alerts: Sequence[Alert], keys: Mapping[str, str], seen: frozenset[str], budget: int) -> Selection:
    """Choose. `keys` maps an alert's id to its memory key, `seen` are the keys that were shown before.

    A critical alert is never suppressed: not by the budget, not by the memory.
    """
    shown: list[Alert] = []
    suppressed: list[tuple[Alert, Why]] = []
    left = budget
    for alert in sorted(alerts, key=lambda each: each.rank):
        if alert.indicator == "critical":
            shown.append(alert)
        elif keys[alert.id] in seen:
            suppressed.append((alert, "shown before"))
        elif left > 0:
            shown.append(alert)
            left -= 1
        else:
            suppressed.append((alert, "budget"))
    return Selection(tuple(shown), tuple(suppressed))
