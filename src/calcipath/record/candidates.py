"""Find the vocabulary's phrases in one sentence: terms, combinations of phrases, and what takes a term away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from calcipath.guideline.vocabulary import Family, Sense, Vocabulary

Span = tuple[int, int]
_NEAR = 3  # words
_YIELD_TO_ANY = frozenset({"drug", "laboratory", "measurement"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A concept found at word spans of a sentence (one span for a term, several for a combination).

    `start` and `end` enclose the spans. `denied`: "no known allergies" denies it.
    """

    concept: str
    family: Family
    spans: tuple[Span, ...]
    start: int
    end: int
    denied: bool = False


@dataclass(slots=True)
class _Hits:
    terms: list[Candidate] = field(default_factory=list)
    not_terms: dict[str, list[Span]] = field(default_factory=dict)
    near: dict[str, list[Span]] = field(default_factory=dict)
    parts: dict[tuple[str, int], dict[int, list[Span]]] = field(default_factory=dict)


def candidates_of(
    words: Sequence[str],
    vocabulary: Vocabulary,
    *,
    allergies: bool = False,
    names: bool = False,
) -> list[Candidate]:
    """The concepts in a sentence's folded words, by position. `allergies`: it lists allergies; `names`: it is the
    name of a drug entry or a specimen."""
    matches = vocabulary.phrases.matches(words)
    if not matches:
        return []
    hits = _Hits()
    spoken = ({"allergy"} if allergies else set()) | ({"name"} if names else set())
    for match in matches:
        span = match.start, match.end
        for sense in match.payloads:
            _sort_in(hits, sense, span, vocabulary.family(sense.concept), spoken)
    found = [term for term in hits.terms if not _taken_away(term, hits)]
    breaks = [i for i, word in enumerate(words) if word in vocabulary.context.clause_breaks]
    combined = [c for c in _combinations(hits, vocabulary, breaks) if not _taken_away(c, hits)]
    combined = _tightest(combined)
    kept = [*_outside(_longest(found, hits.terms), combined), *combined]
    return sorted(kept, key=lambda c: (c.start, c.end))


def _sort_in(hits: _Hits, sense: Sense, span: Span, family: Family, spoken: set[str]) -> None:
    if sense.role == "term" or sense.role in spoken:
        hits.terms.append(Candidate(sense.concept, family, (span,), *span))
    elif sense.role == "not":
        hits.not_terms.setdefault(sense.concept, []).append(span)
    elif sense.role == "near":
        hits.near.setdefault(sense.concept, []).append(span)
    elif sense.role == "part":
        hits.parts.setdefault((sense.concept, sense.number), {}).setdefault(sense.part, []).append(span)
    elif sense.role == "no-allergy":
        hits.terms.append(Candidate(sense.concept, family, (span,), *span, denied=True))


def _taken_away(candidate: Candidate, hits: _Hits) -> bool:
    for outer in hits.not_terms.get(candidate.concept, ()):
        if any(outer[0] <= span[0] and span[1] <= outer[1] for span in candidate.spans):
            return True
    near_words = hits.near.get(candidate.concept, ())
    return any(near[0] - candidate.end < _NEAR and candidate.start - near[1] < _NEAR for near in near_words)


def _longest(found: Iterable[Candidate], terms: Sequence[Candidate]) -> list[Candidate]:
    """A term gives way to a longer one around it: of its own family, or of any for drugs and measurements."""
    around: dict[int, list[Candidate]] = {}
    for term in terms:
        if term.end - term.start > 1:  # a single word surrounds nothing
            for position in range(term.start, term.end):
                around.setdefault(position, []).append(term)
    return [term for term in found if not any(_swallows(other, term) for other in around.get(term.start, ()))]


def _outside(found: Iterable[Candidate], combined: Sequence[Candidate]) -> list[Candidate]:
    """A word about the course that belongs to a combination ("pain much improved") is not said of the wound too."""
    owned = {span for c in combined if c.family == "course" for span in c.spans}
    return [term for term in found if term.family != "course" or not owned.intersection(term.spans)]


def _swallows(outer: Candidate, inner: Candidate) -> bool:
    if outer.start > inner.start or inner.end > outer.end or outer.end - outer.start == inner.end - inner.start:
        return False
    return outer.family == inner.family or inner.family in _YIELD_TO_ANY


def _combinations(hits: _Hits, vocabulary: Vocabulary, breaks: Sequence[int]) -> Iterable[Candidate]:
    for (concept, number), parts in hits.parts.items():
        combination = vocabulary.concepts[concept].together[number]
        if len(parts) < len(combination.groups):
            continue
        for anchor in parts[0]:
            spans = _nearest(anchor, [parts[part] for part in range(1, len(combination.groups))])
            if spans is None:
                continue
            start, end = min(s for s, _ in spans), max(e for _, e in spans)
            if end - start - sum(e - s for s, e in spans) > combination.within:
                continue
            if not any(start < position < end for position in breaks):
                yield Candidate(concept, vocabulary.family(concept), tuple(spans), start, end)


def _nearest(anchor: Span, others: Sequence[Sequence[Span]]) -> list[Span] | None:
    spans = [anchor]
    for group in others:
        free = [span for span in group if all(span[1] <= s or e <= span[0] for s, e in spans)]
        if not free:
            return None
        spans.append(min(free, key=lambda span: max(span[0] - anchor[1], anchor[0] - span[1])))
    return spans


def _tightest(combined: Sequence[Candidate]) -> list[Candidate]:
    """Of the combinations of one family that share a phrase ("pain improved, wounds unchanged"), keep the closest."""
    owner: dict[tuple[Family, Span], int] = {}
    for candidate in combined:
        extent = candidate.end - candidate.start
        for span in candidate.spans:
            key = candidate.family, span
            owner[key] = min(owner.get(key, extent), extent)
    return [
        c for c in combined if c.family != "course" or all(c.end - c.start <= owner[c.family, span] for span in c.spans)
    ]
