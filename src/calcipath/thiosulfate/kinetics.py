"""A patient's kinetics under one reading of the literature: volumes and clearances by route, per patient or sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from calcipath.errors import InputError
from calcipath.guideline.thiosulfate_knowledge import Alteration, Scenario, ThiosulfateKnowledge
from calcipath.thiosulfate.dialysis import ML_PER_MIN, Dialysis, clearance_from_flows, within
from calcipath.thiosulfate.propagator import Array

HIGHEST_GFR = 250.0  # mL/min; above it a number is not a GFR


@dataclass(frozen=True, slots=True)
class Patient:
    """Body weight in kg (dry weight on dialysis) and GFR in mL/min, 0 for none; None where not known.

    `egfr` mL/min/1.73 m2 is the same by body surface, where it was given so.
    """

    weight: float
    gfr: float | None = None
    egfr: float | None = None


@dataclass(frozen=True, slots=True)
class Kinetics:
    """L and L/h, mmol/L and mmol/h; each one number or one for each of many patients."""

    volume: Array
    nonrenal: Array
    renal: Array
    dialysis: Array
    intercompartmental_clearance: Array | None = None
    peripheral_volume: Array | None = None
    endogenous_level: float = 0.0
    endogenous_production: float = 0.0


def checked_patient(patient: Patient) -> Patient:
    """The patient when plausible. Raises `InputError`."""
    within(patient.weight, "--weight", 20.0, 400.0, "kg")
    if patient.gfr is not None:
        within(patient.gfr, "--gfr", 0.0, HIGHEST_GFR, "mL/min")
    return patient


def nonrenal_share(patient: Patient, dialysis: Dialysis, knowledge: ThiosulfateKnowledge) -> float:
    """How far non-renal clearance is that of health: 0 on dialysis or below the lower GFR, 1 from the upper, linear between."""
    if dialysis.modality != "none" or patient.gfr is None:
        return 0.0
    low = knowledge.defaults["thiosulfate-gfr-failure"].value
    high = knowledge.defaults["thiosulfate-gfr-healthy"].value
    if high <= low:
        raise InputError("site configuration: thiosulfate-gfr-healthy must be above thiosulfate-gfr-failure")
    return min(1.0, max(0.0, (patient.gfr - low) / (high - low)))


def typical(patient: Patient, dialysis: Dialysis, scenario: Scenario, knowledge: ThiosulfateKnowledge) -> Kinetics:
    """The patient with the published means."""
    unit = {name: np.asarray(1.0) for name in ("nonrenal", "renal", "dialysis", "volume")}
    return _kinetics(patient, dialysis, scenario, knowledge, unit)


def sampled(
    patient: Patient,
    dialysis: Dialysis,
    scenario: Scenario,
    knowledge: ThiosulfateKnowledge,
    draws: Mapping[str, Array],
) -> Kinetics:
    """Virtual patients: `draws` are standard normal numbers by name, spread log-normally so that the mean is the published one."""
    omega = spread(patient, dialysis, scenario, knowledge)
    factors = {name: np.exp(width * draws[name] - 0.5 * width**2) for name, width in omega.items()}
    return _kinetics(patient, dialysis, scenario, knowledge, factors)


def spread(
    patient: Patient, dialysis: Dialysis, scenario: Scenario, knowledge: ThiosulfateKnowledge
) -> dict[str, float]:
    """Standard deviation of the logarithm between people by parameter; 0 for a clearance that follows from flows."""
    share, parameters = nonrenal_share(patient, dialysis, knowledge), scenario.parameters
    failure, healthy = parameters["nonrenal-kidney-failure"].omega, parameters["nonrenal-healthy"].omega
    from_flows = clearance_from_flows(dialysis, patient.weight, knowledge.defaults["peritoneal-drained-volume"].value)
    return {
        "nonrenal": (1 - share) * failure + share * healthy,
        "renal": parameters["renal-healthy"].omega,
        "dialysis": parameters["hemodialysis"].omega if from_flows is None else 0.0,
        "volume": parameters["volume"].omega,
    }


def _kinetics(
    patient: Patient,
    dialysis: Dialysis,
    scenario: Scenario,
    knowledge: ThiosulfateKnowledge,
    factors: Mapping[str, Array],
) -> Kinetics:
    parameters, weight = scenario.parameters, patient.weight
    share = nonrenal_share(patient, dialysis, knowledge)
    failure, healthy = parameters["nonrenal-kidney-failure"].mean, parameters["nonrenal-healthy"].mean
    from_flows = clearance_from_flows(dialysis, weight, knowledge.defaults["peritoneal-drained-volume"].value)
    if from_flows is None:
        removed = parameters["hemodialysis"].mean * weight * factors["dialysis"]
    else:
        removed = np.asarray(from_flows)  # follows from flows; no spread of it is published
    return Kinetics(
        volume=parameters["volume"].mean * weight * factors["volume"],
        nonrenal=((1 - share) * failure + share * healthy) * weight * factors["nonrenal"],
        renal=(patient.gfr or 0.0) * ML_PER_MIN * factors["renal"],
        dialysis=removed,
        endogenous_level=parameters["endogenous-level"].mean,
        endogenous_production=parameters["endogenous-production"].mean * weight,
    )


def altered(kinetics: Kinetics, alteration: Alteration, weight: float) -> Kinetics:
    """The same patient with one unknown altered."""
    changed = replace(kinetics, volume=np.asarray(alteration.volume * weight))
    if alteration.peripheral_volume is None or alteration.intercompartmental_clearance is None:
        return changed
    return replace(
        changed,
        intercompartmental_clearance=np.asarray(alteration.intercompartmental_clearance * weight),
        peripheral_volume=np.asarray(alteration.peripheral_volume * weight),
    )
