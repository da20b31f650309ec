"""Feedback as clients send it: what is understood, the sentence for each fault, and that no JSON breaks it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calcipath.errors import InputError
from calcipath.store.feedback_items import (
    LONGEST_COMMENT,
    MOST_ITEMS,
    FeedbackItem,
    OverrideCoding,
    parsed_feedback,
)

CARD = "4e0a3a1e-3283-4575-ab82-028d55fe2719"
# 2026-11-20T12:00:00Z, by hand: 20,777 days after 1970-01-01 and half a day.
NOON = 20_777 * 86_400 + 43_200
ACCEPTED: dict[str, Any] = {
    "card": CARD,
    "outcome": "accepted",
    "acceptedSuggestions": [{"id": "e56e1945-20b3-4393-8503-a1a20fd73152"}],
    "outcomeTimestamp": "2026-11-20T12:00:00Z",
}
OVERRIDDEN: dict[str, Any] = {
    "card": CARD,
    "outcome": "overridden",
    "outcomeTimestamp": "2026-11-20T12:00:00Z",
    "overrideReason": {
        "reason": {"code": "patient-refuses", "system": "http://reasons.example", "display": "Patient refuses"},
        "userComment": "wants to think\nabout it",
    },
}


def one(item: dict[str, Any], **members: Any) -> FeedbackItem:
    (found,) = parsed_feedback({"feedback": [item | members]})
    return found


def fault(body: object) -> str:
    with pytest.raises(InputError) as refused:
        parsed_feedback(body)
    return str(refused.value)


def test_an_accepted_card() -> None:
    assert one(ACCEPTED) == FeedbackItem(CARD, "accepted", NOON, ("e56e1945-20b3-4393-8503-a1a20fd73152",))


def test_an_overridden_card() -> None:
    reason = OverrideCoding("http://reasons.example", "patient-refuses", "Patient refuses")
    assert one(OVERRIDDEN) == FeedbackItem(CARD, "overridden", NOON, (), reason, "wants to think\nabout it")


def test_a_reason_a_comment_or_neither() -> None:
    coded = one(OVERRIDDEN, overrideReason={"reason": {"code": "c", "system": "s"}, "userComment": None})
    assert (coded.reason, coded.comment) == (OverrideCoding("s", "c"), "")
    said = one(OVERRIDDEN, overrideReason={"userComment": "no"})
    assert (said.reason, said.comment) == (None, "no")
    silent = one({name: value for name, value in OVERRIDDEN.items() if name != "overrideReason"})
    assert (silent.reason, silent.comment) == (None, "")


def test_several_items_keep_their_order_and_nothing_is_no_item() -> None:
    assert [item.outcome for item in parsed_feedback({"feedback": [OVERRIDDEN, ACCEPTED]})] == [
        "overridden",
        "accepted",
    ]
    assert parsed_feedback({"feedback": []}) == ()


def test_unknown_members_and_extensions_are_ignored() -> None:
    extended = ACCEPTED | {"extension": {"org.example": [1]}, "later": None}
    assert parsed_feedback({"feedback": [extended], "extension": {}}) == (one(ACCEPTED),)


@pytest.mark.parametrize("card", [CARD.upper(), f"urn:uuid:{CARD}", f" {CARD} "])
def test_a_uuid_is_the_same_however_it_is_written(card: str) -> None:
    assert one(ACCEPTED, card=card).card == CARD


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2026-11-20T12:00:00.25Z", NOON + 0.25),
        ("2026-11-20t12:00:00z", NOON),
        ("2026-11-20T13:30:00+01:30", NOON),
        ("2026-11-20T07:00:00-05:00", NOON),
        ("2026-11-20T12:00:00.123456789Z", NOON + 0.123456),
        ("2016-12-31T23:59:60Z", 17_167 * 86_400 - 1),  # a leap second, read as the one before
        ("1985-04-12T23:20:50.52Z", 482_196_050.52),  # RFC 3339, section 5.8
    ],
)
def test_instants(written: str, seconds: float) -> None:
    assert one(ACCEPTED, outcomeTimestamp=written).at == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-20T12:00:00",
        "2026-11-20",
        "2026-11-20 12:00:00Z",
        "2026-11-20T12:00Z",
        "2026-02-30T12:00:00Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T12:00:61Z",
        "2026-11-20T12:00:00+24:00",
        "2026-11-20T12:00:00+01:60",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59.999999999Z",
        "9999-12-31T23:59:59-23:59",
        "1969-12-31T23:59:59Z",
        "²026-11-20T12:00:00Z",
        "",
        1_795_176_000,
        None,
        True,
    ],
)
def test_what_is_no_instant(written: object) -> None:
    assert fault({"feedback": [ACCEPTED | {"outcomeTimestamp": written}]}).startswith("feedback[0].outcomeTimestamp: ")


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("card", {"card": None}, "feedback[1].card: must be a text"),
    ("card a number", {"card": 7}, "feedback[1].card: must be a text"),
    ("card blank", {"card": " "}, "feedback[1].card: must be a text"),
    ("card only a prefix", {"card": "urn:uuid:"}, "feedback[1].card: must be a text"),
    ("card not printable", {"card": "a\0b"}, "feedback[1].card: must be a text"),
    ("card half a character", {"card": "a\ud800"}, "feedback[1].card: must be a text"),
    ("card long", {"card": "x" * 257}, "feedback[1].card: is longer than 256 characters"),
    ("outcome", {"outcome": "ignored"}, "feedback[1].outcome: must be 'accepted' or 'overridden'"),
    ("outcome a list", {"outcome": ["accepted"]}, "feedback[1].outcome: must be 'accepted' or 'overridden'"),
    ("no suggestions", {"acceptedSuggestions": None}, "feedback[1].acceptedSuggestions: is needed where the outcome"),
    ("no suggestion", {"acceptedSuggestions": []}, "feedback[1].acceptedSuggestions: is needed where the outcome"),
    ("an object", {"acceptedSuggestions": {}}, "feedback[1].acceptedSuggestions: must be an array"),
    ("ids", {"acceptedSuggestions": ["s"]}, "feedback[1].acceptedSuggestions[0]: must be an object"),
    (
        "no id",
        {"acceptedSuggestions": [{"id": "s"}, {"uuid": "s"}]},
        "feedback[1].acceptedSuggestions[1].id: must be a text",
    ),
    (
        "too many",
        {"acceptedSuggestions": [{"id": "s"}] * 101},
        "feedback[1].acceptedSuggestions: holds more than 100",
    ),
    ("override", {"overrideReason": "no"}, "feedback[1].overrideReason: must be an object"),
    ("empty", {"overrideReason": {}}, "feedback[1].overrideReason: must hold 'reason', 'userComment' or both"),
    ("blank", {"overrideReason": {"userComment": " "}}, "feedback[1].overrideReason: must hold 'reason'"),
    ("comment", {"overrideReason": {"userComment": 1}}, "feedback[1].overrideReason.userComment: must be a text"),
    (
        "long comment",
        {"overrideReason": {"userComment": "x" * (LONGEST_COMMENT + 1)}},
        "feedback[1].overrideReason.userComment: is longer than 20000 characters",
    ),
    ("reason", {"overrideReason": {"reason": "x"}}, "feedback[1].overrideReason.reason: must be a Coding"),
    (
        "no code",
        {"overrideReason": {"reason": {"system": "s"}}},
        "feedback[1].overrideReason.reason.code: must be a text",
    ),
    (
        "no system",
        {"overrideReason": {"reason": {"code": "c"}}},
        "feedback[1].overrideReason.reason.system: must be a text",
    ),
    (
        "display",
        {"overrideReason": {"reason": {"code": "c", "system": "s", "display": 1}}},
        "feedback[1].overrideReason.reason.display: must be a text",
    ),
]


@pytest.mark.parametrize(("members", "said"), [each[1:] for each in WRONG], ids=[each[0] for each in WRONG])
def test_each_fault_is_named_with_its_place(members: dict[str, Any], said: str) -> None:
    assert fault({"feedback": [OVERRIDDEN, ACCEPTED | members]}).startswith(said)


def test_a_body_that_is_none() -> None:
    assert fault([ACCEPTED]) == "the body must be a JSON object"
    assert fault({}) == "feedback: must be an array"
    assert fault({"feedback": ACCEPTED}) == "feedback: must be an array"
    assert fault({"feedback": [ACCEPTED, None]}) == "feedback[1]: must be an object"
    assert fault({"feedback": [ACCEPTED] * (MOST_ITEMS + 1)}) == "feedback: holds more than 1000 items"


def test_a_comment_and_a_display_lose_what_a_terminal_would_obey() -> None:
    reason = {"code": "c", "system": "s", "display": "Patient\n\x1b[31mrefuses\u202e"}
    item = one(OVERRIDDEN, overrideReason={"reason": reason, "userComment": "tab\tand \x00 and \ud800"})
    assert item.reason is not None
    assert item.reason.display == "Patient \ufffd[31mrefuses\ufffd"
    assert item.comment == "tab\tand \ufffd and \ufffd"


KEYS = ["feedback", "card", "outcome", "outcomeTimestamp", "acceptedSuggestions", "id", "overrideReason", "reason",
        "userComment", "code", "system", "display", "extension"]  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["accepted", "overridden", CARD, "2026-11-20T12:00:00Z", "2026-11-20T12:00:00.5+14:00"]),
    st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", fullmatch=True),
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=4)), inner, max_size=6),
    ),
    max_leaves=20,
)


def paths(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in children for found in paths(child, (*path, key)))]


@st.composite
def nearly_right(draw: st.DrawFn) -> object:
    """A sound delivery in which up to three members are something else, or gone."""
    body: Any = copy.deepcopy({"feedback": [ACCEPTED, OVERRIDDEN]})
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(paths(body)))
        if not path:
            return draw(ANY_JSON)
        parent = body
        for key in path[:-1]:
            parent = parent[key]
        if draw(st.booleans()):
            parent[path[-1]] = draw(ANY_JSON)
        else:
            del parent[path[-1]]
    return body


@settings(max_examples=250, deadline=None)
@given(st.one_of(ANY_JSON, nearly_right()))
@example({"feedback": [ACCEPTED, OVERRIDDEN]})
def test_any_json_is_read_or_refused_in_a_sentence(body: object) -> None:
    try:
        items = parsed_feedback(body)
    except InputError as error:
        said = str(error)
        assert said and "\n" not in said and said.isprintable() and len(said) < 160
        return
    for item in items:
        assert item.card and item.outcome in ("accepted", "overridden") and 0 <= item.at < 253_370_764_800
        kept = json.dumps([item.card, *item.suggestions, item.comment], ensure_ascii=False)
        assert "\0" not in kept
        kept.encode()  # no half characters, which no database takes
