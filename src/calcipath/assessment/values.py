"""Conditions as plain functions of values, without evidence: the quick reader for what-if questions.

It must agree with `evaluation.Evaluator`, which is the definition of the meaning; a generative test compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from calcipath.assessment.evaluation import calculate, compare
from calcipath.guideline.expression import (
    And,
    Arithmetic,
    AtLeast,
    Case,
    Compare,
    Expression,
    Extreme,
    Is,
    Literal,
    Member,
    Not,
    Or,
    RangePosition,
    Reference,
    Scale,
)
from calcipath.guideline.model import Guideline, Mimic, Recommendation
from calcipath.record.evidence import Value


class Values(Protocol):
    """Where a function finds the value of a name, and a fact's place in its range."""

    def value(self, name: str) -> Value: ...

    def position(self, name: str) -> str | None: ...


Reading = Callable[[Values], Value]


def compiled(tree: Expression) -> Reading:  # noqa: C901 - one arm for each node
    """The condition as a function."""
    match tree:
        case Literal(value, _, _):
            constant: Value = (value, value) if isinstance(value, float) else value
            return lambda _: constant
        case Reference(name, _):
            return lambda values: values.value(name)
        case Not(operand):
            inner = compiled(operand)
            return lambda values: _negated(inner(values))
        case And(operands):
            return _junction([compiled(o) for o in operands], decides=False)
        case Or(operands):
            return _junction([compiled(o) for o in operands], decides=True)
        case AtLeast(count, operands):
            return _at_least(count, [compiled(o) for o in operands])
        case Compare(sign, left, right, _):
            a, b = compiled(left), compiled(right)
            return lambda values: _compared(sign, a(values), b(values))
        case Member(operand, allowed, _):
            member = compiled(operand)
            return lambda values: None if (found := member(values)) is None else found in allowed
        case Is(operand, test, negated):
            tested, wanted = compiled(operand), {"null": None, "true": True, "false": False}[test]
            return lambda values: (tested(values) is wanted) is not negated
        case Arithmetic(sign, left, right, _):
            x, y = compiled(left), compiled(right)
            return lambda values: calculate(sign, x(values), y(values))
        case Scale(operand, factor, shift):
            scaled = compiled(operand)
            return lambda values: _scaled(scaled(values), factor, shift)
        case Extreme(largest, operands, _):
            return _extreme(largest, [compiled(o) for o in operands])
        case Case(branches, otherwise):
            return _case([(compiled(c), compiled(v)) for c, v in branches], compiled(otherwise))
        case RangePosition(side, operand):
            return lambda values: None if (found := values.position(operand.name)) is None else found == side


def _negated(value: Value) -> Value:
    return None if value is None else not value


def _compared(sign: str, left: Value, right: Value) -> Value:
    return None if left is None or right is None else compare(sign, left, right)


def _scaled(value: Value, factor: float, shift: float) -> Value:
    if not isinstance(value, tuple):
        return value
    low, high = value[0] * factor + shift, value[1] * factor + shift
    return (low, high) if low <= high else (high, low)


def _junction(operands: Sequence[Reading], decides: bool) -> Reading:
    def read(values: Values) -> Value:
        unknown = False
        for operand in operands:
            found = operand(values)
            if found is decides:
                return decides
            unknown = unknown or found is None
        return None if unknown else not decides

    return read


def _at_least(count: int, operands: Sequence[Reading]) -> Reading:
    def read(values: Values) -> Value:
        found = [operand(values) for operand in operands]
        true, unknown = found.count(True), sum(1 for f in found if f is None)
        return True if true >= count else False if true + unknown < count else None

    return read


def _extreme(largest: bool, operands: Sequence[Reading]) -> Reading:
    choose = max if largest else min

    def read(values: Values) -> Value:
        found = [f for o in operands if isinstance(f := o(values), tuple)]
        if len(found) < len(operands):
            return None
        return choose(low for low, _ in found), choose(high for _, high in found)

    return read


def _case(branches: Sequence[tuple[Reading, Reading]], otherwise: Reading) -> Reading:
    def read(values: Values) -> Value:
        for condition, value in branches:
            if condition(values) is True:
                return value(values)
        return otherwise(values)

    return read


def readings(guideline: Guideline) -> dict[str, Reading]:
    """A function for every computed name of the guideline."""
    found: dict[str, Reading] = {f.id: compiled(f.condition.tree) for f in guideline.facts.values() if f.condition}
    found.update({d.id: compiled(d.condition.tree) for d in guideline.definitions.values()})
    found.update({f"risk:{r.id}": compiled(r.condition.tree) for r in guideline.risk_factors})
    for scheme in guideline.schemes:
        found[f"scheme:{scheme.id}"] = compiled(scheme.result.tree)
        found.update({f"criterion:{c.id}": compiled(c.condition.tree) for c in scheme.criteria})
    found.update({f"mimic:{m.id}": _standing(m) for m in guideline.mimics})
    found.update({f"recommendation:{r.id}": _verdict(r) for r in guideline.recommendations})
    for finding in guideline.urgent:
        found[f"urgent:{finding.id}"] = _junction([compiled(t.condition.tree) for t in finding.triggers], True)
    rungs = [(compiled(r.condition.tree), _constant(r.level)) for r in guideline.ladder]
    found["suspicion-level"] = _case(rungs, _constant(guideline.ladder[-1].level))
    mimics = [f"mimic:{m.id}" for m in guideline.mimics]
    found["any-mimic-established"] = _any_standing(mimics, ("established",))
    found["any-mimic-leads"] = _any_standing(mimics, ("established", "favoured"))
    factors = [_reference(f"risk:{r.id}") for r in guideline.risk_factors if not r.descriptive]
    found["any-risk-factor"] = _junction(factors, True)
    found["any-urgent"] = _junction([_reference(f"urgent:{u.id}") for u in guideline.urgent], True)
    return found


def _constant(value: Value) -> Reading:
    return lambda _: value


def _reference(name: str) -> Reading:
    return lambda values: values.value(name)


def _any_standing(mimics: Sequence[str], standings: tuple[str, ...]) -> Reading:
    return lambda values: any(values.value(name) in standings for name in mimics)


def _standing(mimic: Mimic) -> Reading:
    established = compiled(mimic.established_when.tree) if mimic.established_when else _constant(False)
    named = compiled(mimic.named_when.tree) if mimic.named_when else _constant(False)
    pro = [(compiled(p.condition.tree), p.specific) for p in mimic.points_for]
    contra = [compiled(p.condition.tree) for p in mimic.points_against]

    def read(values: Values) -> Value:
        if established(values) is True:
            return "established"
        speaking = [specific for point, specific in pro if point(values) is True]
        against = sum(1 for point in contra if point(values) is True)
        if named(values) is True or (
            mimic.sourced and len(speaking) >= 2 and any(speaking) and len(speaking) > against
        ):
            return "favoured"
        return "unlikely" if against > len(speaking) else "possible"

    return read


def _verdict(item: Recommendation) -> Reading:
    applies = compiled(item.applies.tree)
    guards = [(compiled(g.condition.tree), g.if_unknown == "hold") for g in item.guards]

    def read(values: Values) -> Value:
        found = applies(values)
        if found is None:
            return "unknown"
        if found is not True:
            return "no"
        for guard, holds_unknown in guards:
            stands = guard(values)
            if stands is True or (stands is None and holds_unknown):
                return "held"
        return "yes"

    return read
