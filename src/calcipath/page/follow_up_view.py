"""How it goes: response, trend, next visit, photographs, and the form of a visit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from calcipath.guideline.model import Guideline
from calcipath.guideline.vocabulary import OWN_SYSTEM
from calcipath.interview.entered import was_stated
from calcipath.output import wording
from calcipath.output.html_findings import section
from calcipath.output.markup import Markup, tag
from calcipath.output.timeline import Mark
from calcipath.output.trend_svg import draw_trend
from calcipath.output.wording import clean, structure
from calcipath.page.case_frame import as_of_line, case_page
from calcipath.page.case_reading import Found
from calcipath.page.entry_words import named
from calcipath.page.language import _
from calcipath.page.layout import field, post
from calcipath.page.visit import Visit
from calcipath.page.visit_forms import visit_form
from calcipath.record.dates import DAY, parse_when
from calcipath.register.access import Case
from calcipath.register.photographs import Photograph


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
        (f"{each['resourceType']}/{each['id']}", named(each))
        for each in resources
        if each.get("resourceType") in ("MedicationStatement", "MedicationRequest") and each.get("status") == "active"
    )


def _wound_names(resources: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for each in resources:
        codes = wording.items(structure(each.get("code")).get("coding"))
        if any(structure(code).get("system") == OWN_SYSTEM and code.get("code") == "wound-length" for code in codes):
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
    days = {str(each.get("effectiveDateTime", ""))[:10] for each in resources if was_stated(each)}
    found = [parse_when(day) for day in sorted(days) if len(day) == len("2026-01-31")]
    return tuple(Mark(_("visit"), when.earliest, "procedure") for when in found if when is not None)


def _next_visit(visit: Visit, case: Case, found: Found, now: datetime, response_days: float, *, writes: bool) -> Markup:
    planned = str(case.settings.get("next_visit", ""))
    begun = found.treated_since
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
                    "This course of sodium thiosulfate began on {day}; a response is judged from {due} on.",
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
