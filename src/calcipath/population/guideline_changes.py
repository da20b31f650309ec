"""What another configuration would change: two runs over the same source compared, patient by patient and item by item."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from calcipath.guideline.model import Guideline
from calcipath.population.guard_changes import note_guards
from calcipath.population.report.csv_files import copy_csv
from calcipath.population.report.run_folder import ReportDatabase, RunFolder, literal, open_run, parquet
from calcipath.population.sql_columns import identifier
from calcipath.population.verdict_sql import computed_names

KINDS: Final = ("recommendation", "risk", "urgent", "scheme", "mimic")
ABSENT: Final = "not in this guideline"
CARD: Final = "card"
NOT_SHOWN: Final = "not shown"
GUARDS: Final = ("guard_now", "guard_then")
OPTIONS: Final = ("source", "as_of", "notes", "complete", "patients", "calcipath")
COLUMNS: Final = (
    "patient, site, item, was, becomes, cause, facts_now, facts_then, held_now, held_then, facts_read_otherwise"
)


@dataclass(frozen=True, slots=True)
class Side:
    """A run, the guideline with which it was made, and who is shown which card (`count_cards`), if that was counted."""

    run: Path
    guideline: Guideline
    cards: Path | None = None


@dataclass(frozen=True, slots=True)
class ItemChange:
    """So many patients have `item` go from `was` to `becomes`."""

    item: str
    was: str
    becomes: str
    patients: int


@dataclass(frozen=True, slots=True)
class CardChange:
    """So many patients get a card at a first call that they did not get, or no longer get it, or with another indicator."""

    service: str
    alert: str
    was: str
    becomes: str
    patients: int


@dataclass(frozen=True, slots=True)
class Changes:
    """`differences`: what else differs between the runs, in words; there should be nothing."""

    patients: int
    changed: int
    items: tuple[ItemChange, ...]
    cards: tuple[CardChange, ...]
    differences: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "patients": self.patients,
            "patients_with_a_change": self.changed,
            "differences_between_the_runs": list(self.differences),
            "items": [{"item": c.item, "from": c.was, "to": c.becomes, "patients": c.patients} for c in self.items],
            "cards": [
                {"service": c.service, "card": c.alert, "from": c.was, "to": c.becomes, "patients": c.patients}
                for c in self.cards
            ],
        }


def guideline_changes(now: Side, then: Side, rows: Path, *, memory: str = "400MB", threads: int = 2) -> Changes:
    """Compare; `rows` names a CSV file to write, a row for each patient and item. Raises `InputError`."""
    runs = open_run(now.run), open_run(then.run)
    with (
        tempfile.TemporaryDirectory(prefix="calcipath-changes-") as work,
        ReportDatabase(work, memory=memory, threads=threads) as database,
    ):
        database.run(f"CREATE TABLE moved AS {_moved(now, then, *runs)}")
        database.run(f"CREATE TABLE card_moved AS {_card_moved(now, then)}")
        for side, run, column, table in zip((now, then), runs, ("was", "becomes"), GUARDS, strict=True):
            note_guards(database, run, side.guideline, column, table)
        database.run(f"CREATE TABLE told AS {_told(*runs)}")
        copy_csv(database, f"SELECT {COLUMNS} FROM told ORDER BY item, patient", rows)
        items = database.run("SELECT item, was, becomes, count(*) FROM moved GROUP BY ALL ORDER BY 4 DESC, 1, 2, 3")
        cards = database.run(
            "SELECT service, alert, was, becomes, count(*) FROM card_moved GROUP BY ALL ORDER BY 5 DESC, 1, 2, 3"
        )
        return Changes(
            database.count(f"SELECT count(*) FROM {runs[0].patients}"),
            database.count("SELECT count(DISTINCT patient) FROM told"),
            tuple(ItemChange(str(i), str(w), str(b), int(n)) for i, w, b, n in items),
            tuple(CardChange(str(s), str(a), str(w), str(b), int(n)) for s, a, w, b, n in cards),
            tuple(_differences(*runs)),
        )


def _moved(now: Side, then: Side, run_now: RunFolder, run_then: RunFolder) -> str:
    """`patient`, `item`, `was`, `becomes` of every verdict that differs."""
    before, after = (dict(_items(side.guideline)) for side in (now, then))
    pieces = [
        f"struct_pack(item := {literal(name)}, was := {_verdict('n', name, before)}, becomes := {_verdict('t', name, after)})"
        for name in {**before, **after}
    ]
    moved = f"unnest(list_filter([{', '.join(pieces)}], lambda x: x.was <> x.becomes)) AS x"
    both = f"{run_now.patients} AS n JOIN {run_then.patients} AS t ON n.patient = t.patient"
    return f"SELECT patient, x.item, x.was, x.becomes FROM (SELECT n.patient, {moved} FROM {both}) AS m"


def _items(guideline: Guideline) -> Iterator[tuple[str, str]]:
    for name, kind in computed_names(guideline).items():
        if name == "suspicion-level" or name.partition(":")[0] in KINDS:
            yield name, kind


def _verdict(side: str, name: str, items: dict[str, str]) -> str:
    if name not in items:
        return literal(ABSENT)
    column = f"{side}.{identifier(name)}"
    if items[name] == "boolean":
        return f"CASE WHEN {column} THEN 'yes' WHEN NOT {column} THEN 'no' ELSE 'unknown' END"
    return f"coalesce({column}, 'unknown')"


def _card_moved(now: Side, then: Side) -> str:
    """`service`, `alert`, `patient`, `was`, `becomes` of every card that differs at a first call."""
    columns = {"service": "VARCHAR", "patient": "VARCHAR", "alert": "VARCHAR", "indicator": "VARCHAR"}
    none = f"(SELECT {', '.join(f'CAST(NULL AS {kind}) AS {name}' for name, kind in columns.items())} LIMIT 0)"
    known = now.cards is not None and then.cards is not None
    tables = [parquet(side.cards) if known and side.cards else none for side in (now, then)]
    return (
        "SELECT service, alert, patient, was, becomes FROM (SELECT service, alert, patient, "
        f"coalesce(n.indicator, '{NOT_SHOWN}') AS was, coalesce(t.indicator, '{NOT_SHOWN}') AS becomes "
        f"FROM {tables[0]} AS n FULL JOIN {tables[1]} AS t USING (service, alert, patient)) AS c WHERE was <> becomes"
    )


def _told(now: RunFolder, then: RunFolder) -> str:
    """Every change with the facts behind it, and what of the patient's record the two runs read otherwise."""
    changes = (
        "SELECT patient, item, item AS about, was, becomes FROM moved UNION ALL "
        f"SELECT patient, concat('{CARD}:', service, ' ', alert), alert, was, becomes FROM card_moved"
    )
    behind = "list_filter({}.reasons, lambda r: r.item = c.about)[1].facts"
    facts = f"coalesce({behind.format('t')}, {behind.format('n')}, [])"
    otherwise = (
        "list_sort(list_distinct(list_transform(list_concat(list_filter(t.facts, lambda f: NOT list_contains(n.facts, f)), "
        "list_filter(n.facts, lambda f: NOT list_contains(t.facts, f))), lambda f: f.fact)))"
    )
    found = (
        f"SELECT c.*, t.site, n.facts AS said_now, t.facts AS said_then, {facts} AS behind, {otherwise} AS facts_read_otherwise, "
        f"coalesce(h.guards, []) AS held_now, coalesce(g.guards, []) AS held_then FROM ({changes}) AS c "
        f"LEFT JOIN {GUARDS[0]} h ON c.patient = h.patient AND c.item = h.item "
        f"LEFT JOIN {GUARDS[1]} g ON c.patient = g.patient AND c.item = g.item JOIN {now.patients} AS n ON c.patient = n.patient "
        f"JOIN {then.patients} AS t ON c.patient = t.patient"
    )
    return (
        "SELECT patient, site, item, was, becomes, "
        "CASE WHEN len(facts_read_otherwise) = 0 THEN 'guideline' ELSE 'record read otherwise' END AS cause, "
        f"{_words('said_now')} AS facts_now, {_words('said_then')} AS facts_then, held_now, held_then, facts_read_otherwise FROM ({found}) AS w"
    )


def _words(facts: str) -> str:
    """The entries behind an item, in words."""
    value = (
        "CASE WHEN f.holds THEN 'yes' WHEN NOT f.holds THEN 'no' WHEN f.low IS NULL THEN coalesce(f.\"position\", '') "
        "WHEN f.low = f.high THEN CAST(f.low AS VARCHAR) ELSE concat(f.low, ' to ', f.high) END"
    )
    entry = f"concat_ws(', ', concat(f.fact, ' ', {value}), f.dated, f.reference)"
    return f"list_transform(list_filter({facts}, lambda f: list_contains(behind, f.fact)), lambda f: {entry})"


def _differences(now: RunFolder, then: RunFolder) -> Iterator[str]:
    for name in OPTIONS:
        if now.run.get(name) != then.run.get(name):
            yield f"{name.replace('_', ' ')}: {now.run.get(name)} now, {then.run.get(name)} then"
