"""A population screened on a genuine Apache Spark: each patient as one by one, and the whole as on DuckDB."""

from __future__ import annotations

import copy
import gzip
import json
import math
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "fuzz"))
from populations import (
    GUIDELINE,
    Resource,
    Table,
    differences,
    one_patient,
    records,
    renamed,
    resources_of,
    screened,
    tables_of,
)
from test_parity import BUNDLES, damaged

from calcipath.cli import main
from calcipath.errors import InputError
from calcipath.population.duckdb_engine import Database
from calcipath.population.quality import quality
from calcipath.population.screening import ScreenOptions
from calcipath.population.source import make_ready, open_source, write_flat
from calcipath.population.spark import connect
from calcipath.population.spark_screening import SparkScreening

pytestmark = [pytest.mark.spark, pytest.mark.filterwarnings("ignore")]  # the client's own warnings

DAMAGED = 40
ON_THE_ENTRIES = ("future", "values_not_used")  # counted where the entries are at hand
SEVERAL = 100  # entries that come in three versions
BAD_LINES = (
    '{"resourceType": "Observation"',
    "no JSON",
    "[1]",
    '{"resourceType": "Observation"} more',
    '{"resourceType": "Patient", "id": "two"}, {"resourceType": "Patient", "id": "on one line"}',
    '{"resourceType": "Patient", "id": "bracket"}]',
    '{"id": "bare"}',
)
FACTS_ONLY = "SELECT patient FROM fact"  # planning the verdicts takes most of a run's time; the command's test has them
AT_THE_END = ScreenOptions(complete=frozenset({"medications", "allergies"}))
ON_A_DAY = ScreenOptions(as_of="2024-11-05T12:00:00-05:00", notes=True)


def everybody() -> list[Resource]:
    """The published cases, damaged ones, entries in several versions, and a patient whom only entries name."""
    found = [r for number, bundle in enumerate(BUNDLES) for r in renamed(resources_of(bundle), f"c{number}-")]
    for seed in range(DAMAGED):
        found += renamed(damaged(seed), f"m{seed}-")
    measured = [r for r in found if str(r["id"]).startswith("c") and "value" in r.get("valueQuantity", {})]
    found += [v for number, r in enumerate(measured[:SEVERAL]) for v in versions(r, last_counts=number % 2 == 0)]
    found += [stranger(r) for r in resources_of(BUNDLES[0]) if r["resourceType"] == "Observation"]
    return found


def versions(resource: Resource, *, last_counts: bool) -> Iterator[Resource]:
    """An older version that says something else, and after it one that is the newest only by its place."""
    older, last = copy.deepcopy(resource), copy.deepcopy(resource)
    resource["meta"] = {"lastUpdated": "2024-02-01T00:00:00Z", "versionId": "3"}
    older |= {"meta": {"lastUpdated": "2024-01-31T23:59:59Z", "versionId": "4"}, "status": "entered-in-error"}
    last |= {"meta": resource["meta"]}
    if last_counts:
        last["valueQuantity"]["value"] += 1
    else:
        last["status"] = "entered-in-error"
    yield older
    yield last


def stranger(resource: Resource) -> Resource:
    return {**resource, "id": f"s-{resource['id']}", "subject": {"reference": "Patient/known-to-nobody"}}


@pytest.fixture(scope="module")
def population() -> list[Resource]:
    return everybody()


@pytest.fixture(scope="module")
def source(population: list[Resource], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One mixed file, a zipped one of observations, and lines that are no resource."""
    folder = tmp_path_factory.mktemp("export of a site")
    half = [r for r in population if r["resourceType"] == "Observation" and str(r["id"]).startswith("m")]
    with gzip.open(folder / "Observation.ndjson.gz", "wt", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(resource)}\n" for resource in half)
    kept = {id(resource) for resource in half}
    lines = [json.dumps(resource, ensure_ascii=False) for resource in population if id(resource) not in kept]
    (folder / "all.ndjson").write_text("\r\n".join([*lines, "", *BAD_LINES]), encoding="utf-8", newline="")
    return folder


def on_spark(address: str, source: Path, work: Path, options: ScreenOptions) -> tuple[Table, Table, Any]:
    with Database(str(work)) as database, connect(address) as spark:
        screening = SparkScreening(spark, database, GUIDELINE, str(source), options, lambda *_: None)
        screening.prepare()
        screening.pick()
        screening.judge(FACTS_ONLY)
        return (*tables_of(database), quality(database, screening))


def test_raw_files_with_notes_for_a_day(
    spark_address: str, source: Path, population: list[Resource], tmp_path: Path
) -> None:
    (tmp_path / "spark").mkdir()
    facts, _, told = on_spark(spark_address, source, tmp_path / "spark", ON_A_DAY)
    wanted, verdicts = screened(source, tmp_path / "duckdb", ON_A_DAY)
    assert without_numbers(facts) == without_numbers(wanted)
    assert (told["unreadable"], told["strangers"], told["versions"]) == (len(BAD_LINES), 1, SEVERAL)
    found, different = compared(population, ON_A_DAY, facts, verdicts)
    assert different == []
    assert found > len(BUNDLES) + DAMAGED / 2


def test_the_flat_form_at_the_end_of_each_record(
    spark_address: str, source: Path, population: list[Resource], tmp_path: Path
) -> None:
    for folder in ("flat", "spark", "make"):
        (tmp_path / folder).mkdir()
    with Database(str(tmp_path / "make")) as database:
        held = open_source(database, str(source))
        make_ready(database, held)
        write_flat(database, held, tmp_path / "flat")
    facts, _, _ = on_spark(spark_address, tmp_path / "flat", tmp_path / "spark", AT_THE_END)
    wanted, verdicts = screened(tmp_path / "flat", tmp_path / "duckdb", AT_THE_END)
    assert without_numbers(facts) == without_numbers(wanted)
    found, different = compared(population, AT_THE_END, facts, verdicts)
    assert different == []
    assert found > len(BUNDLES) + DAMAGED / 2


def without_numbers(table: Table) -> Table:
    """Rows without the number that an engine gave the patient."""
    return {
        patient: {name: value for name, value in row.items() if name != "patient"} for patient, row in table.items()
    }


def compared(population: list[Resource], options: ScreenOptions, facts: Table, judged: Table) -> tuple[int, list[str]]:
    different: list[str] = []
    found = 0
    for patient, record in records(population).items():
        try:
            one = one_patient(record, options)
        except InputError:
            continue
        found += 1
        different += differences(patient, one, facts, judged)
    return found, different


def near(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-14)


def test_the_command_writes_what_it_writes_on_duckdb(spark_address: str, source: Path, tmp_path: Path) -> None:
    """All of these and a generated population, from raw files to the report: facts, verdicts, reasons, evidence."""
    generated = tmp_path / "generated"
    assert main(["generate", str(generated), "--patients", "100", "--enrich", "20"]) == 0
    for file in source.iterdir():
        shutil.copy(file, generated / f"odd {file.name}")
    for out, engine in (("spark", spark_address), ("duckdb", "duckdb")):
        command = ["screen", str(generated), "--out", str(tmp_path / out), "--engine", engine]
        assert main([*command, "--complete", "medications,allergies"]) == 0
    spark, duckdb = tmp_path / "spark" / "latest", tmp_path / "duckdb" / "latest"
    assert sorted(file.name for file in spark.iterdir()) == sorted(file.name for file in duckdb.iterdir())
    for name in ("patient", "fact"):
        found, wanted = pq.read_table(spark / f"{name}.parquet"), pq.read_table(duckdb / f"{name}.parquet")
        # Whether a column may be null the engine says by what it happened to see.
        assert [(c.name, c.type) for c in found.schema] == [(c.name, c.type) for c in wanted.schema]
        for row, other in zip(sorted_rows(found), sorted_rows(wanted), strict=True):
            assert {c: (row[c], other[c]) for c in row if not same(row[c], other[c])} == {}
    found_, wanted_ = quality_of(spark), quality_of(duckdb)
    for name in ON_THE_ENTRIES:
        found_.pop(name), wanted_.pop(name)
    assert found_ == wanted_
    about = json.loads((spark / "run.json").read_text())
    assert about["engine"].startswith("Spark 4.")
    assert about["patients"] == len(pq.read_table(spark / "patient.parquet"))


def quality_of(run: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((run / "quality.json").read_text())
    return {**told, "samples": sorted(told["samples"], key=str)}  # DuckDB names the files in any order


def sorted_rows(table: Any) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=lambda row: str(row["patient"]))


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return near(one, other)
    return bool(one == other)


@pytest.mark.parametrize(
    ("files", "arguments", "said"),
    [
        ({}, (), "Spark finds no population there"),
        ({"person.csv": "person_id\n1\n"}, (), "OMOP is not read on Spark; make its flat form with --keep-flat"),
        ({"all.ndjson": "no JSON\n"}, (), "no FHIR resource was found in 1 NDJSON files"),
        ({"all.ndjson": "{}\n"}, ("--keep-flat", "kept"), "--keep-flat is not made on Spark"),
    ],
)
def test_what_cannot_be_screened_is_said_in_one_sentence(
    spark_address: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    files: dict[str, str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    (tmp_path / "source").mkdir()
    for name, text in files.items():
        (tmp_path / "source" / name).write_text(text)
    command = ["screen", str(tmp_path / "source"), "--out", str(tmp_path / "out"), "--engine", spark_address]
    assert main([*command, *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_data_that_spark_cannot_use_are_not_quoted(
    spark_address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = {"patient": ["p"], "sex": ["female"], "birth_date": ["19-secret"], "death_date": [None], "site": ["a"]}
    events = {name: ["p"] for name in ("patient", "reference", "content", "started", "ended", "recorded", "notes")}
    (tmp_path / "source").mkdir()
    flat_tables(tmp_path / "source", people, {**events, "content": ["{}"], "value": [1.0]})
    assert main(["screen", str(tmp_path / "source"), "--out", str(tmp_path / "out"), "--engine", spark_address]) == 2
    captured = capsys.readouterr()
    assert "refused: CAST_INVALID_INPUT" in captured.err
    assert "secret" not in captured.err + captured.out


def flat_tables(folder: Path, people: dict[str, Any], events: dict[str, Any]) -> None:
    import pyarrow as pa

    text = pa.string()
    for name, columns in (("patient", people), ("event", events)):
        types = {column: pa.float64() if column == "value" else text for column in columns}
        pq.write_table(pa.table({c: pa.array(v, types[c]) for c, v in columns.items()}), folder / f"{name}.parquet")
