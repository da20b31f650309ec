"""A run appears whole or not at all, whatever is wrong with the source, the disk or the machine."""

from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from populations import resources_of

from calcipath.cli import main

BUNDLE = json.loads((Path(__file__).parents[2] / "examples" / "haemodialysis-breast-eschar.bundle.json").read_text())
LINES = [json.dumps(resource) for resource in resources_of(BUNDLE)]
PATIENT = next(r["id"] for r in resources_of(BUNDLE) if r["resourceType"] == "Patient")
COMMAND = [sys.executable, "-m", "calcipath", "screen"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "all.ndjson").write_text("\n".join(LINES) + "\n")
    return folder


def rows(run: Path, query: str) -> list[Any]:
    with duckdb.connect(":memory:") as connection:
        return connection.execute(query.format(f"read_parquet('{run / 'patient.parquet'}')")).fetchall()


def contents(out: Path) -> dict[str, bytes]:
    return {
        str(f.relative_to(out)): f.read_bytes() for f in sorted(out.rglob("*")) if f.is_file() and not f.is_symlink()
    }


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["screen", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("calcipath: ")
    assert error.count("\n") == 1
    return error


def test_results_are_numbered_and_the_latest_is_named(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["screen", str(source), "--out", str(out)]) == 0
    assert main(["screen", str(source), "--out", str(out), "--complete", "medications", "--no-report"]) == 0
    assert (out / "latest").readlink() == Path("run-0002")
    assert sorted(f.name for f in out.iterdir()) == ["latest", "run-0001", "run-0002"]
    level = rows(out / "latest", "SELECT patient, suspicion_level FROM {}")
    assert level == [(PATIENT, "at-risk")]
    about = json.loads((out / "latest" / "run.json").read_text())
    assert (about["patients"], about["complete"], about["source"]) == (1, ["medications"], "source")
    assert list(about["seconds"]) == ["source", "patients", "entries", "versions", "facts", "verdicts"]
    assert all(seconds > 0 for seconds in about["seconds"].values())


def test_what_the_reading_took_is_told(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["screen", str(source), "--out", str(out), "--notes", "--no-report"]) == 0
    reading = json.loads((out / "latest" / "run.json").read_text())["reading"]
    entries = {kind for kind in (json.loads(line)["resourceType"] for line in LINES) if kind != "Patient"}
    assert len(entries) < reading["contents"] <= len(LINES)
    assert reading["processes"] == 1
    assert reading["per_second"] > 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"{reading['contents']} different texts were read in ")
    assert last.endswith(" a second) by 1 process.")


def test_evidence_and_reasons_name_entries_of_the_record(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["screen", str(source), "--out", str(out), "--no-report"]) == 0
    facts, reasons = rows(out / "latest", "SELECT facts, reasons FROM {}")[0]
    known = {f"{r['resourceType']}/{r['id']}" for r in resources_of(BUNDLE)}
    by_fact = {fact["fact"]: fact for fact in facts}
    assert {fact["reference"] for fact in facts} <= known
    assert by_fact["kidney-failure-recorded"]["holds"] is True
    reason = {item["item"]: item["facts"] for item in reasons}
    assert reason["risk:hyperphosphataemia"] == ["phosphate"]
    assert reason["risk:hyperparathyroidism"] == ["dialysis-recorded", "pth"]


def test_the_flat_form_gives_the_same_answer(source: Path, tmp_path: Path) -> None:
    out, flat = tmp_path / "out", [str(tmp_path / f"flat-{threads}") for threads in (1, 2)]
    kept = [(str(source), "--keep-flat", flat[n], "--threads", str(n + 1)) for n in (0, 1)]
    for chosen in ((str(source),), *kept, *((each,) for each in flat)):
        assert main(["screen", *chosen, "--out", str(out), "--no-report"]) == 0
    plain, *others = (rows(out / f"run-000{n}", "SELECT * FROM {}") for n in range(1, 6))
    assert others == [plain] * 4


def test_gzip_is_read(source: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.mkdir()
    (packed / "all.ndjson.gz").write_bytes(gzip.compress((source / "all.ndjson").read_bytes()))
    assert main(["screen", str(packed), "--out", str(tmp_path / "out"), "--no-report"]) == 0
    assert rows(tmp_path / "out" / "latest", "SELECT suspicion_level FROM {}") == [("at-risk",)]


def test_bad_lines_are_counted_and_shown_without_what_they_say(source: Path, tmp_path: Path) -> None:
    spoken = "Mrs-Named-Herself"
    bad = [f'{{"resourceType":"Condition","id":"{spoken}"', "[1]", f'"{spoken}"', f'{{"id":"{spoken}"}}', "", "{"]
    (source / "bad.ndjson").write_text("\n".join([LINES[0], *bad]) + "\n")
    assert main(["screen", str(source), "--out", str(tmp_path / "out"), "--no-report"]) == 0
    quality = json.loads((tmp_path / "out" / "latest" / "quality.json").read_text())
    assert quality["unreadable"] == 5
    assert [(s["file"], s["line"]) for s in quality["samples"]] == [("bad.ndjson", n) for n in (2, 3, 4, 5, 7)]
    assert spoken not in json.dumps(quality)


def test_entries_of_nobody_and_of_strangers_are_counted(source: Path, tmp_path: Path) -> None:
    code = {
        "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "11289", "display": "Warfarin"}]
    }
    order = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": code,
    }
    lines = [
        {**order, "id": "1", "subject": {"reference": "Patient/stranger"}, "authoredOn": "2026-01-01"},
        {**order, "id": "2"},
        {**order, "id": "3", "subject": {"reference": "Group/7"}},
    ]
    (source / "more.ndjson").write_text("\n".join(map(json.dumps, lines)) + "\n")
    assert main(["screen", str(source), "--out", str(tmp_path / "out"), "--no-report"]) == 0
    quality = json.loads((tmp_path / "out" / "latest" / "quality.json").read_text())
    assert (quality["nobody"], quality["strangers"]) == (2, 1)
    found = rows(tmp_path / "out" / "latest", "SELECT patient, risk_vitamin_k_antagonist, sex FROM {} ORDER BY 1 DESC")
    assert found[0] == ("stranger", True, None)


def versioned(number: str, updated: str, status: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest", "meta": {"versionId": number, "lastUpdated": updated},
        "status": status, "intent": "order", "authoredOn": "2026-01-01",
        "medicationCodeableConcept": {"text": "Warfarin 5 mg"},
    }  # fmt: skip


VERSIONS: tuple[tuple[Any, Any, bool | None], ...] = (
    (("1", "2026-01-01T00:00:00Z", "active"), ("2", "2026-01-02T00:00:00Z", "entered-in-error"), None),
    (("2", "2026-01-02T00:00:00Z", "entered-in-error"), ("1", "2026-01-01T00:00:00Z", "active"), None),
    (("1", "2026-01-01T00:00:00Z", "entered-in-error"), ("2", "2026-01-02T00:00:00Z", "active"), True),
    (("1", "", "active"), ("2", "", "stopped"), None),
    (("1", "", "stopped"), ("1", "", "active"), True),  # without a telling date the later in the source
)


def test_of_two_versions_the_newer_counts(tmp_path: Path) -> None:
    """A patient for each pair; the pairs stand one after the other, and one inside another."""
    own = [
        [{**versioned(*version), "id": f"same-{n}", "subject": {"reference": f"Patient/{n}"}} for version in pair]
        for n, (*pair, _) in enumerate(VERSIONS)
    ]
    people = [{"resourceType": "Patient", "id": str(n)} for n in range(len(VERSIONS))]
    orders = [[entry for pair in own for entry in pair], [*(pair[0] for pair in own), *(pair[1] for pair in own)]]
    for name, entries in zip(("by pair", "apart"), orders, strict=True):
        source = tmp_path / name
        source.mkdir()
        (source / "a.ndjson").write_text("\n".join(map(json.dumps, [*people, *entries])))
        assert main(["screen", str(source), "--out", str(tmp_path / "out"), "--no-report"]) == 0
        found = rows(tmp_path / "out" / "latest", "SELECT facts FROM {} ORDER BY patient")
        told = [[f["holds"] for f in facts if f["fact"] == "vitamin-k-antagonist"] for (facts,) in found]
        assert told == [[] if holds is None else [holds] for *_, holds in VERSIONS]


def test_a_source_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert "there is no file or folder" in refused(capsys, str(tmp_path / "nowhere"), "--out", str(out))
    (tmp_path / "empty").mkdir()
    assert "holds no population" in refused(capsys, str(tmp_path / "empty"), "--out", str(out))
    (tmp_path / "empty" / "x.ndjson").write_text("no json\n")
    assert "no FHIR resource" in refused(capsys, str(tmp_path / "empty"), "--out", str(out))
    (tmp_path / "empty" / "x.ndjson.gz").write_bytes(b"not gzip at all")
    assert "x.ndjson.gz cannot be read" in refused(capsys, str(tmp_path / "empty"), "--out", str(out))
    assert not list(out.glob("*"))


def test_a_flat_table_of_another_shape_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with duckdb.connect(":memory:") as connection:
        for table in ("patient", "event"):
            connection.execute(f"COPY (SELECT 'p' AS patient) TO '{tmp_path / table}.parquet' (FORMAT parquet)")
    assert "patient.parquet has no column sex" in refused(capsys, str(tmp_path), "--out", str(tmp_path / "out"))
    (tmp_path / "event.parquet").write_bytes(b"PAR1 nothing")
    (tmp_path / "patient.parquet").write_bytes(b"PAR1 nothing")
    assert "cannot be read" in refused(capsys, str(tmp_path), "--out", str(tmp_path / "out"))


def test_a_full_disk_changes_nothing(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["screen", str(source), "--out", str(out), "--no-report"]) == 0
    before = contents(out)

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done = subprocess.run(
        [*COMMAND, str(source), "--out", str(out)],
        preexec_fn=little_room,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("calcipath: ")
    assert "nothing was changed" in done.stderr
    assert contents(out) == before


def test_a_killed_run_leaves_the_old_result_and_the_next_one_tidies_up(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for number in range(60):
        copied = [line.replace(PATIENT, f"{PATIENT}{number}") for line in LINES]
        (source / f"n{number}.ndjson").write_text("\n".join(copied) + "\n")
    assert main(["screen", str(source), "--out", str(out), "--no-report"]) == 0
    before = contents(out)
    killed = 0
    for delay in (0.3, 0.6, 0.9, 1.2, 1.5):
        running = subprocess.Popen([*COMMAND, str(source), "--out", str(out)], env=os.environ)
        time.sleep(delay)
        running.send_signal(signal.SIGKILL)
        killed += running.wait() == -signal.SIGKILL
        runs = list(out.glob("run-*"))
        for run in runs:
            assert (run / "patient.parquet").exists()
            assert json.loads((run / "run.json").read_text())["patients"] == 61
        assert dict(contents(out / "run-0001").items()) == {
            name.removeprefix("run-0001/"): data for name, data in before.items()
        }
        assert (out / "latest" / "run.json").exists()
    assert killed >= 2
    assert main(["screen", str(source), "--out", str(out), "--no-report"]) == 0
    assert not list(out.glob(".unfinished-*"))
    shutil.rmtree(out)


def albumin(day: str, **more: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "1751-7"}]}
    quantity = {"value": 2.5, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"}
    who = {"subject": {"reference": "Patient/p"}, "effectiveDateTime": day}
    return {"resourceType": "Observation", "status": "final", "code": code, "valueQuantity": quantity, **who, **more}


def test_entries_without_an_id_are_all_read(tmp_path: Path) -> None:
    """They are not versions of one another."""
    source = tmp_path / "source"
    source.mkdir()
    potassium = {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]}
    unit = {"value": 5.0, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
    lines = [
        {"resourceType": "Patient", "id": "p"},
        albumin("2026-01-01"),
        albumin("2026-01-01", code=potassium, valueQuantity=unit),
    ]
    (source / "a.ndjson").write_text("\n".join(map(json.dumps, lines)))
    assert main(["screen", str(source), "--out", str(tmp_path / "out"), "--no-report"]) == 0
    facts = rows(tmp_path / "out" / "latest", "SELECT facts FROM {}")[0][0]
    assert {"albumin", "potassium"} <= {fact["fact"] for fact in facts}


def test_one_reference_in_two_flat_files_is_not_lost(tmp_path: Path) -> None:
    source, flat = tmp_path / "source", tmp_path / "flat"
    source.mkdir()
    lines = [{"resourceType": "Patient", "id": "p"}, albumin("2026-01-01", id="o")]
    (source / "a.ndjson").write_text("\n".join(map(json.dumps, lines)))
    assert main(["screen", str(source), "--out", str(tmp_path / "out"), "--keep-flat", str(flat), "--no-report"]) == 0
    shutil.copy(flat / "event-00.parquet", flat / "event-01.parquet")
    assert main(["screen", str(flat), "--out", str(tmp_path / "out"), "--no-report"]) == 0
    first, second = (rows(tmp_path / "out" / f"run-000{n}", "SELECT facts FROM {}") for n in (1, 2))
    assert first == second
    assert [fact["fact"] for fact in first[0][0]].count("albumin") == 1


def test_folders_whose_names_look_like_patterns(source: Path, tmp_path: Path) -> None:
    for name in ("ward [1]", "all *"):
        held = tmp_path / name / "source"
        shutil.copytree(source, held)
        assert main(["screen", str(held), "--out", str(tmp_path / name / "out"), "--no-report"]) == 0
        assert rows(source, f"SELECT patient FROM '{tmp_path / name / 'out' / 'latest' / 'patient.parquet'}'") == [
            (PATIENT,)
        ]


def test_a_flat_entry_without_a_content_is_told(tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    columns = {
        "patient": ("sex", "birth_date", "death_date", "site"),
        "event": ("reference", "content", "started", "ended", "recorded", "notes"),
    }
    with duckdb.connect(":memory:") as connection:
        for table, names in columns.items():
            empty = "".join(f", NULL::VARCHAR AS {name}" for name in names)
            select = f"SELECT 'p' AS patient{empty}, 1.0::DOUBLE AS value"
            connection.execute(f"COPY ({select}) TO '{flat / table}.parquet' (FORMAT parquet)")
    assert main(["screen", str(flat), "--out", str(tmp_path / "out"), "--no-report"]) == 0
    quality = json.loads((tmp_path / "out" / "latest" / "quality.json").read_text())
    assert [(p["problem"], p["entries"]) for p in quality["problems"]] == [("unreadable", 1)]


def test_a_value_without_a_unit_is_counted(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    lines = [{"resourceType": "Patient", "id": "p"}, albumin("2026-01-01", id="o", valueQuantity={"value": 2.5})]
    (source / "a.ndjson").write_text("\n".join(map(json.dumps, lines)))
    assert main(["screen", str(source), "--out", str(tmp_path / "out"), "--no-report"]) == 0
    quality = json.loads((tmp_path / "out" / "latest" / "quality.json").read_text())
    told = {(p["resource_type"], p["problem"], p["entries"]) for p in quality["problems"]}
    assert ("Observation", "unit-missing", 1) in told
