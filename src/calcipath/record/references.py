"""References between the resources of one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calcipath.record.raw import Fields, RawResource


class ReferenceIndex:
    """Finds a resource by relative reference, absolute URL, urn:uuid, or `#id` in its container."""

    def __init__(self, resources: Sequence[RawResource]) -> None:
        self._found: dict[str, Mapping[str, Any]] = {}
        for raw in resources:
            resource = raw.resource
            if not isinstance(resource, Mapping):
                continue
            kind, name = resource.get("resourceType"), resource.get("id")
            if isinstance(kind, str) and isinstance(name, str):
                self._found.setdefault(f"{kind}/{name}", resource)
                self._found.setdefault(f"urn:uuid:{name}", resource)
            if raw.full_url:
                self._found[raw.full_url] = resource

    def resolve(self, reference: str, container: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The resource, or None when the reference dangles."""
        if reference.startswith("#"):
            return _contained(reference[1:], container)
        plain = reference.split("/_history/")[0]
        found = self._found.get(plain)
        if found is None and plain.count("/") > 1:
            found = self._found.get("/".join(plain.rsplit("/", 2)[-2:]))
        return found

    def follow(self, fields: Fields, key: str, container: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
        """The resource behind a Reference field, and the reference as written ('' when there is none)."""
        found = fields.one(key)
        written = found.text("reference") if found else ""
        return (self.resolve(written, container), written) if written else (None, "")


def _contained(name: str, container: Mapping[str, Any]) -> Mapping[str, Any] | None:
    inside = container.get("contained")
    if not isinstance(inside, list):
        return None
    return next((r for r in inside if isinstance(r, Mapping) and r.get("id") == name), None)
