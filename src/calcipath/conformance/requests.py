"""Conformant example requests for each published hook, in each state of the prefetch, and some that are not conformant.

The example patient is invented; its dates move with the day of the check, so that a service that looks back finds them.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

from calcipath.conformance.findings import Service
from calcipath.conformance.hooks import HOOKS
from calcipath.conformance.prefetch import answer, filled, searchset
from calcipath.conformance.states import Kind, State

Request = dict[str, Any]
OTHER_HOOK = "patient-view"  # whose context is sent to hooks that are not published
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_BEGINS_WITH_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T[0-9:.]+(Z|[+-]\d{2}:\d{2})?)?", re.ASCII)
_IDS = "kit-"  # with which every id of the example begins
_KEPT = frozenset({"birthDate"})
OUTCOME: Mapping[str, Any] = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "timeout", "diagnostics": "The query of this prefetch template failed."}],
}


@dataclass(frozen=True, slots=True)
class Example:
    """Resources of the example patient, and the context of each published hook, as of `today`."""

    resources: Sequence[Mapping[str, Any]]
    contexts: Mapping[str, Mapping[str, Any]]
    today: date


def example(today: date, mark: str = "") -> Example:
    """The example patient as of a day. `mark` becomes a part of every id.

    A service may keep from saying the same twice about the same patient: each service and run has a patient of its own.
    """
    text = files("calcipath.conformance").joinpath("example.json").read_text(encoding="utf-8")
    data = json.loads(text.replace(_IDS, f"{_IDS}{mark}-") if mark else text)
    days = (today - date.fromisoformat(data["anchor"])).days
    return Example(_moved(data["resources"], days), _moved(data["contexts"], days), today)


def _moved(value: Any, days: int) -> Any:
    if isinstance(value, dict):
        return {name: member if name in _KEPT else _moved(member, days) for name, member in value.items()}
    if isinstance(value, list):
        return [_moved(member, days) for member in value]
    if isinstance(value, str) and _BEGINS_WITH_DATE.fullmatch(value):
        moved = date.fromisoformat(value[:10]) + timedelta(days=days)
        return _DATE.sub(moved.isoformat(), value, count=1)
    return value


def full_request(service: Service, from_example: Example, new_id: Callable[[], str]) -> Request:
    """A conformant request to a service with everything that its templates ask for.

    A key whose tokens have no value is left out; a read that finds nothing is null.
    """
    context = copy.deepcopy(dict(from_example.contexts.get(service.hook, from_example.contexts[OTHER_HOOK])))
    request: Request = {"hook": service.hook, "hookInstance": new_id(), "context": context}
    prefetch = {}
    for key, query in service.prefetch.items():
        text = filled(query, context, from_example.today)
        if text is not None:
            prefetch[key] = answer(text, from_example.resources)
    if prefetch:
        request["prefetch"] = prefetch
    return request


def states_for(base: Request, service: Service, *, thorough: bool) -> tuple[State, ...]:
    """The states besides the full one that make sense for a service; `thorough` takes each key by itself as well."""
    prefetch = base.get("prefetch")
    keys = tuple(prefetch) if isinstance(prefetch, dict) else tuple(service.prefetch)
    kinds: list[Kind] = ["absent"] if keys else []
    if keys:
        kinds += ["nulls", "outcomes"]
    if isinstance(prefetch, dict) and any(map(_is_searchset, prefetch.values())):
        kinds.append("empty")
    kinds += ["unknown-keys", "extension", "unknown-context"]
    found = [State(kind) for kind in kinds]
    single: tuple[Kind, ...] = ("absent", "nulls", "outcomes")
    if thorough and len(keys) > 1:
        found += [State(kind, key) for key in keys for kind in single]
    return tuple(found)


def _is_searchset(value: Any) -> bool:
    return isinstance(value, dict) and value.get("resourceType") == "Bundle"


def in_state(base: Request, service: Service, state: State, new_id: Callable[[], str]) -> Request:
    """The base request with its prefetch in a state, or with something added; each has its own `hookInstance`."""
    request = copy.deepcopy(base)
    request["hookInstance"] = new_id()
    prefetch = request.get("prefetch")
    prefetch = dict(prefetch) if isinstance(prefetch, dict) else dict.fromkeys(service.prefetch)
    wanted = [key for key in prefetch if state.key in ("", key)]
    if state.kind == "absent":
        prefetch = {key: value for key, value in prefetch.items() if key not in wanted}
    elif state.kind == "nulls":
        prefetch.update(dict.fromkeys(wanted))
    elif state.kind == "outcomes":
        prefetch.update(dict.fromkeys(wanted, OUTCOME))
    elif state.kind == "empty":
        prefetch = {key: searchset([]) if _is_searchset(value) else value for key, value in prefetch.items()}
    elif state.kind == "unknown-keys":
        prefetch["kitUnknownKey"] = searchset([])
    elif state.kind == "extension":
        request["extension"] = {"org.example.kit.note": "a service need not know this"}
    elif state.kind == "unknown-context":
        request["context"]["kitUnknownField"] = "a service need not know this"
    request.pop("prefetch", None)
    if prefetch:
        request["prefetch"] = prefetch
    return request


def with_server(base: Request, server: str, token: str, new_id: Callable[[], str]) -> Request:
    """The base request without prefetch, with a FHIR server and a token for it."""
    request = {name: copy.deepcopy(value) for name, value in base.items() if name != "prefetch"}
    request["hookInstance"] = new_id()
    request["fhirServer"] = server
    request["fhirAuthorization"] = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.rs",
        "subject": "calcipath-hooks-check",
        "patient": str(base["context"].get("patientId", "")) or "unknown",
    }
    return request


def required_fields(service: Service) -> tuple[str, ...]:
    """The fields that a request to a service must have; those of the context as `context.name`."""
    hook = HOOKS.get(service.hook)
    return ("hook", "hookInstance", "context", *(f"context.{name}" for name in (hook.required if hook else ())))


def without(base: Request, field: str, new_id: Callable[[], str]) -> Request:
    """The base request without one field."""
    request = copy.deepcopy(base)
    request["hookInstance"] = new_id()
    inner = field.removeprefix("context.")
    (request["context"] if inner != field else request).pop(inner, None)
    return request
