"""The vocabulary as a whole: well-formed, reachable, and refusing what is malformed."""

from __future__ import annotations

from typing import Any

import pytest

from calcipath.api import load_guideline
from calcipath.guideline.vocabulary import VocabularyError, build_vocabulary
from calcipath.record.narrative import read_narrative

SNOMED = "http://snomed.info/sct"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
RULES: tuple[dict[str, Any], str] = ({"triggers": []}, "context-rules.yaml")
ROW = {"value_set": "made-up", "system": SNOMED, "code": "237900002", "match": "exact"}


def build(*concepts: dict[str, Any], rows: tuple[dict[str, str], ...] = (ROW,)) -> Any:
    return build_vocabulary([("test.yaml", {"concepts": list(concepts)})], rows, (RULES[1], RULES[0]))


def test_every_term_of_a_concept_is_found_by_itself() -> None:
    """A term that its own `not_terms` or a longer rival takes away would be dead weight."""
    vocabulary = load_guideline().vocabulary
    dead = [
        f"{concept.id}: {term}"
        for concept in vocabulary.concepts.values()
        for term in concept.terms
        if concept.family not in ("laboratory", "measurement")
        and concept.id
        not in {m.concept for m in read_narrative(term, vocabulary, frozenset({concept.family}), "medication")}
    ]
    assert dead == []


@pytest.mark.parametrize(
    ("system", "code", "concept"),
    [
        (SNOMED, "237900002", "calciphylaxis"),
        (ICD_10_CM, "N18.6", "end-stage-kidney-disease"),
        (ICD_10_CM, "N186", "end-stage-kidney-disease"),  # written without its point
        (ICD_10_CM, "E11.22", "diabetes-mellitus"),
        ("http://www.nlm.nih.gov/research/umls/rxnorm", "11289", "vitamin-k-antagonist"),
        ("http://loinc.org", "2731-8", "pth-intact"),
    ],
)
def test_codes_of_the_published_systems_are_known(system: str, code: str, concept: str) -> None:
    assert concept in load_guideline().vocabulary.by_code(system, code)


def test_a_code_of_another_system_is_not_taken() -> None:
    assert load_guideline().vocabulary.by_code("http://example.org/local", "237900002") == ()


@pytest.mark.parametrize(
    ("concept", "message"),
    [
        ({"id": "x", "family": "lesion"}, "empty"),
        ({"id": "x", "family": "creature", "terms": ["x"]}, "unknown family"),
        ({"id": "x", "family": "lesion", "terms": ["x"], "colour": 1}, "unknown key"),
        ({"id": "x", "family": "lesion", "terms": "x"}, "list of non-empty texts"),
        ({"id": "x", "family": "lesion", "value_sets": ["absent"]}, "no rows of the value set 'absent'"),
        ({"id": "x", "family": "lesion", "together": [[["only one group"]]]}, "two or more lists"),
        ({"family": "lesion", "terms": ["x"]}, "a mapping with an id"),
    ],
)
def test_a_malformed_concept_is_refused_with_its_place(concept: dict[str, Any], message: str) -> None:
    with pytest.raises(VocabularyError, match=message) as raised:
        build(concept)
    assert "test.yaml: concepts[0]" in str(raised.value)


def test_an_id_is_used_once() -> None:
    with pytest.raises(VocabularyError, match="already used"):
        build({"id": "x", "family": "lesion", "terms": ["x"]}, {"id": "x", "family": "lesion", "terms": ["y"]})


def test_general_words_can_deny_and_special_ones_cannot() -> None:
    """ "No cirrhosis" does not mean "no liver disease": the facts name the concepts that may deny them."""
    facts = load_guideline().facts
    for name, general in (
        ("liver-disease-recorded", "liver-disease-unnamed"),
        ("autoimmune-disease-recorded", "autoimmune-disease-unnamed"),
        ("malignancy-recorded", "malignancy-unnamed"),
        ("hypercoagulable-state-recorded", "thrombophilia-unnamed"),
    ):
        assert facts[name].denied_by == (general,)
        assert general in facts[name].concepts
