"""A service called in memory, with everything that the client answered."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from calcipath.hooks.alerts import Alert
from calcipath.hooks.cards import CardSettings
from calcipath.hooks.prefetch import Prefetched, gathered, templates
from calcipath.hooks.request import read_request
from calcipath.hooks.response import EXTENSION, Considered, consider, response
from calcipath.hooks.selection import select
from calcipath.site_assessor import assessor_for

ASSESSOR, SITE = assessor_for("")
GUIDELINE = ASSESSOR.guideline
SERVICES = {service.id: service for service in GUIDELINE.hooks.services}
VIEW, SELECT, SIGN, PROBLEM, DISCHARGE = SERVICES
NOW = "2026-01-14T12:00:00Z"
BASE = "http://127.0.0.1:8080"


def body(service: str, patient: str = "p", **context: Any) -> dict[str, Any]:
    """A request to a service."""
    return {
        "hook": SERVICES[service].hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": patient, **context},
    }


def bundle(*orders: Mapping[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": dict(each)} for each in orders]}


def draft(resource: Mapping[str, Any]) -> dict[str, Any]:
    """An order that is not signed yet."""
    return {**resource, "status": "draft"}


def considered(
    service: str, resources: Sequence[Mapping[str, Any]], patient: str = "p", now: str = NOW, **context: Any
) -> tuple[Considered, Any]:
    request = read_request(body(service, patient, **context), SERVICES[service].hook)
    states = {key: Prefetched("null") for key in templates(GUIDELINE, SERVICES[service])}
    states["patient"] = Prefetched("whole", tuple(resources))
    found = consider(ASSESSOR, SERVICES[service], request, gathered(states), now=now, code_systems=SITE.code_systems)
    return found, request


def alerts(service: str, resources: Sequence[Mapping[str, Any]], **context: Any) -> dict[str, Alert]:
    """What there is to say, by id."""
    found, _ = considered(service, resources, **context)
    return {alert.id: alert for alert in found.alerts}


def answer(
    service: str,
    resources: Sequence[Mapping[str, Any]],
    *,
    budget: int = 3,
    seen: frozenset[str] = frozenset(),
    patient: str = "p",
    now: str = NOW,
    **context: Any,
) -> dict[str, Any]:
    """The whole answer; keys of the memory are the facts themselves."""
    found, request = considered(service, resources, patient, now, **context)
    chosen = select(found.alerts, {each.id: each.facts for each in found.alerts}, seen, budget)
    ids = itertools.count()
    return response(
        found, chosen, ASSESSOR, request, CardSettings(BASE), now=now, new_id=lambda: f"00000000-{next(ids)}"
    )


def extension(found: Mapping[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = found["extension"][EXTENSION]
    return said
