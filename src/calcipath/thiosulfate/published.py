"""The published regimens of a setting, beside what the reference regimen gives the same patient."""

from __future__ import annotations

from typing import Any

from calcipath.guideline.thiosulfate_knowledge import PublishedRegimen
from calcipath.thiosulfate.comparison import Comparer, Pair
from calcipath.thiosulfate.request import Request


def quantity(value: float, unit: str) -> dict[str, Any]:
    """A number with its unit."""
    return {"value": float(value), "unit": unit}


def published(comparer: Comparer, reference: float | None) -> list[dict[str, Any]]:
    """The regimens with their marks, and what is said where there is none; `reference` (g), None where undefined.

    A regimen with one dose is compared at the timing asked for; one that is said to differ does so by more than the
    agreement of the scenarios.
    """
    request, knowledge = comparer.request, comparer.knowledge
    said: list[dict[str, Any]] = [
        {"statement": statement, "source": None, "mark": None}
        for modalities, statement in knowledge.unpublished
        if request.dialysis.modality in modalities
    ]
    return said + [_described(each, comparer, reference) for each in knowledge.regimens if _fits(each, request)]


def _fits(regimen: PublishedRegimen, request: Request) -> bool:
    modality = request.dialysis.modality
    if ("hemodialysis" if modality == "hemodiafiltration" else modality) not in regimen.modalities:
        return False
    weight, gfr = request.patient.weight, request.patient.gfr if request.patient.egfr is None else request.patient.egfr
    if (regimen.over is not None and weight < regimen.over) or (regimen.under is not None and weight > regimen.under):
        return False
    if gfr is None:
        return True
    return not (
        (regimen.gfr_from is not None and gfr < regimen.gfr_from)
        or (regimen.gfr_below is not None and gfr >= regimen.gfr_below)
    )


def _described(regimen: PublishedRegimen, comparer: Comparer, reference: float | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": regimen.id,
        "statement": regimen.statement,
        "source": regimen.citation.source.citation,
        "locator": regimen.citation.locator,
        "mark": regimen.citation.mark,
        "salt": "not stated; read as pentahydrate",
    }
    by_gfr = regimen.gfr_from is not None or regimen.gfr_below is not None
    if by_gfr and comparer.request.patient.egfr is None:
        found["chosen"] = "Chosen by the GFR in mL/min; it is quoted by mL/min/1.73 m2."
    if regimen.dose is None or regimen.per_week is None:
        return found
    found |= {"dose": quantity(regimen.dose, "g"), "per_week": regimen.per_week}
    if reference is None:
        return found
    pair = comparer.pair(comparer.scenarios[0])
    per_gram = pair.regimen.weekly_auc[0] / comparer.schedule.doses_per_week
    ratio = per_gram * regimen.dose * regimen.per_week / (pair.reference.weekly_auc[0] * reference)
    found["ratio"] = quantity(ratio, "1")
    found["scenarios"] = {
        scenario.id: quantity(ratio * _relative(comparer.pair(scenario)) / _relative(pair), "1")
        for scenario in comparer.scenarios
    }
    if abs(ratio - 1.0) > comparer.knowledge.defaults["thiosulfate-scenario-agreement"].value:
        found["differs"] = (
            f"On this dialysis and timing it gives about {ratio:.2f} times the reference's weekly exposure: the published "
            "regimen and equal exposure differ."
        )
    return found


def _relative(pair: Pair) -> float:
    """Weekly exposure of the schedule over that of the reference, dose for dose."""
    return float(pair.regimen.weekly_auc[0] / pair.reference.weekly_auc[0])
