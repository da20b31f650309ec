"""`calcipath generate`: its options. Imported at start-up, so nothing heavy at the top."""

from __future__ import annotations

import argparse
import os
import re

AS_OF = "2026-06-30"  # the default date of an export: fixed, so that the same seed gives the same files for ever
FEWEST, MOST = 100, 10_000_000


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("out", metavar="OUT", help="folder to make; must be new or empty")
    parser.add_argument("--patients", type=_patients, default=1000, metavar="N", help="100 to 10000000 (default: 1000)")
    parser.add_argument(
        "--seed", type=_seed, default=1, metavar="S", help="the same seed gives the same bytes (default: 1)"
    )
    parser.add_argument(
        "--format", choices=("fhir", "omop"), default="fhir", help="FHIR NDJSON or OMOP CDM CSV (default: fhir)"
    )
    parser.add_argument(
        "--population", choices=("dialysis", "mixed"), default="dialysis",
        help="all with kidney failure, or mostly general people (default: dialysis)",
    )  # fmt: skip
    parser.add_argument(
        "--as-of", type=_day, default=AS_OF, metavar="DATE", help=f"date of the export (default: {AS_OF})"
    )
    parser.add_argument(
        "--mistakes",
        type=_share,
        default=0.002,
        metavar="RATE",
        help="share of entries with a mistake (default: 0.002)",
    )
    parser.add_argument(
        "--notes", type=_share, default=0.1, metavar="SHARE", help="share of patients with a note (default: 0.1)"
    )
    parser.add_argument(
        "--enrich", type=_factor, default=1.0, metavar="FACTOR",
        help="multiply calciphylaxis and suspicious lesions by this, 1 to 200 (default: 1)",
    )  # fmt: skip
    parser.add_argument("--gzip", action="store_true", help="compress the files")
    parser.add_argument("--workers", type=_workers, default=None, metavar="N", help="processes (default: one a core)")


def _patients(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or not FEWEST <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"needs a whole number from {FEWEST} to {MOST}, not {text!r}")
    return int(text)


def _seed(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"needs a whole number of at most 18 digits, not {text!r}")
    return int(text)


def _day(text: str) -> str:
    from datetime import date

    try:
        year = date.fromisoformat(text).year
    except ValueError:
        year = 0
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text) or not 1990 <= year <= 2100:
        raise argparse.ArgumentTypeError(f"needs a date from 1990 to 2100 such as {AS_OF}, not {text!r}")
    return text


def _share(text: str) -> float:
    return _number(text, 0, 1)


def _factor(text: str) -> float:
    return _number(text, 1, 200)


def _number(text: str, low: float, high: float) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,12})?", text) or not low <= float(text) <= high:
        raise argparse.ArgumentTypeError(f"needs a number from {low:g} to {high:g}, not {text!r}")
    return float(text)


def _workers(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"needs a whole number from 1 to 256, not {text!r}")
    return int(text)


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(chosen: argparse.Namespace) -> str:
    """Generate the population; gives one sentence that says what was made."""
    from datetime import date
    from pathlib import Path

    from calcipath.output.progress import progress_bar
    from calcipath.synthesis.export import Order, generate
    from calcipath.synthesis.people import Setting

    as_of = date.fromisoformat(chosen.as_of).toordinal()
    setting = Setting(chosen.seed, as_of, chosen.population, chosen.notes, chosen.mistakes, chosen.enrich)
    workers = chosen.workers or _cores()
    order = Order(Path(chosen.out), chosen.patients, setting, chosen.format, chosen.gzip, workers)
    generate(order, progress_bar(chosen.patients, "patients"))
    return f"{chosen.patients:,} imaginary patients in {chosen.out}; what was put in: {chosen.out}/truth\n"
