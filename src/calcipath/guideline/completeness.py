"""What the content holds and never uses: a fact that nothing reads, a source that nothing cites."""

from __future__ import annotations

from collections.abc import Iterator

from calcipath.guideline.dependencies import dependencies
from calcipath.guideline.expression import references
from calcipath.guideline.model import Citation, Condition, Guideline

_SHOWN = frozenset({"inpatient"})  # chooses the windows of other facts
_BACKGROUND = frozenset({"ajkd-2015"})  # the article behind the review's summary


def unused(guideline: Guideline) -> Iterator[str]:
    """One sentence for each fact that no condition reads and each source that nothing cites."""
    read = set(_facts_read(guideline)) | _SHOWN
    yield from (f"facts: nothing reads the fact '{name}'" for name in guideline.facts if name not in read)
    cited = {citation.source.id for citation in _citations(guideline)} | _BACKGROUND
    yield from (f"sources.yaml: nothing cites the source '{name}'" for name in guideline.sources if name not in cited)


def _facts_read(guideline: Guideline) -> Iterator[str]:
    for names in dependencies(guideline).values():
        yield from names
    for condition in _further_conditions(guideline):
        yield from references(condition.tree)
    yield from guideline.thiosulfate.record_inputs.facts()
    for item in guideline.recommendations:
        yield from (guard.fact for guard in item.guards)
    for mimic in guideline.mimics:
        yield from (best.fact for best in mimic.best_next)


def _further_conditions(guideline: Guideline) -> Iterator[Condition]:
    for item in guideline.recommendations:
        yield from (said.condition for said in (*item.cautions, *item.actions) if said.condition)
        if item.urgent_now:
            yield item.urgent_now
    yield from guideline.hooks.conditions()
    yield from guideline.worklist.conditions()
    yield from (conflict.condition for conflict in guideline.conflicts)


def _citations(guideline: Guideline) -> Iterator[Citation]:
    yield from guideline.thiosulfate.citations()
    for item in guideline.recommendations:
        yield from item.citations
    for factor in guideline.risk_factors:
        yield from factor.sources
    for finding in guideline.urgent:
        yield from finding.citations
    for scheme in guideline.schemes:
        yield from scheme.sources
    for fact in guideline.facts.values():
        yield from fact.sources
    for mimic in guideline.mimics:
        yield from (source for point in (*mimic.points_for, *mimic.points_against) for source in point.sources)
