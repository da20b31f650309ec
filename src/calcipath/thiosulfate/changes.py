"""What one change of timing, session or interval does to the exposure, the dose being the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from calcipath.errors import InputError
from calcipath.thiosulfate.comparison import Comparer
from calcipath.thiosulfate.dialysis import CONTINUOUS, INTERMITTENT
from calcipath.thiosulfate.exposure import exposure
from calcipath.thiosulfate.kinetics import typical
from calcipath.thiosulfate.request import Request, checked_request, interval_for, schedule_for
from calcipath.thiosulfate.schedule import TIMINGS, Timing

SESSIONS, HOURS, EFFLUENTS, INTERVALS = (2, 3, 4, 5, 6, 7), (2.5, 3, 4, 5, 8), (20, 25, 30, 35), (24, 48, 56, 84)


def changes(comparer: Comparer, mmol: float) -> list[dict[str, Any]]:
    """Each change with the weekly exposure it gives and its ratio to that of the regimen asked for."""
    scenario, request = comparer.scenarios[0], comparer.request
    base = float(comparer.pair(scenario).regimen.weekly_auc[0])
    found = []
    for kind, title, changed in _variants(request, comparer):
        try:
            checked_request(changed, comparer.knowledge)
            schedule = schedule_for(changed, comparer.knowledge)
        except InputError:
            continue  # this change is not possible with the rest of the regimen
        kinetics = typical(changed.patient, changed.dialysis, scenario, comparer.knowledge)
        weekly = float(exposure(kinetics, schedule).weekly_auc[0])
        found.append(
            {
                "kind": kind,
                "change": title,
                "weekly_auc": {"value": weekly * mmol, "unit": "mmol.h/L"},
                "ratio": {"value": weekly / base, "unit": "1"},
            }
        )
    return found


def _variants(request: Request, comparer: Comparer) -> Iterator[tuple[str, str, Request]]:
    if request.dialysis.modality in INTERMITTENT:
        return _intermittent(request)
    return _continuous(request, interval_for(request, comparer.knowledge))


def _intermittent(request: Request) -> Iterator[tuple[str, str, Request]]:
    dialysis = request.dialysis
    for timing in TIMINGS:
        if timing != request.timing.start:
            yield "timing", timing.replace("-", " "), replace(request, timing=Timing(timing))
    for hours in HOURS:
        if hours != dialysis.hours:
            yield "hours", f"sessions of {hours:g} h", replace(request, dialysis=replace(dialysis, hours=hours))
    for sessions in SESSIONS:
        if sessions != dialysis.sessions:
            title = f"{sessions} sessions a week"
            yield "sessions", title, replace(request, dialysis=replace(dialysis, sessions=sessions))


def _continuous(request: Request, now: float | None) -> Iterator[tuple[str, str, Request]]:
    dialysis = request.dialysis
    for interval in INTERVALS:
        if interval != now:
            yield "interval", f"a dose every {interval} h", replace(request, interval=float(interval))
    for effluent in EFFLUENTS if dialysis.modality in CONTINUOUS else ():
        if effluent != dialysis.effluent:
            title = f"effluent of {effluent} mL/kg/h"
            yield "effluent", title, replace(request, dialysis=replace(dialysis, effluent=effluent))
