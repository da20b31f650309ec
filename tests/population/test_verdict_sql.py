"""The whole guideline as SQL on DuckDB: every value and every reason as the evaluator gives them."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fact_rows import Row, random_rows, table
from guideline_oracle import Answer, differing_missing, differing_reasons, differing_values

from calcipath.assessment.verdicts import Verdicts
from calcipath.errors import GuidelineError
from calcipath.guideline.reader import read_guideline
from calcipath.guideline.shipped import shipped_content
from calcipath.population.reason_query import because_query, missing_query
from calcipath.population.verdict_sql import GuidelineSql, fact_columns, verdict_columns, verdict_sql

SHIPPED = read_guideline(shipped_content())
# Functions and keywords that DuckDB and Spark SQL give the same meaning; what else appears must be a column.
PORTABLE = {
    "ABS", "AND", "AS", "BIGINT", "BOOLEAN", "CASE", "CAST", "DOUBLE", "ELSE", "END", "FALSE", "FROM", "GREATEST", "IN",
    "IS", "LEAST", "NOT", "NULL", "NULLIF", "OR", "POWER", "SELECT", "THEN", "TRUE", "VARCHAR", "WHEN",
}  # fmt: skip


def answers(sql: str, facts: pa.Table) -> list[Answer]:
    """The rows of a query on DuckDB, in the order of the patients."""
    with duckdb.connect() as connection:
        connection.register("fact", facts)
        found = connection.execute(sql)
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return sorted(rows, key=lambda row: int(row["patient"]))


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return random_rows(SHIPPED, 500, seed=20261124)


@pytest.fixture(scope="module")
def judged(rows: list[Row]) -> list[Verdicts]:
    """What the evaluator says of each row, worked out when it is asked for, and once."""
    return [Verdicts(SHIPPED, row) for row in rows]


@pytest.fixture(scope="module")
def values(rows: list[Row]) -> list[Answer]:
    return answers(verdict_sql(SHIPPED), table(SHIPPED, rows))


def test_every_value(judged: list[Verdicts], values: list[Answer]) -> None:
    assert [line for own, answer in zip(judged, values, strict=True) for line in differing_values(own, answer)] == []


def test_the_rows_are_worth_asking(values: list[Answer]) -> None:
    """Every boolean is met as yes, no and unknown where it can be, and nearly every verdict as each of the four."""
    met = {name: {answer[name] for answer in values} for name in verdict_columns(SHIPPED) if "__" not in name}
    verdicts = [met[name] for name in met if name.startswith("recommendation_")]
    assert sum(len(values) for values in verdicts) > 2.5 * len(verdicts)
    assert sum(len(values) > 1 for values in met.values()) > 0.97 * len(met)


def test_every_reason(rows: list[Row], judged: list[Verdicts]) -> None:
    query = because_query(SHIPPED)
    found = answers(query.sql, table(SHIPPED, rows))
    pairs = list(zip(judged, found, strict=True))
    assert [line for own, answer in pairs for line in differing_reasons(query, own, answer)] == []
    assert [line for own, answer in pairs for line in differing_values(own, answer)] == []


def test_everything_that_is_missing(rows: list[Row], judged: list[Verdicts]) -> None:
    query = missing_query(SHIPPED)
    found = answers(query.sql, table(SHIPPED, rows))
    pairs = zip(judged, found, strict=True)
    assert [line for own, answer in pairs for line in differing_missing(query, own, answer)] == []


def test_only_what_is_asked_for() -> None:
    sql = verdict_sql(SHIPPED, names=["risk:vitamin-k-antagonist"])
    assert len(sql) < 300
    query = because_query(SHIPPED, names=["risk:vitamin-k-antagonist"], with_verdicts=False)
    assert list(query.words) == ["risk:vitamin-k-antagonist"]
    with pytest.raises(GuidelineError, match="computes no 'risk:nothing'"):
        verdict_sql(SHIPPED, names=["risk:nothing"])


@pytest.mark.parametrize("sql", [verdict_sql(SHIPPED), because_query(SHIPPED).sql, missing_query(SHIPPED).sql])
def test_the_text_keeps_to_what_both_engines_read_alike(sql: str) -> None:
    assert sql.isascii()
    assert not set(sql) & set('"`;[]{}%~!@#$&?:')
    bare = re.sub(r"'(?:[^']|'')*'", " ", sql)
    words = set(re.findall(r"\b[A-Za-z_][A-Za-z0-9_]*", re.sub(r"\b[0-9.]+(?:e[-+]?[0-9]+)?\b", " ", bare)))
    assert {word for word in words if word != word.lower()} <= PORTABLE
    assert max(len(line) for line in sql.splitlines()) < 200_000


def test_facts_that_would_share_a_column_are_refused() -> None:
    fact = next(f for f in SHIPPED.facts.values() if f.condition is None and "-" in f.id)
    twin = replace(fact, id=fact.id.replace("-", "."))
    facts = {**SHIPPED.facts, twin.id: twin}
    with pytest.raises(GuidelineError, match="would share the column"):
        GuidelineSql(replace(SHIPPED, facts=facts))


def test_a_quantity_and_a_fact_named_like_its_lower_end_do_not() -> None:
    assert {"complement__low", "complement_low"} <= {*fact_columns(SHIPPED), *verdict_columns(SHIPPED)}
