"""Small populations for the tests of the generator."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal

import orjson

from calcipath.synthesis.export import Order, generate
from calcipath.synthesis.people import Setting

AS_OF = "2026-06-30"


def setting(population: str = "dialysis", **chosen: Any) -> Setting:
    """A setting of a run; what is not chosen is off."""
    held: dict[str, Any] = {"seed": 7, "notes": 0.0, "mistakes": 0.0, "enrich": 1.0, **chosen}
    return Setting(as_of=date.fromisoformat(AS_OF).toordinal(), population=population, **held)


def generated(
    out: Path,
    patients: int,
    chosen: Setting,
    form: Literal["fhir", "omop"] = "fhir",
    *,
    workers: int = 1,
    zipped: bool = False,
) -> Path:
    """A generated population."""
    generate(Order(out, patients, chosen, form, zipped, workers))
    return out


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def lines(folder: Path) -> Iterator[tuple[str, str]]:
    """Resource type and line, of all NDJSON files."""
    for file in sorted(folder.glob("*.ndjson")):
        for line in file.read_text(encoding="utf-8").splitlines():
            yield file.name.partition(".")[0], line


def records(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The resources of each patient, with the drugs that orders refer to. For populations without mistakes."""
    shared, found = [], defaultdict(list)
    for kind, line in lines(folder):
        resource = orjson.loads(line)
        if kind == "Medication":
            shared.append(resource)
        elif kind == "Patient":
            found[resource["id"]].append(resource)
        elif kind not in ("Organization", "Location"):
            subject = resource.get("subject") or resource["patient"]
            found[subject["reference"].removeprefix("Patient/")].append(resource)
    return {patient: [*held, *shared] for patient, held in found.items()}


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of every file."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}
