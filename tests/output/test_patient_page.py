"""The patient's page: which sections are there, and that nothing of the assessment's numbers or words gets in."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from calcipath.api import assess_path, load_guideline
from calcipath.guideline.model import Guideline
from calcipath.output.patient_page import patient_page, sections_for

CASES = Path(__file__).parents[1] / "data" / "cases"
ALWAYS = ["what-it-is", "call-at-once", "why-questions", "what-is-looked-at", "pain", "what-you-can-do"]


@pytest.fixture(scope="module")
def guideline() -> Guideline:
    return load_guideline()


@pytest.fixture(scope="module")
def valve() -> dict[str, Any]:
    return dict(assess_path(str(CASES / "05-esrd-mechanical-valves-warfarin.bundle.json")).answer)


def chosen(assessment: dict[str, Any], guideline: Guideline) -> list[str]:
    return [section.id for section, _ in sections_for(assessment, guideline.patient_information)]


def test_without_any_finding_the_common_sections_stand(guideline: Guideline) -> None:
    assert chosen({}, guideline) == ALWAYS


@pytest.mark.parametrize(
    ("part", "name", "section"),
    [
        ("risk_factors", "dialysis", "dialysis"),
        ("risk_factors", "vitamin-k-antagonist", "blood-thinner"),
        ("risk_factors", "systemic-corticosteroid", "steroids"),
        ("risk_factors", "calcium-based-binder", "minerals"),
        ("recommendations", "sodium-thiosulfate", "thiosulfate"),
        ("recommendations", "goals-of-care", "your-wishes"),
    ],
)
def test_a_section_is_there_where_its_item_stands(part: str, name: str, section: str, guideline: Guideline) -> None:
    def sections(verdict: str) -> set[str]:
        return set(chosen({part: [{"id": name, "verdict": verdict}]}, guideline)) - set(ALWAYS)

    assert sections("yes") == {section}
    assert sections("no") == sections("unknown") == set()
    assert sections("held") == ({section} if part == "recommendations" else set())


def test_warfarin_behind_a_valve_is_never_told_to_stop(
    valve: dict[str, Any], guideline: Guideline, outline: Any
) -> None:
    found = outline(patient_page(valve, guideline.patient_information))
    held = {item["id"] for item in valve["recommendations"] if item["verdict"] == "held"}
    assert "replace-warfarin" in held
    assert "Keep taking it, and ask before you stop anything." in found.text
    assert "It has not been proven that it heals" in found.text


def test_no_number_and_no_result_is_on_the_page(valve: dict[str, Any], guideline: Guideline, outline: Any) -> None:
    for file in sorted(CASES.glob("*.bundle.json"))[::5]:
        answer = assess_path(str(file)).answer
        page = patient_page(answer, guideline.patient_information)
        body = outline(page).text.split("Where this comes from")[0]
        assert not re.search(r"\d", body)
        for word in ("suspected", "confirmed", "mortality", "survival", answer["patient"]["id"] or "nobody"):
            assert word not in body.lower()
    marked = copy.deepcopy(valve)
    for item in (*marked["recommendations"], *marked["risk_factors"]):
        item |= {"statement": "MARKERX", "label": "MARKERX", "note": "MARKERX", "actions": ["MARKERX"]}
    assert "MARKERX" not in patient_page(marked, guideline.patient_information)


def test_sources_stand_below_without_numbers_of_prognosis(guideline: Guideline, outline: Any) -> None:
    every = {
        "risk_factors": [{"id": each.id, "verdict": "yes"} for each in guideline.risk_factors],
        "recommendations": [{"id": each.id, "verdict": "yes"} for each in guideline.recommendations],
    }
    found = outline(patient_page(every, guideline.patient_information))
    assert len(found.of("section")) == len(guideline.patient_information.sections)
    below = found.text.split("Where this comes from")[1]
    assert "default of this software" in below
    assert "%" not in below
