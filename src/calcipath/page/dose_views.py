"""The dosing view: controls, and the result that changes with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calcipath.guideline.model import Guideline
from calcipath.output.dose_view import dose_view
from calcipath.output.markup import Markup, tag
from calcipath.page.case_frame import case_page
from calcipath.page.case_reading import Dose
from calcipath.page.dose_forms import RESULT, controls
from calcipath.page.language import _
from calcipath.page.layout import html, message
from calcipath.page.visit import Visit
from calcipath.register.access import Case


def dose_result(dose: Dose, assessment: Mapping[str, Any] | None, guideline: Guideline) -> Markup:
    """The part of the dosing view that changes when a control moves."""
    if dose.found is None:
        return message("note", dose.wrong)
    return dose_view(
        dose.found.answer,
        assessment=assessment,
        curve=dose.curve,
        reference=dose.reference,
        defaults=guideline.defaults,
    )


def dose_page(
    visit: Visit,
    case: Case | None,
    dose: Dose,
    shown: Mapping[str, Any],
    salts: tuple[str, ...],
    assessment: Mapping[str, Any] | None,
    guideline: Guideline,
) -> Markup:
    """Controls and result side by side."""
    address = f"/cases/{visit.handle}/dose" if case else "/page/dose"
    form = tag(
        "section",
        tag("h2", _("Regimen"), id="regimen-heading"),
        controls(visit, shown, salts, address),
        aria_labelledby="regimen-heading",
        class_="panel no-print",
    )
    result = tag("div", dose_result(dose, assessment, guideline), id=RESULT)
    head = tag("header", tag("h1", _("Sodium thiosulfate: exposure of a regimen")))
    main = tag("main", head, form, result, id="main", class_="beside")
    if case is None:
        return html(visit, _("Dose"), main)
    return case_page(visit, case, "/dose", _("Dose"), main)
