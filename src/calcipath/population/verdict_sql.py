"""Every name that the guideline computes, as one SQL text over a table `fact` with one row for each patient.

The table's columns are those of `fact_columns`. The meaning is that of `assessment.verdicts.Verdicts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from calcipath.errors import GuidelineError
from calcipath.guideline import expression as e
from calcipath.guideline.model import Condition, Fact, Guard, Guideline, Mimic, Recommendation, TypeName
from calcipath.population.condition_sql import NOTHING, ConditionSql, counted
from calcipath.population.sql_columns import (
    FALSE,
    NULL,
    Interval,
    Layers,
    Term,
    Value,
    chosen,
    column,
    distinct_identifiers,
    identifier,
    joined,
    number,
    text,
    written,
)

LEADING: Final = ("established", "favoured")
# A name as a column never has two underscores in a row, so that `complement` and `complement-low` stay apart.
LOW, HIGH, PLACE = "__low", "__high", "__position"
BOOLEAN, TEXT, DOUBLE = "BOOLEAN", "VARCHAR", "DOUBLE"


def computed_names(guideline: Guideline) -> dict[str, TypeName]:
    """Every name that the guideline computes, with the kind of its value."""
    names: dict[str, TypeName] = {f.id: f.type.kind for f in guideline.facts.values() if f.condition}
    names |= {d.id: d.type.kind for d in guideline.definitions.values()}
    names |= {f"risk:{r.id}": "boolean" for r in guideline.risk_factors}
    for scheme in guideline.schemes:
        names[f"scheme:{scheme.id}"] = "text"
        names |= {f"criterion:{c.id}": "boolean" for c in scheme.criteria}
    names |= {f"mimic:{m.id}": "text" for m in guideline.mimics}
    names |= {f"recommendation:{r.id}": "text" for r in guideline.recommendations}
    names |= {f"urgent:{u.id}": "boolean" for u in guideline.urgent}
    names["suspicion-level"] = "text"
    for name in ("any-mimic-established", "any-mimic-leads", "any-risk-factor", "any-urgent"):
        names[name] = "boolean"
    return names


def columns_of(name: str, kind: TypeName) -> dict[str, str]:
    """The columns of a name, with their SQL types: one, or the two ends of a quantity."""
    own = identifier(name)
    if kind == "quantity":
        return {f"{own}{LOW}": DOUBLE, f"{own}{HIGH}": DOUBLE}
    return {own: BOOLEAN if kind == "boolean" else TEXT}


def columns_of_fact(fact: Fact) -> dict[str, str]:
    """The columns of a fact that a record says; a laboratory value or vital sign has its place in the range too."""
    place = {f"{identifier(fact.id)}{PLACE}": TEXT} if fact.kind == "quantity" else {}
    return columns_of(fact.id, fact.type.kind) | place


def fact_columns(guideline: Guideline) -> dict[str, str]:
    """What the table of facts holds besides `patient`: columns and their types, in the guideline's order."""
    found: dict[str, str] = {}
    for fact in guideline.facts.values():
        if fact.condition is None:
            found |= columns_of_fact(fact)
    return found


def verdict_columns(guideline: Guideline) -> dict[str, str]:
    """What the verdicts' query gives besides `patient`: columns and their types."""
    found: dict[str, str] = {}
    for name, kind in computed_names(guideline).items():
        found |= columns_of(name, kind)
    return found


class GuidelineSql:
    """The guideline's names as SQL terms; each computed name is a column of its own, made when first asked for."""

    def __init__(self, guideline: Guideline) -> None:
        self.guideline, self.layers = guideline, Layers()
        self.kinds: dict[str, TypeName] = {f.id: f.type.kind for f in guideline.facts.values()}
        self.kinds.update((default, "quantity") for default in guideline.defaults if default not in self.kinds)
        self.kinds.update(computed_names(guideline))
        self.conditions = ConditionSql(self.layers, self.value, self.position)
        self._values: dict[str, Value] = {}
        self._makers = self._all_makers()
        _refuse_shared_columns(guideline)

    def value(self, name: str) -> Value:
        """The term of a fact, default, definition or computed name."""
        if name not in self._values:
            self._values[name] = self._made(name)
        return self._values[name]

    def _made(self, name: str) -> Value:
        default = self.guideline.defaults.get(name)
        if name not in self._makers:
            if default is not None and name not in self.guideline.facts:
                return Interval(number(default.value), number(default.value))
            return _read(name, self.kinds[name])
        made = self._makers[name]()
        own = list(columns_of(name, self.kinds[name]))
        if self.kinds[name] == "quantity":
            ends = made if isinstance(made, Interval) else NOTHING
            return Interval(self.layers.bound(ends.low, own[0]), self.layers.bound(ends.high, own[1]))
        term = made if isinstance(made, Term) else NULL
        return self.layers.bound(_typed(term, self.kinds[name]), own[0])

    def position(self, name: str) -> Term:
        """A fact's place in its range: the record's, else that of its value in the guideline's range."""
        fact = self.guideline.facts.get(name)
        if fact is not None and fact.kind == "quantity":
            return column(f"{identifier(name)}{PLACE}")
        if fact is None or fact.range is None:
            return NULL
        found = self.value(name)
        if isinstance(found, Term):
            return NULL
        low, high = number(fact.range[0]), number(fact.range[1])
        place = chosen(
            [
                (written("{} < {}", found.high, low), text("below")),
                (written("{} > {}", found.low, high), text("above")),
                (written("{} >= {} AND {} <= {}", found.low, low, found.high, high), text("within")),
            ]
        )
        return self.layers.bound(place)

    def flag(self, condition: Condition | None) -> Term:
        """A condition as a column; one that is not there is false."""
        return FALSE if condition is None else self.conditions.column(condition.tree)

    def holds(self, guard: Guard) -> Term:
        """Whether a guard stands, or is unknown where that makes the act dangerous."""
        return written(
            "({} IS NOT FALSE)" if guard.if_unknown == "hold" else "({} IS TRUE)", self.flag(guard.condition)
        )

    def name(self, name: str) -> Term:
        """A name whose value is a boolean or a text."""
        found = self.value(name)
        return found if isinstance(found, Term) else NULL

    def _all_makers(self) -> dict[str, Callable[[], Value]]:
        guideline = self.guideline
        trees: dict[str, e.Expression] = {f.id: f.condition.tree for f in guideline.facts.values() if f.condition}
        trees |= {d.id: d.condition.tree for d in guideline.definitions.values()}
        trees |= {f"risk:{r.id}": r.condition.tree for r in guideline.risk_factors}
        for scheme in guideline.schemes:
            trees[f"scheme:{scheme.id}"] = scheme.result.tree
            trees |= {f"criterion:{c.id}": c.condition.tree for c in scheme.criteria}
        makers: dict[str, Callable[[], Value]] = {
            name: lambda t=tree: self.conditions.value(t)  # type: ignore[misc]
            for name, tree in trees.items()
        }
        for mimic in guideline.mimics:
            makers[f"mimic:{mimic.id}"] = lambda m=mimic: self._standing(m)  # type: ignore[misc]
        for item in guideline.recommendations:
            makers[f"recommendation:{item.id}"] = lambda r=item: self._verdict(r)  # type: ignore[misc]
        for finding in guideline.urgent:
            triggers = [t.condition for t in finding.triggers]
            makers[f"urgent:{finding.id}"] = lambda t=triggers: joined("OR", [self.flag(c) for c in t])  # type: ignore[misc]
        makers["suspicion-level"] = self._level
        makers["any-mimic-established"] = lambda: self._any_mimic(LEADING[:1])
        makers["any-mimic-leads"] = lambda: self._any_mimic(LEADING)
        makers["any-risk-factor"] = lambda: self._any(
            f"risk:{r.id}" for r in guideline.risk_factors if not r.descriptive
        )
        makers["any-urgent"] = lambda: self._any(f"urgent:{u.id}" for u in guideline.urgent)
        return makers

    def _any(self, names: Iterable[str]) -> Term:
        terms = [self.name(name) for name in names]
        return joined("OR", terms) if terms else FALSE

    def _any_mimic(self, standings: Sequence[str]) -> Term:
        return self._any_true([self.stands(m, standings) for m in self.guideline.mimics])

    @staticmethod
    def _any_true(terms: Sequence[Term]) -> Term:
        return joined("OR", terms) if terms else FALSE

    def stands(self, mimic: Mimic, standings: Sequence[str]) -> Term:
        """Whether a mimic has one of the standings."""
        listed = ", ".join("{}" for _ in standings)
        return written(f"({{}} IN ({listed}))", self.name(f"mimic:{mimic.id}"), *map(text, standings))

    def _standing(self, mimic: Mimic) -> Term:
        pro = [self.flag(p.condition) for p in mimic.points_for]
        contra = [self.flag(p.condition) for p in mimic.points_against]
        specific = [self.flag(p.condition) for p in mimic.points_for if p.specific]
        speaking, against = self.layers.bound(counted(pro)), self.layers.bound(counted(contra))
        leads = self.flag(mimic.named_when)
        if mimic.sourced and specific:
            tally = written("({} >= 2 AND {} > {} AND {})", speaking, speaking, against, joined("OR", specific))
            leads = joined("OR", [leads, tally])
        return chosen(
            [
                (self.flag(mimic.established_when), text("established")),
                (leads, text("favoured")),
                (written("{} > {}", against, speaking), text("unlikely")),
            ],
            text("possible"),
        )

    def _verdict(self, item: Recommendation) -> Term:
        applies = self.flag(item.applies)
        branches = [(written("{} IS NULL", applies), text("unknown")), (written("NOT {}", applies), text("no"))]
        if item.guards:
            branches.append((joined("OR", [self.holds(g) for g in item.guards]), text("held")))
        return chosen(branches, text("yes"))

    def _level(self) -> Term:
        ladder = self.guideline.ladder
        return chosen([(self.flag(r.condition), text(r.level)) for r in ladder], text(ladder[-1].level))


def verdict_outputs(terms: GuidelineSql, names: Iterable[str] = ()) -> list[tuple[str, Term]]:
    """`patient` and the columns of the computed names (all of them, if none are named)."""
    kinds = computed_names(terms.guideline)
    outputs = [("patient", column("patient"))]
    for name in names or kinds:
        if name not in kinds:
            raise GuidelineError(f"the guideline computes no {name!r}")
        found = terms.value(name)
        ends = (found.low, found.high) if isinstance(found, Interval) else (found,)
        outputs.extend(zip(columns_of(name, kinds[name]), ends, strict=True))
    return outputs


def verdict_sql(guideline: Guideline, source: str = "fact", names: Sequence[str] = ()) -> str:
    """One select of `patient` and the columns of the computed names (all of them, if none are named)."""
    terms = GuidelineSql(guideline)
    return terms.layers.select(source, verdict_outputs(terms, names))


def _read(name: str, kind: TypeName) -> Value:
    own = [column(c) for c in columns_of(name, kind)]
    return Interval(own[0], own[1]) if kind == "quantity" else own[0]


def _typed(term: Term, kind: TypeName) -> Term:
    return Term("CAST(NULL AS VARCHAR(100))", simple=True) if term is NULL and kind == "text" else term


def _refuse_shared_columns(guideline: Guideline) -> None:
    columns = {f.id: list(columns_of_fact(f)) for f in guideline.facts.values() if f.condition is None}
    distinct_identifiers(columns | {n: list(columns_of(n, k)) for n, k in computed_names(guideline).items()})
