"""An entry of a case in a line: what it is called, and its date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calcipath.output import wording
from calcipath.output.wording import clean, structure
from calcipath.page.language import _


def named(resource: Mapping[str, Any]) -> str:
    """Its name, with its value; its id where it has none."""
    for key in ("code", "medicationCodeableConcept", "type", "vaccineCode"):
        concept = structure(resource.get(key))
        name = clean(concept.get("text")) or next(
            (clean(structure(c).get("display")) for c in wording.items(concept.get("coding"))), ""
        )
        if name:
            value = structure(resource.get("valueQuantity"))
            return f"{name} {wording.quantity(value)}".strip() if value else name
    return clean(resource.get("id"))


def dated(resource: Mapping[str, Any]) -> str:
    """When it was, as a reader writes it; empty without a date."""
    for key in (
        "effectiveDateTime",
        "performedDateTime",
        "onsetDateTime",
        "recordedDate",
        "authoredOn",
        "date",
        "issued",
        "dateAsserted",
        "createdDateTime",
    ):
        if resource.get(key):
            return wording.date(resource[key])
    for key in ("effectivePeriod", "performedPeriod", "onsetPeriod", "period"):
        start = structure(resource.get(key)).get("start")
        if start:
            return _("from {day}", day=wording.date(start))
    return ""
