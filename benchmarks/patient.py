"""A made-up dialysis patient of any size, the same on every machine: input of the benchmarks, no real person."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime, timedelta
from typing import Any

INDEX = datetime(2026, 1, 15, 8, 0, tzinfo=UTC)
SUBJECT = {"reference": "Patient/bench"}
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"

# code, name, unit, mean, standard deviation
LABORATORY = (
    ("2000-8", "Calcium SerPl-mCnc", "mg/dL", 9.4, 0.6),
    ("2777-1", "Phosphate SerPl-mCnc", "mg/dL", 6.1, 1.2),
    ("1751-7", "Albumin SerPl-mCnc", "g/dL", 3.1, 0.3),
    ("2731-8", "PTH-Intact SerPl-mCnc", "pg/mL", 520.0, 160.0),
    ("2823-3", "Potassium SerPl-sCnc", "mmol/L", 4.9, 0.4),
    ("2951-2", "Sodium SerPl-sCnc", "mmol/L", 138.0, 2.0),
    ("1963-8", "Bicarbonate SerPl-sCnc", "mmol/L", 22.0, 1.5),
    ("6301-6", "INR PPP", "1", 2.4, 0.3),
    ("777-3", "Platelets Bld", "10*9/L", 220.0, 40.0),
    ("8480-6", "Systolic blood pressure", "mm[Hg]", 138.0, 14.0),
    ("718-7", "Hemoglobin Bld-mCnc", "g/dL", 10.6, 0.8),
    ("4544-3", "Hematocrit Bld", "%", 32.0, 2.0),
)
CONDITIONS = (
    (ICD_10_CM, "N18.6", "End stage renal disease"),
    (ICD_10_CM, "E11.22", "Type 2 diabetes mellitus with diabetic chronic kidney disease"),
    (ICD_10_CM, "I48.20", "Chronic atrial fibrillation, unspecified"),
    (ICD_10_CM, "N25.81", "Secondary hyperparathyroidism of renal origin"),
    (ICD_10_CM, "L97.129", "Non-pressure chronic ulcer of left thigh with unspecified severity"),
    (ICD_10_CM, "I10", "Essential (primary) hypertension"),
    (ICD_10_CM, "H25.9", "Unspecified age-related cataract"),
)
DRUGS = (
    ("11289", "Warfarin"),
    ("7052", "Morphine"),
    ("35827", "Ketorolac"),
    ("36567", "Simvastatin"),
    ("29046", "Lisinopril"),
    ("1895", "Calcium"),
)
SENTENCES = (
    "Seen on haemodialysis, which she tolerated well through the left upper arm fistula.",
    "The left thigh shows a 6 x 4 cm tender indurated plaque with surrounding livedo reticularis.",
    "A black eschar of 3 cm lies over the lateral thigh; no crepitus, no purulent discharge.",
    "Pain is rated 8 of 10 and wakes her at night.",
    "She denies fever and chills; blood pressure was 142/76 before the session.",
    "Warfarin was continued for atrial fibrillation, target INR 2 to 3.",
    "There is no history of deep vein thrombosis; her mother had diabetes.",
    "Dorsalis pedis and posterior tibial pulses are palpable on both sides.",
    "Phosphate remains above target; sevelamer was increased and diet reviewed with the dietitian.",
    "Possible vasculitis was discussed; ANCA was negative last year.",
    "Lungs are clear, heart sounds irregular, no pericardial rub, mild ankle oedema.",
    "Wound care nurse dressed the ulcer; the next review is in one week.",
    "She slept poorly and asks about transport to the unit on holidays.",
    "Medication list was reconciled with the pharmacy and the family.",
)
SENTENCES_PER_NOTE = 28  # about 2,200 characters, the length of an ordinary progress note


def _instant(days_before: float) -> str:
    return (INDEX - timedelta(days=days_before)).isoformat().replace("+00:00", "Z")


def _coding(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _laboratory(number: int, chance: random.Random) -> dict[str, Any]:
    code, name, unit, mean, deviation = LABORATORY[number % len(LABORATORY)]
    return {
        "resourceType": "Observation",
        "id": f"laboratory-{number}",
        "status": "final",
        "category": [_coding("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "Laboratory")],
        "code": _coding(LOINC, code, name),
        "subject": SUBJECT,
        "effectiveDateTime": _instant(number * 0.9),
        "valueQuantity": {"value": round(chance.gauss(mean, deviation), 1), "unit": unit, "system": UCUM, "code": unit},
    }


def _condition(number: int) -> dict[str, Any]:
    system, code, name = CONDITIONS[number % len(CONDITIONS)]
    return {
        "resourceType": "Condition",
        "id": f"condition-{number}",
        "clinicalStatus": _coding("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "Active"),
        "code": _coding(system, code, name),
        "subject": SUBJECT,
        "recordedDate": _instant(5 + number * 3),
    }


def _medication(number: int) -> dict[str, Any]:
    code, name = DRUGS[number % len(DRUGS)]
    return {
        "resourceType": "MedicationRequest",
        "id": f"medication-{number}",
        "status": "active" if number < len(DRUGS) else "completed",
        "intent": "order",
        "medicationCodeableConcept": _coding(RXNORM, code, name),
        "subject": SUBJECT,
        "authoredOn": _instant(3 + number * 4),
    }


def _session(number: int) -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "id": f"session-{number}",
        "status": "completed",
        "code": _coding(SNOMED, "302497006", "Hemodialysis"),
        "subject": SUBJECT,
        "performedDateTime": _instant(1 + number * 7 / 3),
    }


def _note(number: int, chance: random.Random) -> dict[str, Any]:
    text = " ".join(chance.choice(SENTENCES) for _ in range(SENTENCES_PER_NOTE))
    return {
        "resourceType": "DocumentReference",
        "id": f"note-{number}",
        "status": "current",
        "type": _coding(LOINC, "11506-3", "Progress note"),
        "subject": SUBJECT,
        "date": _instant(1 + number * 1.5),
        "content": [
            {"attachment": {"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode("ascii")}}
        ],
    }


def patient_bundle(resources: int = 1000, notes: int = 0, seed: int = 2026) -> dict[str, Any]:
    """A FHIR R4 collection Bundle with exactly `resources` coded resources and `notes` progress notes besides."""
    chance = random.Random(seed)
    patient = {"resourceType": "Patient", "id": "bench", "gender": "female", "birthDate": "1961-05-02"}
    conditions = [_condition(number) for number in range(resources // 20)]
    medications = [_medication(number) for number in range(resources // 10)]
    sessions = [_session(number) for number in range(resources // 4)]
    others = 1 + len(conditions) + len(medications) + len(sessions)
    laboratory = [_laboratory(number, chance) for number in range(resources - others)]
    entries = [patient, *conditions, *medications, *sessions, *laboratory]
    entries += [_note(number, chance) for number in range(notes)]
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": entry} for entry in entries]}
