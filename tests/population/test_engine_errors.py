"""What the engine says of a fault is told without what stands in the data."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from calcipath.population.fhir_files import first_sentence

NAME = "Mrs-Named-Herself"
NEEDS_A_FILE = "SELECT * FROM read_parquet('{file}')"


def told(sql: str) -> tuple[str, str]:
    """What the engine says, and the sentence that is made of it."""
    with duckdb.connect(":memory:") as connection, pytest.raises(duckdb.Error) as caught:
        connection.execute(sql).fetchall()
    return str(caught.value), first_sentence(caught.value)


@pytest.mark.parametrize(
    ("sql", "starts"),
    [
        (f"SELECT CAST(n AS INTEGER) FROM (VALUES ('{NAME}')) AS t(n)", "Could not convert string"),
        (f"SELECT CAST(n AS DATE) FROM (VALUES ('{NAME}')) AS t(n)", "invalid date field format"),
        (f"SELECT strptime(n, '%Y') FROM (VALUES ('{NAME}')) AS t(n)", "Could not parse string"),
        (f"SELECT CAST(n AS INTEGER) FROM (VALUES ('x''{NAME}''y'), ('2')) AS t(n)", "Could not convert string"),
        (f"SELECT '[\"{NAME}\", ' :: JSON", "Malformed JSON"),
        (f'SELECT "{NAME}" FROM (VALUES (1)) AS t(n)', "Referenced column"),
    ],
)
def test_no_value_of_the_data_is_in_it(sql: str, starts: str) -> None:
    said, sentence = told(sql)
    assert NAME in said  # else there is nothing to keep out
    assert NAME not in sentence
    assert sentence.startswith(starts)
    assert "\n" not in sentence and len(sentence) <= 160


def test_a_file_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / f"{NAME}.parquet"
    file.write_bytes(b"not a table at all")
    said, sentence = told(NEEDS_A_FILE.format(file=file))
    assert NAME in said and NAME not in sentence
    assert sentence


def test_a_line_that_is_quoted_with_its_file(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(f"a,b\n1,2\n{NAME},x\n")
    columns = "{'a': 'INTEGER', 'b': 'VARCHAR'}"
    said, sentence = told(f"SELECT * FROM read_csv('{file}', columns={columns}, header=true, auto_detect=false)")
    assert NAME in said and NAME not in sentence


def test_a_message_without_a_sentence_is_named_by_its_kind() -> None:
    assert first_sentence(duckdb.Error("odd")) == "Error"
