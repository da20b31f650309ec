"""Which of the raw resources are read: those that are FHIR at all, each once, in its newest version."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from calcipath.record.dates import parse_when
from calcipath.record.fhir.cleaning import is_plain
from calcipath.record.fhir.entry import Json
from calcipath.record.fhir.raw import RawResource
from calcipath.record.fhir.references import Index
from calcipath.record.model import DataProblem

LONGEST_ADDRESS = 500
_TYPE = re.compile(r"[A-Za-z]{1,64}")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_ODD_ID = re.compile(r"[^\s/#?\\]{1,200}")  # not FHIR's, but seen on servers


@dataclass(slots=True)
class Held:
    """A resource that will be read; `reference` is `Type/id`, else its fullUrl, else its place."""

    resource: Json
    type: str
    reference: str
    full_url: str


@dataclass(slots=True)
class Selection:
    """The resources to read, their index, and what became of the others."""

    held: list[Held] = field(default_factory=list)
    index: Index = field(default_factory=Index)
    problems: list[DataProblem] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    total: int = 0


def select(resources: Iterable[RawResource]) -> Selection:
    """Sort out what is not FHIR, void or a duplicate. Of two versions of a resource the newer is kept, and listed."""
    selection = Selection()
    positions: dict[str, int] = {}
    for raw in resources:
        selection.total += 1
        if raw.void:
            selection.dropped[raw.void] += 1
            continue
        held = _held(raw, selection)
        if held is None:
            continue
        position = positions.setdefault(held.reference, len(selection.held))
        if position == len(selection.held):
            selection.held.append(held)
        else:
            selection.held[position] = _newer(selection, selection.held[position], held)
    for held in selection.held:
        identifier = held.resource.get("id")
        named = identifier if type(identifier) is str else ""
        selection.index.add(held.resource, held.type, named, held.full_url)
    return selection


def _held(raw: RawResource, selection: Selection) -> Held | None:
    place = raw.place or f"entry {selection.total}"
    resource = raw.resource
    resource_type = resource.get("resourceType") if type(resource) is dict else None
    if type(resource_type) is not str or not _TYPE.fullmatch(resource_type):
        what = "is no JSON object" if type(resource) is not dict else "has no resourceType of FHIR"
        selection.problems.append(DataProblem(place, "unreadable", f"the entry {what}; not used"))
        selection.refused["not FHIR"] += 1
        return None
    full_url = raw.full_url if type(raw.full_url) is str else ""
    return Held(resource, resource_type, _reference(resource, resource_type, full_url, place), full_url)


def _reference(resource: Json, resource_type: str, full_url: str, place: str) -> str:
    """`Type/id`; without a usable id the fullUrl, and without that the place."""
    identifier = resource.get("id")
    if type(identifier) is str and (_ID.fullmatch(identifier) or _is_odd_id(identifier)):
        return f"{resource_type}/{identifier}"
    return full_url if is_plain(full_url) and len(full_url) <= LONGEST_ADDRESS else place


def _is_odd_id(identifier: str) -> bool:
    return _ODD_ID.fullmatch(identifier) is not None and is_plain(identifier)


def _newer(selection: Selection, first: Held, second: Held) -> Held:
    """The one of two resources with the same id to keep: a plain copy is dropped, a different version listed."""
    if _same(first.resource, second.resource):
        selection.dropped["duplicate"] += 1
        return first
    order = [_version(held.resource) for held in (first, second)]
    kept = second if order[1] >= order[0] else first
    handling = "there are two different versions of it; the newer was used"
    if order[0] == order[1]:
        handling = "there are two different versions of it without a telling date; the later in the record was used"
    selection.problems.append(DataProblem(first.reference, "contradiction", handling))
    selection.dropped["older version"] += 1
    return kept


def _same(first: Json, second: Json) -> bool:
    try:
        return first == second
    except RecursionError:
        return False


def _version(resource: Json) -> tuple[float, int]:
    """When a version was made, and its number; low for one that does not say."""
    meta = resource.get("meta")
    if type(meta) is not dict:
        return float("-inf"), -1
    written, number = meta.get("lastUpdated"), meta.get("versionId")
    when = parse_when(written) if type(written) is str else None
    counted = int(number) if type(number) is str and number.isascii() and number.isdigit() and len(number) < 18 else -1
    return when.earliest if when else float("-inf"), counted
