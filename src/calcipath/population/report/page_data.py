"""What the page shows, gathered from the tables: numbers and words, no markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from calcipath.guideline.model import Guideline
from calcipath.population.report.attrition import Step
from calcipath.population.report.comparison import Comparison
from calcipath.population.report.data_quality import FactCoverage
from calcipath.population.report.prevalence import Count
from calcipath.population.report.run_folder import ReportDatabase, RunFolder
from calcipath.population.report.small_numbers import Mask

if TYPE_CHECKING:
    from calcipath.population.what_if import WhatIf

TOP: Final = 50  # patients of the worklist on the page


@dataclass(frozen=True, slots=True)
class TopRow:
    """A row of the worklist as the page shows it."""

    urgency: str
    group: str
    verdict: str
    what: str
    why: str
    to_do: str
    ask_first: str
    cautions: str


@dataclass(frozen=True, slots=True)
class TopPatient:
    patient: str
    site: str
    rows: tuple[TopRow, ...]


@dataclass(frozen=True, slots=True)
class GroupCount:
    """Patients and rows of a group at a site (all: empty)."""

    group: str
    site: str
    patients: int
    rows: int


@dataclass(frozen=True, slots=True)
class PageData:
    """Everything on the page. `top` is empty on a page to share."""

    run: RunFolder
    guideline: Guideline
    mask: Mask
    patients: int
    patients_by_site: Mapping[str, int]
    groups: Sequence[GroupCount]
    top: Sequence[TopPatient]
    counts: Sequence[Count]
    steps: Sequence[Step]
    coverage: Sequence[FactCoverage]
    comparison: Comparison | None
    impact: WhatIf | None
    shared: bool

    def group(self, name: str, site: str = "") -> GroupCount:
        """The counts of a group; none where nobody is in it."""
        found = (each for each in self.groups if each.group == name and each.site == site)
        return next(found, GroupCount(name, site, 0, 0))


def site_sizes(database: ReportDatabase) -> dict[str, int]:
    """Patients by site, the largest first; empty where the data hold no site."""
    rows: list[tuple[Any, ...]] = database.run("SELECT site, count(*) FROM standing GROUP BY site ORDER BY 2 DESC, 1")
    if all(site is None for site, _ in rows):
        return {}
    return {"(no site)" if site is None else str(site): int(count) for site, count in rows}


def group_counts(database: ReportDatabase) -> list[GroupCount]:
    """Every group, for all and by site."""
    rows = database.run(
        "SELECT group_id, CASE WHEN grouping(site) = 1 THEN '' ELSE coalesce(site, '(no site)') END, "
        "count(DISTINCT patient), count(*) FROM worklist "
        "GROUP BY GROUPING SETS ((group_id), (group_id, site))"
    )
    return [GroupCount(str(group), str(site), int(patients), int(count)) for group, site, patients, count in rows]


def top_patients(database: ReportDatabase, limit: int) -> list[TopPatient]:
    """The first patients of the worklist, each with all rows."""
    first = f"SELECT patient, min(rank) AS place FROM ranked GROUP BY patient ORDER BY place LIMIT {limit}"
    names = "patient, site, urgency, list_group, verdict, what, why, to_do, ask_first, cautions"
    wanted = f"SELECT rank FROM ranked WHERE patient IN (SELECT patient FROM ({first}))"
    found: dict[str, tuple[str, list[TopRow]]] = {}
    for patient, site, *row in database.run(f"SELECT {names} FROM worklist WHERE rank IN ({wanted}) ORDER BY rank"):
        found.setdefault(str(patient), (str(site or ""), []))[1].append(TopRow(*(str(cell or "") for cell in row)))
    return [TopPatient(patient, site, tuple(told)) for patient, (site, told) in found.items()]
