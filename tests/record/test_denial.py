"""What a denial denies: the whole by its general name, only itself by a special one."""

from __future__ import annotations

from typing import Any

import pytest

from calcipath.api import assess_resources

PATIENT = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1960-01-01"}


def verdicts(text: str) -> dict[str, str]:
    note: dict[str, Any] = {
        "resourceType": "Observation",
        "id": "exam",
        "status": "final",
        "code": {"text": "Clinical assessment"},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2026-01-15",
        "valueString": text,
    }
    answer = assess_resources([PATIENT, note]).answer
    return {item["id"]: item["verdict"] for item in answer["risk_factors"]}


@pytest.mark.parametrize(
    ("text", "risk", "verdict"),
    [
        ("No liver disease", "liver-disease", "no"),
        ("No cirrhosis", "liver-disease", "unknown"),
        ("Hepatitis B surface antigen negative", "liver-disease", "unknown"),
        ("No autoimmune disease", "autoimmune-disease", "no"),
        ("No vasculitis", "autoimmune-disease", "unknown"),
        ("No history of lupus", "autoimmune-disease", "unknown"),
        ("No known malignancy", "malignancy", "no"),
        ("No history of breast cancer", "malignancy", "unknown"),
        ("No history of diabetes", "diabetes", "no"),
        ("Non-diabetic", "diabetes", "no"),
        ("No diabetic retinopathy", "diabetes", "unknown"),
        ("Not obese", "obesity", "no"),
        ("No thrombophilia", "hypercoagulable-state", "no"),
        ("No factor V Leiden", "hypercoagulable-state", "unknown"),
        ("Not on dialysis", "dialysis", "no"),
        ("Not on peritoneal dialysis", "dialysis", "unknown"),
        ("No hyperparathyroidism", "hyperparathyroidism", "no"),
        ("Mother had lupus", "autoimmune-disease", "unknown"),
        ("Father died of lung cancer", "malignancy", "unknown"),
    ],
)
def test_a_denial_reaches_as_far_as_its_words(text: str, risk: str, verdict: str) -> None:
    assert verdicts(text)[risk] == verdict
