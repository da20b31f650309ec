"""Condition, AllergyIntolerance, and Device (an implant is a lasting fact about the patient)."""

from __future__ import annotations

from dataclasses import dataclass

from calcipath.record.fhir import statuses
from calcipath.record.fhir.common import encounter_start, inpatient, merged
from calcipath.record.fhir.datatypes import read_times
from calcipath.record.fhir.entry import Concept, Entry
from calcipath.record.model import Event, Status, Verification


@dataclass(frozen=True, slots=True)
class Standing:
    """Clinical and verification status."""

    status: Status
    verification: Verification


def read_standing(entry: Entry) -> Standing | None:
    """Both statuses; None when the entry is void or when that cannot be told.

    A missing clinical status is unknown: it is never taken as active. A bare string (as in older FHIR versions) is read
    as the code.
    """
    resource = entry.resource
    for field in ("clinicalStatus", "verificationStatus"):
        if resource.get(field) is not None and type(resource[field]) not in (dict, str):
            entry.refuse(f"{field} is not a CodeableConcept, so whether the entry stands cannot be told; not used")
            return None
    doubt = entry.code(resource, "verificationStatus").lower()
    if doubt in statuses.IN_ERROR:
        entry.drop(statuses.IN_ERROR[doubt])
        return None
    clinical = entry.code(resource, "clinicalStatus").lower()
    if clinical in statuses.IN_ERROR:
        entry.drop(statuses.IN_ERROR[clinical])
        return None
    for word, known in ((clinical, statuses.CONDITION), (doubt, statuses.VERIFICATION)):
        if word and word not in known:
            entry.problem("unreadable", f"status '{word[:40]}' is not one of FHIR R4; read as not stated")
    return Standing(statuses.CONDITION.get(clinical, "unknown"), statuses.VERIFICATION.get(doubt, "unstated"))


def read_condition(entry: Entry) -> list[Event]:
    """One event; its value is the severity, and its texts hold notes, stages and an onset given in words.

    Where no date of recording is given, it is that of the encounter.
    """
    standing = read_standing(entry)
    if standing is None:
        return []
    resource = entry.resource
    name, codings = entry.concept(resource, "code")
    started, until, onset_words = read_times(entry, "onset")
    ended, last, end_words = read_times(entry, "abatement")
    severity, severity_codings = entry.concept(resource, "severity")
    site_text, sites = entry.concepts(resource, "bodySite")
    texts = [*entry.notes(), *_stages(entry), onset_words, end_words]
    return [
        Event(
            kind="condition",
            reference=entry.reference,
            resource_type="Condition",
            name=name,
            codings=codings,
            status=_status(entry, standing.status),
            verification=standing.verification,
            category=entry.code(resource, "category"),
            started=started or until,
            ended=last or ended,
            issued=entry.when(resource, "recordedDate")
            or (encounter_start(entry) if "encounter" in resource else None),
            value_text=severity,
            value_codings=severity_codings,
            sites=sites,
            site_text=site_text,
            texts=tuple(text for text in texts if text),
            inpatient=inpatient(entry),
        )
    ]


def _stages(entry: Entry) -> list[str]:
    if entry.resource.get("stage") is None:
        return []
    return [entry.concept(stage, "summary")[0] for stage in entry.objects(entry.resource, "stage")]


def _status(entry: Entry, status: Status) -> Status:
    """An abatement without a clinical status means resolved (R4 invariant con-4); with `active` it contradicts it."""
    resource = entry.resource
    abated = any(key[:9] == "abatement" and resource[key] not in (None, False) for key in resource)
    if abated and status == "active":
        entry.problem("contradiction", "is active and has an abatement; read as active")
    return "completed" if abated and status == "unknown" else status


def read_allergy(entry: Entry) -> list[Event]:
    """One event; value and texts hold the reactions. Without a code, the substances of the reactions name it."""
    standing = read_standing(entry)
    if standing is None:
        return []
    resource = entry.resource
    reactions = entry.objects(resource, "reaction")
    manifestation, manifestation_codings = merged([entry.concepts(item, "manifestation") for item in reactions])
    started, _, onset_words = read_times(entry, "onset")
    name, codings = _substance(entry)
    texts = [*entry.notes(), *(entry.text(item, "description") for item in reactions), onset_words]
    return [
        Event(
            kind="allergy",
            reference=entry.reference,
            resource_type="AllergyIntolerance",
            name=name,
            codings=codings,
            status=standing.status,
            verification=standing.verification,
            category=_kind_of_allergy(entry),
            started=started,
            issued=entry.when(resource, "recordedDate"),
            value_text=manifestation,
            value_codings=manifestation_codings,
            texts=tuple(text for text in texts if text),
        )
    ]


def _substance(entry: Entry) -> Concept:
    found = entry.concept(entry.resource, "code")
    if found[0] or found[1]:
        return found
    return merged([entry.concept(item, "substance") for item in entry.objects(entry.resource, "reaction")])


def _kind_of_allergy(entry: Entry) -> str:
    """The first category: food, medication, environment, biologic."""
    held = entry.resource.get("category")
    first = held[0] if type(held) is list and held else held
    return entry.text({"category": first}, "category")


_DEVICE: dict[str, Status] = {"active": "active", "inactive": "inactive"}


def read_device(entry: Entry) -> list[Event]:
    """One event for an implanted or worn device (a mechanical heart valve), as a lasting condition."""
    resource = entry.resource
    status = entry.code(resource, "status").lower()
    if status in statuses.IN_ERROR:
        entry.drop(statuses.IN_ERROR[status])
        return []
    name, codings = entry.concept(resource, "type")
    names = [entry.text(item, "name") for item in entry.objects(resource, "deviceName")]
    if not (name or codings or any(names)):
        entry.refuse("names no type of device; not used")
        return []
    return [
        Event(
            kind="condition",
            reference=entry.reference,
            resource_type="Device",
            name=name or next(filter(None, names), ""),
            codings=codings,
            status=_DEVICE.get(status, "unknown"),
            started=entry.when(resource, "manufactureDate"),
            texts=tuple(entry.notes()),
        )
    ]
