"""Words of clinical text and an index of phrases over them.

Text is cut into lower-case, accent-free words and punctuation marks; each word is folded so that a plural and the
British and American spellings meet ("haemorrhagic bullae", "hemorrhagic bulla"). Folding is applied to the phrases of
the guideline and to the text alike, so it need not be grammatical, only the same on both sides.
A phrase is found through a trie of words: one walk over the text, whatever the number of phrases.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, Generic, TypeVar

Payload = TypeVar("Payload")

_MARKS = "\u0300-\u036f"
_TOKEN = re.compile(
    rf"\d+(?:\.\d+)+|[a-z0-9{_MARKS}]+(?:['’][a-z]+)?|(?<=\s)-+(?=\s)|\n|[^\sa-z0-9{_MARKS}_\-]", re.ASCII
)
_DASHES = str.maketrans({"–": "-", "‐": "-", "‑": "-", "−": "-", "‘": "'", "’": "'", "`": "'"})
_MARK = re.compile(f"[{_MARKS}]")
_IRREGULAR = {"feet": "foot", "calves": "calf", "foci": "focus", "bullae": "bulla"}
_SPELLINGS = (
    ("oedema", "edema"),
    ("rrhoe", "rrhe"),
    ("oesoph", "esoph"),
    ("oestr", "estr"),
    ("coeliac", "celiac"),
    ("sulph", "sulf"),
    ("colour", "color"),
    ("tumour", "tumor"),
    ("odour", "odor"),
    ("centre", "center"),
    ("fibre", "fiber"),
    ("aluminium", "aluminum"),
    ("grey", "gray"),
    ("favour", "favor"),
    ("calibre", "caliber"),
)
_VERB = re.compile(r"(?<=[iy])s(?=(?:e|ed|ing|ation)$)")
_JOINED_PREFIXES = frozenset(
    {"non", "anti", "peri", "intra", "micro", "hyper", "hypo", "sub", "para", "post", "pre", "multi", "retro", "un"}
)
_END = ""  # no word is empty, so this key marks the end of a phrase in a trie node


@dataclass(frozen=True, slots=True)
class Words:
    """A text as folded words and marks; `starts` and `ends` are character offsets in the text as given."""

    folded: list[str]
    starts: list[int]
    ends: list[int]


def words_of(text: str) -> Words:
    """Cut `text` into folded words. Marks (comma, colon, line break ...) are words of their own; hyphens only separate.

    >>> words_of("Non-healing ulcers, oedema").folded
    ['non', 'healing', 'ulcer', ',', 'edema']
    """
    folded: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _TOKEN.finditer(_plain(text)):
        folded.append(fold(match.group()))
        starts.append(match.start())
        ends.append(match.end())
    return Words(folded, starts, ends)


@lru_cache(maxsize=32_768)
def fold(word: str) -> str:
    """The form of a lower-case word under which spellings and numbers meet.

    >>> [fold(word) for word in ("ischaemic", "biopsies", "thiosulphate", "hyalinised", "patient's")]
    ['ischemic', 'biopsy', 'thiosulfate', 'hyalinized', 'patient']
    """
    if len(word) == 1 or word[0].isdigit():
        return word
    word = _MARK.sub("", word).removesuffix("'s").replace("'", "")
    if not word:
        return "'"
    word = _singular(word)
    for british, american in _SPELLINGS:
        if british in word:
            word = word.replace(british, american)
    word = word.replace("ae", "e") if len(word) > 3 else word
    return _VERB.sub("z", word) if len(word) > 6 else word


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ae") and len(word) > 5:
        return word[:-1]
    if word.endswith(("emboli", "thrombi")):
        return word[:-1] + "us"
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 5:
        return word[:-3] + "y"
    if word.endswith(("tches", "shes", "sses", "xes")):
        return word[:-2]
    if word.endswith("oses") and len(word) > 6:
        return word[:-2] + "is"
    return word[:-1]


def _plain(text: str) -> str:
    """Lower case without accents, character for character, so that offsets stay those of the text."""
    if text.isascii():
        return text.lower()
    return "".join(map(_plain_character, text.translate(_DASHES)))


@lru_cache(maxsize=4_096)
def _plain_character(character: str) -> str:
    if "\u0300" <= character <= "\u036f":
        return character
    base = unicodedata.normalize("NFKD", character)[:1] or character
    lowered = base.lower()
    return lowered if len(lowered) == 1 else character


@dataclass(frozen=True, slots=True)
class Match(Generic[Payload]):
    """A phrase found at words `start` to `end` (exclusive); `payloads` are what the index holds for it."""

    start: int
    end: int
    payloads: tuple[Payload, ...]


class PhraseIndex(Generic[Payload]):
    """A trie of phrases. Equal phrases keep all their payloads.

    >>> index = PhraseIndex([("skin ulcer", 1), ("ulcer", 2)])
    >>> [(m.start, m.end, m.payloads) for m in index.matches(words_of("Painful skin ulcers").folded)]
    [(1, 3, (1,)), (2, 3, (2,))]
    """

    __slots__ = ("_root",)

    def __init__(self, phrases: Iterable[tuple[str, Payload]]) -> None:
        self._root: dict[str, Any] = {}
        for phrase, payload in phrases:
            for variant in spelling_variants(phrase):
                self._add(variant, payload)

    def _add(self, words: Sequence[str], payload: Payload) -> None:
        node = self._root
        for word in words:
            node = node.setdefault(word, {})
        held: tuple[Payload, ...] = node.get(_END, ())
        if payload not in held:
            node[_END] = (*held, payload)

    def matches(self, words: Sequence[str]) -> list[Match[Payload]]:
        """All phrases in the folded words, by start, shorter before longer."""
        found: list[Match[Payload]] = []
        root, count = self._root, len(words)
        for start, word in enumerate(words):
            node = root.get(word)
            end = start + 1
            while node is not None:
                payloads = node.get(_END)
                if payloads is not None:
                    found.append(Match(start, end, payloads))
                if end == count:
                    break
                node = node.get(words[end])
                end += 1
        return found


def spelling_variants(phrase: str) -> Iterator[tuple[str, ...]]:
    """The word sequences of a phrase: hyphenated prefixes also written as one word.

    >>> sorted(spelling_variants("non-healing ulcer"))
    [('non', 'healing', 'ulcer'), ('nonhealing', 'ulcer')]
    """
    choices: list[tuple[tuple[str, ...], ...]] = []
    for part in phrase.split():
        split = tuple(words_of(part).folded)
        prefix, hyphen, rest = part.lower().partition("-")
        joined = tuple(words_of(prefix + rest).folded)
        choices.append((split, joined) if hyphen and rest and prefix in _JOINED_PREFIXES else (split,))
    for choice in product(*choices):
        words = tuple(word for part in choice for word in part)
        if words:
            yield words
