"""What there is to say at a hook, before it becomes cards: urgent findings, groups of recommendations, orders.

An alert knows the facts behind it, so that the same alert for the same facts can be told from a new one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from calcipath.assessment.verdicts import Verdicts
from calcipath.guideline.hook_knowledge import (
    CardGroup,
    GroupSuggestion,
    HookKnowledge,
    HookService,
    OrderItem,
    OrderSuggestion,
    WatchedOrder,
)
from calcipath.guideline.model import Condition
from calcipath.hooks.draft_orders import Draft

Item = Mapping[str, Any]
INDICATORS = ("critical", "warning", "info")
URGENCIES = ("now", "today", "this-week", "routine")
SUMMARY_BELOW = 140  # characters, CDS Hooks 2.0, card.summary
NAMES = 3


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to say. `items` are recommendations (or one urgent finding) of the assessment, held ones among them.

    `order` is the watched kind and `orders` the drafts where it belongs to orders; `suggestions` are offered only where
    no item is held.
    """

    id: str
    indicator: str
    summary: str
    items: tuple[Item, ...]
    urgency: str
    recommendations: tuple[str, ...]
    order: str = ""
    orders: tuple[Draft, ...] = ()
    group_suggestions: tuple[GroupSuggestion, ...] = ()
    order_suggestions: tuple[OrderSuggestion, ...] = ()
    facts: str = field(default="", repr=False)

    @property
    def held(self) -> bool:
        """Whether anything in it is held: then nothing in it may be done with one click."""
        return any(item.get("verdict") == "held" for item in self.items)

    @property
    def rank(self) -> tuple[int, int]:
        return INDICATORS.index(self.indicator), URGENCIES.index(self.urgency)


def urgent_alerts(answer: Item) -> Iterator[Alert]:
    """One critical alert for each urgent finding."""
    for finding in answer["urgent"]:
        value = finding.get("value")
        measured = f" {value:g} {finding.get('unit') or ''}".rstrip() if isinstance(value, float) else ""
        summary = cut(f"Urgent: {finding['finding']}{'' if measured.strip() in finding['finding'] else measured}")
        yield Alert(
            f"urgent:{finding['id']}", "critical", summary, (finding,), "now", (), facts=_facts([finding], "urgent")
        )


def group_alerts(service: HookService, knowledge: HookKnowledge, answer: Item, verdicts: Verdicts) -> Iterator[Alert]:
    """One alert for each group of the service in which something applies or is held."""
    by_id = {item["id"]: item for item in answer["recommendations"]}
    level = answer["suspicion"]["level"]
    for name in service.groups:
        group = knowledge.groups[name]
        stands = [each for each in group.items if _stands(by_id[each.recommendation]) and _true(each.when, verdicts)]
        if not stands:
            continue
        items = [by_id[each.recommendation] for each in stands]
        names = {each.recommendation: each.name for each in stands}
        yield _group(group, items, names, level)


def _group(group: CardGroup, items: Sequence[Item], names: Mapping[str, str], level: str) -> Alert:
    ordered = sorted(items, key=lambda item: URGENCIES.index(item["urgency"]))
    urgency = ordered[0]["urgency"]
    indicator = group.indicator or ("warning" if urgency in ("now", "today") else "info")
    said = _listed([names[item["id"]] + (" (held)" if item["verdict"] == "held" else "") for item in ordered])
    applies = {item["id"] for item in items if item["verdict"] == "yes"}
    return Alert(
        f"group:{group.id}",
        indicator,
        cut(group.summary.format(level=level, names=said)),
        tuple(ordered),
        urgency,
        tuple(item["id"] for item in ordered),
        group_suggestions=tuple(each for each in group.suggestions if each.recommendation in applies),
        facts=_facts(ordered, level),
    )


def order_alerts(
    knowledge: HookKnowledge, answer: Item, verdicts: Verdicts, by_order: Mapping[str, Sequence[Draft]]
) -> Iterator[Alert]:
    """One alert for each kind of order on which something speaks."""
    by_id = {item["id"]: item for item in answer["recommendations"]}
    level = answer["suspicion"]["level"]
    for order in knowledge.orders:
        chosen = by_order.get(order.id, ())
        speaking = [each for each in order.items if chosen and _speaks(each, by_id, verdicts, chosen)]
        if speaking:
            yield _order(order, speaking, by_id, level, chosen)


def _speaks(item: OrderItem, by_id: Mapping[str, Item], verdicts: Verdicts, chosen: Iterable[Draft]) -> bool:
    if by_id[item.recommendation]["verdict"] not in item.speaks_on or not _true(item.when, verdicts):
        return False
    return not all(any(word in draft.words for word in item.unless_said) for draft in chosen)


def _order(
    order: WatchedOrder, speaking: Sequence[OrderItem], by_id: Mapping[str, Item], level: str, chosen: Sequence[Draft]
) -> Alert:
    items = list({each.recommendation: by_id[each.recommendation] for each in speaking}.values())
    first = speaking[0]
    names = _listed(_reasons(by_id[first.recommendation]))
    indicator = (
        "info" if all(item["verdict"] == "held" and item["direction"] == "against" for item in items) else "warning"
    )
    return Alert(
        f"order:{order.id}",
        indicator,
        cut(first.summary.format(level=level, names=names)),
        tuple(items),
        min((item["urgency"] for item in items), key=URGENCIES.index),
        tuple(item["id"] for item in items),
        order=order.id,
        orders=tuple(chosen),
        order_suggestions=tuple(
            each
            for each in order.suggestions
            if not each.recommendation or each.recommendation in {item["id"] for item in items}
        ),
        facts=_facts(items, f"{level} {[each.summary for each in speaking]}", chosen),
    )


def incomplete_alert(missing: Mapping[str, str]) -> Alert:
    """Said where nothing else is, and not all could be looked at: silence would read as an answer."""
    words = f"Calciphylaxis check incomplete, no finding in what was sent. Not available: {', '.join(missing)}"
    summary = words if len(words) < SUMMARY_BELOW else "Calciphylaxis check incomplete, no finding in what was sent"
    facts = json.dumps(["incomplete", sorted(missing)])
    return Alert("check:incomplete", "info", summary, (), "routine", (), facts=facts)


def _reasons(item: Item) -> list[str]:
    """Why it is held: what stands before what is not known."""
    guards = sorted(item.get("held_by", ()), key=lambda guard: bool(guard.get("unknown")))
    return [_short(guard) for guard in guards]


def _short(guard: Item) -> str:
    words = str(guard["guard"]).replace("-", " ")
    says_so = any(word in words for word in ("unknown", " not "))
    return f"{words} not known" if guard.get("unknown") and not says_so else words


def _stands(item: Item) -> bool:
    return item["verdict"] in ("yes", "held")


def _true(condition: Condition | None, verdicts: Verdicts) -> bool:
    return condition is None or verdicts.evaluate(condition).value is True


def _listed(names: Sequence[str]) -> str:
    shown, more = list(names[:NAMES]), len(names) - NAMES
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def cut(summary: str) -> str:
    """The summary in fewer than 140 characters, cut at a word."""
    words = " ".join(summary.split())
    if len(words) < SUMMARY_BELOW:
        return words
    return words[: SUMMARY_BELOW - 2].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def _facts(items: Sequence[Item], level: str, drafts: Sequence[Draft] = ()) -> str:
    """A canonical text of what the alert rests on; an order counts by what it says, not by its id."""
    names = {draft.reference: f"draft:{draft.words}" for draft in drafts}
    rows = []
    for item in items:
        evidence = item.get("because") or item.get("evidence") or ()
        held = [guard["guard"] for guard in item.get("held_by", ())]
        seen = sorted(_fact(each, names) for each in evidence)
        rows.append([item["id"], item.get("verdict", "urgent"), seen, held])
    return json.dumps([level, rows], ensure_ascii=False, sort_keys=True)


def _fact(evidence: Item, names: Mapping[str, str]) -> str:
    reference = str(evidence.get("reference", ""))
    return f"{names.get(reference, reference)} {evidence.get('value', '')} {evidence.get('unit', '')}".strip()
