"""How one measured series has changed since treatment began."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from calcipath.course.model import DAY, CourseThresholds, Direction, Point
from calcipath.course.treatment import Treatment

Judge = Callable[[float, float], Direction]


@dataclass(frozen=True, slots=True)
class Change:
    """First and latest measurement of one site, and what the difference amounts to."""

    first: Point
    last: Point
    direction: Direction

    @property
    def percent(self) -> float | None:
        """Change in percent of the first value; None when that was 0."""
        return (self.last.value - self.first.value) / self.first.value * 100 if self.first.value else None


def usable(points: Sequence[Point], as_of: float) -> tuple[Point, ...]:
    """Finite points of 0 or more up to `as_of`, oldest first; of several at one instant the largest (worst) is last."""
    kept = (p for p in points if p.when <= as_of and math.isfinite(p.value) and p.value >= 0)
    return tuple(sorted(kept, key=lambda p: (p.when, p.value, p.evidence)))


def pain_change(points: Sequence[Point], treatment: Treatment, thresholds: CourseThresholds) -> Change | None:
    """The change of pain, better or worse by the percentage or the points of the thresholds, whichever is met first."""

    def judge(first: float, last: float) -> Direction:
        needed = min(thresholds.pain_points, first * thresholds.pain_percent / 100 or thresholds.pain_points)
        return _direction(last - first, needed)

    return _change(points, treatment, thresholds, judge)


def wound_changes(points: Sequence[Point], treatment: Treatment, thresholds: CourseThresholds) -> tuple[Change, ...]:
    """The change of each wound (site) that was measured before and after; any growth from nothing is worse."""

    def judge(first: float, last: float) -> Direction:
        return _direction(last - first, first * thresholds.wound_percent / 100)

    sites = sorted({point.site for point in points})
    changes = (_change([p for p in points if p.site == site], treatment, thresholds, judge) for site in sites)
    return tuple(change for change in changes if change is not None)


def _direction(difference: float, needed: float) -> Direction:
    """Binary rounding must not decide at the boundary itself (7.0 to 4.9 is 30 %)."""
    slack = 1e-9 * max(1.0, needed)
    if difference < 0 and -difference >= needed - slack:
        return "better"
    if difference > 0 and difference >= needed - slack:
        return "worse"
    return "same"


def _change(points: Sequence[Point], treatment: Treatment, thresholds: CourseThresholds, judge: Judge) -> Change | None:
    """Baseline: the last point at or before the first dose if it is fresh, else the first one after it.

    "The same" is only said of a latest point taken when a response was due: an early one proves nothing.
    """
    pair = _first_and_last(points, treatment, thresholds)
    if pair is None:
        return None
    first, last = pair
    direction = judge(first.value, last.value)
    if direction == "same" and last.when - treatment.start < thresholds.days * DAY:
        return None
    return Change(first, last, direction)


def _first_and_last(
    points: Sequence[Point], treatment: Treatment, thresholds: CourseThresholds
) -> tuple[Point, Point] | None:
    oldest = treatment.start - thresholds.baseline_days * DAY
    before = [point for point in points if oldest <= point.when <= treatment.start]
    after = [point for point in points if point.when > treatment.start]
    if not after or not (before or after[-1].when > after[0].when):
        return None
    if before:
        return before[-1], after[-1]
    first_day = [point for point in after if point.when == after[0].when]
    return first_day[-1], after[-1]
