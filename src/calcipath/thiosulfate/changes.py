"""What one change of timing, session or interval does to the exposure, the dose being the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from calcipath.errors import InputError
from calcipath.guideline.thiosulfate_knowledge import ThiosulfateKnowledge
from calcipath.thiosulfate.comparison import Comparer
from calcipath.thiosulfate.dialysis import CONTINUOUS, INTERMITTENT, Dialysis
from calcipath.thiosulfate.exposure import exposure
from calcipath.thiosulfate.kinetics import typical
from calcipath.thiosulfate.request import Request, checked_request, interval_for, schedule_for
from calcipath.thiosulfate.schedule import TIMINGS, Timing

GFRS = {False: (0, 5, 10), True: (15, 30, 60, 90)}  # on dialysis, off it
OTHERS = (
    ("haemodialysis, three 4-hour sessions", Dialysis("hemodialysis", sessions=3, hours=4)),
    ("haemodialysis at night, five 8-hour sessions", Dialysis("hemodialysis", sessions=5, hours=8)),
    ("CVVHD of 25 mL/kg/h", Dialysis("cvvhd", effluent=25)),
    ("peritoneal dialysis of 10 L/day", Dialysis("peritoneal", drained=10)),
    ("no dialysis", Dialysis("none")),
)
SESSIONS, HOURS, EFFLUENTS, INTERVALS = (2, 3, 4, 5, 6, 7), (2.5, 3, 4, 5, 8), (20, 25, 30, 35), (24, 48, 56, 84)


def changes(comparer: Comparer, mmol: float) -> list[dict[str, Any]]:
    """Each change with the weekly exposure it gives and its ratio to that of the regimen asked for, by scenario."""
    scenarios, knowledge = comparer.scenarios, comparer.knowledge
    base = {each.id: float(comparer.pair(each).regimen.weekly_auc[0]) for each in scenarios}
    default, found = scenarios[0].id, []
    for kind, title, changed in _variants(comparer.request, comparer):
        try:
            checked_request(changed, knowledge)
            schedule = schedule_for(changed, knowledge)
        except InputError:
            continue  # this change is not possible with the rest of the regimen
        weekly = {
            each.id: float(
                exposure(typical(changed.patient, changed.dialysis, each, knowledge), schedule).weekly_auc[0]
            )
            for each in scenarios
        }
        found.append(
            {
                "kind": kind,
                "change": title,
                "weekly_auc": {"value": weekly[default] * mmol, "unit": "mmol.h/L"},
                "ratio": {"value": weekly[default] / base[default], "unit": "1"},
                "scenarios": {name: {"value": value / base[name], "unit": "1"} for name, value in weekly.items()},
            }
        )
    return found


def _variants(request: Request, comparer: Comparer) -> Iterator[tuple[str, str, Request]]:
    if request.dialysis.modality in INTERMITTENT:
        yield from _intermittent(request)
    else:
        yield from _continuous(request, interval_for(request, comparer.knowledge))
    yield from _residual(request)
    yield from _other_dialysis(request, comparer.knowledge)


def _residual(request: Request) -> Iterator[tuple[str, str, Request]]:
    for gfr in GFRS[request.dialysis.modality == "none"]:
        if gfr != request.patient.gfr:
            patient = replace(request.patient, gfr=float(gfr), egfr=None)
            yield "kidneys", f"GFR {gfr} mL/min", replace(request, patient=patient)


def _other_dialysis(request: Request, knowledge: ThiosulfateKnowledge) -> Iterator[tuple[str, str, Request]]:
    """The same dose on other dialysis, at the interval that belongs to it."""
    for title, dialysis in OTHERS:
        if dialysis.modality != request.dialysis.modality:
            timing = request.timing if dialysis.modality in INTERMITTENT else Timing(hours=request.timing.hours)
            changed = replace(request, dialysis=dialysis, timing=timing, interval=None)
            hours = interval_for(changed, knowledge)
            yield "dialysis", title if hours is None else f"{title}, every {hours:g} h", changed


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
