"""Answers prefetch templates from a set of resources, as a client's FHIR server would: reads and simple searches.

A parameter that is not understood does not narrow a search. Dates compare by their common precision.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote_plus

from calcipath.conformance.findings import resource_name
from calcipath.conformance.template_checks import TOKEN

Resource = Mapping[str, Any]
_PATIENT_PARAMETERS = frozenset({"patient", "subject", "beneficiary"})
_PATIENT_ELEMENTS = ("subject", "patient", "beneficiary", "for")
_DATE_ELEMENTS = (
    "effectiveDateTime", "effectivePeriod", "onsetDateTime", "authoredOn", "performedDateTime", "performedPeriod",
    "period", "occurrenceDateTime", "recordedDate", "date", "created", "start", "birthDate",
)  # fmt: skip
_DATE_PARAMETERS = re.compile(r"(?:.*-)?(?:date|authoredon|onset|period)|_lastUpdated")
_TODAY = re.compile(r"today\(\)(?:\s*([+-])\s*(\d{1,5})\s+days)?", re.ASCII)
_PREFIX = re.compile(r"(eq|ne|lt|gt|ge|le|sa|eb|ap)?(\d{4}.*)", re.DOTALL)
_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "eq": str.__eq__, "ne": str.__ne__, "lt": str.__lt__, "eb": str.__lt__, "gt": str.__gt__, "sa": str.__gt__,
    "ge": str.__ge__, "le": str.__le__,
}  # fmt: skip


def filled(query: str, context: Mapping[str, Any], today: date) -> str | None:
    """The query with its tokens replaced from the context; None when a token has no value here.

    Of the paths of the 3.0 ballot only `today()` with days added or taken away is understood.
    """
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        known = _day(found[1], today) or _token_value(found[1], context)
        missing = missing or known is None
        return known or ""

    text = TOKEN.sub(value, query)
    return None if missing else text


def _day(token: str, today: date) -> str:
    found = _TODAY.fullmatch(token)
    if found is None:
        return ""
    days = int(found[2] or 0) * (-1 if found[1] == "-" else 1)
    return (today + timedelta(days=days)).isoformat()


def _token_value(token: str, context: Mapping[str, Any]) -> str | None:
    user = str(context.get("userId", ""))
    kind, _, name = user.partition("/")
    if token.startswith("user"):
        return name if token == f"user{kind}Id" and name else None
    value = context.get(token.removeprefix("context."))
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return ",".join(value) or None
    return value if isinstance(value, str) and value else None


def answer(query: str, resources: Sequence[Resource]) -> Resource | None:
    """What a filled query finds: a resource (None when there is none) for a read, a searchset for a search."""
    path, question, parameters = query.partition("?")
    if not question:
        return next((resource for resource in resources if resource_name(resource) == path), None)
    pairs = [tuple(unquote_plus(part) for part in pair.partition("=")[::2]) for pair in parameters.split("&")]
    found = [entry for entry in resources if entry.get("resourceType") == path and _fits_all(entry, pairs)]
    return searchset(found[: _most(pairs)], len(found))


def _most(pairs: Sequence[tuple[str, ...]]) -> int | None:
    count = next((value for name, value in pairs if name in ("_count", "_maxresults")), "")
    return int(count) if count.isdigit() else None


def searchset(resources: Sequence[Resource], total: int | None = None) -> Resource:
    """A searchset Bundle; without `entry` when nothing was found, as FHIR's JSON has no empty arrays."""
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(resources) if total is None else total,
    }
    if resources:
        bundle["entry"] = [{"resource": resource, "search": {"mode": "match"}} for resource in resources]
    return bundle


def _fits_all(resource: Resource, pairs: Sequence[tuple[str, ...]]) -> bool:
    return all(_fits(resource, name.partition(":")[0], name.partition(":")[2], value) for name, value in pairs)


def _fits(resource: Resource, name: str, modifier: str, value: str) -> bool:
    wanted = [part for part in value.split(",") if part]
    if name == "_id":
        return resource.get("id") in [part.rpartition("/")[2] for part in wanted]
    if name in _PATIENT_PARAMETERS:
        ids = [part.rpartition("/")[2] for part in wanted]
        return any(reference.rpartition("/")[2] in ids for reference in _references(resource))
    if _DATE_PARAMETERS.fullmatch(name):
        return _date_fits(resource, value)
    if name.startswith("_") or modifier:
        return True
    element = re.sub(r"-(\w)", lambda found: found[1].upper(), name)
    codes = list(_codes(resource.get(element)))
    return not codes or any(_token_fits(part, codes) for part in wanted)


def _references(resource: Resource) -> Iterator[str]:
    for name in _PATIENT_ELEMENTS:
        value = resource.get(name)
        if isinstance(value, Mapping) and isinstance(value.get("reference"), str):
            yield value["reference"]
    if resource.get("resourceType") == "Patient" and isinstance(resource.get("id"), str):
        yield f"Patient/{resource['id']}"


def _codes(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield "", value
    elif isinstance(value, list):
        for entry in value:
            yield from _codes(entry)
    elif isinstance(value, Mapping):
        if isinstance(value.get("code"), str):
            yield str(value.get("system", "")), value["code"]
        yield from _codes(value.get("coding"))


def _token_fits(wanted: str, codes: Sequence[tuple[str, str]]) -> bool:
    system, bar, code = wanted.rpartition("|")
    return any(code in ("", known) and (not bar or not system or system == known_in) for known_in, known in codes)


def _date_fits(resource: Resource, value: str) -> bool:
    found = _PREFIX.fullmatch(value)
    dates = list(_dates(resource))
    if found is None or not dates:
        return True
    prefix, wanted = found[1] or "eq", found[2]
    compare = _COMPARISONS.get(prefix)
    if compare is None:
        return True
    return any(compare(date[: min(len(date), len(wanted))], wanted[: min(len(date), len(wanted))]) for date in dates)


def _dates(resource: Resource) -> Iterator[str]:
    for name in _DATE_ELEMENTS:
        value = resource.get(name)
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from (value[end] for end in ("start", "end") if isinstance(value.get(end), str))
