"""Exposure under a schedule that repeats: the periodic steady state, without a run-in. Linear in the dose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcipath.errors import InputError
from calcipath.thiosulfate.kinetics import Kinetics
from calcipath.thiosulfate.propagator import Array, OneCompartment, TwoCompartments
from calcipath.thiosulfate.schedule import WEEK, Schedule
from calcipath.thiosulfate.simulation import Walk, disposition
from calcipath.thiosulfate.timeline import DIGITS, Interval, cut


@dataclass(frozen=True, slots=True)
class Exposure:
    """Of the dose alone, without the endogenous level: one number for each patient.

    `weekly_auc` mmol h/L, `peak` and `trough` mmol/L, `fraction_removed_by_dialysis` of the dose.
    """

    weekly_auc: Array
    peak: Array
    trough: Array
    fraction_removed_by_dialysis: Array

    def times(self, factor: float | Array) -> Exposure:
        """The exposure of a dose `factor` times as large."""
        return Exposure(
            self.weekly_auc * factor, self.peak * factor, self.trough * factor, self.fraction_removed_by_dialysis
        )


def clearance_table(kinetics: Kinetics, schedule: Schedule, periods: int = 1) -> list[Interval]:
    """Total clearance as [(start h, end h, L/h)] over so many periods; continuous therapy runs throughout."""
    off = kinetics.nonrenal + kinetics.renal
    on = off + kinetics.dialysis
    if not schedule.sessions:
        return [(0.0, schedule.period * periods, on)]
    table: list[Interval] = []
    time = 0.0
    for number in range(periods):
        for start, end in schedule.sessions:
            begin, stop = start + number * schedule.period, end + number * schedule.period
            if begin > time:
                table.append((time, begin, off))
            table.append((begin, stop, on))
            time = stop
    last = schedule.period * periods
    return [*table, (time, last, off)] if last > time else table


def dose_list(schedule: Schedule, mmol: float, periods: int = 1) -> list[tuple[float, float, float]]:
    """Infusions as [(start h, mmol, duration h)] over so many periods."""
    return [
        (start + number * schedule.period, mmol, hours) for number in range(periods) for start, hours in schedule.doses
    ]


def exposure(kinetics: Kinetics, schedule: Schedule, mmol: float = 1.0) -> Exposure:
    """Exposure in the periodic steady state when each dose is `mmol`.

    Raises `InputError` when nothing eliminates (no steady state), or when a dose runs past the end of the period.
    """
    curve, marks = steady_state_curve(kinetics, schedule, mmol)
    area = curve.area[-1]
    removed = _removed(curve.area, marks, kinetics, schedule) / (mmol * len(schedule.doses))
    return Exposure(area * WEEK / schedule.period, curve.central.max(axis=0), curve.central.min(axis=0), removed)


@dataclass(frozen=True, slots=True)
class SteadyCurve:
    """Concentration (mmol/L) and area since the period's start (mmol h/L): marks x patients."""

    central: Array
    area: Array


def steady_state_curve(
    kinetics: Kinetics, schedule: Schedule, mmol: float, at: Array | None = None
) -> tuple[SteadyCurve, Array]:
    """The curve over one period in steady state, at the edges of the schedule and at the times `at` (h)."""
    if any(start + hours > schedule.period for start, hours in schedule.doses):
        raise InputError("a dose runs past the end of the period")
    model = disposition(kinetics.volume, kinetics.intercompartmental_clearance, kinetics.peripheral_volume)
    marks = _marks(schedule, at)
    table = clearance_table(kinetics, schedule)
    doses = dose_list(schedule, mmol)
    timeline = cut(table, doses, marks.tolist(), end=schedule.period)
    idle = cut(table, [], [schedule.period], end=schedule.period)
    patients = max(each.size for each in (kinetics.volume, *timeline.clearances))
    none = np.zeros(())
    driven = Walk(model, timeline, none, patients)
    central, peripheral = _repeating_state(driven, Walk(model, idle, none, patients), model)
    curve = driven.run(central, peripheral, marks)
    return SteadyCurve(curve.central, curve.area), marks


def _repeating_state(driven: Walk, idle: Walk, model: OneCompartment | TwoCompartments) -> tuple[Array, Array]:
    """The state at the start of a period that comes back at its end: x = F x + g, solved for each patient."""
    zero, one = np.zeros(()), np.ones(())
    g1, g2 = driven.end(zero, zero)
    f11, f21 = idle.end(one, zero)
    if isinstance(model, OneCompartment):
        _require_elimination(1.0 - f11)
        return g1 / (1.0 - f11), zero
    f12, f22 = idle.end(zero, one)
    determinant = (1.0 - f11) * (1.0 - f22) - f12 * f21
    _require_elimination(determinant)
    return ((1.0 - f22) * g1 + f12 * g2) / determinant, ((1.0 - f11) * g2 + f21 * g1) / determinant


def _require_elimination(left: Array) -> None:
    if np.any(left <= 1e-12):
        raise InputError("nothing, or next to nothing, eliminates thiosulfate here: there is no steady state")


def _marks(schedule: Schedule, at: Array | None) -> Array:
    """Edges of sessions and doses, where the curve has its extremes.

    With two compartments too: between edges the centre can turn down only below the periphery (c1' = 0 and c1'' <= 0
    give c1 <= c2), and that is an average of what the centre was.
    """
    edges = [0.0, schedule.period, *(edge for session in schedule.sessions for edge in session)]
    edges += [edge for start, hours in schedule.doses for edge in (start, start + hours)]
    wanted = np.concatenate([edges, at if at is not None else []])
    return np.unique(np.round(wanted[(wanted >= 0.0) & (wanted <= schedule.period)], DIGITS))


def _removed(area: Array, marks: Array, kinetics: Kinetics, schedule: Schedule) -> Array:
    """Removed by dialysis in a period, mmol."""
    spans = schedule.sessions or ((0.0, schedule.period),)
    under = sum(
        area[np.searchsorted(marks, round(end, DIGITS))] - area[np.searchsorted(marks, round(start, DIGITS))]
        for start, end in spans
    )
    return np.asarray(under * kinetics.dialysis)
