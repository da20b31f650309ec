"""A recommendation with everything behind it, as plain data for a reader."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from calcipath.guideline.expression import references
from calcipath.guideline.model import Citation, Condition, Guideline, Recommendation


def explanation_of(item: Recommendation, guideline: Guideline) -> dict[str, Any]:
    """Statement, logic, facts, guards, cautions, actions and sources of a recommendation."""
    conditions = [item.applies, *(g.condition for g in item.guards)]
    return {
        "id": item.id,
        "section": item.section,
        "statement": item.statement,
        "direction": item.direction,
        "strength": item.strength,
        "certainty": item.certainty,
        "urgency": item.urgency,
        "applies": item.applies.text,
        "facts": _facts(conditions, guideline),
        "hold_when": [
            {
                "id": g.id,
                "when": g.condition.text,
                "if_unknown": g.if_unknown,
                "reason": g.reason,
                "question": g.question,
                "instead": g.instead,
                "who": g.who,
            }
            for g in item.guards
        ],
        "cautions": [{"when": s.condition.text if s.condition else "", "say": s.text} for s in item.cautions],
        "actions": [
            {"when": s.condition.text if s.condition else "", "kind": s.kind, "text": s.text} for s in item.actions
        ],
        "citations": [_citation(c) for c in item.citations],
        "since_2015": item.since_2015,
        "file": item.place,
    }


def _citation(item: Citation) -> dict[str, str]:
    return {"source": item.source.id, "locator": item.locator, "mark": item.mark, "text": item.source.citation}


def _facts(conditions: Iterable[Condition], guideline: Guideline) -> list[dict[str, str]]:
    """What each name in the conditions means, derived ones with their own logic."""
    found: dict[str, dict[str, str]] = {}
    waiting = [name for condition in conditions for name in references(condition.tree)]
    while waiting:
        name = waiting.pop(0)
        if name in found:
            continue
        if name in guideline.facts:
            fact = guideline.facts[name]
            found[name] = {"id": name, "label": fact.label, "how_to_obtain": fact.obtain, "unit": fact.type.unit}
            if fact.condition:
                found[name]["logic"] = fact.condition.text
                waiting.extend(references(fact.condition.tree))
        elif name in guideline.definitions:
            definition = guideline.definitions[name]
            found[name] = {
                "id": name,
                "label": definition.label,
                "how_to_obtain": "",
                "logic": definition.condition.text,
            }
        elif name in guideline.defaults:
            default = guideline.defaults[name]
            label = f"{default.meaning} ({default.value:g} {default.unit}; "
            label += "default of this software, local protocol decides)" if default.mark == "P" else "sourced)"
            found[name] = {"id": name, "label": label, "how_to_obtain": ""}
    return list(found.values())
