"""When a patient is dialysed and when a dose runs, over a period that repeats."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from calcipath.errors import InputError
from calcipath.thiosulfate.dialysis import INTERMITTENT, Dialysis, within

WEEK = 168.0
TIMINGS = ("first-hour", "last-hour", "last-half-hour", "after")
# Days of the week on which sessions stand: spread as units do it, Sunday free where it can be.
SESSION_DAYS: dict[float, tuple[int, ...]] = {
    1: (0,), 2: (0, 3), 3: (0, 2, 4), 4: (0, 1, 3, 5), 5: (0, 1, 2, 4, 5), 6: (0, 1, 2, 3, 4, 5), 7: (0, 1, 2, 3, 4, 5, 6),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Timing:
    """When a dose is given: `start` names a time in the session, or is hours after its start; `hours` it runs."""

    start: str | float = "last-hour"
    hours: float | None = None
    given: bool = False  # asked for, not the default

    @property
    def infusion(self) -> float:
        """How long the infusion runs, h."""
        return self.hours if self.hours is not None else 0.5 if self.start == "last-half-hour" else 1.0

    @property
    def words(self) -> str:
        """In words."""
        if isinstance(self.start, str):
            return self.start.replace("-", " ")
        return f"{self.start:g} h after the start"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Sessions [(start h, end h)] and doses [(start h, duration h)] of a period (h) that repeats for ever."""

    period: float
    sessions: tuple[tuple[float, float], ...]
    doses: tuple[tuple[float, float], ...]

    @property
    def doses_per_week(self) -> float:
        return len(self.doses) * WEEK / self.period


def schedule_of(dialysis: Dialysis, timing: Timing, interval: float | None) -> Schedule:
    """The schedule of a checked prescription; `interval` (h) between doses where no session sets it.

    Raises `InputError` for an infusion longer than the time to the next dose, or outside the session it is named for.
    """
    within(timing.infusion, "the infusion time", 0.05, 24.0, "h")
    if dialysis.modality in INTERMITTENT and dialysis.sessions is not None and dialysis.hours is not None:
        return _with_sessions(dialysis.sessions, dialysis.hours, timing)
    if interval is None:
        raise InputError("an interval between doses is needed, in hours")
    within(interval, "--interval", 1.0, WEEK, "h")
    if isinstance(timing.start, str) and timing.start not in TIMINGS:
        raise InputError(_timing_sentence(timing.start))
    if timing.infusion >= interval:
        raise InputError(f"the infusion of {timing.infusion:g} h is not shorter than the {interval:g} h between doses")
    return Schedule(interval, (), ((0.0, timing.infusion),))


def _with_sessions(sessions: float, hours: float, timing: Timing) -> Schedule:
    if sessions == 3.5:
        period, starts = 48.0, [0.0]
    else:
        period, starts = WEEK, [24.0 * day for day in SESSION_DAYS[sessions]]
    offset = _offset(timing, hours)
    gap = min(later - earlier for earlier, later in pairwise([*starts, period + starts[0]]))
    if timing.infusion >= gap:
        raise InputError(f"the infusion of {timing.infusion:g} h is not shorter than the {gap:g} h between doses")
    if offset + timing.infusion > gap:
        raise InputError(
            f"a dose that starts {offset:g} h after the session's start and runs {timing.infusion:g} h reaches into the "
            f"next session, {gap:g} h later"
        )
    return Schedule(
        period,
        tuple((start, start + hours) for start in starts),
        tuple((start + offset, timing.infusion) for start in starts),
    )


def _offset(timing: Timing, hours: float) -> float:
    """Hours from the session's start to the dose."""
    if not isinstance(timing.start, str):
        return within(timing.start, "--timing", 0.0, 47.0, "h after the start of the session")
    if timing.start not in TIMINGS:
        raise InputError(_timing_sentence(timing.start))
    if timing.start == "after":
        return hours
    window = 0.5 if timing.start == "last-half-hour" else 1.0
    if timing.infusion > window:
        raise InputError(
            f"an infusion of {timing.infusion:g} h does not fit the {timing.start.replace('-', ' ')}: give --timing as "
            "hours after the session's start"
        )
    if window > hours:
        raise InputError(f"a session of {hours:g} h has no {timing.start.replace('-', ' ')}")
    return 0.0 if timing.start == "first-hour" else hours - window


def _timing_sentence(text: str) -> str:
    return f"timing '{text}' is not one of {', '.join(TIMINGS)}, nor hours after the session's start"
