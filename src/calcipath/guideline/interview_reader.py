"""Reads `interview.yaml`: how facts are asked and what a follow-up visit may record."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from calcipath.guideline.entries import Entry, unique
from calcipath.guideline.interview_model import (
    Asked,
    InterviewKnowledge,
    Opening,
    StandardCode,
    WoundScore,
    WoundScoreItem,
)
from calcipath.guideline.model import Fact, Source
from calcipath.guideline.vocabulary import Vocabulary


def read_interview(
    entry: Entry, facts: Mapping[str, Fact], vocabulary: Vocabulary, sources: Mapping[str, Source]
) -> InterviewKnowledge:
    """The typed content. Raises `GuidelineError` with file and line."""
    entry.only("names", "asked", "opening", "follow_up", "standard")
    concepts = vocabulary.concepts.keys()
    names = entry.entry("names")
    if names is None:
        raise entry.fail("'names' is missing")
    for name in names.data:
        _known(names, str(name), str(name), concepts, "concept")
    follow_up = entry.entry("follow_up")
    if follow_up is None:
        raise entry.fail("'follow_up' is missing")
    follow_up.only("laboratory", "wound_size", "wound_score")
    size = follow_up.pair("wound_size")
    if size is None:
        raise follow_up.fail("'wound_size' is missing")
    opening = unique(entry.entries("opening", required=True), "opening question")
    return InterviewKnowledge(
        asked={each.text("id"): _asked(each, facts) for each in unique(entry.entries("asked", required=True), "fact")},
        names={str(name): names.text(str(name)) for name in names.data},
        opening=tuple(_opening(each, facts, concepts, opening) for each in opening),
        laboratory=_laboratory(follow_up, facts),
        wound_size=size,
        wound_score=_wound_score(follow_up, sources),
        standard=tuple(_standard(each, vocabulary) for each in entry.entries("standard", required=True)),
    )


def _known(entry: Entry, name: str, key: str, known: AbstractSet[str], what: str) -> None:
    if name not in known:
        raise entry.fail(f"there is no {what} '{name}'", key)


def _asked(entry: Entry, facts: Mapping[str, Fact]) -> Asked:
    entry.only(
        "id", "question", "stands_for", "choices", "yes_says", "no_says", "deniable", "because", "date", "over_window", "lasting",
        "past", "range",
    )  # fmt: skip
    name = entry.text("id")
    _known(entry, name, "id", facts.keys(), "fact")
    fact = facts[name]
    if fact.kind == "derived":
        raise entry.fail("this fact is derived from others and is not asked", "id")
    found = Asked(
        id=name,
        question=entry.text("question", ""),
        stands_for=entry.text("stands_for", ""),
        choices=entry.texts("choices"),
        yes_says=entry.text("yes_says", ""),
        no_says=entry.text("no_says", ""),
        deniable=entry.flag("deniable", True),
        because=entry.text("because", ""),
        date=entry.flag("date"),
        over_window=entry.flag("over_window"),
        lasting=entry.flag("lasting"),
        past=entry.flag("past"),
        range=entry.pair("range"),
    )
    for concept in filter(None, (found.stands_for, *found.choices)):
        if concept not in fact.concepts:
            raise entry.fail(
                f"'{concept}' is no concept of the fact", "stands_for" if concept == found.stands_for else "choices"
            )
    if found.stands_for and found.choices:
        raise entry.fail("either 'stands_for' or 'choices', not both", "choices")
    if found.deniable is bool(found.because):
        raise entry.fail("'deniable: false' and 'because' belong together", "because")
    if found.over_window and fact.within_days is None:
        raise entry.fail("the fact has no window", "over_window")
    return found


def _opening(entry: Entry, facts: Mapping[str, Fact], concepts: AbstractSet[str], every: list[Entry]) -> Opening:
    entry.only("id", "fact", "question", "denies", "none_says", "last_says", "lasting", "concepts", "sites", "after")
    found = Opening(
        id=entry.text("id"),
        fact=entry.text("fact", ""),
        question=entry.text("question", ""),
        denies=entry.text("denies", ""),
        none_says=entry.text("none_says", ""),
        last_says=entry.text("last_says", ""),
        lasting=entry.flag("lasting"),
        concepts=entry.texts("concepts"),
        sites=entry.texts("sites"),
        after=entry.text("after", ""),
    )
    for key, name in (("fact", found.fact), ("denies", found.denies)):
        if name:
            _known(entry, name, key, facts.keys(), "fact")
    for key in ("concepts", "sites"):
        for concept in entry.texts(key):
            _known(entry, concept, key, concepts, "concept")
    if found.after:
        _known(entry, found.after, "after", {each.text("id") for each in every}, "opening question")
    if bool(found.fact) is bool(found.concepts):
        raise entry.fail("either 'fact' or 'concepts' is needed")
    if found.concepts and not (found.question and found.denies):
        raise entry.fail("a choice needs 'question' and 'denies'")
    return found


def _laboratory(entry: Entry, facts: Mapping[str, Fact]) -> tuple[str, ...]:
    found = entry.texts("laboratory")
    for name in found:
        if name not in facts or facts[name].kind != "quantity":
            raise entry.fail(f"there is no measured fact '{name}'", "laboratory")
    return found


def _wound_score(follow_up: Entry, sources: Mapping[str, Source]) -> WoundScore:
    entry = follow_up.entry("wound_score")
    if entry is None:
        raise follow_up.fail("'wound_score' is missing")
    entry.only("total", "item", "source", "items")
    total, item = entry.pair("total"), entry.pair("item")
    if total is None or item is None:
        raise entry.fail("'total' and 'item' are needed")
    _known(entry, entry.text("source"), "source", sources.keys(), "source")
    items = []
    for each in unique(entry.entries("items", required=True), "item"):
        each.only("id", "name", "mark")
        mark = each.one_of("mark", ("S", "Q", "B", "D", "P"))
        items.append(WoundScoreItem(each.text("id"), each.text("name"), mark))  # type: ignore[arg-type]
    return WoundScore(total, item, tuple(items), sources[entry.text("source")])


def _standard(entry: Entry, vocabulary: Vocabulary) -> StandardCode:
    entry.only("concept", "system", "code", "units")
    found = StandardCode(entry.text("concept"), entry.text("system"), entry.text("code"), entry.texts("units"))
    if found.concept not in vocabulary.by_code(found.system, found.code):
        raise entry.fail(f"{found.code} stands in no value set of '{found.concept}'", "code")
    return found
