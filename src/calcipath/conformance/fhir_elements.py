"""Which elements FHIR R4 (4.0.1) requires at the root of resources that actions create or update.

`x[y]` stands for any choice element that begins with x. A type that is not here is only looked at as an object.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

REQUIRED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "AllergyIntolerance": ("patient",),
        "Appointment": ("status", "participant"),
        "CarePlan": ("status", "intent", "subject"),
        "Communication": ("status",),
        "CommunicationRequest": ("status",),
        "Condition": ("subject",),
        "Coverage": ("status", "beneficiary", "payor"),
        "DetectedIssue": ("status",),
        "DeviceRequest": ("intent", "code[x]", "subject"),
        "DocumentReference": ("status", "content"),
        "Encounter": ("status", "class"),
        "Flag": ("status", "code", "subject"),
        "Goal": ("lifecycleStatus", "description", "subject"),
        "Immunization": ("status", "vaccineCode", "patient", "occurrence[x]"),
        "ImmunizationRecommendation": ("patient", "date", "recommendation"),
        "MedicationRequest": ("status", "intent", "medication[x]", "subject"),
        "MedicationStatement": ("status", "medication[x]", "subject"),
        "NutritionOrder": ("status", "intent", "patient", "dateTime"),
        "Observation": ("status", "code"),
        "Procedure": ("status", "subject"),
        "QuestionnaireResponse": ("status",),
        "RequestGroup": ("status", "intent"),
        "RiskAssessment": ("status", "subject"),
        "ServiceRequest": ("status", "intent", "subject"),
        "SupplyRequest": ("item[x]", "quantity"),
        "Task": ("status", "intent"),
    }
)


def missing_elements(resource: Mapping[str, Any]) -> list[str]:
    """The required elements that a resource does not have."""
    wanted = REQUIRED.get(str(resource.get("resourceType")), ())
    return [name for name in wanted if not _present(name, resource)]


def _present(name: str, resource: Mapping[str, Any]) -> bool:
    if name.endswith("[x]"):
        return any(element.startswith(name[:-3]) for element in resource)
    return name in resource or f"_{name}" in resource
