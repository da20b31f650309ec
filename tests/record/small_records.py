"""Small FHIR R4 resources of one patient, and what the reader makes of them."""

from __future__ import annotations

from typing import Any

from calcipath.record.model import Event, Record
from calcipath.record.reader import RawResource, read_record

PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1960-05-04"}
SUBJECT = {"reference": "Patient/p"}
SNOMED = "http://snomed.info/sct"


def resource(kind: str, **fields: Any) -> dict[str, Any]:
    whose = "patient" if kind == "AllergyIntolerance" else "subject"
    return {"resourceType": kind, "id": "x", whose: SUBJECT, **fields}


def status(code: str) -> dict[str, Any]:
    return {"coding": [{"code": code}]}


def words(text: str) -> dict[str, Any]:
    return {"text": text}


def record(*resources: Any, **options: Any) -> Record:
    return read_record([RawResource(r, "", f"entry[{n}]") for n, r in enumerate((PATIENT, *resources))], **options)


def only(*resources: Any, **options: Any) -> Event:
    found = record(*resources, **options)
    assert len(found.events) == 1, (found.events, found.problems)
    return found.events[0]


def listed(found: Record) -> list[tuple[str, str]]:
    return [(p.reference, p.problem) for p in found.problems]
