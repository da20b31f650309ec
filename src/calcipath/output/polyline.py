"""A curve as few points: what is left out lies within a tolerance of the line that is drawn."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]


def thinned(points: Sequence[Point], tolerance: float) -> list[Point]:
    """The first, the last and as few between as keep every point within `tolerance` (of y) of the line.

    `points` with rising x. One pass: from the last point kept, the slopes that pass all points since within the
    tolerance narrow to none, and then the point before is kept.

    >>> thinned([(0, 0), (1, 1), (2, 2.05), (3, 3), (4, 0)], 0.1)
    [(0, 0), (3, 3), (4, 0)]
    """
    if len(points) < 3:
        return list(points)
    kept = [points[0]]
    (x0, y0), before = points[0], points[0]
    least, most = float("-inf"), float("inf")
    for point in points[1:]:
        x, y = point
        if not least <= (y - y0) / (x - x0) <= most:
            kept.append(before)
            (x0, y0), least, most = before, float("-inf"), float("inf")
        least = max(least, (y - tolerance - y0) / (x - x0))
        most = min(most, (y + tolerance - y0) / (x - x0))
        before = point
    return [*kept, points[-1]]
