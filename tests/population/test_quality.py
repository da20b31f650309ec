"""quality.json counts what was not used, by the words in which a single patient's answer tells it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from calcipath.api import assess_resources
from calcipath.cli import main
from calcipath.options import AssessmentOptions

AS_OF = "2026-06-30"
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
Resource = dict[str, Any]


def observation(
    number: str, value: float | None, unit: str, day: str = "2026-06-01", *, comparator: str = "", **code: Any
) -> Resource:
    quantity = {"value": value, "unit": unit, "system": UCUM, "code": unit} if unit else {"value": value}
    if comparator:
        quantity["comparator"] = comparator
    coding = [{"system": LOINC, "code": "1751-7", "display": "Albumin"} | code]
    return {
        "resourceType": "Observation", "id": number, "status": "final", "effectiveDateTime": day,
        "code": {"coding": coding}, "valueQuantity": quantity, "subject": {"reference": "Patient/p"},
    }  # fmt: skip


def drug(number: str, day: str, code: Resource, status: str = "active") -> Resource:
    return {
        "resourceType": "MedicationRequest", "id": number, "status": status, "intent": "order", "authoredOn": day,
        "medicationCodeableConcept": code, "subject": {"reference": "Patient/p"},
    }  # fmt: skip


WARFARIN = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "11289"}]}
CALCIUM = {"code": "17861-6", "display": "Calcium"}
RECORD = [
    {"resourceType": "Patient", "id": "p"},
    observation("a1", 2.9, "g/dL"),
    observation("a2", 25.0, "g/dL"),  # would be 2.5 as g/L
    observation("a3", 26.0, "g/dL", "2026-06-02"),
    observation("a4", 5000.0, "g/dL"),  # 500 g/dL as g/L, 33 g/dL as umol/L: nothing fits
    observation("a5", -1.0, "g/dL"),
    observation("a6", 0.2, "g/dL", comparator="<"),  # below a limit of detection: believable
    observation("a7", 30.0, "g/dL", comparator=">"),
    observation("a8", 2.9, ""),
    observation("a9", 99.0, "g/dL", "2026-07-01"),  # later than the assessment: only that is told
    observation("c1", 0.1, "mg/dL", **CALCIUM),  # a value of two facts
    observation("f1", 3.0, "g/dL", "2026-07-15"),
    observation("f2", 3.0, "g/dL", "2026-06-30T23:30:00-10:00"),  # the same day as written
    drug("m1", "2026-07-02", WARFARIN),
    drug("m2", "2026-07-03", WARFARIN, "draft"),  # a plan may lie ahead
    drug("m3", "2026-06-01", {"coding": [{"system": "urn:local", "code": "X-17", "display": "Blue pills"}]}),
    drug("m4", "2026-06-02", {"coding": [{"system": "urn:local", "code": "X-17", "display": "Blue pills"}]}),
    drug("m5", "2026-06-02", {"coding": [{"code": "seen by Dr Smith"}], "text": "Warfarin"}),
    drug("m6", "2026-06-02", {"text": "Green pills"}),
]


@pytest.fixture(scope="module")
def quality(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("quality")
    return screened(folder, "--as-of", AS_OF)


def screened(folder: Path, *options: str) -> dict[str, Any]:
    (folder / "source").mkdir()
    (folder / "source" / "a.ndjson").write_text("\n".join(map(json.dumps, RECORD)))
    asked = ["screen", str(folder / "source"), "--out", str(folder / "out"), "--no-report", *options]
    assert main(asked) == 0
    found = json.loads((folder / "out" / "latest" / "quality.json").read_text())
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def answer() -> dict[str, Any]:
    return dict(assess_resources(RECORD, AssessmentOptions(as_of=AS_OF)).answer)


def test_values_that_are_not_believable_are_counted_by_fact(quality: dict[str, Any]) -> None:
    told = {(each["fact"], each["why"]): each["entries"] for each in quality["values_not_used"]}
    assert told == {
        ("albumin", "unit-impossible"): 3,  # a2, a3, a7
        ("albumin", "value-implausible"): 2,  # a4, a5
        ("albumin", "unit-missing"): 1,  # a8
        ("calcium-total", "value-implausible"): 1,
        ("calcium-total-now", "value-implausible"): 1,
    }


def test_they_are_those_of_the_single_patients_answer(quality: dict[str, Any], answer: dict[str, Any]) -> None:
    told = Counter(each["problem"] for each in answer["data_problems"])
    counted = Counter[str]()
    for each in quality["values_not_used"]:
        counted[each["why"]] += each["entries"] if each["fact"] != "calcium-total-now" else 0  # told once for an entry
    assert counted == {why: told[why] for why in ("unit-impossible", "value-implausible", "unit-missing")}


def test_entries_of_later_days_are_counted(quality: dict[str, Any], answer: dict[str, Any]) -> None:
    later = {each["reference"] for each in answer["data_problems"] if each["problem"] == "future-date"}
    assert later == {"Observation/a9", "Observation/f1", "MedicationRequest/m1"}
    assert quality["future"] == 3
    told = {(p["resource_type"], p["entries"]) for p in quality["problems"] if p["problem"] == "future-date"}
    assert told == {("Observation", 2), ("MedicationRequest", 1)}


def test_without_a_day_nothing_is_later(tmp_path: Path) -> None:
    assert screened(tmp_path)["future"] is None


def test_codes_that_stand_for_nothing_are_counted(quality: dict[str, Any], answer: dict[str, Any]) -> None:
    assert quality["codes_not_recognised"] == answer["reading"]["codes_not_recognised"]
    assert quality["codes_not_recognised"] == {"urn:local": 2, "no system": 1}
    assert [
        (each["system"], each["code"], each["contents"], each["entries"]) for each in quality["frequent_codes"]
    ] == [
        ("urn:local", "X-17", 1, 2),
        ("no system", "(not shown)", 1, 1),  # may be words about somebody
    ]


def test_entries_in_which_nothing_was_recognised_are_counted(quality: dict[str, Any]) -> None:
    assert quality["nothing_recognised"] == [{"resource_type": "MedicationRequest", "contents": 2, "entries": 3}]


def test_names_are_not_in_it(quality: dict[str, Any]) -> None:
    text = json.dumps(quality)
    assert not [name for name in ("Smith", "pills") if name in text]
