"""Suggestions and actions, those of cards and system actions (CDS Hooks 2.0 "Suggestion", "Action", #117 to #135)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from calcipath.conformance.card_context import CardContext
from calcipath.conformance.fhir_elements import missing_elements
from calcipath.conformance.findings import Finding, is_reference, is_text, judge, resource_name
from calcipath.conformance.json_checks import member_findings

TYPES = ("create", "update", "delete")
SELECTIONS = ("all", "any", "at-most-one")
_LEAST_SHARE = 0.5  # of a known resource's elements that an update keeps, before it counts as a mere part


def suggestion_findings(suggestion: Mapping[str, Any], where: str, context: CardContext) -> Iterator[Finding]:
    """The members of one suggestion and its actions."""
    yield from judge("117", is_text(suggestion.get("label")), where, suggestion.get("label", "label is missing"))
    if "uuid" in suggestion:
        yield from judge("118", True, where, suggestion["uuid"])
        yield from judge("119", is_text(suggestion["uuid"]), where, suggestion["uuid"])
    if "isRecommended" in suggestion:
        yield from judge("120", True, where, suggestion["isRecommended"])
        yield from judge("121", isinstance(suggestion["isRecommended"], bool), where, suggestion["isRecommended"])
    if "actionSelectionBehavior" in suggestion:
        behaviour = suggestion["actionSelectionBehavior"]
        yield from judge("K15", behaviour in SELECTIONS, where, behaviour)
        yield from judge("K16", False, where, "used, although this client did not say that it supports it")
    if "actions" in suggestion:
        yield from _actions(suggestion["actions"], where, context)
    yield from member_findings(
        suggestion, {"label", "uuid", "isRecommended", "actions", "actionSelectionBehavior"}, where
    )


def _actions(actions: Any, where: str, context: CardContext) -> Iterator[Finding]:
    right = isinstance(actions, list) and all(isinstance(action, dict) for action in actions)
    yield from judge("124", right, where, actions)
    if not right or not actions:
        return
    yield from judge("123", True, where, f"{len(actions)} actions")
    for index, action in enumerate(actions):
        yield from action_findings(action, f"{where}.actions[{index}]", context)
    if len(actions) > 1:
        targets = Counter(name for name in map(_target, actions) if name)
        twice = [name for name, count in targets.items() if count > 1]
        seen = (
            f"{twice[0]} is the aim of several actions" if twice else f"{len(actions)} actions on different resources"
        )
        yield from judge("125", not twice, where, seen)


def _target(action: Mapping[str, Any]) -> str:
    if action.get("type") == "delete":
        return str(action.get("resourceId", ""))
    return resource_name(action.get("resource"))


def action_findings(
    action: Mapping[str, Any], where: str, context: CardContext, *, system: bool = False
) -> Iterator[Finding]:
    """The members of one action. `system`: it stands in `systemActions`, where the description is optional."""
    kind = action.get("type", "type is missing")
    yield from judge("127", kind in TYPES, where, kind)
    if not system or "description" in action:
        description = action.get("description", "description is missing")
        yield from judge("128", "description" in action and is_text(description), where, description)
    if kind == "delete":
        yield from _delete(action, where)
    elif kind in TYPES:
        yield from _resource(action, where)
        if isinstance(action.get("resource"), dict):
            yield from (_create(action, where) if kind == "create" else _update(action, where, context))
        else:
            yield from judge("131" if kind == "create" else "132", False, where, "no resource")
    if "resourceId" in action:
        yield from judge("135", is_reference(action["resourceId"]), where, action["resourceId"])
    yield from member_findings(action, {"type", "description", "resource", "resourceId"}, where)


def _delete(action: Mapping[str, Any], where: str) -> Iterator[Finding]:
    yield from judge("133", "resource" not in action, where, action.get("resource", "no resource"))
    yield from judge("134", is_text(action.get("resourceId")), where, action.get("resourceId", "resourceId is missing"))


def _resource(action: Mapping[str, Any], where: str) -> Iterator[Finding]:
    if "resource" in action:
        resource = action["resource"]
        right = isinstance(resource, dict) and is_text(resource.get("resourceType"))
        yield from judge("130", right, where, resource)


def _create(action: Mapping[str, Any], where: str) -> Iterator[Finding]:
    resource = action["resource"]
    missing = missing_elements(resource)
    whole = not missing and set(resource) > {"resourceType"}
    yield from judge("131", whole, where, f"{resource.get('resourceType')}: {_lacks(missing)}")


def _update(action: Mapping[str, Any], where: str, context: CardContext) -> Iterator[Finding]:
    resource = action["resource"]
    name = resource_name(resource)
    known = context.known.get(name)
    missing = missing_elements(resource)
    if not name:
        yield from judge("132", False, where, "a resource without id says not what it updates")
    elif known is None and not context.fetches:
        yield from judge("132", False, where, f"{name} was never sent: its whole cannot be known")
    else:
        part = known is not None and len(set(known) & set(resource)) < _LEAST_SHARE * len(known)
        seen = f"{name}: {_lacks(missing)}" if missing or not part else f"{name}: few of the elements that were sent"
        yield from judge("132", not missing and not part, where, seen)
    if name:
        yield from judge("K21", known is not None, where, name)


def _lacks(missing: list[str]) -> str:
    return f"lacks {', '.join(missing)}" if missing else "whole"
