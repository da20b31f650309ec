"""The report against data that were counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_examples import NOON, accepted, card, decision, overridden

from calcipath.errors import InputError
from calcipath.store.audit import AuditedCard, record_decision
from calcipath.store.feedback import record
from calcipath.store.feedback_report import (
    FeedbackReport,
    OverrideCount,
    RecommendationFigures,
    ServiceFigures,
    Share,
    feedback_report,
    percentile,
)
from calcipath.store.report_text import duration, render_report, report_structure
from calcipath.store.store import Store

REASONS = "http://reasons.example"


@pytest.fixture
def report(store: Store) -> FeedbackReport:
    """Twenty calls of patient-view, three of order-sign, from noon on; cards w1 to w8 of `warfarin`, w1 also of `biopsy`."""
    for number in range(1, 21):
        cards = []
        if number <= 8:
            cards.append(card(f"w{number}", "warfarin", *(["biopsy"] if number == 1 else [])))
        if number in (9, 10):
            cards.append(card("", "biopsy", why="budget"))
        if number == 11:
            cards.append(card("", "biopsy", why="shown before"))
        if number == 12:
            cards.append(AuditedCard("urgent:sepsis", (), "urgent", "critical", uuid="u1"))
        record_decision(store, decision(NOON + 1000 * number, *cards, milliseconds=float(number)))
    for second, status in ((30, 200), (31, 412), (32, 200)):
        record_decision(store, decision(NOON + second, service="order-sign", status=status, milliseconds=40.0))
    # Outside the period: a second before it, and at its very end.
    record_decision(store, decision(NOON - 1, card("early", "warfarin"), milliseconds=9999.0))
    record_decision(store, decision(NOON + 50_000, card("late", "warfarin"), milliseconds=9999.0))

    def at(number: int, seconds: float) -> float:
        return NOON + 1000 * number + seconds

    first = [
        accepted("w1", at(1, 10)),
        accepted("w2", at(2, 20)),
        accepted("w3", at(3, 60)),
        overridden("w4", at(4, 30), "refused", display="Patient refuses"),
        overridden("w5", at(5, 40), "refused", display="Patient declines"),
        overridden("w6", at(6, 50), comment="no time"),
        accepted("w8", at(8, 100)),
        overridden("w8", at(8, 5), "costly"),  # taken back by the later answer, though it arrives after it
        accepted("u1", at(12, -2)),  # by a clock that is slow
        accepted("early", NOON + 1),
        accepted("nobody's", NOON + 1),
    ]
    record(store, "patient-view", first, now=NOON + 40_000)
    record(store, "patient-view", [overridden("late", NOON + 50_010), accepted("nobody's", 1.0)], now=NOON + 60_000)
    record(store, "order-sign", [overridden("w7", at(7, 1))], now=NOON + 40_000)  # a card of another service
    return feedback_report(store, NOON, NOON + 50_000)


def test_by_recommendation(report: FeedbackReport) -> None:
    warfarin, biopsy, urgent = report.recommendations[0], report.recommendations[1], report.recommendations[2]
    assert warfarin == RecommendationFigures(
        "warfarin",
        shown=8,
        suppressed={},
        accepted=4,  # w1, w2, w3, w8
        overridden=3,  # w4, w5, w6
        reasons=(OverrideCount(REASONS, "refused", "Patient declines", 2), OverrideCount("", "", "", 1)),
        timed=7,
        median_seconds=40.0,  # of 10 20 30 40 50 60 100
    )
    assert warfarin.no_answer == 1  # w7
    assert (warfarin.accepted_of_shown, warfarin.accepted_of_shown.rate) == (Share(4, 8), 0.5)
    assert warfarin.accepted_of_answered.rate == pytest.approx(4 / 7)
    assert (biopsy.id, biopsy.shown, biopsy.suppressed) == ("biopsy", 1, {"budget": 2, "shown before": 1})
    assert (biopsy.accepted, biopsy.median_seconds, biopsy.accepted_of_shown.rate) == (1, 10.0, None)
    assert (urgent.id, urgent.shown, urgent.accepted, urgent.timed, urgent.median_seconds) == (
        "urgent:sepsis", 1, 1, 0, None,
    )  # fmt: skip
    assert len(report.recommendations) == 3


def test_by_service(report: FeedbackReport) -> None:
    order_sign, patient_view = report.services
    assert order_sign == ServiceFigures("order-sign", 3, 0, 40.0, 40.0, {200: 2, 412: 1})
    assert patient_view == ServiceFigures("patient-view", 20, 9, 10.0, 19.0, {200: 20})
    assert patient_view.cards_per_call == 0.45


def test_feedback_on_unknown_cards_is_counted_apart(report: FeedbackReport, store: Store) -> None:
    assert report.unknown_cards == 2  # "nobody's" within the period, and w7 sent to another service
    assert feedback_report(store).unknown_cards == 3


def test_the_period_may_be_open(report: FeedbackReport, store: Store) -> None:
    assert [feedback_report(store, *period).recommendations[0].shown for period in ((), (NOON,), (None, NOON))] == [
        10, 9, 1,
    ]  # fmt: skip
    with pytest.raises(InputError, match="the period is empty"):
        feedback_report(store, NOON, NOON)


def test_an_empty_store(store: Store) -> None:
    report = feedback_report(store)
    assert (report.recommendations, report.services, report.unknown_cards) == ((), (), 0)
    assert "No call in this period." in render_report(report)


def test_no_rate_stands_without_its_count_and_none_below_five() -> None:
    assert [Share(4, 4).rate, Share(4, 5).rate, Share(0, 5).rate] == [None, 0.8, 0.0]


def test_the_text(report: FeedbackReport) -> None:
    text = " ".join(render_report(report, width=90).split())
    for said in (
        "from 2026-11-20T12:00:00.000Z to 2026-11-21T01:53:20.000Z",
        "warfarin shown 8 accepted 4 of 8 shown (50 %), 4 of 7 answered (57 %)",
        "overridden 3: Patient declines [refused] 2; no coded reason 1 no answer 1",
        "answered after 40 s (median of 7)",
        "not shown 3: budget 2, shown before 1",
        "accepted 1 of 1 shown (too few), 1 of 1 answered (too few)",
        "no answer 0 answered 1 answer dated before the card, left out",
        "order-sign calls 3 (status 200: 2, status 412: 1)",
        "cards 9, 0.45 a call",
        "p50 10 ms, p95 19 ms",
        "2 answers for cards that this store does not know.",
    ):
        assert said in text
    for width in (24, 40, 80, 200):
        narrow = render_report(report, width=width)
        assert max(map(len, narrow.splitlines())) <= width and "\x1b" not in narrow
        assert "\x1b[" in render_report(report, width=width, colour=True)


def test_the_documentation_shows_what_is_printed(report: FeedbackReport) -> None:
    page = Path(__file__).parents[2].joinpath("docs", "feedback-and-audit.md").read_text(encoding="utf-8")
    assert "\n".join(f"    {line}".rstrip() for line in render_report(report, width=80).splitlines()) in page


def test_the_structure_is_json(report: FeedbackReport) -> None:
    found = json.loads(json.dumps(report_structure(report), allow_nan=False))
    warfarin, biopsy = found["recommendations"][:2]
    assert warfarin["accepted_of_shown"] == {"part": 4, "of": 8, "rate": 0.5}
    assert biopsy["accepted_of_shown"] == {"part": 1, "of": 1, "rate": None, "why": "too few: fewer than 5 cards"}
    assert warfarin["override_reasons"][0] == {
        "system": REASONS, "code": "refused", "display": "Patient declines", "count": 2,
    }  # fmt: skip
    assert found["services"][0]["statuses"] == {"200": 2, "412": 1}
    assert (found["since"], found["unknown_cards"]) == ("2026-11-20T12:00:00.000Z", 2)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0, "0 s"), (119.0, "119 s"), (150.0, "2.5 minutes"), (7200.0, "2 hours"), (2e5, "2.3 days")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(values: list[float], percent: int) -> None:
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    below = [value for value in values if value < found]
    assert len(below) * 100 < percent * len(values)
