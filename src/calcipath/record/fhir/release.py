"""Resources that cannot be read as FHIR R4: the shapes of R5, and content that asks to be left alone if not known.

Source: FHIR R5, "R4/R5 differences" of each resource (http://hl7.org/fhir/R5/diff.html); FHIR R4, `modifierExtension`
and `implicitRules` (http://hl7.org/fhir/R4/extensibility.html#modifierExtension).
"""

from __future__ import annotations

from calcipath.record.fhir.entry import Json

R5_TYPES = {"MedicationUsage"}
_MEDICATIONS = ("MedicationRequest", "MedicationStatement", "MedicationAdministration", "MedicationDispense")
_R5_FIELDS = {
    "Procedure": ("occurrenceDateTime", "occurrencePeriod", "occurrenceString", "occurrenceTiming", "occurrenceAge"),
    "MedicationAdministration": ("occurenceDateTime", "occurencePeriod", "occurenceTiming", "occurrenceDateTime"),
    "Encounter": ("actualPeriod", "plannedStartDate"),
    "Condition": ("participant",),
}


def why_not_r4(resource: Json, resource_type: str) -> str:
    """Why a resource must not be read as R4, in words; empty when it may."""
    mark = _mark_of_r5(resource, resource_type)
    if mark:
        return f"looks like FHIR R5 ({mark}); not read"
    if resource.get("modifierExtension"):
        return "has a modifier extension that is not known, which may change its meaning; not used"
    if resource.get("implicitRules"):
        return "was made under implicit rules that are not known; not used"
    return ""


def _mark_of_r5(resource: Json, resource_type: str) -> str:
    if resource_type in R5_TYPES:
        return resource_type
    if resource_type in _MEDICATIONS and type(resource.get("medication")) is dict:
        return "medication.concept" if "concept" in resource["medication"] else "medication.reference"
    for field in _R5_FIELDS.get(resource_type, ()):
        if field in resource:
            return field
    if resource_type == "Encounter" and type(resource.get("class")) is list:
        return "a list of class"
    if resource_type == "ServiceRequest" and _is_codeable_reference(resource.get("code")):
        return "code.concept"
    if resource_type == "Condition":
        held = resource.get("evidence")
        return "evidence.concept" if type(held) is list and any(map(_is_codeable_reference, held)) else ""
    return "type as a concept" if resource_type == "AllergyIntolerance" and type(resource.get("type")) is dict else ""


def _is_codeable_reference(value: object) -> bool:
    return type(value) is dict and ("concept" in value or type(value.get("reference")) is dict)
