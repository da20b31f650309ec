"""Sets of facts as SQL: which facts decided or are missing depends on the row, so a set is bits in a few BIGINT columns.

A set is a constant, plus parts that hold under a condition of the row. It stays symbolic until it is written out, so
that what holds in every row costs nothing and a set that several conditions share is one group of columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from calcipath.population.sql_columns import Layers, Term, chosen, written

WORD = 62  # bits in a column; the sign of a BIGINT is left alone
_ALL = (1 << WORD) - 1
_ZERO = Term("0", simple=True)


@dataclass(frozen=True, slots=True)
class Choice:
    """The set of the first branch whose condition is true, else `otherwise`."""

    branches: tuple[tuple[Term, FactSet], ...]
    otherwise: FactSet


@dataclass(frozen=True, slots=True)
class Words:
    """A set that is columns already, by number of the word; `support` are the bits that it can have."""

    columns: tuple[tuple[int, Term], ...]
    support: int


@dataclass(frozen=True, slots=True)
class FactSet:
    """The union of the constant bits and of the parts; `support` are the bits that it can have."""

    always: int = 0
    parts: tuple[Choice | Words, ...] = ()
    support: int = 0


EMPTY = FactSet()


def constant(bits: int) -> FactSet:
    return FactSet(bits, (), bits)


def union(sets: Iterable[FactSet]) -> FactSet:
    """All of them."""
    always, support, parts = 0, 0, dict[Choice | Words, None]()
    for one in sets:
        always |= one.always
        support |= one.support
        parts.update(dict.fromkeys(one.parts))
    useful = tuple(part for part in parts if _support(part) & ~always)
    return FactSet(always, useful, support)


def choice(branches: Sequence[tuple[Term, FactSet]], otherwise: FactSet = EMPTY) -> FactSet:
    """The set of the first branch whose condition is true."""
    found = [(term, one) for term, one in branches]
    while found and found[-1][1] == otherwise:  # an unmet last branch gives the same
        found.pop()
    if not found:
        return otherwise
    support = otherwise.support
    for _, one in found:
        support |= one.support
    return FactSet(0, (Choice(tuple(found), otherwise),), support)


def word_numbers(one: FactSet) -> list[int]:
    """The words that the set can have bits in."""
    return [n for n in range(one.support.bit_length() // WORD + 1) if _word(one.support, n)]


def word(one: FactSet, number: int) -> Term:
    """One word of the set, as an expression."""
    pieces = [_written_part(part, number) for part in one.parts if _word(_support(part), number)]
    always = _word(one.always, number)
    if always or not pieces:
        pieces.append(Term(f"CAST({always} AS BIGINT)" if always else "CAST(0 AS BIGINT)", simple=True))
    if len(pieces) == 1:
        return pieces[0]
    return written("(" + " | ".join(["{}"] * len(pieces)) + ")", *pieces)


def bound(one: FactSet, layers: Layers) -> FactSet:
    """The same set as columns, unless it is constant."""
    if not one.parts:
        return one
    columns = tuple((number, layers.bound(word(one, number))) for number in word_numbers(one))
    return FactSet(0, (Words(columns, one.support),), one.support)


def is_empty(one: FactSet) -> Term:
    """Whether a bound set has no fact in this row."""
    words = [written("{} = 0", word(one, number)) for number in word_numbers(one)]
    return written(" AND ".join(["{}"] * len(words)), *words) if words else Term("TRUE", simple=True)


def _support(part: Choice | Words) -> int:
    if isinstance(part, Words):
        return part.support
    found = part.otherwise.support
    for _, one in part.branches:
        found |= one.support
    return found


def _word(bits: int, number: int) -> int:
    return (bits >> (number * WORD)) & _ALL


def _written_part(part: Choice | Words, number: int) -> Term:
    if isinstance(part, Words):
        return dict(part.columns)[number]
    return chosen([(term, word(one, number)) for term, one in part.branches], word(part.otherwise, number))
