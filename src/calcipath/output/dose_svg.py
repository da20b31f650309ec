"""The concentration curve of a regimen as inline SVG, beside that of the reference regimen, and the table that says the same.

It is drawn twice, for a wide and for a narrow page, as the timeline is. No meaning rests on colour: the reference is
dashed, another reading of the literature dotted, the spread between people has edges, sessions and infusions have lanes
of their own under the curve.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calcipath.language import _
from calcipath.output import wording
from calcipath.output.layout import wrap
from calcipath.output.markup import Markup, join, tag
from calcipath.output.polyline import Point, thinned
from calcipath.output.timeline_axis import Scale
from calcipath.output.timeline_svg import pixels
from calcipath.output.value_axis import round_ticks

if TYPE_CHECKING:
    from calcipath.thiosulfate.curve import RegimenCurve
    from calcipath.thiosulfate.propagator import Array

WIDTHS = {"wide": 760.0, "narrow": 320.0}  # px
GUTTER, MARGIN, PLOT, LINE, LANE = 46.0, 12.0, 190.0, 16.0, 18.0
TOLERANCE = 0.3  # px that a thinned line may lie off the curve
HOURS = 48.0  # a curve up to this long has its axis in hours, a longer one in days
LONGEST_TABLE = 60  # rows
LETTERS = 40  # of a line of the key


@dataclass(frozen=True, slots=True)
class Drawn:
    """One line of the picture: points (h, px), its style class and what the key says of it."""

    points: tuple[Point, ...]
    kind: str
    said: str


def draw_dose_curve(
    curve: RegimenCurve, reference: RegimenCurve | None = None, *, band: bool = True, place: str = "dose"
) -> Markup:
    """Both drawings and the table. `band`: the spread between virtual patients too. `place`: prefix of the ids.

    The line is the typical patient under the first reading, whose peak and trough the answer gives; the other readings
    of `curve` are drawn as they are there.
    """
    level = Scale(0.0, _axis_values(curve, reference, band=band)[-1], PLOT, 0.0)
    lines = _lines(curve, reference, level)
    spread = _spread(curve, level) if band else ()
    drawings = [_drawing(curve, lines, spread, level, form, place, reference, band=band) for form in WIDTHS]
    return tag("figure", *drawings, _table(curve, reference, band=band), class_="timeline dose-curve")


def _axis_values(curve: RegimenCurve, reference: RegimenCurve | None, *, band: bool) -> list[float]:
    arrays = [*curve.concentration.values(), *(reference.concentration.values() if reference else ())]
    highest = max(float(each.max()) for each in (*arrays, *([curve.band[-1]] if band else [])))
    return round_ticks(highest, 6)


def _lines(curve: RegimenCurve, reference: RegimenCurve | None, level: Scale) -> tuple[Drawn, ...]:
    """The reference lies under the regimen, so that the regimen stays whole where both agree."""
    found = []
    if reference is not None:
        found.append(Drawn(_points(reference.times, _typical(reference), level), "second", "dashed: reference regimen"))
    for number, (name, values) in enumerate(curve.concentration.items()):
        kind = "first" if number == 0 else "other"
        said = f"dotted: {curve.titles[name]}" if number else "solid: this regimen, typical patient"
        found.append(Drawn(_points(curve.times, values, level), kind, said))
    return tuple(found)


def _typical(curve: RegimenCurve) -> Array:
    return next(iter(curve.concentration.values()))


def _points(times: Array, values: Array, level: Scale) -> tuple[Point, ...]:
    scaled = level.start + values / (level.high or 1.0) * (level.stop - level.start)
    return tuple(thinned(list(zip(times.tolist(), scaled.tolist(), strict=True)), TOLERANCE))


def _spread(curve: RegimenCurve, level: Scale) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    return _points(curve.times, curve.band[0], level), _points(curve.times, curve.band[-1], level)


def _drawing(
    curve: RegimenCurve,
    lines: Sequence[Drawn],
    spread: tuple[tuple[Point, ...], ...],
    level: Scale,
    form: str,
    place: str,
    reference: RegimenCurve | None,
    *,
    band: bool,
) -> Markup:
    width = WIDTHS[form]
    time = Scale(float(curve.times[0]), float(curve.times[-1]), GUTTER, width - MARGIN)
    key, top = _key(lines, curve, width, band=band)
    height = top + PLOT + 18 + 2 * LANE + 20
    plot = tag(
        "g",
        _sessions(curve, time),
        _grid(curve, time, level, width),
        _polygon(spread, time),
        *(tag("polyline", points=_path(line.points, time), class_=f"curve {line.kind}") for line in lines),
        _peak(curve, time, level),
        _lane("infusion", curve.doses, time, PLOT + 20, "bar"),
        _lane("session", curve.sessions, time, PLOT + 20 + LANE, "bar ended"),
        transform=f"translate(0 {pixels(top)})",
    )
    names = f"{place}-{form}-title {place}-{form}-about"
    return tag(
        "svg",
        tag("title", _title(curve), id=f"{place}-{form}-title"),
        tag("desc", _described(curve, reference, band=band), id=f"{place}-{form}-about"),
        tag("text", _("thiosulfate, mmol/L"), x="0", y="12", class_="name"),
        key,
        plot,
        viewBox=f"0 0 {width:g} {height:g}",
        class_=form,
        role="img",
        aria_labelledby=names,
    )


def _title(curve: RegimenCurve) -> str:
    days = (float(curve.times[-1]) - float(curve.times[0])) / 24.0
    where = "in steady state" if curve.beginning == "steady-state" else "from the first dose"
    return f"Concentration of thiosulfate over {days:g} days, {where}"


def _described(curve: RegimenCurve, reference: RegimenCurve | None, *, band: bool) -> str:
    said = [f"This regimen in the typical patient: {_extremes(curve)}"]
    if reference is not None:
        said.append(f"Reference regimen: {_extremes(reference)}")
    said += [
        f"Another reading, {curve.titles[name]}: peak {_number(float(values.max()))} mmol/L"
        for name, values in list(curve.concentration.items())[1:]
    ]
    if band:
        low, high = (float(curve.band[place].max()) for place in (0, -1))
        said.append(
            f"Peak of the 5th and of the 95th percentile of {curve.patients} virtual patients: {_number(low)} and "
            f"{_number(high)} mmol/L"
        )
    said.append(
        f"{wording.count(len(curve.doses), 'infusion')}, {wording.count(len(curve.sessions), 'dialysis session')}"
    )
    return ". ".join(said) + ". The table below holds the values."


def _extremes(curve: RegimenCurve) -> str:
    values, at = _typical(curve), _first_peak(curve)
    return f"peak {_number(float(values.max()))} mmol/L at {_when(at)}, lowest {_number(float(values.min()))} mmol/L"


def _first_peak(curve: RegimenCurve) -> float:
    """The hour of the first of the peaks that are as high as the highest, but for rounding."""
    values = _typical(curve)
    return float(curve.times[int(np.argmax(values >= float(values.max()) * (1.0 - 1e-6)))])


def _number(value: float) -> str:
    return f"{value:.3g}" if value >= 0.001 else "0" if value == 0 else "below 0.001"


def _when(hours: float) -> str:
    """An instant of the curve: 'day 3, 51.5 h'."""
    return f"day {int(hours // 24.0) + 1}, {hours:.4g} h"


def _key(lines: Sequence[Drawn], curve: RegimenCurve, width: float, *, band: bool) -> tuple[Markup, float]:
    """What each line is, beside a piece of it; and where the plot begins."""
    rows: list[tuple[str, str]] = [(line.kind, line.said) for line in reversed(lines)]
    if band:
        rows.append(("spread", f"5 to 95 % of {curve.patients} virtual patients"))
    columns = 2 if width > 500 else 1
    shapes: list[Markup] = []
    y, deepest = 20.0, 20.0
    for number, (kind, said) in enumerate(rows):
        x = (number % columns) * 330.0
        y = deepest if number % columns == 0 else y
        lines_of_it = wrap(said, LETTERS)
        shapes.append(_sample(kind, x, y))
        for place, line in enumerate(lines_of_it):
            shapes.append(tag("text", line, x=pixels(x + 34), y=pixels(y + 10 + place * LINE)))
        deepest = max(deepest, y + len(lines_of_it) * LINE)
    return join(*shapes), deepest + 10.0


def _sample(kind: str, x: float, y: float) -> Markup:
    if kind == "spread":
        return tag("rect", x=pixels(x), y=pixels(y + 1), width="28", height="10", class_="spread")
    return tag("line", x1=pixels(x), x2=pixels(x + 28), y1=pixels(y + 6), y2=pixels(y + 6), class_=f"curve {kind}")


def _sessions(curve: RegimenCurve, time: Scale) -> Markup:
    """Shaded from top to bottom; their lane names them."""
    return join(
        *(
            tag(
                "rect",
                x=pixels(time(start)),
                y="0",
                width=_width(time, start, end),
                height=pixels(PLOT),
                class_="session",
            )
            for start, end in curve.sessions
        )
    )


def _width(time: Scale, start: float, end: float) -> str:
    return pixels(max(time(end) - time(start), 1.0))


def _grid(curve: RegimenCurve, time: Scale, level: Scale, width: float) -> Markup:
    shapes: list[Markup] = []
    for value in round_ticks(level.high, 6):
        y = level(value)
        shapes.append(
            tag("line", x1=pixels(GUTTER), x2=pixels(width - MARGIN), y1=pixels(y), y2=pixels(y), class_="grid")
        )
        shapes.append(
            tag("text", f"{value:g}", x=pixels(GUTTER - 5), y=pixels(y + 4), text_anchor="end", class_="faint")
        )
    for hours, label in _time_ticks(time, width):
        x = pixels(time(hours))
        shapes.append(tag("line", x1=x, x2=x, y1="0", y2=pixels(PLOT + 4), class_="grid"))
        anchor = "end" if hours == time.high else "middle"
        shapes.append(tag("text", label, x=x, y=pixels(PLOT + 16), text_anchor=anchor, class_="faint"))
    foot = pixels(PLOT + 20 + 2 * LANE + 12)
    unit = "hours" if time.high - time.low <= HOURS else "days"
    where = "in steady state" if curve.beginning == "steady-state" else "since the first dose began"
    return join(*shapes, tag("text", f"{unit} {where}", x=pixels(GUTTER), y=foot, class_="faint"))


def _time_ticks(time: Scale, width: float) -> Iterator[tuple[float, str]]:
    most = 15 if width > 500 else 8
    span = time.high - time.low
    unit, steps = (1.0, (1, 2, 3, 4, 6, 12)) if span <= HOURS else (24.0, (1, 2, 7, 14, 28))
    step = next((each for each in steps if span / unit / each + 1 <= most), steps[-1])
    for number in range(int(span / unit / step + 1e-9) + 1):
        yield number * step * unit, f"{number * step}"


def _polygon(spread: tuple[tuple[Point, ...], ...], time: Scale) -> Markup | None:
    if not spread:
        return None
    low, high = spread
    return tag("polygon", points=_path((*high, *reversed(low)), time), class_="spread")


def _path(points: Sequence[Point], time: Scale) -> str:
    start, factor = time.start - time.low * _factor(time), _factor(time)
    return " ".join(f"{x * factor + start:.1f},{y:.1f}" for x, y in points)


def _factor(time: Scale) -> float:
    return (time.stop - time.start) / ((time.high - time.low) or 1.0)


def _peak(curve: RegimenCurve, time: Scale, level: Scale) -> Markup:
    """The first peak of the regimen, marked and named."""
    highest = float(_typical(curve).max())
    x, y = time(_first_peak(curve)), level(highest)
    left = x > (time.start + time.stop) / 2.0
    label = tag(
        "text",
        _("peak {highest}", highest=_number(highest)),
        x=pixels(x - 6 if left else x + 6),
        y=pixels(max(y + 3, 10.0)),
        text_anchor="end" if left else "start",
        class_="last",
    )
    return join(tag("circle", cx=pixels(x), cy=pixels(y), r="3.2", class_="dot first"), label)


def _lane(name: str, spans: Sequence[tuple[float, float]], time: Scale, y: float, kind: str) -> Markup:
    """One row of bars under the plot, with its name in the gutter."""
    bars = [
        tag("rect", x=pixels(time(start)), y=pixels(y + 4), width=_width(time, start, end), height="8", class_=kind)
        for start, end in spans
    ]
    none = None if spans else tag("text", "none", x=pixels(GUTTER + 2), y=pixels(y + 12), class_="faint")
    label = tag("text", name, x=pixels(GUTTER - 4), y=pixels(y + 12), text_anchor="end", class_="small")
    return tag("g", label, *bars, none)


def _table(curve: RegimenCurve, reference: RegimenCurve | None, *, band: bool) -> Markup:
    heads = [_("Time"), _("What begins or ends"), _("This regimen, mmol/L")]
    columns = [(curve.times, _typical(curve))]
    if band:
        heads += ["5th percentile", "Median of virtual patients", "95th percentile"]
        columns += [(curve.times, each) for each in curve.band]
    if reference is not None:
        heads.append("Reference regimen, mmol/L")
        columns.append((reference.times, _typical(reference)))
    rows = []
    for hours, what in _moments(curve):
        cells = [tag("td", _number(float(np.interp(hours, times, values)))) for times, values in columns]
        rows.append(tag("tr", tag("th", _when(hours), scope="row"), tag("td", what), *cells))
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in heads)))
    table = tag("table", tag("caption", _title(curve)), head, tag("tbody", *rows))
    return tag("details", tag("summary", _("The same as a table")), tag("div", table, class_="scroll"), class_="data")


def _moments(curve: RegimenCurve) -> list[tuple[float, str]]:
    """The edges of sessions and infusions, and the start of each day; the earliest where there are too many."""
    said: dict[float, list[str]] = {}
    for name, spans in (("session", curve.sessions), ("infusion", curve.doses)):
        for start, end in spans:
            said.setdefault(round(start, 6), []).append(f"{name} begins")
            said.setdefault(round(end, 6), []).append(f"{name} ends")
    first, last = float(curve.times[0]), float(curve.times[-1])
    for day in range(int((last - first) // 24.0) + 1):
        said.setdefault(first + 24.0 * day, [])
    return [(hours, ", ".join(said[hours])) for hours in sorted(said) if hours <= last][:LONGEST_TABLE]
