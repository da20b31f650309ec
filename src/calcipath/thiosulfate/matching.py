"""Whether a matched dose may be shown, and which (safety rules 6): shown, withheld with the reason, or above the cap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from calcipath.thiosulfate.comparison import Comparer, Pair, matching_dose
from calcipath.thiosulfate.request import reference_doses

Status = Literal["shown", "withheld", "above-cap"]


@dataclass(frozen=True, slots=True)
class Matched:
    """`dose`, `unrounded` in g of the product's salt, None unless shown; `vials` where whole vials make the dose up.

    `ratio` is the weekly exposure of `dose` over that of the reference in the typical patient; `at_least` and `near` the
    shares of virtual patients who reach their own reference exposure, and who come within the stated agreement of it.
    """

    status: Status
    reason: str
    dose: float | None = None
    unrounded: float | None = None
    vials: int | None = None
    ratio: float | None = None
    at_least: float | None = None
    near: float | None = None


def match(comparer: Comparer, population: Pair | None) -> Matched:
    """The matched dose, where safety rules 6 allow one; `population` gives the probability of attaining it."""
    request = comparer.request
    reasons = withheld_because(comparer)
    if reasons:
        return Matched("withheld", "; ".join(reasons))
    (reference,) = reference_doses(request.patient.weight, comparer.knowledge)
    salt = comparer.knowledge.salts["pentahydrate"]
    reference_mmol = reference / salt.molar_mass * 1000.0
    mmol = matching_dose(comparer.pair(comparer.scenarios[0]), reference_mmol)
    cap = comparer.knowledge.defaults["thiosulfate-highest-dose"].value
    highest = cap / salt.molar_mass * 1000.0
    if mmol > highest * (1 + 1e-9):
        return Matched(
            "above-cap", f"equal exposure would need more than the highest dose shown, {cap:g} g of pentahydrate"
        )
    dose, vials = _in_vials(comparer, mmol, highest)
    ratio = request.product.mmol(dose) / mmol
    at_least, near = _attained(comparer, population, request.product.mmol(dose), reference_mmol)
    return Matched(
        "shown",
        "on dialysis, no hold stands on what is given, and the readings of the literature agree",
        dose,
        request.product.grams(mmol),
        vials,
        ratio,
        at_least,
        near,
    )


def withheld_because(comparer: Comparer) -> list[str]:
    """Every reason for which no matched dose is shown, in words."""
    request, reasons = comparer.request, []
    if request.dialysis.modality == "none":
        reasons.append("off dialysis nothing removes the sodium and acid of the dose, so no dose is matched")
    adult = comparer.knowledge.defaults["thiosulfate-adult-weight"].value
    if request.patient.weight < adult:
        reasons.append(f"under {adult:g} kg the regimens of adults do not apply (default of this software)")
    reasons.extend(request.holds or ())
    if len(reference_doses(request.patient.weight, comparer.knowledge)) > 1:
        weight = request.patient.weight
        reasons.append(
            f"at exactly {weight:g} kg the quoted reference dose is undefined; both are shown and none is default"
        )
    disagreement = scenarios_disagree(comparer)
    if disagreement:
        reasons.append(disagreement)
    return reasons


def scenarios_disagree(comparer: Comparer) -> str:
    """A sentence where the readings differ by more than the agreed share; empty where they agree."""
    limit = comparer.knowledge.defaults["thiosulfate-scenario-agreement"].value
    relative = {}
    for scenario in comparer.scenarios:
        pair = comparer.pair(scenario)
        relative[scenario.title] = float(pair.regimen.weekly_auc[0] / pair.reference.weekly_auc[0])
    if max(relative.values()) / min(relative.values()) - 1.0 <= limit:
        return ""
    said = ", ".join(f"{value:.2f} times under {title}" for title, value in relative.items())
    return (
        "the readings of the literature disagree: dose for dose, this schedule gives the reference's weekly exposure "
        f"{said} (more than {limit:.0%} apart)"
    )


def _in_vials(comparer: Comparer, mmol: float, highest: float) -> tuple[float, int | None]:
    """The nearest whole vials under the cap where they change the exposure little; else the dose itself, to 0.1 g down."""
    product = comparer.request.product
    near = comparer.knowledge.defaults["thiosulfate-vial-rounding"].value
    grams = product.grams(mmol)
    vials = round(grams / product.vial)
    whole = vials * product.vial
    if vials and product.mmol(whole) <= highest * (1 + 1e-9) and abs(whole / grams - 1.0) <= near:
        return whole, vials
    return math.floor(grams * 10.0 + 1e-9) / 10.0, None


def _attained(
    comparer: Comparer, population: Pair | None, mmol: float, reference_mmol: float
) -> tuple[float | None, float | None]:
    if population is None:
        return None, None
    limit = comparer.knowledge.defaults["thiosulfate-scenario-agreement"].value
    ratio = population.regimen.weekly_auc * mmol / (population.reference.weekly_auc * reference_mmol)
    return float(np.mean(ratio >= 1.0 - 1e-9)), float(np.mean(np.abs(ratio - 1.0) <= limit))
