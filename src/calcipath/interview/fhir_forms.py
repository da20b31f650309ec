"""The FHIR R4 resources that answers and follow-up entries become. What is coded here says what was stated, no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from calcipath.guideline.interview_model import InterviewKnowledge
from calcipath.guideline.vocabulary import ABSENT_SYSTEM, OWN_SYSTEM
from calcipath.interview.entered import Entered, Resource

UCUM = "http://unitsofmeasure.org"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_ALLERGY_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_ALLERGY_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
Concept = dict[str, Any]


def quantity(value: float, unit: str) -> dict[str, Any]:
    """A Quantity in a UCUM unit."""
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def coded(concepts: Sequence[str], knowledge: InterviewKnowledge, *, unit: str = "", text: str = "") -> Concept:
    """A CodeableConcept of our own codes; a single one has its standard code too, where there is one for the unit."""
    codings = [{"system": OWN_SYSTEM, "code": concept} for concept in concepts]
    if len(concepts) == 1:
        codings += [
            {"system": each.system, "code": each.code}
            for each in knowledge.standard
            if each.concept == concepts[0] and (not each.units or unit in each.units)
        ]
    return {"coding": codings, "text": text or ", ".join(map(knowledge.name, concepts))}


def _status(system: str, code: str) -> Concept:
    return {"coding": [{"system": system, "code": code}]}


def condition(
    code: Concept, hint: str, entered: Entered, *, verification: str, clinical: str = "", onset: str = ""
) -> Resource:
    """A diagnosis, with what is vouched for: confirmed, provisional, refuted, or (empty) not said."""
    found = entered.resource("Condition", hint)
    if clinical:
        found["clinicalStatus"] = _status(_CLINICAL, clinical)
    if verification:
        found["verificationStatus"] = _status(_VERIFICATION, verification)
    found["code"] = code
    if onset:
        found["onsetDateTime"] = onset
    return found | {"recordedDate": entered.when, "recorder": entered.who(), "note": entered.notes()}


def allergy(code: Concept, hint: str, entered: Entered, *, present: bool) -> Resource:
    """An allergy that is confirmed, or refuted."""
    found = entered.resource("AllergyIntolerance", hint)
    if present:
        found["clinicalStatus"] = _status(_ALLERGY_CLINICAL, "active")
    verification = _status(_ALLERGY_VERIFICATION, "confirmed" if present else "refuted")
    return found | {
        "verificationStatus": verification,
        "code": code,
        "recordedDate": entered.when,
        "recorder": entered.who(),
        "note": entered.notes(),
    }


def observation(
    code: Concept,
    value: Mapping[str, Any],
    hint: str,
    entered: Entered,
    *,
    sites: Concept | None = None,
    since: str = "",
) -> Resource:
    """A finding or measurement; `value` is its `value[x]`, `since` the start of the period that it speaks of."""
    found = entered.resource("Observation", hint) | {"status": "final", "code": code}
    if since:
        found["effectivePeriod"] = {"start": since, "end": entered.when}
    else:
        found["effectiveDateTime"] = entered.when
    if sites:
        found["bodySite"] = sites
    return found | {**value, "performer": [entered.who()], "note": entered.notes()}


def report(
    examined: Concept, found_or_not: Sequence[str], hint: str, entered: Entered, knowledge: InterviewKnowledge,
    *, present: bool,
) -> Resource:  # fmt: skip
    """A report on what was `examined`, with what it found, or looked for and did not find."""
    found = entered.resource("DiagnosticReport", hint) | {"status": "final", "code": examined}
    found |= {"effectiveDateTime": entered.when, "performer": [entered.who()]}
    if found_or_not:
        system = OWN_SYSTEM if present else ABSENT_SYSTEM
        words = ", ".join(map(knowledge.name, found_or_not))
        codings = [{"system": system, "code": concept} for concept in found_or_not]
        found["conclusionCode"] = [{"coding": codings, "text": words if present else f"not found: {words}"}]
    return found


def statement(
    drug: Concept,
    status: str,
    hint: str,
    entered: Entered,
    *,
    since: str = "",
    dose: Mapping[str, Any] | None = None,
) -> Resource:
    """A drug that is taken (`active`), was taken (`completed`), or is not (`not-taken`)."""
    found = entered.resource("MedicationStatement", hint) | {"status": status, "medicationCodeableConcept": drug}
    if since:
        found["effectivePeriod"] = {"start": since}
    if dose:
        found["dosage"] = [{"doseAndRate": [{"doseQuantity": dict(dose)}]}]
    return found | {"dateAsserted": entered.when, "informationSource": entered.who(), "note": entered.notes()}


def administration(drug: Concept, dose: Mapping[str, Any], hint: str, entered: Entered, *, text: str = "") -> Resource:
    """A drug that was given at the time of the entry."""
    dosage: dict[str, Any] = {"text": text} if text else {}
    return entered.resource("MedicationAdministration", hint) | {
        "status": "completed",
        "medicationCodeableConcept": drug,
        "effectiveDateTime": entered.when,
        "performer": [{"actor": entered.who()}],
        "dosage": dosage | {"dose": dict(dose)},
        "note": entered.notes(),
    }


def procedure(code: Concept, performed: Mapping[str, Any], hint: str, entered: Entered) -> Resource:
    """A procedure that was done; `performed` is its `performed[x]`."""
    found = entered.resource("Procedure", hint) | {"status": "completed", "code": code}
    return found | {**performed, "recorder": entered.who(), "note": entered.notes()}


def order(code: Concept, repeat: Mapping[str, Any], hint: str, entered: Entered) -> Resource:
    """A standing order, as it was told: how often, or how long each time."""
    return entered.resource("ServiceRequest", hint) | {
        "status": "active",
        "intent": "order",
        "code": code,
        "authoredOn": entered.when,
        "occurrenceTiming": {"repeat": dict(repeat)},
        "requester": entered.who(),
        "note": entered.notes(),
    }


def stay(hint: str, entered: Entered) -> Resource:
    """A stay in hospital that goes on."""
    return entered.resource("Encounter", hint) | {
        "status": "in-progress",
        "class": {"system": _ACT, "code": "IMP", "display": "inpatient encounter"},
        "period": {"start": entered.when},
    }


def sites_of(sites: Iterable[str], knowledge: InterviewKnowledge) -> Concept | None:
    """Body sites as one CodeableConcept; None where none is given."""
    named = tuple(sites)
    return coded(named, knowledge) if named else None
