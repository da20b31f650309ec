"""A sheet for the nurse and a verification line for the pharmacist, for the regimen that was simulated."""

from __future__ import annotations

from typing import Any

from calcipath.thiosulfate.dialysis import INTERMITTENT
from calcipath.thiosulfate.request import Request
from calcipath.thiosulfate.schedule import Timing

OBSERVATIONS = (
    "Before: blood pressure, weight, symptoms; bicarbonate and ionised calcium before doses 1-3, then weekly.",
    "During: blood pressure; slow or stop for hypotension, nausea, flushing.",
    "After: flush the line; hydroxocobalamin never in the same line; note pain score.",
)


def session_sheet(request: Request, grams: float) -> dict[str, Any]:
    """What is drawn, diluted, started and watched. A worksheet for an order made elsewhere, not an order."""
    product = request.product
    drawn = product.millilitres(grams)
    vials = grams / product.vial
    dilution = (
        f", with {product.diluent_volume:g} mL of {product.diluent}"
        if product.diluent_volume
        else "; diluent not stated: see the protocol (hyperosmolar as it is: a large vein)"
    )
    minutes = request.timing.infusion * 60.0
    return {
        "title": "Worksheet for a regimen prescribed elsewhere; not an order",
        "product": f"sodium thiosulfate {product.salt.id} {product.concentration:g} mg/mL",
        "draw": f"{drawn:.1f} mL = {grams:g} g = {product.mmol(grams):.1f} mmol ({vials:.2f} vials of {product.vial:g} g)",
        "volume": f"{drawn + product.diluent_volume:.0f} mL in all{dilution}",
        "start": _start(request),
        "duration": f"{minutes:.0f} min",
        "rate": f"{(drawn + product.diluent_volume) / request.timing.infusion:.0f} mL/h",
        "first_dose": "First dose 12.5 g of pentahydrate (default of this software, local protocol decides).",
        "observations": list(OBSERVATIONS),
        "verification": "Pharmacist: salt form, concentration, sulfite, dose, volume and rate checked ______ date ______",
    }


def _start(request: Request) -> str:
    timing: Timing = request.timing
    if request.dialysis.modality not in INTERMITTENT or request.dialysis.hours is None:
        return "as the regimen says, into a large vein"
    if timing.start == "after":
        return "after the session has ended"
    if timing.start == "first-hour":
        return "at the start of the session"
    if timing.start in ("last-hour", "last-half-hour"):
        window = 0.5 if timing.start == "last-half-hour" else 1.0
        return f"{request.dialysis.hours - window:g} h after the start of the {request.dialysis.hours:g} h session"
    return f"{timing.start:g} h after the start of the {request.dialysis.hours:g} h session"
