"""Which names depend on which: the order of evaluation, and the refusal of cycles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from calcipath.errors import GuidelineError
from calcipath.guideline.expression import references
from calcipath.guideline.model import Condition, Guideline


def dependencies(guideline: Guideline) -> dict[str, tuple[str, ...]]:
    """For each computed name, the names that its value is computed from."""
    found: dict[str, tuple[str, ...]] = {}
    for fact in guideline.facts.values():
        if fact.condition:
            found[fact.id] = _read([fact.condition])
    for definition in guideline.definitions.values():
        found[definition.id] = _read([definition.condition])
    for factor in guideline.risk_factors:
        found[f"risk:{factor.id}"] = _read([factor.condition])
    for finding in guideline.urgent:
        found[f"urgent:{finding.id}"] = _read(t.condition for t in finding.triggers)
    for mimic in guideline.mimics:
        points = [p.condition for p in (*mimic.points_for, *mimic.points_against)]
        found[f"mimic:{mimic.id}"] = _read(c for c in (mimic.established_when, mimic.named_when, *points) if c)
    for scheme in guideline.schemes:
        found[f"scheme:{scheme.id}"] = _read([scheme.result])
        found.update({f"criterion:{c.id}": _read([c.condition]) for c in scheme.criteria})
    for item in guideline.recommendations:
        found[f"recommendation:{item.id}"] = _read([item.applies, *(g.condition for g in item.guards)])
    found["suspicion-level"] = _read(r.condition for r in guideline.ladder)
    found["any-mimic-established"] = found["any-mimic-leads"] = tuple(f"mimic:{m.id}" for m in guideline.mimics)
    found["any-urgent"] = tuple(f"urgent:{u.id}" for u in guideline.urgent)
    found["any-risk-factor"] = tuple(f"risk:{r.id}" for r in guideline.risk_factors if not r.descriptive)
    return found


def _read(conditions: Iterable[Condition]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for condition in conditions for name in references(condition.tree)))


def evaluation_order(graph: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Computed names, each after all that it depends on. Raises `GuidelineError` on a cycle, naming it."""
    order: dict[str, None] = {}
    for start in graph:
        _visit(start, graph, order, [])
    return tuple(order)


def _visit(name: str, graph: Mapping[str, tuple[str, ...]], order: dict[str, None], path: list[str]) -> None:
    if name in order or name not in graph:
        return
    if name in path:
        circle = " -> ".join([*path[path.index(name) :], name])
        raise GuidelineError(f"these conditions depend on each other in a circle: {circle}")
    path.append(name)
    for other in graph[name]:
        _visit(other, graph, order, path)
    path.pop()
    order[name] = None


def require_no_cycle(guideline: Guideline) -> None:
    """Raises `GuidelineError` when a condition depends on itself."""
    evaluation_order(dependencies(guideline))
