"""The views of a case: assessment, order list, dose, follow-up, summary, the patient's page, record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from calcipath.guideline.model import Guideline
from calcipath.interview.questions import Question, next_questions, opening_questions, question_of
from calcipath.output import wording
from calcipath.output.dose_view import dose_view
from calcipath.output.html import assessment_sections
from calcipath.output.html_findings import section, table
from calcipath.output.markup import Markup, join, tag
from calcipath.output.order_list import as_text, order_list, order_sections
from calcipath.output.patient_page import patient_page
from calcipath.output.summary import summary
from calcipath.output.timeline import Mark, Timeline
from calcipath.output.trend_svg import draw_trend
from calcipath.output.wording import clean, structure
from calcipath.page.case_reading import Dose, Found, age_of_record
from calcipath.page.dose_forms import RESULT, controls
from calcipath.page.language import _
from calcipath.page.layout import field, html, message, post, select, tabs
from calcipath.page.question_forms import question_form
from calcipath.page.visit import Visit
from calcipath.page.visit_forms import visit_form
from calcipath.record.dates import DAY, parse_when
from calcipath.register.access import Case
from calcipath.register.entries import Version
from calcipath.register.photographs import Photograph

ASSESSMENT = "assessment"


def case_page(visit: Visit, case: Case, here: str, title: str, *content: object, said: Markup | None = None) -> Markup:
    """A view of a case with its name and tabs. The name is for the reader's own list: not on what a patient takes home."""
    shown = "case-head no-print" if here == "/patient" else "case-head"
    name = tag("p", case.label, class_="case-name")
    top = tag("section", name, tabs(visit, here), aria_label=_("Case"), class_=shown)
    return html(visit, f"{title}", top, *content, message=said)


def as_of_line(visit: Visit, case: Case, found: Found) -> Markup:
    """For which instant the answer speaks, and the switch."""
    now = case.settings.get("as_of") == "now"
    said = (
        _("Assessed for this moment.")
        if now
        else _("Assessed for the end of the record, {day}.", day=wording.day(found.answer["as_of"]))
    )
    old = age_of_record(found)
    switch = None
    if case.level != "read":
        words = _("Assess for the end of the record") if now else _("Assess for this moment")
        button = tag("button", words, name="as_of", value="record" if now else "now", class_="quiet")
        switch = post(visit, f"/cases/{visit.handle}/settings", button, class_="plain-form")
    return tag("div", tag("p", said, " ", old, class_="as-of"), switch, class_="as-of-line no-print")


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


def orders_view(visit: Visit, case: Case, answer: Mapping[str, Any]) -> Markup:
    """The biopsy and laboratory plan, to be copied."""
    orders = order_list(answer)
    copied = tag(
        "textarea", as_text(orders), id="order-text", readonly="readonly", rows="12", aria_label=_("The list as text")
    )
    button = tag("button", _("Copy the list"), type="button", data_copy="order-text")
    text = tag("section", tag("h2", _("As text")), copied, button, class_="no-print")
    head = tag("header", tag("h1", _("Order list")))
    return case_page(
        visit, case, "/orders", _("Order list"), tag("main", head, order_sections(orders), text, id="main")
    )


def dose_result(dose: Dose, assessment: Mapping[str, Any] | None, guideline: Guideline) -> Markup:
    """The part of the dosing view that changes when a control moves."""
    if dose.found is None:
        return message("note", dose.wrong)
    return dose_view(
        dose.found.answer,
        assessment=assessment,
        curve=dose.curve,
        reference=dose.reference,
        defaults=guideline.defaults,
    )


def dose_page(
    visit: Visit,
    case: Case | None,
    dose: Dose,
    shown: Mapping[str, Any],
    salts: tuple[str, ...],
    assessment: Mapping[str, Any] | None,
    guideline: Guideline,
) -> Markup:
    """Controls and result side by side."""
    address = f"/cases/{visit.handle}/dose" if case else "/page/dose"
    form = tag(
        "section",
        tag("h2", _("Regimen"), id="regimen-heading"),
        controls(visit, shown, salts, address),
        aria_labelledby="regimen-heading",
        class_="panel no-print",
    )
    result = tag("div", dose_result(dose, assessment, guideline), id=RESULT)
    head = tag("header", tag("h1", _("Sodium thiosulfate: exposure of a regimen")))
    main = tag("main", head, form, result, id="main", class_="beside")
    if case is None:
        return html(visit, _("Dose"), main)
    return case_page(visit, case, "/dose", _("Dose"), main)


def follow_up_view(
    visit: Visit,
    case: Case,
    found: Found,
    answer: Mapping[str, Any],
    photographs: Sequence[Photograph],
    resources: Sequence[Mapping[str, Any]],
    guideline: Guideline,
    now: datetime,
    said: Markup | None,
) -> Markup:
    """How it goes: response, trend, next visit, what was entered, and the form of a visit."""
    course = structure(answer.get("course"))
    sites = _sites(resources)
    trend = draw_trend(course, doses=found.doses, visits=_visits(resources), sites=sites, now=found.as_of)
    response = section("response", _("Response"), "", trend)
    writes = case.level != "read"
    today = now.date().isoformat()
    form = (
        section(
            "visit",
            _("A visit"),
            _("leave empty what was not looked at"),
            visit_form(visit, guideline, today, tuple(dict.fromkeys(_wound_names(resources))), drugs_taken(resources)),
        )
        if writes
        else None
    )
    head = tag("header", tag("h1", _("Follow-up")), as_of_line(visit, case, found))
    main = tag(
        "main",
        head,
        response,
        _next_visit(visit, case, found, now, guideline.defaults["response-days"].value, writes=writes),
        form,
        _photographs(visit, photographs, today, writes=writes),
        id="main",
    )
    return case_page(visit, case, "/follow-up", _("Follow-up"), main, said=said)


def drugs_taken(resources: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Keys and names of the drugs that stand as taken."""
    return tuple(
        (f"{each['resourceType']}/{each['id']}", _named(each))
        for each in resources
        if each.get("resourceType") in ("MedicationStatement", "MedicationRequest") and each.get("status") == "active"
    )


def _wound_names(resources: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for each in resources:
        if str(each.get("id", "")).startswith("wound-length-"):
            name = clean(structure(each.get("bodySite")).get("text"))
            if name:
                yield name


def _sites(resources: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Names of the body sites of a record, by their codes."""
    names: dict[str, str] = {}
    for each in resources:
        places = each.get("bodySite")
        for place in places if isinstance(places, list) else [places]:
            text = clean(structure(place).get("text"))
            for coding in wording.items(structure(place).get("coding")):
                code, display = clean(structure(coding).get("code")), clean(structure(coding).get("display"))
                if code and (display or text):
                    names[code] = text or display
    return names


def _visits(resources: Iterable[Mapping[str, Any]]) -> tuple[Mark, ...]:
    days = {
        str(each.get("effectiveDateTime", ""))[:10]
        for each in resources
        if any(
            "Stated on the clinician’s page" in str(n) or "clinician's page" in str(n)
            for n in wording.items(each.get("note"))
        )
    }
    found = [parse_when(day) for day in sorted(days) if len(day) == len("2026-01-31")]
    return tuple(Mark(_("visit"), when.earliest, "procedure") for when in found if when is not None)


def _next_visit(visit: Visit, case: Case, found: Found, now: datetime, response_days: float, *, writes: bool) -> Markup:
    planned = str(case.settings.get("next_visit", ""))
    begun = min((bar.start for bar in found.doses if bar.start is not None), default=None)
    lines = []
    if planned:
        late = planned < now.date().isoformat()
        lines.append(
            tag(
                "p", tag("strong", _("Next visit: {day}.", day=planned)), " ", _("This day has passed.") if late else ""
            )
        )
    first, due = _day_of(begun), _day_of(begun + response_days * DAY) if begun is not None else ""
    if first and due:
        lines.append(
            tag(
                "p",
                _(
                    "Sodium thiosulfate was first given on {day}; a response is judged from {due} on.",
                    day=first,
                    due=due,
                ),
            )
        )
    elif not planned:
        lines.append(tag("p", _("No next visit is planned.")))
    form = None
    if writes:
        day = tag(
            "input",
            name="next_visit",
            id="next-visit",
            value=planned,
            size="11",
            placeholder="2026-01-31",
            autocomplete="off",
        )
        form = post(
            visit,
            f"/cases/{visit.handle}/settings",
            field(_("Next visit on"), day, for_="next-visit"),
            tag("button", _("Plan it")),
            class_="inline no-print",
        )
    return section("planned", _("Next visit"), "", *lines, form)


def _day_of(seconds: float | None) -> str:
    """The day of an instant here; empty where there is none, or the calendar has no such day."""
    if seconds is None:
        return ""
    try:
        return datetime.fromtimestamp(seconds).astimezone().date().isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def _photographs(visit: Visit, photographs: Sequence[Photograph], today: str, *, writes: bool) -> Markup:
    shown = []
    for each in sorted(photographs, key=lambda one: one.taken):
        address = f"{visit.base}/cases/{visit.handle}/photographs/{each.id}"
        words = ", ".join(filter(None, (each.site, each.taken[:10])))
        remove = (
            post(
                visit,
                f"/cases/{visit.handle}/remove",
                tag("input", type="hidden", name="key", value=each.key),
                tag("button", _("Remove"), class_="quiet"),
                class_="no-print",
            )
            if writes
            else None
        )
        shown.append(
            tag(
                "figure",
                tag("img", src=address, alt=_("Photograph: {words}", words=words), loading="lazy"),
                tag("figcaption", words, " ", tag("small", _("Consent: {words}", words=each.consent))),
                remove,
            )
        )
    form = None
    if writes:
        form = post(
            visit, f"/cases/{visit.handle}/photographs",
            field(_("Picture (JPEG, PNG or WebP)"), tag("input", type="file", name="picture", id="picture", accept="image/jpeg,image/png,image/webp"), for_="picture"),
            field(_("Taken on"), tag("input", name="taken", id="taken", value=today, size="11"), for_="taken"),
            field(_("Site"), tag("input", name="site", id="site", size="20"), for_="site"),
            field(_("Consent: who agreed to what"), tag("input", name="consent", id="consent", size="40", required="required"), for_="consent"),
            tag("button", _("Keep the photograph")), enctype="multipart/form-data", class_="no-print",
        )  # fmt: skip
    note = _("with a scale in the picture; place and camera are taken out of the file")
    return section("photographs", _("Photographs"), note, tag("div", *shown, class_="photographs"), form)


def summary_view(visit: Visit, case: Case, answer: Mapping[str, Any]) -> Markup:
    """For the chart."""
    printed = tag("p", _("Print it with the browser; navigation is left out."), class_="note-of no-print")
    return case_page(visit, case, "/summary", _("Summary"), tag("main", printed, summary(answer), id="main"))


def patient_view(visit: Visit, case: Case, answer: Mapping[str, Any], guideline: Guideline) -> Markup:
    """What the patient may take home."""
    return case_page(
        visit,
        case,
        "/patient",
        _("For the patient"),
        tag("main", patient_page(answer, guideline.patient_information), id="main"),
    )


def record_view(
    visit: Visit,
    case: Case,
    resources: Sequence[Mapping[str, Any]],
    history: Sequence[Version],
    shared: Sequence[tuple[str, str]],
    said: Markup | None,
) -> Markup:
    """What the case holds, its settings, who sees it, export, deletion."""
    head = tag("header", tag("h1", _("Record of this case")))
    parts = [
        _entries(visit, case, resources),
        _settings(visit, case) if case.level != "read" else None,
        _history(history),
    ]
    if case.level == "own":
        parts += [_sharing(visit, shared) if not visit.local else None, _export(visit), _delete(visit)]
    else:
        parts.append(_export(visit))
    return case_page(visit, case, "/record", _("Record"), tag("main", head, *parts, id="main"), said=said)


def _entries(visit: Visit, case: Case, resources: Sequence[Mapping[str, Any]]) -> Markup:
    rows = []
    for each in reversed(resources):
        key = f"{each.get('resourceType')}/{each.get('id')}"
        remove = None
        if case.level != "read" and each.get("resourceType") != "Patient":
            inside = (
                tag("input", type="hidden", name="key", value=key),
                tag("button", _("Remove"), " ", tag("span", key, class_="hidden"), class_="quiet"),
            )
            remove = post(visit, f"/cases/{visit.handle}/remove", *inside, class_="plain-form no-print")
        rows.append((wording.title(str(each.get("resourceType"))), _named(each), _dated(each), remove or ""))
    return section(
        "entries",
        _("Entries"),
        wording.count(len(rows), "entry", "entries"),
        tag(
            "details",
            tag("summary", _("Show them")),
            table((_("Kind"), _("What"), _("When"), _("Change")), rows, "stacked"),
        ),
    )


def _named(resource: Mapping[str, Any]) -> str:
    for key in ("code", "medicationCodeableConcept", "type", "vaccineCode"):
        concept = structure(resource.get(key))
        name = clean(concept.get("text")) or next(
            (clean(structure(c).get("display")) for c in wording.items(concept.get("coding"))), ""
        )
        if name:
            value = structure(resource.get("valueQuantity"))
            return f"{name} {wording.quantity(value)}".strip() if value else name
    return clean(resource.get("id"))


def _dated(resource: Mapping[str, Any]) -> str:
    for key in (
        "effectiveDateTime",
        "performedDateTime",
        "onsetDateTime",
        "recordedDate",
        "authoredOn",
        "date",
        "issued",
        "dateAsserted",
        "createdDateTime",
    ):
        if resource.get(key):
            return wording.date(resource[key])
    for key in ("effectivePeriod", "performedPeriod", "onsetPeriod", "period"):
        start = structure(resource.get(key)).get("start")
        if start:
            return _("from {day}", day=wording.date(start))
    return ""


def _settings(visit: Visit, case: Case) -> Markup:
    complete = tuple(case.settings.get("complete", ()))
    boxes = [
        ("complete", "medications", _("The record lists all current medications"), "medications" in complete),
        ("complete", "allergies", _("The record lists all allergies"), "allergies" in complete),
        ("notes", "yes", _("Free text is read"), bool(case.settings.get("notes", True))),
    ]
    made = [
        tag(
            "div",
            tag("input", type="checkbox", name=name, value=value, id=f"set-{value}", checked="checked" if on else None),
            tag("label", words, for_=f"set-{value}"),
            class_="box",
        )
        for name, value, words, on in boxes
    ]
    label = field(
        _("Name of the case"),
        tag("input", name="label", id="set-label", value=case.label, size="40", maxlength="200"),
        for_="set-label",
    )
    hidden = tag("input", type="hidden", name="form", value="reading")
    return section(
        "settings",
        _("How it is read"),
        "",
        post(visit, f"/cases/{visit.handle}/settings", hidden, label, *made, tag("button", _("Save"))),
    )


def _history(history: Sequence[Version]) -> Markup:
    rows = [
        (
            wording.date(_instant(each.at)),
            each.account,
            each.key,
            _("removed") if each.resource is None else _("written"),
        )
        for each in reversed(history[-200:])
    ]
    inner = table((_("When"), _("Who"), _("Entry"), _("What")), rows, "stacked")
    return section(
        "history", _("History"), _("the last 200 changes"), tag("details", tag("summary", _("Show it")), inner)
    )


def _instant(at: object) -> str:
    return (
        at if isinstance(at, str) else datetime.fromtimestamp(float(str(at))).astimezone().isoformat(timespec="minutes")
    )


def _sharing(visit: Visit, shared: Sequence[tuple[str, str]]) -> Markup:
    levels = [("read", _("may read")), ("write", _("may write"))]
    rows = [
        tag(
            "li",
            name,
            " ",
            dict(levels)[level],
            " ",
            post(
                visit,
                f"/cases/{visit.handle}/unshare",
                tag("input", type="hidden", name="name", value=name),
                tag("button", _("Take back"), class_="quiet"),
                class_="plain-form",
            ),
        )
        for name, level in shared
    ]
    name = field(
        _("Account"), tag("input", name="name", id="share-name", size="20", autocomplete="off"), for_="share-name"
    )
    level = field(_("Level"), select("level", "share-level", levels), for_="share-level")
    give = tag("button", _("Hand the case over"), name="act", value="give", class_="quiet")
    return section(
        "sharing",
        _("Who sees it"),
        "",
        tag("ul", *rows),
        post(
            visit,
            f"/cases/{visit.handle}/share",
            name,
            level,
            tag("button", _("Share"), name="act", value="share"),
            give,
            class_="inline",
        ),
    )


def _export(visit: Visit) -> Markup:
    return section(
        "export",
        _("Export"),
        _("a FHIR bundle with everything, photographs too; it can be brought in again"),
        tag("p", tag("a", _("Save the case as a FHIR bundle"), href=f"{visit.base}/cases/{visit.handle}/export")),
    )


def _delete(visit: Visit) -> Markup:
    words = tag(
        "p",
        _(
            "Entries, their history, photographs and the name are removed and cannot be brought back. That a case was deleted stays in the audit, without what it held."
        ),
    )
    sure = tag(
        "div",
        tag("input", type="checkbox", name="sure", value="yes", id="sure", required="required"),
        tag("label", _("Delete this case for good"), for_="sure"),
        class_="box",
    )
    return section(
        "delete",
        _("Delete"),
        "",
        words,
        post(visit, f"/cases/{visit.handle}/delete", sure, tag("button", _("Delete it"), class_="danger")),
    )


__all__ = [
    "ASSESSMENT",
    "assessment_view",
    "case_page",
    "dose_page",
    "dose_result",
    "follow_up_view",
    "join",
    "orders_view",
    "patient_view",
    "question_by_id",
    "question_now",
    "record_view",
    "summary_view",
]
