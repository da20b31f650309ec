"""What the page shows, gathered from the tables: numbers and words, no markup."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from calcipath.guideline.model import Guideline
from calcipath.output.markup import Markup
from calcipath.population.report.attrition import Step
from calcipath.population.report.comparison import Comparison
from calcipath.population.report.data_quality import FactCoverage
from calcipath.population.report.prevalence import Count
from calcipath.population.report.run_folder import ReportDatabase, RunFolder, literal
from calcipath.population.report.small_numbers import Mask

Section = Callable[[Mask], Markup]  # a section of the page that is made elsewhere
TOP: Final = 25  # patients of each group of the worklist on the page


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
    """`group`: the first one that the patient is in."""

    group: str
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
    """Everything on the page. `top` is empty on a page to share. `leading`: patients by their first group."""

    run: RunFolder
    guideline: Guideline
    mask: Mask
    patients: int
    patients_by_site: Mapping[str, int]
    groups: Sequence[GroupCount]
    top: Sequence[TopPatient]
    leading: Mapping[str, int]
    counts: Sequence[Count]
    steps: Sequence[Step]
    coverage: Sequence[FactCoverage]
    comparison: Comparison | None
    impact: Section | None
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


def leading_groups(database: ReportDatabase, groups: Sequence[str]) -> dict[str, int]:
    """How many patients are in each group and in none before it. Makes the table `first_row`: patient, group, place."""
    listed = ", ".join(map(literal, groups))
    database.run(
        "CREATE OR REPLACE TABLE first_row AS SELECT patient, group_id, place, "
        "row_number() OVER (PARTITION BY group_id ORDER BY place) AS within FROM ("
        f"SELECT patient, min(rank) AS place, arg_min(group_id, list_position([{listed}], group_id)) AS group_id "
        "FROM worklist GROUP BY patient)"
    )
    return dict(database.run("SELECT group_id, count(*) FROM first_row GROUP BY group_id"))


def top_patients(database: ReportDatabase, limit: int) -> list[TopPatient]:
    """The first patients of each group (of the table `first_row`), each with all rows."""
    names = "patient, site, urgency, list_group, verdict, what, why, to_do, ask_first, cautions"
    first = f"SELECT patient AS known, group_id AS under, place FROM first_row WHERE within <= {limit}"
    found: dict[str, tuple[str, str, list[TopRow]]] = {}
    rows = f"SELECT under, {names} FROM worklist JOIN ({first}) ON patient = known ORDER BY place, rank"
    for group, patient, site, *row in database.run(rows):
        told = found.setdefault(str(patient), (str(group), str(site or ""), []))[2]
        told.append(TopRow(*(str(cell or "") for cell in row)))
    return [TopPatient(group, patient, site, tuple(told)) for patient, (group, site, told) in found.items()]
