"""What the words around a candidate make of it: stated, negated, uncertain, historical, about a relative, or nothing.

After NegEx (Chapman 2001) and ConText (Harkema 2009), with rules as data and two refinements. A trigger reaches over a
comma only along a bare list of findings ("no fever, chills or nausea", not "no drainage, exquisitely tender").
And "history of" does not make a chronic condition historical ("history of end-stage renal disease on haemodialysis").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from calcipath.guideline.context_rules import ContextRules, Trigger
from calcipath.record.candidates import Candidate, Span

Reading = Literal["stated", "negated", "historical", "uncertain", "family", "dropped"]
_SEPARATORS = frozenset({",", "and", "or", "nor", "/", "&", "(", ")", "-", ":"})
_ALTERNATIVES = frozenset({"or", "nor"})
_DOUBT = frozenset({"or", "versus", "vs", "/", "?"})
_NEVER_OVER_A_COMMA = frozenset({"quality", "site", "course"})


@dataclass(frozen=True, slots=True)
class TriggerHit:
    """A trigger phrase at words `start` to `end`, with every meaning that the phrase has."""

    start: int
    end: int
    triggers: tuple[Trigger, ...]

    def has(self, kind: str) -> bool:
        return any(trigger.kind == kind for trigger in self.triggers)

    def considers(self, candidate: Candidate) -> bool:
        """Whether the phrase says that the thing was thought of."""
        return any(t.kind == "considered" and (not t.families or candidate.family in t.families) for t in self.triggers)


class SentenceContext:
    """The triggers of one sentence and how far they reach."""

    __slots__ = ("_candidates", "_covered", "_hits", "_pathology", "_rules", "_words")

    def __init__(
        self, words: Sequence[str], candidates: Sequence[Candidate], rules: ContextRules, *, pathology: bool
    ) -> None:
        self._words, self._candidates, self._rules, self._pathology = words, candidates, rules, pathology
        self._hits = _trigger_hits(words, rules)
        self._covered = bytearray(len(words))
        for candidate in candidates:
            for start, end in candidate.spans:
                self._covered[start:end] = b"\x01" * (end - start)

    def kinds(self, candidate: Candidate) -> set[str]:
        """The kinds of trigger that reach the candidate."""
        found: set[str] = set()
        for hit in self._hits:
            if any(start < hit.end and hit.start < end for start, end in candidate.spans):
                continue
            for trigger in hit.triggers:
                if trigger.kind in found or trigger.kind in {"pseudo", "termination", "concluding", "considered"}:
                    continue
                if trigger.families and candidate.family not in trigger.families:
                    continue
                if self._concludes(hit, trigger, candidate):
                    continue
                if self._reaches(hit, trigger, candidate):
                    found.add(trigger.kind)
        return found

    def has_current_use(self) -> bool:
        """Whether any cue of current use of a drug stands in the sentence."""
        return any(hit.has("current-use") for hit in self._hits)

    def _concludes(self, hit: TriggerHit, trigger: Trigger, candidate: Candidate) -> bool:
        is_finding = candidate.family in {"diagnosis", "histology"}
        return self._pathology and is_finding and trigger.kind == "uncertain" and hit.has("concluding")

    def _reaches(self, hit: TriggerHit, trigger: Trigger, candidate: Candidate) -> bool:
        forward = trigger.direction in {"forward", "both"} and self._points_forward(hit, trigger)
        if forward:
            following = [span for span in candidate.spans if span[0] >= hit.end]
            if following and self._open(hit.end, min(following)[0], trigger, candidate, forward=True):
                return True
        if trigger.direction in {"backward", "both"} and self._points_backward(hit, trigger):
            preceding = [span for span in candidate.spans if span[1] <= hit.start]
            if preceding:
                return self._open(max(preceding)[1], hit.start, trigger, candidate, forward=False)
        return False

    def _points_forward(self, hit: TriggerHit, trigger: Trigger) -> bool:
        """A word that works both ways points forward when something is there to point at."""
        both = any(other.kind == trigger.kind and other.direction == "backward" for other in hit.triggers)
        return not both or trigger.at_end or not self._points_backward(hit, trigger)

    def _points_backward(self, hit: TriggerHit, trigger: Trigger) -> bool:
        following = self._words[hit.end] if hit.end < len(self._words) else "."
        at_end = following in _SEPARATORS or following in {".", "?", "by", "on"}
        if trigger.at_end:
            return at_end
        both = any(other.kind == trigger.kind and other.direction == "forward" for other in hit.triggers)
        if not both or at_end:
            return True
        near = [c.start for c in self._candidates if hit.end <= c.start < hit.end + 4]
        return not near or bool(_SEPARATORS.intersection(self._words[hit.end : min(near)]))

    def _open(self, start: int, end: int, trigger: Trigger, candidate: Candidate, *, forward: bool) -> bool:
        """Whether the way between trigger and candidate (words `start` to `end`) is within reach and not cut."""
        if end - start > trigger.window:
            return False
        if not forward and self._still_of_it(start, end, candidate):
            return True
        if trigger.kind != "current-use":
            for hit in self._hits:
                if start <= hit.start and hit.end <= end and self._terminates(hit, trigger):
                    return False
        if trigger.lists or start == end:
            return True
        return self._list_goes_on(start, end, candidate, forward=forward)

    def _still_of_it(self, start: int, end: int, candidate: Candidate) -> bool:
        """Whether words `start` to `end` lead from a thing that was considered to what is said of it, and of no other."""
        for hit in self._hits:
            if start <= hit.start and hit.end <= end and hit.considers(candidate):
                between = [*self._words[start : hit.start], *self._words[hit.end : end]]
                return self._rules.opinion_words.issuperset(between)
        return False

    @staticmethod
    def _terminates(hit: TriggerHit, trigger: Trigger) -> bool:
        return any(
            other.kind == "termination" and (not other.families or trigger.kind in other.families)
            for other in hit.triggers
        )

    def _list_goes_on(self, start: int, end: int, candidate: Candidate, *, forward: bool) -> bool:
        """Follow the chunks of a list from the trigger to the candidate; every further chunk must be a bare finding."""
        words = self._words
        cuts = [i for i in range(start, end) if words[i] in _SEPARATORS]
        while cuts and (cuts[0] == start if forward else cuts[-1] == end - 1):
            if words[cuts[0 if forward else -1]] == ":" and not forward:
                return True
            cuts.pop(0 if forward else -1)
            start, end = (start + 1, end) if forward else (start, end - 1)
        if not cuts:
            return True
        if any(words[i] == ":" for i in cuts):
            return False
        if forward and candidate.family in _NEVER_OVER_A_COMMA:
            return words[cuts[-1]] in _ALTERNATIVES and self._bare_chunks(cuts, candidate, forward=forward)
        return self._bare_chunks(cuts, candidate, forward=forward)

    def _bare_chunks(self, cuts: Sequence[int], candidate: Candidate, *, forward: bool) -> bool:
        bounds = [*cuts, self._chunk_end(candidate.end)] if forward else [self._chunk_start(candidate.start), *cuts]
        for first, second in pairwise(bounds):
            if self._words[max(first, 0)] in _ALTERNATIVES:
                continue
            if not self._is_bare(first + 1 if first >= 0 else 0, second):
                return False
        return True

    def _is_bare(self, start: int, end: int) -> bool:
        """Whether the words are findings and fillers only, and name no site."""
        if any(c.family == "site" and start <= c.start < end for c in self._candidates):
            return False
        extra = [i for i in range(start, end) if not self._covered[i] and self._words[i] not in self._rules.fillers]
        return len(extra) <= (1 if end - start > len(extra) else 2)

    def _chunk_end(self, position: int) -> int:
        while position < len(self._words) and self._words[position] not in _SEPARATORS:
            position += 1
        return position

    def _chunk_start(self, position: int) -> int:
        while position > 0 and self._words[position - 1] not in _SEPARATORS:
            position -= 1
        return position - 1


def _trigger_hits(words: Sequence[str], rules: ContextRules) -> list[TriggerHit]:
    """The triggers of a sentence; of overlapping phrases the longest counts ("no history of" over "history of")."""
    matches = sorted(rules.triggers.matches(words), key=lambda m: (m.start - m.end, m.start))
    taken = bytearray(len(words))
    hits: list[TriggerHit] = []
    for match in matches:
        if not any(taken[match.start : match.end]):
            taken[match.start : match.end] = b"\x01" * (match.end - match.start)
            hits.append(TriggerHit(match.start, match.end, match.payloads))
    return sorted(hits, key=lambda hit: hit.start)


def in_doubt(words: Sequence[str], first: Candidate, second: Candidate) -> bool:
    """Whether two diagnoses are given as alternatives: "calciphylaxis or nephrogenic systemic fibrosis"."""
    between = words[first.end : second.start]
    return 0 < len(between) <= 3 and bool(_DOUBT.intersection(between)) and "," not in between


def spans_text(candidate: Candidate, starts: Sequence[int], ends: Sequence[int]) -> Span:
    """Character offsets of a candidate."""
    return starts[candidate.start], ends[candidate.end - 1]
