"""Read clinical free text: which concepts of the vocabulary it speaks of, and what it says of them.

Pure Python over the vocabulary's word trie; no language model and no clinical-text library (docs/decisions/0002).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from calcipath.guideline.vocabulary import Family, Vocabulary
from calcipath.record.candidates import Candidate, candidates_of
from calcipath.record.context import Reading, SentenceContext, in_doubt, spans_text
from calcipath.record.model import Assertion
from calcipath.record.sentences import Sentence, sentences_of

Setting = Literal["note", "pathology", "allergy", "medication", "specimen"]
NOTE_FAMILIES: frozenset[Family] = frozenset(
    {"drug", "diagnosis", "lesion", "quality", "symptom-sign", "course", "site", "procedure", "team", "specimen"}
)
_QUOTE = 240  # characters
_BY_KIND: tuple[tuple[str, Reading], ...] = (("family", "family"), ("hypothetical", "dropped"), ("negated", "negated"))
_SECTIONS: dict[str, Reading] = {"family": "family", "risk": "dropped"}


@dataclass(frozen=True, slots=True)
class Mention:
    """A concept that a text speaks of; `start` and `end` are character offsets, `quote` the passage around."""

    concept: str
    assertion: Assertion
    start: int
    end: int
    quote: str


def read_narrative(
    text: str, vocabulary: Vocabulary, families: frozenset[Family] = NOTE_FAMILIES, setting: Setting = "note"
) -> tuple[Mention, ...]:
    """The mentions in `text`, in order. Hypothetical ones ("risk of calciphylaxis") are left out.

    In the setting `pathology` a concluding phrase ("suggestive of") is no doubt; in `medication` the text names a drug
    of the medication list, so a drug needs no cue of use; in `specimen` it names a specimen ("Skin"); in `allergy` drug
    names are allergies and never drugs, and reactions are no findings.
    """
    mentions: list[Mention] = []
    cue_before = False
    for sentence in sentences_of(text, vocabulary.context):
        cue_before = cue_before and sentence.goes_on
        allergies = setting == "allergy" or sentence.section == "allergy"
        candidates = candidates_of(
            sentence.words, vocabulary, allergies=allergies, names=setting in ("medication", "specimen")
        )
        if not any(candidate.family in families for candidate in candidates):
            continue
        context = SentenceContext(sentence.words, candidates, vocabulary.context, pathology=setting == "pathology")
        in_use = cue_before or setting == "medication" or sentence.section == "medications"
        readings = [
            _reading(candidate, context, sentence, vocabulary, in_use=in_use, allergies=allergies)
            for candidate in candidates
        ]
        _mark_alternatives(candidates, readings, sentence, vocabulary)
        kept = (m for m in _mentions(text, sentence, candidates, readings) if vocabulary.family(m.concept) in families)
        mentions.extend(kept)
        cue_before = cue_before or context.has_current_use()
    return tuple(mentions)


def _reading(
    candidate: Candidate,
    context: SentenceContext,
    sentence: Sentence,
    vocabulary: Vocabulary,
    *,
    in_use: bool,
    allergies: bool,
) -> Reading:
    if candidate.denied:
        return "negated"
    if allergies and candidate.family != "diagnosis":  # a drug is not taken, a rash is how an allergy showed
        return "dropped"
    kinds = context.kinds(candidate)
    section = _SECTIONS.get(sentence.section)
    if section is not None:
        return section
    for kind, reading in _BY_KIND:
        if kind in kinds:
            return reading
    if "uncertain" in kinds or _in_doubtful_section(candidate, sentence):
        return "uncertain"
    if _is_past(candidate, kinds, sentence, vocabulary):
        return "historical"
    if candidate.family == "drug" and not in_use and "current-use" not in kinds:
        return "uncertain"
    return "stated"


def _in_doubtful_section(candidate: Candidate, sentence: Sentence) -> bool:
    if sentence.section == "uncertain":
        return candidate.family == "diagnosis"
    return sentence.section == "plan" and candidate.family in {"procedure", "team"}


def _is_past(candidate: Candidate, kinds: set[str], sentence: Sentence, vocabulary: Vocabulary) -> bool:
    if "historical" in kinds or "stopped" in kinds or sentence.section == "historical":
        return True
    if candidate.family == "drug":
        return sentence.section == "stopped" or "past-history" in kinds
    weakly = "past-history" in kinds or sentence.section == "past-history"
    return weakly and candidate.family not in {"site", "team"} and not vocabulary.concepts[candidate.concept].chronic


def _mark_alternatives(
    candidates: list[Candidate], readings: list[Reading], sentence: Sentence, vocabulary: Vocabulary
) -> None:
    """Two diagnoses joined by "or" are both uncertain, unless what joins them is a list of chronic conditions."""
    open_ones = [
        i
        for i, candidate in enumerate(candidates)
        if candidate.family == "diagnosis" and readings[i] in {"stated", "uncertain"}
    ]
    for first, second in pairwise(open_ones):
        one, other = candidates[first], candidates[second]
        both_chronic = vocabulary.concepts[one.concept].chronic and vocabulary.concepts[other.concept].chronic
        if one.concept != other.concept and not both_chronic and in_doubt(sentence.words, one, other):
            readings[first] = readings[second] = "uncertain"


def _mentions(text: str, sentence: Sentence, candidates: list[Candidate], readings: list[Reading]) -> Iterator[Mention]:
    for candidate, reading in zip(candidates, readings, strict=True):
        if reading == "dropped":
            continue
        start, end = spans_text(candidate, sentence.starts, sentence.ends)
        yield Mention(candidate.concept, reading, start, end, _quote(text, sentence, start, end))


def _quote(text: str, sentence: Sentence, start: int, end: int) -> str:
    """The sentence, or as much of it around the mention as is readable."""
    first, last = sentence.starts[0], sentence.ends[-1]
    if last - first > _QUOTE:
        first, last = max(first, start - _QUOTE // 2), min(last, end + _QUOTE // 2)
    return " ".join(text[first:last].split())
