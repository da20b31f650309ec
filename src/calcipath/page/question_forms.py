"""A question of the interview as a form, and what was filled in as an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from calcipath.errors import InputError
from calcipath.guideline.model import Fact
from calcipath.interview.answers import Amount, Chosen, Given
from calcipath.interview.questions import UNKNOWN, Option, Question
from calcipath.output.markup import Markup, join, tag
from calcipath.output.wording import unit as unit_words
from calcipath.page.language import _
from calcipath.page.layout import post, select
from calcipath.page.visit import Form, Units, Visit

_SAFE = re.compile(r"[^a-z0-9]+")


def question_form(
    visit: Visit, question: Question, fact: Fact | None, *, today: str, back: str, place: str, heading: str = "h2"
) -> Markup:
    """The question with its answers. `back`: the view to return to; `place` keeps ids of one page apart."""
    id_ = f"{place}-{_SAFE.sub('-', question.id.lower())}"
    filled = visit.form if visit.form.text("question") == question.id else Form()
    hidden = [
        tag("input", type="hidden", name="question", value=question.id),
        tag("input", type="hidden", name="back", value=back),
    ]
    asked = tag(heading, question.wording, id=f"{id_}-asked", class_="asked")
    how = (
        tag("p", _("How to find out: {how}.", how=question.how_to_obtain), class_="how")
        if question.how_to_obtain
        else None
    )
    return post(
        visit,
        f"/cases/{visit.handle}/answers",
        *hidden,
        asked,
        how,
        _controls(question, id_, today, visit.units, fact, filled),
        class_="question",
        aria_labelledby=f"{id_}-asked" if place == "next" else None,  # one place to jump to, not thirty
    )


def _controls(question: Question, id_: str, today: str, units: Units, fact: Fact | None, filled: Form) -> Markup:
    unknown = tag(
        "button", _("Don’t know"), name="answer", value=UNKNOWN, class_="quiet", formnovalidate="formnovalidate"
    )
    if question.kind == "yes-no":
        return tag("div", *map(_button, question.options), unknown, class_="answers")
    save = tag("button", _("Save"), name="answer", value="given")
    others = [_button(option) for option in question.options] if question.kind == "date" else []
    fields = fields_of(question, "", id_, today, units, fact, filled)
    return join(fields, tag("div", save, *others, unknown, class_="answers"))


def _button(option: Option) -> Markup:
    return tag("button", option.label, name="answer", value=option.value)


def fields_of(
    question: Question, prefix: str, id_: str, today: str, units: Units, fact: Fact | None, filled: Form
) -> Markup:
    """The fields of a question; their names begin with `prefix`. `filled`: what was sent, and could not be read."""
    if question.kind in ("yes-no", "choice"):
        return _choices(question, prefix, id_, filled)
    if question.kind == "date":
        date = _date(id_, question.wording, f"{prefix}value", filled.text(f"{prefix}value"))
        note = tag("span", _("year-month-day; the year alone is enough"), class_="note-of")
        return tag("div", date, note, class_="answers")
    return tag("div", *_number(question, prefix, id_, today, units, fact, filled), class_="answers")


def _choices(question: Question, prefix: str, id_: str, filled: Form) -> Markup:
    """Of the opening questions, which stand together, a choice can be taken back; alone each has "Don’t know"."""
    name, chosen_value = f"{prefix}value", filled.text(f"{prefix}value")
    options = [*question.options, Option("", _("Not stated"))] if prefix else question.options
    kinds = [
        _box("radio", name, option, f"{id_}-{number}", on=option.value == chosen_value and bool(prefix or chosen_value))
        for number, option in enumerate(options)
    ]
    chosen = tag("fieldset", tag("legend", question.wording, class_="hidden"), *kinds, class_="choices")
    if not question.sites:
        return chosen
    ticked = filled.texts(f"{prefix}site")
    sites = [
        _box("checkbox", f"{prefix}site", option, f"{id_}-site-{number}", on=option.value in ticked)
        for number, option in enumerate(question.sites)
    ]
    where = tag("fieldset", tag("legend", _("Where (one or more)")), *sites, class_="choices sites")
    return join(chosen, where)


def _box(kind: str, name: str, option: Option, id_: str, *, on: bool) -> Markup:
    box = tag("input", type=kind, name=name, value=option.value, id=id_, checked="checked" if on else None)
    return tag("div", box, tag("label", option.label, for_=id_), class_="box")


def _number(
    question: Question, prefix: str, id_: str, today: str, units: Units, fact: Fact | None, filled: Form
) -> Sequence[Markup]:
    offered = customary_first([each.unit for each in question.units], fact, units)
    value = filled.text(f"{prefix}value") or None
    number = tag(
        "input",
        name=f"{prefix}value",
        id=f"{id_}-value",
        value=value,
        inputmode="decimal",
        size="8",
        autocomplete="off",
    )
    label = tag("label", question.wording, for_=f"{id_}-value", class_="hidden")
    choices = [(each, unit_words(each) or _("(no unit)")) for each in offered]
    if len(choices) > 1:
        name = tag("label", _("Unit"), for_=f"{id_}-unit", class_="hidden")
        unit = join(
            name, select(f"{prefix}unit", f"{id_}-unit", choices, filled.text(f"{prefix}unit") or choices[0][0])
        )
    else:
        unit = tag("span", _unit_words(choices[0][0]) if choices else "")
    if question.or_date:
        born = _date(id_, _("Date of birth"), f"{prefix}date", filled.text(f"{prefix}date"))
        return [label, number, unit, tag("span", _("or born on")), born]
    if not today:
        return [label, number, unit]
    return [
        label,
        number,
        unit,
        tag("span", _("on")),
        _date(id_, _("Measured on"), f"{prefix}when", filled.text("when") or today),
    ]


def _unit_words(code: str) -> str:
    return {"1": "", "{score}": "", "/wk": _("a week"), "a": _("years")}.get(code, unit_words(code))


def customary_first(offered: Sequence[str], fact: Fact | None, units: Units) -> list[str]:
    """Units in which a fact may be given, the one that the reader is used to first."""
    analyte = fact.analyte if fact is not None else None
    usual = (analyte.us if units == "us" else analyte.si) if analyte is not None else None
    return sorted(offered, key=lambda unit: unit != usual.unit) if usual is not None else list(offered)


def _date(id_: str, label: str, name: str, value: str = "") -> Markup:
    place = f"{id_}-{name.rpartition('.')[2]}-date"
    control = tag("input", name=name, id=place, size="11", value=value, placeholder="2026-01-31", autocomplete="off")
    return join(tag("label", label, for_=place, class_="hidden"), control)


def given_of(question: Question, form: Form, prefix: str = "") -> Given | None:
    """What was answered; None where the fields are empty. Raises `InputError` for what is no number."""
    answer = form.text("answer") if not prefix else "given"
    if answer != "given":
        return answer or None
    value = form.text(f"{prefix}value")
    if question.kind in ("yes-no", "choice"):
        return Chosen(value, form.texts(f"{prefix}site")) if value and question.sites else value or None
    if question.kind == "date":
        return value or None
    if question.or_date and form.text(f"{prefix}date"):
        return form.text(f"{prefix}date")
    number = form.number(f"{prefix}value", question.wording)
    return Amount(number, form.text(f"{prefix}unit")) if number is not None else None


def when_of(form: Form, now: datetime) -> str:
    """The time of an entry: the given day, or this instant where that is today."""
    day = form.text("when")
    if not day or day == now.date().isoformat():
        return now.isoformat(timespec="seconds")
    if day > now.date().isoformat():
        raise InputError(_("{day} lies in the future", day=day[:10]))
    return day
