"""What every kind of condition rests on and what it lacks, and interval arithmetic at its edges; by hand.

Only what decides is evidence; what would not change the answer is not missing.
"""

from __future__ import annotations

import math

import pytest

from calcipath.assessment.evaluation import Evaluator, calculate, compare
from calcipath.assessment.outcome import Outcome
from calcipath.assessment.values import compiled
from calcipath.guideline.expression import Expression, Reference, Scale
from calcipath.guideline.expression_parser import parse
from calcipath.record.evidence import Evidence, Value

T, F, U = True, False, None
PATIENT: dict[str, Value] = {
    "t": T, "t2": T, "f": F, "f2": F, "u": U, "u2": U,
    "x": (2.0, 2.0), "wide": (1.0, 5.0), "narrow": (2.0, 3.0), "red": "red",
}  # fmt: skip
PLACES = {"x": "above", "narrow": "within"}


def looked_up(values: dict[str, Value] | dict[str, str], name: str) -> Outcome:
    value = values.get(name)
    return Outcome(value, (Evidence(name),) if value is not None else (), (name,) if value is None else ())


class Given:
    """The same patient for the quick reader."""

    def value(self, name: str) -> Value:
        return PATIENT[name]

    def position(self, name: str) -> str | None:
        return PLACES.get(name)


def outcome(tree: Expression | str) -> tuple[Value, str, str]:
    """Value, evidence and what is missing; the quick reader must give the same value."""
    tree = parse(tree) if isinstance(tree, str) else tree
    reader = Evaluator(lambda name: looked_up(PATIENT, name), lambda name: looked_up(PLACES, name))
    found = reader.evaluate(tree)
    assert compiled(tree)(Given()) == found.value
    return found.value, " ".join(e.what for e in found.because), " ".join(found.missing)


@pytest.mark.parametrize(
    ("text", "value", "because", "missing"),
    [
        ('not "t"', F, "t", ""),
        ('not "u"', U, "", "u"),
        ('"t" and "t2"', T, "t t2", ""),
        ('"t" and "u"', U, "t", "u"),
        ('"u" and "f" and "t"', F, "f", ""),
        ('"f" or "f2"', F, "f f2", ""),
        ('"f" or "u" or "u2"', U, "f", "u u2"),
        ('"u" or "t"', T, "t", ""),
        ('AtLeast(2, "t", "t2", "u")', T, "t t2", ""),
        ('AtLeast(2, "t", "f", "f2")', F, "f f2", ""),
        ('AtLeast(2, "f", "f2", "u")', F, "f f2", ""),
        ('AtLeast(2, "t", "f", "u")', U, "t", "u"),
        ('"x" < "wide"', U, "x wide", ""),
        ('"x" < "u"', U, "x", "u"),
        ('"u" < "x"', U, "x", "u"),
        ('"x" < 3', T, "x", ""),
        ('(case when "u" then 1 else 4 end) > "x"', T, "x", "u"),
        ("\"red\" in {'red', 'green'}", T, "red", ""),
        ("\"red\" in {'green'}", F, "red", ""),
        ("\"u\" in {'green'}", U, "", "u"),
        ('"u" is null', T, "", "u"),
        ('"u" is not null', F, "", "u"),
        ('"t" is null', F, "t", ""),
        ('"t" is not null', T, "t", ""),
        ('"f" is true', F, "f", ""),
        ('"f" is not false', F, "f", ""),
        ('"x" + "narrow"', (4.0, 5.0), "x narrow", ""),
        ('"x" * "u"', U, "x", "u"),
        ('Max("wide", "narrow")', (2.0, 5.0), "wide narrow", ""),
        ('Min("wide", "narrow")', (1.0, 3.0), "wide narrow", ""),
        ('Max("wide", "u")', U, "wide", "u"),
        ('if "t" then "x" else "u"', (2.0, 2.0), "t x", ""),
        ('if "t" then "u" else "x"', U, "t", "u"),
        ('if "f" then "u" else "x"', (2.0, 2.0), "x f", ""),
        ('if "f" then "x" else "u"', U, "", "u"),
        ('if "u" then "t" else "x"', (2.0, 2.0), "x", "u"),
        ('case when "u" then 1 when "f" then 2 when "t" then "x" else "u2" end', (2.0, 2.0), "t x", "u"),
        ('case when "u" then 1 when "f" then 2 else "u2" end', U, "", "u u2"),
        ('AboveRange("x")', T, "x", ""),
        ('BelowRange("x")', F, "x", ""),
        ('WithinRange("narrow")', T, "narrow", ""),
        ('AboveRange("wide")', U, "", "wide"),
        ("'red' = \"red\"", T, "red", ""),
        ("null", U, "", ""),
    ],
)
def test_value_evidence_and_what_is_missing(text: str, value: Value, because: str, missing: str) -> None:
    assert outcome(text) == (value, because, missing)


def test_a_unit_conversion_keeps_the_order_of_the_ends_and_the_trace() -> None:
    assert outcome(Scale(Reference("narrow"), 2.0, 1.0)) == ((5.0, 7.0), "narrow", "")
    assert outcome(Scale(Reference("narrow"), -2.0, 1.0)) == ((-5.0, -3.0), "narrow", "")
    assert outcome(Scale(Reference("u"), 2.0)) == (U, "", "u")
    passed_over = parse('case when "u" then 1 else 4 end')
    assert outcome(Scale(passed_over, 2.0)) == ((8.0, 8.0), "", "u")


@pytest.mark.parametrize(
    ("left", "right", "truth"),
    [
        # the signs in the order < <= > >= = !=
        ((1, 3), (3, 5), (U, T, F, U, U, U)),
        ((3, 5), (1, 3), (F, U, U, T, U, U)),
        ((2, 4), (2, 4), (U, U, U, U, U, U)),
        ((3, 3), (3, 3), (F, T, F, T, T, F)),
        ((1, 2), (3, 4), (T, T, F, F, F, T)),
        ((3, 4), (1, 2), (F, F, T, T, F, T)),
        ((3, 3), (3, 4), (U, T, F, U, U, U)),
    ],
)
def test_intervals_that_touch(left: Value, right: Value, truth: tuple[bool | None, ...]) -> None:
    assert tuple(compare(sign, left, right) for sign in ("<", "<=", ">", ">=", "=", "!=")) == truth


def test_texts_are_equal_or_not() -> None:
    assert compare("!=", "a", "a") is False
    assert compare("=", "a", (1.0, 1.0)) is False
    assert compare("!=", (1.0, 1.0), "a") is True


@pytest.mark.parametrize(
    ("sign", "left", "right", "expected"),
    [
        ("+", (1, 2), (3, 5), (4, 7)),
        ("-", (1, 2), (3, 5), (-4, -1)),
        ("*", (-2, 3), (-1, 4), (-8, 12)),
        ("/", (1, 2), (4, 8), (0.125, 0.5)),
        ("/", (1, 2), (-4, -2), (-1, -0.25)),
        ("/", (1, 2), (0, 1), None),
        ("/", (1, 2), (-1, 0), None),
        ("/", (1, 2), (-1, 1), None),
        ("/", (1, 2), (0.5, 1), (1, 4)),
        ("^", (2, 3), (-1, 2), (1 / 3, 9)),
        ("^", (0, 2), (2, 2), (0, 4)),
        ("^", (0, 2), (-1, -1), None),  # one over nought
        ("^", (-0.5, 2), (2, 2), None),  # powers of negative numbers are not formed
        ("^", (1e308, 1e308), (2, 2), None),
        ("*", (0, 1), (1, math.inf), None),  # nought times infinity
        ("+", None, (1, 1), None),
        ("+", (1, 1), None, None),
    ],
)
def test_interval_arithmetic(sign: str, left: Value, right: Value, expected: tuple[float, float] | None) -> None:
    assert calculate(sign, left, right) == expected
