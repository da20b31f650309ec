"""The timeline as inline SVG on one shared time axis, and the table that says the same.

It is drawn twice, for a wide and for a narrow page, so that its letters stay legible; the style sheet shows one.
No meaning rests on colour: second series are dashed with hollow points, ended drugs are hollow, events are numbered.
"""

from __future__ import annotations

from dataclasses import dataclass

from calcipath.language import _
from calcipath.output import wording
from calcipath.output.markup import Markup, join, tag
from calcipath.output.timeline import Bar, Mark, Point, Series, Timeline
from calcipath.output.timeline_axis import Scale, calendar_day, ticks

GUTTER, MARGIN = 38.0, 52.0  # room for the scale at the left and for the last value at the right
TITLE, PLOT, ROW = 22.0, 74.0, 25.0
DENSE = 10  # a kind with more marks than this is drawn as ticks without numbers


@dataclass(frozen=True, slots=True)
class Canvas:
    """One drawing: its width, its time scale and the numbers of its marks."""

    width: float
    time: Scale
    numbers: dict[Mark, int]

    @property
    def left(self) -> float:
        return self.time.start

    @property
    def right(self) -> float:
        return self.time.stop


def draw_timeline(timeline: Timeline) -> Markup:
    """Both drawings, the key of the numbered events and the table; empty when nothing is dated."""
    span = timeline.span()
    if span is None:
        return Markup("")
    numbers = numbered(timeline.marks)
    wide = _drawing(timeline, span, numbers, 760.0, "wide")
    narrow = _drawing(timeline, span, numbers, 340.0, "narrow")
    return tag("figure", wide, narrow, _key(numbers), _table(timeline), class_="timeline")


def numbered(marks: tuple[Mark, ...]) -> dict[Mark, int]:
    """Numbers of the marks by time; marks of a dense kind get none."""
    kinds = [mark.kind for mark in marks]
    sparse = sorted(
        {mark for mark in marks if kinds.count(mark.kind) <= DENSE}, key=lambda mark: (mark.when, mark.label)
    )
    return {mark: place for place, mark in enumerate(sparse, start=1)}


def _drawing(
    timeline: Timeline, span: tuple[float, float], numbers: dict[Mark, int], width: float, form: str
) -> Markup:
    canvas = Canvas(width, Scale(span[0], span[1], GUTTER, width - MARGIN), numbers)
    shapes, y = [], 4.0
    for panel in timeline.panels():
        shapes.append(_panel(canvas, panel, y))
        y += TITLE + PLOT + 8
    for bar in timeline.bars:
        shapes.append(draw_bar(canvas, bar, y))
        y += ROW
    for kind in dict.fromkeys(mark.kind for mark in timeline.marks):
        shapes.append(draw_lane(canvas, kind, timeline.marks, y))
        y += ROW + 6
    height = y + 22
    title = tag(
        "title",
        _("Timeline from {value} to {value_}", value=calendar_day(span[0]), value_=calendar_day(span[1])),
        id=f"{form}-title",
    )
    about = tag("desc", _description(timeline), id=f"{form}-about")
    return tag(
        "svg",
        title,
        about,
        draw_axis(canvas, timeline.now, y, width),
        *shapes,
        viewBox=f"0 0 {width:g} {height:g}",
        class_=form,
        role="img",
        aria_labelledby=f"{form}-title {form}-about",
    )


def _description(timeline: Timeline) -> str:
    said = [
        f"{series.name}: {wording.count(len(series.points), 'value')}, last {_reading(series, max(series.points))}"
        for series in timeline.series
        if series.points
    ]
    said += [f"{bar.label}: {state_of(bar)}" for bar in timeline.bars]
    said += [wording.count(len(timeline.marks), "event")] if timeline.marks else []
    return "; ".join(said) + ". The table below holds every value."


def _reading(series: Series, point: Point) -> str:
    return f"{wording.number(point[1])} {wording.unit(series.unit)} on {calendar_day(point[0])}"


def draw_axis(canvas: Canvas, now: float | None, y: float, width: float) -> Markup:
    """Calendar lines and labels down to `y`, and the line of the instant `now`."""
    shapes: list[Markup] = []
    for when, label in ticks(canvas.time.low, canvas.time.high, 7 if width > 500 else 3):
        x = canvas.time(when)
        anchor = "start" if x < canvas.left + 24 else "end" if x > width - 32 else "middle"
        shapes.append(tag("line", x1=pixels(x), x2=pixels(x), y1="4", y2=pixels(y), class_="grid"))
        shapes.append(tag("text", label, x=pixels(x), y=pixels(y + 15), text_anchor=anchor, class_="faint"))
    if now is not None:
        x_now = pixels(canvas.time(now))
        shapes.append(tag("line", x1=x_now, x2=x_now, y1="4", y2=pixels(y), class_="now"))
    return join(*shapes)


def pixels(value: float) -> str:
    """A length or coordinate with one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def _panel(canvas: Canvas, panel: tuple[Series, ...], y: float) -> Markup:
    first = panel[0]
    values = [value for series in panel for _, value, _ in series.points]
    edges = [edge for series in panel for edge in (series.band_low, series.band_high) if edge is not None]
    low, high = min(values + edges), max(values + edges)
    pad = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    scale = Scale(low - pad, high + pad, y + TITLE + PLOT, y + TITLE)
    return tag(
        "g",
        tag("text", _panel_title(panel), x="0", y=pixels(y + 14), class_="name"),
        _band(canvas, first, scale),
        _value_labels(canvas, edges, values, scale),
        *(_curve(canvas, series, scale, place) for place, series in enumerate(panel)),
    )


def _panel_title(panel: tuple[Series, ...]) -> Markup:
    first = panel[0]
    names = " / ".join(f"{series.name}{' (dashed)' if place else ''}" for place, series in enumerate(panel))
    target = _target(first)
    aside = ", ".join(filter(None, (wording.unit(first.unit), target)))
    return join(names, tag("tspan", f"  {aside}", dx="6", class_="faint")) if aside else join(names)


def _target(series: Series) -> str:
    low, high = series.band_low, series.band_high
    if low is not None and high is not None:
        return f"target {wording.number(low)}–{wording.number(high)}"
    if low is not None:
        return f"target {wording.number(low)} or more"
    return f"target {wording.number(high)} or less" if high is not None else ""


def _band(canvas: Canvas, series: Series, scale: Scale) -> Markup:
    frame = tag(
        "rect",
        x=pixels(canvas.left),
        y=pixels(scale.stop),
        width=pixels(canvas.right - canvas.left),
        height=pixels(PLOT),
        class_="frame",
    )
    if series.band_low is None and series.band_high is None:
        return frame
    top = scale(series.band_high) if series.band_high is not None else scale.stop
    foot = scale(series.band_low) if series.band_low is not None else scale.start
    band = tag(
        "rect",
        x=pixels(canvas.left),
        y=pixels(min(top, foot)),
        width=pixels(canvas.right - canvas.left),
        height=pixels(abs(foot - top)),
        class_="band",
    )
    return join(frame, band)


def _value_labels(canvas: Canvas, edges: list[float], values: list[float], scale: Scale) -> Markup:
    """The band's edges and the extremes at the left, as far as they do not overlap."""
    shown: list[float] = []
    labels = []
    for value in dict.fromkeys([*edges, max(values), min(values)]):
        y = scale(value)
        if all(abs(y - other) >= 12 for other in shown):
            shown.append(y)
            name = wording.number(float(value))
            labels.append(
                tag("text", name, x=pixels(canvas.left - 5), y=pixels(y + 4), text_anchor="end", class_="faint")
            )
    return join(*labels)


def _curve(canvas: Canvas, series: Series, scale: Scale, place: int) -> Markup:
    points = sorted(series.points)
    kind = "first" if place == 0 else "second"
    path = " ".join(f"{pixels(canvas.time(when))},{pixels(scale(value))}" for when, value, _ in points)
    dots = [
        tag(
            "circle",
            tag(
                "title",
                f"{series.name} {_reading(series, point)} ({point[2]})",
            ),
            cx=pixels(canvas.time(point[0])),
            cy=pixels(scale(point[1])),
            r="3.2",
            class_=f"dot {kind}",
        )
        for point in points
    ]
    line = tag("polyline", points=path, class_=f"curve {kind}") if len(points) > 1 else None
    last = points[-1]
    number = None
    if place == 0:
        number = tag(
            "text", wording.number(last[1]), x=pixels(canvas.right + 6), y=pixels(scale(last[1]) + 4), class_="last"
        )
    return join(line, *dots, number)


def state_of(bar: Bar) -> str:
    """From when to when, in words."""
    start = f"from {calendar_day(bar.start)}" if bar.start is not None else "start not recorded"
    if bar.current:
        return f"{start}, current"
    return f"{start} to {calendar_day(bar.end)}" if bar.end is not None else f"{start}, not current"


def draw_bar(canvas: Canvas, bar: Bar, y: float) -> Markup:
    """A drug or treatment with its label above it; hollow when it has ended."""
    start = canvas.time(bar.start) if bar.start is not None else canvas.left
    end = canvas.right if bar.current or bar.end is None else canvas.time(bar.end)
    label = tag(
        "text",
        bar.label,
        tag("tspan", f"  {state_of(bar)}", dx="6", class_="faint"),
        x="0",
        y=pixels(y + 11),
        class_="name",
    )
    shape = tag(
        "rect",
        x=pixels(min(start, end)),
        y=pixels(y + 15),
        width=pixels(max(abs(end - start), 3)),
        height="6",
        rx="1",
        class_="bar" if bar.current else "bar ended",
    )
    return tag("g", label, shape)


def draw_lane(canvas: Canvas, kind: str, marks: tuple[Mark, ...], y: float) -> Markup:
    """The events of one kind: numbered discs, moved aside where they would overlap, or ticks when they are many."""
    shapes: list[Markup] = []
    taken = -99.0
    for mark in sorted((mark for mark in marks if mark.kind == kind), key=lambda mark: mark.when):
        x = canvas.time(mark.when)
        if mark not in canvas.numbers:
            shapes.append(tag("line", x1=pixels(x), x2=pixels(x), y1=pixels(y + 15), y2=pixels(y + 25), class_="tick"))
            continue
        place = max(x, taken + 17)
        taken = place
        if place - x > 1:
            shapes.append(
                tag("line", x1=pixels(x), x2=pixels(place), y1=pixels(y + 21), y2=pixels(y + 21), class_="leader")
            )
        shapes.append(
            tag(
                "circle",
                tag("title", f"{mark.label}, {calendar_day(mark.when)}"),
                cx=pixels(place),
                cy=pixels(y + 21),
                r="7.5",
                class_="disc",
            )
        )
        number = str(canvas.numbers[mark])
        shapes.append(tag("text", number, x=pixels(place), y=pixels(y + 24.5), text_anchor="middle", class_="number"))
    return tag("g", tag("text", wording.sentence(kind), x="0", y=pixels(y + 11), class_="name"), *shapes)


def _key(numbers: dict[Mark, int]) -> Markup | None:
    if not numbers:
        return None
    entries = [
        tag("li", tag("b", place), f"{mark.label} ", tag("small", calendar_day(mark.when)))
        for mark, place in numbers.items()
    ]
    return tag("ul", *entries, class_="key", aria_label=_("Numbered events"))


def _table(timeline: Timeline) -> Markup:
    rows = [
        (when, f"{series.name}", f"{wording.number(value)} {wording.unit(series.unit)}", reference)
        for series in timeline.series
        for when, value, reference in series.points
    ]
    rows += [(mark.when, mark.kind, mark.label, "") for mark in timeline.marks]
    rows += [(bar.start or 0.0, bar.label, state_of(bar), "") for bar in timeline.bars]
    undated = {id(bar) for bar in timeline.bars if bar.start is None}
    body = []
    for when, what, value, reference in sorted(rows):
        day = "" if undated and not when else calendar_day(when)
        body.append(tag("tr", tag("td", day), tag("th", what, scope="row"), tag("td", value), tag("td", reference)))
    heads = [tag("th", name, scope="col") for name in ("Date", "What", "Value", "Entry of the record")]
    table = tag(
        "table",
        tag("caption", _("Every value, drug and event of the drawing")),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *body),
    )
    return tag("details", tag("summary", _("The same as a table")), tag("div", table, class_="scroll"), class_="data")
