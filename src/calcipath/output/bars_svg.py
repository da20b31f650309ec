"""A few amounts as horizontal bars with their numbers written out, for beside a table.

One drawing for wide and narrow pages: it is small. The second kind of bar is hollow, a limit is a dashed line with its
name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calcipath.output.markup import Markup, tag
from calcipath.output.timeline_svg import pixels

WIDTH, LABEL, ROW, SPACE = 332.0, 86.0, 18.0, 98.0  # px; SPACE is kept for the number after the bar


@dataclass(frozen=True, slots=True)
class Row:
    """One bar: its name, its size, the number as it is written; `hollow` for what it is compared with."""

    label: str
    value: float
    said: str
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """A size at which a line is drawn, and its name."""

    value: float
    said: str


def draw_bars(title: str, rows: Sequence[Row], place: str, limit: Limit | None = None) -> Markup:
    """The bars on one scale from zero. `place`: the id of the picture, once on a page."""
    highest = max([row.value for row in rows] + ([limit.value] if limit else []), default=0.0) or 1.0
    factor = (WIDTH - LABEL - SPACE) / highest
    top = ROW if limit else 2.0
    clear = limit.value * factor if limit else 0.0  # the number stands right of the limit's line too
    shapes = [_bar(row, top + number * ROW, factor, clear) for number, row in enumerate(rows)]
    height = top + len(rows) * ROW + 2.0
    line = _limit(limit, factor, height) if limit else None
    said = "; ".join([f"{row.label} {row.said}" for row in rows] + ([limit.said] if limit else []))
    return tag(
        "svg",
        tag("title", title, id=f"{place}-title"),
        tag("desc", f"{said}.", id=f"{place}-about"),
        *shapes,
        line,
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        class_="bars",
        role="img",
        aria_labelledby=f"{place}-title {place}-about",
    )


def _bar(row: Row, y: float, factor: float, clear: float) -> Markup:
    length = max(row.value * factor, 1.0)
    return tag(
        "g",
        tag("text", row.label, x=pixels(LABEL - 6), y=pixels(y + 12), text_anchor="end"),
        tag(
            "rect",
            x=pixels(LABEL),
            y=pixels(y + 3),
            width=pixels(length),
            height=pixels(ROW - 7),
            class_="bar ended" if row.hollow else "bar",
        ),
        tag("text", row.said, x=pixels(LABEL + max(length, clear) + 5), y=pixels(y + 12), class_="last"),
    )


def _limit(limit: Limit, factor: float, height: float) -> Markup:
    x = LABEL + limit.value * factor
    return tag(
        "g",
        tag("line", x1=pixels(x), x2=pixels(x), y1="14", y2=pixels(height), class_="limit"),
        tag("text", limit.said, x=pixels(x), y="11", text_anchor="middle", class_="faint"),
    )
