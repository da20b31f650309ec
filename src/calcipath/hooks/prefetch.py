"""Prefetch: templates derived from the facts that the conditions need, and what a client answered to each.

CDS Hooks 2.0, "Prefetch template". Of each key five states are told apart: absent (the client chose not to send it), null
(its query found nothing), a searchset (empty, whole or one page of several), a resource, an OperationOutcome (its query
failed; it is not asked again).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from calcipath.guideline.dependencies import dependencies
from calcipath.guideline.expression import references
from calcipath.guideline.hook_knowledge import HookService
from calcipath.guideline.model import Fact, Guideline, Recommendation

State = Literal["absent", "null", "whole", "partial", "failed", "unreadable"]
PATIENT = "patient"
PATIENT_TEMPLATE = "Patient/{{context.patientId}}"
KEYS = {  # prefetch key of each resource type
    "Condition": "conditions",
    "Observation": "observations",
    "DiagnosticReport": "reports",
    "Procedure": "procedures",
    "ServiceRequest": "orders",
    "MedicationRequest": "medicationRequests",
    "MedicationStatement": "medicationStatements",
    "MedicationAdministration": "medicationAdministrations",
    "AllergyIntolerance": "allergies",
    "Encounter": "encounters",
}
# Which resource types can hold a concept of a family (FHIR R4's own division of what is recorded where).
FAMILY_TYPES: Mapping[str, tuple[str, ...]] = {
    "diagnosis": ("Condition",),
    "symptom-sign": ("Condition", "Observation"),
    "lesion": ("Condition", "Observation"),
    "site": ("Condition",),
    "quality": ("Condition", "Observation"),
    "laboratory": ("Observation",),
    "measurement": ("Observation",),
    "histology": ("DiagnosticReport", "Observation"),
    "specimen": ("DiagnosticReport",),
    "drug": ("MedicationRequest", "MedicationStatement", "MedicationAdministration"),
    "procedure": ("Procedure",),
    "course": ("Condition", "Observation"),
    "team": ("ServiceRequest",),
}
KIND_TYPES: Mapping[str, tuple[str, ...]] = {
    "frequency": ("ServiceRequest",),
    "duration": ("ServiceRequest", "Procedure"),
    "setting": ("Encounter",),
}
COMPLETE_TYPES = {"medications": "MedicationRequest", "allergies": "AllergyIntolerance"}


def templates(guideline: Guideline, service: HookService) -> dict[str, str]:
    """The service's prefetch templates: the patient, then one search for each resource type that its conditions need."""
    needed = set(_types(guideline, service))
    searches = {KEYS[kind]: f"{kind}?patient={{{{context.patientId}}}}&_count=500" for kind in KEYS if kind in needed}
    return {PATIENT: PATIENT_TEMPLATE, **searches}


def _types(guideline: Guideline, service: HookService) -> Iterator[str]:
    for name in _facts(guideline, service):
        fact = guideline.facts.get(name)
        if fact is not None:
            yield from _types_of(guideline, fact)


def _types_of(guideline: Guideline, fact: Fact) -> Iterator[str]:
    yield from KIND_TYPES.get(fact.kind, ())
    if fact.within_days_inpatient is not None:
        yield "Encounter"
    if fact.absent_when_complete == "allergies":
        yield "AllergyIntolerance"
    for concept in (*fact.concepts, *fact.with_concepts, *fact.without_concepts):
        yield from FAMILY_TYPES.get(guideline.vocabulary.family(concept), ())


def _facts(guideline: Guideline, service: HookService) -> set[str]:
    """Every name that the service's recommendations and urgent findings rest on, through all definitions."""
    graph = dependencies(guideline)
    hooks = guideline.hooks
    named = {item.recommendation for group in service.groups for item in hooks.groups[group].items}
    if service.orders:
        named |= {item.recommendation for order in hooks.orders for item in order.items}
    open_names = [f"recommendation:{name}" for name in named] + ["suspicion-level"]
    open_names += [name for item in guideline.recommendations if item.id in named for name in _said(item)]
    open_names += [name for condition in hooks.conditions() for name in references(condition.tree)]
    if service.urgent:
        open_names.append("any-urgent")
    found: set[str] = set()
    while open_names:
        name = open_names.pop()
        if name not in found:
            found.add(name)
            open_names.extend(graph.get(name, ()))
    return found


def _said(item: Recommendation) -> Iterator[str]:
    """The names on which the cautions, actions and urgency of a recommendation rest."""
    conditions = [said.condition for said in (*item.cautions, *item.actions)] + [item.urgent_now]
    yield from (name for condition in conditions if condition for name in references(condition.tree))


@dataclass(frozen=True, slots=True)
class Prefetched:
    """What a key holds: its state, resources, and where a partial answer goes on."""

    state: State
    resources: tuple[Mapping[str, Any], ...] = ()
    next_page: str = ""


ABSENT = Prefetched("absent")


def read_prefetch(prefetch: Mapping[str, Any] | None, keys: Iterable[str]) -> dict[str, Prefetched]:
    """Every key of the templates with its state; keys that are not ours are ignored."""
    held = prefetch or {}
    return {key: _read(held[key]) if key in held else ABSENT for key in keys}


def _read(value: object) -> Prefetched:
    if value is None:
        return Prefetched("null")
    if not isinstance(value, Mapping):
        return Prefetched("unreadable")
    kind = value.get("resourceType")
    if kind == "OperationOutcome":
        return Prefetched("failed")
    if kind != "Bundle":
        return Prefetched("whole", (value,)) if isinstance(kind, str) else Prefetched("unreadable")
    return read_searchset(value)


def read_searchset(bundle: Mapping[str, Any]) -> Prefetched:
    """A searchset: its resources, and the link to its next page. An OperationOutcome of an error makes it failed."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        return Prefetched("unreadable")
    resources: list[Mapping[str, Any]] = []
    for entry in entries:
        resource = entry.get("resource") if isinstance(entry, Mapping) else None
        if not isinstance(resource, Mapping):
            continue
        if resource.get("resourceType") == "OperationOutcome":
            if _is_error(resource):
                return Prefetched("failed", tuple(resources))
            continue
        resources.append(resource)
    following = next_page(bundle)
    return Prefetched("partial" if following else "whole", tuple(resources), following)


def _is_error(outcome: Mapping[str, Any]) -> bool:
    issues = outcome.get("issue")
    return any(
        isinstance(issue, Mapping) and issue.get("severity") in ("error", "fatal")
        for issue in (issues if isinstance(issues, list) else [])
    )


def next_page(bundle: Mapping[str, Any]) -> str:
    """The address of the next page; empty on the last."""
    links = bundle.get("link")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, Mapping) and link.get("relation") == "next" and isinstance(link.get("url"), str):
            return str(link["url"])
    return ""


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that is known of the patient: resources, what is complete, and which keys could not be had and why."""

    resources: tuple[Mapping[str, Any], ...]
    complete: frozenset[str]
    missing: Mapping[str, str]

    @property
    def patient(self) -> Mapping[str, Any] | None:
        """The Patient resource."""
        return next((each for each in self.resources if each.get("resourceType") == "Patient"), None)


WHY = {
    "absent": "not sent, and not to be fetched",
    "failed": "the query failed",
    "unreadable": "what was sent is not FHIR",
    "partial": "only its first page was sent",
}


def gathered(states: Mapping[str, Prefetched], why: Mapping[str, str] | None = None) -> Gathered:
    """What the keys hold together; `why` says in words for a key what hindered its fetching."""
    said = why or {}
    resources = tuple(each for held in states.values() for each in held.resources)
    complete = {
        name for name, kind in COMPLETE_TYPES.items() if (held := states.get(KEYS[kind])) and _is_complete(held)
    }
    missing = {key: said.get(key, WHY[held.state]) for key, held in states.items() if held.state in WHY}
    return Gathered(resources, frozenset(complete), missing)


def _is_complete(held: Prefetched) -> bool:
    return held.state in ("null", "whole")
