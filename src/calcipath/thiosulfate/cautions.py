"""Warnings that follow from the regimen itself (safety rules 6); those from the record come with the request."""

from __future__ import annotations

from collections.abc import Iterator

from calcipath.guideline.thiosulfate_knowledge import ThiosulfateKnowledge
from calcipath.thiosulfate.dialysis import INTERMITTENT
from calcipath.thiosulfate.request import Request
from calcipath.thiosulfate.schedule import Schedule

DEFAULT = "default of this software, local protocol decides"


def cautions(request: Request, grams: float, schedule: Schedule, knowledge: ThiosulfateKnowledge) -> Iterator[str]:
    """Each warning as a sentence."""
    yield from _dose(request, grams, knowledge)
    yield from _sodium(request, grams, schedule, knowledge)
    yield from _infusion(request, knowledge)
    yield from _setting(request, knowledge)
    yield from request.warnings


def _dose(request: Request, grams: float, knowledge: ThiosulfateKnowledge) -> Iterator[str]:
    low = knowledge.defaults["thiosulfate-dose-questioned-below"].value
    highest = knowledge.defaults["thiosulfate-highest-dose"].value
    pentahydrate = request.product.mmol(grams) * knowledge.salts["pentahydrate"].molar_mass / 1000.0
    if grams < low:
        yield (
            f"The dose of {grams:g} g ({grams * 1000:g} mg) is far below any published one: was {grams * 1000:g} g meant? "
            "Doses are in grams."
        )
    if pentahydrate > highest * (1 + 1e-9):
        yield (
            f"The dose holds as much thiosulfate as {pentahydrate:.1f} g of pentahydrate, above the {highest:g} g of the "
            "published regimens."
        )
    if request.product.salt.id == "anhydrous":
        yield (
            f"Anhydrous salt: {grams:g} g holds as much thiosulfate as {pentahydrate:.1f} g of pentahydrate, the salt of "
            "the published regimens."
        )


def _sodium(request: Request, grams: float, schedule: Schedule, knowledge: ThiosulfateKnowledge) -> Iterator[str]:
    a_dose = request.product.sodium(grams)
    a_week = a_dose * schedule.doses_per_week
    for amount, name, span in (
        (a_dose, "thiosulfate-sodium-a-dose", "dose"),
        (a_week, "thiosulfate-sodium-a-week", "week"),
    ):
        limit = knowledge.defaults[name].value
        if amount > limit:
            yield (
                f"Sodium is {amount:.0f} mmol a {span}, above {limit:g} mmol: plan ultrafiltration for it ({DEFAULT})."
                if request.dialysis.modality != "none"
                else f"Sodium is {amount:.0f} mmol a {span}, above {limit:g} mmol, with no dialysis to remove it ({DEFAULT})."
            )


def _infusion(request: Request, knowledge: ThiosulfateKnowledge) -> Iterator[str]:
    outside = _minutes_after_the_session(request)
    if outside > 0.5:
        yield f"{outside:.0f} min of the infusion run after the session has ended."
    shortest = knowledge.defaults["thiosulfate-shortest-infusion"].value
    minutes = request.timing.infusion * 60.0
    if minutes < shortest - 1e-6:
        yield f"An infusion of {minutes:.0f} min is shorter than {shortest:g} min: hypotension is rate-related ({DEFAULT})."


def _minutes_after_the_session(request: Request) -> float:
    """Of an infusion that begins in the session at an hour that was given."""
    start, hours = request.timing.start, request.dialysis.hours
    if isinstance(start, str) or hours is None or start >= hours:
        return 0.0
    return 60.0 * max(0.0, start + request.timing.infusion - hours)


def _setting(request: Request, knowledge: ThiosulfateKnowledge) -> Iterator[str]:
    dialysis, gfr = request.dialysis, request.patient.gfr
    if dialysis.modality == "none":
        yield "Off dialysis nothing removes the sodium and acid load; weekly bicarbonate before any rise of the dose."
        limit = knowledge.defaults["egfr-acidosis-warning"].value
        if gfr is not None and gfr < limit:
            yield f"GFR below {limit:g} off dialysis: severe acidosis is reported after daily 25 g for more than 3 days."
    if dialysis.modality == "peritoneal":
        yield "Peritoneal dialysis removes little thiosulfate: watch bicarbonate closely; never give it into the peritoneum."
    if dialysis.modality == "hemodiafiltration" and (dialysis.koa is None or dialysis.substitution is None):
        used = "published haemodialysis clearance" if dialysis.koa is None else "diffusive clearance of the dialyser"
        yield f"Convection is counted only with KoA, flows and substitution volume: the {used} is used."
    if dialysis.modality in ("cvvh", "cvvhdf") and dialysis.predilution is None:
        yield "Pre-dilution is not given and is taken as none; with some, the clearance is lower and the exposure higher."
    if dialysis.koa is not None:
        yield (
            "The clearance follows from this dialyser and its flows, that of the reference regimen is the published mean: "
            "part of the ratio between them is the dialyser."
        )
    if dialysis.modality != "none" and gfr is None:
        yield "Residual kidney function is not given and is taken as none; with some, the exposure is lower."
    if request.product.diluent == "dextrose":
        limit = knowledge.defaults["sodium-dextrose-limit"].value
        yield f"Dextrose diluent: not when serum sodium is below {limit:g} mmol/L ({DEFAULT})."
    if request.timing.given and dialysis.modality not in INTERMITTENT:
        yield f"The timing ({request.timing.words}) has no meaning without sessions and is not used."
    if dialysis.modality not in (*INTERMITTENT, "none"):
        yield "Clearance by this dialysis is derived from flows (sieving 1), not measured."
