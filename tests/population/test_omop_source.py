"""Where OMOP tables may stand, and what is said of those that cannot be read."""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from omop_records import write_tables

from calcipath.errors import InputError
from calcipath.population.duckdb_engine import Database
from calcipath.population.omop_sql import events_sql, find_omop, patients_sql, prepare_sql, problems_sql

DATA = Path(__file__).parent / "data" / "omop-5.4"
PERSON = {"person_id": "1", "gender_concept_id": "8532", "year_of_birth": "1960"}


def told(work: Path, path: Path) -> list[tuple[Any, ...]]:
    """All events, in an order of their own, and the patients."""
    work.mkdir(exist_ok=True)
    with Database(str(work)) as database:
        source = find_omop(database.run, str(path))
        assert source is not None
        for statement in prepare_sql(source):
            database.run(statement)
        return [
            *database.run(f"SELECT * FROM ({events_sql(source)}) ORDER BY ALL"),
            *database.run(f"SELECT * FROM ({patients_sql(source)}) ORDER BY ALL"),
        ]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    return told(tmp_path_factory.mktemp("expected"), DATA)


def as_gzip(out: Path) -> Path:
    for file in DATA.glob("*.csv"):
        (out / f"{file.name.upper()}.gz").write_bytes(gzip.compress(file.read_bytes()))
    return out


def as_tabs(out: Path) -> Path:
    """As OHDSI's vocabularies come: no quotation marks. A note of two lines cannot be written so."""
    for file in DATA.glob("*.csv"):
        query = f"FROM read_csv('{file}', all_varchar = true)"
        if file.stem == "note":
            shutil.copy(file, out)
        else:
            duckdb.sql(query).write_csv(str(out / f"{file.stem}.tsv"), sep="\t", quotechar="\x01")
    return out


def as_parquet(out: Path) -> Path:
    """Typed columns: numbers, dates and times."""
    for file in DATA.glob("*.csv"):
        duckdb.sql(f"FROM read_csv('{file}')").write_parquet(str(out / f"{file.stem}.parquet"))
    return out


def as_folders(out: Path) -> Path:
    for file in DATA.glob("*.csv"):
        (out / file.stem).mkdir()
        rows = duckdb.sql(f"FROM read_csv('{file}', all_varchar = true)")
        rows.limit(1).write_parquet(str(out / file.stem / "part-0.parquet"))
        rows.limit(100, 1).write_parquet(str(out / file.stem / "part-1.parquet"))
    return out


def as_parts(out: Path) -> Path:
    for file in DATA.glob("*.csv"):
        if file.stem == "note":
            shutil.copy(file, out)
            continue
        head, *lines = file.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            (out / f"{file.stem}-{number:04}.csv").write_text(f"{head}\n{line}\n", encoding="utf-8")
    return out


def as_database(out: Path) -> Path:
    """Vocabularies in a schema of their own, and an empty copy of a table there."""
    with duckdb.connect(str(out / "hospital.duckdb")) as database:
        database.execute("CREATE SCHEMA vocabulary; CREATE SCHEMA cdm")
        for file in DATA.glob("*.csv"):
            schema = "vocabulary" if file.stem == "concept" else "cdm"
            database.execute(f"CREATE TABLE {schema}.{file.stem.upper()} AS FROM read_csv('{file}')")
        database.execute("CREATE TABLE vocabulary.note AS FROM cdm.note LIMIT 0")
    return out / "hospital.duckdb"


@pytest.mark.parametrize("made", [as_gzip, as_tabs, as_parquet, as_folders, as_parts, as_database])
def test_every_way_to_keep_tables(tmp_path: Path, made: Any, expected: list[tuple[Any, ...]]) -> None:
    out = tmp_path / "cdm"
    out.mkdir()
    assert told(tmp_path / "work", made(out)) == expected


def test_a_database_is_not_changed(tmp_path: Path) -> None:
    path = as_database(tmp_path)
    before = path.read_bytes()
    told(tmp_path / "work", path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("names", [("notes.csv",), ("observation.ndjson", "note.csv"), ("patient.parquet",), ()])
def test_what_is_no_omop_data_set(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).write_text("a,b\n1,2\n", encoding="utf-8")
    with Database(str(tmp_path)) as database:
        assert find_omop(database.run, str(tmp_path)) is None
        assert find_omop(database.run, str(tmp_path / "no.csv")) is None


def test_a_database_of_something_else(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "other.duckdb")) as database:
        database.execute("CREATE TABLE sales (price DOUBLE)")
    with Database(str(tmp_path)) as work:
        assert find_omop(work.run, str(tmp_path / "other.duckdb")) is None


REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "no person": (
        {"measurement.csv": "measurement_id,person_id,measurement_concept_id,measurement_date\n"},
        "has no table person",
    ),
    "no column": (
        {"person.csv": "person_id\n1\n", "measurement.csv": "measurement_id,person_id,measurement_date\n1,1,2026-01-01\n"},
        "the table measurement in .* has no column measurement_concept_id",
    ),
    "two first lines": ({"person-1.csv": "person_id\n1\n", "person-2.csv": "id\n2\n"}, "the same first line"),
    "an empty file": ({"person.csv": ""}, "no first line that names its columns"),
    "names twice": ({"person.csv": "person_id,PERSON_ID\n"}, "each once"),
    "not Parquet": ({"person.parquet": "person_id\n1\n"}, "person.parquet cannot be read"),
    "two formats": ({"person.parquet": "", "person.csv": "person_id\n"}, "keep one of the two"),
    "not gzip": ({"person.csv.gz": "person_id\n1\n"}, "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path: Path, name: str) -> None:
    files, sentence = REFUSED[name]
    for file, text in files.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    with Database(str(tmp_path)) as database, pytest.raises(InputError, match=sentence):
        find_omop(database.run, str(tmp_path))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "cdm.duckdb").write_bytes(b"nothing" * 2000)
    with Database(str(tmp_path)) as database, pytest.raises(InputError, match="cannot be read as a DuckDB database"):
        find_omop(database.run, str(tmp_path / "cdm.duckdb"))


def test_persons_alone_are_a_data_set(tmp_path: Path) -> None:
    assert told(tmp_path / "work", write_tables(tmp_path / "cdm", {"person": [PERSON]})) == [
        ("1", "female", "1960", None, None)
    ]


def test_an_import_that_kept_the_names_as_a_row(tmp_path: Path) -> None:
    """As in a public 5.3 example: a table that was empty has columns by number."""
    path = write_tables(tmp_path / "cdm", {"person": [PERSON]})
    (path / "death.csv").write_text("column0,column1\nPERSON_ID,DEATH_DATE\n", encoding="utf-8")
    assert told(tmp_path / "work", path) == [("1", "female", "1960", None, None)]


MISTAKEN = {
    "person": [PERSON],
    "condition_occurrence": [
        {
            "condition_occurrence_id": "1",
            "person_id": "",
            "condition_concept_id": "77",
            "condition_start_date": "2026-02-30",
            "condition_start_datetime": "2026-02-03 10:00:00",
            "condition_end_date": "9999-12-31",
        },
        {
            "condition_occurrence_id": "",
            "person_id": "1.0",
            "condition_concept_id": "0",
            "condition_start_date": "2026-02-03",
            "condition_start_datetime": "2026-02-04 10:00:00",
            "condition_end_date": "2026-01-03",
        },
        {
            "condition_occurrence_id": "3",
            "person_id": "1",
            "condition_concept_id": "12.7",
            "condition_start_date": "2026-02-03",
        },
    ],
    "measurement": [
        {
            "measurement_id": str(number),
            "person_id": "1",
            "measurement_concept_id": "0",
            "measurement_date": "2026-02-03",
            "measurement_source_value": "x",
            "value_as_number": value,
        }
        for number, value in enumerate(("3,5", "NaN", "1_000", "inf", " 7 ", ""))
    ],
}


def test_doubtful_cells_are_counted_and_stop_nothing(tmp_path: Path) -> None:
    path = write_tables(tmp_path / "cdm", MISTAKEN)
    with Database(str(tmp_path)) as database:
        source = find_omop(database.run, str(path))
        assert source is not None
        for statement in prepare_sql(source):
            database.run(statement)
        assert database.run(problems_sql(source)) == [
            ("date and time differ", "condition_occurrence", "condition_start_datetime", 1),
            ("ends before it starts", "condition_occurrence", "condition_end_date", 1),
            ("no code", "condition_occurrence", "condition_concept_id", 2),
            ("no identifier", "condition_occurrence", "condition_occurrence_id", 1),
            ("no identifier", "condition_occurrence", "person_id", 1),
            ("unknown concept", "condition_occurrence", "condition_concept_id", 1),
            ("unknown concept", "person", "gender_concept_id", 1),
            ("unreadable", "condition_occurrence", "condition_concept_id", 1),
            ("unreadable", "condition_occurrence", "condition_end_date", 1),
            ("unreadable", "condition_occurrence", "condition_start_date", 1),
            ("unreadable", "measurement", "value_as_number", 4),
        ]
        rows = database.run(f"SELECT patient, reference, started, ended, value FROM ({events_sql(source)})")
    events = {row[1]: row for row in rows}
    assert len(events) == 9
    assert events["Condition/condition-1"][2:4] == ("2026-02-03T10:00:00", None)
    assert ("1", "2026-02-03", None) in {(row[0], *row[2:4]) for row in rows if "unnumbered" in row[1]}
    assert [events[f"Observation/measurement-{number}"][4] for number in range(6)] == [None] * 4 + [7.0, None]


def test_lines_with_too_few_or_too_many_columns_are_counted(tmp_path: Path) -> None:
    path = write_tables(tmp_path / "cdm", MISTAKEN)
    with (path / "measurement.csv").open("a", encoding="utf-8", newline="\r\n") as stream:
        stream.write("9,1,0\n10,1,0,2026-02-03,x,1,2,3\n")
    with Database(str(tmp_path)) as database:
        source = find_omop(database.run, str(path))
        assert source is not None
    assert (source.unreadable, [(bad.file, bad.line, bad.why) for bad in source.samples]) == (
        2,
        [("measurement.csv", 8, "missing columns"), ("measurement.csv", 9, "too many columns")],
    )


def test_lines_that_end_in_two_ways_are_read_and_told(tmp_path: Path) -> None:
    path = write_tables(tmp_path / "cdm", MISTAKEN)
    with (path / "measurement.csv").open("a", encoding="utf-8") as stream:
        stream.write("9,1,0,2026-02-03,x,1\n")
    with Database(str(tmp_path)) as database:
        source = find_omop(database.run, str(path))
        assert source is not None
        assert source.unreadable == 0
        assert ["in two ways" in bad.why for bad in source.samples] == [True]
        for statement in prepare_sql(source):
            database.run(statement)
        assert database.count(f"SELECT count(*) FROM ({events_sql(source)}) WHERE reference LIKE '%measurement%'") == 7
