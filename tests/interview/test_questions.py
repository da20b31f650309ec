"""How facts are asked."""

from __future__ import annotations

import pytest
from visits import GUIDELINE

from calcipath.interview.questions import NO, Option, Question, UnitOption, opening_questions, question_of


def question(fact: str) -> Question:
    found = question_of(GUIDELINE.facts[fact], GUIDELINE)
    assert found is not None
    return found


def test_a_plain_finding() -> None:
    asked = question("skin-ulcer")
    assert (asked.wording, asked.kind) == ("Is there a skin ulcer?", "yes-no")
    assert asked.options == (Option("yes", "Yes"), Option("no", "No"))
    assert asked.how_to_obtain == "examine the patient"


def test_a_pattern_where_nothing_is_written() -> None:
    assert question("osteomyelitis").wording == "Is there osteomyelitis?"
    assert question("calcium-total").wording == "What is the total calcium?"


def test_a_number_is_asked_in_every_unit_that_is_read_with_its_range() -> None:
    asked = question("albumin")
    # The range is 0.5 to 7 g/dL; 66438 g/mol: 5 g/L = 75.26 umol/L, 70 g/L = 1054 umol/L.
    assert asked.units == (
        UnitOption("g/dL", 0.5, 7.0),
        UnitOption("g/L", 5.0, 70.0),
        UnitOption("umol/L", 75.26, 1054.0),
    )
    assert [unit.unit for unit in question("pain-score").units] == ["{score}"]


def test_a_choice_where_no_concept_says_the_whole() -> None:
    asked = question("other-anticoagulant")
    assert asked.kind == "choice"
    assert [option.value for option in asked.options] == ["direct-oral-anticoagulant", "heparin", NO]
    assert [option.value for option in question("lesion-arm").options] == ["site-upper-arm", "site-forearm", NO]


def test_a_no_about_a_biopsy_needs_a_biopsy() -> None:
    no = next(option for option in question("biopsy-vasculitis").options if option.value == NO)
    assert no.label == "The report is at hand and does not say so"


def test_a_derived_fact_is_not_asked() -> None:
    assert question_of(GUIDELINE.facts["dialysis"], GUIDELINE) is None


@pytest.mark.parametrize("fact", [f.id for f in GUIDELINE.facts.values() if f.kind != "derived"])
def test_every_question_is_one_plain_sentence(fact: str) -> None:
    asked = question(fact)
    assert asked.wording.endswith("?")
    assert asked.wording[0].isupper()
    assert "  " not in asked.wording
    assert "recorded" not in asked.wording
    labels = [option.label for option in asked.options]
    assert len(set(labels)) == len(labels)
    assert all(label[0].isupper() or label[0].isdigit() for label in labels)


def test_the_opening() -> None:
    opening = {asked.id: asked for asked in opening_questions(GUIDELINE)}
    assert list(opening)[:4] == ["age", "sex", "weight", "dialysis"]
    assert opening["age"].or_date
    assert opening["dialysis-sessions"].after == "dialysis"
    assert opening["lesion"].options[-1] == Option(NO, "None: the skin has been looked at")
    assert "site-thigh" in [site.value for site in opening["lesion"].sites]
