"""The curve of a regimen, or of one patient's levels, as a table for other software: one header line, plain numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calcipath.thiosulfate.curve import RegimenCurve
    from calcipath.thiosulfate.from_levels import Individual


def curve_table(curve: RegimenCurve) -> str:
    """Time (h), the level of the typical patient under each scenario (mmol/L), AUC since time 0 (mmol h/L) under the
    first, percentiles of the virtual patients, and whether a session and an infusion run (1) or not (0)."""
    names = list(curve.concentration)
    header = ["time_h", *(f"mmol_per_L:{name}" for name in names), f"auc_mmol_h_per_L:{names[0]}"]
    header += [f"mmol_per_L:population_{name}" for name in ("p5", "p50", "p95")]
    header += ["session", "infusion"]
    columns = [curve.times, *curve.concentration.values(), curve.auc, *curve.band]
    rows = (
        [*(_number(column[place]) for column in columns), _inside(time, curve.sessions), _inside(time, curve.doses)]
        for place, time in enumerate(curve.times)
    )
    return _table(header, rows)


def course_table(found: Individual) -> str:
    """Time (h), the patient's level (mmol/L) as median and interval, and what was measured."""
    course = found.course
    measured = {level.time: level for level in found.subject.levels}
    low, high = (f"mmol_per_L:p{percent:g}" for percent in course.interval)
    rows = []
    for place, time in enumerate(course.times):
        level = measured.get(float(time))
        value = "" if level is None else ("<" if level.below else "") + _number(level.value)
        band = (course.concentration.median, course.concentration.low, course.concentration.high)
        rows.append([_number(time), *(_number(each[place]) for each in band), value])
    return _table(["time_h", "mmol_per_L:median", low, high, "mmol_per_L:measured"], rows)


def _inside(time: float, spans: Sequence[tuple[float, float]]) -> str:
    return str(int(any(start <= time < end for start, end in spans)))


def _number(value: float) -> str:
    return f"{float(value):.10g}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
