"""What the real services say on the records of a population, one patient after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from populations import Resource

from calcipath.assessment.assess import Assessor
from calcipath.guideline.hook_knowledge import HookService
from calcipath.hooks.alerts import Alert
from calcipath.hooks.prefetch import Prefetched, gathered, templates
from calcipath.hooks.request import CONTEXT_BUNDLES, read_request
from calcipath.hooks.response import consider
from calcipath.hooks.selection import select


def service_of(assessor: Assessor, hook: str) -> HookService:
    return next(each for each in assessor.guideline.hooks.services if each.hook == hook)


def shown_by(
    assessor: Assessor,
    hook: str,
    patient: str,
    held: Sequence[Resource],
    now: str,
    brought: Sequence[Resource] = (),
    budget: int = 3,
    code_systems: Mapping[str, str] | None = None,
) -> tuple[Alert, ...]:
    """The alerts that a service shows at a first call, with everything prefetched; `brought` is the context's bundle."""
    service = service_of(assessor, hook)
    context: dict[str, Any] = {"patientId": patient, "userId": "Practitioner/1"}
    if hook in CONTEXT_BUNDLES:
        context[CONTEXT_BUNDLES[hook]] = {"resourceType": "Bundle", "entry": [{"resource": r} for r in brought]}
    body = {"hook": hook, "hookInstance": "x", "context": context}
    states = {key: Prefetched("null") for key in templates(assessor.guideline, service)}
    states["patient"] = Prefetched("whole", tuple(held))
    request = read_request(body, hook)
    found = consider(
        assessor,
        service,
        request,
        gathered(states),
        now=now,
        code_systems=code_systems or {},
        read_notes=False,
    )
    keys = {alert.id: alert.facts for alert in found.alerts}
    return select(found.alerts, keys, frozenset(), budget).shown


def counted(shown: Sequence[Alert]) -> Counter[str]:
    """Cards by id, indicator and recommendation."""
    found = Counter[str]()
    for alert in shown:
        found[f"alert:{alert.id}"] += 1
        found[f"indicator:{alert.indicator}"] += 1
        found.update(f"says:{name}" for name in alert.recommendations)
    return found
