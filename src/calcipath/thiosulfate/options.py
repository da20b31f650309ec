"""The inputs of a dosing question by the names of the command line, and the request that they make.

What is not given is asked for, the most decisive first, never guessed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

from calcipath.errors import InputError
from calcipath.guideline.thiosulfate_knowledge import Scenario, ThiosulfateKnowledge
from calcipath.thiosulfate.dialysis import MODALITIES, Dialysis, MissingInput, Modality
from calcipath.thiosulfate.dialysis import missing_inputs as dialysis_inputs
from calcipath.thiosulfate.kinetics import Patient
from calcipath.thiosulfate.product import product_of
from calcipath.thiosulfate.request import Request
from calcipath.thiosulfate.schedule import TIMINGS, Timing

HEIGHT_QUESTION = "What is the height, in cm? A GFR in mL/min/1.73 m2 needs it."
MODALITY_QUESTION = "Is the patient on dialysis, and on which kind?"


@dataclass(frozen=True, slots=True)
class DoseOptions:
    """The options of `calcipath dose`, by the same names. None: not given.

    `weight` kg; `gfr` mL/min, or `egfr` mL/min/1.73 m2 with `height` cm; `sessions` a week of `hours`; flows mL/min,
    `effluent` mL/kg/h, `substitution` L a session, `drained` L/day; `timing` a name or hours after the session's start, last-hour when not given;
    `infusion` min; `interval` h; `dose` g of `salt`, `dose_is` where it is from; `concentration` mg/mL; `vial` g; `diluent_volume` mL. `holds`,
    `questions` (id, text) and `warnings` come from a record: `holds` None means that there is none, and guards are asked.
    """

    weight: float | None = None
    modality: str | None = None
    sessions: float | None = None
    hours: float | None = None
    timing: str | float | None = None
    infusion: float | None = None
    interval: float | None = None
    gfr: float | None = None
    egfr: float | None = None
    height: float | None = None
    salt: str | None = None
    dose: float | None = None
    dose_is: str = "as given"
    concentration: float | None = None
    vial: float | None = None
    diluent: str = "none"
    diluent_volume: float | None = None
    koa: float | None = None
    blood_flow: float | None = None
    dialysate_flow: float | None = None
    substitution: float | None = None
    effluent: float | None = None
    predilution: float | None = None
    drained: float | None = None
    match_reference: bool = False
    population: int = 2000
    seed: int = 1
    parameters: str = ""
    config: str = ""
    holds: tuple[str, ...] | None = None
    questions: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()


def request_of(options: DoseOptions, knowledge: ThiosulfateKnowledge, scenarios: tuple[Scenario, ...] = ()) -> Request:
    """The request of the options, with a user's own `scenarios`.

    Raises `InputError`; when several things are missing, one that names them all.
    """
    missing = missing_inputs(options, knowledge)
    if missing:
        raise MissingInput(" ".join(each.question for each in missing), ", ".join(each.option for each in missing))
    assert options.weight is not None  # noqa: S101  asked for above
    salt = options.salt or knowledge.stated_salt
    product = product_of(knowledge, salt, options.concentration, options.vial, options.diluent, options.diluent_volume)
    return Request(
        patient=Patient(options.weight, gfr_of(options), options.egfr),
        dialysis=dialysis_of(options),
        product=product,
        timing=timing_of(options),
        interval=options.interval,
        dose=options.dose,
        dose_is=options.dose_is,
        match_reference=options.match_reference,
        population=options.population,
        seed=options.seed,
        holds=options.holds,
        questions=options.questions,
        warnings=(*options.warnings, *_surface(options)),
        scenarios=scenarios,
    )


def missing_inputs(options: DoseOptions, knowledge: ThiosulfateKnowledge) -> list[MissingInput]:
    """What must be asked before anything can be computed, the most decisive first."""
    if options.modality is None:
        found = [MissingInput(MODALITY_QUESTION, f"--modality {'|'.join(MODALITIES)}")]
    else:
        found = dialysis_inputs(dialysis_of(options))
    if options.modality == "none" and options.gfr is None and options.egfr is None:
        found.append(MissingInput("What is the GFR, in mL/min?", "--gfr"))
    elif options.modality == "none" and options.gfr is None and options.height is None:
        found.append(MissingInput(HEIGHT_QUESTION, "--height, or --gfr in mL/min"))
    if options.weight is None:
        found.append(MissingInput("What is the (dry) body weight, in kg?", "--weight"))
    if options.salt is None and knowledge.stated_salt is None:
        found.append(MissingInput("Which salt form does the vial hold, pentahydrate or anhydrous?", "--salt"))
    return found


def gfr_of(options: DoseOptions) -> float | None:
    """GFR in mL/min: as given, or from mL/min/1.73 m2 by the body surface (Mosteller 1987, from height and weight)."""
    if options.egfr is None:
        return options.gfr
    if options.gfr is not None:
        raise InputError("give --gfr (mL/min) or --egfr (mL/min/1.73 m2), not both")
    if not 0 <= options.egfr <= 250:
        raise InputError(f"--egfr {options.egfr:g}: must be 0 to 250 mL/min/1.73 m2; check the number and its unit")
    if options.height is None or options.weight is None:
        raise MissingInput(HEIGHT_QUESTION, "--height, or --gfr in mL/min")
    if not 40 <= options.height <= 250:
        raise InputError(f"--height {options.height:g}: must be 40 to 250 cm; check the number and its unit")
    return options.egfr * math.sqrt(options.height * options.weight / 3600.0) / 1.73


def _surface(options: DoseOptions) -> tuple[str, ...]:
    if options.egfr is None:
        return ()
    return ("GFR was made absolute by body surface (Mosteller's formula: not verified against its source).",)


def timing_of(options: DoseOptions) -> Timing:
    """The timing. Raises `InputError` for a name that is not known."""
    hours = None if options.infusion is None else options.infusion / 60.0
    if options.timing is None:
        return Timing(hours=hours)
    if options.timing in TIMINGS:
        return Timing(options.timing, hours, given=True)
    try:
        return Timing(float(options.timing), hours, given=True)
    except ValueError:
        raise InputError(
            f"--timing '{options.timing}' is not one of {', '.join(TIMINGS)}, nor hours after the session's start"
        ) from None


def dialysis_of(options: DoseOptions) -> Dialysis:
    """The prescription of the options, as it stands."""
    return Dialysis(
        modality=cast(Modality, options.modality),
        sessions=options.sessions,
        hours=options.hours,
        koa=options.koa,
        blood_flow=options.blood_flow,
        dialysate_flow=options.dialysate_flow,
        substitution=options.substitution,
        effluent=options.effluent,
        predilution=options.predilution,
        drained=options.drained,
    )
