"""How the words around a phrase change what it says: negated, uncertain, historical, about a relative, and so on.

After NegEx (Chapman 2001) and ConText (Harkema 2009): trigger phrases with a direction and a reach, phrases that only
look like triggers, and words that end a trigger's reach. The phrases are data of the guideline (`context-rules.yaml`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from calcipath.guideline.phrases import PhraseIndex, spelling_variants, words_of

TriggerKind = Literal[
    "negated", "uncertain", "historical", "past-history", "family", "hypothetical",
    "current-use", "stopped", "concluding", "considered", "pseudo", "termination",
]  # fmt: skip
Direction = Literal["forward", "backward", "both"]
Answer = Literal["affirmed", "denied", "silent"]


class ContextRulesError(ValueError):
    """The context rules are malformed; the message names the file and the place."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """A phrase that changes the reading of phrases near it.

    `window` is its reach in words. A trigger with `lists` reaches through a comma list whatever it holds; others
    reach past a comma only over a bare list of findings. `families` limits it to concepts of these families.
    `at_end` asks that nothing follow it in its clause ("fever: no", but not "ulcer, no drainage").
    """

    kind: TriggerKind
    direction: Direction = "forward"
    window: int = 25
    lists: bool = False
    families: frozenset[str] = frozenset()
    at_end: bool = False


@dataclass(frozen=True, slots=True)
class ContextRules:
    """The compiled rules. `headings` maps a section heading's words to the section's meaning; `openers` are first words
    of a sentence that leaves a section begun within a line; `fillers` do not make a list of findings less bare;
    `clause_breaks` are words over which no combination of phrases reaches; `opinion_words` may stand between "was
    considered" and what is said of the same thing.

    `answers` maps the words of a whole value ("none", "all present") to what they say of the thing named before.
    """

    triggers: PhraseIndex[Trigger]
    headings: Mapping[tuple[str, ...], str]
    answers: Mapping[tuple[str, ...], Answer]
    answer_codes: Mapping[str, Answer]
    abbreviations: frozenset[str]
    fillers: frozenset[str]
    openers: frozenset[str]
    clause_breaks: frozenset[str]
    opinion_words: frozenset[str]
    no_known_allergy: tuple[str, ...]

    def answer(self, text: str) -> Answer | None:
        """What a short value says of the thing that was asked about; None when it is no plain answer."""
        words = tuple(word for word in words_of(text[:80]).folded if word not in {".", "\n"})
        return self.answers.get(words)

    def is_heading(self, words: Iterable[str]) -> str | None:
        """The meaning of a section heading ("family", "medications" ...), None when the words are no heading."""
        return self.headings.get(tuple(words))


def context_rules(document: Mapping[str, Any], place: str = "context-rules.yaml") -> ContextRules:
    """Compile the parsed rules. Raises ContextRulesError with the place of a malformed entry."""
    triggers: list[tuple[str, Trigger]] = []
    for number, entry in enumerate(_list(document, "triggers", place)):
        where = f"{place}: triggers[{number}]"
        trigger = _trigger(entry, where)
        triggers.extend((phrase, trigger) for phrase in _phrases(entry.get("phrases"), where))
    pseudo, termination = Trigger("pseudo"), Trigger("termination")
    of_negation = Trigger("termination", families=frozenset({"negated"}))
    of_stopping = Trigger("termination", families=frozenset({"stopped"}))
    for key, trigger in (
        ("pseudo", pseudo),
        ("termination", termination),
        ("termination_of_negation", of_negation),
        ("termination_of_stopping", of_stopping),
    ):
        triggers.extend((phrase, trigger) for phrase in _phrases(document.get(key), f"{place}: {key}"))
    answers = document.get("answers", {})
    unknown = set(answers) - set(get_args(Answer))
    if unknown:
        raise ContextRulesError(f"{place}: answers: unknown kind {min(unknown)!r}")
    return ContextRules(
        triggers=PhraseIndex(triggers),
        headings=_by_words(document.get("headings", {}), f"{place}: headings"),
        answers=cast("Mapping[tuple[str, ...], Answer]", _by_words(answers, f"{place}: answers")),
        answer_codes={str(code): kind for kind, codes in document.get("answer_codes", {}).items() for code in codes},
        abbreviations=frozenset(_folded(document.get("abbreviations"), place)),
        fillers=frozenset(_folded(document.get("fillers"), place)),
        openers=frozenset(_folded(document.get("openers"), place)),
        clause_breaks=frozenset(_folded(document.get("clause_breaks"), place)),
        opinion_words=frozenset(_folded(document.get("opinion_words"), place)),
        no_known_allergy=tuple(_phrases(document.get("no_known_allergy"), f"{place}: no_known_allergy")),
    )


def _trigger(entry: Any, where: str) -> Trigger:
    if not isinstance(entry, Mapping):
        raise ContextRulesError(f"{where}: a trigger must be a mapping")
    kind, direction = entry.get("kind"), entry.get("direction", "forward")
    if kind not in get_args(TriggerKind):
        raise ContextRulesError(f"{where}: unknown kind {kind!r}")
    if direction not in get_args(Direction):
        raise ContextRulesError(f"{where}: direction must be forward, backward or both, not {direction!r}")
    return Trigger(
        kind=cast("TriggerKind", kind),
        direction=cast("Direction", direction),
        window=int(entry.get("window", 25)),
        lists=bool(entry.get("lists", False)),
        families=frozenset(entry.get("families", ())),
        at_end=bool(entry.get("at_end", False)),
    )


def _list(document: Mapping[str, Any], key: str, place: str) -> list[Any]:
    value = document.get(key)
    if not isinstance(value, list):
        raise ContextRulesError(f"{place}: {key} must be a list")
    return value


def _phrases(value: Any, where: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(phrase, str) and phrase.strip() for phrase in value):
        raise ContextRulesError(f"{where}: phrases must be a list of non-empty texts (quote yes, no, on and off)")
    return value


def _folded(value: Any, place: str) -> list[str]:
    return [word for phrase in _phrases(value, place) for word in words_of(phrase).folded]


def _by_words(groups: Mapping[str, Any], where: str) -> dict[tuple[str, ...], str]:
    return {
        variant: meaning
        for meaning, phrases in groups.items()
        for phrase in _phrases(phrases, f"{where}: {meaning}")
        for variant in spelling_variants(phrase)
    }
