"""The page for the patient: the guideline's plain words, and only the sections that belong to this patient.

Nothing of the assessment is told but by which sections are there: no result, no dose, no level of suspicion.
"""

from __future__ import annotations

from collections.abc import Iterator

from calcipath.guideline.patient_information import PatientInformation, PatientSection, Statement
from calcipath.output import wording
from calcipath.output.markup import Markup, tag
from calcipath.output.plan import records
from calcipath.output.wording import Item

STANDS = {"risk": ("yes",), "recommendation": ("yes", "held")}  # what is held is still talked about
KEYS = {"risk": "risk_factors", "recommendation": "recommendations"}


def patient_page(assessment: Item, information: PatientInformation) -> Markup:
    """The body of the page, printable; `information` is the guideline's."""
    chosen = list(sections_for(assessment, information))
    parts = [_section(section, statements) for section, statements in chosen]
    used = [statement for _, statements in chosen for statement in statements]
    return tag(
        "div",
        tag("header", tag("h1", information.title), tag("p", information.introduction)),
        *parts,
        _sources(used),
        class_="patient-page",
    )


def sections_for(
    assessment: Item, information: PatientInformation
) -> Iterator[tuple[PatientSection, tuple[Statement, ...]]]:
    """The sections that belong to this patient, each with its statements that do. Unknown stands for nothing."""
    standing = frozenset(_standing(assessment))
    for section in information.sections:
        if _belongs(section.when, standing):
            statements = tuple(each for each in section.statements if _belongs(each.when, standing))
            if statements:
                yield section, statements


def _standing(assessment: Item) -> Iterator[str]:
    for kind, key in KEYS.items():
        for item in records(assessment.get(key)):
            if item.get("verdict") in STANDS[kind]:
                yield f"{kind}:{item.get('id')}"


def _belongs(when: tuple[str, ...], standing: frozenset[str]) -> bool:
    return not when or any(name in standing for name in when)


def _section(section: PatientSection, statements: tuple[Statement, ...]) -> Markup:
    name = f"patient-{section.id}"
    return tag(
        "section",
        tag("h2", section.title, id=f"{name}-heading"),
        tag("ul", *(tag("li", statement.say) for statement in statements)),
        id=name,
        aria_labelledby=f"{name}-heading",
    )


def _sources(statements: list[Statement]) -> Markup:
    """Where the statements come from; without locators, which may hold numbers of prognosis."""
    lines = dict.fromkeys(
        f"{citation.source.citation} ({wording.MARKS.get(citation.mark, 'not verified')})"
        for statement in statements
        for citation in statement.citations
    )
    entries = [tag("li", line) for line in lines]
    return tag("details", tag("summary", "Where this comes from"), tag("ul", *entries), class_="data")
