"""The condition language: a small subset of CQL's expression syntax, as a syntax tree.

Names of facts and definitions are CQL quoted identifiers (`"vitamin-k-antagonist"`), quantities are written with
UCUM units (`300 'pg/mL'`), text values in single quotes. Operators: `and or not implies`, comparisons, `between`,
`in { ... }`, `is [not] null|true|false`, `+ - * / ^`, `if ... then ... else`, `case when ... end`, and the functions
`AboveRange`, `BelowRange`, `WithinRange` (position against the reference range), `AtLeast(n, ...)`, `Min`, `Max`.
Source of syntax and of three-valued logic: HL7 Clinical Quality Language 1.5, Author's Guide and Appendix B.
"""

from __future__ import annotations

from dataclasses import dataclass


class ExpressionError(ValueError):
    """A condition that cannot be read or does not make sense; `offset` is the place in its text."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Literal:
    """true, false, null, a text, or a number with its unit ('' for a bare number)."""

    value: bool | float | str | None
    unit: str = ""
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Reference:
    """The value of a named fact or definition."""

    name: str
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expression


@dataclass(frozen=True, slots=True)
class And:
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """True when at least `count` of the operands are true."""

    count: int
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    operator: str  # < <= > >= = !=
    left: Expression
    right: Expression
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Member:
    """Whether a text value is one of `values`."""

    operand: Expression
    values: tuple[str, ...]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Is:
    """`is null`, `is true`, `is false` and their negations: never unknown."""

    operand: Expression
    test: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: str  # + - * / ^
    left: Expression
    right: Expression
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Scale:
    """A unit conversion inserted by the checker: operand x factor + shift."""

    operand: Expression
    factor: float
    shift: float = 0.0


@dataclass(frozen=True, slots=True)
class Extreme:
    """Min or Max of quantities; unknown when one of them is."""

    largest: bool
    operands: tuple[Expression, ...]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """The first branch whose condition is true; an unknown condition is passed over, as in CQL."""

    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class RangePosition:
    """Whether a quantity fact lies `above`, `below` or `within` its reference range."""

    side: str
    operand: Reference


Expression = (
    Literal
    | Reference
    | Not
    | And
    | Or
    | AtLeast
    | Compare
    | Member
    | Is
    | Arithmetic
    | Scale
    | Extreme
    | Case
    | RangePosition
)


def children(tree: Expression) -> tuple[Expression, ...]:
    """The direct parts of a node, in written order."""
    match tree:
        case Literal() | Reference():
            return ()
        case Not(operand) | Is(operand, _, _) | Member(operand, _, _) | Scale(operand, _, _):
            return (operand,)
        case RangePosition(_, operand):
            return (operand,)
        case And(operands) | Or(operands) | AtLeast(_, operands) | Extreme(_, operands, _):
            return operands
        case Compare(_, left, right, _) | Arithmetic(_, left, right, _):
            return (left, right)
        case Case(branches, otherwise):
            return (*(part for branch in branches for part in branch), otherwise)


def references(tree: Expression) -> tuple[str, ...]:
    """Names that the expression reads, each once, in order of appearance."""
    found: dict[str, None] = {}
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Reference):
            found[node.name] = None
        stack.extend(reversed(children(node)))
    return tuple(found)
