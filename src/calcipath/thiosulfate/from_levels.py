"""One patient's own kinetics from an event table with measured levels, and what they mean for a regimen (research use)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from calcipath.errors import InputError
from calcipath.guideline.thiosulfate_knowledge import ThiosulfateKnowledge
from calcipath.thiosulfate.dialysis import INTERMITTENT
from calcipath.thiosulfate.exposure import exposure
from calcipath.thiosulfate.individual import Estimate, Forecast, Prior, ResidualError, estimate, forecast
from calcipath.thiosulfate.kinetics import Kinetics, spread, typical
from calcipath.thiosulfate.posterior import weighted_quantiles
from calcipath.thiosulfate.propagator import Array
from calcipath.thiosulfate.published import quantity
from calcipath.thiosulfate.request import Request, checked_request, schedule_for
from calcipath.thiosulfate.subject import Session, Subject

RESEARCH = "Research use: no level of thiosulfate is recommended clinically, and none is known to heal."
INTERVAL = (5.0, 95.0)  # percent
AHEAD = 24.0  # h forecast beyond the last row of the table
STEP = 0.5  # h between points of the forecast, more in a long table
MOST_POINTS = 1500
LONGEST = 5000.0  # h that a table may span
FEWEST, FAR = 20.0, 8.0  # effective draws, and spreads from the typical value: beyond them it is the data
SAME_WEIGHT = 0.05  # relative difference up to which two weights count as one


@dataclass(frozen=True, slots=True, eq=False)
class Individual:
    """The estimate, the course over the table's time and a day ahead, and the exposure under the regimen asked for.

    `weekly_auc` (mmol h/L), `peak` and `trough` (mmol/L) as (median, low, high) of the posterior.
    """

    subject: Subject
    estimate: Estimate
    course: Forecast
    weekly_auc: tuple[float, float, float]
    peak: tuple[float, float, float]
    trough: tuple[float, float, float]
    notes: tuple[str, ...]


def individual(subject: Subject, request: Request, knowledge: ThiosulfateKnowledge, grams: float) -> Individual:
    """Estimate from the table's levels under the default scenario; each dose of the regimen is `grams` of the salt.

    Raises `InputError` for a table that does not fit the prescription.
    """
    checked_request(request, knowledge)
    first, last = _span(subject)
    if last - first > LONGEST:
        raise InputError(
            f"the event table spans {last - first:g} h; at most {LONGEST:g} h can be forecast: leave older rows out"
        )
    scenario = knowledge.scenarios[0]
    own = typical(request.patient, request.dialysis, scenario, knowledge)
    found = estimate(
        prior_of(request, knowledge),
        subject.levels,
        subject.doses,
        error=ResidualError(knowledge.residual_proportional, knowledge.residual_additive),
        seed=request.seed,
        sessions=_sessions(subject, request),
        production=own.endogenous_production,
        initial=own.endogenous_level,
    )
    if found.effective_sample_size < FEWEST or any(abs(p.eta) > FAR * p.omega for p in found.parameters):
        raise InputError(
            "no kinetics near the published ones explain these levels: check their unit (mmol/L), the salt and unit of the "
            "doses, and the times of doses, sessions and samples"
        )
    course = forecast(found, times=_times(subject), interval=INTERVAL)
    weekly = exposure(_drawn(found), schedule_for(request, knowledge), request.product.mmol(grams))
    return Individual(
        subject,
        found,
        course,
        _quantiles(weekly.weekly_auc, found),
        _quantiles(weekly.peak, found),
        _quantiles(weekly.trough, found),
        tuple(_notes(subject, request)),
    )


def prior_of(request: Request, knowledge: ThiosulfateKnowledge) -> Prior:
    """Medians and spreads of the default scenario: the published mean of a log-normal is above its median."""
    scenario = knowledge.scenarios[0]
    own = typical(request.patient, request.dialysis, scenario, knowledge)
    omega = spread(request.patient, request.dialysis, scenario, knowledge)
    means = {"nonrenal": own.nonrenal, "renal": own.renal, "dialysis": own.dialysis, "volume": own.volume}
    return Prior({name: (float(mean) * math.exp(-0.5 * omega[name] ** 2), omega[name]) for name, mean in means.items()})


def _sessions(subject: Subject, request: Request) -> tuple[Session, ...]:
    modality = request.dialysis.modality
    if modality == "none":
        if subject.sessions:
            raise InputError("the event table has dialysis (DIAL 1), the modality is none: correct one of them")
        return ()
    if subject.sessions or modality in INTERMITTENT:
        if not subject.sessions:
            raise InputError(
                "the event table says nothing of dialysis: give its sessions in a column DIAL (1 on, 0 off)"
            )
        return subject.sessions
    first, last = _span(subject)
    return (Session(first, last + AHEAD + 1.0),)


def _span(subject: Subject) -> tuple[float, float]:
    times = [level.time for level in subject.levels]
    times += [edge for dose in subject.doses for edge in (dose.start, dose.start + dose.duration)]
    times += [edge for session in subject.sessions for edge in session]
    return min(times), max(times)


def _times(subject: Subject) -> Array:
    first, last = _span(subject)
    edges = [level.time for level in subject.levels]
    edges += [edge for dose in subject.doses for edge in (dose.start, dose.start + dose.duration)]
    edges += [edge for session in subject.sessions for edge in session]
    grid: Array = np.unique(
        [*np.arange(first, last + AHEAD, max(STEP, (last + AHEAD - first) / MOST_POINTS)), *edges, last + AHEAD]
    )
    return grid


def _drawn(found: Estimate) -> Kinetics:
    values = found.prior.values(found.draws)
    return Kinetics(values["volume"], values["nonrenal"], values["renal"], values["dialysis"])


def _quantiles(values: Array, found: Estimate) -> tuple[float, float, float]:
    spread_out = np.broadcast_to(values, found.weights.shape)
    median, low, high = weighted_quantiles(spread_out, found.weights, (50.0, *INTERVAL))
    return float(median), float(low), float(high)


def _notes(subject: Subject, request: Request) -> list[str]:
    notes = [RESEARCH]
    weight = request.patient.weight
    if subject.weight is not None and abs(subject.weight - weight) > SAME_WEIGHT * weight:
        notes.append(f"The event table gives a weight of {subject.weight:g} kg; {weight:g} kg is used.")
    if not subject.doses:
        notes.append("The event table holds no dose: the levels are read as endogenous alone.")
    return notes


def individual_answer(found: Individual) -> dict[str, Any]:
    """As plain structures; intervals are of the patient's parameters, not of an assay."""
    return {
        "notes": list(found.notes),
        "parameters": [
            {
                "name": each.name,
                "value": quantity(each.value, each.unit),
                "typical": quantity(each.typical, each.unit),
                "relative_sd": each.relative_sd,
                "informed_by_levels": each.shrinkage,
            }
            for each in found.estimate.parameters
        ],
        "levels": [
            {
                "time": quantity(each.level.time, "h"),
                "measured": None if each.level.below else quantity(each.level.value, "mmol/L"),
                "below": quantity(each.level.value, "mmol/L") if each.level.below else None,
                "predicted": quantity(each.predicted, "mmol/L"),
            }
            for each in found.estimate.levels
        ],
        "interval": list(INTERVAL),
        "course": {
            "time": {"values": found.course.times.tolist(), "unit": "h"},
            **{
                name: {"values": getattr(found.course.concentration, name).tolist(), "unit": "mmol/L"}
                for name in ("median", "low", "high")
            },
        },
        "weekly_auc": _band(found.weekly_auc, "mmol.h/L"),
        "peak": _band(found.peak, "mmol/L"),
        "trough": _band(found.trough, "mmol/L"),
        "warnings": list(found.estimate.warnings),
    }


def _band(values: tuple[float, float, float], unit: str) -> dict[str, Any]:
    median, low, high = values
    return {"median": median, "low": low, "high": high, "unit": unit}
