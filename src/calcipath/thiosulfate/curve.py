"""The concentration curve of a regimen: in steady state or from the first dose, with a band of virtual patients.

Of the dose alone, without the endogenous level. Times in h, concentrations in mmol/L, areas in mmol h/L.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from calcipath.guideline.thiosulfate_knowledge import ThiosulfateKnowledge
from calcipath.thiosulfate.comparison import Comparer, Pair
from calcipath.thiosulfate.dialysis import within
from calcipath.thiosulfate.exposure import clearance_table, dose_list, steady_state_curve
from calcipath.thiosulfate.kinetics import Kinetics, sampled, typical
from calcipath.thiosulfate.propagator import Array
from calcipath.thiosulfate.request import (
    REFERENCE_DIALYSIS,
    REFERENCE_TIMING,
    Request,
    checked_request,
    reference_doses,
)
from calcipath.thiosulfate.schedule import Schedule
from calcipath.thiosulfate.simulation import simulate
from calcipath.thiosulfate.timeline import DIGITS

Span = tuple[float, float]
Beginning = Literal["steady-state", "first-dose"]
STEP = 0.25  # h between points; every edge of a session or dose is a point too
BAND = (5, 50, 95)  # percentiles
LARGEST_BAND = 2000  # virtual patients; more would not move a percentile by the width of a line


@dataclass(frozen=True, slots=True)
class RegimenCurve:
    """`concentration` of the typical patient by scenario id, `auc` since time 0 under the first of them.

    `band` percentiles x times over `patients` virtual patients. `sessions` and `doses` [(start, end)] within the times.
    """

    beginning: Beginning
    times: Array
    concentration: dict[str, Array]
    titles: dict[str, str]
    auc: Array
    band: Array
    patients: int
    sessions: tuple[tuple[float, float], ...]
    doses: tuple[tuple[float, float], ...]


def regimen_curve(
    request: Request,
    knowledge: ThiosulfateKnowledge,
    grams: float,
    *,
    beginning: Beginning = "steady-state",
    days: float = 7.0,
    others: bool = True,
) -> RegimenCurve:
    """The curve when each dose is `grams` of the product's salt; `others`: under the other readings too.

    Raises `InputError` as the dosing answer does.
    """
    checked_request(request, knowledge)
    within(days, "--days", 1.0, 84.0, "days")
    comparer = Comparer(request, knowledge)
    schedule, mmol = comparer.schedule, request.product.mmol(grams)
    times = _times(schedule, days * 24.0)
    run = _steady if beginning == "steady-state" else _first
    curves = {}
    for scenario in comparer.scenarios if others else comparer.scenarios[:1]:
        curves[scenario.id] = run(
            typical(request.patient, request.dialysis, scenario, knowledge), schedule, mmol, times
        )
    people = _people(comparer, min(request.population, LARGEST_BAND))
    spread, _ = run(people, schedule, mmol, times)
    default = comparer.scenarios[0].id
    return RegimenCurve(
        beginning,
        times,
        {name: level[:, 0] for name, (level, _) in curves.items()},
        {scenario.id: scenario.title for scenario in comparer.scenarios if scenario.id in curves},
        curves[default][1][:, 0],
        np.percentile(spread, BAND, axis=1),
        people.volume.size,
        tuple(_repeated(schedule.sessions, schedule.period, float(times[-1]))),
        tuple(
            _repeated([(start, start + hours) for start, hours in schedule.doses], schedule.period, float(times[-1]))
        ),
    )


def reference_curve(
    request: Request, knowledge: ThiosulfateKnowledge, *, beginning: Beginning = "steady-state", days: float = 7.0
) -> RegimenCurve | None:
    """The curve of the reference regimen in the same patient, under the first reading and of the typical patient alone.

    None where the reference dose is undefined (exactly the weight limit).
    """
    doses = reference_doses(request.patient.weight, knowledge)
    if len(doses) != 1:
        return None
    asked = replace(
        request, dialysis=REFERENCE_DIALYSIS, timing=REFERENCE_TIMING, interval=None, dose=doses[0], population=1
    )
    grams = request.product.grams(doses[0] / knowledge.salts["pentahydrate"].molar_mass * 1000.0)
    return regimen_curve(asked, knowledge, grams, beginning=beginning, days=days, others=False)


def _times(schedule: Schedule, until: float) -> Array:
    edges = [edge for span in schedule.sessions for edge in span]
    edges += [edge for start, hours in schedule.doses for edge in (start, start + hours)]
    one = np.concatenate([np.arange(0.0, schedule.period, STEP), edges])
    number = int(np.ceil(until / schedule.period))
    every = (one[None, :] + schedule.period * np.arange(number)[:, None]).ravel()
    return np.unique(np.round([*every[every < until], until], DIGITS))


def _steady(kinetics: Kinetics, schedule: Schedule, mmol: float, times: Array) -> tuple[Array, Array]:
    """Levels and areas, times x patients: one period in steady state, repeated."""
    number, within_period = np.divmod(times, schedule.period)
    within_period = np.round(within_period, DIGITS).astype(np.float64)
    curve, marks = steady_state_curve(kinetics, schedule, mmol, at=within_period)
    rows = np.searchsorted(marks, within_period)
    return curve.central[rows], curve.area[rows] + number[:, None] * curve.area[-1]


def _first(kinetics: Kinetics, schedule: Schedule, mmol: float, times: Array) -> tuple[Array, Array]:
    periods = int(np.ceil(times[-1] / schedule.period))
    found = simulate(
        clearance_table(kinetics, schedule, periods),
        dose_list(schedule, mmol, periods),
        times=times,
        volume=np.atleast_1d(kinetics.volume),
    )
    return found.concentration.T, found.auc.T


def _people(comparer: Comparer, number: int) -> Kinetics:
    """The first virtual patients of the request's population."""
    request = comparer.request
    draws = dict(zip(("nonrenal", "renal", "dialysis", "volume"), comparer.draws(number), strict=True))
    return sampled(request.patient, request.dialysis, comparer.scenarios[0], comparer.knowledge, draws)


def _repeated(spans: Sequence[Span], period: float, until: float) -> Iterator[Span]:
    """The spans of a period for as long as the curve goes on."""
    for number in range(int(np.ceil(until / period))):
        for start, end in spans:
            begin, stop = start + number * period, end + number * period
            if begin < until:
                yield begin, min(stop, until)


@dataclass(frozen=True, slots=True)
class Attainment:
    """Shares (0 to 1) of virtual patients that reach their own reference exposure at least, by dose in g."""

    doses: Array
    at_least: Array
    near: Array
    agreement: float


def attainment(people: Pair, request: Request, knowledge: ThiosulfateKnowledge, reference_mmol: float) -> Attainment:
    """By dose, up to the highest dose that is shown."""
    salt = knowledge.salts["pentahydrate"]
    cap = request.product.grams(knowledge.defaults["thiosulfate-highest-dose"].value / salt.molar_mass * 1000.0)
    doses = np.linspace(cap / 50.0, cap, 50)
    a_mmol = people.regimen.weekly_auc / (people.reference.weekly_auc * reference_mmol)
    ratio = a_mmol[None, :] * request.product.mmol(1.0) * doses[:, None]
    limit = knowledge.defaults["thiosulfate-scenario-agreement"].value
    near = np.abs(ratio - 1.0) <= limit
    return Attainment(doses, np.mean(ratio >= 1.0 - 1e-9, axis=1), np.mean(near, axis=1), limit)
