"""From a request and what is known of the patient to the answer of a service: pure, so that a server only carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calcipath.assessment.assess import Assessment, Assessor
from calcipath.assessment.verdicts import Verdicts
from calcipath.guideline.hook_knowledge import HookKnowledge, HookService
from calcipath.guideline.model import Guideline
from calcipath.hooks.alerts import Alert, group_alerts, incomplete_alert, order_alerts, urgent_alerts
from calcipath.hooks.cards import CardSettings, card
from calcipath.hooks.draft_orders import Draft, as_signed, drafts, identified, watched, without
from calcipath.hooks.prefetch import Gathered
from calcipath.hooks.request import HookRequest
from calcipath.hooks.selection import Selection
from calcipath.record.dates import parse_when
from calcipath.record.fhir.raw import RawResource
from calcipath.record.model import Finding
from calcipath.record.reader import read_resources

EXTENSION = "io.github.calcipath.decision"


@dataclass(frozen=True, slots=True)
class Considered:
    """All that there is to say, before any is chosen, and what could not be looked at."""

    alerts: tuple[Alert, ...]
    missing: Mapping[str, str]
    level: str
    looked_at_orders: int


def consider(
    assessor: Assessor,
    service: HookService,
    request: HookRequest,
    known: Gathered,
    *,
    now: str,
    code_systems: Mapping[str, str],
    read_notes: bool = True,
) -> Considered:
    """Assess the patient as of `now` (an instant with its zone), with the request's orders as if they were signed.

    Raises `RecordError` where the resources are of two patients.
    """
    found = drafts(request.bundle, request.patient, request.selections) if service.orders else ()
    context = as_signed(found, request.bundle, request.patient, now) if service.orders else identified(request.bundle)
    resources = [*without(known.resources, context), *context]
    report = read_resources(
        [RawResource(each, "", f"{each.get('resourceType')}/{each.get('id')}") for each in resources],
        as_of=now,
        complete=known.complete,
        code_systems=code_systems,
    )
    moment = parse_when(now)
    at = moment.latest if moment else 0.0
    assessed = assessor.assess(report.record, as_of=at, as_of_text=now, read_notes=read_notes, brief=True)
    if service.speaks_on and not _is_new(service, context, assessed, assessor.guideline):
        return Considered((), known.missing, assessed.answer["suspicion"]["level"], 0)
    knowledge, answer = assessor.guideline.hooks, assessed.answer
    by_order = by_watched_order(service, knowledge, found, assessed.findings)
    alerts = alerts_of(service, knowledge, answer, assessed.verdicts, by_order)
    concerned = any(by_order.values()) if service.orders else True
    if not alerts and known.missing and concerned:
        alerts = (incomplete_alert(known.missing),)
    return Considered(alerts, known.missing, answer["suspicion"]["level"], len(found))


def by_watched_order(
    service: HookService, knowledge: HookKnowledge, found: Sequence[Draft], findings: Sequence[Finding]
) -> dict[str, tuple[Draft, ...]]:
    """The drafts of each watched kind; none where the service does not look at orders."""
    return {order.id: watched(found, findings, order) for order in knowledge.orders} if service.orders else {}


def alerts_of(
    service: HookService,
    knowledge: HookKnowledge,
    answer: Mapping[str, Any],
    verdicts: Verdicts,
    by_order: Mapping[str, Sequence[Draft]],
) -> tuple[Alert, ...]:
    """All that the service has to say on an answer: it reads `urgent`, the level of `suspicion` and `recommendations`."""
    alerts: list[Alert] = list(urgent_alerts(answer)) if service.urgent else []
    alerts += group_alerts(service, knowledge, answer, verdicts)
    if service.orders:
        alerts += order_alerts(knowledge, answer, verdicts, by_order)
    return tuple(alerts)


def _is_new(
    service: HookService, context: Sequence[Mapping[str, Any]], assessed: Assessment, guideline: Guideline
) -> bool:
    """Whether something that the service speaks on is among what the request brings."""
    brought = {f"{each.get('resourceType')}/{each.get('id')}" for each in context}
    return any(
        finding.event.reference in brought
        and finding.assertion in ("stated", "uncertain")
        and (finding.concept in service.speaks_on or guideline.vocabulary.family(finding.concept) in service.speaks_on)
        for finding in assessed.findings
    )


def response(
    considered: Considered,
    selection: Selection,
    assessor: Assessor,
    request: HookRequest,
    settings: CardSettings,
    *,
    now: str,
    new_id: Callable[[], str],
) -> dict[str, Any]:
    """The body of the answer. What was not shown is named in an extension; so is what could not be looked at."""
    encounter = str(request.context.get("encounterId") or "").removeprefix("Encounter/")
    guideline = assessor.guideline
    cards = [
        card(
            alert,
            guideline,
            settings,
            patient=request.patient,
            encounter=encounter,
            now=now,
            missing=considered.missing,
            new_id=new_id,
        )
        for alert in selection.shown
    ]
    said: dict[str, Any] = {"guideline": f"{guideline.id} {guideline.version}", "suspicion": considered.level}
    if selection.suppressed:
        said["notShown"] = [{"alert": alert.id, "why": why} for alert, why in selection.suppressed]
    if considered.missing:
        said["missing"] = dict(considered.missing)
    return {"cards": cards, "extension": {EXTENSION: said}}


def shown_cards(selection: Selection, cards: Sequence[Mapping[str, Any]]) -> list[tuple[Alert, str]]:
    """Each alert that was shown with the uuid of its card."""
    return [(alert, str(each["uuid"])) for alert, each in zip(selection.shown, cards, strict=False)]
