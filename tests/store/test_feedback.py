"""Feedback in the store: once, whole, with its comment only where the site keeps comments."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from store_examples import NOON, accepted, card, decision, overridden, run_sql

from calcipath.store.audit import record_decision
from calcipath.store.failures import StoreError
from calcipath.store.feedback import Received, record
from calcipath.store.feedback_items import FeedbackItem, OverrideCoding, parsed_feedback
from calcipath.store.store import Store, open_store
from calcipath.store.verification import verify


@pytest.fixture(autouse=True)
def cards(store: Store) -> None:
    record_decision(store, decision(NOON, card("c1", "a"), card("c2", "b"), card("", "c", why="budget")))


def test_an_item_is_kept_as_it_was(store: Store, url: str) -> None:
    reason = OverrideCoding("http://reasons.example", "refused", "Patient refuses")
    item = FeedbackItem("c1", "overridden", NOON + 61.5, ("s1", "s2"), reason, "")
    assert record(store, "patient-view", [item], now=NOON + 100) == Received(1, 0, 0)
    (row,) = run_sql(
        url,
        "SELECT received, service, card, outcome, outcome_at, suggestions, reason_system, reason_code, reason_display,"
        " comment, comment_length FROM feedback",
    )
    assert tuple(row) == (
        "2026-11-20T12:01:40.000Z", "patient-view", "c1", "overridden", "2026-11-20T12:01:01.500Z", '["s1","s2"]',
        "http://reasons.example", "refused", "Patient refuses", None, 0,
    )  # fmt: skip


def test_a_repeated_delivery_is_not_kept_again(store: Store) -> None:
    items = [accepted("c1"), overridden("c2", code="refused")]
    assert record(store, "patient-view", items, now=NOON + 100) == Received(2, 0, 0)
    assert record(store, "patient-view", items, now=NOON + 200) == Received(0, 2, 0)
    more = [*items, accepted("c2", NOON + 300), accepted("c2", NOON + 300)]
    assert record(store, "patient-view", more, now=NOON + 300) == Received(1, 3, 0)
    assert verify(store).feedback == 3


def test_a_repetition_is_known_after_a_restart(store: Store, url: str) -> None:
    record(store, "patient-view", [accepted("c1")], now=NOON)
    with open_store(url) as later:
        assert record(later, "patient-view", [accepted("c1")], now=NOON + 500) == Received(0, 1, 0)


def test_another_time_outcome_reason_or_service_is_another_item(store: Store) -> None:
    items = [
        accepted("c1"), accepted("c1", NOON + 61), accepted("c1", NOON + 60, "s2"), overridden("c1"),
        overridden("c1", code="x"), overridden("c1", code="y"), overridden("c1", comment="four"),
    ]  # fmt: skip
    assert record(store, "patient-view", items, now=NOON).kept == len(items)
    assert record(store, "order-sign", items[:1], now=NOON).kept == 1


def test_the_same_delivery_at_once_is_kept_once(store: Store, url: str) -> None:
    items = [overridden(f"c{number}", code="x") for number in range(40)]

    def deliver(_: int) -> Received:
        with open_store(url) as own:
            return record(own, "patient-view", items, now=NOON)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(deliver, range(4)))
    assert sorted(answer.kept for answer in answers) == [0, 0, 0, 40]
    assert verify(store).whole


def test_feedback_on_a_card_that_this_service_never_showed_is_kept_and_counted(store: Store) -> None:
    items = [accepted("c1"), accepted("nobody's"), accepted("C2")]
    assert record(store, "patient-view", items[:2], now=NOON) == Received(2, 0, 1)
    assert record(store, "order-sign", [accepted("c1")], now=NOON) == Received(1, 0, 1)


def test_a_comment_is_kept_only_where_the_site_says_so(store: Store, url: str) -> None:
    said = overridden("c1", comment="Mrs Example, born 1950")
    record(store, "patient-view", [said], now=NOON)
    assert run_sql(url, "SELECT comment, comment_length FROM feedback") == [(None, 22)]
    record(
        store, "patient-view", [overridden("c2", comment="ü\n'; DROP TABLE feedback; --")], now=NOON, keep_comments=True
    )
    rows = run_sql(url, "SELECT comment, comment_length FROM feedback WHERE card = 'c2'")
    assert rows == [("ü\n'; DROP TABLE feedback; --", 28)]


def test_a_delivery_is_kept_whole_or_not_at_all(store: Store) -> None:
    """The store itself refuses the second item: its outcome is longer than the column, or null."""
    bad = FeedbackItem("c2", None, NOON)  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        record(store, "patient-view", [accepted("c1"), bad], now=NOON)
    assert verify(store).feedback == 0
    assert record(store, "patient-view", [accepted("c1")], now=NOON).kept == 1


def test_the_largest_delivery_with_odd_texts(store: Store) -> None:
    body = {
        "feedback": [
            {
                "card": f"card {number} \N{SNOWMAN} %s :x {{}}",
                "outcome": "accepted",
                "outcomeTimestamp": "2026-11-20T12:00:00Z",
                "acceptedSuggestions": [{"id": '"\\'}],
            }
            for number in range(1000)
        ]
    }
    assert record(store, "patient-view", parsed_feedback(body), now=NOON) == Received(1000, 0, 1000)
    assert verify(store).whole


def test_no_item_is_no_entry(store: Store) -> None:
    assert record(store, "patient-view", [], now=NOON) == Received(0, 0, 0)
    assert verify(store).feedback == 0
