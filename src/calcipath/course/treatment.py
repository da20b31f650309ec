"""The current course of treatment: when it began, and up to when it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calcipath.course.model import DAY, CourseThresholds, DosePeriod


@dataclass(frozen=True, slots=True)
class Treatment:
    """The newest run of doses without a long pause."""

    start: float
    until: float
    evidence: tuple[str, ...]

    @property
    def days(self) -> float:
        return (self.until - self.start) / DAY


def current_treatment(doses: Sequence[DosePeriod], as_of: float, thresholds: CourseThresholds) -> Treatment | None:
    """The newest course begun by `as_of`, None when there is no dose.

    Single doses count as continuing until `gap_days` have passed without another; a period with an end stops there.
    """
    begun = sorted((dose for dose in doses if dose.start <= as_of), key=lambda dose: dose.start)
    run: list[DosePeriod] = []
    reached = 0.0
    for dose in begun:
        if run and dose.start - reached > thresholds.gap_days * DAY:
            run = []
        reached = max(_end(dose, as_of), reached if run else _end(dose, as_of))
        run.append(dose)
    if not run:
        return None
    until = max(_end(dose, as_of) for dose in run)
    last_is_single_dose = not any(_end(dose, as_of) == until and dose.end != dose.start for dose in run)
    if last_is_single_dose and as_of - until <= thresholds.gap_days * DAY:
        until = as_of
    return Treatment(run[0].start, until, (run[0].evidence,) if len(run) == 1 else (run[0].evidence, run[-1].evidence))


def _end(dose: DosePeriod, as_of: float) -> float:
    return as_of if dose.end is None else max(dose.start, min(dose.end, as_of))
