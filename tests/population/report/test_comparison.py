"""Two runs compared: what is resolved, and what is merely no longer known."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from run_maker import AT_RISK, DIAGNOSED, DIALYSIS, make_run

from calcipath.guideline.model import Guideline
from calcipath.population.report import write_report

Rows = list[dict[str, str]]
Reader = Callable[[Path], Rows]
VKA = "risk:vitamin-k-antagonist"
LOW_CALCIUM = {**DIAGNOSED, "calcium-ionised": (1.0, "below")}
BEFORE: Mapping[str, Mapping[str, Any]] = {
    "open": AT_RISK, "ended": AT_RISK, "silent": AT_RISK, "gone": AT_RISK, "worse": DIAGNOSED, "calm": DIALYSIS,
    "potassium": {"potassium": 6.8},
}  # fmt: skip
NOW: Mapping[str, Mapping[str, Any]] = {
    "open": AT_RISK, "ended": {**DIALYSIS, "vitamin-k-antagonist": False, "calcium-based-binder": True},
    "silent": {**DIALYSIS, "calcium-based-binder": True}, "worse": LOW_CALCIUM, "calm": AT_RISK, "newcomer": AT_RISK,
    "potassium": {},
}  # fmt: skip


def compared(folder: Path, first: Guideline, second: Guideline, read_csv: Reader, **run: Any) -> tuple[Path, Rows]:
    previous = make_run(folder / "previous", first, BEFORE, as_of="2026-03-31")
    current = make_run(folder / "current", second, NOW, **run)
    write_report(previous, first)
    write_report(current, second, previous)
    return current, read_csv(current / "changes.csv")


@pytest.fixture(scope="module")
def changes(
    tmp_path_factory: pytest.TempPathFactory, guideline: Guideline, read_csv: Reader
) -> tuple[Path, dict[tuple[str, str], dict[str, str]]]:
    current, rows = compared(tmp_path_factory.mktemp("runs"), guideline, guideline, read_csv)
    return current, {(row["patient"], row["item"]): row for row in rows}


@pytest.mark.parametrize(
    ("patient", "item", "change", "verdicts", "cause"),
    [
        ("open", VKA, "still open", ("yes", "yes"), ""),
        ("ended", VKA, "resolved", ("yes", "no"), "record"),
        ("ended", "risk:calcium-based-binder", "new", ("", "yes"), "record"),
        ("silent", VKA, "not known now", ("yes", "unknown"), "record"),
        ("potassium", "urgent:hyperkalaemia", "not known now", ("yes", "unknown"), "record"),
        ("gone", VKA, "no longer in the data", ("yes", ""), "data"),
        ("worse", "recommendation:avoid-vitamin-d", "changed", ("yes", "held"), "record"),
        ("worse", "recommendation:goals-of-care", "still open", ("yes", "yes"), ""),
        ("calm", VKA, "new", ("", "yes"), "record"),
        ("newcomer", VKA, "new", ("", "yes"), "data"),
    ],
)
def test_each_change(
    changes: tuple[Path, dict[tuple[str, str], dict[str, str]]],
    patient: str,
    item: str,
    change: str,
    verdicts: tuple[str, str],
    cause: str,
) -> None:
    row = changes[1][patient, item]
    assert (row["change"], (row["verdict_before"], row["verdict_now"]), row["cause"]) == (change, verdicts, cause)


def test_the_counts_and_the_page_say_so(changes: tuple[Path, dict[tuple[str, str], dict[str, str]]]) -> None:
    folder, rows = changes
    told = json.loads((folder / "changes.json").read_text(encoding="utf-8"))
    assert told["same_guideline"] is True
    assert told["differences"] == ["as of: 2026-03-31 before, 2026-06-30 now"]
    assert sum(each["rows"] for each in told["changes"]) == len(rows)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Changes since the previous run" in page
    assert "does not mean that it is resolved" in page


def test_a_changed_guideline_is_named_as_the_cause(tmp_path: Path, guideline: Guideline, read_csv: Reader) -> None:
    later = replace(
        guideline,
        version="9.9.9",
        worklist=replace(
            guideline.worklist, entries=tuple(e for e in guideline.worklist.entries if "goals" not in e.item)
        ),
    )
    current, rows = compared(tmp_path, guideline, later, read_csv)
    found = {(row["patient"], row["item"]): row for row in rows}
    assert found["worse", "recommendation:goals-of-care"]["change"] == "no longer on the list"
    assert found["worse", "recommendation:goals-of-care"]["cause"] == "guideline"
    assert found["ended", VKA]["cause"] == "record or guideline"
    told = json.loads((current / "changes.json").read_text(encoding="utf-8"))
    assert told["differences"][0] == f"guideline: {guideline.version} before, 9.9.9 now"
