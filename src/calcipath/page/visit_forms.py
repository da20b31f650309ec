"""A follow-up visit as one form: what was measured, given and seen on a day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from calcipath.errors import InputError
from calcipath.guideline.model import Guideline
from calcipath.interview.answers import Amount
from calcipath.interview.entered import Entered, Resource
from calcipath.interview.entries import (
    SALTS,
    DoseTiming,
    dialysis_session,
    drug_started,
    drug_stopped,
    laboratory_value,
    note,
    pain_score,
    thiosulfate_given,
    wound_score,
    wound_size,
)
from calcipath.interview.questions import question_of
from calcipath.output.markup import Markup, tag
from calcipath.output.wording import unit as unit_words
from calcipath.page.language import _
from calcipath.page.layout import field, join, post, select
from calcipath.page.question_forms import customary_first
from calcipath.page.visit import Form, Visit

WOUNDS = 3  # rows of the form; more are entered with another visit of the same day


Drugs = tuple[tuple[str, str], ...]  # keys and names of entries


def visit_form(
    visit: Visit, guideline: Guideline, today: str, sites: tuple[str, ...] = (), taken: Drugs = ()
) -> Markup:
    """The form of a visit. `sites`: names of wounds that were measured before; `taken`: drugs that may be stopped."""
    said = visit.form.text
    when = tag("input", name="when", id="visit-when", value=said("when") or today, size="11", required="required")
    pain = tag(
        "input",
        name="pain",
        id="visit-pain",
        value=said("pain") or None,
        inputmode="decimal",
        size="5",
        aria_describedby="visit-pain-note",
    )
    text = tag("textarea", said("note"), name="note", id="visit-note", rows="4", aria_describedby="visit-note-note")
    return post(
        visit,
        f"/cases/{visit.handle}/visits",
        field(_("Date of the visit"), when, for_="visit-when"),
        field(_("Pain, 0 to 10"), pain, for_="visit-pain", note=_("worst pain of the last day; 0 is none")),
        _wounds(sites, visit.form),
        _thiosulfate(visit.form),
        _drugs(guideline, taken, visit.form),
        _session(guideline, visit.form),
        _score(guideline, visit.form),
        _laboratory(visit, guideline),
        field(_("Note"), text, for_="visit-note", note=_("read as free text; no names, please")),
        tag("button", _("Save the visit")),
        class_="visit",
    )


def _wounds(sites: tuple[str, ...], filled: Form) -> Markup:
    rows = []
    for number in range(WOUNDS):
        known = sites[number] if number < len(sites) else ""
        cells = [
            ("site", _("Site of wound {n}", n=number + 1), known, "18"),
            ("length", _("Length, cm"), "", "5"),
            ("width", _("Width, cm"), "", "5"),
        ]
        controls = []
        for name, label, value, size in cells:
            id_ = f"visit-{name}-{number}"
            control = tag(
                "input",
                name=f"{name}{number}",
                id=id_,
                value=filled.text(f"{name}{number}") or value or None,
                size=size,
                autocomplete="off",
                inputmode=None if name == "site" else "decimal",
            )
            controls.append(field(label, control, for_=id_))
        rows.append(tag("div", *controls, class_="row"))
    note_ = tag("p", _("Greatest length, and the width across it. 0 by 0 is healed."), class_="note-of")
    return tag("fieldset", tag("legend", _("Wounds")), note_, *rows)


def _thiosulfate(filled: Form) -> Markup:
    salts = [("", _("not stated")), ("pentahydrate", _("pentahydrate")), ("anhydrous", _("anhydrous"))]
    timings = [("", _("not stated")), ("during", _("during dialysis")), ("after", _("after dialysis"))]
    given = filled.text
    grams = tag("input", name="grams", id="visit-grams", value=given("grams") or None, inputmode="decimal", size="5")
    return tag(
        "fieldset",
        tag("legend", _("Sodium thiosulfate given that day")),
        tag(
            "div",
            field(_("Dose, g"), grams, for_="visit-grams"),
            field(_("Salt"), select("salt", "visit-salt", salts, given("salt")), for_="visit-salt"),
            field(_("Given"), select("timing", "visit-timing", timings, given("timing")), for_="visit-timing"),
            class_="row",
        ),
    )


def _drugs(guideline: Guideline, taken: Drugs, filled: Form) -> Markup:
    names = sorted((guideline.interview.name(each), each) for each in guideline.vocabulary.of_family("drug"))
    options = [("", _("none")), *((concept, name[:1].upper() + name[1:]) for name, concept in names)]
    started = field(
        _("Started that day"), select("started", "visit-started", options, filled.text("started")), for_="visit-started"
    )
    boxes = [
        tag(
            "div",
            tag(
                "input",
                type="checkbox",
                name="stopped",
                value=key,
                id=f"visit-stop-{number}",
                checked="checked" if key in filled.texts("stopped") else None,
            ),
            tag("label", name, for_=f"visit-stop-{number}"),
            class_="box",
        )
        for number, (key, name) in enumerate(taken)
    ]
    ended = tag("fieldset", tag("legend", _("Stopped that day")), *boxes, class_="choices") if boxes else None
    return tag("fieldset", tag("legend", _("Drugs")), started, ended)


def _session(guideline: Guideline, filled: Form) -> Markup:
    offered = next(each.concepts for each in guideline.interview.opening if each.id == "dialysis")
    kinds = [("", _("none entered")), *((each, guideline.interview.name(each)) for each in offered)]
    hours = tag(
        "input",
        name="session-hours",
        id="visit-hours",
        value=filled.text("session-hours") or None,
        inputmode="decimal",
        size="5",
    )
    return tag(
        "fieldset",
        tag("legend", _("Dialysis session of that day")),
        tag(
            "div",
            field(_("Kind"), select("session", "visit-session", kinds, filled.text("session")), for_="visit-session"),
            field(_("Hours"), hours, for_="visit-hours"),
            class_="row",
        ),
    )


def _score(guideline: Guideline, filled: Form) -> Markup | None:
    form = guideline.interview.wound_score
    if form is None:
        return None
    low, high = form.item
    items = [
        field(
            item.name[:1].upper() + item.name[1:],
            tag(
                "input",
                name=f"item.{item.id}",
                id=f"visit-{item.id}",
                value=filled.text(f"item.{item.id}") or None,
                inputmode="numeric",
                size="3",
            ),
            for_=f"visit-{item.id}",
            note=_("part of the score by a secondary source") if item.mark == "Q" else "",
        )
        for item in form.items
    ]
    total = tag(
        "input",
        name="total",
        id="visit-total",
        value=filled.text("total") or None,
        inputmode="numeric",
        size="4",
        aria_describedby="visit-total-note",
    )
    told = _(
        "{low:g} to {high:g}; scored with the licensed form, which is not shown here",
        low=form.total[0],
        high=form.total[1],
    )
    inner = tag(
        "details",
        tag("summary", _("Items, {low:g} to {high:g} each", low=low, high=high)),
        tag("div", *items, class_="row"),
    )
    return tag("fieldset", tag("legend", "BWAT-CUA"), field(_("Total"), total, for_="visit-total", note=told), inner)


def _laboratory(visit: Visit, guideline: Guideline) -> Markup:
    fields = []
    for name in guideline.interview.laboratory:
        question = question_of(guideline.facts[name], guideline)
        if question is None:
            continue
        id_ = f"visit-lab-{name}"
        offered = customary_first([each.unit for each in question.units], guideline.facts[name], visit.units)
        value = tag(
            "input",
            name=f"lab.{name}",
            id=id_,
            value=visit.form.text(f"lab.{name}") or None,
            inputmode="decimal",
            size="7",
            autocomplete="off",
        )
        if len(offered) > 1:
            words = [(unit, unit_words(unit)) for unit in offered]
            unit = select(
                f"unit.{name}",
                f"{id_}-unit",
                words,
                visit.form.text(f"unit.{name}") or offered[0],
                aria_label=_("Unit of {what}", what=question.wording),
            )
        else:
            unit = tag("span", "" if offered[:1] in ([], ["1"]) else unit_words(offered[0]))
        label = guideline.facts[name].label
        fields.append(field(label[:1].upper() + label[1:], tag("span", value, " ", unit, class_="with-unit"), for_=id_))
    return tag("fieldset", tag("legend", _("Laboratory values")), tag("div", *fields, class_="row"))


def entries_of(
    form: Form, entered: Entered, guideline: Guideline, standing: Mapping[str, Mapping[str, Any]]
) -> list[Resource]:
    """What the form of a visit says, as resources: all or, where something is wrong, none. Raises `InputError`.

    `standing`: the entries of the case by their keys, of which drugs may be stopped.
    """
    found: list[Resource] = []
    pain = form.number("pain", _("Pain"))
    if pain is not None:
        found += pain_score(pain, entered, guideline)
    for number in range(WOUNDS):
        found += _wound(form, number, entered, guideline)
    found += _given(form, entered, guideline)
    found += _scored(form, entered, guideline)
    for name in guideline.interview.laboratory:
        value = form.number(f"lab.{name}", guideline.facts[name].label)
        if value is not None:
            found += laboratory_value(name, Amount(value, form.text(f"unit.{name}")), entered, guideline)
    if form.text("started"):
        found += drug_started(form.text("started"), entered, guideline)
    for key in form.texts("stopped"):
        if key not in standing:
            raise InputError(_("A drug that should be stopped is no entry of this case any more: open the page again"))
        found += drug_stopped(standing[key], entered)
    if form.text("session"):
        hours = form.number("session-hours", _("The hours of the session"))
        found += dialysis_session(form.text("session"), entered, guideline, hours=hours)
    if form.text("note"):
        found += note(form.text("note"), entered)
    if not found:
        raise InputError(_("The form is empty: nothing was saved"))
    return found


def _wound(form: Form, number: int, entered: Entered, guideline: Guideline) -> list[Resource]:
    length = form.number(f"length{number}", _("The length of a wound"))
    width = form.number(f"width{number}", _("The width of a wound"))
    if length is None and width is None:
        return []
    if length is None or width is None:
        raise InputError(_("A wound needs both its length and its width"))
    return wound_size(form.text(f"site{number}"), length, width, entered, guideline)


def _given(form: Form, entered: Entered, guideline: Guideline) -> list[Resource]:
    grams = form.number("grams", _("The dose"))
    if grams is None:
        return []
    salt = form.text("salt")
    timing: DoseTiming = next((each for each in get_args(DoseTiming) if each == form.text("timing")), "")
    return thiosulfate_given(grams, entered, guideline, salt=salt if salt in SALTS else "", timing=timing)


def _scored(form: Form, entered: Entered, guideline: Guideline) -> list[Resource]:
    score = guideline.interview.wound_score
    if score is None:
        return []
    items = {item.id: form.number(f"item.{item.id}", item.name) for item in score.items}
    given = {name: value for name, value in items.items() if value is not None}
    total = form.number("total", "BWAT-CUA")
    return wound_score(total, entered, guideline, items=given or None) if given or total is not None else []


__all__ = ["entries_of", "join", "visit_form"]
