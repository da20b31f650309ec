"""Reads the text of a condition into its syntax tree (see `expression` for the language)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from calcipath.guideline.expression import (
    And,
    Arithmetic,
    AtLeast,
    Case,
    Compare,
    Expression,
    ExpressionError,
    Extreme,
    Is,
    Literal,
    Member,
    Not,
    Or,
    RangePosition,
    Reference,
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    offset: int


_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<name>"[^"\n]*")
      | (?P<text>'[^'\n]*')
      | (?P<word>[A-Za-z_]+)
      | (?P<symbol><=|>=|!=|[<>=+\-*/^(){},])""",
    re.VERBOSE,
)
_POSITIONS = {"AboveRange": "above", "BelowRange": "below", "WithinRange": "within"}
_COMPARISONS = {"<", "<=", ">", ">=", "=", "!="}


def _tokens(source: str) -> Iterator[Token]:
    offset = 0
    while offset < len(source):
        match = _TOKEN.match(source, offset)
        if match is None:
            raise ExpressionError(f"unexpected character {source[offset]!r}", offset)
        if match.lastgroup != "space":
            yield Token(str(match.lastgroup), match.group(), offset)
        offset = match.end()
    yield Token("end", "", len(source))


def parse(source: str) -> Expression:
    """Read a condition.

    Raises `ExpressionError` with the offset of the fault.

    >>> parse('"pth" > 300 \\'pg/mL\\'').operator
    '>'
    """
    return _Parser(source).expression_to_end()


class _Parser:
    """Recursive descent, loosest operator first: implies, or, and, not, comparison, sum, product, power."""

    def __init__(self, source: str) -> None:
        self._tokens = list(_tokens(source))
        self._at = 0

    def expression_to_end(self) -> Expression:
        tree = self._implies()
        if self._now.kind != "end":
            self._fail(f"unexpected {self._now.text!r} after the end of the condition")
        return tree

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _fail(self, message: str) -> NoReturn:
        raise ExpressionError(message, self._now.offset)

    def _take(self, *texts: str) -> Token | None:
        token = self._now
        if token.kind in ("word", "symbol") and token.text in texts:
            self._at += 1
            return token
        return None

    def _expect(self, text: str) -> Token:
        return self._take(text) or self._fail(
            f"expected {text!r}" + (f", found {self._now.text!r}" if self._now.text else " before the end")
        )

    def _implies(self) -> Expression:
        left = self._or()
        if self._take("implies"):
            return Or((Not(left), self._implies()))
        return left

    def _or(self) -> Expression:
        operands = [self._and()]
        while self._take("or"):
            operands.append(self._and())
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def _and(self) -> Expression:
        operands = [self._not()]
        while self._take("and"):
            operands.append(self._not())
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def _not(self) -> Expression:
        if self._take("not"):
            return Not(self._not())
        return self._comparison()

    def _comparison(self) -> Expression:
        left = self._sum()
        token = self._now
        if token.kind == "symbol" and token.text in _COMPARISONS:
            self._at += 1
            return Compare(token.text, left, self._sum(), token.offset)
        if self._take("between"):
            low = self._sum()
            self._expect("and")
            return And((Compare(">=", left, low, token.offset), Compare("<=", left, self._sum(), token.offset)))
        if self._take("in"):
            return Member(left, self._text_list(), token.offset)
        if self._take("is"):
            negated = self._take("not") is not None
            test = self._take("null", "true", "false") or self._fail("expected null, true or false after 'is'")
            return Is(left, test.text, negated)
        return left

    def _text_list(self) -> tuple[str, ...]:
        self._expect("{")
        values = []
        while True:
            if self._now.kind != "text":
                self._fail("expected a text in single quotes")
            values.append(self._now.text[1:-1])
            self._at += 1
            if not self._take(","):
                break
        self._expect("}")
        return tuple(values)

    def _sum(self) -> Expression:
        left = self._product()
        while token := self._take("+", "-"):
            left = Arithmetic(token.text, left, self._product(), token.offset)
        return left

    def _product(self) -> Expression:
        left = self._power()
        while token := self._take("*", "/"):
            left = Arithmetic(token.text, left, self._power(), token.offset)
        return left

    def _power(self) -> Expression:
        left = self._primary()
        if token := self._take("^"):
            return Arithmetic("^", left, self._power(), token.offset)
        return left

    def _primary(self) -> Expression:
        token = self._now
        if token.kind == "name":
            self._at += 1
            return Reference(token.text[1:-1], token.offset)
        if token.kind == "text":
            self._at += 1
            return Literal(token.text[1:-1], "", token.offset)
        if token.kind == "number":
            return self._quantity()
        if self._take("-"):
            return self._negative(token)
        if self._take("("):
            inner = self._implies()
            self._expect(")")
            return inner
        if token.kind == "word":
            return self._word()
        self._fail("expected a value" + (f", found {token.text!r}" if token.text else " before the end"))

    def _negative(self, token: Token) -> Expression:
        number = self._quantity()
        return Literal(-float(number.value or 0.0), number.unit, token.offset)

    def _quantity(self) -> Literal:
        token = self._now
        if token.kind != "number":
            self._fail("expected a number")
        self._at += 1
        unit = ""
        if self._now.kind == "text":
            unit = self._now.text[1:-1]
            self._at += 1
        return Literal(float(token.text), unit, token.offset)

    def _word(self) -> Expression:
        token = self._now
        self._at += 1
        if token.text in ("true", "false", "null"):
            return Literal({"true": True, "false": False, "null": None}[token.text], "", token.offset)
        if token.text == "if":
            return self._if()
        if token.text == "case":
            return self._case()
        if token.text in _POSITIONS:
            return self._range_position(_POSITIONS[token.text])
        if token.text in ("Min", "Max"):
            return Extreme(token.text == "Max", self._arguments(), token.offset)
        if token.text == "AtLeast":
            return self._at_least(token)
        self._at -= 1
        self._fail(f"unknown word {token.text!r}: names of facts stand in double quotes")

    def _if(self) -> Expression:
        condition = self._implies()
        self._expect("then")
        then = self._implies()
        self._expect("else")
        return Case(((condition, then),), self._implies())

    def _case(self) -> Expression:
        branches = []
        while self._take("when"):
            condition = self._implies()
            self._expect("then")
            branches.append((condition, self._implies()))
        if not branches:
            self._fail("expected 'when' after 'case'")
        self._expect("else")
        otherwise = self._implies()
        self._expect("end")
        return Case(tuple(branches), otherwise)

    def _range_position(self, side: str) -> Expression:
        self._expect("(")
        operand = self._primary()
        if not isinstance(operand, Reference):
            self._fail("a range function takes the name of one quantity fact")
        self._expect(")")
        return RangePosition(side, operand)

    def _arguments(self) -> tuple[Expression, ...]:
        self._expect("(")
        operands = [self._implies()]
        while self._take(","):
            operands.append(self._implies())
        self._expect(")")
        return tuple(operands)

    def _at_least(self, token: Token) -> Expression:
        count, *operands = self._arguments()
        if not isinstance(count, Literal) or not isinstance(count.value, float) or not operands:
            raise ExpressionError("AtLeast takes a whole number and then conditions", token.offset)
        if not 1 <= count.value <= len(operands) or count.value % 1:
            raise ExpressionError(f"AtLeast({count.value:g}, ...) has {len(operands)} conditions", token.offset)
        return AtLeast(int(count.value), tuple(operands))
