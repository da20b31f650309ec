"""Compare the screening of a folder of NDJSON or of OMOP tables (CSV) with the one-patient evaluator, patient by patient.

    .venv/bin/python tools/population_parity.py FOLDER [--notes] [--as-of DATE] [--config FILE] [--most N]

Prints how many patients and entries (each with what it refers to) were compared, and the first differences; exit status 1
when there is one.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "population"))
from omop_records import Meaning, read_tables
from populations import differences, one_patient, records, screened

from calcipath.errors import InputError
from calcipath.population.fhir_files import find_ndjson
from calcipath.population.screening import ScreenOptions
from calcipath.site_assessor import assessor_for


def resources(folder: Path) -> Iterator[dict[str, Any]]:
    """Every resource of the folder that is JSON."""
    for name in find_ndjson(folder):
        with gzip.open(name) if name.endswith(".gz") else open(name, "rb") as lines:  # noqa: PTH123
            for line in lines:
                try:
                    held = orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue
                if isinstance(held, dict) and isinstance(held.get("resourceType"), str):
                    yield held


def records_of(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The record of each patient; rows of OMOP tables as the resources that they mean."""
    tables = read_tables(folder)
    return Meaning(tables).records() if "person" in tables else records(resources(folder))


def main() -> int:
    """Compare, and tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--notes", action="store_true")
    parser.add_argument("--as-of", default="")
    parser.add_argument("--config", default="")
    parser.add_argument("--most", type=int, default=10**9)
    chosen = parser.parse_args()
    assessor, site = assessor_for(chosen.config)
    guideline = assessor.guideline
    both = frozenset({"medications", "allergies"})
    options = ScreenOptions(chosen.as_of, chosen.notes, both, site.code_systems)
    with tempfile.TemporaryDirectory() as work:
        facts, verdicts = screened(chosen.folder, Path(work), options, guideline)
    found: list[str] = []
    compared = entries = 0
    for patient, record in list(records_of(chosen.folder).items())[: chosen.most]:
        try:
            one = one_patient(record, options, guideline)
        except InputError as error:
            print(f"{patient}: not read alone: {error}")
            continue
        compared += 1
        entries += len(record)
        found += differences(patient, one, facts, verdicts)
    names = sum(1 for _ in guideline.facts) + len(guideline.recommendations)
    print(
        f"{compared:,} patients, {entries:,} entries: {len(found)} differences (about {names} facts and verdicts each)"
    )
    for told in found[:40]:
        print(told)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
