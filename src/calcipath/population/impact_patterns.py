"""Patterns: all that decides which cards a service shows in a patient, as one text for each patient.

Patients of one pattern are shown the same cards, so the hooks are asked once for each pattern (as each form of entry is
read once). The pattern is made of what the hooks look at: which recommendations stand or are held and how urgent they
are, the further conditions of the cards, urgent findings, and the level of suspicion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from calcipath.guideline.hook_knowledge import HookService
from calcipath.guideline.model import Condition, Guideline, Recommendation
from calcipath.population.sql_columns import Term, chosen, column, identifier, joined, text, written
from calcipath.population.verdict_sql import GuidelineSql

STANDS: Final = ("yes", "held")


def pattern_sql(guideline: Guideline, service: HookService, orders: Iterable[str], source: str) -> str:
    """`patient`, `pattern`, and `speaks`: false where the service has certainly nothing to say.

    `orders` are the watched kinds of the order that is looked at.
    """
    terms = GuidelineSql(guideline)
    stands, pieces = list[Term](), list[Term]()
    for item, conditions in _items(guideline, service, frozenset(orders)):
        verdict = terms.name(f"recommendation:{item.id}")
        stand = written("({} IN ({}, {}))", verdict, text(STANDS[0]), text(STANDS[1]))
        stands.append(stand)
        letters = [(written("({} = {})", verdict, text(word)), text(word[0])) for word in STANDS]
        pieces.append(chosen(letters, text("-")))
        flags = [*conditions, *([item.urgent_now] if item.urgent_now else [])]
        pieces.extend(_flag(joined("AND", [stand, terms.flag(condition)])) for condition in flags)
    if service.urgent:
        urgent = [terms.name(f"urgent:{finding.id}") for finding in guideline.urgent]
        stands.extend(written("({} IS TRUE)", found) for found in urgent)
        pieces.extend(map(_flag, urgent))
    pieces.append(terms.name("suspicion-level"))
    speaks = joined("OR", stands) if stands else Term("FALSE")
    whole = written(f"concat({', '.join('{}' for _ in pieces)})", *pieces)
    return terms.layers.select(source, [("patient", column("patient")), ("pattern", whole), ("speaks", speaks)])


def brings_news_sql(guideline: Guideline, service: HookService) -> str:
    """Whether the record says something on which the service speaks, as a condition on the facts."""
    names = set(service.speaks_on)
    facts = [
        fact
        for fact in guideline.facts.values()
        if fact.kind == "recorded"
        and not (fact.history or fact.only_history or fact.any_assertion)
        and (not fact.event_kinds or "condition" in fact.event_kinds)
        and fact.concepts
        and all(concept in names or guideline.vocabulary.family(concept) in names for concept in fact.concepts)
    ]
    return " OR ".join(f"coalesce({identifier(fact.id)}, false)" for fact in facts) or "false"


def _flag(term: Term) -> Term:
    return chosen([(term, text("1"))], text("0"))


def _items(
    guideline: Guideline, service: HookService, orders: frozenset[str]
) -> Iterator[tuple[Recommendation, tuple[Condition, ...]]]:
    """Each recommendation that the service may say, with the further conditions under which it does."""
    hooks = guideline.hooks
    said = [(item.recommendation, item.when) for group in service.groups for item in hooks.groups[group].items]
    if service.orders:
        said += [(each.recommendation, each.when) for o in hooks.orders if o.id in orders for each in o.items]
    conditions: dict[str, dict[str, Condition]] = {}
    for name, when in said:
        known = conditions.setdefault(name, {})
        if when is not None:
            known[when.text] = when
    for item in guideline.recommendations:
        if item.id in conditions:
            yield item, tuple(conditions[item.id].values())
