"""Packed columns come back as they were, and a large population's CSV is compressed."""

from __future__ import annotations

from pathlib import Path

import duckdb
from run_maker import AT_RISK, make_run

from calcipath.guideline.model import Guideline
from calcipath.population.report import ReportOptions, write_report
from calcipath.population.report.packed import BITS, Packed
from calcipath.population.sql_columns import column


def test_three_valued_columns_come_back_as_they_were() -> None:
    count, values = 2 * BITS + 3, (True, False, None)
    rows = [[values[(7 * row + place * place) % 3] for place in range(count)] for row in range(50)]
    names, packed = [f"c{n}" for n in range(count)], Packed("step", count)
    with duckdb.connect() as engine:
        engine.execute(f"CREATE TABLE given (place INTEGER, {', '.join(f'{name} BOOLEAN' for name in names)})")
        marks = ", ".join("?" for _ in range(count + 1))
        engine.executemany(f"INSERT INTO given VALUES ({marks})", [[n, *row] for n, row in enumerate(rows)])
        words = ", ".join(f"{term.text} AS {name}" for name, term in packed.outputs([column(name) for name in names]))
        engine.execute(f"CREATE TABLE packed AS SELECT place, {words} FROM given")
        found = engine.execute(f"SELECT {', '.join(packed.columns())} FROM packed ORDER BY place").fetchall()
        last = engine.execute(f"SELECT place FROM packed WHERE {packed.is_true(count - 1)} ORDER BY place").fetchall()
    assert [list(row) for row in found] == rows
    assert [place for (place,) in last] == [n for n, row in enumerate(rows) if row[-1]]


def test_a_large_population_has_its_table_compressed(tmp_path: Path, guideline: Guideline) -> None:
    run = make_run(tmp_path / "run", guideline, {"one": AT_RISK, "two": AT_RISK, "=1": AT_RISK})
    write_report(run, guideline, None, ReportOptions(plain_csv=2, fhir=False))
    assert not (run / "patient.csv").exists()
    assert (run / "patient.csv.zst").stat().st_mode & 0o077 == 0
    query = f"SELECT patient FROM read_csv('{run}/patient.csv.zst', all_varchar = true) ORDER BY 1"
    assert [name for (name,) in duckdb.connect().execute(query).fetchall()] == ["'=1", "one", "two"]
