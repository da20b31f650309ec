"""Two runs compared: what is new on the worklist, still open, changed, resolved, or no longer known.

A row is resolved only where the record now says no. Where it does not say any more (a value went out of date, a
patient left the data) the row is not resolved: unknown never means no.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from calcipath.population.report.csv_files import copy_csv
from calcipath.population.report.run_folder import ReportDatabase, RunFolder, literal
from calcipath.population.report.standing_sql import Listing

NEW, OPEN, CHANGED, RESOLVED = "new", "still open", "changed", "resolved"
NOT_KNOWN, GONE, NOT_LISTED = "not known now", "no longer in the data", "no longer on the list"
CHANGES: Final[Mapping[str, str]] = {
    NEW: "was not on the list before",
    OPEN: "on both lists, with the same verdict",
    CHANGED: "on both lists, with another verdict or in another group",
    RESOLVED: "the record now says that it is no longer so",
    NOT_KNOWN: "the record no longer says whether it is so; this does not mean that it is resolved",
    GONE: "the patient is not in the current data",
    NOT_LISTED: "the current guideline does not put it on the list",
}
COLUMNS: Final = (
    "patient", "site", "item", "what", "change", "group_before", "group_now", "verdict_before", "verdict_now",
    "patient_before", "cause",
)  # fmt: skip
_OPTIONS: Final = ("as_of", "notes", "complete", "calcipath")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many rows changed how. `differences`: what else differs between the runs, in words."""

    previous_as_of: str
    counts: Mapping[tuple[str, str], int]  # by group and change
    differences: tuple[str, ...]
    same_guideline: bool

    def total(self, change: str) -> int:
        return sum(count for (_, each), count in self.counts.items() if each == change)

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "previous_as_of": self.previous_as_of,
            "same_guideline": self.same_guideline,
            "differences": list(self.differences),
            "changes": [{"group": g, "change": c, "rows": n} for (g, c), n in sorted(self.counts.items())],
        }


def compare(database: ReportDatabase, previous: RunFolder, current: RunFolder, listing: Listing) -> Comparison:
    """Make the table `change` from the previous run's worklist and the tables of the current one."""
    same = _identity(previous) == _identity(current)
    database.run(f"CREATE OR REPLACE TABLE change AS {_changes(previous, current, listing, same=same)}")
    found = database.run("SELECT coalesce(group_now, group_before), change, count(*) FROM change GROUP BY ALL")
    return Comparison(
        str(previous.run.get("as_of") or ""),
        {(str(group), str(change)): int(count) for group, change, count in found},
        tuple(_differences(previous, current, same=same)),
        same,
    )


def write_changes(database: ReportDatabase, file: Path) -> None:
    """`changes.csv`."""
    order = " ".join(f"WHEN {literal(name)} THEN {place}" for place, name in enumerate(CHANGES))
    rows = f"SELECT {', '.join(COLUMNS)} FROM change ORDER BY CASE change {order} END, patient, item"
    copy_csv(database, rows, file)


def _identity(run: RunFolder) -> tuple[Any, ...]:
    guideline = run.run.get("guideline") or {}
    return guideline.get("id"), guideline.get("version"), guideline.get("date")


def _differences(previous: RunFolder, current: RunFolder, *, same: bool) -> list[str]:
    found = []
    if not same:
        versions = [_identity(run)[1] for run in (previous, current)]
        found.append(f"guideline: {versions[0]} before, {versions[1]} now")
    for name in _OPTIONS:
        before, now = previous.run.get(name), current.run.get(name)
        if before != now:
            found.append(f"{name.replace('_', ' ')}: {_said(before)} before, {_said(now)} now")
    return found


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value else "not given"


def _changes(previous: RunFolder, current: RunFolder, listing: Listing, *, same: bool) -> str:
    numbers = ", ".join(f"({literal(item)}, {number})" for number, item in enumerate(listing.items, 1))
    states = ", ".join(f"item_{number}" for number in range(len(listing.items)))
    before = f"SELECT patient, site, item, list_group AS group_before, verdict AS verdict_before, what FROM {previous.worklist}"
    now = "SELECT patient, site, item, list_group AS group_now, verdict AS verdict_now, what FROM worklist"
    state = f"SELECT patient, [{states}] AS states FROM standing"
    facts = "SELECT patient, hash(facts) AS facts FROM {}"
    both = (
        f"SELECT coalesce(n.patient, b.patient) AS patient, coalesce(n.site, b.site) AS site, coalesce(n.item, b.item) AS item, "
        "coalesce(n.what, b.what) AS what, b.group_before, n.group_now, b.verdict_before, n.verdict_now "
        f"FROM ({before}) AS b FULL JOIN ({now}) AS n ON b.patient = n.patient AND b.item = n.item"
    )
    change = (
        f"CASE WHEN r.group_before IS NULL THEN {literal(NEW)} "
        f"WHEN r.group_now IS NOT NULL AND r.group_now = r.group_before AND r.verdict_now = r.verdict_before THEN {literal(OPEN)} "
        f"WHEN r.group_now IS NOT NULL THEN {literal(CHANGED)} "
        f"WHEN s.patient IS NULL THEN {literal(GONE)} WHEN i.number IS NULL THEN {literal(NOT_LISTED)} "
        f"WHEN s.states[i.number] IS NULL THEN {literal(NOT_KNOWN)} ELSE {literal(RESOLVED)} END"
    )
    return (
        "SELECT patient, site, item, what, change, group_before, group_now, verdict_before, coalesce(verdict_now, "
        f"CASE change WHEN {literal(RESOLVED)} THEN 'no' WHEN {literal(NOT_KNOWN)} THEN 'unknown' END) AS verdict_now, "
        f"patient_before, {_cause(same=same)} AS cause FROM ("
        f"SELECT r.*, {change} AS change, f.facts IS NOT NULL AS patient_before, f.facts IS NOT DISTINCT FROM g.facts AS same_facts "
        f"FROM ({both}) AS r LEFT JOIN ({state}) AS s ON r.patient = s.patient "
        f"LEFT JOIN (VALUES {numbers}) AS i (item, number) ON r.item = i.item "
        f"LEFT JOIN ({facts.format(previous.patients)}) AS f ON r.patient = f.patient "
        f"LEFT JOIN ({facts.format(current.patients)}) AS g ON r.patient = g.patient) AS found"
    )


def _cause(*, same: bool) -> str:
    """Why a row changed, as far as it can be told: the facts of the patient, the guideline, or either."""
    otherwise = "'record'" if same else "CASE WHEN same_facts THEN 'guideline' ELSE 'record or guideline' END"
    return (
        f"CASE WHEN change = {literal(OPEN)} THEN '' WHEN change = {literal(GONE)} THEN 'data' "
        f"WHEN NOT patient_before THEN 'data' WHEN change = {literal(NOT_LISTED)} THEN 'guideline' ELSE {otherwise} END"
    )
