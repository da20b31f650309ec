"""Procedure, ServiceRequest (an order) and Encounter."""

from __future__ import annotations

from calcipath.record.fhir import statuses
from calcipath.record.fhir.common import inpatient, inpatient_class, merged, reason, specimens
from calcipath.record.fhir.datatypes import read_period, read_quantity, read_times
from calcipath.record.fhir.entry import Concept, Entry
from calcipath.record.fhir.medications import request_status
from calcipath.record.fhir.timing import duration, per_week
from calcipath.record.model import Event


def read_procedure(entry: Entry) -> list[Event]:
    """One event; its value is the outcome. A procedure that was not done is counted, not read."""
    status = entry.status(statuses.PROCEDURE, statuses.PROCEDURE_VOIDS)
    if status is None:
        return []
    resource = entry.resource
    name, codings = entry.concept(resource, "code")
    started, ended, words = read_times(entry, "performed")
    outcome, outcome_codings = entry.concept(resource, "outcome")
    site_text, sites = entry.concepts(resource, "bodySite")
    texts = [*entry.notes(), entry.concepts(resource, "complication")[0], words]
    return [
        Event(
            kind="procedure",
            reference=entry.reference,
            resource_type="Procedure",
            name=name,
            codings=codings,
            status=status,
            category=entry.code(resource, "category"),
            started=started,
            ended=ended,
            value_text=outcome,
            value_codings=outcome_codings,
            sites=sites,
            site_text=site_text,
            texts=tuple(text for text in texts if text),
            reason=reason(entry) if "reasonCode" in resource or "reasonReference" in resource else "",
            inpatient=inpatient(entry) if "encounter" in resource else None,
        )
    ]


def read_order(entry: Entry) -> list[Event]:
    """A ServiceRequest; its quantity is what was ordered, else how long one occurrence is to last."""
    status = request_status(entry, statuses.REQUEST)
    if status is None:
        return []
    resource = entry.resource
    name, codings = entry.concept(resource, "code")
    first, _, _ = read_times(entry, "occurrence")
    timing = entry.object(resource, "occurrenceTiming")
    specimen, taken_from = specimens(entry)
    site_text, sites = merged([entry.concepts(resource, "bodySite"), taken_from])
    texts = [*entry.notes(), entry.concepts(resource, "orderDetail")[0], entry.text(resource, "patientInstruction")]
    return [
        Event(
            kind="order",
            reference=entry.reference,
            resource_type="ServiceRequest",
            name=name,
            codings=codings,
            status=status,
            category=entry.code(resource, "category"),
            started=entry.when(resource, "authoredOn") or first,
            quantity=read_quantity(entry, resource, "quantityQuantity") or duration(entry, timing),
            sites=sites,
            site_text=site_text,
            specimen=specimen,
            texts=tuple(text for text in texts if text),
            reason=reason(entry),
            frequency_per_week=per_week(entry, timing),
            inpatient=inpatient(entry),
        )
    ]


def read_encounter(entry: Entry) -> list[Event]:
    """A contact or stay; `category` is its class code, and its reasons and diagnoses are its reason."""
    status = entry.status(statuses.ENCOUNTER, statuses.ENCOUNTER_VOIDS)
    if status is None:
        return []
    resource = entry.resource
    started, ended = read_period(entry, resource, "period")
    name, codings = _kind_of_encounter(entry)
    held = entry.object(resource, "class")
    return [
        Event(
            kind="encounter",
            reference=entry.reference,
            resource_type="Encounter",
            name=name,
            codings=codings,
            status=status,
            category=entry.text(held, "code"),
            started=started,
            ended=ended,
            reason=reason(entry),
            inpatient=inpatient_class(resource),
        )
    ]


def _kind_of_encounter(entry: Entry) -> Concept:
    found = entry.concepts(entry.resource, "type")
    if found[0] or found[1]:
        return found
    held = entry.object(entry.resource, "class")
    coding = entry.coding(held) if held else None
    return (coding.display or coding.code, (coding,)) if coding else ("", ())
