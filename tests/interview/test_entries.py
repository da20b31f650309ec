"""Follow-up visits that are entered by hand, and the course that they give."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from visits import GUIDELINE, PATIENT, entered, facts_of

from calcipath.api import assess_resources
from calcipath.errors import InputError
from calcipath.interview.answers import Amount
from calcipath.interview.entries import (
    dialysis_session,
    drug_started,
    drug_stopped,
    laboratory_value,
    note,
    pain_score,
    thiosulfate_given,
    wound_score,
    wound_size,
)
from calcipath.options import AssessmentOptions

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
EIGHT = {
    "necrotic-tissue-type": 3.0, "necrotic-tissue-amount": 4.0, "exudate-type": 2.0, "exudate-amount": 3.0,
    "skin-colour": 4.0, "peripheral-oedema": 1.0, "induration": 5.0, "granulation": 2.0,
}  # fmt: skip


def day(number: int) -> str:
    return (BEGIN + timedelta(days=number)).isoformat().replace("+00:00", "Z")


def visit(
    number: int, pain: float | None, size: tuple[float, float] | None, site: str = "left thigh"
) -> list[dict[str, Any]]:
    by = entered(day(number), f"day{number}")
    found = thiosulfate_given(25, by, GUIDELINE, salt="pentahydrate", timing="during")
    if pain is not None:
        found += pain_score(pain, by, GUIDELINE)
    if size is not None:
        found += wound_size(site, *size, by, GUIDELINE)
    return found


@pytest.mark.parametrize(
    ("days", "pain", "size", "verdict"),
    [
        (16, 4, (6, 4), "responding"),
        (16, 4, (9, 6), "pain-only"),
        (16, 8, (9, 6), "worse"),
        (16, 8, (6, 4), "not-responding"),
        (16, 8, (3, 2), "responding"),
        (16, 4, (0, 0), "responding"),
        (10, 4, (6, 4), "too-early"),
    ],
)
def test_the_course_of_two_visits(days: int, pain: float, size: tuple[float, float], verdict: str) -> None:
    case = [PATIENT, *visit(0, 8, (6, 4)), *visit(days, pain, size)]
    answer = assess_resources(case).answer
    assert answer["course"]["verdict"] == verdict
    assert answer["data_problems"] == []
    assert answer["reading"]["codes_not_recognised"] == {}


def test_wounds_are_told_apart_by_the_name_of_their_site() -> None:
    """The left one shrinks, the right one, of the same body region, grows: worse, as far as wounds go."""
    left = [*visit(0, None, (6, 4)), *visit(16, None, (3, 2))]
    right = [
        *wound_size("right thigh", 2, 2, entered(day(0), "r0"), GUIDELINE),
        *wound_size("right thigh", 4, 4, entered(day(16), "r16"), GUIDELINE),
    ]
    assert assess_resources([PATIENT, *left]).answer["course"]["verdict"] == "responding"
    assert assess_resources([PATIENT, *left, *right]).answer["course"]["verdict"] == "worse"


def test_a_wound_score_by_its_items() -> None:
    found = wound_score(None, entered(), GUIDELINE, items=EIGHT)[0]
    assert found["valueQuantity"]["value"] == 24  # 3+4+2+3+4+1+5+2
    assert [part["valueQuantity"]["value"] for part in found["component"]] == [3, 4, 2, 3, 4, 1, 5, 2]
    picked = facts_of([found])
    assert picked.values["eschar-or-necrosis"].value is None  # an item's name is no finding
    assert wound_score(24, entered(), GUIDELINE, items=EIGHT) == [found]


def test_the_course_by_the_wound_score() -> None:
    case = [PATIENT, *visit(0, 8, None), *visit(20, 4, None)]
    case += wound_score(30, entered(day(0), "s0"), GUIDELINE) + wound_score(20, entered(day(20), "s20"), GUIDELINE)
    answer = assess_resources(case).answer
    assert answer["course"]["verdict"] == "responding"
    assert [s["name"] for s in answer["course"]["series"]] == ["pain", "wound-score"]


def test_the_items_say_how_far_their_source_was_seen() -> None:
    form = GUIDELINE.interview.wound_score
    assert form is not None
    assert {item.id for item in form.items if item.mark == "Q"} == {"induration", "granulation"}
    assert {item.mark for item in form.items} == {"S", "Q"}
    assert "Diagnostics 2021;11:730" in form.source.citation
    assert (form.total, form.item, len(form.items)) == ((8.0, 40.0), (1.0, 5.0), 8)


@pytest.mark.parametrize(
    ("total", "items", "says"),
    [
        (None, None, "needs its total or its items"),
        (7, None, "from 8 to 40"),
        (20.5, None, "a whole number"),
        (25, EIGHT, "is not the sum of the items, 24"),
        (None, {"induration": 3.0}, "all of the items are needed"),
        (None, {**EIGHT, "granulation": 6.0}, "granulation must be a whole number from 1 to 5"),
    ],
)
def test_a_wound_score_that_cannot_be(total: float | None, items: dict[str, float] | None, says: str) -> None:
    with pytest.raises(InputError, match=says):
        wound_score(total, entered(), GUIDELINE, items=items)


@pytest.mark.parametrize("fact", GUIDELINE.interview.laboratory)
def test_every_laboratory_value(fact: str) -> None:
    low, high = GUIDELINE.facts[fact].plausible or (0.0, 0.0)
    found = laboratory_value(fact, Amount((low + high) / 2), entered(), GUIDELINE)
    assert facts_of(found).values[fact].value == ((low + high) / 2, (low + high) / 2)


def test_a_dose_is_read_as_one() -> None:
    picked = facts_of(thiosulfate_given(12.5, entered(), GUIDELINE, salt="anhydrous", timing="after"))
    assert picked.values["thiosulfate-dose"].value == (12.5, 12.5)
    assert picked.values["thiosulfate-running"].value is True


def test_a_session_is_read_with_its_hours() -> None:
    picked = facts_of(dialysis_session("hemodialysis", entered("2026-03-09T08:00:00Z"), GUIDELINE, hours=3.5))
    assert picked.values["dialysis-session-hours"].value == (3.5, 3.5)
    assert picked.values["haemodialysis"].value is True


def test_a_note_is_read_as_notes_are() -> None:
    found = note("Livedo of both thighs. No fever.", entered())
    assert base64.b64decode(found[0]["content"][0]["attachment"]["data"]).decode() == "Livedo of both thighs. No fever."
    values = facts_of(found).values
    assert (values["livedo"].value, values["fever-recorded"].value) == (True, False)


def test_a_drug_is_started_and_stopped() -> None:
    begun = drug_started("vitamin-k-antagonist", entered("2026-02-01T09:00:00Z"), GUIDELINE)
    assert facts_of(begun).values["vitamin-k-antagonist"].value is True
    stopped = drug_stopped(begun[0], entered())
    assert stopped[0]["id"] == begun[0]["id"]
    assert stopped[0]["effectivePeriod"] == {"start": "2026-02-01T09:00:00Z", "end": "2026-03-10T09:00:00Z"}
    assert facts_of(stopped).values["vitamin-k-antagonist"].value is None  # past use is no word on today


def test_an_order_of_an_uploaded_record_is_stopped() -> None:
    order = {
        "resourceType": "MedicationRequest", "id": "w", "status": "active", "intent": "order",
        "subject": {"reference": "Patient/p"}, "authoredOn": "2026-01-01",
        "medicationCodeableConcept": {"text": "warfarin 3 mg"},
    }  # fmt: skip
    assert facts_of([order]).values["vitamin-k-antagonist"].value is True
    assert facts_of(drug_stopped(order, entered())).values["vitamin-k-antagonist"].value is None
    with pytest.raises(InputError, match="cannot be stopped"):
        drug_stopped(PATIENT, entered())


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: pain_score(12, entered(), GUIDELINE), "not used"),
        (lambda: wound_size(" ", 1, 1, entered(), GUIDELINE), "needs the name of its site"),
        (lambda: wound_size("thigh", 101, 1, entered(), GUIDELINE), "from 0 to 100"),
        (lambda: wound_size("thigh", float("nan"), 1, entered(), GUIDELINE), "from 0 to 100"),
        (lambda: thiosulfate_given(0.025, entered(), GUIDELINE), "in g must be a number from 1 to 100"),
        (lambda: thiosulfate_given(25, entered(), GUIDELINE, salt="table"), "pentahydrate, anhydrous"),
        (lambda: dialysis_session("swimming", entered(), GUIDELINE), "is no kind of dialysis"),
        (lambda: dialysis_session("hemodialysis", entered(), GUIDELINE, hours=30), "from 0.5 to 24"),
        (lambda: laboratory_value("mood", Amount(1), entered(), GUIDELINE), "is no value"),
        (lambda: drug_started("asthma", entered(), GUIDELINE), "is no drug"),
        (lambda: note("  ", entered()), "is empty"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        make()


def test_the_words_of_the_author_are_not_read() -> None:
    """The author's name holds 'foot' and 'livedo'."""
    case = [PATIENT, *visit(0, 8, (6, 4), "calf")]
    answer = assess_resources(case, AssessmentOptions(as_of=day(1))).answer
    assert answer["patient"]["kidney"]["dialysis"] == "unknown"  # "during the dialysis session" is no word on dialysis
    assert facts_of(case).values["livedo"].value is None
    assert facts_of(case).values["lesion-acral"].value is None
