"""Reading each file once: what the sample does not have, files that are not as their first lines, portions of patients."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from populations import Resource, renamed, resources_of
from test_parity import BOTH, BUNDLES, compared

from calcipath.cli import main
from calcipath.population import entry_reading, fhir_files, screening
from calcipath.population.screening import ScreenOptions

OPTIONS = (ScreenOptions(complete=BOTH, notes=True), ScreenOptions(as_of="2025-06-01"))


def everybody() -> list[Resource]:
    """The published cases; entries of each type together, so that a file begins with many of one type."""
    found = [r for number, bundle in enumerate(BUNDLES) for r in renamed(resources_of(bundle), f"c{number}-")]
    return sorted(found, key=lambda r: (str(r["resourceType"]) != "Observation", str(r["resourceType"])))


@pytest.mark.parametrize("options", OPTIONS, ids=["notes at the end", "codes for a day"])
def test_a_sample_that_has_few_contents_and_small_portions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: ScreenOptions
) -> None:
    monkeypatch.setattr(entry_reading, "SAMPLE", 3)
    monkeypatch.setattr(screening, "PORTION", 4)
    found = compared(tmp_path, everybody(), options, by_type=True)
    assert found.different == []
    assert len(found.patients) == len(BUNDLES)


def test_a_file_that_is_not_as_its_first_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    whole = fhir_files._types
    monkeypatch.setattr(
        fhir_files, "_types", lambda database, files: looked.append(len(files)) or whole(database, files)
    )
    found = compared(tmp_path, everybody(), OPTIONS[1])
    assert found.different == []
    assert len(found.patients) == len(BUNDLES)
    assert looked == [0, 1]  # first none, then the one file to its end


def test_bad_lines_of_a_file_of_one_type_are_told_now_and_with_its_flat_form(tmp_path: Path) -> None:
    source, flat = tmp_path / "source", tmp_path / "flat"
    source.mkdir()
    lines = [json.dumps({"resourceType": "Condition", "id": str(n), "subject": {"reference": "Patient/p"}, "code": {"text": "ulcer"}}) for n in range(3)]  # fmt: skip
    (source / "Condition.ndjson").write_text("\n".join([*lines[:2], "{", "", "[1]", lines[2]]) + "\n", encoding="utf-8")
    (source / "Patient.ndjson").write_text('{"resourceType": "Patient", "id": "p"}\nno JSON\n', encoding="utf-8")
    (source / "Claim.ndjson").write_text('{"resourceType": "Claim", "id": "c"}\n', encoding="utf-8")
    told = []
    for number, (given, more) in enumerate(((source, ()), (source, ("--keep-flat", str(flat))), (flat, ()))):
        out = tmp_path / f"out-{number}"
        assert main(["screen", str(given), "--out", str(out), "--no-report", *more]) == 0
        quality = json.loads((out / "latest" / "quality.json").read_text())
        told.append((quality["unreadable"], sorted((s["file"], s["line"]) for s in quality["samples"])))
        assert quality["resources"]["Condition"] == 3
        assert quality["resources"]["Claim"] == 1
    assert told == [(3, [("Condition.ndjson", 3), ("Condition.ndjson", 5), ("Patient.ndjson", 2)])] * 3
