"""How many cards the CDS Hooks services would show in a screened population, before any of them is switched on.

The hooks' own code judges and chooses. It is asked once for each pattern of verdicts (`impact_patterns.py`), so that a
million patients cost little more than the patterns that they have. Definitions and limits: docs/impact.md.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from calcipath.errors import InputError
from calcipath.guideline.hook_knowledge import HookService
from calcipath.guideline.model import Guideline
from calcipath.hooks.selection import AlertSettings
from calcipath.population.encounters import FILE as ENCOUNTERS
from calcipath.population.impact_model import CardImpact, OrderImpact, Sample, ServiceImpact, Tally
from calcipath.population.impact_orders import SignedOrder, not_modelled, signed_orders
from calcipath.population.impact_patterns import brings_news_sql
from calcipath.population.impact_questions import LOOKED_AT, SHOWN, SHOWN_COLUMNS, Question
from calcipath.population.report.run_folder import ReportDatabase, RunFolder, literal, open_run, parquet

EVERY, DISCHARGE, NEWS = "an encounter", "a discharge", "a new problem"
RENEWAL = "an order of something running, signed anew at each encounter"
CALLS: Final = {EVERY: "encounters", DISCHARGE: "discharges", NEWS: "1"}


def count_cards(
    run: Path,
    guideline: Guideline,
    settings: AlertSettings,
    *,
    services: Collection[str] = (),
    sample: Sample | None = None,
    cards: Path | None = None,
    memory: str = "400MB",
    threads: int = 2,
) -> CardImpact:
    """The cards of each service (or of those named) in the run's patients.

    `guideline` must be the one with which the run was made. `cards` names a Parquet file to write: which patient is
    shown which card at the first call of which service. Raises `InputError` where `run` is no finished run, or there
    is no such service.
    """
    known = {service.id: service for service in guideline.hooks.services}
    for name in services:
        if name not in known:
            raise InputError(f"there is no service {name}; there are {', '.join(known)}")
    chosen = tuple(service for name, service in known.items() if not services or name in services)
    folder = open_run(run)
    with (
        tempfile.TemporaryDirectory(prefix="calcipath-impact-") as work,
        ReportDatabase(work, memory=memory, threads=threads) as database,
    ):
        return _Counting(database, folder, guideline, settings).all(chosen, sample, cards)


class _Counting:
    def __init__(self, database: ReportDatabase, run: RunFolder, guideline: Guideline, settings: AlertSettings) -> None:
        self._database, self._run, self._guideline, self._settings = database, run, guideline, settings
        self._orders: tuple[SignedOrder, ...] = ()
        self._asked: dict[tuple[object, ...], tuple[str, Tally, tuple[OrderImpact, ...]]] = {}
        self._encounters = run.path / ENCOUNTERS
        self._discharges = False
        self._facts = run.facts

    def all(self, services: tuple[HookService, ...], sample: Sample | None, cards: Path | None) -> CardImpact:
        """Count, and write who is shown what."""
        database = self._database
        population = database.count(f"SELECT count(*) FROM {self._run.facts}")
        self._look_at(population, sample)
        database.fill(SHOWN, SHOWN_COLUMNS, [])
        if any(service.orders for service in services):
            self._orders = tuple(signed_orders(self._guideline))
        encounters = database.count(f"SELECT sum(encounters) FROM {LOOKED_AT}")
        found = tuple(self._service(each, encounters) for each in services)
        if cards is not None:
            database.copy(f"SELECT * FROM {SHOWN} ORDER BY ALL", cards, "FORMAT parquet, COMPRESSION zstd")
        return CardImpact(
            f"{self._guideline.id} {self._guideline.version}",
            population,
            database.count(f"SELECT count(*) FROM {LOOKED_AT}"),
            encounters,
            self._encounters.is_file(),
            self._settings,
            found,
            tuple(self._notes(services)),
        )

    def _look_at(self, population: int, sample: Sample | None) -> None:
        """The table of the patients that are looked at, with their encounters and discharges."""
        database, run = self._database, self._run
        visits = discharges = "CAST(1 AS BIGINT)"
        known = f"(SELECT patient FROM {run.facts} LIMIT 0)"
        if self._encounters.is_file():
            known = parquet(self._encounters)
            self._discharges = "discharges" in database.columns(known)
            visits = "coalesce(CAST(e.encounters AS BIGINT), 0)"
            discharges = "coalesce(CAST(e.discharges AS BIGINT), 0)" if self._discharges else discharges
        some = ""
        if sample is not None and sample.patients < population:
            some = f"ORDER BY md5(concat({literal(str(sample.seed))}, ' ', p.patient)) LIMIT {sample.patients}"
        database.run(
            f"CREATE TABLE {LOOKED_AT} AS SELECT p.patient, {visits} AS encounters, {discharges} AS discharges "
            f"FROM (SELECT patient FROM {run.facts}) AS p LEFT JOIN {known} AS e ON p.patient = e.patient {some}"
        )
        if some:
            chosen = f"SELECT * FROM {run.facts} WHERE patient IN (SELECT patient FROM {LOOKED_AT})"
            database.run(f"CREATE TABLE chosen_fact AS {chosen}")
            self._facts = "chosen_fact"

    def _service(self, service: HookService, encounters: int) -> ServiceImpact:
        """The count of one service; services that say the same on the same occasion are asked once."""
        same = (_call(service), service.urgent, service.groups, service.speaks_on)
        if same not in self._asked:
            tally, orders = self._with_orders(service) if service.orders else (self._plain(service), ())
            self._asked[same] = service.id, tally, orders
        twin, tally, orders = self._asked[same]
        if twin != service.id:
            rows = f"SELECT {literal(service.id)}, patient, alert, indicator FROM {SHOWN}"
            self._database.run(f"INSERT INTO {SHOWN} {rows} WHERE service = {literal(twin)}")
        return ServiceImpact(service.id, service.hook, service.title, _call(service), tally, encounters, orders)

    def _question(self, service: HookService, order: SignedOrder | None = None) -> Question:
        return Question(self._database, self._run, self._guideline, service, self._facts, order)

    def _plain(self, service: HookService) -> Tally:
        concerned = brings_news_sql(self._guideline, service) if service.speaks_on else "true"
        calls = CALLS[_call(service)]
        return self._question(service).tally(self._settings, concerned=concerned, calls=calls, tell=True)

    def _with_orders(self, service: HookService) -> tuple[Tally, tuple[OrderImpact, ...]]:
        whole, found = Tally(), list[OrderImpact]()
        for order in self._orders:
            question, running = self._question(service, order), None
            if order.running:
                running = question.tally(self._settings, concerned=order.is_running(), calls="encounters", tell=True)
                _join(whole, running)
            everybody = question.tally(self._settings, concerned="true", calls="1", tell=False)
            found.append(OrderImpact(order.model.id, order.watched, order.model.title, running, everybody))
        count = self._database.count
        told = f"SELECT count(DISTINCT patient) FROM {SHOWN} WHERE service = {literal(service.id)}"
        whole.patients = count(f"SELECT count(*) FROM {LOOKED_AT}")
        whole.patients_with_cards = count(told)
        whole.patients_interrupted = count(f"{told} AND indicator <> 'info'")
        return whole, tuple(found)

    def _notes(self, services: tuple[HookService, ...]) -> Iterator[str]:
        about = self._run.run
        if not self._encounters.is_file():
            yield "the run holds no encounters: each patient is seen once"
        if not self._discharges and any(_call(each) == DISCHARGE for each in services):
            yield "the run holds no discharges: each patient is discharged once"
        missing = {"medications", "allergies"} - set(about.get("complete") or ())
        if missing:
            yield (
                f"screened without --complete {','.join(sorted(missing))}: the services read what was asked for and not "
                "found as absent, this count does not"
            )
        if not about.get("notes"):
            yield "free text was not read; the services read the notes that a request holds"
        if self._orders:
            for title in not_modelled(self._guideline.hooks, self._orders):
                yield f"no model order for {title}: not counted"


def _call(service: HookService) -> str:
    if service.orders:
        return RENEWAL
    if service.speaks_on:
        return NEWS
    return DISCHARGE if service.hook == "encounter-discharge" else EVERY


def _join(whole: Tally, part: Tally) -> None:
    """Add the numbers of one kind of order to those of all; patients may have several."""
    whole.calls += part.calls
    whole.interrupted_calls += part.interrupted_calls
    whole.over_budget += part.over_budget
    whole.shown_before += part.shown_before
    whole.numbers.update(part.numbers)
