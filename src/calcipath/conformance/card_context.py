"""What was sent in the call that a card answers: the client's resources and the ids that name this patient's details."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from calcipath.conformance.findings import resource_name

_SHORTEST_ID = 6  # characters; a shorter id could stand in an address by chance


@dataclass(frozen=True, slots=True)
class CardContext:
    """`known`: resources by `Type/id` from the context and the prefetch; `ids`: ids of this patient's details.

    `fetches` says that the call offered a FHIR server, so that the service may know more than was sent.
    """

    known: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    fetches: bool = False

    def mentioned(self, url: object) -> str:
        """The first id of this patient's details that an address holds, or nothing."""
        return next((name for name in self.ids if isinstance(url, str) and name in url), "")


def card_context(request: Mapping[str, Any]) -> CardContext:
    """The context of a request."""
    known = {resource_name(resource): resource for resource in _resources(request)}
    known.pop("", None)
    context = request.get("context")
    ids = (
        [str(context[name]) for name in ("patientId", "encounterId") if name in context]
        if isinstance(context, Mapping)
        else []
    )
    ids += [name.partition("/")[2] for name in known]
    ids.append(str(request.get("hookInstance", "")))
    return CardContext(
        known, tuple(dict.fromkeys(name for name in ids if len(name) >= _SHORTEST_ID)), "fhirServer" in request
    )


def _resources(request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for part in ("context", "prefetch"):
        value = request.get(part)
        if isinstance(value, Mapping):
            for member in value.values():
                yield from _within(member)


def _within(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        for entry in value:
            yield from _within(entry)
    if not isinstance(value, Mapping):
        return
    if value.get("resourceType") != "Bundle":
        if "resourceType" in value:
            yield value
        return
    entries = value.get("entry")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping):
            yield from _within(entry.get("resource"))
