"""A recommendation explained without a patient."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from calcipath.output.explanation import render_explanation, render_listing
from calcipath.output.layout import columns

RECOMMENDATION: dict[str, Any] = {
    "id": "replace-warfarin",
    "section": "anticoagulation",
    "statement": "Warfarin should probably be substituted by another anticoagulant.",
    "direction": "for",
    "strength": "suggest",
    "certainty": "very low",
    "urgency": "today",
    "applies": '"vitamin-k-antagonist" and "suspected-or-higher"',
    "facts": [{"id": "vitamin-k-antagonist", "label": "current warfarin", "how_to_obtain": "ask the prescriber"}],
    "hold_when": [
        {
            "id": "mechanical-valve",
            "when": '"mechanical-heart-valve"',
            "if_unknown": "ask",
            "instead": "never stop without cover",
            "who": "cardiology",
        }
    ],
    "cautions": [{"when": '"inr" > 3', "say": "the INR is high"}],
    "actions": ["discuss with cardiology"],
    "citations": [{"source": "Review 2015", "locator": "paragraph 9", "mark": "P", "text": "probably"}],
    "since_2015": "trials of apixaban",
}


def test_everything_is_said() -> None:
    shown = " ".join(render_explanation(RECOMMENDATION).split())
    for said in (
        "REPLACE WARFARIN [replace-warfarin], anticoagulation",
        "Warfarin should probably be substituted by another anticoagulant.",
        "strength suggest certainty very low urgency today",
        '"vitamin-k-antagonist" and "suspected-or-higher"',
        '"vitamin-k-antagonist" current warfarin; if missing: ask the prescriber',
        "Mechanical valve (unknown: asked, not held)",
        "instead: never stop without cover decides: cardiology",
        'The INR is high. When: "inr" > 3',
        "ACTIONS only when it applies and no hold stands - discuss with cardiology",
        "Review 2015, paragraph 9 (default of this software, local protocol decides): probably",
        "SINCE 2015 trials of apixaban",
    ):
        assert said in shown, said


@given(st.integers(24, 130))
def test_widths(width: int) -> None:
    assert max(map(columns, render_explanation(RECOMMENDATION, width=width).splitlines())) <= width
    assert max(map(columns, render_listing([RECOMMENDATION], width=width).splitlines())) <= width


def test_a_bare_recommendation_is_shown() -> None:
    shown = render_explanation({"id": "x", "statement": "Say so."})
    assert "Say so." in shown
    assert "HELD WHEN" not in shown


def test_the_listing_groups_by_section() -> None:
    other = {**RECOMMENDATION, "id": "avoid-vitamin-d", "section": "mineral-and-bone", "direction": "against"}
    shown = render_listing([RECOMMENDATION, other])
    assert shown.index("ANTICOAGULATION") < shown.index("replace-warfarin") < shown.index("MINERAL AND BONE")
    assert "AVOID    avoid-vitamin-d: Warfarin should" in shown
