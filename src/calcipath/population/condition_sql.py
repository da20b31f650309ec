"""The condition language as SQL: the same meaning as `assessment.evaluation`, for all rows of a table at once.

Unknown is SQL's null: its `and`, `or` and `not` are Kleene's. A quantity is two columns, the ends of its interval, null
together when it is unknown. What no number stands for (`NaN`) is unknown too.
A generative test holds that every node gives the evaluator's value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product

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
from calcipath.population.sql_columns import (
    FALSE,
    NO_NUMBER,
    NULL,
    TRUE,
    Interval,
    Layers,
    Term,
    Value,
    chosen,
    joined,
    number,
    text,
    written,
)

NOTHING = Interval(NO_NUMBER, NO_NUMBER)
NOT_A_NUMBER = number(math.nan)
INFINITE = number(math.inf)
ONE, ZERO = number(1.0), number(0.0)


class ConditionSql:
    """Compiles checked conditions; `resolve` gives the value of a name, `position` a fact's place in its range."""

    def __init__(self, layers: Layers, resolve: Callable[[str], Value], position: Callable[[str], Term]) -> None:
        self._layers, self._resolve, self._position = layers, resolve, position
        self._known: dict[int, tuple[Expression, Value]] = {}  # by identity: `false` and 0 are equal in Python
        self._by_type: dict[type, Callable[..., Value]] = {
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

    def value(self, tree: Expression) -> Value:
        """The term of a boolean or a text, or the two of a quantity."""
        if id(tree) not in self._known:
            self._known[id(tree)] = tree, self._by_type[type(tree)](tree)
        return self._known[id(tree)][1]

    def term(self, tree: Expression) -> Term:
        """The term of a boolean or a text."""
        found = self.value(tree)
        return found if isinstance(found, Term) else NULL

    def column(self, tree: Expression) -> Term:
        """The same, as a column that may be read more than once."""
        return self._layers.bound(self.term(tree))

    def is_unknown(self, tree: Expression) -> Term:
        """Whether the value is unknown."""
        found = self.value(tree)
        return written("({} IS NULL)", self._layers.bound(found.low if isinstance(found, Interval) else found))

    def _literal(self, tree: Literal) -> Value:
        if tree.value is None:
            return NULL
        if isinstance(tree.value, bool):
            return TRUE if tree.value else FALSE
        if isinstance(tree.value, str):
            return text(tree.value)
        return Interval(number(tree.value), number(tree.value))

    def _reference(self, tree: Reference) -> Value:
        return self._resolve(tree.name)

    def _not(self, tree: Not) -> Term:
        return written("(NOT {})", self.term(tree.operand))

    def _and(self, tree: And) -> Term:
        return joined("AND", [self.term(o) for o in tree.operands])

    def _or(self, tree: Or) -> Term:
        return joined("OR", [self.term(o) for o in tree.operands])

    def _at_least(self, tree: AtLeast) -> Term:
        operands = [self.column(o) for o in tree.operands]
        true = self._layers.bound(counted(operands))
        possible = self._layers.bound(counted([written("({} IS NOT FALSE)", o) for o in operands]))
        needed = Term(str(tree.count))
        return chosen([(written("{} >= {}", true, needed), TRUE), (written("{} < {}", possible, needed), FALSE)])

    def _compare(self, tree: Compare) -> Term:
        left, right = self.value(tree.left), self.value(tree.right)
        if isinstance(left, Term) or isinstance(right, Term):
            return self._same(tree.operator, left, right)
        if tree.operator in ("=", "!="):
            return self._equal(left, right, tree.operator == "=")
        opposite = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}[tree.operator]
        if tree.operator in ("<", "<="):
            ends = left.high, right.low, left.low, right.high
        else:
            ends = left.low, right.high, left.high, right.low
        holds = written(f"{{}} {tree.operator} {{}}", ends[0], ends[1])
        return chosen([(holds, TRUE), (written(f"{{}} {opposite} {{}}", ends[2], ends[3]), FALSE)])

    @staticmethod
    def _same(sign: str, left: Value, right: Value) -> Term:
        if isinstance(left, Interval) or isinstance(right, Interval) or NULL in (left, right):
            return NULL
        return written("({} = {})" if sign == "=" else "({} <> {})", left, right)

    def _equal(self, left: Interval, right: Interval, wanted: bool) -> Term:
        left, right = self._kept(left), self._kept(right)
        apart = written("{} < {} OR {} < {}", left.high, right.low, right.high, left.low)
        points = written(
            "{} = {} AND {} = {} AND {} = {}", left.low, left.high, right.low, right.high, left.low, right.low
        )
        return chosen([(apart, FALSE if wanted else TRUE), (points, TRUE if wanted else FALSE)])

    def _member(self, tree: Member) -> Term:
        found = self.term(tree.operand)
        return NULL if found is NULL else written("({} IN ({}))", found, _listed([text(v) for v in tree.values]))

    def _is(self, tree: Is) -> Term:
        found = self.value(tree.operand)
        word = "IS NOT" if tree.negated else "IS"
        if isinstance(found, Interval):
            if tree.test != "null":
                return TRUE if tree.negated else FALSE
            return written(f"({{}} {word} NULL)", found.low)
        return written(f"({{}} {word} {tree.test.upper()})", found)

    def _arithmetic(self, tree: Arithmetic) -> Interval:
        left, right = self.value(tree.left), self.value(tree.right)
        if isinstance(left, Term) or isinstance(right, Term):
            return NOTHING
        if tree.operator == "+":
            return self._proper(written("({} + {})", left.low, right.low), written("({} + {})", left.high, right.high))
        if tree.operator == "-":
            return self._proper(written("({} - {})", left.low, right.high), written("({} - {})", left.high, right.low))
        return self._cornered(tree.operator, self._kept(left), self._kept(right))

    def _cornered(self, sign: str, left: Interval, right: Interval) -> Interval:
        pairs = dict.fromkeys(product((left.low, left.high), (right.low, right.high)))
        makers: dict[str, Callable[[Term, Term, Interval, Interval], Term]]
        makers = {"*": self._product, "/": self._quotient, "^": self._power}
        corners = [self._layers.bound(makers[sign](a, b, left, right)) for a, b in pairs]
        if len(corners) == 1:
            return Interval(corners[0], corners[0])
        return self._proper(written("LEAST({})", _listed(corners)), written("GREATEST({})", _listed(corners)), corners)

    @staticmethod
    def _product(a: Term, b: Term, *_: Interval) -> Term:
        return written("NULLIF({} * {}, {})", a, b, NOT_A_NUMBER)

    @staticmethod
    def _quotient(a: Term, b: Term, _: Interval, right: Interval) -> Term:
        possible = written("{} > {} OR {} < {}", right.low, ZERO, right.high, ZERO)
        return chosen([(possible, written("NULLIF({} / NULLIF({}, {}), {})", a, b, ZERO, NOT_A_NUMBER))])

    def _power(self, a: Term, b: Term, left: Interval, _: Interval) -> Term:
        """Python's power: no negative base, one to anything is one, a finite power that overflows is undefined."""
        raised = written("POWER({}, {})", a, b)
        raw = self._layers.bound(
            chosen(
                [(written("{} < {} OR {} IS NULL", left.low, ZERO, b), NO_NUMBER), (written("{} = {}", a, ONE), ONE)],
                raised,
            )
        )
        overflow = written("ABS({}) = {} AND {} < {} AND ABS({}) < {}", raw, INFINITE, a, INFINITE, b, INFINITE)
        return chosen([(overflow, NO_NUMBER)], written("NULLIF({}, {})", raw, NOT_A_NUMBER))

    def _scale(self, tree: Scale) -> Interval:
        found = self.value(tree.operand)
        if isinstance(found, Term):
            return NOTHING
        factor, shift = number(tree.factor), number(tree.shift)
        low, high = (written("({} * {} + {})", end, factor, shift) for end in (found.low, found.high))
        return Interval(low, high) if tree.factor >= 0 else Interval(high, low)

    def _extreme(self, tree: Extreme) -> Interval:
        operands = [self.value(o) for o in tree.operands]
        intervals = [self._kept(o) for o in operands if isinstance(o, Interval)]
        if len(intervals) < len(operands):
            return NOTHING
        if len(intervals) == 1:
            return intervals[0]
        choose = "GREATEST({})" if tree.largest else "LEAST({})"
        lows, highs = [i.low for i in intervals], [i.high for i in intervals]
        return self._proper(written(choose, _listed(lows)), written(choose, _listed(highs)), lows)

    def _case(self, tree: Case) -> Value:
        values = [self.value(value) for _, value in tree.branches]
        otherwise = self.value(tree.otherwise)
        if all(value is NULL for value in (*values, otherwise)):
            return NULL
        if not any(isinstance(value, Interval) for value in (*values, otherwise)):
            conditions = [self.term(condition) for condition, _ in tree.branches]
            return chosen(list(zip(conditions, map(_untyped, values), strict=True)), _untyped(otherwise))
        conditions = [self.column(condition) for condition, _ in tree.branches]
        ends = [value if isinstance(value, Interval) else NOTHING for value in (*values, otherwise)]
        low = chosen(list(zip(conditions, [e.low for e in ends], strict=False)), ends[-1].low)
        high = chosen(list(zip(conditions, [e.high for e in ends], strict=False)), ends[-1].high)
        return Interval(low, high)

    def _range_position(self, tree: RangePosition) -> Term:
        found = self._position(tree.operand.name)
        return NULL if found is NULL else written("({} = {})", found, text(tree.side))

    def _kept(self, value: Interval) -> Interval:
        """The interval as columns."""
        return Interval(self._layers.bound(value.low), self._layers.bound(value.high))

    def _proper(self, low: Term, high: Term, all_known: Sequence[Term] = ()) -> Interval:
        """The interval, unknown as a whole when one end or one of `all_known` is undefined."""
        if all_known:
            unknown = written(" OR ".join(["{} IS NULL"] * len(all_known)), *all_known)
            return Interval(chosen([(unknown, NO_NUMBER)], low), chosen([(unknown, NO_NUMBER)], high))
        low, high = self._layers.bound(low), self._layers.bound(high)
        if low == high:
            return Interval(*(written("NULLIF({}, {})", low, NOT_A_NUMBER),) * 2)
        undefined = written("{} = {} OR {} = {}", low, NOT_A_NUMBER, high, NOT_A_NUMBER)
        return Interval(chosen([(undefined, NO_NUMBER)], low), chosen([(undefined, NO_NUMBER)], high))


def _untyped(value: Value) -> Term:
    """Null without a type of its own, so that it takes that of the other branches."""
    return Term("NULL", simple=True) if value is NULL or isinstance(value, Interval) else value


def _listed(terms: Sequence[Term]) -> Term:
    return Term(", ".join(t.text for t in terms), frozenset().union(*(t.reads for t in terms)))


def counted(conditions: Sequence[Term]) -> Term:
    """How many of the conditions are true."""
    return joined("+", [written("CASE WHEN {} THEN 1 ELSE 0 END", c) for c in conditions]) if conditions else Term("0")
