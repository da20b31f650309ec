"""Observation, with its components."""

from __future__ import annotations

from calcipath.record.fhir import statuses
from calcipath.record.fhir.common import inpatient, merged, specimens
from calcipath.record.fhir.contents import Content, read_content, read_interpretation, read_reference_range
from calcipath.record.fhir.datatypes import read_times
from calcipath.record.fhir.entry import NO_CONCEPT, Concept, Entry, Json
from calcipath.record.model import Event, Status, When


class _Shared:
    """What the components of one Observation share with it."""

    __slots__ = ("category", "ended", "inpatient", "issued", "sites", "specimen", "started", "status")

    def __init__(self, entry: Entry, status: Status) -> None:
        resource = entry.resource
        started, self.ended, words = read_times(entry, "effective")
        if words:
            entry.problem("unreadable", "effective is not a date of FHIR R4; read without it")
        self.issued: When | None = entry.when(resource, "issued") if "issued" in resource else None
        self.started = started or self.issued
        self.status: Status = status
        self.category = entry.code(resource, "category")
        self.sites: Concept = entry.concepts(resource, "bodySite") if "bodySite" in resource else NO_CONCEPT
        self.specimen = ""
        if "specimen" in resource:
            self.specimen, taken_from = specimens(entry)
            self.sites = merged([self.sites, taken_from])
        self.inpatient = inpatient(entry) if "encounter" in resource else None


def read_observation(entry: Entry) -> list[Event]:
    """The observation itself and each of its components, under one reference.

    A panel that holds nothing but components gives no event of its own. Where the value is said to be absent
    (`dataAbsentReason`) or could not be read, the status is unknown: the name alone states nothing.
    """
    status = entry.status(statuses.RESULT, statuses.RESULT_VOIDS)
    if status is None:
        return []
    resource = entry.resource
    shared = _Shared(entry, status)
    notes = entry.notes() if "note" in resource else []
    parts = [_event(entry, part, shared, []) for part in _components(entry)]
    held = [part for part in parts if part.name or part.codings]
    if len(held) < len(parts):
        entry.problem("unreadable", "a component has no code; not used")
    if held and not notes and not any(key[:5] == "value" for key in resource):
        return held
    return [_event(entry, resource, shared, notes), *held]


def _components(entry: Entry) -> list[Json]:
    if entry.resource.get("component") is None:
        return []
    found = []
    for component in entry.objects(entry.resource, "component"):
        if component.get("modifierExtension"):
            entry.problem("unreadable", "a component has a modifier extension that is not known; not used")
        else:
            found.append(component)
    return found


def _event(entry: Entry, holder: Json, shared: _Shared, notes: list[str]) -> Event:
    content = read_content(entry, holder)
    name, codings = entry.concept(holder, "code")
    low, high, range_text = read_reference_range(entry, holder)
    return Event(
        kind="observation",
        reference=entry.reference,
        resource_type="Observation",
        name=name,
        codings=codings,
        status="unknown" if _value_is_absent(content, holder) else shared.status,
        category=shared.category,
        started=shared.started,
        ended=shared.ended,
        issued=shared.issued,
        quantity=content.quantity,
        value_text=content.text,
        value_codings=content.codings,
        value_boolean=content.boolean,
        interpretation=read_interpretation(entry, holder),
        range_low=low,
        range_high=high,
        range_text=range_text,
        sites=shared.sites[1],
        site_text=shared.sites[0],
        specimen=shared.specimen,
        texts=tuple(notes),
        inpatient=shared.inpatient,
    )


def _value_is_absent(content: Content, holder: Json) -> bool:
    """Whether a value was meant to be there but is not."""
    if content.quantity or content.text or content.codings or content.boolean is not None:
        return False
    return "dataAbsentReason" in holder or any(key[:5] == "value" or key[:6] == "_value" for key in holder)
