"""Thiosulfate dosing for callers: named options in, the answer out. Flags, files and records meet here.

>>> from calcipath.dosing import DoseOptions, dose
>>> found = dose(DoseOptions(weight=70, modality="hemodialysis", sessions=3, hours=4, salt="pentahydrate", dose=25))
>>> found["matched"]["status"], found["matched"]["dose"]
('shown', {'value': 25.0, 'unit': 'g'})
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from calcipath.errors import InputError
from calcipath.guideline.entries import ContentFile, top
from calcipath.guideline.reader import read_thiosulfate_knowledge
from calcipath.guideline.shipped import shipped_content
from calcipath.guideline.thiosulfate_knowledge import Scenario, ThiosulfateKnowledge, read_scenarios
from calcipath.site_configuration import read_site_defaults
from calcipath.thiosulfate.answer import answer
from calcipath.thiosulfate.dialysis import MODALITIES, Dialysis, MissingInput, Modality
from calcipath.thiosulfate.dialysis import missing_inputs as dialysis_inputs
from calcipath.thiosulfate.kinetics import Patient
from calcipath.thiosulfate.product import product_of
from calcipath.thiosulfate.request import Request
from calcipath.thiosulfate.schedule import TIMINGS, Timing

MODALITY_QUESTION = "Is the patient on dialysis, and on which kind?"


@dataclass(frozen=True, slots=True)
class DoseOptions:
    """The options of `calcipath dose`, by the same names. None: not given.

    `weight` kg; `gfr` mL/min, or `egfr` mL/min/1.73 m2 with `height` cm; `sessions` a week of `hours`; flows mL/min,
    `effluent` mL/kg/h, `substitution` L a session, `drained` L/day; `timing` a name or hours after the session's start, last-hour when not given;
    `infusion` min; `interval` h; `dose` g of `salt`; `concentration` mg/mL; `vial` g; `diluent_volume` mL. `holds` and
    `warnings` come from a record: None means that there is none, and guards are asked as questions.
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
    warnings: tuple[str, ...] = ()


def dose(options: DoseOptions, progress: Callable[[int], None] | None = None) -> dict[str, Any]:
    """The dosing answer. Raises `InputError` naming every question that must be answered first, or what is wrong."""
    knowledge = knowledge_for(options.config)
    return answer(request_of(options, knowledge), knowledge, progress)


def knowledge_for(config: str = "") -> ThiosulfateKnowledge:
    """What the guideline holds on thiosulfate, with a site's configuration applied. Raises `GuidelineError`."""
    stamp = Path(config).stat().st_mtime_ns if config and Path(config).exists() else 0
    return _knowledge_as_of(config, stamp)


@lru_cache(maxsize=4)
def _knowledge_as_of(config: str, _changed: int) -> ThiosulfateKnowledge:
    site = read_site_defaults(config) if config else None
    return read_thiosulfate_knowledge(shipped_content(), site)


def request_of(options: DoseOptions, knowledge: ThiosulfateKnowledge) -> Request:
    """The request of the options. Raises `InputError`; when several things are missing, one that names them all."""
    missing = missing_inputs(options)
    if missing:
        raise MissingInput(" ".join(each.question for each in missing), ", ".join(each.option for each in missing))
    assert options.weight is not None  # noqa: S101  asked for above
    product = product_of(
        knowledge, options.salt, options.concentration, options.vial, options.diluent, options.diluent_volume
    )
    return Request(
        patient=Patient(options.weight, gfr_of(options)),
        dialysis=_dialysis(options),
        product=product,
        timing=timing_of(options),
        interval=options.interval,
        dose=options.dose,
        match_reference=options.match_reference,
        population=options.population,
        seed=options.seed,
        holds=options.holds,
        warnings=(*options.warnings, *_surface(options)),
        scenarios=read_parameter_file(options.parameters, knowledge) if options.parameters else (),
    )


def missing_inputs(options: DoseOptions) -> list[MissingInput]:
    """What must be asked before anything can be computed, the most decisive first."""
    if options.modality is None:
        found = [MissingInput(MODALITY_QUESTION, f"--modality {'|'.join(MODALITIES)}")]
    else:
        found = dialysis_inputs(_dialysis(options))
    if options.modality == "none" and options.gfr is None and options.egfr is None:
        found.append(MissingInput("What is the GFR, in mL/min?", "--gfr"))
    if options.weight is None:
        found.append(MissingInput("What is the (dry) body weight, in kg?", "--weight"))
    if options.salt is None:
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
        raise MissingInput("What is the height, in cm? mL/min/1.73 m2 needs it.", "--height, or --gfr in mL/min")
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


def _dialysis(options: DoseOptions) -> Dialysis:
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


def read_parameter_file(path: str, knowledge: ThiosulfateKnowledge) -> tuple[Scenario, ...]:
    """A user's own scenarios from a YAML file of the shape of `thiosulfate/parameters.yaml`.

    A scenario may leave out what it shares with the default one. Raises `InputError` when the file cannot be read and
    `GuidelineError`, naming the line, when it is wrong.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__})") from None
    return read_scenarios(top(ContentFile.parse(Path(path).name, text)), None, knowledge.scenarios[0])
