"""Which unknown facts would change verdicts, found by trying each possible answer.

A value is tried on either side of every limit with which the guideline compares the fact. Only what depends on a
changed value is evaluated again.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from calcipath.assessment.values import Reading, readings
from calcipath.assessment.verdicts import Verdicts
from calcipath.guideline.dependencies import dependencies, evaluation_order
from calcipath.guideline.expression import (
    Compare,
    Expression,
    Literal,
    RangePosition,
    Reference,
    Scale,
    children,
)
from calcipath.guideline.model import Condition, Fact, Guideline
from calcipath.record.evidence import FactValue, Value
from calcipath.record.measurements import position_of


@dataclass(frozen=True, slots=True)
class InfluenceMap:
    """Of one guideline: order of evaluation, direct readers of each name, limits of each quantity fact."""

    order: Mapping[str, int]
    readers: Mapping[str, tuple[str, ...]]
    limits: Mapping[str, tuple[float, ...]]
    readings: Mapping[str, Reading]


def influence_map(guideline: Guideline) -> InfluenceMap:
    """Prepare the analysis for a guideline (once)."""
    graph = dependencies(guideline)
    readers: dict[str, list[str]] = {}
    for name, sources in graph.items():
        for source in sources:
            readers.setdefault(source, []).append(name)
    order = {name: number for number, name in enumerate(evaluation_order(graph))}
    return InfluenceMap(order, {k: tuple(v) for k, v in readers.items()}, _limits(guideline), readings(guideline))


def _limits(guideline: Guideline) -> dict[str, tuple[float, ...]]:
    found: dict[str, set[float]] = {}
    for condition in _conditions(guideline):
        stack: list[Expression] = [condition.tree]
        while stack:
            tree = stack.pop()
            stack.extend(children(tree))
            if isinstance(tree, Compare):
                _add_limit(tree.left, tree.right, guideline, found)
                _add_limit(tree.right, tree.left, guideline, found)
            elif isinstance(tree, RangePosition):
                fact = guideline.facts.get(tree.operand.name)
                found.setdefault(tree.operand.name, set()).update(fact.range or () if fact else ())
    return {name: tuple(sorted(values)) for name, values in found.items()}


def _add_limit(side: Expression, other: Expression, guideline: Guideline, found: dict[str, set[float]]) -> None:
    if not isinstance(side, Reference) or side.name not in guideline.facts:
        return
    factor, shift, limit = 1.0, 0.0, other
    if isinstance(limit, Scale):
        factor, shift, limit = limit.factor, limit.shift, limit.operand
    if isinstance(limit, Literal) and isinstance(limit.value, float):
        found.setdefault(side.name, set()).add(limit.value * factor + shift)
    elif isinstance(limit, Reference) and limit.name in guideline.defaults:
        found.setdefault(side.name, set()).add(guideline.defaults[limit.name].value * factor + shift)


def _conditions(guideline: Guideline) -> Iterable[Condition]:
    yield from (f.condition for f in guideline.facts.values() if f.condition)
    yield from (d.condition for d in guideline.definitions.values())
    yield from (r.condition for r in guideline.risk_factors)
    yield from (t.condition for u in guideline.urgent for t in u.triggers)
    for mimic in guideline.mimics:
        yield from (p.condition for p in (*mimic.points_for, *mimic.points_against))
        yield from (c for c in (mimic.established_when, mimic.named_when) if c)
    for scheme in guideline.schemes:
        yield scheme.result
        yield from (c.condition for c in scheme.criteria)
    yield from (r.condition for r in guideline.ladder)
    for item in guideline.recommendations:
        yield item.applies
        yield from (g.condition for g in item.guards)


def possible_values(fact: Fact, limits: Sequence[float]) -> tuple[FactValue, ...]:
    """The answers to try for an unknown fact."""
    if fact.type.kind == "boolean":
        return FactValue(True), FactValue(False)
    if fact.type.kind == "text":
        return tuple(FactValue(value) for value in fact.type.values)
    if not limits:
        return (FactValue((1.0, 1.0)),)
    ends = [limits[0] - 1 - abs(limits[0]) / 2, *limits, limits[-1] + 1 + abs(limits[-1])]
    numbers = [(a + b) / 2 for a, b in pairwise(ends)]
    return tuple(FactValue((n, n), (), position_of((n, n), *fact.range) if fact.range else "") for n in numbers)


class _Trial:
    """The patient with one fact answered; what does not depend on it keeps its value."""

    def __init__(self, base: Verdicts, fact: str, answer: FactValue) -> None:
        self._base, self._fact, self._answer = base, fact, answer
        self._changed: dict[str, Value] = {fact: answer.value}

    def value(self, name: str) -> Value:
        return self._changed[name] if name in self._changed else self._base.outcome(name).value

    def position(self, name: str) -> str | None:
        if name == self._fact:
            return self._answer.position or None
        if name in self._changed:
            return self._ranged(name)
        found = self._base.position(name).value
        return found if isinstance(found, str) else None

    def _ranged(self, name: str) -> str | None:
        fact, value = self._base.guideline.facts.get(name), self._changed[name]
        if fact is None or fact.range is None or not isinstance(value, tuple):
            return None
        return position_of(value, *fact.range) or None

    def run(self, influence: InfluenceMap) -> set[str]:
        """Evaluate what the answer reaches; the recommendations whose verdict changes."""
        waiting = [(influence.order[n], n) for n in influence.readers.get(self._fact, ())]
        heapq.heapify(waiting)
        seen = {name for _, name in waiting}
        changed: set[str] = set()
        while waiting:
            _, name = heapq.heappop(waiting)
            after = influence.readings[name](self)
            if after == self._base.outcome(name).value:
                continue
            self._changed[name] = after
            if name.startswith("recommendation:"):
                changed.add(name.removeprefix("recommendation:"))
            for reader in influence.readers.get(name, ()):
                if reader not in seen:
                    seen.add(reader)
                    heapq.heappush(waiting, (influence.order[reader], reader))
        return changed


def deciding_facts(base: Verdicts, influence: InfluenceMap, unknown: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For each unknown fact, the recommendations whose verdict some answer would change, in the guideline's order."""
    order = {item.id: number for number, item in enumerate(base.guideline.recommendations)}
    found = {}
    for name in unknown:
        fact = base.guideline.facts.get(name)
        if fact is None:
            continue
        changed: set[str] = set()
        for value in possible_values(fact, influence.limits.get(name, ())):
            changed |= _Trial(base, name, value).run(influence)
        if changed:
            found[name] = tuple(sorted(changed, key=order.__getitem__))
    return found
