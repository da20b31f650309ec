"""The same texts on a genuine Apache Spark: every value and every reason as the evaluator gives them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from fact_rows import random_rows, table
from guideline_oracle import differing_missing, differing_reasons, differing_values
from random_conditions import by_evaluator, by_sql, expressions, row, same

from calcipath.assessment.verdicts import Verdicts
from calcipath.errors import InputError
from calcipath.guideline.reader import read_guideline
from calcipath.guideline.shipped import shipped_content
from calcipath.population.reason_query import because_query, missing_query
from calcipath.population.spark import Spark, connect

pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("ignore")]  # the client's own warnings

SHIPPED = read_guideline(shipped_content())


@pytest.fixture(scope="module")
def spark(spark_address: str) -> Iterator[Spark]:
    with connect(spark_address) as session:
        yield session


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(
    st.lists(expressions(2, powers=False), min_size=40, max_size=60),
    st.lists(row, min_size=30, max_size=40),
)
def test_every_expression_has_the_evaluators_value(spark: Spark, trees: list, rows: list) -> None:
    def run(sql: str, given_rows: pa.Table) -> list[dict[str, object]]:
        spark.view_of_table("given", given_rows)
        return spark.rows(sql).to_pylist()

    for values, found in zip(rows, by_sql(trees, rows, run), strict=True):
        for tree, value in zip(trees, found, strict=True):
            wanted = by_evaluator(tree, values)
            assert wanted is None or same(value, wanted[0]), (tree, values)


def test_the_whole_guideline(spark: Spark, tmp_path: Path) -> None:
    """The facts go in and the answers come out as Parquet, as they do on a cluster."""
    rows = random_rows(SHIPPED, 200, seed=7)
    pq.write_table(table(SHIPPED, rows), tmp_path / "fact.parquet")
    spark.view_of_parquet("fact", [str(tmp_path / "fact.parquet")])
    query, missing = because_query(SHIPPED), missing_query(SHIPPED)
    spark.write_parquet(query.sql, str(tmp_path / "because"))
    found = sorted(pq.read_table(tmp_path / "because").to_pylist(), key=lambda r: int(r["patient"]))
    lacking = sorted(spark.rows(missing.sql).to_pylist(), key=lambda r: int(r["patient"]))
    assert len(found) == len(lacking) == len(rows)
    wrong: list[str] = []
    for facts, answer, lacks in zip(rows, found, lacking, strict=True):
        judged = Verdicts(SHIPPED, facts)
        wrong += differing_values(judged, answer)
        wrong += differing_reasons(query, judged, answer)
        wrong += differing_missing(missing, judged, lacks)
    assert wrong == []


def test_a_query_that_spark_refuses_is_said_in_one_sentence(spark: Spark, spark_address: str) -> None:
    with pytest.raises(InputError, match=rf"^Spark at {spark_address} refused: .*nowhere.*") as error:
        spark.rows("SELECT * FROM nowhere")
    assert "\n" not in str(error.value)
