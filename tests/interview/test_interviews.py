"""Whole interviews: the answer's own unknowns are asked, and what was answered is not asked again."""

from __future__ import annotations

import random
from typing import Any

import pytest
from visits import GUIDELINE, PATIENT, entered

from calcipath.api import assess_resources
from calcipath.interview.answers import Amount, Chosen, Given, resources_of
from calcipath.interview.questions import UNKNOWN, Question, next_questions, opening_questions, question_of
from calcipath.options import AssessmentOptions

AT = AssessmentOptions(as_of="2026-03-10T09:00:00Z")


def at_random(question: Question, chance: random.Random) -> Given:
    if chance.random() < 0.15:
        return UNKNOWN
    if question.kind == "quantity":
        unit = chance.choice(question.units)
        assert unit.low is not None
        assert unit.high is not None
        number = unit.low + (unit.high - unit.low) * chance.uniform(0.01, 0.99)
        return Amount(round(2 * number) / 2 or 1.0 if unit.unit in ("/wk", "a") else float(f"{number:.6g}"), unit.unit)
    if question.kind == "date" and (not question.options or chance.random() < 0.5):
        return chance.choice(["2015", "2021-07", "2025-12-24", "2026-03-01"])
    value = chance.choice(question.options).value
    sites = question.sites if value != "no" else ()
    return Chosen(value, tuple(site.value for site in chance.sample(sites, min(len(sites), chance.randint(0, 3)))))


def said(case: dict[str, dict[str, Any]], question: Question, given: Given) -> None:
    for resource in resources_of(question, given, entered(), GUIDELINE):
        case[f"{resource['resourceType']}/{resource['id']}"] = resource


@pytest.mark.parametrize("seed", range(8))
def test_an_interview_ends_and_asks_nothing_twice(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    case: dict[str, dict[str, Any]] = {"Patient/p": dict(PATIENT)}
    passed: set[str] = set()
    asked: list[str] = []
    if seed % 2:  # every second one begins with the opening
        for question in opening_questions(GUIDELINE):
            said(case, question, at_random(question, chance))
    while True:
        answer = assess_resources(list(case.values()), AT).answer
        assert {problem["problem"] for problem in answer["data_problems"]} <= {"contradiction"}
        questions = next_questions(answer, GUIDELINE, passed)
        if not questions:
            break
        question = questions[0]
        assert question.fact not in asked
        asked.append(question.fact)
        given = at_random(question, chance)
        if given == UNKNOWN:
            passed.add(question.fact)
            continue
        said(case, question, given)
    assert len(asked) > 5 or seed % 2  # a case without a word asks for more than its first answers
    assert {item["fact"] for item in answer["unknowns"]} <= passed | same_wording(passed)


def same_wording(passed: set[str]) -> set[str]:
    """Facts that the same question would answer."""
    words = {found.wording for name in passed if (found := question_of(GUIDELINE.facts[name], GUIDELINE))}
    return {
        fact.id
        for fact in GUIDELINE.facts.values()
        if (found := question_of(fact, GUIDELINE)) is not None and found.wording in words
    }


def test_the_first_question_is_the_most_decisive_unknown() -> None:
    answer = assess_resources([PATIENT], AT).answer
    questions = next_questions(answer, GUIDELINE)
    assert questions[0].fact == answer["unknowns"][0]["fact"]
    assert questions[0].how_to_obtain == answer["unknowns"][0]["how_to_obtain"]
    order = [item["fact"] for item in answer["unknowns"]]
    assert [order.index(question.fact) for question in questions] == sorted(order.index(q.fact) for q in questions)
    assert next_questions(answer, GUIDELINE, [questions[0].fact])[0].fact != questions[0].fact
