"""The user's own requests: JSON files named after the service that they are for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from calcipath.conformance.findings import Service
from calcipath.errors import InputError


def read_requests(folder: str, services: Sequence[Service]) -> Mapping[tuple[str, str], Mapping[str, dict[str, Any]]]:
    """Requests by service id and hook, then by file name. `<service id>.json`, `<service id>-anything.json`.

    Raises `InputError` for a folder or a file that cannot be used.
    """
    place = Path(folder)
    if not place.is_dir():
        raise InputError(f"no such folder: {folder}")
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for file in sorted(place.glob("*.json")):
        request = _read(file)
        service = _service_of(file, request, services)
        found.setdefault((service.id, service.hook), {})[file.name] = request
    if not found:
        raise InputError(f"{folder} holds no request: files are named after a service, such as my-service.json")
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise InputError(f"{file.name} is not JSON, or cannot be read") from None
    if not isinstance(value, dict) or not isinstance(value.get("context"), dict):
        raise InputError(f"{file.name} is no CDS Hooks request: an object with an object `context`")
    return value


def _service_of(file: Path, request: Mapping[str, Any], services: Sequence[Service]) -> Service:
    """The service with the longest id that the file's name begins with, and with the request's hook."""
    named = [service for service in services if _names(file.stem, service.id)]
    longest = max((len(service.id) for service in named), default=0)
    fitting = [service for service in named if len(service.id) == longest]
    hook = request.get("hook")
    for service in fitting:
        if service.hook == hook:
            return service
    if fitting:
        hooks = ", ".join(service.hook for service in fitting)
        raise InputError(f"{file.name} is for the hook {hook}, but the service {fitting[0].id} has {hooks}")
    known = ", ".join(sorted({service.id for service in services})) or "none"
    raise InputError(f"{file.name} is named after no service that discovery lists ({known})")


def _names(stem: str, name: str) -> bool:
    return stem.startswith(name) and not re.match(r"[A-Za-z0-9]", stem[len(name) :])
