"""Assess the 100 real, de-identified patients of the MIMIC-IV demo on FHIR (PhysioNet, version 2.1.0) and count.

    .venv/bin/python benchmarks/mimic_demo.py FOLDER

`FOLDER` holds the data set's `*.ndjson.gz` files; none of its data is part of this project. The counts check reading
against a plain search of the same files for codes and names; whether an assessment is right they cannot tell, as no
patient of the set is known to have calciphylaxis.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from calcipath.api import assess_resources
from calcipath.errors import CalcipathError
from calcipath.options import AssessmentOptions

SITE_MAP = "src/calcipath/guideline/content/site-maps/mimic-iv.yaml"
# ICD-10-CM and ICD-9-CM codes (without their dot, as the data set writes them) that say stage 5 or dialysis.
KIDNEY_FAILURE_CODES = ("N185", "N186", "Z992", "5855", "5856", "V451")

Resource = Mapping[str, Any]


def resources(folder: Path) -> Iterator[Resource]:
    """Every resource of the folder's compressed NDJSON files."""
    for file in sorted(folder.glob("*.ndjson.gz")):
        with gzip.open(file) as lines:
            yield from (orjson.loads(line) for line in lines)


def target(resource: Resource, *elements: str) -> str:
    """The id that the first of these reference elements points to, or ''."""
    for element in elements:
        reference = (resource.get(element) or {}).get("reference", "")
        if reference:
            return str(reference).rpartition("/")[2]
    return ""


def by_patient(folder: Path) -> tuple[dict[str, list[Resource]], dict[str, Resource]]:
    """Resources grouped by patient id, and the shared Medication resources by id."""
    patients: dict[str, list[Resource]] = defaultdict(list)
    medications: dict[str, Resource] = {}
    for resource in resources(folder):
        kind = resource["resourceType"]
        if kind == "Medication":
            medications[resource["id"]] = resource
        elif owner := resource["id"] if kind == "Patient" else target(resource, "subject", "patient"):
            patients[owner].append(resource)
    return {
        name: held for name, held in patients.items() if any(r["resourceType"] == "Patient" for r in held)
    }, medications


def with_medications(held: Sequence[Resource], medications: Mapping[str, Resource]) -> list[Resource]:
    """A patient's resources with the Medication resources that they name, and the ingredients of those."""
    wanted: dict[str, Resource] = {}
    waiting = [target(resource, "medicationReference") for resource in held]
    while waiting:
        name = waiting.pop()
        if name in medications and name not in wanted:
            wanted[name] = medications[name]
            waiting.extend(target(i, "itemReference") for i in medications[name].get("ingredient", []))
    return [*held, *wanted.values()]


def coded_kidney_failure(held: Sequence[Resource]) -> bool:
    """Whether a Condition carries one of the codes, found by a plain search."""
    codings = (c for r in held if r["resourceType"] == "Condition" for c in r.get("code", {}).get("coding", []))
    return any(str(coding.get("code", "")).startswith(KIDNEY_FAILURE_CODES) for coding in codings)


def count(folder: Path) -> tuple[Counter[str], Counter[str]]:
    """Counts of the whole set, and the levels of suspicion."""
    patients, medications = by_patient(folder)
    found: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    options = AssessmentOptions(config=SITE_MAP)
    for held in patients.values():
        found["patients"] += 1
        try:
            answer = assess_resources(with_medications(held, medications), options).answer
        except CalcipathError:
            found["refused"] += 1
            continue
        risk = {item["id"]: item for item in answer["risk_factors"]}
        failure = risk["kidney-failure"]["verdict"] == "yes"
        coded = coded_kidney_failure(held)
        levels[answer["suspicion"]["level"]] += 1
        found["warfarin seen"] += bool(risk["vitamin-k-antagonist"]["evidence"])
        found["warfarin current"] += risk["vitamin-k-antagonist"]["verdict"] == "yes"
        found["kidney failure"] += failure
        found["coded"] += coded
        found["coded and found"] += coded and failure
    return found, levels


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder with the data set's *.ndjson.gz files")
    folder: Path = parser.parse_args().folder
    if not any(folder.glob("*.ndjson.gz")):
        print(f"mimic_demo: no *.ndjson.gz file in {folder}", file=sys.stderr)
        return 2
    begin = time.perf_counter()
    found, levels = count(folder)
    print(f"patients                        {found['patients']}, refused {found['refused']}")
    print(
        f"a vitamin K antagonist          seen in {found['warfarin seen']}, in current use in {found['warfarin current']}"
    )
    print(f"kidney failure                  yes in {found['kidney failure']}")
    print(f"coded as kidney failure         {found['coded']}, of these found {found['coded and found']}")
    print(f"levels of suspicion             {', '.join(f'{name} {n}' for name, n in sorted(levels.items()))}")
    print(f"whole run                       {time.perf_counter() - begin:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
