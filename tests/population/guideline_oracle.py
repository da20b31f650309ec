"""What the evaluator says of a row, in the form in which the SQL says it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from calcipath.assessment.outcome import Outcome
from calcipath.assessment.verdicts import Verdicts
from calcipath.population.reason_query import ReasonQuery
from calcipath.population.verdict_sql import columns_of, computed_names
from calcipath.record.evidence import Value

Answer = Mapping[str, object]


def differing_values(verdicts: Verdicts, answer: Answer) -> Iterator[str]:
    """The computed names of which the SQL says something else than the evaluator."""
    for name, kind in computed_names(verdicts.guideline).items():
        found = [answer[own] for own in columns_of(name, kind)]
        value = (None if found[0] is None else tuple(found)) if kind == "quantity" else found[0]
        wanted = verdicts.outcome(name).value
        if not _same(value, wanted):
            yield f"{name}: {value!r}, not {wanted!r}"


def _same(value: object, wanted: Value) -> bool:
    if not isinstance(wanted, tuple) or not isinstance(value, tuple):
        return value == wanted
    return all(a == b or math.isclose(a, b, rel_tol=1e-13) for a, b in zip(value, wanted, strict=True))


def differing_reasons(query: ReasonQuery, verdicts: Verdicts, answer: Answer) -> Iterator[str]:
    """The items whose facts or guards the SQL gives otherwise."""
    for name, wanted in _reasons(verdicts).items():
        found = set(query.facts(answer, name))  # type: ignore[arg-type]
        if found != wanted:
            yield f"{name}: {sorted(found ^ wanted)}"
    for item in verdicts.guideline.recommendations:
        judged, name = verdicts.judge(item), f"recommendation:{item.id}"
        guards = tuple(g.guard.id for g in judged.guards if g.holds) if judged.verdict == "held" else ()
        if query.guards(answer, name) != guards:  # type: ignore[arg-type]
            yield f"{name}: guards {guards}"


def _reasons(verdicts: Verdicts) -> dict[str, set[str]]:
    guideline = verdicts.guideline
    found: dict[str, set[str]] = {}
    for item in guideline.recommendations:
        judged = verdicts.judge(item)
        found[f"recommendation:{item.id}"] = _facts(judged.applies) if judged.verdict in ("yes", "held") else set()
    names = [*(f"risk:{r.id}" for r in guideline.risk_factors), *(f"urgent:{u.id}" for u in guideline.urgent)]
    for name in names:
        outcome = verdicts.outcome(name)
        found[name] = _facts(outcome) if outcome.value is True else set()
    return found


def _facts(outcome: Outcome) -> set[str]:
    """The facts behind an outcome; what was computed on the way has no reference."""
    return {evidence.reference for evidence in outcome.because} - {""}


def differing_missing(query: ReasonQuery, verdicts: Verdicts, answer: Answer) -> Iterator[str]:
    """The recommendations for which the SQL misses other facts."""
    for item in verdicts.guideline.recommendations:
        judged, name = verdicts.judge(item), f"recommendation:{item.id}"
        wanted = set(judged.applies.missing) if judged.verdict == "unknown" else set()
        found = set(query.facts(answer, name))  # type: ignore[arg-type]
        if found != wanted:
            yield f"{name}: {sorted(found ^ wanted)}"
