"""Small FHIR records of a patient with confirmed calciphylaxis, built fact by fact."""

from __future__ import annotations

from typing import Any

TODAY = "2026-01-14T10:00:00Z"
LOINC = "http://loinc.org"
LABORATORY = {
    "bicarbonate": ("1963-8", "Bicarbonate", "mmol/L"),
    "ionised calcium": ("1994-3", "Calcium.ionized", "mmol/L"),
    "sodium": ("2951-2", "Sodium", "mmol/L"),
    "systolic": ("8480-6", "Systolic blood pressure", "mm[Hg]"),
    "qtc": ("8636-3", "QTc interval", "ms"),
    "weight": ("29463-7", "Body weight", "kg"),
    "height": ("8302-2", "Body height", "cm"),
    "egfr": ("62238-1", "eGFR CKD-EPI", "mL/min/{1.73_m2}"),
    "creatinine clearance": ("2164-2", "Creatinine clearance", "mL/min"),
}
SAFE: dict[str, float] = {
    "bicarbonate": 24,
    "ionised calcium": 1.2,
    "sodium": 139,
    "systolic": 125,
    "qtc": 430,
    "weight": 70,
}
_SUBJECT = {"subject": {"reference": "Patient/p"}}


def resource(kind: str, number: int, **more: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": f"{kind.lower()}-{number}", **_SUBJECT, **more}


def patient(born: str = "1960-05-01", sex: str = "female") -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p", "gender": sex, "birthDate": born}


def result(number: int, name: str, value: float, date: str = TODAY) -> dict[str, Any]:
    code, display, unit = LABORATORY[name]
    return resource(
        "Observation", number, status="final", effectiveDateTime=date,
        code={"coding": [{"system": LOINC, "code": code, "display": display}]},
        valueQuantity={"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    )  # fmt: skip


def condition(number: int, name: str, verification: str = "confirmed") -> dict[str, Any]:
    return resource(
        "Condition", number, code={"text": name}, recordedDate="2026-01-13",
        clinicalStatus={"coding": [{"code": "active"}]}, verificationStatus={"coding": [{"code": verification}]},
    )  # fmt: skip


def sessions(
    number: int, name: str = "Hemodialysis", *, hours: float | None = 4, per_week: int | None = 3
) -> dict[str, Any]:
    repeat: dict[str, Any] = {"period": 1, "periodUnit": "wk", "frequency": per_week} if per_week else {}
    if hours:
        repeat |= {"duration": hours, "durationUnit": "h"}
    timing = {"occurrenceTiming": {"repeat": repeat}} if repeat else {}
    return resource(
        "ServiceRequest",
        number,
        status="active",
        intent="order",
        code={"text": name},
        authoredOn="2026-01-10",
        **timing,
    )


def procedure(
    number: int, name: str, start: str = "2026-01-12T08:00:00Z", end: str = "2026-01-12T12:00:00Z"
) -> dict[str, Any]:
    return resource(
        "Procedure", number, status="completed", code={"text": name}, performedPeriod={"start": start, "end": end}
    )


def drug(number: int, name: str, **more: Any) -> dict[str, Any]:
    return resource(
        "MedicationRequest", number, status="active", intent="order", authoredOn="2026-01-12",
        medicationCodeableConcept={"text": name}, **more,
    )  # fmt: skip


def thiosulfate(number: int, value: float, unit: str) -> dict[str, Any]:
    dose = {
        "doseAndRate": [
            {"doseQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}}
        ]
    }
    return drug(number, "Sodium thiosulfate", dosageInstruction=[{"text": "with each session", **dose}])


def record(
    *more: dict[str, Any], dialysis: str | None = "Hemodialysis", born: str = "1960-05-01", **values: float | None
) -> list[dict[str, Any]]:
    """A record in which nothing is unknown to the dose and nothing holds it, with `values` changed (None: absent)."""
    merged = {**SAFE, **{name.replace("_", " "): value for name, value in values.items()}}
    found = [patient(born), condition(1, "Calciphylaxis")]
    if dialysis:
        found += [procedure(1, dialysis), sessions(1, dialysis)] if "emodia" in dialysis else [procedure(1, dialysis)]
    found += [result(n, name, value) for n, (name, value) in enumerate(merged.items()) if value is not None]
    return [*found, *more]
