"""Facts of the guideline as questions: what is asked next is what would change the answer most.

A question says no more than its fact means. Where the record has no way to say "no", none is offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from calcipath.guideline.interview_model import Opening
from calcipath.guideline.model import Fact, Guideline
from calcipath.guideline.units import convert

QuestionKind = Literal["yes-no", "choice", "quantity", "date"]
NO = "no"
YES = "yes"
UNKNOWN = "unknown"
_DATED = "elapsed"
_NOT_IN_THE_REPORT = "The report is at hand and does not say so"  # a "no" of somebody without a biopsy would mislead


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose: the value that stands for it, and what the button says."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class UnitOption:
    """A unit (UCUM) in which a number may be given, and its believable range in that unit."""

    unit: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the interview.

    `fact` is empty for a choice of the opening. `options` hold "no" where it can be recorded; "unknown" is always
    allowed besides. `sites` are a second choice, of one or more. `or_date`: a date may be given instead of a number.
    `after`: the opening question that must have been answered otherwise than "no".
    """

    id: str
    fact: str
    wording: str
    kind: QuestionKind
    options: tuple[Option, ...] = ()
    sites: tuple[Option, ...] = ()
    units: tuple[UnitOption, ...] = ()
    how_to_obtain: str = ""
    or_date: bool = False
    after: str = ""

    @property
    def may_deny(self) -> bool:
        """Whether "no" is one of the answers."""
        return any(option.value == NO for option in self.options)


def question_of(fact: Fact, guideline: Guideline) -> Question | None:
    """How a fact is asked; None for a derived one, which its own facts answer."""
    if fact.kind == "derived":
        return None
    asked = guideline.interview.of(fact.id)
    wording = asked.question or _pattern(fact)
    if fact.kind == "demographic" and fact.type.kind == "text":
        return Question(fact.id, fact.id, wording, "choice", _texts(fact), (), (), fact.obtain)
    if fact.kind in ("quantity", "frequency", "duration", "demographic"):
        units = _units(fact, guideline)
        return Question(fact.id, fact.id, wording, "quantity", (), (), units, fact.obtain, fact.kind == "demographic")
    plain_no = _NOT_IN_THE_REPORT if fact.event_kinds == ("report",) else "No"
    no = (Option(NO, asked.no_says or plain_no),) if asked.deniable else ()
    if fact.kind == _DATED:
        return Question(fact.id, fact.id, wording, "date", (), (), (), fact.obtain)
    if asked.date:
        return Question(fact.id, fact.id, wording, "date", no, (), (), fact.obtain)
    choices = choices_of(fact, guideline)
    if choices:
        named = tuple(Option(each, _upper(guideline.interview.name(each))) for each in choices)
        return Question(fact.id, fact.id, wording, "choice", (*named, *no), (), (), fact.obtain)
    yes = Option(YES, asked.yes_says or "Yes")
    return Question(fact.id, fact.id, wording, "yes-no", (yes, *no), (), (), fact.obtain)


def choices_of(fact: Fact, guideline: Guideline) -> tuple[str, ...]:
    """The concepts among which "yes" is chosen: kinds or sites; empty where a plain yes says enough."""
    asked = guideline.interview.of(fact.id)
    if asked.choices:
        return asked.choices
    if len(fact.with_concepts) > 1:
        return fact.with_concepts
    return () if yes_concept(fact, guideline) else fact.concepts


def yes_concept(fact: Fact, guideline: Guideline) -> str:
    """The concept that a plain yes stands for: the only one, or the one that names the whole; else none."""
    asked = guideline.interview.of(fact.id)
    if asked.stands_for or asked.choices:
        return asked.stands_for
    if len(fact.concepts) == 1:
        return fact.concepts[0]
    return fact.denied_by[0] if len(fact.denied_by) == 1 else ""


def next_questions(answer: Mapping[str, Any], guideline: Guideline, passed: Iterable[str] = ()) -> tuple[Question, ...]:
    """The unknown facts of an assessment's answer as questions, the most decisive first.

    `passed` are the facts that were answered with "unknown" and are not asked again. Of facts that one answer
    answers together (the wording is the same) the first is asked.
    """
    left_out = set(passed)
    found: dict[str, Question] = {}
    for item in answer["unknowns"]:
        fact = guideline.facts[item["fact"]]
        question = question_of(fact, guideline)
        if question is not None and fact.id not in left_out:
            found.setdefault(question.wording, question)
    return tuple(found.values())


def opening_questions(guideline: Guideline) -> tuple[Question, ...]:
    """What a case without a record is asked first."""
    return tuple(_opening(each, guideline) for each in guideline.interview.opening)


def _opening(each: Opening, guideline: Guideline) -> Question:
    if each.fact:
        question = question_of(guideline.facts[each.fact], guideline)
        if question is None:
            raise ValueError(f"the opening question '{each.id}' asks a derived fact")
        return Question(
            each.id, each.fact, question.wording, question.kind, question.options, question.sites, question.units,
            question.how_to_obtain, question.or_date, each.after,
        )  # fmt: skip
    name = guideline.interview.name
    options = tuple(Option(concept, _upper(name(concept))) for concept in each.concepts)
    if each.last_says:
        options = (*options[:-1], Option(options[-1].value, each.last_says))
    sites = tuple(Option(concept, _upper(name(concept))) for concept in each.sites)
    obtain = guideline.facts[each.denies].obtain
    none = Option(NO, each.none_says or "No")
    return Question(each.id, "", each.question, "choice", (*options, none), sites, (), obtain, False, each.after)


def _pattern(fact: Fact) -> str:
    label = fact.label.removesuffix(" (recent)")
    return f"What is the {label}?" if fact.kind == "quantity" else f"Is there {label}?"


def _texts(fact: Fact) -> tuple[Option, ...]:
    return tuple(Option(value, _upper(value)) for value in fact.type.values)


def _units(fact: Fact, guideline: Guideline) -> tuple[UnitOption, ...]:
    accepted = fact.accepted_units or (fact.analyte.accepted_units if fact.analyte else ())
    units = [unit for unit in dict.fromkeys((fact.type.unit, *accepted)) if not _same_as_bare(unit, fact)]
    limits = fact.plausible or guideline.interview.of(fact.id).range
    mass = fact.analyte.molar_mass if fact.analyte else None
    valence = fact.analyte.valence if fact.analyte else None

    def option(unit: str) -> UnitOption:
        if limits is None:
            return UnitOption(unit)
        low, high = (convert(n, fact.type.unit, unit, molar_mass_g_per_mol=mass, valence=valence) for n in limits)
        return UnitOption(unit, float(f"{low:.4g}"), float(f"{high:.4g}"))

    return tuple(map(option, units))


def _same_as_bare(unit: str, fact: Fact) -> bool:
    """A plain number needs no second name of its unit."""
    return fact.unitless and unit != fact.type.unit


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
