"""Safety: no format shows an action of an item that is held, undecided or does not apply, nor a dose behind a hold."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcipath.output.html import render_html
from calcipath.output.plan import plan_of
from calcipath.output.terminal import render_terminal
from calcipath.output.timeline import Timeline
from calcipath.output.writing import as_json

Sample = Callable[[str], dict[str, Any]]
VALVE = "haemodialysis-mechanical-valve"
GUARD = {"guard": "mechanical-valve", "evidence": [], "instead": "call cardiology", "who": "cardiology"}


def formats(assessment: dict[str, Any], timeline: Timeline) -> dict[str, str]:
    return {
        "text": render_terminal(assessment),
        "narrow": render_terminal(assessment, width=40),
        "why": render_terminal(assessment, why=True, width=120),
        "colour": render_terminal(assessment, colour=True),
        "html": render_html(assessment, timeline),
        "json": as_json(assessment),
    }


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_no_format_shows_an_action_of_a_held_item(data: st.DataObject, sample: Sample, timeline: Timeline) -> None:
    assessment = sample(VALVE)
    item = data.draw(st.sampled_from(assessment["recommendations"]))
    shape = data.draw(st.sampled_from(["text", "mapping", "nested"]))
    marker = f"ACT{data.draw(st.integers(10**6, 10**7))}"
    item["verdict"], item["held_by"] = data.draw(st.sampled_from([("held", [GUARD]), ("held", []), ("yes", [GUARD])]))
    item["actions"] = [{"text": marker, "mapping": {"label": marker}, "nested": {"say": {"text": marker}}}[shape]]
    for name, shown in formats(assessment, timeline).items():
        unbroken = re.sub(r"\x1b\[[0-9;]*m|\s", "", shown)
        assert marker not in unbroken, name
        assert item["id"] in unbroken, name


@pytest.mark.parametrize("verdict", ["no", "unknown"])
def test_nothing_is_ordered_that_does_not_apply(verdict: str, sample: Sample, timeline: Timeline) -> None:
    assessment = sample(VALVE)
    for place, item in enumerate(assessment["recommendations"]):
        item.update(verdict=verdict, held_by=[], actions=[f"MARKER{place}X"])
    assert "MARKER" not in "".join(formats(assessment, timeline).values())


def test_an_action_that_applies_is_shown(sample: Sample, timeline: Timeline) -> None:
    assessment = sample(VALVE)
    for item in assessment["recommendations"]:
        if item["id"] == "pain-management":
            item["actions"] = ["MARKERX"]
    assert all("MARKERX" in shown for shown in formats(assessment, timeline).values())


@pytest.mark.parametrize("identifier", ["sodium-thiosulfate", "thiosulfate-dose-by-dialysis"])
def test_no_dose_is_shown_behind_a_hold(identifier: str, sample: Sample, timeline: Timeline) -> None:
    assessment = sample(VALVE)
    assessment["dosing"]["matched"]["dose"]["value"] = 7654321
    assessment["dosing"]["regimen"]["dose"]["value"] = 7654321
    assert all("7654321" in shown for shown in formats(assessment, timeline).values())
    for item in assessment["recommendations"]:
        if item["id"] == identifier:
            item.update(verdict="held", held_by=[GUARD])
    for name, shown in formats(assessment, timeline).items():
        assert "7654321" not in shown, name
        assert "No dose is shown" in " ".join(shown.split()), name


def test_the_reason_of_a_withheld_dose_is_kept(sample: Sample) -> None:
    assessment = sample(VALVE)
    assessment["dosing"] = {"matched": {"status": "withheld", "dose": None, "reason": "bicarbonate is unknown"}}
    for item in assessment["recommendations"]:
        if item["id"] == "thiosulfate-dose-by-dialysis":
            item.update(verdict="held", held_by=[GUARD])
    found = json.loads(as_json(assessment))["dosing"]
    assert found["status"] == "withheld"
    assert found["matched"] == {"status": "withheld", "dose": None, "reason": "bicarbonate is unknown"}


def test_a_held_item_says_reason_instead_and_who_decides(sample: Sample, timeline: Timeline) -> None:
    shown = formats(sample(VALVE), timeline)
    for name in ("text", "why", "html"):
        words = " ".join(shown[name].split())
        for said in (
            "do not act on this yet",
            "echanical mitral valve",
            "Never stop without cover",
            "same-day cardiology",
        ):
            assert said in words, (name, said)
    assert "Warfarin should probably be substituted" not in " ".join(shown["text"].split())


def test_held_items_are_not_among_the_things_to_do(sample: Sample) -> None:
    plan = plan_of(sample(VALVE))
    due = {item["id"] for group in plan.due for item in group.wanted + group.unwanted}
    assert {item["id"] for item in plan.held} == {"replace-warfarin", "surgical-debridement-decision"}
    assert not due & {"replace-warfarin", "surgical-debridement-decision"}


def test_the_input_is_not_changed(sample: Sample, timeline: Timeline) -> None:
    assessment, before = sample(VALVE), sample(VALVE)
    formats(assessment, timeline)
    assert assessment == before
