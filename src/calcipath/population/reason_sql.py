"""Which facts decided a verdict or are missing for it, as SQL: the `because` and `missing` of `assessment.evaluation`.

The evaluator walks down from a value that it has; so does this. Each node is asked for its facts *in the state that it
is known to be in* (true, false, unknown, known, any), and mostly that leaves little to look at: a true conjunction rests
on all its parts, whatever they are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Literal

from calcipath.guideline import expression as e
from calcipath.guideline.model import Condition, Fact, Mimic
from calcipath.population.fact_sets import EMPTY, FactSet, bound, choice, union
from calcipath.population.sql_columns import written
from calcipath.population.verdict_sql import LEADING, GuidelineSql

State = Literal["true", "false", "unknown", "known", "any"]
OPPOSITE: dict[State, State] = {"true": "false", "false": "true"}
ANSWERS: tuple[State, ...] = ("true", "false", "known")


class FactSets(ABC):
    """What the two walks share; `Because` and `Missing` say where they differ."""

    def __init__(self, terms: GuidelineSql) -> None:
        self.terms = terms
        self.bits = {name: 1 << position for position, name in enumerate(terms.guideline.facts)}
        self._trees: dict[tuple[int, State], tuple[e.Expression, FactSet]] = {}  # by identity, as in `ConditionSql`
        self._names: dict[tuple[str, State], FactSet] = {}
        self._by_type: dict[type, Callable[..., FactSet]] = {
            e.Not: self._not,
            e.And: self._and,
            e.Or: self._or,
            e.AtLeast: self._at_least,
            e.Compare: self._pair,
            e.Arithmetic: self._pair,
            e.Member: self._member,
            e.Is: self._is,
            e.Scale: self._scale,
            e.Extreme: self._extreme,
            e.Case: self._case,
            e.RangePosition: self._range_position,
        }

    def of(self, tree: e.Expression, state: State) -> FactSet:
        """The facts of an expression that is in this state."""
        key = id(tree), state
        if key not in self._trees:
            self._trees[key] = tree, self._of(tree, state)
        return self._trees[key][1]

    def _of(self, tree: e.Expression, state: State) -> FactSet:
        if isinstance(tree, e.Literal):
            return EMPTY
        if self.kind(tree) == "boolean" and state in ("known", "any"):
            value, false = self.terms.conditions.column(tree), self.of(tree, "false")
            unknown = [(written("{} IS NULL", value), self.of(tree, "unknown"))] if state == "any" else []
            return choice([(value, self.of(tree, "true")), *unknown], false)
        if state == "any":
            return choice([(self.terms.conditions.is_unknown(tree), self.of(tree, "unknown"))], self.of(tree, "known"))
        if isinstance(tree, e.Reference):
            return self.of_name(tree.name, state)
        return self._by_type[type(tree)](tree, state)

    def of_name(self, name: str, state: State) -> FactSet:
        """The facts of a name; every condition that reads it shares the columns."""
        key = name, state
        if key not in self._names:
            self._names[key] = bound(self._of_name(name, state), self.terms.layers)
        return self._names[key]

    def kind(self, tree: e.Expression) -> str:
        """boolean, text or quantity."""
        match tree:
            case e.Literal(value, _, _):
                return "text" if isinstance(value, str) else "quantity" if isinstance(value, float) else "boolean"
            case e.Reference(name, _):
                return self.terms.kinds[name]
            case e.Arithmetic() | e.Scale() | e.Extreme():
                return "quantity"
            case e.Case(branches, otherwise):
                values = [value for _, value in branches] + [otherwise]
                return next((self.kind(v) for v in values if not _is_null(v)), "boolean")
        return "boolean"

    def _of_name(self, name: str, state: State) -> FactSet:
        guideline = self.terms.guideline
        fact = guideline.facts.get(name)
        if fact is not None:
            return self.of_fact(fact, state)
        if name in guideline.defaults:
            return EMPTY
        if name in guideline.definitions:
            return self.of(guideline.definitions[name].condition.tree, state)
        kind, _, own = name.partition(":")
        if kind == "mimic":
            return self.of_mimic(next(m for m in guideline.mimics if m.id == own))
        if kind == "recommendation":
            return self.of(next(r for r in guideline.recommendations if r.id == own).applies.tree, "any")
        if kind == "urgent":
            return self.of_any([t.condition for t in next(u for u in guideline.urgent if u.id == own).triggers], state)
        if own:
            return self.of(self._condition(kind, own).tree, state)
        return self._of_summary(name, state)

    def _condition(self, kind: str, own: str) -> Condition:
        guideline = self.terms.guideline
        if kind == "risk":
            return next(r.condition for r in guideline.risk_factors if r.id == own)
        if kind == "scheme":
            return next(s.result for s in guideline.schemes if s.id == own)
        return next(c.condition for s in guideline.schemes for c in s.criteria if c.id == own)

    def _of_summary(self, name: str, state: State) -> FactSet:
        guideline = self.terms.guideline
        if name == "suspicion-level":
            return self.of_level()
        if name == "any-risk-factor":
            return self.of_any_name([f"risk:{r.id}" for r in guideline.risk_factors if not r.descriptive], state)
        if name == "any-urgent":
            return self.of_any_name([f"urgent:{u.id}" for u in guideline.urgent], state)
        return (
            self.of_any_mimic(LEADING[:1] if name == "any-mimic-established" else LEADING) if state == "true" else EMPTY
        )

    # -- the nodes on which both walks agree --

    def _not(self, tree: e.Not, state: State) -> FactSet:
        return self.of(tree.operand, OPPOSITE.get(state, state))

    def _scale(self, tree: e.Scale, state: State) -> FactSet:
        return self.of(tree.operand, state)

    def _pair(self, tree: e.Compare | e.Arithmetic, state: State) -> FactSet:
        """Both sides: known when there is a result, in any state when there is none (intervals may overlap)."""
        inner: State = "any" if state == "unknown" else "known"
        return union([self.of(tree.left, inner), self.of(tree.right, inner)])

    def _member(self, tree: e.Member, state: State) -> FactSet:
        return self.of(tree.operand, "unknown" if state == "unknown" else "known")

    def _is(self, tree: e.Is, state: State) -> FactSet:
        if state == "unknown":
            return EMPTY
        if tree.test == "null":
            return self.of(tree.operand, "unknown" if (state == "true") is not tree.negated else "known")
        if self.kind(tree.operand) != "boolean":
            return self.of(tree.operand, "any")
        wanted: State = "true" if tree.test == "true" else "false"
        if (state == "true") is not tree.negated:
            return self.of(tree.operand, wanted)
        return self.if_unknown(tree.operand, self.of(tree.operand, "unknown"), self.of(tree.operand, OPPOSITE[wanted]))

    def _and(self, tree: e.And, state: State) -> FactSet:
        return self.of_junction(tree.operands, state, "false")

    def _or(self, tree: e.Or, state: State) -> FactSet:
        return self.of_junction(tree.operands, state, "true")

    # -- conditions on the row --

    def if_true(self, tree: e.Expression, then: FactSet, otherwise: FactSet = EMPTY) -> FactSet:
        return choice([(self.terms.conditions.column(tree), then)], otherwise)

    def if_false(self, tree: e.Expression, then: FactSet) -> FactSet:
        return choice([(written("{} IS FALSE", self.terms.conditions.column(tree)), then)])

    def if_unknown(self, tree: e.Expression, then: FactSet, otherwise: FactSet = EMPTY) -> FactSet:
        return choice([(self.terms.conditions.is_unknown(tree), then)], otherwise)

    # -- where they differ --

    @abstractmethod
    def of_fact(self, fact: Fact, state: State) -> FactSet:
        """Where the two walks differ."""

    @abstractmethod
    def of_mimic(self, mimic: Mimic) -> FactSet:
        """Where the two walks differ."""

    @abstractmethod
    def of_any(self, conditions: Sequence[Condition], state: State) -> FactSet:
        """Where the two walks differ."""

    def of_any_name(self, names: Sequence[str], state: State) -> FactSet:
        return self.of_any([Condition(name, e.Reference(name)) for name in names], state)

    @abstractmethod
    def of_any_mimic(self, standings: Sequence[str]) -> FactSet:
        """Where the two walks differ."""

    @abstractmethod
    def of_level(self) -> FactSet:
        """Where the two walks differ."""

    @abstractmethod
    def of_junction(self, operands: Sequence[e.Expression], state: State, decides: State) -> FactSet:
        """Where the two walks differ."""

    @abstractmethod
    def _at_least(self, tree: e.AtLeast, state: State) -> FactSet:
        """Where the two walks differ."""

    @abstractmethod
    def _extreme(self, tree: e.Extreme, state: State) -> FactSet:
        """Where the two walks differ."""

    @abstractmethod
    def _case(self, tree: e.Case, state: State) -> FactSet:
        """Where the two walks differ."""

    @abstractmethod
    def _range_position(self, tree: e.RangePosition, state: State) -> FactSet:
        """Where the two walks differ."""

    def says_its_place(self, name: str) -> Fact | None:
        """The fact whose place in its range the record says, rather than its value."""
        fact = self.terms.guideline.facts.get(name)
        return fact if fact is not None and fact.kind == "quantity" else None


def _is_null(tree: e.Expression) -> bool:
    return isinstance(tree, e.Literal) and tree.value is None
