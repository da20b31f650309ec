"""Suggestions with complete FHIR resources, each a draft that a person signs (CDS Hooks 2.0, "Suggestion", "Action")."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from calcipath.guideline.hook_knowledge import DraftOrder, OrderSuggestion
from calcipath.hooks.alerts import Alert
from calcipath.hooks.draft_orders import Draft

NewId = Callable[[], str]


def suggestions(
    alert: Alert, drafts: Mapping[str, DraftOrder], patient: str, encounter: str, now: str, new_id: NewId
) -> list[dict[str, Any]]:
    """What can be done with a click; nothing where anything in the alert is held."""
    if alert.held:
        return []
    found = []
    for offered in alert.group_suggestions:
        resource = service_request(drafts[offered.add], patient, encounter, now)
        found.append(_suggestion(offered.label, [_create(resource)], new_id))
    for each in alert.order_suggestions:
        actions = _actions(each, alert.orders, drafts, patient, encounter, now)
        if actions:
            found.append(_suggestion(each.label, actions, new_id))
    return found


def _suggestion(label: str, actions: Sequence[Mapping[str, Any]], new_id: NewId) -> dict[str, Any]:
    return {"label": label, "uuid": new_id(), "actions": list(actions)}


def _actions(
    offered: OrderSuggestion,
    orders: Sequence[Draft],
    drafts: Mapping[str, DraftOrder],
    patient: str,
    encounter: str,
    now: str,
) -> list[dict[str, Any]]:
    if offered.add:
        return [_create(service_request(drafts[offered.add], patient, encounter, now))]
    known = [order for order in orders if order.resource.get("id")]
    if offered.remove:
        return [
            {"type": "delete", "description": f"Remove the draft {order.reference}", "resourceId": order.reference}
            for order in known
        ]
    return [
        {
            "type": "update",
            "description": f"Add a note to {order.reference}",
            "resource": with_note(order.resource, offered.note),
        }
        for order in known
    ]


def _create(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "create", "description": f"Draft: {resource['code']['text']}", "resource": dict(resource)}


def service_request(draft: DraftOrder, patient: str, encounter: str, now: str) -> dict[str, Any]:
    """A whole ServiceRequest as a draft."""
    found: dict[str, Any] = {
        "resourceType": draft.resource,
        "status": "draft",
        "intent": "proposal",
        "category": [{"text": draft.category}],
        "priority": draft.priority,
        "code": {"text": draft.text},
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": now,
    }
    if encounter:
        found["encounter"] = {"reference": f"Encounter/{encounter}"}
    return found


def with_note(resource: Mapping[str, Any], note: str) -> dict[str, Any]:
    """The whole resource as it came, with a note more."""
    found = copy.deepcopy(dict(resource))
    notes = found.get("note")
    found["note"] = [*(notes if isinstance(notes, list) else []), {"text": note}]
    return found
