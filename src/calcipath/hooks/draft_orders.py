"""Draft orders of a request, read as if they were signed: what they would make of the record."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calcipath.guideline.hook_knowledge import WatchedOrder
from calcipath.record.model import Finding

ORDER_TYPES = ("MedicationRequest", "ServiceRequest")
ENDED = ("cancelled", "stopped", "completed", "ended", "revoked", "entered-in-error")
Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """An order of the request as it came, and the reference under which it stands in the record."""

    reference: str
    resource: Resource
    selected: bool

    @property
    def words(self) -> str:
        """All its human text, in lower case."""
        return " ".join(_texts(self.resource)).lower()


def drafts(bundle: Sequence[Resource], patient: str, selections: Sequence[str]) -> tuple[Draft, ...]:
    """The orders that would begin something for this patient; with `selections` only those count as chosen."""
    found = []
    for number, resource in enumerate(bundle):
        if resource.get("resourceType") not in ORDER_TYPES or not _is_of(resource, patient) or not begins(resource):
            continue
        name = resource.get("id")
        kind = resource["resourceType"]
        reference = f"{kind}/{name}" if isinstance(name, str) and name else f"{kind}/draft-{number}"
        found.append(Draft(reference, resource, not selections or reference in selections))
    return tuple(found)


def begins(resource: Resource) -> bool:
    """Whether the order starts or goes on with something; one that ends or forbids it complies already."""
    return resource.get("status") not in ENDED and resource.get("doNotPerform") is not True


def _is_of(resource: Resource, patient: str) -> bool:
    """No subject is read as the patient in context."""
    subject = resource.get("subject")
    reference = subject.get("reference") if isinstance(subject, Mapping) else None
    return reference is None or (isinstance(reference, str) and reference.rsplit("/", 1)[-1] == patient)


def identified(bundle: Sequence[Resource]) -> list[Resource]:
    """The resources, each with an id: what is new may have none yet."""
    return [
        each if isinstance(each.get("id"), str) and each["id"] else {**each, "id": f"new-{number}"}
        for number, each in enumerate(bundle)
    ]


def as_signed(found: Iterable[Draft], bundle: Sequence[Resource], patient: str, now: str) -> list[Resource]:
    """The bundle's resources for the record: orders active and dated now, what they refer to as it is."""
    by_identity = {id(draft.resource): draft for draft in found}
    signed: list[Resource] = []
    for resource in bundle:
        draft = by_identity.get(id(resource))
        if draft is None:
            if resource.get("resourceType") not in ORDER_TYPES or not begins(resource):
                signed.append(resource)
            continue
        order = copy.copy(dict(resource))
        order |= {"id": draft.reference.split("/")[1], "status": "active", "intent": "order", "authoredOn": now}
        order["subject"] = {"reference": f"Patient/{patient}"}
        signed.append(order)
    return signed


def without(resources: Iterable[Resource], replaced: Iterable[Resource]) -> list[Resource]:
    """The record's resources without those of which the request holds a newer version."""
    newer = {(each.get("resourceType"), each.get("id")) for each in replaced if each.get("id")}
    return [each for each in resources if (each.get("resourceType"), each.get("id")) not in newer]


def watched(found: Sequence[Draft], findings: Iterable[Finding], order: WatchedOrder) -> tuple[Draft, ...]:
    """The chosen drafts that are of the watched kind, by code or name."""
    references = {
        finding.event.reference
        for finding in findings
        if finding.concept in order.concepts and finding.assertion == "stated" and finding.route != "text"
    }
    return tuple(draft for draft in found if draft.selected and draft.reference in references)


def _texts(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [text for key, part in value.items() for text in _texts_of(str(key), part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return []


def _texts_of(key: str, value: object) -> list[str]:
    if isinstance(value, str):
        return [value] if key in ("text", "display", "patientInstruction") else []
    return _texts(value)
