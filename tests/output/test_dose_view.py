"""The dosing view: numbers of the answer in their places, the three states of a matched dose, and nothing behind a hold."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calcipath.api import assess_path, dose_path
from calcipath.dosing import Dosed, DoseOptions, curve_of, dosed, reference_curve_of
from calcipath.output.dose_view import dose_view
from calcipath.output.plan import withhold
from calcipath.output.wording import clean
from calcipath.thiosulfate.held import LEVELS

CASES = Path(__file__).parents[1] / "data" / "cases"
NIGHT = {"modality": "hemodialysis", "sessions": 5, "hours": 8}
CVVH = {"modality": "cvvh", "effluent": 25, "predilution": 0.5, "blood_flow": 200}
HDF = {
    "modality": "hemodiafiltration", "sessions": 3, "hours": 4, "koa": 900, "blood_flow": 350, "dialysate_flow": 600,
    "substitution": 22,
}  # fmt: skip


def asked(**options: Any) -> Dosed:
    return dosed(DoseOptions(**({"weight": 70, "salt": "pentahydrate", "dose": 25, "population": 200} | options)))


def viewed(found: Dosed, **more: Any) -> str:
    pictures = {"curve": curve_of(found), "reference": reference_curve_of(found)} if found.request else {}
    return dose_view(found.answer, defaults=found.knowledge.defaults, **pictures, **more)


@pytest.fixture(scope="module")
def night() -> Dosed:
    return asked(**NIGHT)


def test_the_numbers_of_the_published_example(night: Dosed, outline: Any) -> None:
    # docs/dosing.md: weekly AUC 44.9, peak 3.62, 24 % removed, sodium 1007 mmol, ratio 1.67 (1.46), matched dose 15 g
    found = outline(viewed(night))
    for said in (
        "Weekly AUC 44.9 mmol·h/L",
        "26.9 mmol·h/L 1.67",
        "Peak 3.62 mmol/L",
        "Removed by dialysis: 24% of the dose",
        "a week 1007 mmol",
        "15 g pentahydrate",
        "Exposure arithmetic, not a prescription",
        "no trial and no pooled cohort has shown a benefit",
        "Galway",
        "secondary source",
    ):
        assert said in found.text, said
    assert re.search(r"478 min half-life read as elimination \(unverified\) 227 mmol·h/L 1\.46", found.text)


def test_every_part_of_the_answer_has_its_place(night: Dosed, outline: Any) -> None:
    found = outline(viewed(night))
    sections = [each["id"] for each in found.of("section")]
    names = "warnings questions matched exposure sodium curve sure changes published sheet words"
    assert sections == [f"dose-{name}" for name in names.split()]
    for change in night.answer["changes"]:
        assert change["change"] in found.text
    for each in (*night.answer["questions"], *night.answer["published"]):
        assert (each.get("question") or each["statement"]).rstrip(".")[1:] in found.text
    for each in (*night.answer["warnings"], *night.answer["words"], *night.answer["information"]):
        assert each in found.text
    sheet = night.answer["session_sheet"]
    for each in (sheet["draw"], sheet["rate"], sheet["verification"], sheet["title"], *sheet["observations"]):
        assert each in found.text


def test_bars_are_as_long_as_their_numbers(night: Dosed, outline: Any) -> None:
    auc = viewed(night).split("<figcaption>Weekly AUC")[1].split("</svg>")[0]
    own, other = (float(width) for width in re.findall(r'width="([\d.]+)"[^>]*class="bar', auc))
    assert own / other == pytest.approx(44.9 / 26.9, rel=0.01)
    assert 'class="bar ended"' in auc


def test_sodium_beside_its_limits(night: Dosed, outline: Any) -> None:
    limits = night.knowledge.defaults
    found = outline(viewed(night))
    assert f"1007 mmol a week is above {limits['thiosulfate-sodium-a-week'].value:g} mmol" in found.text
    assert "default of this software, local protocol decides" in found.text
    less = outline(viewed(asked(modality="hemodialysis", sessions=2, hours=4)))
    assert "Above the limit" not in less.text  # 403 mmol a week


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (NIGHT, "shown", "A dose of equal exposure can be shown"),
        (CVVH, "withheld", "No dose of equal exposure is given"),
        (HDF, "above-cap", "above the highest that is shown: no number is given"),
    ],
)
def test_the_three_states_of_a_matched_dose(options: dict[str, Any], status: str, said: str, outline: Any) -> None:
    answered = asked(**options)
    assert answered.answer["matched"]["status"] == status
    piece = viewed(answered)
    part = piece.split('id="dose-matched"')[1].split("</section>")[0]
    assert said in outline(piece).text
    assert f'class="status {status}"' in part
    assert answered.answer["matched"]["reason"].removesuffix(".") in part.replace("On dialysis", "on dialysis") or (
        answered.answer["matched"]["reason"][1:40] in part
    )
    assert bool(re.search(r"\d+(\.\d+)? g\b", part.split("status")[1].split("</p>", 1)[1])) is (status == "shown")


@pytest.mark.parametrize("status", ["withheld", "above-cap", "odd"])
def test_a_number_that_slipped_in_is_not_shown_unless_the_status_says_so(status: str, night: Dosed) -> None:
    answer = copy.deepcopy(night.answer)
    answer["matched"] |= {"status": status, "dose": {"value": 7654321.0, "unit": "g"}}
    answer["matched"]["unrounded"]["value"] = answer["matched"]["volume"]["value"] = 7654322.0
    assert not re.search("765432[12]", dose_view(answer))
    answer["matched"]["status"] = "shown"
    assert "7654321 g" in dose_view(answer)


def test_scenarios_that_disagree_are_said_to(outline: Any) -> None:
    answered = asked(**CVVH)
    assert answered.answer["disagreement"]
    found = outline(viewed(answered))
    assert "They disagree." in found.text
    assert answered.answer["disagreement"][1:] in found.text
    assert "They disagree." not in outline(viewed(asked(**NIGHT))).text


def test_at_sixty_kilograms_both_references_stand_and_none_is_the_default(outline: Any) -> None:
    found = outline(viewed(asked(weight=60, **NIGHT)))
    assert "Reference regimen 12.5 g pentahydrate" in found.text
    assert "Reference regimen 25 g pentahydrate" in found.text
    assert "undefined" in found.text


def test_what_must_be_answered_first_is_asked(outline: Any) -> None:
    missing = dosed(DoseOptions(weight=60, salt="pentahydrate", population=50, **NIGHT))
    assert missing.request is None
    found = outline(viewed(missing))
    assert "Needed before a regimen is simulated" in found.text
    assert "12.5 g" in found.text
    assert not found.of("svg")


# Behind a hold


def quantities(part: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Every {"value", "unit"} of a structure with its place."""
    if isinstance(part, dict):
        if "value" in part and "unit" in part:
            yield path, part
        for key, inner in part.items():
            yield from quantities(inner, (*path, key))
    elif isinstance(part, list):
        for key, inner in enumerate(part):
            yield from quantities(inner, (*path, key))


def marked(answer: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """A copy with a marker for every amount that `withhold` does not keep, and the markers."""
    answer = copy.deepcopy(answer)
    markers, number = set(), 7654320
    for path, quantity in list(quantities(answer)):
        if path[0] in ("exposure", "reference") and path[-1] in (*LEVELS, "ratio"):
            continue
        if path[0] in ("read", "holds") or path[:2] == ("regimen", "prescription"):
            continue
        if path[0] == "regimen" and path[-1] in ("hours_per_session", "infusion", "interval", "concentration", "vial"):
            continue
        number += 1
        quantity["value"] = float(number)
        markers.add(str(number))
    for key in ("published", "information"):
        answer[key] = [{"statement": "MARKERX"}] if key == "published" else ["MARKERX"]
    answer["session_sheet"] = {"title": "MARKERX", "draw": "MARKERX", "verification": "MARKERX"}
    answer["matched"]["rests_on"] = ["MARKERX"]
    for part, name in (
        ("matched", "rounding"),
        ("matched", "vials"),
        ("scenarios", "statement"),
        ("population", "values"),
    ):
        places = answer[part] if isinstance(answer[part], list) else [answer[part]]
        for place in places:
            place[name] = "MARKERX"
    for change in answer["changes"]:
        change["change"] = "MARKERX"
    return answer, markers


def test_no_amount_of_a_held_answer_is_shown(night: Dosed, outline: Any) -> None:
    answer, markers = marked(night.answer)
    assert len(markers) > 60
    open_view = outline(dose_view(answer)).text
    assert "MARKERX" in open_view
    assert sum(marker in open_view for marker in markers) > 40  # the markers would be seen
    answer |= {
        "status": "withheld",
        "reason": "bicarbonate is low",
        "holds": [{"guard": "acidosis", "reason": "bicarbonate is low", "unknown": False, "evidence": [], "instead": "correct it", "who": "nephrology"}],
    }  # fmt: skip
    curve, reference = curve_of(night), reference_curve_of(night)
    piece = dose_view(answer, curve=curve, reference=reference, defaults=night.knowledge.defaults)
    found = outline(piece)
    assert "MARKERX" not in piece
    assert [marker for marker in markers if marker in piece] == []
    for said in ("Held: do not give it yet", "Bicarbonate is low.", "Instead correct it", "Decides nephrology"):
        assert said in found.text
    assert "44.9 mmol·h/L" in found.text  # the comparison stays
    assert not found.of("polygon")  # the spread between people is not kept


def test_a_hold_of_the_assessment_holds_the_view(night: Dosed) -> None:
    answer, markers = marked(night.answer)
    guard = {"guard": "acidosis", "evidence": [], "instead": "correct it", "who": "nephrology"}
    held = {"recommendations": [{"id": "sodium-thiosulfate", "verdict": "held", "held_by": [guard]}]}
    piece = dose_view(answer, assessment=held)
    assert not [marker for marker in markers if marker in piece]
    assert "Held: do not give it yet" in piece


def test_the_view_adds_nothing_to_what_withhold_keeps(night: Dosed) -> None:
    answer = {**night.answer, "status": "withheld", "reason": "bicarbonate is low", "holds": []}
    kept = withhold({"dosing": answer})["dosing"]
    assert dose_view(answer) == dose_view(kept)


@pytest.fixture(scope="module")
def from_record() -> Dosed:
    options = DoseOptions(
        weight=70, modality="hemodialysis", sessions=3, hours=4, salt="pentahydrate", dose=25, concentration=250,
        population=100,
    )  # fmt: skip
    return dose_path(str(CASES / "22-hd-sts-pain-relief-wounds-progress.bundle.json"), options)


def test_a_held_answer_of_a_record(from_record: Dosed, outline: Any) -> None:
    assert from_record.held
    piece = viewed(from_record)
    found = outline(piece)
    holds = from_record.answer["holds"]
    assert holds
    for hold in holds:
        assert hold["reason"].removeprefix("not known: ").rstrip(".")[1:] in found.text
    assert "not told while a hold stands" in found.text
    assert "101 mmol" not in found.text  # what 25 g of the pentahydrate hold
    assert "Sodium load" not in found.text
    assert "dose-sheet" not in {each["id"] for each in found.of("section")}


def test_what_the_record_gave_is_shown_with_its_place() -> None:
    path = str(CASES / "22-hd-sts-pain-relief-wounds-progress.bundle.json")
    answered = dose_path(path, DoseOptions(salt="pentahydrate", population=50))
    piece = viewed(answered)
    for read in answered.answer["read"]:
        for evidence in read["evidence"][:1]:
            assert evidence["what"][:20] in piece
    assert bool(answered.answer["read"]) is ("Read from the record" in piece)
    assessed = assess_path(path).answer
    assert clean(assessed["dosing"]["words"][0]) in dose_view(assessed["dosing"], assessment=assessed)


EVIL = "\"'><script>alert(1)</script><svg onload=x>"


def test_no_text_becomes_markup(night: Dosed, outline: Any) -> None:
    answer = copy.deepcopy(night.answer)

    def poison(part: Any) -> Any:
        if isinstance(part, dict):
            return {
                key: EVIL if isinstance(value, str) and key != "status" else poison(value)
                for key, value in part.items()
            }
        return [EVIL if isinstance(each, str) else poison(each) for each in part] if isinstance(part, list) else part

    piece = dose_view(poison(answer))
    outline(piece)
    assert "<script" not in piece
    assert "alert(1)" in piece
