"""The assessment, with the question that would change it most and unknowns that can be answered in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from calcipath.guideline.model import Guideline
from calcipath.interview.questions import Question, next_questions, opening_questions, question_of
from calcipath.output.html import assessment_sections
from calcipath.output.markup import Markup, tag
from calcipath.output.timeline import Timeline
from calcipath.output.wording import structure
from calcipath.page.case_frame import as_of_line, case_page
from calcipath.page.case_reading import Found
from calcipath.page.language import _
from calcipath.page.question_forms import question_form
from calcipath.page.visit import Visit
from calcipath.register.access import Case


def assessment_view(
    visit: Visit,
    case: Case,
    found: Found,
    answer: Mapping[str, Any],
    timeline: Timeline,
    guideline: Guideline,
    today: str,
    said: Markup | None,
) -> Markup:
    """What matters first, with the question that would change most, and unknowns that can be answered in place."""
    writes = case.level != "read"
    asked = question_now(case, found, guideline) if writes else None
    form = answer_form(visit, guideline, today) if writes else None
    parts = assessment_sections(answer, timeline, answer_form=form)
    box = _next(visit, asked, guideline, today) if asked is not None else None
    head = tag(
        "header",
        tag("h1", _("Assessment"), class_="hidden"),
        parts.facts,
        as_of_line(visit, case, found),
        parts.suspicion,
        parts.headline,
        box,
        parts.contents,
    )
    main = tag("main", head, *parts.sections, _words(parts.words), id="main")
    return case_page(visit, case, "", _("Assessment"), main, said=said)


def _words(words: Markup) -> Markup:
    return tag("section", words, class_="words")


def _next(visit: Visit, question: Question, guideline: Guideline, today: str) -> Markup:
    opening = question.id in {each.id for each in opening_questions(guideline)}
    words = _("To begin with") if opening else _("What would change the answer most")
    lead = tag("p", words, class_="label")
    return tag(
        "div",
        lead,
        question_form(visit, question, guideline.facts.get(question.fact), today=today, back="#next", place="next"),
        id="next",
        class_="next no-print",
    )


def question_now(case: Case, found: Found, guideline: Guideline) -> Question | None:
    """The question that is asked next: the opening ones of a case that began with the form, then the most decisive."""
    opened = structure(case.settings.get("opened"))
    if opened:
        for question in opening_questions(guideline):
            if question.id not in opened and opened.get(question.after, "") != "no":
                return question
    passed = case.settings.get("passed", ())
    return next(iter(next_questions(found.answer, guideline, passed)), None)


def question_by_id(name: str, guideline: Guideline) -> Question | None:
    """An opening question or that of a fact."""
    for question in opening_questions(guideline):
        if question.id == name:
            return question
    fact = guideline.facts.get(name)
    return question_of(fact, guideline) if fact is not None else None


def answer_form(visit: Visit, guideline: Guideline, today: str) -> Callable[[Mapping[str, Any]], Markup | None]:
    """The form that stands beside an unknown; each fact once, since its ids may stand on a page only once."""
    made: set[str] = set()

    def form(unknown: Mapping[str, Any]) -> Markup | None:
        name = str(unknown.get("fact", ""))
        fact = guideline.facts.get(name)
        question = question_of(fact, guideline) if fact is not None else None
        if question is None or name in made:
            return None
        made.add(name)
        inner = question_form(visit, question, fact, today=today, back="#unknowns", place="unknown", heading="p")
        return tag(
            "details",
            tag("summary", _("Answer"), " ", tag("span", question.wording, class_="hidden")),
            inner,
            class_="in-place no-print",
        )

    return form
