"""The meaning of the condition language: a plain three-valued (Kleene) evaluator that keeps its trace.

This is the definition; every other reader (the what-if analysis, SQL for populations) must agree with it.
Source of the logic: CQL 1.5, Appendix B (three-valued and, or, not; null in comparisons; case passes over null).
Quantities are intervals, because dates may be partial and values may carry comparators: a comparison that holds for
all of the interval is true, for none of it false, otherwise unknown.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

from calcipath.assessment.outcome import UNKNOWN, Outcome, joined_evidence, joined_missing
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
from calcipath.record.evidence import Interval, Value

Resolve = Callable[[str], Outcome]
Position = Callable[[str], Outcome]


class Evaluator:
    """Evaluates checked conditions; `resolve` gives the outcome of a name, `position` a fact's place in its range."""

    def __init__(self, resolve: Resolve, position: Position) -> None:
        self._resolve = resolve
        self._position = position
        self._by_type: dict[type, Callable[..., Outcome]] = {
            Literal: self._literal,
            Reference: self._reference,
            Not: self._not,
            And: self._and,
            Or: self._or,
            AtLeast: self._at_least,
            Compare: self._compare,
            Member: self._member,
            Is: self._is,
            Arithmetic: self._arithmetic,
            Scale: self._scale,
            Extreme: self._extreme,
            Case: self._case,
            RangePosition: self._range_position,
        }

    def evaluate(self, tree: Expression) -> Outcome:
        """The outcome of a checked expression."""
        return self._by_type[type(tree)](tree)

    def _literal(self, tree: Literal) -> Outcome:
        if isinstance(tree.value, float):
            return Outcome((tree.value, tree.value))
        return Outcome(tree.value)

    def _reference(self, tree: Reference) -> Outcome:
        return self._resolve(tree.name)

    def _not(self, tree: Not) -> Outcome:
        value, because, missing = self.evaluate(tree.operand)
        return Outcome(None if value is None else not value, because, missing)

    def _and(self, tree: And) -> Outcome:
        return self._junction([self.evaluate(o) for o in tree.operands], decides=False)

    def _or(self, tree: Or) -> Outcome:
        return self._junction([self.evaluate(o) for o in tree.operands], decides=True)

    def _junction(self, outcomes: list[Outcome], decides: bool) -> Outcome:
        """`and` is decided by one false, `or` by one true; only what decides is evidence."""
        deciding = [o for o in outcomes if o.value is decides]
        if deciding:
            return Outcome(decides, joined_evidence(deciding))
        unknown = [o for o in outcomes if o.value is None]
        if unknown:
            return Outcome(None, joined_evidence(outcomes), joined_missing(unknown))
        return Outcome(not decides, joined_evidence(outcomes))

    def _at_least(self, tree: AtLeast) -> Outcome:
        outcomes = [self.evaluate(o) for o in tree.operands]
        true = [o for o in outcomes if o.value is True]
        unknown = [o for o in outcomes if o.value is None]
        if len(true) >= tree.count:
            return Outcome(True, joined_evidence(true))
        if len(true) + len(unknown) < tree.count:
            return Outcome(False, joined_evidence(o for o in outcomes if o.value is False))
        return Outcome(None, joined_evidence(true), joined_missing(unknown))

    def _compare(self, tree: Compare) -> Outcome:
        left, right = self.evaluate(tree.left), self.evaluate(tree.right)
        pair = [left, right]
        if left.value is None or right.value is None:
            return Outcome(None, joined_evidence(pair), joined_missing(pair))
        return Outcome(compare(tree.operator, left.value, right.value), joined_evidence(pair), joined_missing(pair))

    def _member(self, tree: Member) -> Outcome:
        found = self.evaluate(tree.operand)
        value = None if found.value is None else found.value in tree.values
        return Outcome(value, found.because, found.missing)

    def _is(self, tree: Is) -> Outcome:
        found = self.evaluate(tree.operand)
        wanted = {"null": None, "true": True, "false": False}[tree.test]
        return Outcome((found.value is wanted) is not tree.negated, found.because, found.missing)

    def _arithmetic(self, tree: Arithmetic) -> Outcome:
        pair = [self.evaluate(tree.left), self.evaluate(tree.right)]
        value = calculate(tree.operator, pair[0].value, pair[1].value)
        return Outcome(value, joined_evidence(pair), joined_missing(pair))

    def _scale(self, tree: Scale) -> Outcome:
        found = self.evaluate(tree.operand)
        if not isinstance(found.value, tuple):
            return found
        ends = sorted(end * tree.factor + tree.shift for end in found.value)
        return Outcome((ends[0], ends[1]), found.because, found.missing)

    def _extreme(self, tree: Extreme) -> Outcome:
        outcomes = [self.evaluate(o) for o in tree.operands]
        intervals = [o.value for o in outcomes if isinstance(o.value, tuple)]
        if len(intervals) < len(outcomes):
            return Outcome(None, joined_evidence(outcomes), joined_missing(outcomes))
        choose = max if tree.largest else min
        value = (choose(low for low, _ in intervals), choose(high for _, high in intervals))
        return Outcome(value, joined_evidence(outcomes))

    def _case(self, tree: Case) -> Outcome:
        passed: list[Outcome] = []
        for condition, value in tree.branches:
            test = self.evaluate(condition)
            if test.value is True:
                chosen = self.evaluate(value)
                return Outcome(chosen.value, joined_evidence([test, chosen]), joined_missing([*passed, chosen]))
            passed.append(test)
        chosen = self.evaluate(tree.otherwise)
        decided = [o for o in passed if o.value is False] if chosen.value is not None else []
        return Outcome(chosen.value, joined_evidence([chosen, *decided]), joined_missing([*passed, chosen]))

    def _range_position(self, tree: RangePosition) -> Outcome:
        found = self._position(tree.operand.name)
        if not found.value:
            return Outcome(None, found.because, found.missing)
        return Outcome(found.value == tree.side, found.because)


_ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def compare(sign: str, left: Value, right: Value) -> bool | None:
    """Compare two texts or two intervals; None when the intervals overlap undecidedly."""
    if not isinstance(left, tuple) or not isinstance(right, tuple):
        return (left == right) is (sign == "=")
    if sign in ("=", "!="):
        return _equal(left, right, sign == "=")
    holds = _ORDER[sign]
    if sign in ("<", "<="):
        return True if holds(left[1], right[0]) else (None if holds(left[0], right[1]) else False)
    return True if holds(left[0], right[1]) else (None if holds(left[1], right[0]) else False)


def _equal(left: Interval, right: Interval, wanted: bool) -> bool | None:
    if left[1] < right[0] or right[1] < left[0]:
        return not wanted
    if left == right and left[0] == left[1]:
        return wanted
    return None


def calculate(sign: str, left: Value, right: Value) -> Interval | None:
    """Interval arithmetic; None when an operand is unknown or the result is undefined."""
    if not isinstance(left, tuple) or not isinstance(right, tuple):
        return None
    if sign in ("+", "-"):
        other = right if sign == "+" else (-right[1], -right[0])
        ends = left[0] + other[0], left[1] + other[1]
        return None if math.isnan(ends[0]) or math.isnan(ends[1]) else ends
    if sign == "/" and right[0] <= 0 <= right[1]:
        return None
    if sign == "^" and left[0] < 0:
        return None
    corners = [_corner(sign, a, b) for a in left for b in right]
    usable = [c for c in corners if c is not None and not math.isnan(c)]
    return (min(usable), max(usable)) if len(usable) == len(corners) else None


def _corner(sign: str, a: float, b: float) -> float | None:
    try:
        return {"*": operator.mul, "/": operator.truediv, "^": operator.pow}[sign](a, b)  # type: ignore[no-any-return]
    except (OverflowError, ZeroDivisionError):
        return None


__all__ = ["UNKNOWN", "Evaluator", "calculate", "compare"]
