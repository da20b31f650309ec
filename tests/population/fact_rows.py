"""Rows of facts drawn at random, as the table that the SQL reads and as the facts that the evaluator reads."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from calcipath.guideline.expression import Compare, Expression, Literal, Reference, children, references
from calcipath.guideline.model import Fact, Guideline
from calcipath.population.names import column
from calcipath.population.verdict_sql import HIGH, LOW, PLACE, fact_columns
from calcipath.record.evidence import Evidence, FactValue, Value

ARROW = {"BOOLEAN": pa.bool_(), "VARCHAR": pa.string(), "DOUBLE": pa.float64()}
Row = Mapping[str, FactValue]


def trees(guideline: Guideline) -> Iterator[Expression]:
    """Every condition of the guideline."""
    yield from (f.condition.tree for f in guideline.facts.values() if f.condition)
    yield from (d.condition.tree for d in guideline.definitions.values())
    yield from (r.condition.tree for r in guideline.risk_factors)
    yield from (r.condition.tree for r in guideline.ladder)
    yield from (t.condition.tree for u in guideline.urgent for t in u.triggers)
    yield from (c.condition.tree for s in guideline.schemes for c in s.criteria)
    yield from (p.condition.tree for m in guideline.mimics for p in (*m.points_for, *m.points_against))
    for item in guideline.recommendations:
        yield item.applies.tree
        yield from (g.condition.tree for g in item.guards)


def limits(guideline: Guideline) -> dict[str, list[float]]:
    """The numbers that each fact is compared with."""
    found: dict[str, list[float]] = defaultdict(list)
    stack = list(trees(guideline))
    while stack:
        tree = stack.pop()
        stack.extend(children(tree))
        if isinstance(tree, Compare):
            numbers = _numbers(tree, guideline)
            for name in references(tree):
                found[name].extend(numbers)
    return found


def _numbers(tree: Expression, guideline: Guideline) -> list[float]:
    stack, found = [tree], []
    while stack:
        node = stack.pop()
        stack.extend(children(node))
        if isinstance(node, Literal) and isinstance(node.value, float):
            found.append(node.value)
        elif isinstance(node, Reference) and node.name in guideline.defaults:
            found.append(guideline.defaults[node.name].value)
    return found


def known(fact: Fact, value: Value, position: str = "") -> FactValue:
    """A fact that rests on one entry, which is called after the fact."""
    says = value is not None or position != ""
    return FactValue(value, (Evidence(fact.id, fact.id),) if says else (), position)


def random_rows(guideline: Guideline, count: int, seed: int) -> list[Row]:
    """Rows from nearly empty to nearly full, with values at, beside and far from the limits of the conditions."""
    chance = np.random.default_rng(seed)
    at = limits(guideline)
    facts = [f for f in guideline.facts.values() if f.condition is None]
    rows = []
    for _ in range(count):
        silent, true = chance.choice([0.05, 0.3, 0.6, 0.9]), chance.choice([0.1, 0.5, 0.8])
        rows.append({f.id: _random_value(f, chance, silent, true, at[f.id]) for f in facts})
    return rows


def _random_value(
    fact: Fact, chance: np.random.Generator, silent: float, true: float, limits: Sequence[float]
) -> FactValue:
    position = str(chance.choice(["below", "within", "above", ""])) if fact.kind == "quantity" else ""
    if chance.random() < silent:
        return known(fact, None, position if chance.random() < 0.2 else "")
    if fact.type.kind == "boolean":
        return known(fact, bool(chance.random() < true))
    if fact.type.kind == "text":
        return known(fact, str(chance.choice(list(fact.type.values))))
    return known(fact, _random_interval(chance, limits), position)


def _random_interval(chance: np.random.Generator, limits: Sequence[float]) -> tuple[float, float]:
    around = float(chance.choice([*limits, 1.0, 40.0])) * float(chance.choice([1, 1, 1 - 1e-9, 1 + 1e-9, 0.3, 3]))
    match chance.integers(8):
        case 0:
            return -math.inf, around
        case 1:
            return around, math.inf
        case 2:
            return around * 0.9, around * 1.1
    return around, around


def table(guideline: Guideline, rows: Sequence[Row]) -> pa.Table:
    """The rows as the table `fact`; a patient is called by the number of the row."""
    cells: dict[str, list[object]] = {name: [] for name in fact_columns(guideline)}
    for row in rows:
        for fact_id, picked in row.items():
            own = column(fact_id)
            if own in cells:
                cells[own].append(picked.value)
                continue
            low, high = picked.value if isinstance(picked.value, tuple) else (None, None)
            cells[own + LOW].append(low)
            cells[own + HIGH].append(high)
            if own + PLACE in cells:
                cells[own + PLACE].append(picked.position or None)
    columns = {name: pa.array(cells[name], ARROW[kind]) for name, kind in fact_columns(guideline).items()}
    return pa.table({"patient": pa.array([str(n) for n in range(len(rows))]), **columns})
