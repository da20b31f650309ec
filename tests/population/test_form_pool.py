"""Contents are read alike by one process and by several, and none is lost when a process is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from populations import GUIDELINE, resources_of

from calcipath.errors import InputError
from calcipath.population import form_pool
from calcipath.population.duckdb_engine import Database
from calcipath.population.form_pool import Reading, read_forms
from calcipath.population.form_rows import FORM_TABLES
from calcipath.population.forms import FormReader

CASES = Path(__file__).parents[1] / "data"
RESOURCES = [r for f in sorted(CASES.glob("*/*.bundle.json")) for r in resources_of(json.loads(f.read_text()))]
TEXTS = [json.dumps(r) for r in RESOURCES if r["resourceType"] not in ("Patient", "Medication", "Specimen")]
WITHOUT_UNIT = (
    '{"resourceType":"Observation","status":"final","valueQuantity":{"value":"$value"},'
    '"code":{"coding":[{"system":"http://loinc.org","code":"1751-7"}]}}'
)
READER = FormReader(GUIDELINE, notes=True, code_systems={"urn:local": "http://loinc.org"})


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form_pool, "CHUNK_CONTENTS", 40)


def read(folder: Path, texts: list[str], threads: int) -> tuple[Reading, dict[str, list[Any]]]:
    folder.mkdir()
    with Database(str(folder), threads=threads) as database:
        database.run("SET preserve_insertion_order = true")
        fill(database, texts)
        reading = read_forms(database, READER, pool_from=0 if threads > 1 else 10**12)
        return reading, {table: database.run(f"SELECT * FROM {table}") for table in FORM_TABLES}


def fill(database: Database, texts: list[str]) -> None:
    database.make_form_tables()
    database.run("CREATE TABLE content (number INTEGER, content VARCHAR)")
    for number, text in enumerate(texts, 1):
        quoted = text.replace("'", "''")
        database.run(f"INSERT INTO content VALUES ({number}, '{quoted}')")


@pytest.mark.usefixtures("small_chunks")
def test_the_rows_do_not_depend_on_how_many_processes_read(tmp_path: Path) -> None:
    texts = [*TEXTS[:150], WITHOUT_UNIT, "no json", "[]"]
    alone, rows = read(tmp_path / "one", texts, 1)
    shared, same = read(tmp_path / "three", texts, 3)
    assert (alone.processes, shared.processes) == (1, 3)
    assert alone.contents == shared.contents == len(texts)
    assert rows == same
    assert {table for table in FORM_TABLES if not rows[table]} <= {"form_length", "form_frequency"}
    assert [row[0] for row in rows["form_content"]] == list(range(1, len(texts) + 1))
    problems = {(row[0], row[2], row[4]) for row in rows["form_problem"]}
    assert {(151, "unit-missing", "albumin"), (152, "unreadable", ""), (153, "unreadable", "")} <= problems


def test_without_contents_the_tables_are_there(tmp_path: Path) -> None:
    reading, rows = read(tmp_path / "none", [], 2)
    assert (reading.contents, reading.processes) == (0, 1)
    assert not any(rows.values())


def test_little_to_read_is_read_by_one_process(tmp_path: Path) -> None:
    with Database(str(tmp_path), threads=2) as database:
        fill(database, [WITHOUT_UNIT] * 3)
        assert read_forms(database, READER).processes == 1


def _end_at_once(_: bytes) -> None:
    os._exit(3)


@pytest.mark.usefixtures("small_chunks")
def test_a_process_that_ends_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form_pool, "_begin", _end_at_once)
    with pytest.raises(InputError, match="ended from outside"):
        read(tmp_path / "two", [WITHOUT_UNIT] * 100, 2)


def test_a_content_that_was_not_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form_pool, "_ranges", lambda *_: [(1, 2)])
    with pytest.raises(RuntimeError, match="not every content"):
        read(tmp_path / "one", [WITHOUT_UNIT] * 3, 1)


ORPHANS = """
import time
from calcipath.population.form_pool import _begin, _pickled
from concurrent.futures import ProcessPoolExecutor
import multiprocessing, os, sys
if __name__ == "__main__":
    sys.path.insert(0, {here!r})
    from calcipath.api import load_guideline
    from calcipath.population.forms import FormReader
    pickled = _pickled(FormReader(load_guideline(), notes=True))
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, (pickled,))
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(60)
"""


def test_when_the_run_is_killed_its_processes_end(tmp_path: Path) -> None:
    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS.format(here=str(Path(__file__).parent)))
    running = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert running.stdout is not None
    worker = int(running.stdout.readline())
    running.send_signal(signal.SIGKILL)
    running.wait()
    running.stdout.close()
    assert any(not alive for alive in _watched(worker))


def _watched(process: int) -> Iterator[bool]:
    for _ in range(100):
        stat = Path(f"/proc/{process}/stat")
        yield stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
        time.sleep(0.1)
