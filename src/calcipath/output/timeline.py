"""The dated facts that the page draws: measured series, drugs as bars, events as marks. Plain values, no drawing.

Times are seconds since 1970-01-01T00:00Z; a partial date enters at the earliest instant that it can mean.
"""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[float, float, str]  # seconds, value, reference in the record


@dataclass(frozen=True, slots=True)
class Series:
    """One measured quantity over time, all values in `unit`; the band is the target or reference range.

    Series with the same `panel` share a plot and a scale (corrected and measured calcium); they must share the unit.
    """

    name: str
    unit: str
    band_low: float | None
    band_high: float | None
    points: tuple[Point, ...]
    panel: str = ""
    analyte: str = ""  # the id of what is measured, for units of display


@dataclass(frozen=True, slots=True)
class Bar:
    """A drug or a treatment over time; a missing `start` or `end` is not recorded."""

    label: str
    start: float | None
    end: float | None
    current: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """An event at an instant; `kind` is a word such as lesion, procedure or dialysis."""

    label: str
    when: float
    kind: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything that is drawn on one time axis; `now` is the instant of the assessment."""

    series: tuple[Series, ...] = ()
    bars: tuple[Bar, ...] = ()
    marks: tuple[Mark, ...] = ()
    now: float | None = None

    def span(self) -> tuple[float, float] | None:
        """First and last instant drawn, None when nothing is dated; a lone instant gets 15 days either side."""
        times = [when for series in self.series for when, _, _ in series.points]
        times += [when for bar in self.bars for when in (bar.start, bar.end) if when is not None]
        times += [mark.when for mark in self.marks]
        if not times:
            return None
        times += [self.now] if self.now is not None else []
        first, last = min(times), max(times)
        if last - first < DAY:
            return first - 15 * DAY, last + 15 * DAY
        return first, last

    def panels(self) -> tuple[tuple[Series, ...], ...]:
        """Series grouped by panel, in order of appearance."""
        groups: dict[str, list[Series]] = {}
        for series in self.series:
            if series.points:
                groups.setdefault(series.panel or f"{series.name} ({series.unit})", []).append(series)
        return tuple(map(tuple, groups.values()))


DAY = 86400.0
