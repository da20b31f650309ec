"""One run made by hand that most tests read, and a reader of CSV files."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from calcipath.api import load_guideline
from calcipath.guideline.model import Guideline
from calcipath.population.report import ReportOptions, write_report

sys.path.insert(0, str(Path(__file__).parent))
from run_maker import EVERYBODY, SITES, make_run

Rows = list[dict[str, str]]


@pytest.fixture(scope="session")
def guideline() -> Guideline:
    return load_guideline()


@pytest.fixture(scope="session")
def read_csv() -> Callable[[Path], Rows]:
    def read(file: Path) -> Rows:
        with file.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    return read


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory, guideline: Guideline) -> Path:
    run = make_run(tmp_path_factory.mktemp("runs") / "run", guideline, EVERYBODY, site=SITES, source=SITES["potassium"])
    write_report(run, guideline, options=ReportOptions(top=3))
    return run
