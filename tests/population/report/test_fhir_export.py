"""Groups and RiskAssessments by the rules of FHIR R4, written down here from its pages (4.0.1)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from calcipath.guideline.model import Guideline
from calcipath.population.report.fhir_export import risk_assessment

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
DATE_TIME = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?)?)?")
GROUP = {"resourceType", "id", "active", "type", "actual", "code", "name", "quantity", "characteristic", "member"}
ASSESSMENT = {
    "resourceType", "id", "status", "method", "code", "subject", "occurrenceDateTime", "basis", "mitigation", "note",
}  # fmt: skip
STATUS = {"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"}


@pytest.fixture
def folder(reported: Path) -> Path:
    return reported / "fhir"


def assessments(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "RiskAssessment.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def no_empty(value: Any) -> None:
    """FHIR JSON has no null, no empty text, object or array."""
    assert value not in (None, "", [], {})
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        no_empty(each)


def reference(value: dict[str, Any]) -> None:
    assert set(value) <= {"reference", "type", "identifier", "display"}
    if "reference" in value:
        assert re.fullmatch(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}", value["reference"])


def test_one_group_for_each_group_of_the_worklist(folder: Path, guideline: Guideline) -> None:
    found = {
        file.stem.removeprefix("Group-"): json.loads(file.read_text("utf-8")) for file in folder.glob("Group-*.json")
    }
    assert set(found) == {group.id for group in guideline.worklist.groups}
    for group in found.values():
        no_empty(group)
        assert set(group) <= GROUP
        assert (group["resourceType"], group["type"], group["actual"]) == ("Group", "person", True)
        assert ID.fullmatch(group["id"])
        assert group["quantity"] == len(group.get("member", ()))
        for member in group.get("member", ()):
            assert set(member) == {"entity"}
            reference(member["entity"])
        for each in group[
            "characteristic"
        ]:  # grp-1 asks for them where it is not actual; each has code, value, exclude
            assert set(each) == {"code", "valueCodeableConcept", "exclude"}
    members = found["modifiable-risk"]["member"]
    assert {"entity": {"reference": "Patient/at-risk"}} in members
    assert {"entity": {"type": "Patient", "identifier": {"value": "an id/that FHIR does not allow"}}} in members
    assert found["suspicious-lesion"]["member"] == [{"entity": {"reference": "Patient/suspected"}}]


def test_one_assessment_for_each_row(folder: Path, read_csv: Callable[[Path], list[dict[str, str]]]) -> None:
    found = assessments(folder)
    lines = len(read_csv(folder.parent / "worklist.csv"))
    assert len(found) == lines > 5
    assert len({each["id"] for each in found}) == len(found)
    for each in found:
        no_empty(each)
        assert set(each) <= ASSESSMENT
        assert each["status"] in STATUS
        assert each["status"] == "preliminary"
        assert ID.fullmatch(each["id"])
        assert DATE_TIME.fullmatch(each["occurrenceDateTime"])
        assert each["method"]["text"].startswith("calcipath ")
        reference(each["subject"])
        for basis in each.get("basis", ()):
            reference(basis)
        assert all(set(note) == {"text"} for note in each["note"])
        assert "no order, no diagnosis" in each["note"][-1]["text"]


def test_references_that_fhir_does_not_know_are_only_displayed() -> None:
    row = dict.fromkeys(
        ("urgency", "held_by", "decides", "ask_first", "cautions", "strength", "source", "why", "what", "to_do"), "x"
    )
    row |= {"patient": "1", "item": "risk:x", "list_group": "g", "verdict": "yes", "as_of": "someday"}
    found = risk_assessment({**row, "evidence": ["condition_occurrence/7", "Condition/7"]}, "m")
    assert found["basis"] == [{"display": "condition_occurrence/7"}, {"reference": "Condition/7"}]
    assert "occurrenceDateTime" not in found
