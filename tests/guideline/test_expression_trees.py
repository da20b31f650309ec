"""Whole trees with their places in the text, and whole sentences for what is refused; offsets are counted by hand."""

from __future__ import annotations

import pytest

from calcipath.guideline.expression import (
    And,
    Arithmetic,
    AtLeast,
    Case,
    Compare,
    Expression,
    ExpressionError,
    Extreme,
    Literal,
    Member,
    Or,
    RangePosition,
    Reference,
    Scale,
    children,
)
from calcipath.guideline.expression_parser import parse

X, S = Reference("x", 1), Reference("s", 1)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        (" \"x\" < 2.5 'mg/dL'", Compare("<", X, Literal(2.5, "mg/dL", 7), 5)),
        (
            ' "x" between 1 and 2',
            And((Compare(">=", X, Literal(1.0, "", 13), 5), Compare("<=", X, Literal(2.0, "", 19), 5))),
        ),
        (" \"s\" in {'a', 'b'}", Member(S, ("a", "b"), 5)),
        (' "x" + 1 - 2', Arithmetic("-", Arithmetic("+", X, Literal(1.0, "", 7), 5), Literal(2.0, "", 11), 9)),
        (' "x" * 1 / 2', Arithmetic("/", Arithmetic("*", X, Literal(1.0, "", 7), 5), Literal(2.0, "", 11), 9)),
        (' "x" ^ 2', Arithmetic("^", X, Literal(2.0, "", 7), 5)),
        (" -3 'mmol/L'", Literal(-3.0, "mmol/L", 1)),
        (" -0", Literal(0.0, "", 1)),
        (" 'proximal'", Literal("proximal", "", 1)),
        (" Max(1, 2)", Extreme(True, (Literal(1.0, "", 5), Literal(2.0, "", 8)), 1)),
        (" Min(1)", Extreme(False, (Literal(1.0, "", 5),), 1)),
        ('AtLeast(1, "a")', AtLeast(1, (Reference("a", 11),))),
        ('AtLeast(2, "a", "b")', AtLeast(2, (Reference("a", 11), Reference("b", 16)))),
    ],
)
def test_every_part_knows_its_place(text: str, tree: Expression) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(("word", "value"), [("true", True), ("false", False), ("null", None)])
def test_the_three_truth_values(word: str, value: bool | None) -> None:
    found = parse(f" {word}")
    assert isinstance(found, Literal)
    assert found.value is value
    assert (found.unit, found.offset) == ("", 1)


@pytest.mark.parametrize(
    ("text", "offset", "sentence"),
    [
        ('("a" "b"', 5, "expected ')', found '\"b\"'"),
        ('("a"', 4, "expected ')' before the end"),
        ('- "a"', 2, "expected a number"),
        (" )", 1, "expected a value, found ')'"),
        ('"a" and', 7, "expected a value before the end"),
        ('"a" ) "b"', 4, "unexpected ')' after the end of the condition"),
        ('"a" is maybe', 7, "expected null, true or false after 'is'"),
        ('"a" in {1}', 8, "expected a text in single quotes"),
        ("case else 1 end", 5, "expected 'when' after 'case'"),
        ("AboveRange(3)", 12, "a range function takes the name of one quantity fact"),
        ("pth > 3", 0, "unknown word 'pth': names of facts stand in double quotes"),
        (' AtLeast("a", "b")', 1, "AtLeast takes a whole number and then conditions"),
        (' AtLeast(true, "a")', 1, "AtLeast takes a whole number and then conditions"),
        (" AtLeast('1', \"a\")", 1, "AtLeast takes a whole number and then conditions"),
        (" AtLeast(1)", 1, "AtLeast takes a whole number and then conditions"),
        (' AtLeast(0, "a")', 1, "AtLeast(0, ...) has 1 conditions"),
        (' AtLeast(3, "a", "b")', 1, "AtLeast(3, ...) has 2 conditions"),
        (' AtLeast(1.5, "a", "b")', 1, "AtLeast(1.5, ...) has 2 conditions"),
    ],
)
def test_a_refusal_is_one_sentence_at_one_place(text: str, offset: int, sentence: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse(text)
    assert (raised.value.offset, str(raised.value)) == (offset, sentence)


A, B, C = Reference("a"), Reference("b"), Reference("c")


@pytest.mark.parametrize(
    ("tree", "parts"),
    [
        (A, ()),
        (Literal(1.0), ()),
        (Member(A, ("x",)), (A,)),
        (Scale(A, 2.0), (A,)),
        (RangePosition("above", A), (A,)),
        (Or((A, B, C)), (A, B, C)),
        (AtLeast(1, (A, B)), (A, B)),
        (Extreme(True, (A, B)), (A, B)),
        (Compare("<", A, B), (A, B)),
        (Arithmetic("+", A, B), (A, B)),
        (Case(((A, B),), C), (A, B, C)),
    ],
)
def test_the_parts_of_a_node_in_written_order(tree: Expression, parts: tuple[Expression, ...]) -> None:
    assert children(tree) == parts
