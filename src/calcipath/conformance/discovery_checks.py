"""Discovery: where it is, its status and shape, and the members of each service (CDS Hooks 2.0 "Discovery", #4 to #14)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from calcipath.conformance.findings import NOT_JSON, Answer, Finding, Service, is_text, judge, shown
from calcipath.conformance.hooks import HOOKS, same_version
from calcipath.conformance.json_checks import body_findings, empty_findings, extension_findings, member_findings

MEMBERS = frozenset(
    {"hook", "title", "description", "id", "prefetch", "usageRequirements", "version", "hookVersion"}
)  # with those of the 3.0 ballot
_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+", re.ASCII)
_SEMANTIC = re.compile(r"\d+\.\d+(?:\.\d+)?(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?", re.ASCII)
WHERE = "discovery"


def discovery_findings(answer: Answer) -> Iterator[Finding]:
    """Everything about the answer of discovery. A refusal with 401 or 403 shows only that the address is right."""
    there = answer.status not in (0, 404, 405, 410) and not 300 <= answer.status < 400
    yield from judge("4", there, WHERE, answer.described)
    yield from judge("5", there and answer.status < 500, WHERE, answer.described)
    if not answer.success:
        if 400 <= answer.status < 600:
            yield from judge("14", True, WHERE, answer.described)
        yield from body_findings(answer, WHERE)
        return
    yield from judge("13", answer.status == 200, WHERE, answer.described)
    yield from body_findings(answer, WHERE)
    if answer.value is NOT_JSON:
        yield from judge("6", False, WHERE, "the body is not JSON")
        return
    listed = isinstance(answer.value, dict) and isinstance(answer.value.get("services"), list)
    yield from judge("6", listed, WHERE, answer.value)
    yield from empty_findings(answer.value, WHERE)
    yield from extension_findings(answer.value, WHERE)
    if listed:
        yield from member_findings(answer.value, {"services"}, WHERE)
        yield from _all_services(answer.value["services"])
        if answer.repeated_names:
            yield from _repeated_keys(answer)


def _repeated_keys(answer: Answer) -> Iterator[Finding]:
    keys = {key for service in usable_services(answer.value) for key in service.prefetch}
    twice = [name for name in answer.repeated_names if name in keys]
    if twice:
        yield from judge("36", False, WHERE, f"prefetch key that stands twice: {shown(twice[0])}")


def _all_services(entries: list[Any]) -> Iterator[Finding]:
    for index, entry in enumerate(entries):
        where = f"{WHERE}: services[{index}]"
        if isinstance(entry, dict):
            yield from service_findings(entry, where)
        else:
            yield from judge("6", False, where, entry)
    yield from _identifiers([entry for entry in entries if isinstance(entry, dict)])


def service_findings(entry: Mapping[str, Any], where: str) -> Iterator[Finding]:
    """The members of one service."""
    yield from judge("7", is_text(entry.get("hook")), where, entry.get("hook", "hook is missing"))
    yield from judge("8", is_text(entry.get("title")), where, entry.get("title", "title is missing"))
    yield from judge("9", is_text(entry.get("description")), where, entry.get("description", "description is missing"))
    name = entry.get("id", "id is missing")
    yield from judge("10", isinstance(name, str) and _SEGMENT.fullmatch(name) is not None, where, name)
    if "prefetch" in entry:
        yield from _prefetch(entry["prefetch"], where)
    if "usageRequirements" in entry:
        yield from judge("12", is_text(entry["usageRequirements"]), where, entry["usageRequirements"])
    yield from _ballot(entry, where)
    yield from member_findings(entry, MEMBERS, where)


def _prefetch(prefetch: Any, where: str) -> Iterator[Finding]:
    where = f"{where}.prefetch"
    if not isinstance(prefetch, dict):
        yield from judge("11", False, where, prefetch)
        return
    wrong = {key: query for key, query in prefetch.items() if not is_text(query)}
    yield from judge("11", bool(prefetch) and not wrong, where, wrong or prefetch)
    if prefetch:
        yield from judge("29", not wrong, where, wrong or f"{len(prefetch)} templates")
        yield from judge("36", all(map(is_text, prefetch)), where, ", ".join(prefetch) or "an empty key")


def _ballot(entry: Mapping[str, Any], where: str) -> Iterator[Finding]:
    version = entry.get("version", "version is missing")
    yield from judge("K13", isinstance(version, str) and _SEMANTIC.fullmatch(version) is not None, where, version)
    if "hookVersion" not in entry:
        return
    stated, hook = entry["hookVersion"], HOOKS.get(str(entry.get("hook")))
    right = is_text(stated) and (hook is None or any(same_version(stated, known) for known in hook.versions))
    yield from judge("K14", right, where, stated)


def _identifiers(entries: list[Mapping[str, Any]]) -> Iterator[Finding]:
    """One entry for an id, a hook and a version of the hook; an id under several hooks is a way to update guidance."""
    keys = Counter((str(e.get("id")), str(e.get("hook")), str(e.get("hookVersion"))) for e in entries if e.get("id"))
    for (name, hook, _), count in keys.items():
        if count > 1:
            yield from judge("10", False, f"{WHERE}: {name} ({hook})", f"{count} entries of the same id and hook")
    hooks: dict[str, set[str]] = {}
    for name, hook, _ in keys:
        hooks.setdefault(name, set()).add(hook)
    for name, several in hooks.items():
        if len(several) > 1:
            yield from judge("210 211", True, f"{WHERE}: {name}", f"one id under {', '.join(sorted(several))}")


def usable_services(value: Any) -> tuple[Service, ...]:
    """The services of a discovery answer that can be called: those with an id and a hook."""
    entries = value.get("services") if isinstance(value, dict) else None
    found = []
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict):
            continue
        name, hook, prefetch = entry.get("id"), entry.get("hook"), entry.get("prefetch")
        if not (isinstance(name, str) and _SEGMENT.fullmatch(name) and isinstance(hook, str) and hook):
            continue
        templates = prefetch if isinstance(prefetch, dict) else {}
        usable = {key: query for key, query in templates.items() if is_text(query)}
        version = entry.get("version")
        found.append(Service(name, hook, usable, version if isinstance(version, str) else ""))
    return tuple({(service.id, service.hook): service for service in reversed(found)}.values())[::-1]
