"""How pain and wounds went under thiosulfate: the answer's course as inline SVG, with doses and visits, and as a table.

One panel for each thing measured, one line for each site, all on one time axis. Sites are told apart by dash, by the
shape of the points and by name. Drawn twice, for a wide and for a narrow page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calcipath.language import _
from calcipath.output import wording
from calcipath.output.layout import wrap
from calcipath.output.markup import Markup, join, tag
from calcipath.output.plan import records
from calcipath.output.timeline import DAY, Bar, Mark
from calcipath.output.timeline_axis import Scale, calendar_day
from calcipath.output.timeline_svg import Canvas, draw_axis, draw_bar, draw_lane, numbered, pixels, state_of
from calcipath.output.value_axis import round_ticks
from calcipath.output.wording import Item, clean
from calcipath.record.dates import parse_when

WIDTHS = {"wide": 760.0, "narrow": 320.0}  # px
GUTTER, MARGIN, TITLE, PLOT, ROW, LINE = 38.0, 46.0, 22.0, 84.0, 25.0, 14.0
PAIN_SCALE = 10.0
UNITS = {"points": "points", "cm2": "cm²", "cm": "cm"}
NAMES = {"wound-length-by-width": "wound length × width"}
KINDS = ("first", "second", "third", "fourth")  # classes; a fifth site takes the first again, and its name tells it
LETTERS = 44  # of a line of the key


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement of a site, in s since 1970 (UTC)."""

    when: float
    value: float
    reference: str


@dataclass(frozen=True, slots=True)
class Track:
    """One series at one site, oldest first."""

    name: str
    unit: str
    site: str
    points: tuple[Point, ...]


def draw_trend(
    course: Item,
    *,
    doses: Sequence[Bar] = (),
    visits: Sequence[Mark] = (),
    sites: Mapping[str, str] | None = None,
    now: float | None = None,
    place: str = "trend",
) -> Markup:
    """The verdict in words, both drawings and the table; words and table alone where nothing is dated.

    `doses`: periods of thiosulfate; `visits`: marks of visits; `sites`: names of site codes; `now`: the instant (s) of
    the assessment; `place`: prefix of the ids.
    """
    tracks = tracks_of(course, sites or {})
    said = verdict_words(course)
    span = _span(tracks, doses, visits, now)
    figure = None
    if span is not None:
        numbers = numbered(tuple(visits))
        marks = tuple(visits)
        drawings = []
        for form, width in WIDTHS.items():
            canvas = Canvas(width, Scale(span[0], span[1], GUTTER, width - MARGIN), numbers)
            about = _described(course, tracks, doses, visits)
            drawings.append(_drawing(canvas, tracks, doses, marks, now, (f"{place}-{form}", form, about)))
        figure = tag("figure", *drawings, _key(numbers), _table(tracks, doses, visits), class_="timeline trend")
    return join(said, figure)


def verdict_words(course: Item) -> Markup:
    """The verdict on the course as a sentence, with its reasons."""
    verdict = str(course.get("verdict", "unknown"))
    reasons = [tag("li", wording.evidence(each)) for each in records(course.get("because"))]
    return tag(
        "div",
        tag("p", tag("strong", wording.sentence(wording.COURSES.get(verdict, clean(verdict))) + ".")),
        tag("ul", *reasons, class_="plain") if reasons else None,
        class_="verdict",
    )


def tracks_of(course: Item, sites: Mapping[str, str]) -> tuple[Track, ...]:
    """The course's series by site; a point without a date or a number is not drawn."""
    found: dict[tuple[str, str, str], list[Point]] = {}
    for series in records(course.get("series")):
        for point in records(series.get("points")):
            when, value = _instant(point.get("date")), point.get("value")
            if when is None or isinstance(value, bool) or not isinstance(value, int | float):
                continue
            key = (clean(series.get("name")), clean(series.get("unit")), _site(point.get("site"), sites))
            found.setdefault(key, []).append(Point(when, float(value), clean(point.get("reference"))))
    return tuple(
        Track(
            NAMES.get(name, name.replace("-", " ")),
            UNITS.get(unit, unit),
            site,
            tuple(sorted(points, key=lambda p: p.when)),
        )
        for (name, unit, site), points in found.items()
    )


def _site(site: object, names: Mapping[str, str]) -> str:
    codes = [part for part in clean(site).split(",") if part]
    return ", ".join(names.get(code, code) for code in codes)


def _instant(date: object) -> float | None:
    when = parse_when(clean(date)) if date else None
    return when.earliest if when else None


def _span(
    tracks: Sequence[Track], doses: Sequence[Bar], visits: Sequence[Mark], now: float | None
) -> tuple[float, float] | None:
    times = [point.when for track in tracks for point in track.points] + [mark.when for mark in visits]
    times += [when for bar in doses for when in (bar.start, bar.end) if when is not None]
    if not times:
        return None
    times += [now] if now is not None else []
    first, last = min(times), max(times)
    return (first - 15 * DAY, last + 15 * DAY) if last - first < DAY else (first, last)


def _drawing(
    canvas: Canvas,
    tracks: Sequence[Track],
    doses: Sequence[Bar],
    visits: tuple[Mark, ...],
    now: float | None,
    naming: tuple[str, str, str],
) -> Markup:
    place, form, about = naming
    shapes, y = [], 4.0
    panels: dict[tuple[str, str], list[Track]] = {}
    for track in tracks:
        panels.setdefault((track.name, track.unit), []).append(track)
    for (name, unit), chosen in panels.items():
        shape, y = _panel(canvas, f"{name}, {unit}" if unit else name, chosen, y)
        shapes.append(shape)
    for label in dict.fromkeys(bar.label for bar in doses):
        shapes.append(_doses(canvas, [bar for bar in doses if bar.label == label], y))
        y += ROW
    for kind in dict.fromkeys(mark.kind for mark in visits):
        shapes.append(draw_lane(canvas, kind, visits, y))
        y += ROW + 6
    return tag(
        "svg",
        tag("title", _("Course of pain and wounds"), id=f"{place}-title"),
        tag("desc", about, id=f"{place}-about"),
        draw_axis(canvas, now, y, canvas.width),
        *shapes,
        viewBox=f"0 0 {canvas.width:g} {y + 22:g}",
        class_=form,
        role="img",
        aria_labelledby=f"{place}-title {place}-about",
    )


def _panel(canvas: Canvas, title: str, tracks: Sequence[Track], y: float) -> tuple[Markup, float]:
    """One thing measured, from zero up (pain up to 10); and where the next panel begins."""
    highest = max(point.value for track in tracks for point in track.points)
    ticks = round_ticks(max(highest, PAIN_SCALE) if title.startswith("pain") else highest, 4)
    names = [
        (KINDS[place % len(KINDS)], line if first == 0 else f"  {line}", first == 0)
        for place, track in enumerate(tracks)
        for first, line in enumerate(wrap(track.site or "site not recorded", LETTERS))
    ]
    if len(tracks) == 1 and not tracks[0].site:
        names = []
    top = y + TITLE + len(names) * LINE
    scale = Scale(0.0, ticks[-1], top + PLOT, top)
    key = [_named(kind, said, y + TITLE + place * LINE, sample=new) for place, (kind, said, new) in enumerate(names)]
    frame = tag(
        "rect",
        x=pixels(canvas.left),
        y=pixels(top),
        width=pixels(canvas.right - canvas.left),
        height=pixels(PLOT),
        class_="frame",
    )
    shapes = [_line(canvas, scale, track, KINDS[place % len(KINDS)]) for place, track in enumerate(tracks)]
    labels = [
        tag(
            "text",
            f"{value:g}",
            x=pixels(canvas.left - 5),
            y=pixels(scale(value) + 4),
            text_anchor="end",
            class_="faint",
        )
        for value in ticks
    ]
    heading = tag("text", title, x="0", y=pixels(y + 12), class_="name")
    return tag("g", heading, *key, frame, *labels, *shapes, *_ends(canvas, scale, tracks)), top + PLOT + 14


def _doses(canvas: Canvas, periods: Sequence[Bar], y: float) -> Markup:
    """The periods of one treatment in one row: single doses are many, and their own rows would fill the page."""
    if len(periods) == 1:
        return draw_bar(canvas, periods[0], y)
    shapes = []
    for bar in periods:
        start = canvas.time(bar.start) if bar.start is not None else canvas.left
        end = canvas.right if bar.current or bar.end is None else canvas.time(bar.end)
        kind = "bar" if bar.current else "bar ended"
        width = pixels(max(end - start, 3.0))
        shapes.append(tag("rect", x=pixels(start), y=pixels(y + 15), width=width, height="6", rx="1", class_=kind))
    aside = tag("tspan", f"  {_periods(periods)}", dx="6", class_="faint")
    return tag("g", tag("text", periods[0].label, aside, x="0", y=pixels(y + 11), class_="name"), *shapes)


def _periods(periods: Sequence[Bar]) -> str:
    """Several periods in words: '12 periods, 2026-01-02 to 2026-02-01'."""
    if len(periods) == 1:
        return state_of(periods[0])
    starts = [bar.start for bar in periods if bar.start is not None]
    ends = [bar.end for bar in periods if bar.end is not None]
    current = any(bar.current for bar in periods)
    span = f", {calendar_day(min(starts))} to " if starts else ", to "
    last = "now" if current else calendar_day(max(ends)) if ends else "an end that is not recorded"
    return wording.count(len(periods), "period") + span + last


def _named(kind: str, said: str, y: float, *, sample: bool) -> Markup:
    shape = None
    if sample:
        line = tag(
            "line",
            x1=pixels(GUTTER),
            x2=pixels(GUTTER + 28),
            y1=pixels(y + 6),
            y2=pixels(y + 6),
            class_=f"curve {kind}",
        )
        shape = join(line, _shape(kind, GUTTER + 14, y + 6, None))
    return join(shape, tag("text", said, x=pixels(GUTTER + 34), y=pixels(y + 10)))


def _line(canvas: Canvas, scale: Scale, track: Track, kind: str) -> Markup:
    path = " ".join(f"{pixels(canvas.time(p.when))},{pixels(scale(p.value))}" for p in track.points)
    dots = [
        _shape(kind, canvas.time(p.when), scale(p.value), f"{_reading(track, p)} ({p.reference})") for p in track.points
    ]
    return join(tag("polyline", points=path, class_=f"curve {kind}") if len(track.points) > 1 else None, *dots)


def _shape(kind: str, x: float, y: float, title: str | None) -> Markup:
    """A full disc, a hollow disc, a hollow square or a full triangle."""
    name = tag("title", title) if title else None
    if kind == "third":
        return tag("rect", name, x=pixels(x - 3), y=pixels(y - 3), width="6", height="6", class_="dot third")
    if kind == "fourth":
        corners = f"{pixels(x)},{pixels(y - 4)} {pixels(x + 4)},{pixels(y + 3)} {pixels(x - 4)},{pixels(y + 3)}"
        return tag("polygon", name, points=corners, class_="dot fourth")
    return tag("circle", name, cx=pixels(x), cy=pixels(y), r="3.2", class_=f"dot {kind}")


def _ends(canvas: Canvas, scale: Scale, tracks: Sequence[Track]) -> list[Markup]:
    """The last value of each line, where they do not overlap."""
    labels, taken = [], list[float]()
    for track in tracks:
        last = track.points[-1]
        y = scale(last.value)
        if all(abs(y - other) >= 11 for other in taken):
            taken.append(y)
            labels.append(
                tag("text", wording.number(last.value), x=pixels(canvas.right + 6), y=pixels(y + 4), class_="last")
            )
    return labels


def _reading(track: Track, point: Point) -> str:
    site = f" ({track.site})" if track.site else ""
    return f"{track.name}{site} {wording.number(point.value)} {track.unit} on {calendar_day(point.when)}"


def _described(course: Item, tracks: Sequence[Track], doses: Sequence[Bar], visits: Sequence[Mark]) -> str:
    verdict = str(course.get("verdict", "unknown"))
    said = [wording.sentence(wording.COURSES.get(verdict, clean(verdict)))]
    for track in tracks:
        first, last = track.points[0], track.points[-1]
        site = f" ({track.site})" if track.site else ""
        change = f"{wording.number(first.value)} on {calendar_day(first.when)}"
        if len(track.points) > 1:
            change += f" to {wording.number(last.value)} on {calendar_day(last.when)}"
        said.append(f"{wording.sentence(track.name)}{site}, {track.unit}: {change}")
    labels = dict.fromkeys(bar.label for bar in doses)
    said += [f"{label}: {_periods([bar for bar in doses if bar.label == label])}" for label in labels]
    said += [wording.count(len(visits), "mark")] if visits else []
    return ". ".join(said) + ". The table below holds every value."


def _key(numbers: Mapping[Mark, int]) -> Markup | None:
    if not numbers:
        return None
    entries = [
        tag("li", tag("b", number), f"{mark.label} ", tag("small", calendar_day(mark.when)))
        for mark, number in numbers.items()
    ]
    return tag("ul", *entries, class_="key", aria_label=_("Numbered marks"))


def _table(tracks: Sequence[Track], doses: Sequence[Bar], visits: Sequence[Mark]) -> Markup:
    rows = [
        (
            point.when,
            f"{track.name}{f' ({track.site})' if track.site else ''}",
            f"{wording.number(point.value)} {track.unit}",
            point.reference,
        )
        for track in tracks
        for point in track.points
    ]
    rows += [(mark.when, mark.kind, mark.label, "") for mark in visits]
    rows += [(bar.start if bar.start is not None else float("-inf"), bar.label, state_of(bar), "") for bar in doses]
    body = [
        tag(
            "tr",
            tag("td", calendar_day(when) if when > float("-inf") else ""),
            tag("th", what, scope="row"),
            tag("td", value),
            tag("td", reference),
        )
        for when, what, value, reference in sorted(rows)
    ]
    heads = tag(
        "tr", *(tag("th", name, scope="col") for name in (_("Date"), _("What"), _("Value"), _("Entry of the record")))
    )
    table = tag(
        "table",
        tag("caption", _("Every value, dose period and mark of the drawing")),
        tag("thead", heads),
        tag("tbody", *body),
    )
    return tag("details", tag("summary", _("The same as a table")), tag("div", table, class_="scroll"), class_="data")
