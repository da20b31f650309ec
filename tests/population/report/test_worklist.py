"""The worklist: who is on it, in which order, in which words, and what never is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from run_maker import AT_RISK, FORMULAS, SUSPECTED, make_run

from calcipath.errors import GuidelineError, InputError
from calcipath.guideline.model import Guideline
from calcipath.guideline.reader import Content, read_guideline
from calcipath.guideline.shipped import shipped_content
from calcipath.guideline.worklist_reader import asks_to_end
from calcipath.population.report import ReportOptions, write_report
from calcipath.population.report.row_texts import row_text
from calcipath.population.report.standing_sql import Listing

Rows = list[dict[str, str]]
Reader = Callable[[Path], Rows]


@pytest.fixture(scope="module")
def rows(reported: Path, read_csv: Reader) -> Rows:
    return read_csv(reported / "worklist.csv")


def of(rows: Rows, patient: str) -> dict[str, dict[str, str]]:
    return {row["item"]: row for row in rows if row["patient"] == patient}


def test_a_patient_with_nothing_to_review_is_not_listed(rows: Rows) -> None:
    assert of(rows, "quiet") == {}
    assert of(rows, "nothing") == {}


def test_a_dialysis_patient_at_risk_has_a_row_for_each_modifiable_factor(rows: Rows) -> None:
    found = of(rows, "at-risk")
    assert set(found) == {"risk:vitamin-k-antagonist"}
    row = found["risk:vitamin-k-antagonist"]
    assert row["list_group"] == "modifiable risk"
    assert (row["urgency"], row["changes"], row["site"]) == ("routine", "prescriber", "north")
    assert row["to_do"].startswith("Review with the prescriber")
    assert "vitamin K antagonist (such as warfarin) on 2026-06-20" in row["why"]
    assert '"Observation/at-risk-vitamin-k-antagonist"' in row["evidence"]
    assert "Stop nothing on this message" in row["cautions"]


def test_a_suspicious_lesion_without_a_diagnosis(rows: Rows) -> None:
    row = of(rows, "suspected")["recommendation:suspect-calciphylaxis"]
    assert row["list_group"] == "suspicious lesion without a diagnosis"
    assert row["urgency"] == "today"
    assert "compatible skin lesion on 2026-06-20" in row["why"]
    assert not any(row["list_group"].startswith("plan gap") for row in of(rows, "suspected").values())


def test_a_lesion_that_the_record_does_not_decide_is_to_be_found_out(rows: Rows) -> None:
    row = of(rows, "lesion-only")["recommendation:suspect-calciphylaxis"]
    assert (row["list_group"], row["verdict"]) == ("to be found out", "unknown")
    assert row["why"].startswith("not known: ")
    assert "acral" not in row["evidence"]


def test_a_diagnosed_patient_has_gaps_and_what_is_held_says_so(rows: Rows) -> None:
    found = of(rows, "diagnosed")
    assert found["recommendation:multidisciplinary-team"]["list_group"] == "plan gap in a confirmed patient"
    assert "recommendation:suspect-calciphylaxis" not in found
    held = found["recommendation:avoid-vitamin-d"]
    assert (held["verdict"], held["list_group"]) == ("held", "modifiable risk")
    assert "Calcium is below its range" in held["held_by"]
    assert held["to_do"].startswith("Held: ask nephrology with endocrinology before anything is changed.")
    assert held["decides"] == "nephrology with endocrinology"
    assert "ionised calcium 1 mmol/L (below its range)" in held["why"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, guideline: Guideline, read_csv: Reader) -> Rows:
    calcium = {"calcium-total-now": (7.7, "below"), "albumin": 4.5}
    patients = {
        "low-when-corrected": {**AT_RISK, **calcium},
        "autoimmune": {**SUSPECTED, "phosphate": 5.0, "autoimmune-disease-recorded": True},
    }
    run = make_run(tmp_path_factory.mktemp("told") / "run", guideline, patients)
    write_report(run, guideline, options=ReportOptions(fhir=False, patient_csv=False))
    return read_csv(run / "worklist.csv")


def test_a_corrected_calcium_is_shown_beside_what_was_measured(told: Rows) -> None:
    why = of(told, "low-when-corrected")["urgent:severe-hypocalcaemia"]["why"]
    # 7.7 + 0.8 * (4 - 4.5) = 7.3, below the limit of 7.6 although the total is above it
    assert why.startswith("calcium (recent; corrected, or total where albumin is unknown): 7.3 mg/dL; ")
    assert "total calcium (recent) 7.7 mg/dL (below its range)" in why


def test_missing_tests_are_named(told: Rows) -> None:
    to_do = of(told, "autoimmune")["recommendation:labs-for-risk-factors"]["to_do"]
    assert "Not on record or out of date: " in to_do
    assert "Albumin" in to_do
    assert "Complement C3 and C4" in to_do  # the 32nd bit and beyond
    assert "Phosphate" not in to_do
    assert "Serum aluminium" not in to_do


def test_every_row_has_what_somebody_needs_to_ask(rows: Rows) -> None:
    for row in rows:
        for name in ("rank", "what", "why", "to_do", "strength", "source", "as_of"):
            assert row[name], (row["item"], name)
        assert bool(row["held_by"]) == (row["verdict"] == "held")
        assert bool(row["decides"]) == (row["verdict"] == "held")


def test_urgent_findings_come_first_then_urgency_then_what_a_prescriber_can_change(rows: Rows) -> None:
    assert rows[0]["item"] == "urgent:hyperkalaemia"
    assert rows[0]["what"] == "Potassium at or above the emergency limit (6.5 mmol/L by default)"
    order = {"now": 0, "today": 1, "this-week": 2, "routine": 3}
    changes = {"prescriber": 0, "treatment": 1, "nothing": 2}

    def place(row: dict[str, str]) -> tuple[object, ...]:
        urgent = not row["item"].startswith("urgent:")
        return urgent, order[row["urgency"]], changes[row["changes"]], row["patient"].removeprefix("'")

    assert all(place(one) <= place(other) for one, other in pairwise(rows))
    assert [int(row["rank"]) for row in rows] == list(range(1, len(rows) + 1))


def test_an_item_is_listed_once_for_a_patient(rows: Rows) -> None:
    pairs = [(row["patient"], row["item"]) for row in rows]
    assert len(pairs) == len(set(pairs))


def test_no_row_asks_to_end_a_treatment(guideline: Guideline) -> None:
    listing = Listing(guideline)
    for number, entry in enumerate(listing.entries):
        signals = listing.signals(entry.item)
        for detail in (0, *(1 << place for place in range(len(signals))), (1 << len(signals)) - 1):
            said = row_text(listing, number, detail)
            assert not asks_to_end(said.what), said
            assert not asks_to_end(said.to_do), said


def test_modifiable_risk_is_a_review_with_the_prescriber(guideline: Guideline) -> None:
    for entry in guideline.worklist.entries:
        if entry.changes == "prescriber":
            assert "prescriber" in entry.review, entry


@pytest.mark.parametrize("text", ["Stop the drug.", "Look, and withdraw it.", "Please discontinue warfarin today."])
def test_an_imperative_to_end_is_recognised(text: str) -> None:
    assert asks_to_end(text)


@pytest.mark.parametrize(
    "text", ["Never stop it.", "Stop nothing on this message.", "Ask whether to stop.", "Review it."]
)
def test_a_prohibition_or_question_is_none(text: str) -> None:
    assert not asks_to_end(text)


def content_with(old: str, new: str) -> Content:
    shipped = shipped_content()
    text = shipped.files["worklist.yaml"]
    assert old in text
    return Content({**shipped.files, "worklist.yaml": text.replace(old, new, 1)}, shipped.value_set_rows)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("recommendation:recognise-nonuremic", "", "is neither an entry nor left out"),
        ("[risk:low-pth]", "[risk:hypercalcaemia, risk:low-pth]", "is an entry and left out"),
        ("[risk:low-pth]", "[risk:low-path]", "there is no recommendation"),
        ("Review the trend of PTH", "Stop vitamin D and review", "asks to end a treatment"),
        ("group: plan-gap", "group: gaps", "there is no group"),
        ("    changes: treatment", "    changes: everything", "'changes' is"),
    ],
)
def test_wrong_content_is_refused_with_its_place(old: str, new: str, said: str) -> None:
    with pytest.raises(GuidelineError, match=r"worklist\.yaml") as caught:
        read_guideline(content_with(old, new))
    assert said in str(caught.value)


def test_cells_that_a_spreadsheet_would_compute_are_made_harmless(reported: Path, read_csv: Reader) -> None:
    for file in ("worklist.csv", "patient.csv", "prevalence.csv"):
        for row in read_csv(reported / file):
            assert not any(cell.startswith(("=", "+", "@", "\t")) for cell in row.values()), file
            assert not row.get("patient", "").startswith("-")
    assert {f"'{name}" for name in FORMULAS} <= {row["patient"] for row in read_csv(reported / "patient.csv")}


def test_a_folder_that_is_no_run_and_a_guideline_without_a_list(tmp_path: Path, guideline: Guideline) -> None:
    with pytest.raises(InputError, match=r"no finished run: it has no patient\.parquet"):
        write_report(tmp_path, guideline)
    run = make_run(tmp_path / "run", guideline, {"secret-name": AT_RISK})
    with pytest.raises(GuidelineError, match="no worklist"):
        write_report(run, replace(guideline, worklist=replace(guideline.worklist, entries=())))
    with pytest.raises(InputError, match=r"worklist\.parquet"):
        write_report(run, guideline, previous=run)


def test_an_error_of_the_engine_says_nothing_of_a_patient(tmp_path: Path, guideline: Guideline) -> None:
    run = make_run(tmp_path / "run", guideline, {"secret-name": AT_RISK})
    (run / "patient.parquet").write_bytes(b"secret-name")
    with pytest.raises(Exception, match="could not be made") as caught:
        write_report(run, guideline)
    assert "secret-name" not in f"{caught.value!r}{caught.value.__cause__!r}"
    assert not [file for file in run.iterdir() if file.name.startswith(".report-")]


def test_an_empty_population(tmp_path: Path, guideline: Guideline, read_csv: Reader) -> None:
    run = make_run(tmp_path / "run", guideline, {})
    write_report(run, guideline, options=ReportOptions(top=3))
    assert read_csv(run / "worklist.csv") == []
    assert "Nobody is on the list." in (run / "report.html").read_text(encoding="utf-8")
