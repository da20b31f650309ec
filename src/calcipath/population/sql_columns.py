"""SQL as terms and layers: what is used twice becomes a column, so that no expression is ever written out again and again.

The text keeps to what DuckDB and Spark SQL read alike: nested selects, `case`, comparisons, arithmetic, Kleene's
`and`, `or`, `not`, `is true`, `greatest`, `least`, `power`, `nullif`, `|`. Numbers carry an exponent, which makes them
doubles in both. No name is quoted, because the two quote differently.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from calcipath.errors import GuidelineError
from calcipath.population.names import column as column_name

# What cannot be a bare column name in one of the engines.
RESERVED = frozenset(
    [
        "all",
        "analyse",
        "analyze",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "asymmetric",
        "both",
        "case",
        "cast",
        "check",
        "collate",
        "column",
        "constraint",
        "create",
        "default",
        "deferrable",
        "desc",
        "describe",
        "distinct",
        "do",
        "else",
        "end",
        "except",
        "false",
        "fetch",
        "for",
        "foreign",
        "from",
        "group",
        "having",
        "in",
        "initially",
        "intersect",
        "into",
        "lambda",
        "lateral",
        "leading",
        "limit",
        "not",
        "null",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "patient",
        "pivot",
        "pivot_longer",
        "pivot_wider",
        "placing",
        "primary",
        "qualify",
        "references",
        "returning",
        "select",
        "show",
        "some",
        "summarize",
        "symmetric",
        "table",
        "then",
        "to",
        "trailing",
        "true",
        "union",
        "unique",
        "unpivot",
        "using",
        "variadic",
        "when",
        "where",
        "window",
        "with",
    ]
)
SHORT = 150  # up to so many characters an expression is written out again: fewer layers carry fewer columns
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Term:
    """A piece of SQL that may stand as an operand, and the columns that it reads."""

    text: str
    reads: frozenset[str] = frozenset()
    simple: bool = False  # a column or a literal: repeating it costs nothing


@dataclass(frozen=True, slots=True)
class Interval:
    """A quantity: the terms of its two ends, which are null together."""

    low: Term
    high: Term


Value = Term | Interval

NULL = Term("CAST(NULL AS BOOLEAN)", simple=True)
NO_NUMBER = Term("CAST(NULL AS DOUBLE)", simple=True)
TRUE = Term("TRUE", simple=True)
FALSE = Term("FALSE", simple=True)


def column(name: str) -> Term:
    """The term of a column."""
    return Term(name, frozenset((name,)), simple=True)


def number(value: float) -> Term:
    """A double."""
    if math.isinf(value) or math.isnan(value):
        word = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return Term(f"CAST('{word}' AS DOUBLE)", simple=True)
    digits = repr(float(value))
    digits = digits if "e" in digits else f"{digits}e0"
    return Term(f"({digits})" if value < 0 else digits, simple=True)


def text(value: str) -> Term:
    """A text. A backslash would be an escape in one engine only, so it is spelt by its number."""
    parts = [f"'{part.replace(chr(39), chr(39) * 2)}'" for part in value.split("\\")]
    return Term(parts[0] if len(parts) == 1 else "CONCAT(" + ", CHR(92), ".join(parts) + ")", simple=True)


def written(template: str, *parts: Term) -> Term:
    """The template with its `{}` filled in."""
    return Term(template.format(*(p.text for p in parts)), frozenset().union(*(p.reads for p in parts)))


def joined(operator: str, parts: Sequence[Term]) -> Term:
    """`(a operator b operator c)`."""
    if len(parts) == 1:
        return parts[0]
    return Term(f"({f' {operator} '.join(p.text for p in parts)})", frozenset().union(*(p.reads for p in parts)))


def chosen(branches: Sequence[tuple[Term, Term]], otherwise: Term | None = None) -> Term:
    """`CASE WHEN ... THEN ... ELSE ... END`."""
    if not branches:
        return otherwise or NULL
    pieces = [written("WHEN {} THEN {}", condition, value) for condition, value in branches]
    if otherwise is not None and otherwise is not NULL and otherwise is not NO_NUMBER:
        pieces.append(written("ELSE {}", otherwise))
    return Term(f"CASE {' '.join(p.text for p in pieces)} END", frozenset().union(*(p.reads for p in pieces)))


def identifier(name: str) -> str:
    """The column of a fact or of a computed name; names that an engine would misread are refused."""
    found = column_name(name).lower()
    if not _IDENTIFIER.fullmatch(found) or found in RESERVED or found.startswith("step_"):
        raise GuidelineError(f"the name {name!r} cannot be a column of a population: {found!r} is reserved or no name")
    return found


def distinct_identifiers(columns: Mapping[str, Sequence[str]]) -> None:
    """Refuse two names that would share a column."""
    owner: dict[str, str] = {}
    for name, own in columns.items():
        for one in own:
            other = owner.setdefault(one, name)
            if other != name:
                raise GuidelineError(f"the names {other!r} and {name!r} would share the column {one!r}")


class Layers:
    """Columns computed from columns: each stands one layer above the highest that it reads; the source is layer 0."""

    def __init__(self) -> None:
        self._terms: dict[str, Term] = {}
        self._by_text: dict[str, str] = {}

    def bound(self, term: Term, name: str = "") -> Term:
        """The term as a column (named if it should be); what has been bound before is the same column."""
        if not name:
            if term.simple or len(term.text) <= SHORT:
                return term
            if term.text in self._by_text:
                return column(self._by_text[term.text])
        name = name or f"step_{len(self._terms)}"
        self._terms[name] = term
        self._by_text.setdefault(term.text, name)
        return column(name)

    def select(self, source: str, outputs: Iterable[tuple[str, Term]]) -> str:
        """One select of the outputs from `source` (a table or a select in parentheses), layer in layer."""
        found, layers = list(outputs), dict[str, int]()
        needed = set().union(*(term.reads for _, term in found))
        height = max((self._layer(name, layers) for name in needed), default=0)
        selects = [", ".join(_as(term, name) for name, term in found)]
        for layer in range(height, 0, -1):
            own = sorted(name for name in needed if self._layer(name, layers) == layer)
            kept = needed.difference(own)
            selects.append(", ".join([*sorted(kept), *(_as(self._terms[name], name) for name in own)]))
            needed = kept.union(*(self._terms[name].reads for name in own))
        query = source
        for position, select in enumerate(reversed(selects)):
            inner = query if position == 0 else f"(\n{query}\n) AS layer_{position}"
            query = f"SELECT {select} FROM {inner}"
        return query

    def _layer(self, name: str, found: dict[str, int]) -> int:
        if name not in self._terms:
            return 0
        if name not in found:
            found[name] = 1 + max((self._layer(read, found) for read in self._terms[name].reads), default=0)
        return found[name]


def _as(term: Term, name: str) -> str:
    return name if term.text == name else f"{term.text} AS {name}"
