"""What a case holds, how it is read, who sees it, export and deletion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from calcipath.output import wording
from calcipath.output.html_findings import section, table
from calcipath.output.markup import Markup, tag
from calcipath.page.case_frame import case_page
from calcipath.page.entry_words import dated, named
from calcipath.page.language import _
from calcipath.page.layout import field, post, select
from calcipath.page.visit import Visit
from calcipath.register.access import Case
from calcipath.register.entries import Version


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
        rows.append((wording.title(str(each.get("resourceType"))), named(each), dated(each), remove or ""))
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
