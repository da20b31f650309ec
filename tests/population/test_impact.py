"""Cards counted on a screened population are those that the services show on the same patients one by one."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from hook_calls import counted, shown_by
from populations import Resource, records, renamed, resources_of, write_population

from calcipath.cli import main
from calcipath.errors import InputError
from calcipath.hooks.alerts import Alert
from calcipath.hooks.selection import AlertSettings
from calcipath.population.guideline_changes import Changes, Side, guideline_changes
from calcipath.population.impact import count_cards
from calcipath.population.impact_model import CARDS, CardImpact, Sample, ServiceImpact, Tally
from calcipath.population.impact_orders import MODEL_ORDERS, signed_orders
from calcipath.population.impact_section import impact_section
from calcipath.population.impact_visits import a_year
from calcipath.population.report.small_numbers import Mask
from calcipath.population.what_if import Configured, what_if
from calcipath.record.reader import RecordError
from calcipath.site_assessor import assessor_for
from calcipath.store.memory import ShownAlert, remember, seen
from calcipath.store.store import open_store

ASSESSOR, _ = assessor_for("")
GUIDELINE = ASSESSOR.guideline
CASES = Path(__file__).parents[1] / "data"
BUNDLES = [json.loads(file.read_text()) for file in sorted(CASES.glob("*/*.bundle.json"))]
EVERY_DAY = AlertSettings()
VIEW = "calciphylaxis-patient-view"
SITE = """
defaults:
  inr-urgent: "2"
  laboratory-window: "1 'd'"
thiosulfate_product: {salt: pentahydrate, concentration: "250 'mg/mL'"}
"""


class Population:
    """Records, and their run."""

    def __init__(self, resources: Iterable[Resource], folder: Path, *options: str) -> None:
        self.source, self.records = folder / "source", records(resources)
        self.run = self.screen(folder / "out", *options)
        query = f"SELECT patient, as_of, facts FROM '{self.run}/patient.parquet'"
        self.rows = {row[0]: row for row in duckdb.connect().execute(query).fetchall()}

    def screen(self, out: Path, *options: str) -> Path:
        both = ("--complete", "medications,allergies")
        assert main(["screen", str(self.source), "--out", str(out), "--no-report", *both, *options]) == 0
        return (out / "latest").resolve()

    def one_by_one(self, hook: str, brought: Callable[[str], list[Resource] | None]) -> Counter[str]:
        """What the real service shows to everybody for whom `brought` gives a context."""
        found = Counter[str]()
        for patient, (_, as_of, _) in self.rows.items():
            context = brought(patient)
            if context is None:
                continue
            held = self.records.get(patient, [])
            try:
                found += counted(shown_by(ASSESSOR, hook, patient, held, as_of, context))
            except RecordError:
                pytest.fail(f"{patient} cannot be read")
        return found

    def news(self, patient: str) -> list[Resource] | None:
        """The entry of the record that tells of a lesion or of calciphylaxis, as if it had just been put on the list."""
        lesions = GUIDELINE.vocabulary.of_family("lesion") | {"calciphylaxis"}
        for spoken in self.rows[patient][2] or ():
            fact = GUIDELINE.facts[spoken["fact"]]
            listed = not fact.event_kinds or "condition" in fact.event_kinds
            past = fact.only_history or fact.any_assertion or fact.history
            if (
                spoken["holds"]
                and fact.kind == "recorded"
                and listed
                and not past
                and lesions.issuperset(fact.concepts)
            ):
                kind, _, name = spoken["reference"].partition("/")
                held = self.records[patient]
                return [r for r in held if r.get("resourceType") == kind and r.get("id") == name]
        return None


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Population:
    resources = [r for number, b in enumerate(BUNDLES) for r in renamed(resources_of(b), f"c{number}-")]
    folder = tmp_path_factory.mktemp("cases")
    write_population(folder / "source", resources)
    return Population(resources, folder)


def read(line: str) -> Iterator[Resource]:
    """A line's resource; an export has broken lines, which nobody can read."""
    with suppress(ValueError):
        yield json.loads(line)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Population:
    folder = tmp_path_factory.mktemp("generated")
    made = ["--patients", "100", "--seed", "3", "--enrich", "60", "--workers", "1"]
    assert main(["generate", str(folder / "source"), *made]) == 0
    files = sorted((folder / "source").glob("*.ndjson"))
    resources = [r for file in files for line in file.read_text().splitlines() for r in read(line)]
    return Population(resources, folder, "--as-of", "2026-06-30T12:00:00Z")


@pytest.fixture(scope="module")
def impact(cases: Population) -> CardImpact:
    return count_cards(cases.run, GUIDELINE, EVERY_DAY)


def of_hook(impact: CardImpact, hook: str) -> ServiceImpact:
    return next(each for each in impact.services if each.hook == hook)


def numbers(tally: Tally) -> Counter[str]:
    return Counter({name: n for name, n in tally.numbers.items() if ":" in name and n})


@pytest.mark.parametrize("hook", ["patient-view", "encounter-discharge"])
def test_published_cases_meet_the_cards_of_the_service(cases: Population, impact: CardImpact, hook: str) -> None:
    tally = of_hook(impact, hook).tally
    assert numbers(tally) == cases.one_by_one(hook, lambda _: [])
    assert tally.calls == tally.patients == len(BUNDLES)
    assert tally.cards > len(BUNDLES)


def test_a_new_problem_meets_the_cards_of_the_service(cases: Population, impact: CardImpact) -> None:
    tally = of_hook(impact, "problem-list-item-create").tally
    assert numbers(tally) == cases.one_by_one("problem-list-item-create", cases.news)
    assert tally.patients == sum(cases.news(patient) is not None for patient in cases.rows)


@pytest.mark.parametrize("model", MODEL_ORDERS, ids=lambda model: model.id)
def test_a_signed_order_meets_the_cards_of_the_service(cases: Population, impact: CardImpact, model: Any) -> None:
    found = next(each for each in of_hook(impact, "order-sign").orders if each.id == model.id)
    brought = [{**model.resource, "id": model.id}]
    assert numbers(found.everybody) == cases.one_by_one("order-sign", lambda _: brought)
    if found.running is not None:
        facts = {fact.id for each in signed_orders(GUIDELINE) if each.model is model for fact in each.running}
        taking = {p for p, row in cases.rows.items() if any(s["holds"] and s["fact"] in facts for s in row[2] or ())}
        assert found.running.patients == len(taking) > 0
        assert numbers(found.running) == cases.one_by_one("order-sign", lambda p: brought if p in taking else None)


def test_generated_patients_meet_the_cards_of_the_service(generated: Population) -> None:
    impact = count_cards(generated.run, GUIDELINE, EVERY_DAY, services=[VIEW])
    found = of_hook(impact, "patient-view").tally
    assert numbers(found) == generated.one_by_one("patient-view", lambda _: [])
    assert found.numbers["indicator:critical"] or found.numbers["indicator:warning"]


def test_every_model_order_is_watched_and_every_watched_kind_has_one() -> None:
    signed = list(signed_orders(GUIDELINE))
    assert [each.model.id for each in signed] == [model.id for model in MODEL_ORDERS]
    assert {name for each in signed for name in each.watched} == {order.id for order in GUIDELINE.hooks.orders}
    renewed = [name for each in signed if each.model.renewed for name in each.watched]
    assert len(renewed) == len(set(renewed)), "a drug that is running must not be counted twice"
    assert all(each.running for each in signed if each.model.renewed)


def alert(name: str, indicator: str = "warning") -> Alert:
    return Alert(name, indicator, name, (), "today", (name,))


@pytest.mark.parametrize(
    ("calls", "shown"), [(0, 0), (1, 1), (12, 12), (24, 12), (52, 11), (156, 12), (365, 13)]
)  # 365 days: 30 days after a card the next call shows it again
def test_memory_over_a_year(calls: int, shown: int) -> None:
    year = a_year([alert("a")], calls, EVERY_DAY)
    assert (year.numbers[CARDS], year.shown_before) == (shown, calls - shown)


def test_budget_memory_and_critical_cards() -> None:
    alerts = [alert("a"), alert("b"), alert("c", "info"), alert("u", "critical")]
    year = a_year(alerts, 4, AlertSettings(budget=1, memory_days=3650))
    assert year.numbers["alert:u"] == 4, "a critical card is never held back"
    assert [year.numbers[f"alert:{name}"] for name in "abc"] == [1, 1, 1], "the next visit shows what the budget left"
    assert (year.over_budget, year.shown_before) == (2 + 1, 1 + 2 + 3)
    assert year.interrupted == 4


def test_the_memory_is_that_of_the_store(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    for calls in (5, 13, 52, 156):
        shown, key = 0, f"k{calls}"
        for number in range(calls):
            now = 1_700_000_000.0 + number * 365 * 86400 / calls
            if key not in seen(store, [key], now=now):
                shown += 1
                remember(store, [ShownAlert(key, "a", (), "p", "f", now, now + 30 * 86400)])
        assert a_year([alert("a")], calls, EVERY_DAY).numbers[CARDS] == shown
    store.close()


def test_encounters_of_the_record(cases: Population, impact: CardImpact, tmp_path: Path) -> None:
    for name in ("patient.parquet", "fact.parquet", "run.json", "quality.json"):
        (tmp_path / name).symlink_to(cases.run / name)
    every_week = f"SELECT patient, 52 AS encounters FROM '{cases.run}/patient.parquet' LIMIT 10"
    duckdb.connect().execute(f"COPY ({every_week}) TO '{tmp_path}/encounters.parquet' (FORMAT parquet)")
    found = count_cards(tmp_path, GUIDELINE, EVERY_DAY, services=[VIEW])
    once, weekly = of_hook(impact, "patient-view"), of_hook(found, "patient-view")
    assert weekly.encounters == weekly.tally.calls == 520
    assert weekly.tally.shown_before > weekly.tally.cards
    assert weekly.tally.patients == once.tally.patients


def test_a_sample_is_seeded_and_has_an_interval(cases: Population, impact: CardImpact) -> None:
    some = [
        count_cards(cases.run, GUIDELINE, EVERY_DAY, services=[VIEW], sample=Sample(30, seed)) for seed in (1, 1, 2)
    ]
    views = [of_hook(each, "patient-view").tally for each in some]
    assert views[0].numbers == views[1].numbers != views[2].numbers
    whole = of_hook(impact, "patient-view").tally
    assert whole.interval(CARDS, impact.share) is None
    for each, view in zip(some, views, strict=True):
        ends = view.interval(CARDS, each.share)
        assert ends is not None
        assert ends[0] < view.per_calls(CARDS) < ends[1]
        assert ends[0] <= whole.per_calls(CARDS) <= ends[1]


@pytest.fixture(scope="module")
def changed(cases: Population, tmp_path_factory: pytest.TempPathFactory) -> tuple[Changes, list[dict[str, str]], str]:
    folder = tmp_path_factory.mktemp("what-if")
    (folder / "site.yaml").write_text(SITE)
    then = cases.screen(folder / "out", "--config", str(folder / "site.yaml"))
    other = assessor_for(str(folder / "site.yaml"))[0].guideline
    found = what_if(
        Configured(cases.run, GUIDELINE, EVERY_DAY), Configured(then, other, EVERY_DAY), folder, services=[VIEW]
    )
    assert found.changes is not None
    assert json.loads((folder / "what-if.json").read_text()) == json.loads(json.dumps(found.as_json()))
    rows = list(csv.DictReader((folder / "what-if.csv").read_text(encoding="utf-8").splitlines()))
    return found.changes, rows, impact_section(found.now, found.then, found.changes, Mask(5))


def test_a_changed_configuration_is_told_patient_by_patient(cases: Population, changed: Any) -> None:
    changes, rows, _ = changed
    bleeding = "urgent:bleeding-risk"
    assert {(c.was, c.becomes) for c in changes.items if c.item == bleeding} == {("unknown", "yes")}
    moved = [row for row in rows if row["item"] in (bleeding, f"card:{VIEW} {bleeding}")]
    assert len(moved) == 2 * sum(c.patients for c in changes.items if c.item == bleeding) > 0
    assert all(row["facts_then"].startswith('["inr ') for row in moved)
    assert {row["cause"] for row in rows} == {"guideline", "record read otherwise"}
    aged = [row for row in rows if row["cause"] == "record read otherwise"]
    assert all(json.loads(row["facts_read_otherwise"]) for row in aged)
    for row in rows:
        is_recommendation = row["item"].startswith("recommendation:")
        assert bool(json.loads(row["held_now"])) == (is_recommendation and row["was"] == "held")
        assert bool(json.loads(row["held_then"])) == (is_recommendation and row["becomes"] == "held")
    assert changes.changed == len({row["patient"] for row in rows})
    assert changes.patients == len(cases.rows)
    assert changes.differences == ()
    cards = {(c.service, c.was, c.becomes) for c in changes.cards if c.alert == bleeding}
    assert ("calciphylaxis-patient-view", "not shown", "critical") in cards


def test_the_same_configuration_changes_nothing(cases: Population, tmp_path: Path) -> None:
    same = Side(cases.run, GUIDELINE)
    found = guideline_changes(same, same, tmp_path / "what-if.csv")
    assert (found.items, found.cards, found.changed) == ((), (), 0)


def test_the_section_hides_small_numbers(changed: Any) -> None:
    section = changed[2]
    assert section.startswith('<section id="impact"')
    assert "&lt;5" in section
    assert "<script" not in section


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no finished run"):
        count_cards(tmp_path, GUIDELINE, EVERY_DAY)


def test_no_such_service(cases: Population) -> None:
    with pytest.raises(InputError, match="no service order-dispatch; there are calciphylaxis-patient-view"):
        count_cards(cases.run, GUIDELINE, EVERY_DAY, services=["order-dispatch"])
