"""A dialysis prescription and the thiosulfate clearance that it gives.

Clearances of thiosulfate by continuous and peritoneal therapy are derived from flows (sieving 1, no protein binding), not
measured; that of haemodialysis is the published one, or follows from the dialyser's KoA and the flows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from calcipath.errors import InputError

Modality = Literal["hemodialysis", "hemodiafiltration", "cvvh", "cvvhd", "cvvhdf", "peritoneal", "none"]
MODALITIES: tuple[Modality, ...] = (
    "hemodialysis",
    "hemodiafiltration",
    "cvvh",
    "cvvhd",
    "cvvhdf",
    "peritoneal",
    "none",
)
INTERMITTENT = ("hemodialysis", "hemodiafiltration")
CONTINUOUS = ("cvvh", "cvvhd", "cvvhdf")
ML_PER_MIN = 0.06  # L/h in one mL/min


class MissingInput(InputError):  # noqa: N818  it is a question, not a fault
    """Something must be answered first. `question` is what to ask; `option` the input that answers it.

    `values`: the answers that are possible, where they are few and each can be shown.
    """

    def __init__(self, question: str, option: str, values: tuple[float, ...] = ()) -> None:
        super().__init__(f"{question} (give {option})")
        self.question, self.option, self.values = question, option, values


@dataclass(frozen=True, slots=True)
class Dialysis:
    """A prescription. Flows in mL/min (effluent in mL/kg/h), times in h, volumes in L; None where not given.

    `sessions` a week (1 to 7, or 3.5 for every other day) and `hours` belong to intermittent dialysis; `koa` with
    `blood_flow` and `dialysate_flow` replace the published clearance. `predilution` is the share (0 to 1) of
    the effluent (haemodiafiltration: of the substitution) that enters before the filter as fluid.
    """

    modality: Modality
    sessions: float | None = None
    hours: float | None = None
    koa: float | None = None
    blood_flow: float | None = None
    dialysate_flow: float | None = None
    substitution: float | None = None  # L a session
    effluent: float | None = None
    predilution: float | None = None
    drained: float | None = None  # L a day


LIMITS: dict[str, tuple[float, float, str]] = {
    "koa": (1.0, 5000.0, "mL/min"),
    "blood_flow": (10.0, 1000.0, "mL/min"),
    "dialysate_flow": (10.0, 2000.0, "mL/min"),
    "substitution": (0.1, 100.0, "L a session"),
    "effluent": (1.0, 200.0, "mL/kg/h"),
    "predilution": (0.0, 1.0, "a share of 0 to 1"),
    "drained": (0.1, 60.0, "L/day"),
}
BELONGS: dict[str, tuple[str, ...]] = {
    "sessions": INTERMITTENT,
    "hours": INTERMITTENT,
    "koa": INTERMITTENT,
    "dialysate_flow": INTERMITTENT,
    "substitution": ("hemodiafiltration",),
    "effluent": CONTINUOUS,
    "predilution": (*CONTINUOUS, "hemodiafiltration"),
    "blood_flow": (*INTERMITTENT, *CONTINUOUS),
    "drained": ("peritoneal",),
}


def missing_inputs(dialysis: Dialysis) -> list[MissingInput]:
    """What must be asked before the prescription gives a clearance."""
    found = []
    if dialysis.modality in INTERMITTENT:
        if dialysis.sessions is None:
            found.append(MissingInput("How many dialysis sessions a week?", "--sessions"))
        if dialysis.hours is None:
            found.append(MissingInput("How many hours does a session last?", "--hours"))
    if dialysis.modality in CONTINUOUS:
        if dialysis.effluent is None:
            found.append(MissingInput("What is the effluent flow, in mL/kg/h?", "--effluent"))
        if dialysis.predilution and dialysis.blood_flow is None:
            question = "What is the blood flow, in mL/min? Pre-dilution lowers the clearance by it."
            found.append(MissingInput(question, "--blood-flow"))
    return found


def checked(dialysis: Dialysis) -> Dialysis:
    """The prescription, when it can be used. Raises `MissingInput` for what must be asked, `InputError` for nonsense."""
    if dialysis.modality not in MODALITIES:
        raise InputError(f"modality '{dialysis.modality}' is not one of {', '.join(MODALITIES)}")
    for name, modalities in BELONGS.items():
        value = getattr(dialysis, name)
        if value is None:
            continue
        if dialysis.modality not in modalities:
            raise InputError(f"{_option(name)} does not belong to modality {dialysis.modality}: leave it out")
        if name in LIMITS:
            within(value, _option(name), *LIMITS[name])
    for missing in missing_inputs(dialysis):
        raise missing
    if dialysis.sessions is not None and dialysis.hours is not None:
        _check_sessions(dialysis, dialysis.sessions, dialysis.hours)
    if dialysis.modality == "cvvhd" and dialysis.predilution:
        raise InputError("--predilution does not belong to cvvhd: it has no substitution fluid")
    return dialysis


def _check_sessions(dialysis: Dialysis, sessions: float, hours: float) -> None:
    if sessions not in (1, 2, 3, 3.5, 4, 5, 6, 7):
        raise InputError(f"--sessions {sessions:g}: must be 1 to 7 a week, or 3.5 for every other day")
    within(hours, "--hours", 0.5, 24.0, "h a session")
    if sessions > 3.5 and hours >= 24.0:  # so many sessions stand on adjacent days
        raise InputError(f"--hours {hours:g}: a session must be shorter than the 24 h between two session starts")
    given = [each is not None for each in (dialysis.koa, dialysis.blood_flow, dialysis.dialysate_flow)]
    if any(given) and not all(given):
        raise InputError("clearance from KoA needs all three of --koa, --blood-flow and --dialysate-flow, in mL/min")


def within(value: float, name: str, low: float, high: float, unit: str) -> float:
    """The value when it lies between the bounds. Raises `InputError` saying what is plausible."""
    if not math.isfinite(value) or not low <= value <= high:
        raise InputError(f"{name} {value:g}: must be {low:g} to {high:g} {unit}; check the number and its unit")
    return value


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def michaels_clearance(koa: float, blood_flow: float, dialysate_flow: float) -> float:
    """Diffusive clearance of a counter-current dialyser, all in mL/min (Michaels, Trans ASAIO 1966;12:387)."""
    if math.isclose(blood_flow, dialysate_flow, rel_tol=1e-9):
        units = koa / blood_flow
        return blood_flow * units / (1.0 + units)
    exponent = koa / blood_flow * (1.0 - blood_flow / dialysate_flow)
    # Written with exp(-z) where z is large, so that nothing overflows.
    if exponent > 0:
        shrunk = math.exp(-exponent)
        return blood_flow * (1.0 - shrunk) / (1.0 - shrunk * blood_flow / dialysate_flow)
    grown = math.exp(exponent)
    return blood_flow * (grown - 1.0) / (grown - blood_flow / dialysate_flow)


def clearance_from_flows(dialysis: Dialysis, weight: float, default_drained: float) -> float | None:
    """Clearance while the therapy runs, L/h; None where the published haemodialysis clearance is to be used."""
    if dialysis.modality == "none":
        return 0.0
    if dialysis.modality == "peritoneal":
        return (default_drained if dialysis.drained is None else dialysis.drained) / 24.0
    if dialysis.modality in CONTINUOUS:
        return _continuous(dialysis, weight)
    if dialysis.koa is None or dialysis.blood_flow is None or dialysis.dialysate_flow is None:
        return None
    diffusive = michaels_clearance(dialysis.koa, dialysis.blood_flow, dialysis.dialysate_flow)
    if dialysis.modality == "hemodialysis" or dialysis.substitution is None or dialysis.hours is None:
        return diffusive * ML_PER_MIN
    convective = dialysis.substitution / dialysis.hours / ML_PER_MIN
    share = dialysis.predilution or 0.0
    if convective * (1.0 - share) >= dialysis.blood_flow:
        raise InputError(
            "the substitution after the filter exceeds the blood flow: check --substitution (L a session) and --hours"
        )
    total = diffusive + convective * (1.0 - diffusive / dialysis.blood_flow)
    return total * _diluted(dialysis.blood_flow, share * convective) * ML_PER_MIN


def _continuous(dialysis: Dialysis, weight: float) -> float:
    effluent = (dialysis.effluent or 0.0) * weight / 1000.0
    if dialysis.blood_flow is None:
        return effluent
    if effluent > dialysis.blood_flow * ML_PER_MIN:
        raise InputError(
            "the effluent flow exceeds the blood flow: check --effluent (mL/kg/h) and --blood-flow (mL/min)"
        )
    return effluent * _diluted(dialysis.blood_flow, (dialysis.predilution or 0.0) * effluent / ML_PER_MIN)


def _diluted(blood_flow: float, before_filter: float) -> float:
    """The factor by which fluid added before the filter (mL/min) dilutes what the filter sees."""
    return blood_flow / (blood_flow + before_filter)
