"""What clinical sentences say. The table of sentences is written from clinical knowledge, not from the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from calcipath.api import load_guideline
from calcipath.guideline.vocabulary import Family
from calcipath.record.narrative import read_narrative

TABLE = Path(__file__).parents[1] / "data" / "narrative-cases.yaml"
CASES: list[dict[str, Any]] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))["cases"]
FAMILIES: frozenset[Family] = frozenset(set(get_args(Family)) - {"laboratory", "measurement"})


def said(case: dict[str, Any]) -> dict[str, set[str]]:
    vocabulary = load_guideline().vocabulary
    found: dict[str, set[str]] = {}
    for mention in read_narrative(case["text"], vocabulary, FAMILIES, case.get("setting", "note")):
        found.setdefault(mention.concept, set()).add(mention.assertion)
    return found


def test_the_table_is_large_and_well_formed() -> None:
    concepts = load_guideline().vocabulary.concepts
    assert len(CASES) >= 120
    assert len({(case["text"], case.get("setting")) for case in CASES}) == len(CASES)
    for case in CASES:
        assert set(case) <= {"text", "setting", "found", "not_found", "not_found_stated"}
        named = [*case.get("found", {}), *case.get("not_found", []), *case.get("not_found_stated", [])]
        assert named and set(named) <= set(concepts), case["text"]


@pytest.mark.parametrize("case", CASES, ids=[case["text"][:60] for case in CASES])
def test_a_sentence_says_what_a_clinician_reads(case: dict[str, Any]) -> None:
    found = said(case)
    for concept, assertion in case.get("found", {}).items():
        assert found.get(concept) == {assertion}, concept
    assert set(case.get("not_found", [])) & set(found) == set()
    assert [c for c in case.get("not_found_stated", []) if "stated" in found.get(c, set())] == []


def test_offsets_and_quote_point_into_the_text() -> None:
    text = "She is well.\nPainful necrotic ulcer of the left calf; no fever."
    mentions = {m.concept: m for m in read_narrative(text, load_guideline().vocabulary, FAMILIES)}
    ulcer = mentions["skin-ulcer"]
    assert text[ulcer.start : ulcer.end] == "ulcer"
    assert ulcer.quote == "Painful necrotic ulcer of the left calf"
