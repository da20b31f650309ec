"""Patients whom the guideline and the vocabulary were not built on, against what a careful clinician says of them.

The bundles and expectations in data/unseen were written from clinical knowledge of published pictures: dialysis of both
kinds, transplant and non-uraemic disease, mimics, a patient without lesion. Each expectation names what must be answered
and what must not; what careful clinicians could see differently is in neither list.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from calcipath.api import assess_path

FOLDER = Path(__file__).parent / "data" / "unseen"
NAMES = sorted(path.name.removesuffix(".expect.yaml") for path in FOLDER.glob("*.expect.yaml"))
LEADING = {"established", "favoured"}
TOLERATED = {"yes": {"yes"}, "no": {"no", "unknown", "held"}, "unknown": {"unknown", "held"}, "held": {"held"}}


@cache
def answer(name: str) -> Mapping[str, Any]:
    return assess_path(str(FOLDER / f"{name}.bundle.json")).answer


def expectation(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.expect.yaml").read_text(encoding="utf-8"))
    return loaded


def test_there_are_twelve_patients_with_a_bundle_each() -> None:
    assert len(NAMES) == 12
    assert {path.name.removesuffix(".bundle.json") for path in FOLDER.glob("*.bundle.json")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_level_of_suspicion(name: str) -> None:
    wanted = expectation(name)["suspicion"]
    assert answer(name)["suspicion"]["level"] in wanted["level_in"]


@pytest.mark.parametrize("name", NAMES)
def test_risk_factors(name: str) -> None:
    wanted = expectation(name)["risk_factors"]
    verdicts = {item["id"]: item["verdict"] for item in answer(name)["risk_factors"]}
    wrong = {one: verdicts[one] for word in ("yes", "no", "unknown") for one in wanted[word] if verdicts[one] != word}
    assert wrong == {}


@pytest.mark.parametrize("name", NAMES)
def test_urgent_findings(name: str) -> None:
    wanted = expectation(name).get("urgent", {})
    raised = {item["id"] for item in answer(name)["urgent"]}
    assert set(wanted.get("yes", [])) <= raised
    assert set(wanted.get("no", [])) & raised == set()


@pytest.mark.parametrize("name", NAMES)
def test_mimics(name: str) -> None:
    wanted = expectation(name)["differential"]
    leading = {item["id"] for item in answer(name)["differential"] if item["standing"] in LEADING}
    assert set(wanted.get("expect_top", [])) <= leading
    assert leading & set(wanted.get("must_not_be_favoured", [])) == set()


@pytest.mark.parametrize("name", NAMES)
def test_recommendations(name: str) -> None:
    wanted = expectation(name)["recommendations"]
    verdicts = {item["id"]: item["verdict"] for item in answer(name)["recommendations"]}
    wrong = {
        one: verdicts[one]
        for word, tolerated in TOLERATED.items()
        for one in wanted.get(word, [])
        if verdicts[one] not in tolerated
    }
    assert wrong == {}


@pytest.mark.parametrize("name", NAMES)
def test_no_noise(name: str) -> None:
    assert answer(name)["data_problems"] == []
    held = [item["id"] for item in answer(name)["recommendations"] if item["verdict"] == "held"]
    assert len(held) <= 6
