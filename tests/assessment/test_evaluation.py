"""Three-valued logic after CQL 1.5 Appendix B (Kleene), intervals, and the trace."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcipath.assessment.evaluation import Evaluator, calculate, compare
from calcipath.assessment.outcome import Outcome
from calcipath.guideline.expression_parser import parse
from calcipath.record.evidence import Evidence

T, F, U = True, False, None


def evaluate(text: str, **values: object) -> Outcome:
    def resolve(name: str) -> Outcome:
        value = values[name]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = (float(value), float(value))
        missing = (name,) if value is None else ()
        return Outcome(value, () if value is None else (Evidence(name, f"Observation/{name}"),), missing)  # type: ignore[arg-type]

    return Evaluator(resolve, resolve).evaluate(parse(text))


AND = {(T, T): T, (T, F): F, (T, U): U, (F, T): F, (F, F): F, (F, U): F, (U, T): U, (U, F): F, (U, U): U}
OR = {(T, T): T, (T, F): T, (T, U): T, (F, T): T, (F, F): F, (F, U): U, (U, T): T, (U, F): U, (U, U): U}


@pytest.mark.parametrize(("a", "b"), list(product((T, F, U), repeat=2)))
def test_truth_tables(a: bool | None, b: bool | None) -> None:
    assert evaluate('"a" and "b"', a=a, b=b).value is AND[a, b]
    assert evaluate('"a" or "b"', a=a, b=b).value is OR[a, b]
    assert evaluate('not "a"', a=a).value is {T: F, F: T, U: U}[a]
    assert evaluate('"a" implies "b"', a=a, b=b).value is OR[{T: F, F: T, U: U}[a], b]


@pytest.mark.parametrize(
    ("values", "expected"),
    [((T, T, U), T), ((T, U, F), U), ((F, F, U), F), ((U, U, U), U), ((T, F, F), F), ((T, F, T), T)],
)
def test_at_least_two_of_three(values: tuple[bool | None, ...], expected: bool | None) -> None:
    assert evaluate('AtLeast(2, "a", "b", "c")', **dict(zip("abc", values, strict=True))).value is expected


def test_case_passes_over_unknown_and_says_what_it_passed() -> None:
    found = evaluate("case when \"a\" then 'x' when \"b\" then 'y' else 'z' end", a=None, b=True)
    assert found.value == "y"
    assert found.missing == ("a",)


def test_is_tests_are_never_unknown() -> None:
    assert evaluate('"a" is null', a=None).value is True
    assert evaluate('"a" is not true', a=None).value is True
    assert evaluate('"a" is false', a=False).value is True


def test_only_what_decides_is_evidence() -> None:
    found = evaluate('"a" or "b"', a=True, b=False)
    assert [e.what for e in found.because] == ["a"]
    found = evaluate('"a" and "b"', a=True, b=False)
    assert [e.what for e in found.because] == ["b"]


def test_missing_names_every_unknown_that_matters() -> None:
    assert evaluate('"a" and "b" and "c"', a=True, b=None, c=None).missing == ("b", "c")
    assert evaluate('"a" and "b"', a=False, b=None).missing == ()


@pytest.mark.parametrize(
    ("sign", "left", "right", "expected"),
    [
        ("<", (1, 2), (3, 3), T),
        ("<", (1, 3), (3, 3), U),
        ("<", (3, 4), (3, 3), F),
        ("<=", (1, 3), (3, 3), T),
        ("<=", (3.5, 4), (3, 3), F),
        (">", (4, 5), (3, 3), T),
        (">", (3, 5), (3, 3), U),
        (">", (1, 3), (3, 3), F),
        (">=", (3, 5), (3, 3), T),
        (">=", (2, 5), (3, 3), U),
        (">=", (1, 2), (3, 3), F),
        ("=", (3, 3), (3, 3), T),
        ("=", (2, 4), (3, 3), U),
        ("=", (4, 5), (3, 3), F),
        ("!=", (4, 5), (3, 3), T),
        ("!=", (3, 3), (3, 3), F),
        ("=", "a", "a", T),
        ("!=", "a", "b", T),
        ("=", "a", "b", F),
    ],
)
def test_comparison_of_intervals(sign: str, left: object, right: object, expected: bool | None) -> None:
    assert compare(sign, left, right) is expected  # type: ignore[arg-type]


numbers = st.floats(-1e6, 1e6)
intervals = st.tuples(numbers, numbers).map(lambda pair: (min(pair), max(pair)))
inside = st.floats(0, 1)


@given(st.sampled_from(["<", "<=", ">", ">="]), intervals, intervals, inside, inside)
def test_a_decided_comparison_holds_for_every_value_inside(sign, left, right, s, t) -> None:
    x = min(max(left[0] + s * (left[1] - left[0]), left[0]), left[1])
    y = min(max(right[0] + t * (right[1] - right[0]), right[0]), right[1])
    truth = {"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[sign]
    assert compare(sign, left, right) in (None, truth)


@given(st.sampled_from("+-*/"), intervals, intervals, inside, inside)
def test_arithmetic_encloses_every_value_inside(sign, left, right, s, t) -> None:
    found = calculate(sign, left, right)
    x = min(max(left[0] + s * (left[1] - left[0]), left[0]), left[1])
    y = min(max(right[0] + t * (right[1] - right[0]), right[0]), right[1])
    if found is None:
        assert sign == "/" and right[0] <= 0 <= right[1]
        return
    exact = {"+": x + y, "-": x - y, "*": x * y, "/": x / y if y else math.nan}[sign]
    slack = 1e-9 * (1 + abs(exact))
    assert found[0] - slack <= exact <= found[1] + slack


def test_arithmetic_by_hand() -> None:
    # corrected calcium: 7.8 + 0.8 x (4.0 - 2.5) = 9.0 mg/dL
    value = evaluate('"ca" + 0.8 * (4.0 - "alb")', ca=7.8, alb=2.5).value
    assert value == pytest.approx((9.0, 9.0))
    assert evaluate('Max("a", 1) ^ 2', a=3).value == (9.0, 9.0)
    assert evaluate('Min("a", 1)', a=None).value is None
    assert evaluate('"a" / "b"', a=1, b=0).value is None
