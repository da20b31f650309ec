"""Cards, their sources, links, override reasons and codings (CDS Hooks 2.0 "Card attributes" to "Link", #80 to #147)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from calcipath.conformance.card_context import CardContext
from calcipath.conformance.findings import Finding, is_absolute_url, is_text, judge
from calcipath.conformance.json_checks import member_findings
from calcipath.conformance.suggestion_checks import suggestion_findings

MOST_SUMMARY = 140  # characters; a summary has fewer
INDICATORS = ("info", "warning", "critical")
BEHAVIOURS = ("at-most-one", "any")
MEMBERS = frozenset(
    {"uuid", "summary", "detail", "indicator", "source", "suggestions", "selectionBehavior", "overrideReasons", "links"}
)
# GitHub-flavoured Markdown filters these (section 6.11, "Disallowed Raw HTML").
_DISALLOWED = re.compile(
    r"</?(title|textarea|style|xmp|iframe|noembed|noframes|script|plaintext)(?=[\s/>])", re.IGNORECASE
)
_TAG = re.compile(r"</?[a-z][a-z0-9]*(\s[^<>]*)?/?>", re.IGNORECASE)


def card_findings(card: Any, where: str, context: CardContext) -> Iterator[Finding]:
    """Everything about one card of a response."""
    if not isinstance(card, dict):
        yield from judge("74", False, where, card)
        return
    yield from _uuid(card, where)
    yield from _summary(card, where)
    yield from _detail(card, where)
    indicator = card.get("indicator", "indicator is missing")
    given = "indicator" in card and is_text(indicator)
    yield from judge("87", given, where, indicator)
    if given:
        yield from judge("88", indicator in INDICATORS, where, indicator)
    source = card.get("source", "source is missing")
    yield from judge("90", isinstance(source, dict) and bool(source), where, source)
    if isinstance(source, dict):
        yield from source_findings(source, f"{where}.source", context)
    yield from _suggestions(card, where, context)
    yield from _override_reasons(card, where)
    yield from _links(card, where, context)
    yield from member_findings(card, MEMBERS, where)


def _uuid(card: Mapping[str, Any], where: str) -> Iterator[Finding]:
    if "uuid" not in card:
        yield from judge("81", True, where, "no uuid")
    else:
        yield from judge("80", is_text(card["uuid"]), where, card["uuid"])


def _summary(card: Mapping[str, Any], where: str) -> Iterator[Finding]:
    summary = card.get("summary", "summary is missing")
    right = "summary" in card and is_text(summary) and len(summary) < MOST_SUMMARY
    length = f"{len(summary)} characters" if isinstance(summary, str) and "summary" in card else summary
    yield from judge("83", right, where, length)


def _detail(card: Mapping[str, Any], where: str) -> Iterator[Finding]:
    if "detail" not in card:
        return
    detail = card["detail"]
    yield from judge("84", True, where, "detail is given")
    if not isinstance(detail, str):
        yield from judge("85", False, where, detail)
        return
    refused, tag = _DISALLOWED.search(detail), _TAG.search(_without_code(detail))
    yield from judge("85", refused is None, where, refused[0] if refused else "Markdown")
    yield from judge("K20", tag is None, where, tag[0] if tag else "no HTML")


def _without_code(markdown: str) -> str:
    return re.sub(r"```.*?```|`[^`]*`", "", markdown, flags=re.DOTALL)


def source_findings(source: Mapping[str, Any], where: str, context: CardContext) -> Iterator[Finding]:
    """The members of a source, except what its icon looks like."""
    label = source.get("label", "label is missing")
    labelled = "label" in source and is_text(label)
    yield from judge("105", labelled, where, label)
    if "url" in source:
        url = source["url"]
        yield from judge("107", is_absolute_url(url), where, url)
        yield from judge("108", True, where, url)
        if labelled:
            yield from judge("106", True, where, f"{label} and {url}")
        seen = context.mentioned(url)
        yield from judge("109", not seen, where, f"{url} names {seen}" if seen else url)
    if "icon" in source:
        yield from judge("111", is_absolute_url(source["icon"]), where, source["icon"])
        yield from judge("113", True, where, source["icon"])
    if "topic" in source:
        yield from _topic(source["topic"], f"{where}.topic")
    yield from member_findings(source, {"label", "url", "icon", "topic"}, where)


def _topic(topic: Any, where: str) -> Iterator[Finding]:
    yield from judge("115", isinstance(topic, dict), where, topic)
    yield from judge("116", True, where, topic)
    if isinstance(topic, dict):
        yield from coding_findings(topic, where)
        if "display" in topic:
            yield from judge("220", is_text(topic["display"]), where, topic["display"])


def coding_findings(coding: Mapping[str, Any], where: str) -> Iterator[Finding]:
    """Code and system of a coding."""
    yield from judge("216 218", is_text(coding.get("code")), where, coding.get("code", "code is missing"))
    yield from judge("217", is_text(coding.get("system")), where, coding.get("system", "system is missing"))
    yield from member_findings(coding, {"code", "system", "display"}, where)


def _suggestions(card: Mapping[str, Any], where: str, context: CardContext) -> Iterator[Finding]:
    behaviour = card.get("selectionBehavior", "selectionBehavior is missing")
    stated = "selectionBehavior" in card
    if stated and isinstance(behaviour, str):
        yield from judge("95", behaviour in BEHAVIOURS, where, behaviour)
    if stated:
        yield from judge("96", isinstance(behaviour, str), where, behaviour)
    if "suggestions" not in card:
        return
    suggestions = card["suggestions"]
    right = isinstance(suggestions, list) and all(isinstance(entry, dict) for entry in suggestions)
    yield from judge("92", right, where, suggestions)
    if not right or not suggestions:
        return
    yield from judge("94", True, where, f"{len(suggestions)} suggestions")
    yield from judge("93", stated, where, behaviour)
    if not stated:
        yield from judge("96", False, where, behaviour)
    for index, suggestion in enumerate(suggestions):
        yield from suggestion_findings(suggestion, f"{where}.suggestions[{index}]", context)
    yield from _recommended(suggestions, behaviour, where)


def _recommended(suggestions: list[Mapping[str, Any]], behaviour: object, where: str) -> Iterator[Finding]:
    count = sum(suggestion.get("isRecommended") is True for suggestion in suggestions)
    if count > 1 and behaviour in BEHAVIOURS:
        yield from judge("122", behaviour == "any", where, f"{count} are recommended, selectionBehavior {behaviour}")


def _override_reasons(card: Mapping[str, Any], where: str) -> Iterator[Finding]:
    if "overrideReasons" not in card:
        return
    reasons = card["overrideReasons"]
    right = isinstance(reasons, list) and all(isinstance(reason, dict) for reason in reasons)
    yield from judge("98", right, where, reasons)
    if not right:
        return
    yield from judge("99", True, where, f"{len(reasons)} override reasons")
    for index, reason in enumerate(reasons):
        here = f"{where}.overrideReasons[{index}]"
        yield from judge("100 136 219", is_text(reason.get("display")), here, reason.get("display", "no display"))
        yield from coding_findings(reason, here)


def _links(card: Mapping[str, Any], where: str, context: CardContext) -> Iterator[Finding]:
    if "links" not in card:
        return
    links = card["links"]
    right = isinstance(links, list) and all(isinstance(link, dict) for link in links)
    yield from judge("103", right, where, links)
    if not right:
        return
    yield from judge("104", True, where, f"{len(links)} links")
    for index, link in enumerate(links):
        yield from link_findings(link, f"{where}.links[{index}]", context)


def link_findings(link: Mapping[str, Any], where: str, context: CardContext) -> Iterator[Finding]:
    """The members of one link."""
    yield from judge("138", is_text(link.get("label")), where, link.get("label", "label is missing"))
    url, kind = link.get("url", "url is missing"), link.get("type", "type is missing")
    yield from judge("139", "url" in link and is_text(url), where, url)
    given = "type" in link and is_text(kind)
    yield from judge("141", given, where, kind)
    if given:
        fits = kind in ("absolute", "smart") and ("url" not in link or is_absolute_url(url))
        yield from judge("142", fits, where, f"type {kind}, url {url}")
    if is_absolute_url(url):
        yield from _deep(str(url), where, context)
    yield from _app_context(link, where)
    for name in link:
        if name.lower().replace("-", "") in ("autolaunchable", "autolaunch"):
            right = name == "autolaunchable" and isinstance(link[name], bool)
            yield from judge("K17", right, where, f"{name}: {link[name]}")
    yield from member_findings(link, {"label", "url", "type", "appContext", "autolaunchable"}, where)


def _deep(url: str, where: str, context: CardContext) -> Iterator[Finding]:
    parts = urlsplit(url)
    if parts.path.strip("/") or parts.query or parts.fragment:
        yield from judge("140", True, where, url)
    if context.mentioned(url):
        yield from judge("110", True, where, f"{url} leads to this patient's details")


def _app_context(link: Mapping[str, Any], where: str) -> Iterator[Finding]:
    kind = link.get("type")
    if kind == "absolute":
        yield from judge("147", "appContext" not in link, where, link.get("appContext", "no appContext"))
    if "appContext" not in link:
        return
    value = link["appContext"]
    yield from judge("145", True, where, value)
    yield from judge("144", isinstance(value, str), where, value)
    yield from judge("146", kind == "smart", where, f"type {kind}")
