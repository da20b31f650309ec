"""The reasons of a population's verdicts as SQL over the table `fact`, and how to read its rows.

The facts of an item
are bits in one or more BIGINT columns (`because_recommendation_x__0`, ...), which `ReasonQuery.facts` turns into names:
as columns they cost little, can be stored and counted, and mean the same in every engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from calcipath.guideline.model import Guideline, Recommendation
from calcipath.population.fact_sets import WORD, FactSet, bound, word, word_numbers
from calcipath.population.reason_sql import FactSets
from calcipath.population.reason_walks import Because, Missing
from calcipath.population.sql_columns import Term, chosen, column, identifier, joined, text, written
from calcipath.population.verdict_sql import GuidelineSql, verdict_outputs


@dataclass(frozen=True, slots=True)
class ReasonQuery:
    """`sql` gives `patient` and the columns of each item; null where the item was not found.

    `words` names an item's columns by the number of the word, `possible` has the bits that an item can have, all words in
    one number; `holds` names the column that tells which guards hold.
    """

    sql: str
    words: Mapping[str, Mapping[int, str]]
    possible: Mapping[str, int]
    holds: Mapping[str, str]
    fact_ids: tuple[str, ...]
    guard_ids: Mapping[str, tuple[str, ...]]

    def facts(self, row: Mapping[str, int | None], name: str) -> tuple[str, ...]:
        """The facts of an item in a row, in the guideline's order; none where it was not found."""
        found: list[str] = []
        for number, own in sorted(self.words[name].items()):
            found.extend(_chosen(self.fact_ids[number * WORD : (number + 1) * WORD], row[own] or 0))
        return tuple(found)

    def guards(self, row: Mapping[str, int | None], name: str) -> tuple[str, ...]:
        """The guards that hold a recommendation."""
        return tuple(_chosen(self.guard_ids[name], row[self.holds[name]] or 0)) if name in self.holds else ()


def because_query(
    guideline: Guideline,
    source: str = "fact",
    names: Sequence[str] = (),
    *,
    with_verdicts: bool = True,
    kept: Sequence[str] = (),
) -> ReasonQuery:
    """Which facts decided each recommendation that applies, each risk factor and urgent finding that is there.

    `names` limits it to some of them (`recommendation:x`, `risk:y`, `urgent:z`). The columns of `verdict_sql` come
    with it, so that one pass over the facts gives both. An item's own columns are worked out only where it was found.
    `kept` are columns of the source that go through unchanged.
    """
    terms = GuidelineSql(guideline)
    because = Because(terms)
    sets = {f"recommendation:{r.id}": because.of(r.applies.tree, "true") for r in guideline.recommendations}
    sets |= {f"risk:{r.id}": because.of(r.condition.tree, "true") for r in guideline.risk_factors}
    sets |= {f"urgent:{u.id}": because.of_name(f"urgent:{u.id}", "true") for u in guideline.urgent}
    sets = {name: sets[name] for name in names or sets}
    wanted = {name: _is_found(terms, name) for name in sets}
    items = [r for r in guideline.recommendations if r.guards and f"recommendation:{r.id}" in sets]
    holds = [(_column("holds", f"recommendation:{r.id}"), _guards(terms, r)) for r in items]
    words, outputs = _outputs(because, "because", sets, wanted)
    first = verdict_outputs(terms) if with_verdicts else [("patient", column("patient"))]
    through = [(name, column(name)) for name in kept]
    return ReasonQuery(
        terms.layers.select(source, [*first, *through, *outputs, *holds]),
        words,
        {name: found.support for name, found in sets.items()},
        {f"recommendation:{r.id}": own for r, (own, _) in zip(items, holds, strict=True)},
        tuple(guideline.facts),
        {f"recommendation:{r.id}": tuple(g.id for g in r.guards) for r in items},
    )


def missing_query(guideline: Guideline, source: str = "fact") -> ReasonQuery:
    """Which facts are missing for each recommendation whose verdict is unknown."""
    terms = GuidelineSql(guideline)
    missing = Missing(terms)
    sets = {f"recommendation:{r.id}": missing.of(r.applies.tree, "unknown") for r in guideline.recommendations}
    wanted = {name: written("({} = {})", terms.name(name), text("unknown")) for name in sets}
    words, outputs = _outputs(missing, "missing", sets, wanted)
    sql = terms.layers.select(source, [("patient", column("patient")), *outputs])
    return ReasonQuery(sql, words, {name: s.support for name, s in sets.items()}, {}, tuple(guideline.facts), {})


def _is_found(terms: GuidelineSql, name: str) -> Term:
    if name.startswith("recommendation:"):
        return written("({} IN ({}, {}))", terms.name(name), text("yes"), text("held"))
    return terms.name(name)


def _column(prefix: str, name: str) -> str:
    return f"{prefix}_{identifier(name)}"


def _outputs(
    walk: FactSets, prefix: str, sets: Mapping[str, FactSet], wanted: Mapping[str, Term]
) -> tuple[dict[str, dict[int, str]], list[tuple[str, Term]]]:
    """The columns of each item and their terms, null where the item is not wanted."""
    layers = walk.terms.layers
    words: dict[str, dict[int, str]] = {}
    outputs: list[tuple[str, Term]] = []
    for name, found in sets.items():
        shared = sum(one == found for one in sets.values()) > 1
        kept = bound(found, layers) if shared else found
        words[name] = {number: f"{_column(prefix, name)}__{number}" for number in word_numbers(found)}
        for number, own in words[name].items():
            outputs.append((own, chosen([(wanted[name], word(kept, number))])))
    return words, outputs


def _guards(terms: GuidelineSql, item: Recommendation) -> Term:
    verdict = terms.name(f"recommendation:{item.id}")
    bits = [
        written(f"CASE WHEN {{}} THEN {1 << position} ELSE 0 END", terms.holds(guard))
        for position, guard in enumerate(item.guards)
    ]
    held = written("({} = {})", verdict, text("held"))
    return chosen([(held, written("CAST({} AS BIGINT)", joined("+", bits)))])


def _chosen(names: Sequence[str], bits: int) -> list[str]:
    return [name for position, name in enumerate(names) if bits >> position & 1]
