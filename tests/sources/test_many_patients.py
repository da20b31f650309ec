"""Bulk exports and histories: one patient's lines out of many, the newest version out of several."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from calcipath.errors import InputError
from calcipath.record.reader import read_resources
from calcipath.sources import files
from calcipath.sources.files import read_path


def exported(folder: Path, patients: int, each: int) -> Path:
    """A bulk export: one NDJSON file a type, every patient's lines mixed."""
    people = [{"resourceType": "Patient", "id": f"p{n}"} for n in range(patients)]
    drug = {"resourceType": "Medication", "id": "m", "code": {"text": "warfarin"}}
    lines = [
        {
            "resourceType": "MedicationStatement",
            "id": f"s{n}-{m}",
            "status": "active",
            "subject": {"reference": f"Patient/p{n}"},
            "medicationReference": {"reference": "Medication/m"},
        }
        for m in range(each)
        for n in range(patients)
    ]
    for name, rows in (("Patient", people), ("Medication", [drug]), ("MedicationStatement", lines)):
        (folder / f"{name}.ndjson").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return folder


def test_the_limit_is_for_the_chosen_patient_not_for_the_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = exported(tmp_path, patients=20, each=5)
    monkeypatch.setattr(files, "MOST_ENTRIES", 50)
    found = read_resources(read_path(str(folder), patient="p7").resources)
    assert [event.reference for event in found.record.events] == [f"MedicationStatement/s7-{m}" for m in range(5)]
    assert {event.name for event in found.record.events} == {"warfarin"}
    assert found.record.problems == ()
    with pytest.raises(InputError, match="more than 50 resources"):
        read_path(str(folder))


def versions(*values: float) -> list[dict[str, Any]]:
    return [
        {
            "resource": {
                "resourceType": "Observation",
                "id": "o",
                "meta": {"versionId": str(len(values) - n)},
                "status": "final",
                "subject": {"reference": "Patient/p"},
                "code": {"text": "Potassium"},
                "valueInteger": value,
            }
        }
        for n, value in enumerate(values)
    ]


def test_of_a_history_the_newest_version_is_read_without_a_problem(tmp_path: Path) -> None:
    patient = {"resource": {"resourceType": "Patient", "id": "p"}}
    bundle = {"resourceType": "Bundle", "type": "history", "entry": [*versions(6, 5, 4), patient]}
    path = tmp_path / "history.json"
    path.write_text(json.dumps(bundle), encoding="utf-8")
    record = read_resources(read_path(str(path)).resources).record
    (event,) = record.events
    assert event.quantity is not None and event.quantity.value == 6.0
    assert record.problems == ()


def test_the_log_of_an_export_is_listed_and_not_in_the_way(tmp_path: Path) -> None:
    folder = exported(tmp_path, patients=1, each=1)
    (folder / "log.ndjson").write_text('{"exportId": "1", "eventId": "kickoff"}\n', encoding="utf-8")
    record = read_resources(read_path(str(folder)).resources).record
    assert len(record.events) == 1
    assert [problem.reference for problem in record.problems] == [f"{folder / 'log.ndjson'}, line 1"]
    with pytest.raises(InputError, match="no FHIR resources"):
        read_path(str(folder / "log.ndjson"))
