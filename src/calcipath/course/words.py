"""What the notes say about pain and wounds since treatment began: heard where no measurement decides."""

from __future__ import annotations

from collections.abc import Sequence

from calcipath.course.model import DAY, CourseThresholds, Direction, Topic, Word, WordKind
from calcipath.course.treatment import Treatment

_DIRECTION: dict[WordKind, Direction] = {
    "improvement": "better", "pain-relief": "better", "no-improvement": "same", "pain-unchanged": "same",
    "worsening": "worse", "pain-worse": "worse",
}  # fmt: skip
_PAIN_WORDS = frozenset({"pain-relief", "pain-worse", "pain-unchanged"})
_SEVERITY: dict[Direction, int] = {"better": 0, "same": 1, "worse": 2}


def direction_of(word: Word) -> Direction:
    """What a statement says about its topic."""
    return _DIRECTION[word.kind]


def topic_of(word: Word) -> Topic:
    """The topic; a word that names pain is about pain wherever it was filed."""
    return "pain" if word.kind in _PAIN_WORDS else word.about


def spoken(
    words: Sequence[Word], topic: Topic, treatment: Treatment, as_of: float, thresholds: CourseThresholds
) -> Word | None:
    """The newest statement about `topic` since treatment began; of several at one instant the worst.

    "No improvement" counts only once a response was due.
    """
    heard = [
        word
        for word in words
        if topic_of(word) == topic
        and treatment.start < word.when <= as_of
        and (direction_of(word) != "same" or word.when - treatment.start >= thresholds.days * DAY)
    ]
    return max(heard, key=lambda w: (w.when, _SEVERITY[direction_of(w)], w.evidence), default=None)
