"""The parts of the assessment's page for a page with its own layout, and the forms that are put into them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from calcipath.api import assess_path
from calcipath.output.html import assessment_sections, render_html
from calcipath.output.markup import Markup, tag
from calcipath.output.timeline import Timeline

Sample = Callable[[str], dict[str, Any]]
VALVE = "haemodialysis-mechanical-valve"
EXAMPLE = Path(__file__).parents[2] / "examples" / "haemodialysis-breast-eschar.bundle.json"


def form(unknown: Any) -> Markup | None:
    return tag("form", tag("input", name=unknown["fact"]), class_="answer")


def test_the_parts_are_the_page(sample: Sample, timeline: Timeline) -> None:
    parts = assessment_sections(sample(VALVE), timeline)
    page = render_html(sample(VALVE), timeline)
    inside = f"{parts.facts}{parts.suspicion}{parts.headline}{parts.contents}"
    assert f"{inside}</header>" in page
    assert f'<main id="main">{"".join(parts.sections)}</main><footer>{parts.words}</footer>' in page


def test_the_parts_run_nothing_and_have_no_style(sample: Sample, timeline: Timeline, outline: Any) -> None:
    parts = assessment_sections(sample(VALVE), timeline)
    whole = "".join((parts.facts, parts.suspicion, parts.headline, parts.contents, *parts.sections, parts.words))
    found = outline(whole)
    assert not found.of("html", "head", "body", "header", "main", "footer", "meta", "h1")


def test_each_unknown_and_each_question_with_a_fact_has_its_form() -> None:
    answer = assess_path(str(EXAMPLE)).answer
    parts = assessment_sections(answer, answer_form=form)
    unknowns = next(part for part in parts.sections if 'id="unknowns"' in part)
    assert re.findall(r'name="([^"]+)"', unknowns) == [each["fact"] for each in answer["unknowns"]]
    questions = next(part for part in parts.sections if 'id="questions"' in part)
    asks = [ask for item in answer["recommendations"] for ask in item["asks"]]
    assert set(re.findall(r'name="([^"]+)"', questions)) == {ask["fact"] for ask in asks if ask["fact"]}
    assert questions.count("<form") == questions.count("<li")


def test_a_question_beside_the_unknowns_has_its_fact_and_its_words() -> None:
    seen = []
    assessment = {
        "recommendations": [
            {
                "id": "x",
                "verdict": "yes",
                "asks": [{"question": "Is it so?", "fact": "so", "guard": "g"}, "Without one?"],
            }
        ],
        "unknowns": [],
    }

    def remember(unknown: Any) -> None:
        seen.append(dict(unknown))

    parts = assessment_sections(assessment, answer_form=remember)
    assert seen == [{"fact": "so", "label": "Is it so?"}]
    assert "form" not in "".join(parts.sections)


def test_no_form_is_no_change(sample: Sample, timeline: Timeline) -> None:
    plain = assessment_sections(sample(VALVE), timeline)
    assert assessment_sections(sample(VALVE), timeline, answer_form=lambda _: None) == plain
