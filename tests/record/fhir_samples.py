"""Small FHIR R4 resources for the tests of the reader."""

from __future__ import annotations

from typing import Any

from calcipath.record.model import Event, Record
from calcipath.record.reader import RawResource, ReadReport, read_resources

PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1961-05"}
US: dict[str, Any] = {"reference": "Patient/p"}
SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"


def made(resource_type: str, identifier: str = "x", **fields: Any) -> dict[str, Any]:
    """A resource about the patient `p`."""
    whose = "patient" if resource_type == "AllergyIntolerance" else "subject"
    return {"resourceType": resource_type, "id": identifier, whose: US, **fields}


def concept(text: str = "", code: str = "", system: str = SNOMED, display: str = "") -> dict[str, Any]:
    """A CodeableConcept."""
    coding = {"system": system, "code": code, "display": display}
    return {
        **({"coding": [{k: v for k, v in coding.items() if v}]} if code else {}),
        **({"text": text} if text else {}),
    }


def report_of(*resources: Any, **options: Any) -> ReadReport:
    """The account of reading the patient and `resources`; it must add up."""
    found = read_resources(
        [RawResource(item, "", f"line {n}") for n, item in enumerate((PATIENT, *resources), 1)], **options
    )
    fates = (found.read, found.folded, found.ignored, found.dropped, found.refused)
    assert found.total == sum(sum(fate.values()) for fate in fates) == 1 + len(resources)
    return found


def record_of(*resources: Any, **options: Any) -> Record:
    """The record of the patient and `resources`."""
    return report_of(*resources, **options).record


def event_of(*resources: Any, **options: Any) -> Event:
    """The only event of the first resource, read without a problem."""
    found = record_of(*resources, **options)
    assert found.problems == ()
    (event,) = found.events
    return event


def problems_of(*resources: Any, **options: Any) -> list[tuple[str, str]]:
    """Reference and word of each problem."""
    return [(problem.reference, problem.problem) for problem in record_of(*resources, **options).problems]
