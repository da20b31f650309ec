"""The summary for the chart: what it must hold, that what is held gives no act and no dose, and that it is short."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from calcipath.api import assess_path
from calcipath.output import wording
from calcipath.output.plan import plan_of
from calcipath.output.summary import UNKNOWNS, summary

Sample = Callable[[str], dict[str, Any]]
VALVE = "haemodialysis-mechanical-valve"
EXAMPLE = Path(__file__).parents[2] / "examples" / "haemodialysis-breast-eschar.bundle.json"
GUARD = {"guard": "mechanical-valve", "evidence": [], "instead": "call cardiology", "who": "cardiology"}


def test_what_the_chart_must_say(sample: Sample, outline: Any) -> None:
    assessment = sample(VALVE)
    found = outline(summary(assessment))
    plan = plan_of(assessment)
    for item in (*plan.urgent, *(each for due in plan.due for each in (*due.wanted, *due.unwanted))):
        words = item.get("statement") or item["do_now"]
        assert " ".join(words.split()).rstrip(".")[1:40] in found.text
    for said in (
        "summary for the chart; decision support, not an order",
        "Suspicion",
        "What made it:",
        "Held: applies, but do not act on it yet",
        "Instead: Never stop without cover",
        "Decides: ",
        "Sodium thiosulfate",
        "Not known",
        wording.FOOTER,
        "Marks of sources: S seen in the source",
    ):
        assert " ".join(said.split()) in found.text, said
    assert "[recommend" in found.text


def test_every_strength_and_source_mark_stands_beside_its_statement(outline: Any) -> None:
    answer = assess_path(str(EXAMPLE)).answer
    text = outline(summary(answer)).text
    for item in answer["recommendations"]:
        if item["verdict"] == "yes":
            cited = ", ".join(dict.fromkeys(f"{each['source']} {each['mark']}" for each in item["citations"]))
            assert cited in text, item["id"]
            assert wording.grade(item) in text


def test_the_most_decisive_unknowns_and_the_number_of_the_rest(outline: Any) -> None:
    answer = assess_path(str(EXAMPLE)).answer
    text = outline(summary(answer)).text
    unknowns = answer["unknowns"]
    assert len(unknowns) > UNKNOWNS
    assert f"And {len(unknowns) - UNKNOWNS} more" in text
    for each in unknowns[:UNKNOWNS]:
        assert wording.sentence(each["label"]) in text


@pytest.mark.parametrize("verdict", ["held", "unknown", "no"])
def test_no_act_and_no_dose_of_what_does_not_stand(verdict: str, sample: Sample) -> None:
    assessment = sample(VALVE)
    assessment["dosing"]["matched"]["dose"]["value"] = 7654321
    assessment["dosing"]["regimen"]["dose"]["value"] = 7654321
    assert "7654321" in summary(assessment)
    for item in assessment["recommendations"]:
        item |= {"verdict": verdict, "held_by": [GUARD] if verdict == "held" else [], "actions": ["MARKERX"]}
        item["statement"] = "MARKERX"
    held = summary(assessment)
    assert "MARKERX" not in held
    if verdict == "held":
        assert "7654321" not in held
        assert "Instead: call cardiology." in held


def test_the_course_in_words_and_numbers(sample: Sample, outline: Any) -> None:
    assessment = sample(VALVE)
    points = [
        {"date": f"2026-01-{day}", "value": value, "reference": "x", "site": ""} for day, value in ((1, 9), ("15", 4))
    ]
    points[0]["date"] = "2026-01-01"
    assessment["course"] = {
        "verdict": "pain-only",
        "because": [],
        "series": [{"name": "pain", "unit": "points", "points": points}],
    }
    text = outline(summary(assessment)).text
    assert "Pain is better, but the wounds are larger." in text
    assert "pain, points: 9, 4" in text


def test_an_empty_assessment_has_a_summary(outline: Any) -> None:
    assert "Undetermined" in outline(summary({})).text


def test_no_text_becomes_markup(sample: Sample, outline: Any) -> None:
    assessment = copy.deepcopy(sample(VALVE))
    for item in (*assessment["recommendations"], *assessment["unknowns"], *assessment["urgent"]):
        for key, value in item.items():
            if isinstance(value, str) and key not in ("verdict", "urgency", "direction"):
                item[key] = "<script>x</script>"
    assert "<script" not in summary(assessment)
    outline(summary(assessment))


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_it_prints_on_two_pages_at_most(tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    style = files("calcipath.output").joinpath("page.css").read_text(encoding="utf-8")
    page = tmp_path / "summary.html"
    body = summary(assess_path(str(EXAMPLE)).answer)
    page.write_text(f"<!doctype html><html lang='en'><style>{style}</style>{body}</html>", encoding="utf-8")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown = browser.new_page()
        shown.goto(page.as_uri())
        printed = shown.pdf(prefer_css_page_size=True)
        browser.close()
    assert 1 <= printed.count(b"/Type /Page\n") <= 2
