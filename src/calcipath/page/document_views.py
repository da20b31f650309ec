"""What is taken away from a case: the order list, the summary for the chart, the patient's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calcipath.guideline.model import Guideline
from calcipath.output.markup import Markup, tag
from calcipath.output.order_list import as_text, order_list, order_sections
from calcipath.output.patient_page import patient_page
from calcipath.output.summary import summary
from calcipath.page.case_frame import case_page
from calcipath.page.language import _
from calcipath.page.visit import Visit
from calcipath.register.access import Case


def orders_view(visit: Visit, case: Case, answer: Mapping[str, Any]) -> Markup:
    """The biopsy and laboratory plan, to be copied."""
    orders = order_list(answer)
    copied = tag(
        "textarea", as_text(orders), id="order-text", readonly="readonly", rows="12", aria_label=_("The list as text")
    )
    button = tag("button", _("Copy the list"), type="button", data_copy="order-text")
    text = tag("section", tag("h2", _("As text")), copied, button, class_="no-print")
    head = tag("header", tag("h1", _("Order list")))
    return case_page(
        visit, case, "/orders", _("Order list"), tag("main", head, order_sections(orders), text, id="main")
    )


def summary_view(visit: Visit, case: Case, answer: Mapping[str, Any]) -> Markup:
    """For the chart."""
    printed = tag("p", _("Print it with the browser; navigation is left out."), class_="note-of no-print")
    return case_page(visit, case, "/summary", _("Summary"), tag("main", printed, summary(answer), id="main"))


def patient_view(visit: Visit, case: Case, answer: Mapping[str, Any], guideline: Guideline) -> Markup:
    """What the patient may take home."""
    return case_page(
        visit,
        case,
        "/patient",
        _("For the patient"),
        tag("main", patient_page(answer, guideline.patient_information), id="main"),
    )
