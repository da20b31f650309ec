"""All files of a report, written into the folder of its run."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import duckdb

from calcipath.errors import CalcipathError, GuidelineError
from calcipath.guideline.model import Guideline
from calcipath.output.writing import write_file
from calcipath.population.report import attrition, data_quality, prevalence
from calcipath.population.report.comparison import Comparison, compare, write_changes
from calcipath.population.report.csv_files import PACKED, copy_csv, write_csv
from calcipath.population.report.fhir_export import write_fhir
from calcipath.population.report.page import render_report
from calcipath.population.report.page_data import (
    TOP,
    PageData,
    Section,
    group_counts,
    leading_groups,
    site_sizes,
    top_patients,
)
from calcipath.population.report.run_folder import ReportDatabase, RunFolder, open_run
from calcipath.population.report.small_numbers import Mask
from calcipath.population.report.standing_sql import Listing, StandingSql
from calcipath.population.report.worklist import make_worklist, write_worklist
from calcipath.population.verdict_sql import verdict_columns

SHARE: Final = "to-share"


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """`top`: patients of each group of the worklist on the page. `mask_under`: counts below it are hidden in what may be shared (0: none).

    `patient_csv`: one row a patient as text. It is compressed where there are more patients than `plain_csv`.
    """

    top: int = TOP
    mask_under: int = 5
    memory: str = "400MB"
    threads: int = 2
    fhir: bool = True
    patient_csv: bool = True
    plain_csv: int = 200_000


def write_report(
    run: Path,
    guideline: Guideline,
    previous: Path | None = None,
    options: ReportOptions | None = None,
    step: Callable[[str], None] | None = None,
    impact: Section | None = None,
) -> None:
    """Write the report of the run in the folder `run` into that folder, compared with an earlier reported run.

    `impact` makes the section of the page on cards before go-live, where they were counted.

    Raises `InputError` where a folder is no run, `GuidelineError` where the guideline has no worklist. No message holds
    anything of a patient. A file that was begun may be left behind by an error: the caller makes the folder whole.
    """
    chosen, tell = options or ReportOptions(), step or (lambda _: None)
    current = open_run(run)
    earlier = open_run(previous, reported=True) if previous else None
    if not guideline.worklist.entries:
        raise GuidelineError("this guideline has no worklist")
    try:
        with (
            tempfile.TemporaryDirectory(dir=run, prefix=".report-") as folder,
            ReportDatabase(folder, memory=chosen.memory, threads=chosen.threads) as database,
        ):
            _write(database, current, earlier, guideline, chosen, tell, impact)
        _close_to_others(run)
    except duckdb.Error as error:
        raise CalcipathError(f"the report could not be made: {type(error).__name__} of the engine") from None


def _write(
    database: ReportDatabase,
    run: RunFolder,
    earlier: RunFolder | None,
    guideline: Guideline,
    options: ReportOptions,
    step: Callable[[str], None],
    impact: Section | None,
) -> None:
    listing = Listing(guideline)
    standing = StandingSql(listing)
    step("worklist")
    make_worklist(database, run, standing)
    write_worklist(database, run.path)
    step("comparison")
    comparison = _compare(database, earlier, run, listing) if earlier else None
    step("numbers")
    leading = leading_groups(database, [group.id for group in guideline.worklist.groups])
    data = PageData(
        run=run,
        guideline=guideline,
        mask=Mask(),
        patients=database.count("SELECT count(*) FROM standing"),
        patients_by_site=site_sizes(database),
        groups=group_counts(database),
        top=top_patients(database, options.top),
        leading=leading,
        counts=prevalence.count_prevalence(database, run, listing),
        steps=attrition.count_attrition(database, standing.steps),
        coverage=data_quality.fact_coverage(database, run, guideline),
        comparison=comparison,
        impact=impact,
        shared=False,
    )
    _write_numbers(data, run.path)
    to_share = run.path / SHARE
    to_share.mkdir(exist_ok=True)
    _write_numbers(replace(data, mask=Mask(options.mask_under), top=(), shared=True), to_share)
    if options.patient_csv:
        step("patients")
        database.run("SET preserve_insertion_order = false")  # keeping it would keep the file in memory
        name = "patient.csv" if data.patients <= options.plain_csv else f"patient.csv{PACKED}"
        copy_csv(database, f"SELECT * FROM {run.patients}", run.path / name, verdict_columns(guideline))
        database.run("SET preserve_insertion_order = true")
    if options.fhir:
        step("FHIR")
        write_fhir(database, run, guideline, run.path / "fhir")


def _compare(database: ReportDatabase, earlier: RunFolder, run: RunFolder, listing: Listing) -> Comparison:
    found = compare(database, earlier, run, listing)
    write_changes(database, run.path / "changes.csv")
    _write_json(run.path / "changes.json", found.as_json())
    return found


def _close_to_others(folder: Path) -> None:
    """What names patients is readable by its owner only, as the house does with every record."""
    named = [*folder.glob("worklist.*"), *folder.glob("changes.*"), *folder.glob("patient.*"), *folder.glob("fhir/*")]
    for file in named:
        if file.is_file():
            file.chmod(0o600)


def _write_numbers(data: PageData, folder: Path) -> None:
    counts = [count.as_row(data.mask) for count in data.counts]
    write_csv(folder / "prevalence.csv", counts, prevalence.COLUMNS)
    _write_json(folder / "prevalence.json", counts)
    steps = [_masked(step.as_row(), data.mask, ("left", "unknown", "out")) for step in data.steps]
    write_csv(folder / "attrition.csv", steps, attrition.COLUMNS)
    if not data.shared:
        coverage = [row.as_row() for row in data.coverage]
        write_csv(folder / "facts.csv", coverage, data_quality.COLUMNS)
        _write_json(folder / "data-quality.json", data_quality.quality_report(data.run, list(data.coverage)))
    write_file(str(folder / "report.html"), render_report(data))


def _masked(row: dict[str, Any], mask: Mask, names: tuple[str, ...]) -> dict[str, Any]:
    shown = {name: mask.shown(row[name]) for name in names}
    return row | {name: f"<{mask.under}" if value is None else value for name, value in shown.items()}


def _write_json(file: Path, content: object) -> None:
    write_file(str(file), json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
