"""One question to a service for all patients at once: the patterns, what the hooks say on each, and the sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from calcipath.guideline.hook_knowledge import HookService
from calcipath.guideline.model import Guideline
from calcipath.hooks.alerts import Alert
from calcipath.hooks.selection import AlertSettings
from calcipath.population.duckdb_engine import LONG_TEXT
from calcipath.population.impact_answers import alerts_on, rebuilt
from calcipath.population.impact_model import Tally
from calcipath.population.impact_orders import SignedOrder
from calcipath.population.impact_patterns import pattern_sql
from calcipath.population.impact_visits import a_year, add, first_shown
from calcipath.population.report.run_folder import ReportDatabase, RunFolder, literal

LOOKED_AT: Final = "looked_at"  # a table: patient, encounters, discharges
SHOWN: Final = "shown"  # a table: service, patient, alert, indicator
SHOWN_COLUMNS: Final = {"service": "VARCHAR", "patient": "VARCHAR", "alert": "VARCHAR", "indicator": "VARCHAR"}


class Question:
    """What a service says to each patient, with an order or without. Only one may be in use at a time."""

    def __init__(
        self,
        database: ReportDatabase,
        run: RunFolder,
        guideline: Guideline,
        service: HookService,
        facts: str,
        order: SignedOrder | None = None,
    ) -> None:
        self._database, self._run, self._guideline, self._service = database, run, guideline, service
        self._plain_facts = facts
        self._facts = order.laid_over(guideline.facts, facts) if order else facts
        watched = order.watched if order else ()
        found = pattern_sql(guideline, service, watched, self._facts)
        with database.without(LONG_TEXT):
            database.run(
                f"CREATE OR REPLACE TABLE said AS {found}"
            )  # joined in the same statement it would take minutes
        database.run(
            "CREATE OR REPLACE TABLE pattern AS SELECT s.patient, CASE WHEN s.speaks THEN s.pattern END AS pattern "
            f"FROM said s JOIN {LOOKED_AT} l ON s.patient = l.patient"
        )
        self._alerts: Mapping[str, tuple[Alert, ...]] = dict(self._by_pattern(order))

    def _by_pattern(self, order: SignedOrder | None) -> Iterator[tuple[str, tuple[Alert, ...]]]:
        """The alerts of each pattern, by one patient who has it."""
        rows = self._database.run(
            "SELECT min(patient), pattern FROM pattern WHERE pattern IS NOT NULL GROUP BY pattern"
        )
        patterns = {str(patient): str(pattern) for patient, pattern in rows}
        for patient, verdicts in rebuilt(self._database, self._run, self._guideline, sorted(patterns), self._facts):
            by_order = order.by_order if order else {}
            yield patterns[patient], alerts_on(self._guideline, self._service, verdicts, by_order)

    def tally(self, settings: AlertSettings, *, concerned: str, calls: str, tell: bool) -> Tally:
        """The sums over the patients of whom `concerned` (a condition on the facts, before any order) is true.

        `calls` is a column of `looked_at` or a number. With `tell` the table `shown` learns who is shown what at first.
        """
        self._database.run(
            f"CREATE OR REPLACE TABLE met AS SELECT l.patient, {calls} AS calls, p.pattern FROM {LOOKED_AT} l "
            f"JOIN (SELECT patient FROM {self._plain_facts} WHERE {concerned}) AS c ON l.patient = c.patient "
            "JOIN pattern p ON l.patient = p.patient"
        )
        tally = Tally()
        groups = "SELECT pattern, calls, count(*) FROM met GROUP BY ALL ORDER BY ALL"
        for pattern, called, patients in self._database.run(groups):
            add(tally, a_year(self._alerts.get(pattern, ()), called, settings), patients)
        if tell:
            self._tell(settings)
        return tally

    def _tell(self, settings: AlertSettings) -> None:
        rows = [
            (pattern, alert.id, alert.indicator)
            for pattern, found in self._alerts.items()
            for alert in first_shown(found, settings)
        ]
        if not rows:
            return
        columns = zip(("pattern", "alert", "indicator"), zip(*rows, strict=True), strict=True)
        self._database.load("first", {name: np.array(values, dtype=object) for name, values in columns})
        self._database.run(
            f"INSERT INTO {SHOWN} SELECT {literal(self._service.id)}, m.patient, f.alert, f.indicator "
            "FROM met m JOIN first f ON m.pattern = f.pattern WHERE m.calls > 0"
        )
