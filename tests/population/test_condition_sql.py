"""Conditions as SQL on DuckDB give every row the evaluator's value, whatever the condition."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from random_conditions import by_evaluator, by_sql, conditions, expressions, row, same

from calcipath.errors import GuidelineError
from calcipath.guideline import expression as e
from calcipath.population.sql_columns import RESERVED, distinct_identifiers, identifier, number, text


def run(sql: str, given_rows: pa.Table) -> list[dict[str, object]]:
    with duckdb.connect() as connection:
        connection.register("given", given_rows)
        rows = connection.execute(sql)
        names = [column[0] for column in rows.description]
        return [dict(zip(names, found, strict=True)) for found in rows.fetchall()]


def check(trees: Sequence[e.Expression], rows: Sequence[dict]) -> None:
    for values, found in zip(rows, by_sql(trees, rows, run), strict=True):
        for tree, value in zip(trees, found, strict=True):
            wanted = by_evaluator(tree, values)
            assert wanted is None or same(value, wanted[0]), (tree, values)


@settings(max_examples=60, deadline=None)
@given(st.lists(expressions(2), min_size=1, max_size=12), st.lists(row, min_size=8, max_size=25))
def test_every_expression_has_the_evaluators_value(trees: list[e.Expression], rows: list[dict]) -> None:
    check(trees, rows)


@settings(max_examples=40, deadline=None)
@given(st.lists(conditions(3), min_size=1, max_size=6), st.lists(row, min_size=8, max_size=25))
def test_deep_conditions_too(trees: list[e.Expression], rows: list[dict]) -> None:
    check(trees, rows)


ENDS = (-math.inf, -2.0, -0.0, 0.5, 1.0, 2.0, 1e200, math.inf)
INTERVALS = [(low, high) for low in ENDS for high in ENDS if low <= high and low < math.inf and high > -math.inf]


@pytest.mark.parametrize("sign", "+-*/^")
def test_arithmetic_of_all_kinds_of_intervals(sign: str) -> None:
    """Zero and infinity in every place: each pair of intervals, as two facts."""
    blank = {**dict.fromkeys("abcst"), **dict.fromkeys(("z", "x-place", "y-place", "z-place"))}
    rows = [{**blank, "x": x, "y": y} for x in [*INTERVALS, None] for y in [*INTERVALS, None]]
    check([e.Arithmetic(sign, e.Reference("x"), e.Reference("y"))], rows)


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">=", "=", "!="])
def test_comparisons_of_all_kinds_of_intervals(sign: str) -> None:
    blank = {**dict.fromkeys("abcst"), **dict.fromkeys(("z", "x-place", "y-place", "z-place"))}
    rows = [{**blank, "x": x, "y": y} for x in [*INTERVALS, None] for y in [*INTERVALS, None]]
    check([e.Compare(sign, e.Reference("x"), e.Reference("y"))], rows)


def test_a_shared_part_is_written_once() -> None:
    """Each level doubles what the evaluator reads (2^40 times `x`); the text must not double with it."""
    tree: e.Expression = e.Reference("x")
    for _ in range(40):
        tree = e.Arithmetic("*", tree, tree)
    layers_text: list[str] = []

    def look(sql: str, _: pa.Table) -> list[dict[str, object]]:
        layers_text.append(sql)
        return []

    by_sql([tree], [], look)
    assert len(layers_text[0]) < 60_000


def test_names_that_engines_would_misread_are_refused() -> None:
    assert identifier("vitamin-k-antagonist") == "vitamin_k_antagonist"
    for name in ("order", "2nd", "", "step-4", "select"):
        with pytest.raises(GuidelineError):
            identifier(name)


def test_two_names_for_one_column_are_refused() -> None:
    with pytest.raises(GuidelineError, match="'a-b' and 'a b' would share the column 'a_b'"):
        distinct_identifiers({"a-b": ["a_b"], "c": ["c"], "a b": ["a_b"]})


def test_all_reserved_words_of_the_engine_are_known() -> None:
    with duckdb.connect() as connection:
        words = connection.execute(
            "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
        ).fetchall()
    assert {word for (word,) in words} <= RESERVED


def test_literals() -> None:
    assert number(3.0).text == "3.0e0"
    assert number(-1e-30).text == "(-1e-30)"
    assert number(math.inf).text == "CAST('Infinity' AS DOUBLE)"
    assert text("it's").text == "'it''s'"
    assert re.fullmatch(r"CONCAT\('a', CHR\(92\), 'b'\)", text(r"a\b").text)
