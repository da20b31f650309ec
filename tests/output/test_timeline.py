"""The drawn timeline: calendar ticks and scales by hand, and a table that holds what the drawing holds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcipath.output.timeline import DAY, Bar, Mark, Series, Timeline
from calcipath.output.timeline_axis import Scale, calendar_day, ticks
from calcipath.output.timeline_svg import draw_timeline, numbered


def at(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("first", "last", "most", "labels"),
    [
        ("2026-01-01", "2026-01-04", 7, ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]),
        ("2025-12-30", "2026-01-20", 4, ["2025-12-30", "2026-01-06", "2026-01-13", "2026-01-20"]),
        ("2025-09-10", "2026-03-02", 7, ["2025-10", "2025-11", "2025-12", "2026-01", "2026-02", "2026-03"]),
        ("2025-01-15", "2026-06-01", 7, ["2025-04", "2025-07", "2025-10", "2026-01", "2026-04"]),
        ("2016-03-01", "2026-03-01", 6, ["2018", "2020", "2022", "2024", "2026"]),
    ],
)
def test_ticks_fall_on_the_calendar(first: str, last: str, most: int, labels: list[str]) -> None:
    found = ticks(at(first), at(last), most)
    assert [label for _, label in found] == labels
    assert [calendar_day(when)[: len(label)] for when, label in found] == labels


@given(st.floats(-1e12, 1e12), st.floats(0, 1e11), st.integers(2, 9))
def test_ticks_are_within_the_span_and_few(first: float, length: float, most: int) -> None:
    found = ticks(first, first + length, most)
    assert len(found) <= most
    second = 1.0  # the calendar's instants are rounded to microseconds, far years to less
    assert all(first - second <= when <= first + length + second for when, _ in found)


def test_scale_is_linear_and_clamped() -> None:
    scale = Scale(0, 10, 100, 0)
    assert [scale(value) for value in (0, 2.5, 10, -5, 99)] == [100, 75, 0, 100, 0]
    assert Scale(3, 3, 0, 50)(3) == 25


def test_a_lone_instant_has_room_on_both_sides() -> None:
    when = at("2026-01-15")
    assert Timeline(marks=(Mark("biopsy", when, "procedure"),)).span() == (when - 15 * DAY, when + 15 * DAY)
    assert Timeline(now=when).span() is None
    assert draw_timeline(Timeline(now=when)) == ""


def test_series_of_a_panel_are_drawn_together(timeline: Timeline) -> None:
    names = [[series.name for series in panel] for panel in timeline.panels()]
    assert names == [["corrected calcium", "measured calcium"], ["albumin"]]


def test_sparse_events_are_numbered_by_time_and_dense_ones_are_not(timeline: Timeline) -> None:
    numbers = {mark.label: place for mark, place in numbered(timeline.marks).items()}
    assert numbers == {"painful livedo": 1, "skin biopsy": 2}


def test_the_drawing_is_sound_xml_with_names(timeline: Timeline) -> None:
    drawings = re.findall(r"<svg.*?</svg>", draw_timeline(timeline))
    assert len(drawings) == 2
    for drawing in drawings:
        root = ET.fromstring(drawing)  # noqa: S314  our own output
        assert root.get("role") == "img"
        about = root.findtext("desc") or ""
        assert "measured calcium: 3 values, last 9.6 mg/dL on 2026-01-12" in about
        assert "warfarin: start not recorded, current" in about
        assert "sevelamer: from 2025-06-20 to 2025-09-15" in about
        width = float(str(root.get("viewBox")).split()[2])
        height = float(str(root.get("viewBox")).split()[3])
        for shape in root.iter():
            for key in ("x", "x1", "x2", "cx"):
                assert 0 <= float(shape.get(key, "0")) <= width
            for key in ("y", "y1", "y2", "cy"):
                assert 0 <= float(shape.get(key, "0")) <= height


def test_a_value_is_drawn_at_its_place() -> None:
    points = tuple((at(day), value, "Observation/1") for day, value in (("2026-01-01", 0.0), ("2026-01-11", 10.0)))
    drawing = re.findall(r"<svg.*?</svg>", draw_timeline(Timeline((Series("x", "mmol/L", 2.0, 8.0, points),))))[0]
    root = ET.fromstring(drawing)  # noqa: S314
    dots = [(float(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in root.iter("circle")]
    band = next(shape for shape in root.iter("rect") if shape.get("class") == "band")
    (left, low), (right, high) = sorted(dots)
    assert left < right
    top, height = float(band.get("y", "")), float(band.get("height", ""))
    # 2 and 8 lie at 20 % and 80 % of the way from 0 to 10
    assert top == pytest.approx(low + 0.8 * (high - low), abs=0.11)
    assert top + height == pytest.approx(low + 0.2 * (high - low), abs=0.11)


def test_the_table_holds_every_value(timeline: Timeline) -> None:
    table = re.findall(r"<table.*?</table>", draw_timeline(timeline))[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table)
    said = [" | ".join(re.sub("<.*?>", "", cell) for cell in re.findall(r"<t[dh].*?</t[dh]>", row)) for row in rows]
    assert "2026-01-12 | measured calcium | 9.6 mg/dL | Observation/ca-2" in said
    assert "2025-12-18 | procedure | skin biopsy | " in said
    assert " | warfarin | start not recorded, current | " in said
    assert len(said) == 1 + sum(len(series.points) for series in timeline.series) + len(timeline.bars) + len(
        timeline.marks
    )


GEOMETRY = {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "d", "points", "viewBox"}
FINITE = st.floats(-1e15, 1e15)
POINTS = st.lists(st.tuples(FINITE, FINITE, st.just("Observation/1")), max_size=4).map(tuple)
SERIES = st.builds(Series, st.text(max_size=4), st.text(max_size=4), st.none() | FINITE, st.none() | FINITE, POINTS)
BARS = st.builds(Bar, st.text(max_size=4), st.none() | FINITE, st.none() | FINITE, st.booleans())
MARKS = st.builds(Mark, st.text(max_size=4), FINITE, st.sampled_from(["lesion", "procedure"]))


@settings(deadline=None)
@given(
    st.builds(Timeline, *(st.lists(kind, max_size=3).map(tuple) for kind in (SERIES, BARS, MARKS)), st.none() | FINITE)
)
def test_any_timeline_is_drawn_without_error(timeline: Timeline) -> None:
    for drawing in re.findall(r"<svg.*?</svg>", draw_timeline(timeline)):
        tree = ET.fromstring(drawing)  # noqa: S314
        numbers = [value for node in tree.iter() for key, value in node.items() if key in GEOMETRY]
        assert not [value for value in numbers if re.search("nan|inf", value)]
