"""Entries in our own codes, as the interview writes them, mean in a population what they mean for one patient."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from populations import GUIDELINE, Resource, differences, one_patient, records, screened, write_population

from calcipath.interview.answers import Amount, resources_of
from calcipath.interview.entered import Entered
from calcipath.interview.questions import Question, question_of
from calcipath.population.screening import ScreenOptions


def answers(question: Question) -> list[str | Amount]:
    if question.kind == "quantity":
        unit = question.units[-1]
        return [Amount(round((unit.low or 0.0) + 2.0), unit.unit)]
    if question.kind == "date":
        return ["2025-06", *(option.value for option in question.options)]
    return [option.value for option in question.options]


def test_every_answer_of_the_interview(tmp_path: Path) -> None:
    population: list[Resource] = []
    for fact in GUIDELINE.facts.values():
        question = question_of(fact, GUIDELINE)
        if question is None or fact.kind == "demographic":
            continue
        for number, given in enumerate(answers(question)):
            patient: Resource = {"resourceType": "Patient", "id": f"{fact.id}-{number}"}
            by = Entered("2026-03-10T09:00:00Z", "Dr Foot", patient, lambda hint, n=number: f"{hint}-{n}")
            population += [patient, *resources_of(question, given, by, GUIDELINE)]
    options = ScreenOptions(as_of="2026-03-20", notes=True)
    facts, verdicts = screened(write_population(tmp_path / "source", population), tmp_path / "work", options)
    held = records(population)
    assert len(held) > 400
    different = [
        line for name, own in held.items() for line in differences(name, one_patient(own, options), facts, verdicts)
    ]
    assert different == []
    assert facts["skin-ulcer-1"]["skin_ulcer"] is False
    assert facts["skin-ulcer-1"]["any_lesion"] is None
    assert facts["warfarin-necrosis-confirmed-0"]["warfarin_necrosis_confirmed"] is True
