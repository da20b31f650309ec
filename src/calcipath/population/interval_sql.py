"""The interval that a measured number means, and whether it is believable: as `record.quantities.Conversion`."""

from __future__ import annotations

from typing import Final

from calcipath.population.dialect import INFINITY
from calcipath.population.forms import ABOVE_IT as OVER_IT
from calcipath.population.forms import BELOW_IT, FROM_IT, UP_TO_IT
from calcipath.record.quantities import EPSILON, MOST_SHARED, SMALLEST_SHARE

# The number of an entry by its measure `q`, as `unit` (a measure, or another unit for it) converts it.
EXACT: Final = "(CASE WHEN q.from_value THEN {entry}.value ELSE q.number END) * {unit}.factor + {unit}.shift"
BELIEVED: Final = (
    f"CASE WHEN bound IN ({BELOW_IT}, {UP_TO_IT}) AND l.believable_low >= 0 THEN v > 0 "
    "ELSE low <= l.believable_high AND high >= l.believable_low END"
)


def intervals_sql(converted: str) -> str:
    """Rows of `form_measure` with the column `exact`, with `v` (rounded) and the limits `low` and `high`."""
    rounded = (
        f"SELECT *, CASE WHEN abs(exact) < {MOST_SHARED!r} "
        f"THEN floor(exact * {SMALLEST_SHARE!r} + 0.5) / {SMALLEST_SHARE!r} ELSE exact END AS v FROM ({converted}) AS c"
    )
    step = f"greatest(abs(v), CAST(1 AS DOUBLE)) * {EPSILON!r}"
    low = (
        f"CASE bound WHEN {BELOW_IT} THEN least(low_end, v - {step}) WHEN {UP_TO_IT} THEN least(low_end, v) "
        f"WHEN {OVER_IT} THEN v + {step} ELSE v END"
    )
    high = (
        f"CASE WHEN bound = {BELOW_IT} THEN v - {step} WHEN bound IN ({OVER_IT}, {FROM_IT}) THEN {INFINITY} ELSE v END"
    )
    return (
        f"SELECT *, CASE WHEN has_number THEN {low} END AS low, CASE WHEN has_number THEN {high} END AS high "
        f"FROM ({rounded}) AS r"
    )
