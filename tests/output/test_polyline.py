"""Fewer points, and none farther from the line that is drawn than was allowed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcipath.output.polyline import thinned
from calcipath.output.value_axis import round_ticks

HEIGHTS = st.lists(st.floats(-100, 100, allow_nan=False), min_size=1, max_size=60)


@settings(max_examples=150, deadline=None)
@given(heights=HEIGHTS, tolerance=st.floats(0.01, 20))
def test_no_point_left_out_lies_off_the_line(heights: list[float], tolerance: float) -> None:
    points = [(float(place), height) for place, height in enumerate(heights)]
    kept = thinned(points, tolerance)
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]
    assert set(kept) <= set(points)
    x, y = zip(*kept, strict=True)
    assert np.all(np.abs(np.interp(range(len(points)), x, y) - heights) <= tolerance + 1e-9)


def test_a_straight_line_keeps_its_ends_alone() -> None:
    assert thinned([(0.0, 0.0), (1.0, 2.0), (2.0, 4.0), (5.0, 10.0)], 0.1) == [(0.0, 0.0), (5.0, 10.0)]


@pytest.mark.parametrize(
    ("highest", "most", "ticks"),
    [(3.62, 6, [0, 1, 2, 3, 4]), (604, 4, [0, 250, 500, 750]), (10, 6, [0, 2, 4, 6, 8, 10]), (0.0, 5, [0, 1])],
)
def test_round_values_of_an_axis(highest: float, most: int, ticks: list[float]) -> None:
    assert round_ticks(highest, most) == ticks


@settings(max_examples=100, deadline=None)
@given(highest=st.floats(1e-6, 1e6), most=st.integers(2, 8))
def test_an_axis_reaches_its_highest_value(highest: float, most: int) -> None:
    ticks = round_ticks(highest, most)
    assert ticks[0] == 0
    assert ticks[-1] >= highest * (1 - 1e-9)
    assert len(ticks) <= most
