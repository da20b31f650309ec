"""What stands around every view: head, navigation, units, messages."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from calcipath.output.markup import Markup, join, raw, tag
from calcipath.page.language import _
from calcipath.page.visit import UNITS, Visit

STYLES = ("calcipath.output", "page.css"), ("calcipath.page.static", "site.css")
SCRIPT = ("calcipath.page.static", "page.js")
ICON = ("calcipath.page.static", "icon.svg")
SAID = "said"  # the place that tells a screen reader what has changed


@cache
def asset(package: str, name: str) -> bytes:
    """The bytes of a style or script of the package."""
    return files(package).joinpath(name).read_bytes()


@cache
def asset_address(package: str, name: str) -> str:
    """Its address, which changes with its content, so that it may be kept for good."""
    return f"/page/static/{hashlib.sha256(asset(package, name)).hexdigest()[:16]}/{name}"


def html(visit: Visit | None, title: str, *content: object, base: str = "", message: Markup | None = None) -> Markup:
    """A whole document. `visit` None: nobody is logged in."""
    base = visit.base if visit else base
    name = tag("a", "calcipath", href=f"{base}/", class_="brand")
    top = tag("header", name, _who(visit) if visit else None, class_="top no-print")
    body = tag(
        "body",
        tag("a", _("Skip to the content"), href="#main", class_="skip no-print"),
        top,
        tag(
            "div",
            message,
            id=SAID,
            role="status",
            aria_live="polite",
            class_="said-now no-print",
            data_copied=_("Copied."),
            data_selected=_("Selected: copy it with Ctrl+C."),
            data_silent=_("The service did not answer; what is shown is the last answer."),
        ),
        *content,
        tag("footer", tag("p", _words()), class_="no-print"),
    )
    return raw(f"<!doctype html>\n{tag('html', _head(title, base), body, lang='en-GB')}\n")


def _words() -> str:
    return _(
        "Decision support for health professionals: options to weigh, not orders. Evidence is of very low certainty; "
        "sodium thiosulfate is used off-label. Not a medical device."
    )


def _head(title: str, base: str) -> Markup:
    styles = [tag("link", rel="stylesheet", href=f"{base}{asset_address(*each)}") for each in STYLES]
    script = tag("script", "", src=f"{base}{asset_address(*SCRIPT)}", defer="defer")
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} – calcipath"),
        *styles,
        tag("link", rel="icon", href=f"{base}{asset_address(*ICON)}"),
        script,
    )


def _who(visit: Visit) -> Markup:
    units = [
        tag(
            "button",
            {"us": _("US units"), "si": _("SI units")}[each],
            name="units",
            value=each,
            aria_pressed="true" if each == visit.units else "false",
        )
        for each in UNITS
    ]
    switch = post(visit, "/page/units", tag("div", *units, role="group", aria_label=_("Units")), class_="units")
    if visit.local:
        return tag("div", switch, class_="who")
    admin = tag("a", _("Accounts"), href=f"{visit.base}/page/accounts") if visit.account.administers else None
    leave = post(visit, "/page/logout", tag("button", _("Log out")), class_="plain-form")
    mine = tag("a", visit.account.name, href=f"{visit.base}/page/password")
    return tag("div", switch, admin, mine, leave, class_="who")


def post(visit: Visit, address: str, *content: object, **attributes: object) -> Markup:
    """A form that is sent to an address of the page, with the session's secret."""
    secret = tag("input", type="hidden", name="csrf", value=visit.session.csrf)
    return tag("form", secret, *content, method="post", action=f"{visit.base}{address}", **attributes)


def field(label: str, control: Markup, *, for_: str, note: str = "") -> Markup:
    """A labelled control."""
    told = tag("span", note, id=f"{for_}-note", class_="note-of") if note else None
    return tag("div", tag("label", label, for_=for_), control, told, class_="field")


def select(name: str, id_: str, options: list[tuple[str, str]], chosen: str = "", **attributes: object) -> Markup:
    """A list to choose one from."""
    made = [
        tag("option", words, value=value, selected="selected" if value == chosen else None) for value, words in options
    ]
    return tag("select", *made, name=name, id=id_, **attributes)


def message(kind: str, text: str) -> Markup:
    """What happened, or what is wrong: told by its first word, not by colour alone."""
    first = {"error": _("Not done."), "done": _("Done."), "note": _("Note.")}[kind]
    return tag("p", tag("strong", first), " ", text, class_=f"message {kind}")


def tabs(visit: Visit, here: str) -> Markup:
    """The views of a case."""
    names = [
        ("", _("Assessment")),
        ("/orders", _("Order list")),
        ("/dose", _("Dose")),
        ("/follow-up", _("Follow-up")),
        ("/summary", _("Summary")),
        ("/patient", _("For the patient")),
        ("/record", _("Record")),
    ]
    entries = [
        tag(
            "li",
            tag(
                "a",
                words,
                href=f"{visit.base}/cases/{visit.handle}{place}",
                aria_current="page" if place == here else None,
            ),
        )
        for place, words in names
    ]
    return tag("nav", tag("ul", *entries), aria_label=_("Views of this case"), class_="tabs no-print")


def done(visit: Visit) -> Markup | None:
    """What was done, after the act led back to a view."""
    words = {
        "visit": _("The visit is saved."),
        "photograph": _("The photograph is kept."),
        "settings": _("Saved."),
        "removed": _("The entry is removed; its history stays."),
        "shared": _("Who sees the case is changed."),
        "given": _("The case is handed over."),
        "deleted": _("The case is deleted for good."),
        "deleted-rows": _(
            "The case is deleted, and cannot be brought back. The database takes its bytes out of its files later."
        ),
        "account": _("The account is changed."),
    }
    return message("done", words[visit.done]) if visit.done in words else None


__all__ = ["asset", "asset_address", "done", "field", "html", "join", "message", "post", "select", "tabs"]
