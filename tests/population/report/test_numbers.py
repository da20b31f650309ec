"""Prevalence, attrition, coverage and masks against numbers counted by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_maker import AT_RISK, DIAGNOSED, SUSPECTED, make_run
from scipy.stats import binomtest

from calcipath.guideline.expression_parser import parse
from calcipath.guideline.model import Guideline
from calcipath.population.report import write_report
from calcipath.population.report.condition_words import LONGEST, ConditionWords
from calcipath.population.report.small_numbers import Mask, wilson

Rows = list[dict[str, str]]
Reader = Callable[[Path], Rows]
# Twelve patients at two sites: 6 at risk (4 north), 2 suspected, 1 diagnosed (dx-1), 3 of whom nothing is known.
PATIENTS = {
    **{f"risk-{n}": {**AT_RISK, "bmi-recorded": 35.0 if n < 2 else 22.0} for n in range(6)},
    **{f"suspected-{n}": SUSPECTED for n in range(2)},
    "dx-1": {**DIAGNOSED, "dermatology-involved": True, "nutrition-involved": True, "wound-team-involved": True},
    **{f"unknown-{n}": {} for n in range(3)},
}
SITES = {name: "north" if name in ("risk-0", "risk-1", "risk-2", "risk-3") else "south" for name in PATIENTS}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, guideline: Guideline) -> Path:
    found = make_run(tmp_path_factory.mktemp("runs") / "run", guideline, PATIENTS, site=SITES)
    write_report(found, guideline)
    return found


@pytest.fixture(scope="module")
def prevalence(run: Path, read_csv: Reader) -> dict[tuple[str, str, str], dict[str, str]]:
    return {(row["kind"], row["item"], row["site"]): row for row in read_csv(run / "prevalence.csv")}


@pytest.mark.parametrize(
    ("kind", "item", "site", "counts"),
    [
        ("level", "at-risk", "", (12, 6, 0, 6)),
        ("level", "at-risk", "north", (4, 4, 0, 0)),
        ("level", "at-risk", "south", (8, 2, 0, 6)),
        ("level", "suspected", "", (12, 2, 0, 10)),
        ("level", "clinical", "south", (8, 1, 0, 7)),
        ("risk factor", "vitamin-k-antagonist", "", (12, 6, 4, 2)),
        ("risk factor", "obesity", "", (12, 2, 6, 4)),
        ("risk factor", "vitamin-d", "", (12, 1, 11, 0)),
        ("plan-gap", "recommendation:multidisciplinary-team", "", (1, 0, 0, 1)),
        ("plan-gap", "recommendation:goals-of-care", "", (1, 1, 0, 0)),
        ("suspicious-lesion", "recommendation:suspect-calciphylaxis", "south", (2, 2, 0, 0)),
        ("modifiable-risk", "risk:vitamin-k-antagonist", "", (9, 6, 0, 3)),
    ],
)
def test_counts_are_those_made_by_hand(
    prevalence: dict[tuple[str, str, str], dict[str, str]], kind: str, item: str, site: str, counts: tuple[int, ...]
) -> None:
    row = prevalence[kind, item, site]
    assert tuple(int(row[name]) for name in ("denominator", "yes", "unknown", "no")) == counts


def test_a_share_is_of_everybody_and_says_what_it_is_at_most(
    prevalence: dict[tuple[str, str, str], dict[str, str]],
) -> None:
    row = prevalence["risk factor", "vitamin-k-antagonist", ""]
    assert (float(row["percent"]), float(row["percent_at_most"])) == (50.0, 83.33)
    assert (float(row["percent_low"]), float(row["percent_high"])) == (25.38, 74.62)  # Wilson, 6 of 12


def test_attrition_of_watch_at_risk(run: Path, read_csv: Reader) -> None:
    rows = [row for row in read_csv(run / "attrition.csv") if row["item"] == "watch-at-risk"]
    found = [tuple(int(row[name]) for name in ("step", "left", "unknown", "out")) for row in rows]
    # everybody; on dialysis: 9, 3 unknown; no lesion: 6, and 3 are out; a modifiable factor: 6
    assert found == [(0, 12, 0, 0), (1, 9, 3, 0), (2, 6, 3, 3), (3, 6, 3, 3)]
    assert rows[1]["criterion"] == "on dialysis"


def test_attrition_never_grows_and_always_adds_up(run: Path, read_csv: Reader) -> None:
    before: dict[str, str] = {}
    for row in read_csv(run / "attrition.csv"):
        left, unknown, out = (int(row[name]) for name in ("left", "unknown", "out"))
        assert left + unknown + out == len(PATIENTS)
        if row["kind"] in ("rung", "recommendation") and row["step"] != "0":
            assert before["item"] == row["item"]
            assert left <= int(before["left"])
            assert out >= int(before["out"])
        before = row


def test_the_rungs_are_taken_by_everybody_once(run: Path, read_csv: Reader) -> None:
    rows = [row for row in read_csv(run / "attrition.csv") if row["criterion"] == "and no higher rung before it"]
    assert sum(int(row["left"]) for row in rows) == len(PATIENTS)


def test_facts_by_how_many_records_speak_of_them(run: Path, read_csv: Reader) -> None:
    rows = {row["fact"]: row for row in read_csv(run / "facts.csv")}
    assert (
        rows["bmi-recorded"]["known"],
        rows["bmi-recorded"]["unknown"],
        rows["bmi-recorded"]["percent_unknown"],
    ) == ("6", "6", "50.0")
    assert rows["bmi-recorded"]["median_age_days"] == "10"
    assert rows["phosphate"]["known"] == "0"
    quality = json.loads((run / "data-quality.json").read_text(encoding="utf-8"))
    assert quality["unreadable"] == 2
    assert quality["not_derivable"]


def test_what_may_be_shared_hides_small_counts_and_names_nobody(run: Path, read_csv: Reader) -> None:
    rows = read_csv(run / "to-share" / "prevalence.csv")
    for row in rows:
        for name in ("denominator", "yes", "unknown", "no"):
            assert row[name] == "<5" or int(row[name]) % 5 == 0, row
    hidden = next(row for row in rows if row["item"] == "suspected" and not row["site"])
    assert (hidden["yes"], hidden["percent"], hidden["percent_low"]) == ("<5", "", "")
    for file in (run / "to-share").iterdir():
        text = file.read_text(encoding="utf-8")
        assert not any(name in text for name in PATIENTS), file.name
    assert {file.name for file in (run / "to-share").iterdir()} == {
        "prevalence.csv", "prevalence.json", "attrition.csv", "report.html",
    }  # fmt: skip


@given(st.integers(0, 10**7))
def test_a_mask_shows_no_small_count_and_moves_none_far(count: int) -> None:
    shown = Mask(5).shown(count)
    assert (shown is None) == (0 < count < 5)
    assert shown is None or (shown % 5 == 0 and abs(shown - count) <= 2)


@given(st.integers(1, 10**6).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_interval_holds_the_share(case: tuple[int, int]) -> None:
    count, total = case
    low, high = wilson(count, total) or (1.0, 0.0)
    assert 0 <= low <= count / total + 1e-12
    assert count / total - 1e-12 <= high <= 1


@pytest.mark.parametrize(("count", "total"), [(81, 263), (15, 148), (0, 20), (1, 29), (20, 20), (6, 12), (1, 10**6)])
def test_the_interval_is_that_of_scipy(count: int, total: int) -> None:
    expected = binomtest(count, total).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson(count, total) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)


def test_of_nobody_there_is_no_interval() -> None:
    assert wilson(0, 0) is None


def test_conditions_are_said_in_words(guideline: Guideline) -> None:
    words = ConditionWords(guideline)
    assert words.say(parse('not "dialysis" and "pth" > 300 \'pg/mL\'')) == "not on dialysis and intact PTH > 300"
    for item in guideline.recommendations:
        assert 0 < len(words.say(item.applies.tree)) <= LONGEST
