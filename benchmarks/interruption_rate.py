"""How often patient-view would interrupt: cards per 1,000 patients of a population in NDJSON, by indicator and alert.

    .venv/bin/python benchmarks/interruption_rate.py FOLDER [FOLDER ...] [--as-of 2026-01-15T12:00:00Z]

Each FOLDER holds FHIR R4 resources as NDJSON, plain or gzip. Each patient is viewed once, with everything prefetched and
nothing shown before. An interruptive card is one of indicator warning or critical.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from calcipath.hooks.prefetch import Prefetched, gathered, templates
from calcipath.hooks.request import read_request
from calcipath.hooks.response import consider
from calcipath.hooks.selection import select
from calcipath.record.reader import RecordError
from calcipath.site_assessor import assessor_for


def patients(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The resources of each patient by the patient's id."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for resource in resources(folder):
        about = resource.get("subject") or resource.get("patient") or {}
        name = resource["id"] if resource["resourceType"] == "Patient" else str(about.get("reference", ""))
        found[name.rsplit("/", 1)[-1].rsplit(":", 1)[-1]].append(resource)
    return {name: held for name, held in found.items() if any(r["resourceType"] == "Patient" for r in held)}


def resources(folder: Path) -> Iterator[dict[str, Any]]:
    """Every resource of the folder's NDJSON files."""
    for file in sorted([*folder.rglob("*.ndjson"), *folder.rglob("*.ndjson.gz")]):
        with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line) if line.strip() else {}
                if "resourceType" in row:
                    yield row


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("folder", nargs="+", type=Path)
    options.add_argument("--as-of", default="2026-01-15T12:00:00Z")
    options.add_argument("--budget", type=int, default=3)
    chosen = options.parse_args()
    assessor, site = assessor_for("")
    view = next(each for each in assessor.guideline.hooks.services if each.hook == "patient-view")
    keys = templates(assessor.guideline, view)
    for folder in chosen.folder:
        count, interrupted, unread = 0, 0, 0
        cards, alerts = Counter[str](), Counter[str]()
        for name, held in patients(folder).items():
            body = {"hook": view.hook, "hookInstance": "x", "context": {"patientId": name, "userId": "Practitioner/1"}}
            states = {key: Prefetched("null") for key in keys} | {"patient": Prefetched("whole", tuple(held))}
            try:
                found = consider(
                    assessor, view, read_request(body, view.hook), gathered(states), now=chosen.as_of,
                    code_systems=site.code_systems,
                )  # fmt: skip
            except RecordError:
                unread += 1
                continue
            shown = select(found.alerts, {a.id: a.facts for a in found.alerts}, frozenset(), chosen.budget).shown
            count += 1
            interrupted += any(alert.indicator != "info" for alert in shown)
            cards.update(alert.indicator for alert in shown)
            alerts.update(alert.id for alert in shown)
        rate = 1000 / max(1, count)
        said = ", ".join(f"{name} {rate * number:.0f}" for name, number in cards.most_common())
        print(f"{folder.name}: {count} patients{f', {unread} not readable' if unread else ''}")
        print(f"  cards per 1,000 patients: {said or 'none'}; patients interrupted per 1,000: {rate * interrupted:.0f}")
        print("  " + ", ".join(f"{name} {number}" for name, number in alerts.most_common(8)))


if __name__ == "__main__":
    main()
