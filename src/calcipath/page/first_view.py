"""The first screen: bring a record, choose an example, open a case, or begin with what is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from calcipath.guideline.model import Guideline
from calcipath.interview.questions import opening_questions
from calcipath.output.markup import Markup, tag
from calcipath.page.language import _
from calcipath.page.layout import field, html, post
from calcipath.page.question_forms import fields_of
from calcipath.page.visit import Visit
from calcipath.register.access import Case


@dataclass(frozen=True, slots=True)
class Example:
    """A shipped record: the file's name without its ending, and what it shows.

    `complete`: it lists all drugs and allergies, which only of an imaginary patient can be known.
    """

    name: str
    title: str
    about: str
    complete: bool = True


def examples() -> tuple[Example, ...]:
    """What is shipped, in the order in which it is offered."""
    return (
        Example(
            "thigh-ulcer-four-sessions",
            _("Painful thigh ulcer, haemodialysis four times a week"),
            _("an imaginary woman on warfarin; what to do today, and what 25 g would mean"),
        ),
        Example(
            "haemodialysis-breast-eschar",
            _("Eschar of the breast, haemodialysis"),
            _("a published case, encoded anew"),
            complete=False,
        ),
        Example(
            "follow-up-responding",
            _("Six weeks of sodium thiosulfate"),
            _("an imaginary man; pain scores, wounds and doses over three visits"),
        ),
    )


@cache
def example(name: str) -> dict[str, Any]:
    """The bundle of an example. Raises `KeyError` for a name that is none."""
    if name not in {each.name for each in examples()}:
        raise KeyError(name)
    content: dict[str, Any] = json.loads(
        files("calcipath.page").joinpath("examples", f"{name}.bundle.json").read_text(encoding="utf-8")
    )
    return content


def first_view(visit: Visit, cases: Sequence[Case], guideline: Guideline, message: Markup | None) -> Markup:
    """The whole screen."""
    heading = tag(
        "header",
        tag("h1", _("Calciphylaxis"), " ", tag("span", _("from a patient’s record to a plan, a dose and its course"))),
    )
    brings = [_drop(visit), _examples(visit)] if visit.account.may_write else []
    begin = _form(visit, guideline) if visit.account.may_write else None
    ways = tag("div", *brings, class_="ways")
    main = tag("main", heading, ways, _cases(visit, cases), begin, _more(visit), id="main")
    return html(visit, _("Begin"), main, message=message)


def _drop(visit: Visit) -> Markup:
    chooser = tag(
        "input",
        type="file",
        name="record",
        id="record",
        accept=".json,.ndjson,.jsonl,.gz,application/json,application/fhir+json",
    )
    whole = tag("input", type="checkbox", name="complete", value="yes", id="complete")
    said = _("The record lists all current medications and allergies (what is not in it is then read as no)")
    return tag(
        "section",
        tag("h2", _("Bring a record"), id="bring-heading"),
        post(
            visit,
            "/cases/upload",
            tag(
                "div",
                tag("label", _("A FHIR R4 file of one patient: drop it here, or choose it"), for_="record"),
                chooser,
                class_="drop",
                data_drop="record",
            ),
            tag("div", whole, tag("label", said, for_="complete"), class_="box"),
            tag("button", _("Assess this record")),
            enctype="multipart/form-data",
        ),
        tag("p", _("It stays on this machine."), class_="note-of") if visit.local else None,
        aria_labelledby="bring-heading",
    )


def _examples(visit: Visit) -> Markup:
    rows = [
        tag(
            "li",
            tag("button", each.title, name="example", value=each.name, class_="link"),
            tag("span", " ", each.about, class_="note-of"),
        )
        for each in examples()
    ]
    return tag(
        "section",
        tag("h2", _("Or look at an example"), id="examples-heading"),
        post(visit, "/cases/example", tag("ul", *rows, class_="choices-of")),
        aria_labelledby="examples-heading",
    )


def _cases(visit: Visit, cases: Sequence[Case]) -> Markup | None:
    if not cases:
        return None
    rows = [
        tag(
            "li",
            tag("a", case.label, href=f"{visit.base}/cases/{case.handle}"),
            " ",
            tag("small", _("changed {day}", day=_day(case.changed))),
            tag("small", " ", _("of {owner}", owner=case.owner)) if case.owner != visit.account.name else None,
        )
        for case in cases
    ]
    return tag(
        "section",
        tag("h2", _("Your cases"), id="cases-heading"),
        tag("ul", *rows),
        id="cases",
        aria_labelledby="cases-heading",
    )


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().date().isoformat()


def _form(visit: Visit, guideline: Guideline) -> Markup:
    """The opening questions at once; each may be left empty."""
    label = tag(
        "input",
        name="label",
        id="label",
        size="30",
        maxlength="200",
        aria_describedby="label-note",
        autocomplete="off",
        value=visit.form.text("label") or None,
    )
    asked = []
    for question in opening_questions(guideline):
        id_ = f"open-{question.id}"
        fact = guideline.facts.get(question.fact)
        fields = fields_of(question, f"{question.id}.", id_, "", visit.units, fact, visit.form)
        asked.append(
            tag(
                "div",
                tag("h3", question.wording),
                fields,
                class_="opening wide" if len(question.options) > 4 else "opening",
            )
        )
    return tag(
        "section",
        tag(
            "h2",
            _("Or begin with what you know"),
            " ",
            tag("small", _("leave empty what you do not know")),
            id="form-heading",
        ),
        post(
            visit,
            "/cases/new",
            field(_("A name for the case"), label, for_="label", note=_("for your list only, such as “Mrs A, bed 4”")),
            *asked,
            tag("button", _("Assess")),
            class_="opening-form",
        ),
        id="form",
        aria_labelledby="form-heading",
    )


def _more(visit: Visit) -> Markup:
    links = [tag("li", tag("a", _("A dose without a record"), href=f"{visit.base}/page/dose"))]
    if visit.account.administers:
        links.append(
            tag("li", tag("a", _("The register as a table without identities"), href=f"{visit.base}/page/register.csv"))
        )
    links.append(tag("li", tag("a", _("About this guideline"), href=f"{visit.base}/about")))
    return tag("section", tag("h2", _("More"), id="more-heading"), tag("ul", *links), aria_labelledby="more-heading")
