"""The worklist as FHIR R4: a Group for each kind of row, and a RiskAssessment for each row."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from calcipath import __version__
from calcipath.guideline.model import Guideline
from calcipath.population.report.run_folder import ReportDatabase, RunFolder, literal

_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_REFERENCE: Final = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")
_INSTANT: Final = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?)?)?")
_COLUMNS: Final = (
    "patient", "item", "list_group", "urgency", "verdict", "what", "why", "evidence", "to_do", "held_by", "decides",
    "ask_first", "cautions", "strength", "source", "as_of",
)  # fmt: skip
_NOTES: Final = {
    "urgency": "Urgency", "held_by": "Held", "decides": "Decides", "ask_first": "Ask first", "cautions": "Caution",
    "strength": "Strength", "source": "Source",
}  # fmt: skip
NOT_AN_ORDER: Final = "For a review by those who treat the patient; no order, no diagnosis. Unknown never means no."


def write_fhir(database: ReportDatabase, run: RunFolder, guideline: Guideline, folder: Path) -> None:
    """`Group-….json` for each group of the worklist, and `RiskAssessment.ndjson`."""
    folder.mkdir(exist_ok=True)
    method = f"calcipath {run.run.get('calcipath') or __version__}, guideline {guideline.id} {guideline.version}"
    for group in guideline.worklist.groups:
        _write_group(database, group.id, f"{group.label}: {group.means}", method, folder / f"Group-{group.id}.json")
    with (folder / "RiskAssessment.ndjson").open("wb") as stream:
        for row in database.rows(f"SELECT {', '.join(_COLUMNS)} FROM worklist"):
            stream.write(orjson.dumps(risk_assessment(dict(zip(_COLUMNS, row, strict=True)), method)) + b"\n")


def _write_group(database: ReportDatabase, group: str, label: str, method: str, file: Path) -> None:
    wanted = f"SELECT DISTINCT patient FROM worklist WHERE group_id = {literal(group)}"
    quantity = database.count(f"SELECT count(*) FROM ({wanted})")
    head = group_resource(group, label, method, quantity)
    with file.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(head, ensure_ascii=False)[:-1])
        for number, (patient,) in enumerate(database.rows(f"{wanted} ORDER BY patient")):
            stream.write(', "member": [' if number == 0 else ",")
            stream.write("\n" + json.dumps({"entity": subject(patient)}, ensure_ascii=False))
        stream.write("]}\n" if quantity else "}\n")


def group_resource(group: str, label: str, method: str, quantity: int) -> dict[str, Any]:
    """A Group without its members."""
    return {
        "resourceType": "Group",
        "id": f"calcipath-{group}",
        "active": True,
        "type": "person",
        "actual": True,
        "code": {"text": label},
        "name": f"calcipath worklist, {group.replace('-', ' ')}",
        "quantity": quantity,
        "characteristic": [
            {
                "code": {"text": "worklist group"},
                "valueCodeableConcept": {"text": f"{label} ({method})"},
                "exclude": False,
            }
        ],
    }


def subject(patient: str) -> dict[str, Any]:
    """The reference to a patient; an id that FHIR does not allow is given as an identifier."""
    if _ID.fullmatch(patient):
        return {"reference": f"Patient/{patient}"}
    return {"type": "Patient", "identifier": {"value": patient}}


def risk_assessment(row: Mapping[str, Any], method: str) -> dict[str, Any]:
    """A row of the worklist as a RiskAssessment."""
    key = f"{row['patient']}\n{row['item']}"
    found: dict[str, Any] = {
        "resourceType": "RiskAssessment",
        "id": hashlib.sha256(key.encode()).hexdigest()[:40],
        "status": "preliminary",
        "method": {"text": method},
        "code": {"text": f"{row['list_group']}: {row['what']}"},
        "subject": subject(row["patient"]),
    }
    if _INSTANT.fullmatch(str(row["as_of"] or "")):
        found["occurrenceDateTime"] = row["as_of"]
    basis = [_basis(reference) for reference in row["evidence"] or ()]
    if basis:
        found["basis"] = basis
    found["mitigation"] = row["to_do"]
    found["note"] = [{"text": text} for text in _notes(row)]
    return found


def _basis(reference: str) -> dict[str, str]:
    return {"reference": reference} if _REFERENCE.fullmatch(reference) else {"display": reference}


def _notes(row: Mapping[str, Any]) -> Iterator[str]:
    if row["why"]:
        yield f"Why: {row['why']}"
    for name, label in _NOTES.items():
        if row[name]:
            yield f"{label}: {row[name]}"
    yield f"Item: {row['item']} ({row['verdict']})"
    yield NOT_AN_ORDER
