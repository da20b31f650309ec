"""Cut clinical text into sentences that know the section they stand in ("Family history:", "Medications:")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from calcipath.guideline.context_rules import ContextRules
from calcipath.guideline.phrases import words_of

LONGEST = 120  # words; longer runs are cut, so that the reading time grows with the text and not with its square
_HEADING_WORDS = 6


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence's folded words with their character offsets in the whole text, and its section's meaning.

    `goes_on` is true when only a semicolon parts it from the sentence before.
    """

    words: list[str]
    starts: list[int]
    ends: list[int]
    section: str = ""
    goes_on: bool = False


def sentences_of(text: str, rules: ContextRules) -> Iterator[Sentence]:
    """The sentences of `text` in order. A line break ends one unless the next line goes on in lower case.

    A section begun by a heading on its own line lasts to the next heading or blank line; one begun within a line lasts
    to the end of that line, or to a sentence that plainly tells the story on ("She presented ...").
    """
    all_words = words_of(text)
    words, starts, ends = all_words.folded, all_words.starts, all_words.ends
    section, inline, goes_on = "", False, False
    kept: list[int] = []
    for i, word in enumerate(words):
        if word == ":" and len(kept) <= _HEADING_WORDS:
            heading = rules.is_heading(words[k] for k in kept)
            if heading is not None:
                section, kept, goes_on = heading, [], False
                inline = i + 1 < len(words) and words[i + 1] != "\n"
                continue
        ends_here = _ends_sentence(i, words, starts, ends, text, rules)
        if not ends_here and word != "\n":
            if not kept and inline and not goes_on and word in rules.openers and words[i - 1] != ":":
                section = ""
            kept.append(i)
        if (ends_here or len(kept) >= LONGEST) and kept:
            yield _sentence(kept, words, starts, ends, section, goes_on=goes_on)
            goes_on, kept = word == ";", []
        if ends_here and word == "\n" and (inline or (words[i - 1] == "\n" and words[i - 2 : i - 1] != [":"])):
            section = ""
    if kept:
        yield _sentence(kept, words, starts, ends, section, goes_on=goes_on)


def _sentence(
    kept: list[int], words: list[str], starts: list[int], ends: list[int], section: str, *, goes_on: bool
) -> Sentence:
    return Sentence(
        [words[k] for k in kept], [starts[k] for k in kept], [ends[k] for k in kept], section, goes_on=goes_on
    )


def _ends_sentence(
    i: int, words: list[str], starts: list[int], ends: list[int], text: str, rules: ContextRules
) -> bool:
    word = words[i]
    if word in {";", "!", "•", "*"}:
        return True
    if word == ".":
        after = text[ends[i] : ends[i] + 1]
        before = words[i - 1] if i else ""
        is_abbreviation = before in rules.abbreviations or (len(before) == 1 and before.isalpha())
        return (not after or after.isspace()) and not is_abbreviation
    if word == "\n":
        if i + 1 == len(words):
            return True
        following = text[starts[i + 1]]
        return not following.islower()
    return False
