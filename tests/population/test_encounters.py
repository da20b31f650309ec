"""How often each patient was seen in the year before the run, counted by hand on small records."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from omop_records import write_tables

from calcipath.api import load_guideline
from calcipath.cli import main
from calcipath.population.run import RunOptions, screen
from calcipath.population.screening import ScreenOptions

AS_OF = "2026-06-30"
GUIDELINE = load_guideline()
Row = tuple[Any, ...]


def encounter(patient: str, name: str, start: str, place: str = "AMB", **more: Any) -> dict[str, Any]:
    period = {"start": start, **({"end": more.pop("end")} if "end" in more else {})}
    return {
        "resourceType": "Encounter", "id": name, "status": "finished", "class": {"code": place},
        "subject": {"reference": f"Patient/{patient}"}, "period": period, **more,
    }  # fmt: skip


PEOPLE = [{"resourceType": "Patient", "id": name} for name in ("often", "stays", "twice", "never")]
ENCOUNTERS = [
    # three times in the year, its first and its last day among them; the others do not count
    encounter("often", "a1", "2026-06-30T23:00:00Z"),
    encounter("often", "a2", "2025-07-01"),
    encounter("often", "a3", "2026-01-01", "VR"),
    encounter("often", "a4", "2025-06-30"),
    encounter("often", "a5", "2026-07-01"),
    encounter("often", "a6", "2126-01-01"),
    encounter("often", "a7", "2026-01-02", status="planned"),
    encounter("often", "a8", "2026-01-02", status="cancelled"),
    encounter("often", "a9", "2026-01-02", status="entered-in-error"),
    # a stay that began before the year and ended in it is a discharge only; one that goes on is none
    encounter("stays", "b1", "2025-06-01", "IMP", end="2025-07-15"),
    encounter("stays", "b2", "2026-03-01T10:00:00+01:00", "IMP", end="2026-03-09T10:00:00+01:00"),
    encounter("stays", "b3", "2026-06-01", "IMP", end="2026-06-20", status="in-progress"),
    encounter("stays", "b4", "2026-02-01", end="2026-02-01"),
    # the newest version counts, wherever it stands: moved out of the year, and into it
    encounter("twice", "c1", "2026-04-01", meta={"lastUpdated": "2026-04-01T00:00:00Z"}),
    encounter("twice", "c1", "2020-04-01", meta={"lastUpdated": "2026-04-02T00:00:00Z"}),
    encounter("twice", "c2", "2026-04-03", meta={"lastUpdated": "2026-04-04T00:00:00Z"}),
    encounter("twice", "c2", "2020-04-03", meta={"lastUpdated": "2026-04-03T00:00:00Z"}),
    encounter("twice", "c4", "2026-05-03", meta={"lastUpdated": "2026-05-04T00:00:00Z"}),
    encounter("twice", "c4", "2020-05-03", meta={"lastUpdated": "2026-05-03T00:00:00Z"}),
    # a period that no date arithmetic can be sure of stays in the content and is read there
    {**encounter("twice", "c3", "2026-05"), "period": {"start": "2026-05-01", "end": "2026-04-01"}},
]  # fmt: skip
WANTED = [("never", 0, 0, 0), ("often", 3, 0, 0), ("stays", 3, 2, 2), ("twice", 3, 0, 0)]


def write(folder: Path, resources: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    (folder / "all.ndjson").write_text("".join(f"{json.dumps(each)}\n" for each in resources))
    return folder


def counted(source: Path, out: Path, *, asked: bool = True, flat: str = "") -> list[Row]:
    options = RunOptions(ScreenOptions(AS_OF), flat=flat, encounters=asked)
    run = screen(str(source), str(out), GUIDELINE, options, step=lambda _: None, report=lambda *_: None)
    return held(run)


def held(run: Path) -> list[Row]:
    file = run / "encounters.parquet"
    return duckdb.connect().execute(f"SELECT * FROM '{file}' ORDER BY patient").fetchall() if file.exists() else []


def test_encounters_and_discharges_of_the_year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")  # the machine's zone makes no difference
    source = write(tmp_path / "source", [*PEOPLE, *ENCOUNTERS])
    assert counted(source, tmp_path / "out", flat=str(tmp_path / "flat")) == WANTED
    assert counted(tmp_path / "flat", tmp_path / "out") == WANTED
    assert counted(source, tmp_path / "out", asked=False) == []


def test_the_cards_are_counted_at_these_encounters(tmp_path: Path) -> None:
    source, out = write(tmp_path / "source", [*PEOPLE, *ENCOUNTERS]), tmp_path / "out"
    assert main(["screen", str(source), "--out", str(out), "--as-of", AS_OF, "--no-report", "--what-if"]) == 0
    assert held(out / "latest") == WANTED
    found = json.loads((out / "latest" / "what-if.json").read_text())["now"]
    calls = {each["hook"]: each["calls"] for each in found["services"]}
    assert (calls["patient-view"], calls["encounter-discharge"]) == (9, 2)
    assert not any("the run holds no" in note for note in found["notes"])


def test_where_no_class_is_given_discharges_are_not_known(tmp_path: Path) -> None:
    bare = encounter("often", "a1", "2026-01-01")
    del bare["class"]
    source = write(tmp_path / "source", [PEOPLE[0], bare])
    assert counted(source, tmp_path / "out") == [("often", 1, 0)]


def test_without_encounters_there_is_no_file(tmp_path: Path) -> None:
    assert counted(write(tmp_path / "source", PEOPLE), tmp_path / "out") == []


def test_visits_of_omop(tmp_path: Path) -> None:
    visits = [
        {"visit_occurrence_id": "1", "person_id": "1", "visit_concept_id": "9202", "visit_start_date": "2026-01-01", "visit_end_date": "2026-01-01"},
        {"visit_occurrence_id": "2", "person_id": "1", "visit_concept_id": "9201", "visit_start_date": "2026-02-01", "visit_end_date": "2026-02-09"},
        {"visit_occurrence_id": "3", "person_id": "1", "visit_concept_id": "9202", "visit_start_date": "2024-01-01", "visit_end_date": "2024-01-01"},
        {"visit_occurrence_id": "4", "person_id": "2", "visit_concept_id": "9203", "visit_start_date": "2026-03-01", "visit_end_date": "2026-03-02"},
    ]  # fmt: skip
    people = [{"person_id": name, "gender_concept_id": "8532", "year_of_birth": "1960"} for name in "12"]
    source = write_tables(tmp_path / "source", {"person": people, "visit_occurrence": visits})
    assert counted(source, tmp_path / "out") == [("1", 2, 1, 1), ("2", 1, 0, 0)]
