"""`calcipath screen`: its options. Imported at start-up, so nothing heavy at the top."""

from __future__ import annotations

import argparse
import os
import re
from typing import TYPE_CHECKING

from calcipath.errors import InputError
from calcipath.record_options import COMPLETE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from calcipath.guideline.model import Guideline
    from calcipath.hooks.selection import AlertSettings
    from calcipath.population.run import RunOptions
    from calcipath.population.what_if import WhatIf


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="folder of FHIR Bulk Data (NDJSON, may be gzipped), of OMOP CDM tables (or a DuckDB file), or of a kept flat form",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the results; earlier runs in it stay")
    parser.add_argument(
        "--as-of", type=_as_of, metavar="DATE", help="judge everybody for this date (default: end of each record)"
    )
    parser.add_argument(
        "--complete", type=_complete, default=frozenset(), metavar="LIST",
        help="what the source holds in full: medications, allergies, or both with a comma; absence is then an answer",
    )  # fmt: skip
    parser.add_argument("--notes", action="store_true", help="read free text too (slow: every different note is read)")
    parser.add_argument(
        "--keep-flat",
        default="",
        metavar="DIR",
        help="keep the flat form in this new folder: a next run may start from it",
    )
    parser.add_argument(
        "--what-if",
        nargs="?",
        const="",
        metavar="CONFIG",
        help="count the cards that each CDS Hooks service would show; with CONFIG also what that configuration would change",
    )
    parser.add_argument(
        "--what-if-sample", type=_sample, default=None, metavar="N",
        help="count the cards of N patients only, with 95 %% intervals: for very large populations",
    )  # fmt: skip
    parser.add_argument(
        "--settings", default="", metavar="FILE",
        help="settings file of the service (calcipath serve), for --what-if: cards a call, and for how long none comes again",
    )  # fmt: skip
    parser.add_argument("--no-report", action="store_true", help="write the verdicts only, without worklist and report")
    parser.add_argument(
        "--engine", type=_engine, default="duckdb", metavar="ENGINE",
        help="duckdb (default: on this machine), or a Spark Connect server as sc://HOST:PORT, which must see SOURCE",
    )  # fmt: skip
    parser.add_argument(
        "--memory", type=_memory, default="400MB", metavar="SIZE",
        help="limit of the engine on this machine (default: 400MB)",
    )  # fmt: skip
    parser.add_argument(
        "--threads", type=_threads, default=None, metavar="N",
        help="threads of the engine on this machine, and processes that read texts (default: one a core)",
    )  # fmt: skip


def _as_of(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"needs a date such as 2026-01-15 or an instant with its zone, not {text!r}")
    return text


def _complete(text: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if not names or not names <= set(COMPLETE):
        raise argparse.ArgumentTypeError(f"may name {' and '.join(COMPLETE)}, not {text!r}")
    return names


def _engine(text: str) -> str:
    if text != "duckdb" and not text.startswith("sc://"):
        raise argparse.ArgumentTypeError(
            "needs duckdb, or the address of a Spark Connect server such as sc://host:15002"
        )
    return text


def _memory(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,5}(MB|GB)", text):
        raise argparse.ArgumentTypeError(f"needs a size such as 400MB or 4GB, not {text!r}")
    return text


def _sample(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 2:
        raise argparse.ArgumentTypeError(f"needs a whole number of patients, 2 or more, not {text!r}")
    return int(text)


def _threads(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"needs a whole number from 1 to 256, not {text!r}")
    return int(text)


def run(chosen: argparse.Namespace) -> str:
    """Screen a population; gives what to tell. Raises `InputError`."""
    try:
        from calcipath.population.run import RunOptions, screen
        from calcipath.population.screening import ScreenOptions
    except ImportError as error:
        if (error.name or "").startswith("calcipath"):
            raise
        raise InputError(f"populations need {error.name}: install calcipath with its 'population' extra") from None
    from calcipath.record.dates import parse_when
    from calcipath.site_assessor import assessor_for

    as_of = chosen.as_of or ""
    if as_of and parse_when(as_of) is None:
        raise InputError(f"--as-of {as_of} is not a day of the calendar")
    assessor, site = assessor_for(chosen.config)
    alerts = _alerts(chosen)
    if chosen.what_if:
        assessor_for(chosen.what_if)  # a mistake in it is said before the work begins
    options = RunOptions(
        ScreenOptions(as_of, chosen.notes, chosen.complete, site.code_systems),
        memory=chosen.memory,
        threads=chosen.threads or os.cpu_count() or 1,
        flat=chosen.keep_flat,
        encounters=chosen.what_if is not None,
        engine=chosen.engine,
    )
    from calcipath.output.progress import StepProgress

    with StepProgress(_plan(chosen)) as step:
        report = _reporting(chosen, options, assessor.guideline, alerts, step)
        done = screen(chosen.source, chosen.out, assessor.guideline, options, step=step, report=report)
    where = f"the report is {chosen.out}/latest/report.html, the worklist {chosen.out}/latest/worklist.csv"
    if chosen.no_report:
        where = f"the verdicts are {chosen.out}/latest/patient.parquet"
    return f"Screened; {where} ({done.name}).\n{_reading(done)}"


def _reading(run: Path) -> str:
    """What reading codes, names and texts took."""
    import json

    took = json.loads((run / "run.json").read_text(encoding="utf-8"))["reading"]
    read, processes = took["contents"], took["processes"]
    by = f"{processes} processes" if processes > 1 else "1 process"
    return f"{read:,} different texts were read in {took['seconds']:.1f} s ({took['per_second']:,} a second) by {by}."


def _alerts(chosen: argparse.Namespace) -> AlertSettings:
    """How many cards a call, and for how long none comes again: as the service would have it."""
    from calcipath.service.settings import read_alert_settings

    for option, given in (("--settings", chosen.settings), ("--what-if-sample", chosen.what_if_sample)):
        if given and chosen.what_if is None:
            raise InputError(f"{option} says how cards are counted, so it needs --what-if")
    return read_alert_settings(chosen.settings)


def _plan(chosen: argparse.Namespace) -> list[tuple[str, float]]:
    """The steps that the progress bar will see."""
    from calcipath.population.steps import REPORT, WHAT_IF, screening_steps

    asked = chosen.what_if is not None
    plan = list(screening_steps(flat=bool(chosen.keep_flat), encounters=asked))
    plan += screening_steps(flat=False, encounters=asked) if chosen.what_if else []
    plan += [WHAT_IF] if asked else []
    return plan if chosen.no_report else [*plan, *REPORT]


def _reporting(
    chosen: argparse.Namespace,
    options: RunOptions,
    guideline: Guideline,
    alerts: AlertSettings,
    step: Callable[..., None],
) -> Callable[[Path, Path | None], None]:
    """What is made from the verdicts of a run, in the folder of the run."""
    from calcipath.population.report.write import ReportOptions, write_report

    told = ReportOptions(memory=chosen.memory, threads=options.threads)

    def report(folder: Path, previous: Path | None) -> None:
        reported = previous if previous is not None and (previous / "worklist.parquet").exists() else None
        impact = _what_if(chosen, folder, options, guideline, alerts, step) if chosen.what_if is not None else None
        if not chosen.no_report:
            write_report(folder, guideline, reported, told, step, impact.section if impact else None)

    return report


def _what_if(
    chosen: argparse.Namespace,
    folder: Path,
    options: RunOptions,
    guideline: Guideline,
    alerts: AlertSettings,
    step: Callable[..., None],
) -> WhatIf:
    """Cards before go-live, and what another configuration would change."""
    import shutil
    from dataclasses import replace

    from calcipath.population.impact_model import Sample
    from calcipath.population.run import screen_beside
    from calcipath.population.what_if import Configured, what_if
    from calcipath.site_assessor import assessor_for

    now, then = Configured(folder, guideline, alerts), None
    if chosen.what_if:
        other, site = assessor_for(chosen.what_if)
        asked = replace(options, screen=replace(options.screen, code_systems=site.code_systems), flat="")
        source = chosen.keep_flat or chosen.source
        beside = screen_beside(source, folder, other.guideline, asked, step=step)
        then = Configured(beside, other.guideline, alerts)
    step("what if")
    sample = Sample(chosen.what_if_sample) if chosen.what_if_sample else None
    found = what_if(now, then, folder, sample=sample, memory=chosen.memory, threads=options.threads)
    if then is not None:
        shutil.rmtree(then.run)
    return found
