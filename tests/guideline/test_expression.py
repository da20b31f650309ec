"""The condition language: syntax after CQL 1.5, and located errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcipath.guideline.expression import (
    And,
    AtLeast,
    Case,
    Compare,
    ExpressionError,
    Is,
    Literal,
    Member,
    Not,
    Or,
    RangePosition,
    Reference,
    references,
)
from calcipath.guideline.expression_parser import parse


def shape(text: str) -> str:  # noqa: C901
    """The tree without offsets, as a prefix text."""

    def show(tree) -> str:
        match tree:
            case Literal(value, unit, _):
                return f"{value}{unit}"
            case Reference(name, _):
                return name
            case Not(x):
                return f"(not {show(x)})"
            case And(xs):
                return "(and " + " ".join(map(show, xs)) + ")"
            case Or(xs):
                return "(or " + " ".join(map(show, xs)) + ")"
            case AtLeast(n, xs):
                return f"(at-least {n} " + " ".join(map(show, xs)) + ")"
            case Compare(op, a, b, _):
                return f"({op} {show(a)} {show(b)})"
            case Member(x, values, _):
                return f"(in {show(x)} {'|'.join(values)})"
            case Is(x, test, negated):
                return f"(is{'-not' if negated else ''}-{test} {show(x)})"
            case RangePosition(side, x):
                return f"({side} {show(x)})"
            case Case(branches, otherwise):
                return "(case " + " ".join(f"{show(c)}:{show(v)}" for c, v in branches) + f" {show(otherwise)})"
        return f"({tree.operator} {show(tree.left)} {show(tree.right)})"

    return show(parse(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"a" or "b" and "c"', "(or a (and b c))"),  # and binds tighter than or (CQL grammar)
        ('not "a" and "b"', "(and (not a) b)"),
        ('"a" implies "b"', "(or (not a) b)"),
        ('("a" or "b") and "c"', "(and (or a b) c)"),
        ("\"pth\" > 300 'pg/mL'", "(> pth 300.0pg/mL)"),
        ('"x" between 1 and 2', "(and (>= x 1.0) (<= x 2.0))"),
        ('"x" + 1 * 2 ^ 3', "(+ x (* 1.0 (^ 2.0 3.0)))"),
        ("2 ^ -1", "(^ 2.0 -1.0)"),
        ('"x" is not null', "(is-not-null x)"),
        ('"x" is true', "(is-true x)"),
        ("\"level\" in {'a', 'b'}", "(in level a|b)"),
        ('AboveRange("calcium")', "(above calcium)"),
        ('AtLeast(2, "a", "b", "c")', "(at-least 2 a b c)"),
        ('if "a" then 1 else 2', "(case a:1.0 2.0)"),
        ("case when \"a\" then 'x' when \"b\" then 'y' else null end", "(case a:x b:y None)"),
        ('"a" // a remark\n and "b"', "(and a b)"),
    ],
)
def test_reads(text: str, expected: str) -> None:
    assert shape(text) == expected


@pytest.mark.parametrize(
    ("text", "offset", "words"),
    [
        ('"a" and', 7, "expected a value before the end"),
        ("pth > 3", 0, "names of facts stand in double quotes"),
        ('"a" ? "b"', 4, "unexpected character"),
        ('("a"', 4, "expected ')'"),
        ('"a" "b"', 4, "unexpected"),
        ('AtLeast(3, "a", "b")', 0, "has 2 conditions"),
        ('AtLeast("a", "b")', 0, "whole number"),
        ("AboveRange(3)", 12, "takes the name"),
        ("case else 1 end", 5, "expected 'when'"),
        ('"a" is maybe', 7, "null, true or false"),
        ('"a" in {1}', 8, "text in single quotes"),
    ],
)
def test_refuses_with_place(text: str, offset: int, words: str) -> None:
    with pytest.raises(ExpressionError, match=words.replace("(", r"\(").replace(")", r"\)")) as raised:
        parse(text)
    assert raised.value.offset == offset


def test_references_in_order_once() -> None:
    assert references(parse('"b" and ("a" or not "b") and AboveRange("c")')) == ("b", "a", "c")


@given(st.text(max_size=80))
def test_any_text_parses_or_is_refused_inside_it(text: str) -> None:
    try:
        parse(text)
    except ExpressionError as error:
        assert 0 <= error.offset <= len(text)
