"""An uploaded record made ready for a case: every resource gets an id of its own, so that it has a key."""

from __future__ import annotations

import copy
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from calcipath.record.dates import parse_when
from calcipath.record.fhir.raw import RawResource
from calcipath.register.entries import is_case, key_of

_FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Settled:
    """Resources that a case can keep, and a sentence for each that it cannot."""

    resources: tuple[dict[str, Any], ...]
    left_out: tuple[str, ...]


def settled(raws: Iterable[RawResource]) -> Settled:
    """The resources of an upload, as `calcipath.sources.files` reads it.

    One without an id takes that of its `urn:uuid:` address, else a random one. References to such an address become
    `Type/id`, because a case keeps no addresses. Of several versions of a resource the newest comes last.
    """
    kept: dict[str, list[dict[str, Any]]] = {}
    left: list[str] = []
    addresses: dict[str, str] = {}
    for number, raw in enumerate(raws, 1):
        place = raw.place or f"entry {number}"
        resource = dict(raw.resource) if isinstance(raw.resource, Mapping) else {}
        if not resource.get("id"):
            resource["id"] = _new_id(raw.full_url)
        key = key_of(resource)
        if raw.void or key is None or (resource["resourceType"] == "Basic" and is_case(resource)):
            left.append(f"{place}: {raw.void or 'no resource with a type and an id that can be used'}; not kept")
            continue
        if raw.full_url.startswith("urn:") and not key.endswith("/" + _tail(raw.full_url)):
            addresses.setdefault(raw.full_url, key)
        kept.setdefault(key, []).append(resource)
    newest_last = [resource for same in kept.values() for resource in sorted(same, key=_version)]
    return Settled(tuple(_pointed(each, addresses) for each in newest_last), tuple(left))


def _new_id(address: str) -> str:
    tail = _tail(address)
    return tail if address.startswith("urn:") and _FHIR_ID.fullmatch(tail) else secrets.token_hex(16)


def _tail(address: str) -> str:
    return address.rpartition(":")[2]


def _version(resource: Mapping[str, Any]) -> float:
    meta = resource.get("meta")
    written = meta.get("lastUpdated") if isinstance(meta, Mapping) else None
    when = parse_when(written) if isinstance(written, str) else None
    return when.earliest if when else float("-inf")


def _pointed(resource: dict[str, Any], addresses: Mapping[str, str]) -> dict[str, Any]:
    """The same with references to the addresses turned to their keys. Not by recursion: a record may be nested deeply."""
    if not addresses:
        return resource
    whole: dict[str, Any] = _copied(resource)
    waiting: list[Any] = [whole]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            reference = value.get("reference")
            if isinstance(reference, str) and reference in addresses:
                value["reference"] = addresses[reference]
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return whole


def _copied(resource: Mapping[str, Any]) -> Any:
    """A copy that shares nothing; what is nested too deeply to be copied is refused when it is kept."""
    try:
        return copy.deepcopy(dict(resource))
    except RecursionError:
        return dict(resource)
