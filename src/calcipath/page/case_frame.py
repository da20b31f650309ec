"""What stands around every view of a case: its name, its tabs, and for which instant it speaks."""

from __future__ import annotations

from calcipath.output import wording
from calcipath.output.markup import Markup, tag
from calcipath.page.case_reading import Found, age_of_record
from calcipath.page.language import _
from calcipath.page.layout import html, post, tabs
from calcipath.page.visit import Visit
from calcipath.register.access import Case


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
