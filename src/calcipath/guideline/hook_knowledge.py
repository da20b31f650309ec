"""What the CDS Hooks services may say, read from `hooks.yaml`: services, groups, watched orders, drafts, attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from calcipath.errors import GuidelineError
from calcipath.guideline.entries import Entry, unique
from calcipath.guideline.model import Condition

HOOKS = ("patient-view", "order-select", "order-sign", "problem-list-item-create", "encounter-discharge")
INDICATORS = ("info", "warning", "critical")
Speaks = Literal["yes", "held"]


@dataclass(frozen=True, slots=True)
class HookService:
    """One service of discovery. `groups` are said on it; with `orders` it looks at draft orders.

    `speaks_on`: concepts, or families of them, of which one must be new in the request; empty: it always speaks.
    """

    id: str
    hook: str
    title: str
    description: str
    urgent: bool
    orders: bool
    groups: tuple[str, ...]
    speaks_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupItem:
    """A recommendation of a group, its short name in the summary, and a further condition."""

    recommendation: str
    name: str
    when: Condition | None


@dataclass(frozen=True, slots=True)
class GroupSuggestion:
    """A draft that is offered where the recommendation says yes."""

    recommendation: str
    label: str
    add: str


@dataclass(frozen=True, slots=True)
class CardGroup:
    """Recommendations that are said in one card."""

    id: str
    summary: str
    items: tuple[GroupItem, ...]
    suggestions: tuple[GroupSuggestion, ...]
    indicator: str


@dataclass(frozen=True, slots=True)
class OrderItem:
    """A recommendation that speaks on an order: on which verdicts, under which condition, unless which words stand in it."""

    recommendation: str
    speaks_on: tuple[Speaks, ...]
    summary: str
    when: Condition | None
    unless_said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderSuggestion:
    """What a suggestion does to the order: removes it, adds a note to it, or adds a draft beside it.

    With a `recommendation` it is offered only where that one speaks.
    """

    label: str
    remove: bool
    note: str
    add: str
    recommendation: str


@dataclass(frozen=True, slots=True)
class WatchedOrder:
    id: str
    title: str
    concepts: tuple[str, ...]
    items: tuple[OrderItem, ...]
    suggestions: tuple[OrderSuggestion, ...]


@dataclass(frozen=True, slots=True)
class DraftOrder:
    """A FHIR order that a suggestion adds, as a draft."""

    id: str
    resource: str
    text: str
    category: str
    priority: str


@dataclass(frozen=True, slots=True)
class SourceAttribute:
    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class HookKnowledge:
    """All of it. `override_system` is the code system of the reasons (code, display)."""

    services: tuple[HookService, ...]
    groups: Mapping[str, CardGroup]
    orders: tuple[WatchedOrder, ...]
    drafts: Mapping[str, DraftOrder]
    override_system: str
    override_reasons: tuple[tuple[str, str], ...]
    attributes: tuple[SourceAttribute, ...]

    def recommendations(self) -> Iterator[str]:
        """Every recommendation named."""
        for group in self.groups.values():
            yield from (item.recommendation for item in group.items)
        for order in self.orders:
            yield from (item.recommendation for item in order.items)

    def conditions(self) -> Iterator[Condition]:
        """Every condition."""
        yield from (item.when for order in self.orders for item in order.items if item.when)
        yield from (item.when for group in self.groups.values() for item in group.items if item.when)


def read_hook_knowledge(
    entry: Entry,
    condition: Callable[[Entry, str], Condition],
    recommendations: frozenset[str],
    concepts: frozenset[str],
) -> HookKnowledge:
    """The typed content; `condition` parses and checks one. Raises `GuidelineError` naming file and line."""
    entry.only("services", "groups", "orders", "drafts", "override_reasons", "source_attributes")
    reasons = entry.entry("override_reasons")
    if reasons is None:
        raise entry.fail("'override_reasons' is missing")
    found = HookKnowledge(
        services=tuple(map(_service, unique(entry.entries("services", required=True), "service"))),
        groups={e.text("id"): _group(e, condition) for e in unique(entry.entries("groups", required=True), "group")},
        orders=tuple(_order(e, condition) for e in unique(entry.entries("orders", required=True), "order")),
        drafts={d.id: d for d in map(_draft, unique(entry.entries("drafts", required=True), "draft"))},
        override_system=reasons.text("system"),
        override_reasons=tuple((e.text("code"), e.text("display")) for e in reasons.entries("reasons", required=True)),
        attributes=tuple(
            SourceAttribute(e.text("id"), e.text("title"), e.text("text"))
            for e in unique(entry.entries("source_attributes", required=True), "attribute")
        ),
    )
    _require_known(found, recommendations, concepts)
    return found


def _require_known(found: HookKnowledge, recommendations: frozenset[str], concepts: frozenset[str]) -> None:
    for name in found.recommendations():
        if name not in recommendations:
            raise GuidelineError(f"hooks.yaml: there is no recommendation '{name}'")
    for order in found.orders:
        for concept in order.concepts:
            if concept not in concepts:
                raise GuidelineError(f"hooks.yaml: order '{order.id}': there is no concept '{concept}'")
    added = [(order.id, each.add) for order in found.orders for each in order.suggestions if each.add]
    added += [(group.id, each.add) for group in found.groups.values() for each in group.suggestions]
    for place, draft in added:
        if draft not in found.drafts:
            raise GuidelineError(f"hooks.yaml: '{place}': there is no draft '{draft}'")
    _require_known_services(found, concepts)


def _require_known_services(found: HookKnowledge, concepts: frozenset[str]) -> None:
    for service in found.services:
        for name in service.speaks_on:
            if name not in concepts and name != "lesion":
                raise GuidelineError(f"hooks.yaml: service '{service.id}': there is no concept '{name}'")
        for group in service.groups:
            if group not in found.groups:
                raise GuidelineError(f"hooks.yaml: service '{service.id}': there is no group '{group}'")


def _service(entry: Entry) -> HookService:
    entry.only("id", "hook", "title", "description", "urgent", "orders", "groups", "speaks_on")
    return HookService(
        entry.text("id"),
        entry.one_of("hook", HOOKS),
        entry.text("title"),
        entry.text("description"),
        entry.flag("urgent"),
        entry.flag("orders"),
        entry.texts("groups"),
        entry.texts("speaks_on"),
    )


def _group(entry: Entry, condition: Callable[[Entry, str], Condition]) -> CardGroup:
    entry.only("id", "summary", "items", "suggestions", "indicator")
    items = tuple(_group_item(each, condition) for each in entry.entries("items", required=True))
    suggestions = tuple(map(_group_suggestion, entry.entries("suggestions")))
    for suggestion in suggestions:
        if suggestion.recommendation not in {item.recommendation for item in items}:
            raise entry.fail(f"'{suggestion.recommendation}' is not among the items", "suggestions")
    indicator = entry.one_of("indicator", INDICATORS) if "indicator" in entry.data else ""
    return CardGroup(entry.text("id"), entry.text("summary"), items, suggestions, indicator)


def _group_item(entry: Entry, condition: Callable[[Entry, str], Condition]) -> GroupItem:
    entry.only("recommendation", "name", "when")
    when = condition(entry, "when") if "when" in entry.data else None
    return GroupItem(entry.text("recommendation"), entry.text("name"), when)


def _group_suggestion(entry: Entry) -> GroupSuggestion:
    entry.only("with", "label", "add")
    return GroupSuggestion(entry.text("with"), entry.text("label"), entry.text("add"))


def _order(entry: Entry, condition: Callable[[Entry, str], Condition]) -> WatchedOrder:
    entry.only("id", "title", "concepts", "items", "suggestions")
    return WatchedOrder(
        entry.text("id"),
        entry.text("title"),
        entry.texts("concepts"),
        tuple(_item(each, condition) for each in entry.entries("items", required=True)),
        tuple(map(_suggestion, entry.entries("suggestions"))),
    )


def _item(entry: Entry, condition: Callable[[Entry, str], Condition]) -> OrderItem:
    entry.only("recommendation", "speaks_on", "summary", "when", "unless_said")
    speaks_on = entry.texts("speaks_on")
    if not speaks_on or set(speaks_on) - {"yes", "held"}:
        raise entry.fail("'speaks_on' must name yes, held or both", "speaks_on")
    return OrderItem(
        entry.text("recommendation"),
        speaks_on,  # type: ignore[arg-type]
        entry.text("summary"),
        condition(entry, "when") if "when" in entry.data else None,
        entry.texts("unless_said"),
    )


def _suggestion(entry: Entry) -> OrderSuggestion:
    entry.only("label", "remove", "note", "add", "with")
    found = OrderSuggestion(
        entry.text("label"), entry.flag("remove"), entry.text("note", ""), entry.text("add", ""), entry.text("with", "")
    )
    if sum(map(bool, (found.remove, found.note, found.add))) != 1:
        raise entry.fail("a suggestion has one of 'remove', 'note' and 'add'")
    return found


def _draft(entry: Entry) -> DraftOrder:
    entry.only("id", "resource", "text", "category", "priority")
    return DraftOrder(
        entry.text("id"),
        entry.one_of("resource", ("ServiceRequest",)),
        entry.text("text"),
        entry.text("category"),
        entry.one_of("priority", ("routine", "urgent", "asap", "stat")),
    )
