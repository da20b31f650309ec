"""Runs made by hand: facts as a test states them, judged by the guideline's SQL, in the files that the engine writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from calcipath.guideline.model import Guideline
from calcipath.population.names import column
from calcipath.population.reason_query import ReasonQuery, because_query
from calcipath.population.verdict_sql import HIGH, LOW, PLACE, fact_columns, verdict_columns

ARROW = {"BOOLEAN": pa.bool_(), "VARCHAR": pa.string(), "DOUBLE": pa.float64()}
SPOKEN = pa.struct(
    [
        ("fact", pa.string()), ("holds", pa.bool_()), ("low", pa.float64()), ("high", pa.float64()),
        ("position", pa.string()), ("reference", pa.string()), ("dated", pa.string()),
    ]
)  # fmt: skip
REASON = pa.struct([("item", pa.string()), ("facts", pa.list_(pa.string()))])
Patients = Mapping[str, Mapping[str, Any]]
QUALITY: dict[str, Any] = {
    "kind": "FHIR", "resources": {"Patient": 3, "Observation": 7}, "unreadable": 2,
    "samples": [{"file": "Observation.ndjson", "line": 7, "why": "no JSON"}], "nobody": 1, "strangers": 0,
    "problems": [{"resource_type": "Observation", "problem": "unit-missing", "handling": "not used", "entries": 4}, {"resource_type": "MedicationRequest", "problem": "unreadable", "handling": "authoredOn '2025-02-30' is not a date; read without it", "entries": 9}],
    "values_not_used": [{"fact": "albumin", "why": "not believable", "entries": 1}], "future": 3, "versions": 5,
    "codes_not_recognised": {"http://example.org/codes": 9},
}  # fmt: skip
# A dialysis patient without a lesion, one with a painful ulcer, one with a diagnosis, one of whom little is known.
DIALYSIS = {"dialysis-recorded": True, "haemodialysis": True}
AT_RISK = {**DIALYSIS, "vitamin-k-antagonist": True}
SUSPECTED = {
    **DIALYSIS,
    "compatible-lesion": True,
    "any-lesion": True,
    "lesion-pain": True,
    "vitamin-k-antagonist": False,
}
DIAGNOSED = {**DIALYSIS, "calciphylaxis-diagnosis": True, "calciphylaxis-considered": True, "vitamin-d": True}

EVIL = "<script>alert(1)</script>"
FORMULAS = ("=1+1", "+1", "-1", "@a", "\tx")
EVERYBODY: Mapping[str, Mapping[str, Any]] = {
    "quiet": DIALYSIS,
    "at-risk": AT_RISK,
    "suspected": SUSPECTED,
    "diagnosed": {**DIAGNOSED, "calcium-total": (7.5, "below"), "calcium-ionised": (1.0, "below")},
    "potassium": {"potassium": 6.7},
    "lesion-only": {"any-lesion": True, "compatible-lesion": True},
    "nothing": {},
    EVIL: AT_RISK,
    "an id/that FHIR does not allow": AT_RISK,
    **dict.fromkeys(FORMULAS, AT_RISK),
}
SITES = {
    "quiet": "north",
    "at-risk": "north",
    "suspected": "south",
    "potassium": EVIL,
    **dict.fromkeys(FORMULAS, "=evil()"),
}


def make_run(
    folder: Path, guideline: Guideline, patients: Patients, *, site: Mapping[str, str] | None = None, **run: Any
) -> Path:
    """A run's folder. A fact is true, false, a text, a number, or a number with its place in the range."""
    folder.mkdir()
    names = list(patients)
    table = _fact_table(guideline, patients)
    pq.write_table(table, folder / "fact.parquet")
    query = _because(guideline)
    with duckdb.connect() as engine:
        engine.register("fact", table)
        judged = engine.execute(query.sql)
        heads = [each[0] for each in judged.description or ()]
        rows = {row[0]: dict(zip(heads, row, strict=True)) for row in judged.fetchall()}
    columns = {
        "patient": pa.array(names, pa.string()),
        "site": pa.array([(site or {}).get(name) for name in names], pa.string()),
        "sex": pa.array(["female"] * len(names), pa.string()),
        "as_of": pa.array([run.get("as_of", "2026-06-30T00:00:00Z")] * len(names), pa.string()),
    }
    for name, kind in verdict_columns(guideline).items():
        columns[name] = pa.array([rows[patient][name] for patient in names], ARROW[kind])
    columns["facts"] = pa.array([_spoken(name, patients[name]) for name in names], pa.list_(SPOKEN))
    reasons = [
        [{"item": item, "facts": list(query.facts(rows[name], item))} for item in query.words if query.facts(rows[name], item)]
        for name in names
    ]  # fmt: skip
    columns["reasons"] = pa.array(reasons, pa.list_(REASON))
    pq.write_table(pa.table(columns), folder / "patient.parquet")
    identity = {"id": guideline.id, "version": guideline.version, "date": guideline.date}
    told = {"calcipath": "0", "guideline": identity, "source": "made by hand", "as_of": "2026-06-30", "notes": False}
    told |= {"complete": [], "engine": "duckdb", "patients": len(names), "seconds": {}} | run
    (folder / "run.json").write_text(json.dumps(told), encoding="utf-8")
    (folder / "quality.json").write_text(json.dumps(QUALITY), encoding="utf-8")
    return folder


_queries: dict[int, tuple[Guideline, ReasonQuery]] = {}


def _because(guideline: Guideline) -> ReasonQuery:
    if id(guideline) not in _queries:
        _queries[id(guideline)] = guideline, because_query(guideline)
    return _queries[id(guideline)][1]


def _fact_table(guideline: Guideline, patients: Patients) -> pa.Table:
    cells: dict[str, list[Any]] = {name: [] for name in fact_columns(guideline)}
    for facts in patients.values():
        row = dict.fromkeys(cells)
        for name, value in facts.items():
            number, place = value if isinstance(value, tuple) else (value, None)
            own = column(name).lower()
            if isinstance(number, float):
                row[own + LOW] = row[own + HIGH] = number
                if own + PLACE in row:
                    row[own + PLACE] = place
            else:
                row[own] = number
        assert set(row) == set(cells)
        for name, value in row.items():
            cells[name].append(value)
    found = {name: pa.array(cells[name], ARROW[kind]) for name, kind in fact_columns(guideline).items()}
    return pa.table({"patient": pa.array(list(patients), pa.string()), **found})


def _spoken(patient: str, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, value in facts.items():
        number, place = value if isinstance(value, tuple) else (value, None)
        measured = number if isinstance(number, float) else None
        holds = number if isinstance(number, bool) else None
        found.append(
            {"fact": name, "holds": holds, "low": measured, "high": measured, "position": place,
             "reference": f"Observation/{patient}-{name}"[:64], "dated": "2026-06-20"}
        )  # fmt: skip
    return found
