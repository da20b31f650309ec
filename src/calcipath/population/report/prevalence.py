"""How frequent each level, urgent finding, risk factor and entry of the worklist is: for all, and for each site.

The share is of everybody that the measure looks at, with what is not known counted beside it: it is a share *at least*.
A share of those who are known would mislead, because a record seldom says that something is absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from calcipath.guideline.model import Guideline
from calcipath.output.wording import LADDER, LEVELS, sentence, title
from calcipath.population.report.run_folder import ReportDatabase, RunFolder, literal
from calcipath.population.report.small_numbers import Mask, wilson
from calcipath.population.report.standing_sql import Listing
from calcipath.population.sql_columns import identifier

COLUMNS: Final = (
    "kind", "item", "label", "of", "site", "denominator", "yes", "unknown", "no", "percent", "percent_low",
    "percent_high", "percent_at_most",
)  # fmt: skip
EVERYBODY: Final = "every patient"


@dataclass(frozen=True, slots=True)
class Measure:
    """What is counted: `flag` a three-valued column, among the patients for whom `among` is true."""

    kind: str
    item: str
    label: str
    of: str
    flag: str
    among: str


@dataclass(frozen=True, slots=True)
class Count:
    """One measure at one site (all: empty)."""

    measure: Measure
    site: str
    denominator: int
    yes: int
    unknown: int

    @property
    def no(self) -> int:
        return self.denominator - self.yes - self.unknown

    def share(self, count: int) -> float:
        return count / self.denominator if self.denominator else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, of the share that is known to be there."""
        return wilson(self.yes, self.denominator) or (0.0, 1.0)

    def as_row(self, mask: Mask) -> dict[str, Any]:
        """The columns of the table, as the mask lets them be seen."""
        shown = {name: mask.shown(getattr(self, name)) for name in ("denominator", "yes", "unknown", "no")}
        row: dict[str, Any] = {"kind": self.measure.kind, "item": self.measure.item, "label": self.measure.label}
        row |= {"of": self.measure.of, "site": self.site}
        row |= {name: f"<{mask.under}" if value is None else value for name, value in shown.items()}
        return row | self._percents(shown["denominator"], shown["yes"], shown["unknown"])

    @staticmethod
    def _percents(denominator: int | None, yes: int | None, unknown: int | None) -> dict[str, Any]:
        names = ("percent", "percent_low", "percent_high", "percent_at_most")
        if not denominator or yes is None:
            return dict.fromkeys(names, "")
        low, high = wilson(min(yes, denominator), denominator) or (0.0, 1.0)
        most = "" if unknown is None else _percent(min(1.0, (yes + unknown) / denominator))
        return dict(zip(names, (_percent(yes / denominator), _percent(low), _percent(high), most), strict=True))


def _percent(share: float) -> float:
    return round(100 * share, 2)


def measures_of_verdicts(guideline: Guideline) -> list[Measure]:
    """What is read from the table of verdicts."""
    levels = [
        Measure("level", level, title(level), EVERYBODY, f"suspicion_level = {literal(level)}", "true")
        for level in (*reversed(LADDER), *(name for name in LEVELS if name not in LADDER))
    ]
    urgent = [
        Measure("urgent finding", u.id, u.label or title(u.id), EVERYBODY, identifier(f"urgent:{u.id}"), "true")
        for u in guideline.urgent
    ]
    factors = [
        Measure("risk factor", r.id, r.label, EVERYBODY, identifier(f"risk:{r.id}"), "true")
        for r in guideline.risk_factors
    ]
    return [*levels, *urgent, *factors]


def measures_of_standing(listing: Listing) -> list[Measure]:
    """What is read from the table of entries that stand."""
    groups = listing.guideline.worklist.groups
    places = {group.id: number for number, group in enumerate(groups)}
    found = []
    for group in groups:
        entries = [(n, e) for n, e in enumerate(listing.entries) if e.group == group.id]
        if not entries or listing.urgent(entries[0][1].item):
            continue
        for number, entry in entries:
            factor = listing.risk_factor(entry.item)
            label = entry.what or sentence(factor.label if factor else entry.item)
            among = f"group_{places[group.id]}"
            found.append(Measure(group.id, entry.item, label, group.of, f"entry_{number}", among))
    return found


def count_prevalence(database: ReportDatabase, run: RunFolder, listing: Listing) -> list[Count]:
    """Every measure, for all and for each site."""
    verdicts = _counted(database, run.patients, measures_of_verdicts(listing.guideline))
    return [*verdicts, *_counted(database, "standing", measures_of_standing(listing))]


def _count(condition: str) -> str:
    """How many rows it is true of; with FILTER it would take ten times as long."""
    return f"count(CASE WHEN {condition} THEN 1 END)"


def _counted(database: ReportDatabase, table: str, measures: Sequence[Measure]) -> Iterator[Count]:
    counts = ", ".join(
        f"{_count(m.among)}, {_count(f'{m.among} AND {m.flag}')}, {_count(f'{m.among} AND ({m.flag}) IS NULL')}"
        for m in measures
    )
    found = database.run(
        f"SELECT grouping(site), coalesce(site, ''), {counts} FROM {table} GROUP BY GROUPING SETS ((), (site)) ORDER BY 1 DESC, 2"
    )
    sited = any(row[1] for row in found)
    for row in found:
        overall = bool(row[0])
        if not overall and not sited:
            continue
        site = "" if overall else row[1] or "(no site)"
        for n, measure in enumerate(measures):
            yield Count(measure, site, *(int(number) for number in row[2 + 3 * n : 5 + 3 * n]))
