"""The list of biopsy and tests: only what applies, nothing of what is held, the guideline's own words with their ids."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcipath.api import assess_path
from calcipath.output.order_list import as_text, order_list, order_sections

DATA = Path(__file__).parents[1] / "data"
FILES = [*sorted((DATA / "cases").glob("*.bundle.json"))[::4], DATA / "unseen" / "pd-penile-black-glans.bundle.json"]


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    return {file.name: dict(assess_path(str(file)).answer) for file in FILES}


def lines_of(found: Any) -> list[Any]:
    return [line for group in found.groups for line in group.lines]


def test_every_line_is_an_act_of_a_recommendation_that_applies(answers: dict[str, dict[str, Any]]) -> None:
    seen = 0
    for answer in answers.values():
        by_id = {item["id"]: item for item in answer["recommendations"]}
        found = order_list(answer)
        for line in (*lines_of(found), *found.not_to_order):
            item = by_id[line.recommendation]
            assert item["verdict"] == "yes"
            assert line.text in [act["text"] for act in item["actions"]]
            seen += 1
        for line in lines_of(found):
            assert by_id[line.recommendation]["direction"] != "against"
        assert {line.recommendation for line in found.not_to_order} == {
            item["id"]
            for item in answer["recommendations"]
            if item["direction"] == "against"
            and item["verdict"] == "yes"
            and item["section"] in ("confirm", "investigate")
        }
    assert seen > 30


def test_the_missing_tests_of_a_suspected_patient() -> None:
    answer = assess_path(str(DATA / "cases" / "03-hd-breast-warfarin.bundle.json")).answer
    found = order_list(answer)
    titles = [group.title for group in found.groups]
    assert titles[:2] == ["Skin biopsy", "Laboratory tests"]
    labs = next(item for item in answer["recommendations"] if item["id"] == "labs-for-risk-factors")
    text = as_text(found)
    for act in labs["actions"]:
        assert f"- {act['text']} [labs-for-risk-factors]" in text
    assert "NOT TO ORDER" in text
    assert "[no-routine-imaging]" in text
    assert text.index("ANSWER FIRST") < text.index("SKIN BIOPSY") < text.index("NOT TO ORDER")


def test_a_penile_lesion_holds_the_biopsy(answers: dict[str, dict[str, Any]]) -> None:
    answer = answers["pd-penile-black-glans.bundle.json"]
    item = next(item for item in answer["recommendations"] if item["id"] == "skin-biopsy")
    assert item["verdict"] == "held"
    biopsy = next(group for group in order_list(answer).groups if group.title == "Skin biopsy")
    assert "skin-biopsy" not in {line.recommendation for line in biopsy.lines}
    held = next(line.text for line in biopsy.held if line.recommendation == "skin-biopsy")
    assert held.startswith("held: skin biopsy; ")
    assert "penile" in held
    assert "dermatology with urology and nephrology" in held


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_act_of_what_is_held_or_undecided(data: st.DataObject, answers: dict[str, dict[str, Any]]) -> None:
    answer = copy.deepcopy(data.draw(st.sampled_from(sorted(answers.items())))[1])
    item = data.draw(st.sampled_from(answer["recommendations"]))
    guard = {"guard": "g", "reason": "it is dangerous", "instead": "ask", "who": "the team", "evidence": []}
    item["verdict"], item["held_by"] = data.draw(
        st.sampled_from([("held", [guard]), ("held", []), ("yes", [guard]), ("unknown", []), ("no", [])])
    )
    item["actions"] = [{"kind": "order", "text": "MARKERX"}]
    item["statement"] = "MARKERX"
    found = order_list(answer)
    assert "MARKERX" not in as_text(found)
    assert "MARKERX" not in order_sections(found)


def test_an_order_of_another_section_is_listed(answers: dict[str, dict[str, Any]]) -> None:
    answer = copy.deepcopy(next(iter(answers.values())))
    item = next(
        item
        for item in answer["recommendations"]
        if item["section"] == "team-and-wounds" and item["direction"] == "for"
    )
    item |= {
        "verdict": "yes",
        "held_by": [],
        "actions": [{"kind": "order", "text": "Cultures"}, {"kind": "review", "text": "Talk"}],
    }
    text = as_text(order_list(answer))
    assert f"- Cultures [{item['id']}]" in text
    assert "- Talk" not in text


def test_questions_of_the_list_come_first_and_others_do_not(answers: dict[str, dict[str, Any]]) -> None:
    for answer in answers.values():
        found = order_list(answer)
        listed = {line.recommendation for group in found.groups for line in (*group.lines, *group.held)}
        asked = {ask["question"] for item in answer["recommendations"] if item["id"] in listed for ask in item["asks"]}
        assert {line.text for line in found.questions} == asked


def test_the_sections_say_the_same(answers: dict[str, dict[str, Any]], outline: Any) -> None:
    for answer in answers.values():
        found = order_list(answer)
        shown = outline(order_sections(found))
        for line in (*lines_of(found), *found.not_to_order, *found.questions):
            assert line.text in shown.text
            assert line.recommendation in shown.text


def test_an_empty_assessment_has_an_empty_list() -> None:
    found = order_list({})
    assert found.groups == ()
    assert as_text(found).startswith("Calciphylaxis: biopsy and tests, as of unknown\n")
