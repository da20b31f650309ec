"""Conditions and rows drawn at random, and their values by the evaluator and by SQL."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pyarrow as pa
from hypothesis import strategies as st

from calcipath.assessment.evaluation import Evaluator
from calcipath.assessment.outcome import Outcome
from calcipath.guideline import expression as e
from calcipath.population.condition_sql import ConditionSql
from calcipath.population.sql_columns import Interval, Layers, Term, column
from calcipath.record.evidence import Value

BOOLEANS, NUMBERS, TEXTS = ("a", "b", "c"), ("x", "y", "z"), ("s", "t")
KINDS = ("red", "it's", r"back\slash")
SIGNS = ("<", "<=", ">", ">=", "=", "!=")
Row = dict[str, Value]
Run = Callable[[str, pa.Table], list[dict[str, object]]]


def quantities(depth: int, *, powers: bool) -> st.SearchStrategy[e.Expression]:
    """Engines may differ in the last bit of a power that is no whole number; without `powers` they are squares."""
    number = st.integers(-3, 3).map(float) | st.sampled_from([0.1, -0.0, 1e300, 1.25e-7])
    leaf = st.sampled_from(NUMBERS).map(e.Reference) | number.map(e.Literal)
    if depth == 0:
        return leaf
    inner = quantities(depth - 1, powers=powers)
    exponent = inner if powers else st.sampled_from([0.0, 1.0, 2.0]).map(e.Literal)
    return st.one_of(
        leaf,
        st.builds(e.Arithmetic, st.sampled_from("+-*/"), inner, inner),
        st.builds(e.Arithmetic, st.just("^"), inner if powers else leaf, exponent),
        st.builds(e.Scale, inner, st.sampled_from([0.5, -2.0]), st.sampled_from([0.0, 1.0])),
        st.builds(e.Extreme, st.booleans(), st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(e.Case, branches(conditions(0, powers=powers), inner), inner | st.just(e.Literal(None))),
    )


def texts(depth: int, *, powers: bool) -> st.SearchStrategy[e.Expression]:
    leaf = st.sampled_from(TEXTS).map(e.Reference) | st.sampled_from(KINDS).map(e.Literal)
    if depth == 0:
        return leaf
    inner = texts(depth - 1, powers=powers)
    return leaf | st.builds(e.Case, branches(conditions(0, powers=powers), inner), inner | st.just(e.Literal(None)))


def branches(
    tests: st.SearchStrategy[e.Expression], values: st.SearchStrategy[e.Expression]
) -> st.SearchStrategy[tuple[tuple[e.Expression, e.Expression], ...]]:
    return st.lists(st.tuples(tests, values), min_size=1, max_size=2).map(tuple)


def conditions(depth: int, *, powers: bool = True) -> st.SearchStrategy[e.Expression]:
    some = max(depth - 1, 0)
    number, word = (
        quantities(min(some, 2), powers=powers),
        texts(some, powers=powers) if depth else texts(0, powers=powers),
    )
    leaf = st.one_of(
        st.sampled_from(BOOLEANS).map(e.Reference),
        st.sampled_from([True, False, None]).map(e.Literal),
        st.builds(e.RangePosition, st.sampled_from(["above", "below", "within"]), st.sampled_from(NUMBERS).map(e.Reference)),
        st.builds(e.Compare, st.sampled_from(SIGNS), st.sampled_from(NUMBERS).map(e.Reference), st.integers(-3, 3).map(float).map(e.Literal)),
    )  # fmt: skip
    if depth == 0:
        return leaf
    inner = conditions(depth - 1, powers=powers)
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        leaf,
        st.builds(e.Not, inner),
        st.builds(e.And, several),
        st.builds(e.Or, several),
        st.builds(e.AtLeast, st.integers(1, 3), several),
        st.builds(e.Is, inner, st.sampled_from(["null", "true", "false"]), st.booleans()),
        st.builds(e.Is, number | word, st.just("null"), st.booleans()),
        st.builds(e.Case, branches(inner, inner), inner),
        st.builds(e.Compare, st.sampled_from(SIGNS), number, number),
        st.builds(e.Compare, st.sampled_from(["=", "!="]), word, word),
        st.builds(e.Member, word, st.sampled_from([KINDS[:1], KINDS])),
    )


def expressions(depth: int, *, powers: bool = True) -> st.SearchStrategy[e.Expression]:
    return conditions(depth, powers=powers) | quantities(depth, powers=powers) | texts(depth, powers=powers)


_end = st.integers(-4, 4).map(float) | st.sampled_from([0.1, 1e200])
_interval = st.one_of(
    st.none(),
    _end.map(lambda n: (n, n)),
    st.tuples(_end, _end).map(lambda p: (min(p), max(p))),
    _end.map(lambda n: (-math.inf, n)),
    _end.map(lambda n: (n, math.inf)),
    st.just((-math.inf, math.inf)),
)
row = st.fixed_dictionaries(
    {
        **{name: st.sampled_from([True, False, None]) for name in BOOLEANS},
        **dict.fromkeys(NUMBERS, _interval),
        **{f"{name}-place": st.sampled_from(["above", "below", "within", None]) for name in NUMBERS},
        **{name: st.sampled_from([*KINDS, None]) for name in TEXTS},
    }
)


class _Undefined(Exception):  # noqa: N818 - not an error: the evaluator met what no number stands for
    pass


class _Watchful(Evaluator):
    def evaluate(self, tree: e.Expression) -> Outcome:
        found = super().evaluate(tree)
        if isinstance(found.value, tuple) and any(map(math.isnan, found.value)):
            raise _Undefined
        return found


def by_evaluator(tree: e.Expression, values: Row) -> tuple[Value] | None:
    """The value; None where infinity was taken from infinity, which only `calculate` of `*`, `/` and `^` calls unknown."""
    try:
        return (_Watchful(lambda n: Outcome(values[n]), lambda n: Outcome(values[f"{n}-place"])).evaluate(tree).value,)
    except _Undefined:
        return None


def by_sql(trees: Sequence[e.Expression], rows: Sequence[Row], run: Run) -> list[list[Value]]:
    """The values of each row, all trees in one query."""
    layers = Layers()
    compiler = ConditionSql(
        layers,
        lambda n: Interval(column(f"{n}__low"), column(f"{n}__high")) if n in NUMBERS else column(f"{n}_"),
        lambda n: column(f"{n}__place"),
    )
    found = [compiler.value(tree) for tree in trees]
    outputs = [("number", column("number"))]
    for position, value in enumerate(found):
        if isinstance(value, Term):
            outputs.append((f"v{position}", value))
        else:
            outputs += [(f"v{position}_low", value.low), (f"v{position}_high", value.high)]
    answers = sorted(run(layers.select("given", outputs), table(rows)), key=lambda r: int(str(r["number"])))
    return [[_value(answer, position, value) for position, value in enumerate(found)] for answer in answers]


def _value(answer: dict[str, object], position: int, value: Term | Interval) -> Value:
    if isinstance(value, Term):
        return answer[f"v{position}"]  # type: ignore[return-value]
    low, high = answer[f"v{position}_low"], answer[f"v{position}_high"]
    assert (low is None) == (high is None)
    return None if low is None or high is None else (float(str(low)), float(str(high)))


def table(rows: Sequence[Row]) -> pa.Table:
    """The rows as a table `given`."""
    columns: dict[str, pa.Array] = {"number": pa.array(range(len(rows)), pa.int64())}
    for name in BOOLEANS:
        columns[f"{name}_"] = pa.array([r[name] for r in rows], pa.bool_())
    for name in TEXTS:
        columns[f"{name}_"] = pa.array([r[name] for r in rows], pa.string())
    for name in NUMBERS:
        for end, suffix in enumerate(("low", "high")):
            ends = [r[name][end] if isinstance(r[name], tuple) else None for r in rows]
            columns[f"{name}__{suffix}"] = pa.array(ends, pa.float64())
        columns[f"{name}__place"] = pa.array([r[f"{name}-place"] for r in rows], pa.string())
    return pa.table(columns)


def same(left: Value, right: Value) -> bool:
    """Equal; the ends of a quantity but for the last bits of a power."""
    if not isinstance(left, tuple) or not isinstance(right, tuple):
        return left is right or (left == right and type(left) is type(right))
    return all(a == b or math.isclose(a, b, rel_tol=1e-13) for a, b in zip(left, right, strict=True))
