"""What the data are like: what was read and not used, and how much of each fact is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from calcipath.guideline.model import Guideline
from calcipath.population.report.run_folder import ReportDatabase, RunFolder
from calcipath.population.verdict_sql import columns_of_fact

COLUMNS: Final = (
    "fact",
    "label",
    "patients",
    "known",
    "unknown",
    "percent_unknown",
    "median_age_days",
    "how_to_obtain",
)


@dataclass(frozen=True, slots=True)
class FactCoverage:
    """How many patients have a value of a fact, and how old it is in the middle (days before the run's instant)."""

    fact: str
    label: str
    patients: int
    known: int
    median_age_days: float | None
    how_to_obtain: str

    @property
    def unknown(self) -> int:
        return self.patients - self.known

    def as_row(self) -> dict[str, Any]:
        """The columns of the table."""
        percent = round(100 * self.unknown / self.patients, 2) if self.patients else ""
        age = "" if self.median_age_days is None else round(self.median_age_days)
        return {
            "fact": self.fact, "label": self.label, "patients": self.patients, "known": self.known,
            "unknown": self.unknown, "percent_unknown": percent, "median_age_days": age,
            "how_to_obtain": self.how_to_obtain,
        }  # fmt: skip


def fact_coverage(database: ReportDatabase, run: RunFolder, guideline: Guideline) -> list[FactCoverage]:
    """Every fact that a record says, those that are known least last."""
    facts = [fact for fact in guideline.facts.values() if fact.condition is None]
    counts = ", ".join(f"count(coalesce({', '.join(_text(c) for c in columns_of_fact(f))}))" for f in facts)
    found = database.run(f"SELECT count(*), {counts} FROM {run.facts}")[0]
    ages = _ages(database, run)
    rows = [
        FactCoverage(f.id, f.label, int(found[0]), int(found[n]), ages.get(f.id), f.obtain)
        for n, f in enumerate(facts, 1)
    ]
    return sorted(rows, key=lambda row: (row.unknown, row.fact))


def _text(column: str) -> str:
    return f"CAST({column} AS VARCHAR)"


def _ages(database: ReportDatabase, run: RunFolder) -> dict[str, float]:
    """The lower median of the days of each fact, by counting the days: exact, and small in memory."""
    told = f"SELECT as_of, unnest(facts) AS f FROM {run.patients}"
    day = "TRY_CAST(substr({}, 1, 10) AS DATE)"
    age = f"date_diff('day', {day.format('f.dated')}, {day.format('as_of')})"
    days = f"SELECT f.fact AS fact, {age} AS age, count(*) AS entries FROM ({told}) WHERE length(f.dated) >= 10 GROUP BY ALL"
    so_far = "sum(entries) OVER (PARTITION BY fact {} ROWS BETWEEN UNBOUNDED PRECEDING AND {})"
    below, whole = so_far.format("ORDER BY age", "CURRENT ROW"), so_far.format("", "UNBOUNDED FOLLOWING")
    running = f"SELECT fact, age, {below} AS below, {whole} AS whole FROM ({days}) WHERE age IS NOT NULL"
    return dict(database.run(f"SELECT fact, min(age) FROM ({running}) WHERE 2 * below >= whole GROUP BY fact"))


def quality_report(run: RunFolder, coverage: list[FactCoverage]) -> Mapping[str, Any]:
    """The engine's counts with the coverage of each fact; `not_derivable` says what a run cannot tell."""
    return {
        **run.quality,
        "facts": [row.as_row() for row in coverage],
        "not_derivable": [
            "how many values were there but out of date: a run keeps only values within their window, and the median age of those",
        ],
    }
