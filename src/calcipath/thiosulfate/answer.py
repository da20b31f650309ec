"""The answer to one dosing question, as plain structures; every quantity is {"value", "unit"}."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calcipath.guideline.thiosulfate_knowledge import Scenario, ThiosulfateKnowledge
from calcipath.thiosulfate.cautions import cautions
from calcipath.thiosulfate.changes import changes
from calcipath.thiosulfate.comparison import Comparer, Pair, Progress
from calcipath.thiosulfate.dialysis import INTERMITTENT
from calcipath.thiosulfate.exposure import Exposure
from calcipath.thiosulfate.kinetics import Patient, typical
from calcipath.thiosulfate.matching import Matched, match, scenarios_disagree
from calcipath.thiosulfate.product import SODIUM_MOLAR_MASS
from calcipath.thiosulfate.published import published, quantity
from calcipath.thiosulfate.request import Request, checked_request, interval_for, reference_doses
from calcipath.thiosulfate.session_sheet import session_sheet


@dataclass(frozen=True, slots=True)
class Dosed:
    """An answer with the request behind it; None where something must be answered first."""

    answer: dict[str, Any]
    request: Request | None
    knowledge: ThiosulfateKnowledge
    grams: float = 0.0  # the dose that was simulated, told in the answer or not

    @property
    def held(self) -> bool:
        """Whether a hold stands."""
        return bool(self.answer["status"] == "withheld")


FEWER = 2000  # virtual patients of a scenario beside the first
PERCENTILES = (5, 25, 50, 75, 95)
AUC, LEVEL = "mmol.h/L", "mmol/L"


def answer(request: Request, knowledge: ThiosulfateKnowledge, progress: Progress | None = None) -> dict[str, Any]:
    """The dosing answer (design: exposure, reference, matched dose, scenarios, published regimens, warnings).

    Raises `MissingInput` for what must be asked first and `InputError` for what cannot be.
    """
    checked_request(request, knowledge)
    comparer = Comparer(request, knowledge)
    people = comparer.population(comparer.scenarios[0], progress)
    matched = match(comparer, people)
    grams, chosen = chosen_dose(request, matched, knowledge)
    typical = comparer.pair(comparer.scenarios[0])
    references = reference_doses(request.patient.weight, knowledge)
    reference = references[0] if len(references) == 1 else None
    schedule = comparer.schedule
    return {
        "status": "answered",
        "patient": _patient(request.patient),
        "regimen": _regimen(request, grams, chosen, knowledge) | {"prescription": prescription(request, knowledge)},
        "kinetics": kinetics(comparer),
        "exposure": _exposure(typical.regimen, request, grams, schedule.doses_per_week),
        "reference": _reference(typical, references, request, grams, knowledge),
        "matched": _matched(matched, request, knowledge),
        "scenarios": [
            _scenario(comparer, each, request, grams, reference, knowledge)
            | _spread(comparer, each, grams, reference, people)
            for each in comparer.scenarios
        ],
        "disagreement": scenarios_disagree(comparer) or None,
        "sensitivity": [
            {"id": each.id, "title": each.title, "mark": each.mark}
            | _compared(comparer.pair(comparer.scenarios[0], each), request, grams, reference, knowledge)
            for each in knowledge.sensitivity
        ],
        "population": _population(people, request, grams, reference, knowledge),
        "changes": changes(comparer, request.product.mmol(grams)),
        "published": published(comparer, reference),
        "endogenous": _endogenous(comparer.scenarios[0]),
        "session_sheet": session_sheet(request, grams) if _may_have_sheet(request, matched) else None,
        "questions": questions(request, knowledge),
        "warnings": list(dict.fromkeys(cautions(request, grams, schedule, knowledge))),
        "information": list(knowledge.information),
        "words": list(knowledge.words),
    }


def side_by_side(request: Request, doses: tuple[float, ...], knowledge: ThiosulfateKnowledge) -> list[dict[str, Any]]:
    """The exposure of each dose (g of pentahydrate), where two are quoted and neither is the default."""
    comparer = Comparer(request, knowledge)
    unit, per_week = comparer.pair(comparer.scenarios[0]).regimen, comparer.schedule.doses_per_week
    found = []
    for each in doses:
        grams = request.product.grams(_pentahydrate(each, knowledge))
        exposure = _exposure(unit, request, grams, per_week)
        found.append({"dose": quantity(grams, "g"), "salt": request.product.salt.id, "exposure": exposure})
    return found


def chosen_dose(request: Request, matched: Matched, knowledge: ThiosulfateKnowledge) -> tuple[float, str]:
    """The dose simulated, in g of the product's salt, and why it is this one."""
    if request.match_reference and matched.dose is not None:
        return matched.dose, "the matched dose"
    if request.dose is not None:
        return request.dose, request.dose_is
    (grams,) = reference_doses(request.patient.weight, knowledge)  # `checked_request` asked where there are two
    mmol = grams / knowledge.salts["pentahydrate"].molar_mass * 1000.0
    return request.product.grams(mmol), "the reference dose, as none was given"


def _may_have_sheet(request: Request, matched: Matched) -> bool:
    """A worksheet belongs to a dose that someone named or that may be shown, never to one that stands in or is held."""
    return not request.holds and (request.dose is not None or (request.match_reference and matched.dose is not None))


def _patient(patient: Patient) -> dict[str, Any]:
    gfr = None if patient.gfr is None else quantity(patient.gfr, "mL/min")
    return {"weight": quantity(patient.weight, "kg"), "gfr": gfr}


def _regimen(request: Request, grams: float, chosen: str, knowledge: ThiosulfateKnowledge) -> dict[str, Any]:
    product, dialysis = request.product, request.dialysis
    drawn = product.millilitres(grams)
    interval = interval_for(request, knowledge)
    return {
        "modality": dialysis.modality,
        "sessions_per_week": dialysis.sessions,
        "hours_per_session": None if dialysis.hours is None else quantity(dialysis.hours, "h"),
        "timing": request.timing.words if dialysis.modality in INTERMITTENT else "as the regimen says",
        "infusion": quantity(request.timing.infusion * 60.0, "min"),
        "interval": None if interval is None else quantity(interval, "h"),
        "dose": quantity(grams, "g"),
        "dose_is": chosen,
        "salt": product.salt.id,
        "thiosulfate": quantity(product.mmol(grams), "mmol"),
        "concentration": quantity(product.concentration, "mg/mL"),
        "vial": quantity(product.vial, "g"),
        "product_volume": quantity(drawn, "mL"),
        "diluent": product.diluent,
        "final_volume": quantity(drawn + product.diluent_volume, "mL"),
    }


PRESCRIPTION = {
    "koa": "mL/min", "blood_flow": "mL/min", "dialysate_flow": "mL/min", "substitution": "L", "effluent": "mL/kg/h",
    "predilution": "1", "drained": "L/d",
}  # fmt: skip


def prescription(request: Request, knowledge: ThiosulfateKnowledge) -> dict[str, Any]:
    """The flows that were used, the default drained volume among them."""
    found = {name: getattr(request.dialysis, name) for name in PRESCRIPTION}
    if request.dialysis.modality == "peritoneal" and found["drained"] is None:
        found["drained"] = knowledge.defaults["peritoneal-drained-volume"].value
    return {name: quantity(value, PRESCRIPTION[name]) for name, value in found.items() if value is not None}


def kinetics(comparer: Comparer) -> dict[str, Any]:
    """Clearance by route, volume and half-lives of the typical patient under the default scenario."""
    own = typical(comparer.request.patient, comparer.request.dialysis, comparer.scenarios[0], comparer.knowledge)
    off, by_dialysis, volume = float(own.nonrenal + own.renal), float(own.dialysis), float(own.volume)
    found = {
        "nonrenal_clearance": quantity(float(own.nonrenal), "L/h"),
        "renal_clearance": quantity(float(own.renal), "L/h"),
        "dialysis_clearance": quantity(by_dialysis, "L/h"),
        "volume": quantity(volume, "L"),
        "half_life_off_dialysis": quantity(math.log(2.0) * volume / off, "h"),
    }
    if by_dialysis > 0.0:
        found["half_life_on_dialysis"] = quantity(math.log(2.0) * volume / (off + by_dialysis), "h")
    return found


def _exposure(unit: Exposure, request: Request, grams: float, per_week: float) -> dict[str, Any]:
    sodium = request.product.sodium(grams)
    return _levels(unit.times(request.product.mmol(grams))) | {
        "sodium_per_dose": quantity(sodium, "mmol"),
        "sodium_per_week": quantity(sodium * per_week, "mmol"),
        "sodium_mass_per_dose": quantity(sodium * SODIUM_MOLAR_MASS / 1000.0, "g"),
        "volume_per_week": quantity(
            (request.product.millilitres(grams) + request.product.diluent_volume) * per_week, "mL"
        ),
    }


def _levels(found: Exposure) -> dict[str, Any]:
    return {
        "weekly_auc": quantity(found.weekly_auc[0], AUC),
        "peak": quantity(found.peak[0], LEVEL),
        "trough": quantity(found.trough[0], LEVEL),
        "fraction_removed_by_dialysis": quantity(found.fraction_removed_by_dialysis[0], "1"),
    }


def _reference(
    pair: Pair, references: tuple[float, ...], request: Request, grams: float, knowledge: ThiosulfateKnowledge
) -> dict[str, Any]:
    options = [
        {"dose": quantity(each, "g"), "salt": "pentahydrate"}
        | _levels(pair.reference.times(_pentahydrate(each, knowledge)))
        | {"ratio": quantity(_ratio(pair, request, grams, each, knowledge), "1")}
        for each in references
    ]
    shown = "haemodialysis, three 4-hour sessions a week, dose in the last hour, same patient"
    if len(options) == 1:
        return {"regimen": shown, **options[0]}
    return {
        "regimen": shown,
        "undefined": f"at exactly {request.patient.weight:g} kg the quoted doses are undefined",
        "options": options,
    }


def _pentahydrate(grams: float, knowledge: ThiosulfateKnowledge) -> float:
    return grams / knowledge.salts["pentahydrate"].molar_mass * 1000.0


def _ratio(pair: Pair, request: Request, grams: float, reference: float, knowledge: ThiosulfateKnowledge) -> float:
    mine = pair.regimen.weekly_auc[0] * request.product.mmol(grams)
    return float(mine / (pair.reference.weekly_auc[0] * _pentahydrate(reference, knowledge)))


def _compared(
    pair: Pair, request: Request, grams: float, reference: float | None, knowledge: ThiosulfateKnowledge
) -> dict[str, Any]:
    found = _levels(pair.regimen.times(request.product.mmol(grams)))
    if reference is None:  # undefined at this weight
        return found | {"reference_weekly_auc": None, "ratio": None}
    return found | {
        "reference_weekly_auc": quantity(pair.reference.weekly_auc[0] * _pentahydrate(reference, knowledge), AUC),
        "ratio": quantity(_ratio(pair, request, grams, reference, knowledge), "1"),
    }


def _scenario(
    comparer: Comparer,
    scenario: Scenario,
    request: Request,
    grams: float,
    reference: float | None,
    knowledge: ThiosulfateKnowledge,
) -> dict[str, Any]:
    marks = {scenario.parameters[name].citation.mark for name in scenario.differs or scenario.parameters}
    verified = not marks & {"B"}
    sources = {each.citation.source.id: each.citation.source.citation for each in scenario.parameters.values()}
    return {
        "id": scenario.id,
        "title": scenario.title,
        "statement": scenario.statement,
        "verified": verified,
        **_compared(comparer.pair(scenario), request, grams, reference, knowledge),
        "sources": list(sources.values()),
    }


def _spread(
    comparer: Comparer, scenario: Scenario, grams: float, reference: float | None, people: Pair
) -> dict[str, Any]:
    """The same virtual patients under a scenario; of a very large population the first ones."""
    own = people
    if scenario is not comparer.scenarios[0]:
        fewer = replace(comparer.request, population=min(comparer.request.population, FEWER))
        own = replace(comparer, request=fewer).population(scenario)
    mmol = comparer.request.product.mmol(grams)
    found = {"patients": own.regimen.weekly_auc.size, "weekly_auc": _percentiles(own.regimen.weekly_auc * mmol, AUC)}
    if reference is not None:
        ratio = (
            own.regimen.weekly_auc * mmol / (own.reference.weekly_auc * _pentahydrate(reference, comparer.knowledge))
        )
        found["ratio"] = _percentiles(ratio, "1")
    return {"population": found}


def _matched(matched: Matched, request: Request, knowledge: ThiosulfateKnowledge) -> dict[str, Any]:
    found: dict[str, Any] = {"status": matched.status, "dose": None, "reason": matched.reason}
    if matched.dose is None or matched.unrounded is None or matched.ratio is None:
        return found
    found |= {
        "dose": quantity(matched.dose, "g"),
        "salt": request.product.salt.id,
        "unrounded": quantity(matched.unrounded, "g"),
        "vials": matched.vials,
        "ratio": quantity(matched.ratio, "1"),
        "attainment": {
            "at_least_own_reference": matched.at_least,
            "within_agreement_of_own_reference": matched.near,
            "agreement": knowledge.defaults["thiosulfate-scenario-agreement"].value,
            "patients": request.population,
        },
        "rests_on": [each["question"] for each in questions(request, knowledge)],
    }
    found["volume"] = quantity(request.product.millilitres(matched.dose), "mL")
    if matched.vials is None:
        opened = math.ceil(matched.dose / request.product.vial - 1e-9)
        left = opened * request.product.vial - matched.dose
        found["rounding"] = (
            f"Not rounded to whole vials of {request.product.vial:g} g, which would change the exposure too much: "
            f"{request.product.millilitres(matched.dose):.1f} mL of {opened} {'vial' if opened == 1 else 'vials'}; "
            f"{request.product.millilitres(left):.1f} mL are discarded."
        )
    return found


def questions(request: Request, knowledge: ThiosulfateKnowledge) -> list[dict[str, str]]:
    """The guards as questions where there is no record, and what a record leaves to ask where there is one."""
    if request.holds is not None:
        return [{"id": name, "question": text} for name, text in request.questions]
    modality = request.dialysis.modality
    asked = (each for each in knowledge.questions if not each.modalities or modality in each.modalities)
    return [{"id": each.id, "question": each.ask} for each in asked]


def _population(
    people: Pair, request: Request, grams: float, reference: float | None, knowledge: ThiosulfateKnowledge
) -> dict[str, Any]:
    found = people.regimen.times(request.product.mmol(grams))
    ratio = None
    if reference is not None:
        own = found.weekly_auc / (people.reference.weekly_auc * _pentahydrate(reference, knowledge))
        ratio = _percentiles(own, "1")
    return {
        "patients": request.population,
        "seed": request.seed,
        "spread": "between people, published for clearances; of the volume, assumed; none for clearances that follow from flows",
        "percentiles": list(PERCENTILES),
        "weekly_auc": _percentiles(found.weekly_auc, AUC),
        "peak": _percentiles(found.peak, LEVEL),
        "trough": _percentiles(found.trough, LEVEL),
        "fraction_removed_by_dialysis": _percentiles(found.fraction_removed_by_dialysis, "1"),
        "ratio": ratio,
    }


def _percentiles(values: Any, unit: str) -> dict[str, Any]:
    return {"values": [float(each) for each in np.percentile(values, PERCENTILES)], "unit": unit}


def _endogenous(scenario: Scenario) -> dict[str, Any]:
    level = scenario.parameters["endogenous-level"]
    return {
        "level": quantity(level.mean, LEVEL),
        "weekly_auc": quantity(level.mean * 168.0, AUC),
        "note": "made by the body; not counted in the exposures above",
    }
