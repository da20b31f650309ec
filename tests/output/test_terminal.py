"""The plan as text: golden files that a reader reviewed, order, widths, and what hostile or missing data do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcipath.output.layout import columns, wrap
from calcipath.output.terminal import render_terminal

Sample = Callable[[str], dict[str, Any]]
HERE = Path(__file__).parent
NAMES = ("haemodialysis-mechanical-valve", "at-risk", "pyoderma-established")
VALVE = NAMES[0]


@pytest.mark.parametrize("name", NAMES)
def test_samples_follow_the_contract(name: str, sample: Sample) -> None:
    schema = json.loads((HERE.parent / "data" / "assessment.schema.json").read_text(encoding="utf-8"))
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(sample(name))) == []


@pytest.mark.parametrize("name", NAMES)
def test_golden_text(name: str, sample: Sample) -> None:
    golden = (HERE / "golden" / f"{name}.txt").read_text(encoding="utf-8")
    assert render_terminal(sample(name), width=80) == golden


def test_golden_why(sample: Sample) -> None:
    golden = (HERE / "golden" / f"{VALVE}.why.txt").read_text(encoding="utf-8")
    assert render_terminal(sample(VALVE), width=80, why=True) == golden


def test_sections_come_in_the_order_of_a_round(sample: Sample) -> None:
    shown = render_terminal(sample(VALVE))
    order = ["URGENT", "HELD", "NOW", "TODAY", "THIS WEEK", "ROUTINE", "QUESTIONS", "WHAT WOULD CHANGE", "CONFLICTS"]
    order += [
        "SUSPICION",
        "DIFFERENTIAL",
        "RISK FACTORS",
        "COURSE",
        "THIOSULFATE DOSING",
        "DATA PROBLEMS",
        "ASSUMPTIONS",
    ]
    places = [re.search(rf"^{heading}", shown, re.MULTILINE) for heading in order]
    starts = [place.start() for place in places if place]
    assert len(starts) == len(order)
    assert starts == sorted(starts)


@pytest.mark.parametrize("why", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_every_item_appears(name: str, *, why: bool, sample: Sample) -> None:
    assessment = sample(name)
    shown = " ".join(render_terminal(assessment, why=why, width=120).lower().split())
    for item in assessment["recommendations"] + assessment["risk_factors"] + assessment["differential"]:
        assert item["id"] in shown or item["id"].replace("-", " ") in shown, item["id"]
    for problem in assessment["data_problems"]:
        assert problem["reference"].lower() in shown


def test_why_holds_every_reference_quotation_and_locator(sample: Sample) -> None:
    assessment = sample(VALVE)
    shown = " ".join(render_terminal(assessment, why=True, width=100).split())
    for item in assessment["recommendations"]:
        if item["verdict"] in ("yes", "held"):
            assert all(piece["reference"] in shown for piece in item["because"])
            assert all(piece["quote"] in shown for piece in item["because"] if piece.get("quote"))
            assert all(f"{source['source']}, {source['locator']}" in shown for source in item["citations"])


@pytest.mark.parametrize("width", [24, 40, 80, 120])
@pytest.mark.parametrize("why", [False, True])
def test_no_line_is_wider_than_asked(width: int, *, why: bool, sample: Sample) -> None:
    for name in NAMES:
        shown = render_terminal(sample(name), width=width, why=why)
        assert max(map(columns, shown.splitlines())) <= width
        assert "\n\n\n" not in shown
        assert not re.search(r"[ \t]$", shown, re.MULTILINE)


def test_colour_adds_nothing_but_colour(sample: Sample) -> None:
    for name in NAMES:
        plain, coloured = render_terminal(sample(name)), render_terminal(sample(name), colour=True)
        assert coloured != plain
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


@pytest.mark.parametrize(
    ("direction", "strength", "identifier", "word"),
    [
        ("for", "recommend", "pain-management", "DO"),
        ("for", "suggest", "pain-management", "SUGGEST"),
        ("for", "option", "pain-management", "OPTION"),
        ("none", "no recommendation", "no-level", "NOTE"),
        ("against", "recommend", "avoid-vitamin-d", "AVOID"),
        ("for", "suggest", "stop-calcium-based-binders", "STOP"),
        ("against", "recommend", "stop-calcium-based-binders", "STOP"),
    ],
)
def test_direction_and_strength_are_a_word(direction: str, strength: str, identifier: str, word: str) -> None:
    item = {"id": identifier, "verdict": "yes", "direction": direction, "strength": strength, "statement": "Thing."}
    shown = render_terminal({"recommendations": [item]})
    assert re.search(rf"^  {word} +Thing\.$", shown, re.MULTILINE)


def test_unknown_is_counted_and_named_and_never_no(sample: Sample) -> None:
    shown = " ".join(render_terminal(sample("at-risk")).split())
    assert "unknown (20) kidney transplant, diabetes, obesity" in shown
    assert "no (3) female sex, long dialysis vintage, low albumin" in shown


def test_questions_are_asked_once_and_referred_to(sample: Sample) -> None:
    shown = " ".join(render_terminal(sample(VALVE)).split())
    question = "Was a parathyroidectomy done in the last 6 months?"
    assert shown.count(question) == 1
    assert f"2. {question} [avoid-vitamin-d, stop-calcium-based-binders]" in shown
    assert shown.count("first: answer question 2 below") == 2


def test_long_lists_say_how_many_are_left_out(sample: Sample) -> None:
    assessment = sample("at-risk")
    assessment["unknowns"] = [{"fact": f"fact-{n}", "would_change": [], "how_to_obtain": "ask"} for n in range(13)]
    shown = " ".join(render_terminal(assessment).split())
    assert "And 3 more: fact 10, fact 11, fact 12." in shown
    assert "13. Fact 12: ask" in " ".join(render_terminal(assessment, why=True).split())


@pytest.mark.parametrize(
    "evil", ["\x1b[2J\x1b]0;owned\x07", "a\r\nb", "\u202egnp.exe", "\x9b31m", "\ud800", "\x00\x08"]
)
def test_a_record_cannot_write_control_codes(evil: str, sample: Sample) -> None:
    assessment = sample(VALVE)
    for item in assessment["recommendations"]:
        item["statement"] = evil + " statement"
    assessment["urgent"][0]["do_now"] = evil
    assessment["patient"]["id"] = evil
    shown = render_terminal(assessment, why=True)
    assert all(character == "\n" or character.isprintable() for character in shown)
    shown.encode("utf-8")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_assessment_is_still_shown(data: st.DataObject, sample: Sample) -> None:
    assessment = sample(VALVE)
    group: Any = assessment
    for _ in range(data.draw(st.integers(0, 3))):
        inner = [
            value for value in (group.values() if isinstance(group, dict) else group) if isinstance(value, dict | list)
        ]
        if inner:
            group = data.draw(st.sampled_from(inner))
    keys = list(group) if isinstance(group, dict) else list(range(len(group)))
    if keys:
        key = data.draw(st.sampled_from(keys))
        group[key] = data.draw(ANYTHING)
    shown = render_terminal(assessment, why=data.draw(st.booleans()), width=80)
    assert max(map(columns, shown.splitlines())) <= 80


@given(st.text(max_size=80), st.integers(2, 30), st.integers(0, 30))
def test_wrapping_keeps_every_character_within_the_width(text: str, width: int, first: int) -> None:
    lines = wrap(text, width, min(first, width))
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(columns(line) <= (min(first, width) if place == 0 else width) for place, line in enumerate(lines))


def test_wide_and_combining_characters_are_measured() -> None:
    assert columns("カルシウム") == 10
    assert columns("e\u0301") == 1
    assert wrap("カルシウム", 4) == ["カル", "シウ", "ム"]
