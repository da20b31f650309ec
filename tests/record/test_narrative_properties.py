"""Whatever the text: no error, offsets inside it, and a reading time that grows with its length."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calcipath.api import load_guideline
from calcipath.guideline.phrases import words_of
from calcipath.record.narrative import Setting, read_narrative

TABLE = Path(__file__).parents[1] / "data" / "narrative-cases.yaml"
SENTENCES = [case["text"] for case in yaml.safe_load(TABLE.read_text(encoding="utf-8"))["cases"]]
VOCABULARY = load_guideline().vocabulary
SETTINGS: tuple[Setting, ...] = ("note", "pathology", "allergy", "medication", "specimen")
PIECES = st.sampled_from(
    [*SENTENCES, "\n\n", "; ", ": ", " no ", " denies ", "Family history: ", "?", "(", ")", " or "]
)


@given(st.text(max_size=300), st.sampled_from(SETTINGS))
@example("İstanbul: necrotic ULCER\u0301 ½ ß", "note")
@example("\u0301\u0302 'S '' ulcer's", "note")
@settings(max_examples=80, deadline=None)
def test_any_text_is_read_with_offsets_inside_it(text: str, setting: Setting) -> None:
    for mention in read_narrative(text, VOCABULARY, setting=setting):
        assert 0 <= mention.start < mention.end <= len(text)


@given(st.lists(PIECES, max_size=12), st.sampled_from(SETTINGS))
@settings(max_examples=40, deadline=None)
def test_clinical_pieces_in_any_order_are_read(pieces: list[str], setting: Setting) -> None:
    text = "".join(pieces)
    for mention in read_narrative(text, VOCABULARY, setting=setting):
        assert text[mention.start : mention.end].strip()
        assert mention.quote


@given(st.text(max_size=200))
@settings(max_examples=80, deadline=None)
def test_words_keep_their_place(text: str) -> None:
    words = words_of(text)
    assert len(words.folded) == len(words.starts) == len(words.ends)
    assert all(words.folded)
    assert all(end <= start for end, start in zip(words.ends, words.starts[1:], strict=False))


@pytest.mark.parametrize(
    "unit", ["no painful ulcer, ", "suspected calciphylaxis or vasculitis ", "on warfarin ", "?: - ( "]
)
def test_the_reading_time_grows_with_the_text_and_not_with_its_square(unit: str) -> None:
    def seconds(times: int) -> float:
        text = unit * times
        best = float("inf")
        for _ in range(3):
            begun = time.perf_counter()
            read_narrative(text, VOCABULARY)
            best = min(best, time.perf_counter() - begun)
        return best

    short, long = seconds(100), seconds(800)
    assert long < 8 * 4 * max(short, 0.0005)
