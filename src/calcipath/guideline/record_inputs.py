"""Which facts of a record fill which inputs of the thiosulfate dosing: read from `thiosulfate/record.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from calcipath.guideline.entries import Entry

INPUTS = ("weight", "modality", "sessions", "hours", "gfr", "egfr", "height", "dose")


@dataclass(frozen=True, slots=True)
class RecordInput:
    """An input and the fact that fills it.

    `values` translates the fact's words, `questions` asks where a word is not exact enough. `stated`: for each word of
    the option the facts that it makes true, all others named in it (and `unstated`) being false. `modalities` limits
    where the input is read, `when` names a fact that must be true for it.
    """

    input: str
    fact: str
    values: Mapping[str, str]
    questions: Mapping[str, str]
    stated: Mapping[str, tuple[str, ...]]
    unstated: tuple[str, ...]
    modalities: tuple[str, ...]
    when: str


@dataclass(frozen=True, slots=True)
class RecordInputs:
    """The inputs, and by id the recommendations that consider thiosulfate, offer, hold and warn of it.

    `answers`: defaults of the guideline that options answer together with yes. `not_offered`: what to do instead and who
    decides, where no dose is offered.
    """

    considered_by: str
    offered_by: str
    holds_of: tuple[str, ...]
    cautions_of: tuple[str, ...]
    inputs: tuple[RecordInput, ...]
    answers: Mapping[str, tuple[str, ...]]
    not_offered: tuple[str, str]

    def facts(self) -> Iterator[str]:
        """Every fact that is read or stated."""
        for each in self.inputs:
            yield each.fact
            yield from (name for names in each.stated.values() for name in names)
            yield from (*each.unstated, *((each.when,) if each.when else ()))

    def recommendations(self) -> tuple[str, ...]:
        """Every recommendation named."""
        return (self.considered_by, self.offered_by, *self.holds_of, *self.cautions_of)


def read_record_inputs(entry: Entry) -> RecordInputs:
    """The typed content. Raises `GuidelineError` naming file and line."""
    entry.only("considered_by", "offered_by", "holds_of", "cautions_of", "inputs", "answers", "not_offered")
    answers, instead = entry.entry("answers"), entry.entry("not_offered")
    if instead is None:
        raise entry.fail("'not_offered' is missing")
    return RecordInputs(
        entry.text("considered_by"),
        entry.text("offered_by"),
        entry.texts("holds_of"),
        entry.texts("cautions_of"),
        tuple(map(_input, entry.entries("inputs", required=True))),
        {name: answers.texts(name) for name in answers.data} if answers else {},
        (instead.text("instead"), instead.text("who")),
    )


def _input(entry: Entry) -> RecordInput:
    entry.only("input", "fact", "values", "questions", "stated", "unstated", "modalities", "when")
    stated = entry.entry("stated")
    return RecordInput(
        entry.one_of("input", INPUTS),
        entry.text("fact"),
        _words(entry, "values"),
        _words(entry, "questions"),
        {word: stated.texts(word) for word in stated.data} if stated else {},
        entry.texts("unstated"),
        entry.texts("modalities"),
        entry.text("when", ""),
    )


def _words(entry: Entry, key: str) -> dict[str, str]:
    found = entry.entry(key)
    return {word: found.text(word) for word in found.data} if found else {}
