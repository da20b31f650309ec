"""The instant of the assessment: windows, stale values, the future, and what the units of a record do to a verdict."""

from __future__ import annotations

from typing import Any

import pytest

from calcipath.api import assess_resources
from calcipath.errors import InputError
from calcipath.options import AssessmentOptions

PATIENT = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1960"}
DIALYSIS = {
    "resourceType": "Procedure", "id": "hd", "status": "in-progress", "subject": {"reference": "Patient/p"},
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "302497006"}]}, "performedPeriod": {"start": "2020"},
}  # fmt: skip


def laboratory(code: str, value: float, unit: str, when: str, name: str = "lab", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": name, "status": "final", "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "effectiveDateTime": when,
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit, **more},
    }  # fmt: skip


def assessed(*resources: dict[str, Any], as_of: str = "") -> dict[str, Any]:
    return dict(assess_resources([PATIENT, *resources], AssessmentOptions(as_of=as_of)).answer)


def risk(answer: dict[str, Any], name: str) -> str:
    return next(r["verdict"] for r in answer["risk_factors"] if r["id"] == name)


def test_files_speak_for_their_newest_clinical_date() -> None:
    answer = assessed(laboratory("2823-3", 6.6, "mmol/L", "2026-01-10T08:00:00Z"))
    assert answer["as_of"] == answer["record_ends"] == "2026-01-10T08:00:00Z"
    assert [u["id"] for u in answer["urgent"]] == ["hyperkalaemia"]


def test_a_stale_safety_value_is_unknown_and_says_so() -> None:
    answer = assessed(laboratory("2823-3", 6.6, "mmol/L", "2026-01-10"), as_of="2026-01-18")  # 8 days; the window is 7
    assert answer["urgent"] == []
    fresh = assessed(laboratory("2823-3", 6.6, "mmol/L", "2026-01-10"), as_of="2026-01-16")
    assert [u["id"] for u in fresh["urgent"]] == ["hyperkalaemia"]


def test_the_window_is_shorter_in_hospital() -> None:
    stay = {
        "resourceType": "Encounter", "id": "e", "status": "in-progress", "class": {"code": "IMP"},
        "subject": {"reference": "Patient/p"}, "period": {"start": "2026-01-09"},
    }  # fmt: skip
    answer = assessed(laboratory("2823-3", 6.6, "mmol/L", "2026-01-10"), stay, as_of="2026-01-15")  # 5 days > 72 h
    assert answer["urgent"] == []


def test_what_lies_after_the_instant_is_listed_and_not_used() -> None:
    answer = assessed(laboratory("2823-3", 6.6, "mmol/L", "2026-02-01"), as_of="2026-01-15")
    assert answer["urgent"] == []
    assert [p["problem"] for p in answer["data_problems"]] == ["future-date"]


def test_an_impossible_instant_is_one_sentence() -> None:
    with pytest.raises(InputError, match="2026-13-01"):
        assessed(as_of="2026-13-01")


@pytest.mark.parametrize(
    ("value", "unit", "verdict"),
    [
        (600, "pg/mL", "yes"),  # above 300 pg/mL on dialysis
        (600, "ng/L", "yes"),  # the same unit by another name
        (63.6, "pmol/L", "yes"),  # 63.6 / 0.106 = 600 pg/mL (evidence dossier, section 4)
        (21.2, "pmol/L", "no"),  # 200 pg/mL
        (0.6, "ng/mL", "yes"),  # 600 pg/mL
        (600, "ng/mL", "unknown"),  # the review's printed unit: a thousand times too high
        (600, "pg/dL", "unknown"),  # flagged, not believed
    ],
)
def test_pth_by_unit(value: float, unit: str, verdict: str) -> None:
    answer = assessed(DIALYSIS, laboratory("2731-8", value, unit, "2026-01-10"))
    assert risk(answer, "hyperparathyroidism") == verdict
    flagged = [p["reference"] for p in answer["data_problems"]]
    assert flagged == (["Observation/lab"] if verdict == "unknown" else [])


def test_a_comparator_is_an_interval() -> None:
    below = laboratory("2731-8", 100, "pg/mL", "2026-01-10", comparator="<")
    assert risk(assessed(DIALYSIS, below), "low-pth") == "yes"
    above = laboratory("2731-8", 50, "pg/mL", "2026-01-10", comparator=">")
    assert risk(assessed(DIALYSIS, above), "low-pth") == "unknown"


def test_the_newest_value_wins_then_the_later_issued() -> None:
    old = laboratory("2731-8", 900, "pg/mL", "2026-01-01", "old")
    new = laboratory("2731-8", 80, "pg/mL", "2026-01-10", "new")
    assert risk(assessed(DIALYSIS, new, old), "low-pth") == "yes"
    first = {**laboratory("2731-8", 900, "pg/mL", "2026-01-10", "first"), "issued": "2026-01-10T08:00:00Z"}
    corrected = {**laboratory("2731-8", 80, "pg/mL", "2026-01-10", "corrected"), "issued": "2026-01-10T12:00:00Z"}
    assert risk(assessed(DIALYSIS, corrected, first), "low-pth") == "yes"


@pytest.mark.parametrize(
    ("start", "verdict"), [("2019", "yes"), ("2023", "no"), ("2021", "unknown"), ("2020-06", "yes")]
)
def test_partial_dates_decide_only_what_they_can(start: str, verdict: str) -> None:
    # on 2026-01-10: 2019 is at least 6 years, 2023 at most 3; 2021 is 4.03 to 5.03 years; 2020-06 at least 5.5
    dialysis = {**DIALYSIS, "performedPeriod": {"start": start}}
    assert risk(assessed(dialysis, laboratory("2823-3", 4, "mmol/L", "2026-01-10")), "long-dialysis-vintage") == verdict


def lesion(text: str, verification: str = "confirmed") -> dict[str, Any]:
    return {
        "resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}, "code": {"text": text},
        "clinicalStatus": {"coding": [{"code": "active"}]}, "verificationStatus": {"coding": [{"code": verification}]},
    }  # fmt: skip


def test_a_doubtful_lesion_is_not_read_as_no_lesion() -> None:
    normal = laboratory("2160-0", 0.8, "mg/dL", "2026-01-10")  # normal kidney function: no dialysis
    assert assessed(normal)["suspicion"]["level"] == "not-suspected"
    for doubtful in (lesion("Possible ulcer of the thigh"), lesion("Ulcer of the thigh", "provisional")):
        assert assessed(normal, doubtful)["suspicion"]["level"] == "undetermined"


def test_a_refuted_calciphylaxis_is_no_lesion() -> None:
    normal = laboratory("2160-0", 0.8, "mg/dL", "2026-01-10")
    assert assessed(normal, lesion("Calciphylaxis", "refuted"))["suspicion"]["level"] == "not-suspected"
