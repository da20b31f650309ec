"""The two walks over a condition: the facts that decided, and the facts that are missing (see `reason_sql`)."""

from __future__ import annotations

from collections.abc import Sequence

from calcipath.guideline import expression as e
from calcipath.guideline.model import Condition, Fact, Mimic
from calcipath.population.fact_sets import EMPTY, FactSet, bound, choice, constant, is_empty, union
from calcipath.population.reason_sql import ANSWERS, OPPOSITE, FactSets, State
from calcipath.population.sql_columns import Term, written


class Because(FactSets):
    """The facts that decided."""

    def of_fact(self, fact: Fact, state: State) -> FactSet:
        if fact.condition is not None:
            return self.of(fact.condition.tree, state)
        if state in ANSWERS:
            return constant(self.bits[fact.id])
        if fact.kind != "quantity":
            return EMPTY
        placed = written("{} IS NOT NULL", self.terms.position(fact.id))
        return choice([(placed, constant(self.bits[fact.id]))])  # no number, but "high"

    def of_junction(self, operands: Sequence[e.Expression], state: State, decides: State) -> FactSet:
        if state == decides:
            if_it = self.if_true if decides == "true" else self.if_false
            return union(if_it(o, self.of(o, decides)) for o in operands)
        other = OPPOSITE[decides]
        if state == other:
            return union(self.of(o, other) for o in operands)
        return union(self.if_unknown(o, self.of(o, "unknown"), self.of(o, other)) for o in operands)

    def _at_least(self, tree: e.AtLeast, state: State) -> FactSet:
        if state == "false":
            return union(self.if_false(o, self.of(o, "false")) for o in tree.operands)
        return union(self.if_true(o, self.of(o, "true")) for o in tree.operands)

    def _extreme(self, tree: e.Extreme, state: State) -> FactSet:
        return union(self.of(o, "any" if state == "unknown" else "known") for o in tree.operands)

    def _case(self, tree: e.Case, state: State) -> FactSet:
        column = self.terms.conditions.column
        branches = [
            (column(test), union([self.of(test, "true"), self.of(value, state)])) for test, value in tree.branches
        ]
        decided = [] if state == "unknown" else [self.if_false(t, self.of(t, "false")) for t, _ in tree.branches]
        return choice(branches, union([self.of(tree.otherwise, state), *decided]))

    def _range_position(self, tree: e.RangePosition, state: State) -> FactSet:
        name = tree.operand.name
        fact = self.says_its_place(name)
        if fact is None:
            return self.of(tree.operand, "any" if state == "unknown" else "known")
        own = constant(self.bits[fact.id])
        return self.if_unknown(tree.operand, EMPTY, own) if state == "unknown" else own

    def of_mimic(self, mimic: Mimic) -> FactSet:
        speaking = [mimic.established_when, mimic.named_when, *(p.condition for p in mimic.points_for)]
        return union(self.if_true(c.tree, self.of(c.tree, "true")) for c in speaking if c)

    def of_any(self, conditions: Sequence[Condition], state: State) -> FactSet:
        if state != "true":
            return EMPTY
        return union(self.if_true(c.tree, self.of(c.tree, "true")) for c in conditions)

    def of_any_mimic(self, standings: Sequence[str]) -> FactSet:
        mimics = self.terms.guideline.mimics
        return union(
            choice([(self.terms.stands(m, standings), self.of_name(f"mimic:{m.id}", "known"))]) for m in mimics
        )

    def of_level(self) -> FactSet:
        ladder = self.terms.guideline.ladder
        return choice([(self.terms.flag(r.condition), self.of(r.condition.tree, "true")) for r in ladder])


class Missing(FactSets):
    """The facts without which it could not be decided, or which a case passed over."""

    def of_fact(self, fact: Fact, state: State) -> FactSet:
        own = constant(self.bits[fact.id])
        if fact.condition is None:
            return EMPTY if state in ANSWERS else own
        found = self.of(fact.condition.tree, state)
        return found if state in ANSWERS else self._or_else(found, own)

    def _or_else(self, found: FactSet, otherwise: FactSet) -> FactSet:
        """The set, or the other where it is empty."""
        if found.always:
            return found
        if not found.parts:
            return otherwise
        kept = bound(found, self.terms.layers)
        return choice([(is_empty(kept), otherwise)], kept)

    def of_junction(self, operands: Sequence[e.Expression], state: State, decides: State) -> FactSet:  # noqa: ARG002
        if state != "unknown":
            return EMPTY
        return union(self.if_unknown(o, self.of(o, "unknown")) for o in operands)

    def _at_least(self, tree: e.AtLeast, state: State) -> FactSet:
        return self.of_junction(tree.operands, state, "true")

    def _extreme(self, tree: e.Extreme, state: State) -> FactSet:
        return union(self.of(o, "any") for o in tree.operands) if state == "unknown" else EMPTY

    def _passed(self, test: e.Expression) -> FactSet:
        return self.if_unknown(test, self.of(test, "unknown"), self.of(test, "false"))

    def _case(self, tree: e.Case, state: State) -> FactSet:
        passed, branches = EMPTY, list[tuple[Term, FactSet]]()
        for test, value in tree.branches:
            branches.append((self.terms.conditions.column(test), union([passed, self.of(value, state)])))
            passed = bound(union([passed, self._passed(test)]), self.terms.layers)
        return choice(branches, union([passed, self.of(tree.otherwise, state)]))

    def _range_position(self, tree: e.RangePosition, state: State) -> FactSet:
        if state != "unknown":
            return EMPTY
        name = tree.operand.name
        fact = self.terms.guideline.facts.get(name)
        own = constant(self.bits.get(name, 0))
        if self.says_its_place(name):
            return own
        if fact is None or fact.range is None:
            return self._or_else(self.of(tree.operand, "any"), own)
        return self.if_unknown(tree.operand, self._or_else(self.of(tree.operand, "unknown"), own), own)

    def of_mimic(self, mimic: Mimic) -> FactSet:  # noqa: ARG002 - a standing is never unknown
        return EMPTY

    def of_any(self, conditions: Sequence[Condition], state: State) -> FactSet:
        return self.of_junction([c.tree for c in conditions], state, "true")

    def of_any_mimic(self, standings: Sequence[str]) -> FactSet:  # noqa: ARG002
        return EMPTY

    def of_level(self) -> FactSet:
        passed, branches = EMPTY, list[tuple[Term, FactSet]]()
        for rung in self.terms.guideline.ladder:
            branches.append((self.terms.flag(rung.condition), passed))
            passed = bound(union([passed, self._passed(rung.condition.tree)]), self.terms.layers)
        return choice(branches, passed)
