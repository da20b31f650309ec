"""What holds for every JSON body: JSON and nothing else, nothing null or empty, extensions as the specification wants.

Anchors: CDS Hooks 2.0 "Use of JSON" (#1, #3), "Extensions" (#214, #215).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from calcipath.conformance.findings import NOT_JSON, Answer, Finding, judge, shown

MEDIA_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json(?:\s*;.*)?", re.IGNORECASE)
MAY_BE_EMPTY = frozenset({"services", "cards"})
_LAST_NAME = re.compile(r"(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9_-]+|[a-z][a-z0-9+.-]*:.+", re.DOTALL)
_MOST_PLACES = 5
_RESOURCE_MEMBERS = frozenset({"resource"})


def body_findings(answer: Answer, where: str) -> Iterator[Finding]:
    """Whether a body, if there is one, is JSON and is called JSON; then whether anything in it is null or empty."""
    if not answer.body.strip():
        return
    kind = answer.headers.get("content-type", "")
    if answer.value is NOT_JSON:
        text = answer.body[:80].decode("utf-8", "replace")
        yield from judge(
            "1",
            False,
            where,
            f"{answer.described}, Content-Type {kind or 'missing'}, no JSON (or nested too deep): {shown(text)}",
        )
        return
    right = MEDIA_TYPE.fullmatch(kind.strip()) is not None
    yield from judge("1", right, where, f"Content-Type {kind or 'missing'}")
    if answer.repeated_names:
        yield from judge("1", False, where, f"a member stands twice: {shown(answer.repeated_names[0])}")


def empty_findings(value: Any, where: str) -> Iterator[Finding]:
    """Each null or empty member (#3); one good finding when there is none."""
    places = list(_empty_places(value, ""))
    for place, seen in places[:_MOST_PLACES]:
        yield from judge("3", False, f"{where}: {place}", seen)
    if not places:
        yield from judge("3", True, where)


def _empty_places(value: Any, path: str, in_resource: bool = False) -> Iterator[tuple[str, str]]:
    if value is None or (isinstance(value, str | list | dict) and not value):
        if not (isinstance(value, list) and path in MAY_BE_EMPTY):
            yield path or "the whole body", shown(value)
    elif isinstance(value, dict):
        for name, member in value.items():
            inside = in_resource or name in _RESOURCE_MEMBERS
            if inside and _fills_gaps(value, name, member):
                continue
            yield from _empty_places(member, f"{path}.{name}" if path else name, inside)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _empty_places(member, f"{path}[{index}]", in_resource)


def _fills_gaps(resource: Mapping[str, Any], name: str, member: Any) -> bool:
    """In FHIR's JSON an array of primitives may hold nulls where its twin `_name` has extensions, and the reverse."""
    twin = resource.get(name[1:] if name.startswith("_") else f"_{name}")
    return isinstance(member, list) and isinstance(twin, list) and len(twin) == len(member)


def extension_findings(value: Any, where: str, path: str = "") -> Iterator[Finding]:
    """Each `extension` of CDS Hooks (not those of FHIR resources): an object, with globally unique names in it."""
    if isinstance(value, dict):
        for name, member in value.items():
            here = f"{path}.{name}" if path else name
            if name == "extension":
                yield from _extension(member, f"{where}: {here}")
            elif name not in _RESOURCE_MEMBERS:
                yield from extension_findings(member, where, here)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from extension_findings(member, where, f"{path}[{index}]")


def _extension(member: Any, where: str) -> Iterator[Finding]:
    yield from judge("214", isinstance(member, dict), where, member)
    if isinstance(member, dict):
        loose = [name for name in member if not _LAST_NAME.fullmatch(name)]
        yield from judge("215", not loose, where, loose or list(member))


def member_findings(value: Mapping[str, Any], known: Collection[str], where: str) -> Iterator[Finding]:
    """Whether an object of the specification holds only members that the specification defines (or `extension`)."""
    unknown = [name for name in value if name not in known and name != "extension"]
    yield from judge("K18", not unknown, where, unknown or "only what the specification defines")
