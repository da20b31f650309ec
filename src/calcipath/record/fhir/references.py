"""References between the resources of one record: relative, absolute, urn:uuid, contained.

A versioned reference (`/_history/2`) resolves to the version at hand. Source: FHIR R4, "Resolving references in
Bundles" (http://hl7.org/fhir/R4/bundle.html#references).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from calcipath.record.fhir.entry import Json

CONTAINED = "#"


class Index:
    """Every resource by its address, by `Type/id` and by id."""

    __slots__ = ("_by_address", "_by_id", "_by_type")

    def __init__(self) -> None:
        self._by_address: dict[str, Json] = {}
        self._by_type: dict[str, tuple[Json, str]] = {}
        self._by_id: dict[str, Json] = {}

    def add(self, resource: Json, resource_type: str, identifier: str, full_url: str) -> None:
        """Make a resource findable; the first at an address stays."""
        if full_url:
            self._by_address.setdefault(full_url, resource)
        if is_absolute(full_url):
            self._by_type.setdefault(type_and_id(without_version(full_url)), (resource, full_url))
        if identifier:
            self._by_type.setdefault(f"{resource_type}/{identifier}", (resource, full_url))
            self._by_id.setdefault(identifier, resource)

    def resolve(self, reference: str, container: Json | None = None) -> Json | None:
        """The resource that `reference` names, None when it is not in the record."""
        if reference.startswith(CONTAINED):
            return _contained(reference[1:], container)
        found = self._by_address.get(reference)
        if found is not None:
            return found
        if reference.startswith("urn:"):
            return self._by_id.get(reference.rpartition(":")[2])
        bare = without_version(reference)
        if bare in self._by_address:
            return self._by_address[bare]
        held = self._by_type.get(type_and_id(bare))
        if held is None:
            return None
        resource, full_url = held
        elsewhere = is_absolute(bare) and is_absolute(full_url)  # the same id on another server is another resource
        return None if elsewhere else resource


def _contained(identifier: str, container: Json | None) -> Json | None:
    held = container.get("contained") if container else None
    if type(held) is not list or not identifier:
        return None
    for resource in held:
        if type(resource) is dict and resource.get("id") in (identifier, f"#{identifier}"):
            return resource
    return None


def is_absolute(reference: str) -> bool:
    """Whether a reference names a server."""
    return reference.startswith(("http://", "https://"))


def without_version(reference: str) -> str:
    """A reference without `/_history/...` and fragment.

    >>> without_version("Patient/1/_history/2")
    'Patient/1'
    """
    return reference.partition("#")[0].partition("/_history/")[0]


def type_and_id(reference: str) -> str:
    """The last two segments of a reference.

    >>> type_and_id("https://example.org/fhir/Patient/1")
    'Patient/1'
    """
    return "/".join(reference.rsplit("/", 2)[-2:])


def reference_strings(value: Any) -> Iterable[str]:
    """The `reference` strings of a Reference or a list of them; anything else is passed over."""
    for item in value if type(value) is list else [value]:
        if type(item) is dict and type(item.get("reference")) is str:
            yield item["reference"]
