"""The alerts of a screened patient: the hooks' own code on verdicts rebuilt from the row of facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from calcipath.assessment.answer import recommendations, urgent
from calcipath.assessment.verdicts import Verdicts
from calcipath.guideline.hook_knowledge import HookService
from calcipath.guideline.model import Fact, Guideline
from calcipath.hooks.alerts import Alert
from calcipath.hooks.draft_orders import Draft
from calcipath.hooks.response import alerts_of
from calcipath.population.report.run_folder import ReportDatabase, RunFolder, literal
from calcipath.population.sql_columns import identifier
from calcipath.population.verdict_sql import HIGH, LOW, PLACE
from calcipath.record.evidence import Evidence, FactValue, Value

AT_ONCE: Final = 1000  # patients in one query
Row = Mapping[str, Any]


def verdicts_of(guideline: Guideline, row: Row, spoken: Sequence[Row] = ()) -> Verdicts:
    """The verdicts on a row of `fact.parquet`; `spoken` are the patient's `facts` of `patient.parquet`, for evidence."""
    entries = {str(each["fact"]): each for each in spoken}
    facts = [fact for fact in guideline.facts.values() if fact.kind != "derived"]
    return Verdicts(guideline, {fact.id: _fact_value(fact, row, entries.get(fact.id)) for fact in facts})


def _fact_value(fact: Fact, row: Row, entry: Row | None) -> FactValue:
    name = identifier(fact.id)
    value: Value = row.get(name)
    if fact.type.kind == "quantity":
        low = row[f"{name}{LOW}"]
        value = None if low is None else (low, row[f"{name}{HIGH}"])
    position = (row[f"{name}{PLACE}"] or "") if fact.kind == "quantity" else ""
    because = (_evidence(fact, value, entry),) if entry is not None and value is not None else ()
    return FactValue(value, because, position)


def _evidence(fact: Fact, value: Value, entry: Row) -> Evidence:
    measured = isinstance(value, tuple) and value[0] == value[1]
    shown = value[0] if measured and isinstance(value, tuple) else None
    unit = fact.type.unit if measured else ""
    assertion = "negated" if value is False else "stated"
    named = fact.id if measured and fact.kind == "quantity" else ""
    dated = entry["dated"] or ""
    return Evidence(fact.label, entry["reference"] or "", shown, unit, dated, assertion=assertion, fact=named)  # type: ignore[arg-type]


def alerts_on(
    guideline: Guideline, service: HookService, verdicts: Verdicts, by_order: Mapping[str, Sequence[Draft]]
) -> tuple[Alert, ...]:
    """What the service has to say, before any is chosen."""
    answer = {
        "urgent": urgent(verdicts),
        "suspicion": {"level": verdicts.rung()[0].level},
        "recommendations": recommendations(verdicts),
    }
    return alerts_of(service, guideline.hooks, answer, verdicts, by_order)


def rebuilt(
    database: ReportDatabase, run: RunFolder, guideline: Guideline, patients: Sequence[str], facts: str
) -> Iterator[tuple[str, Verdicts]]:
    """Verdicts of some patients on their rows of `facts`, a table of `fact.parquet`'s columns."""
    names = list(database.columns(facts))
    for start in range(0, len(patients), AT_ONCE):
        some = ", ".join(map(literal, patients[start : start + AT_ONCE]))
        spoken = dict(database.run(f"SELECT patient, facts FROM {run.patients} WHERE patient IN ({some})"))
        for found in database.run(f"SELECT * FROM {facts} WHERE patient IN ({some})"):
            row = dict(zip(names, found, strict=True))
            yield row["patient"], verdicts_of(guideline, row, spoken.get(row["patient"]) or ())
