"""Reads `worklist.yaml`, and refuses what a list for people who do not see the patient must not say or leave open."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from calcipath.errors import GuidelineError
from calcipath.guideline.entries import Entry, unique
from calcipath.guideline.model import Condition
from calcipath.guideline.worklist_model import CHANGES, LeftOut, WorklistEntry, WorklistGroup, WorklistKnowledge

VERDICTS = ("yes", "held", "unknown")
URGENCIES = ("now", "today", "this-week", "routine")
_ENDING = re.compile(r"\b(stop|discontinue|withdraw|cease|halt|omit|taper|withhold)\b", re.IGNORECASE)
_FORBIDDING = re.compile(r"\b(never|not|no|nothing|without|whether|cannot)\b", re.IGNORECASE)
_NOTHING = re.compile(r"\b(stop|discontinue|withdraw|withhold)\s+nothing\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[.;:!?]\s+")


def asks_to_end(text: str) -> bool:
    """Whether a sentence of the text asks to end a treatment; to forbid it or to ask whether is something else.

    >>> asks_to_end("Stop the drug."), asks_to_end("Never stop it without cover."), asks_to_end("Stop nothing on this.")
    (True, False, False)
    """
    for sentence in _SENTENCE.split(_NOTHING.sub("", text)):
        for word in _ENDING.finditer(sentence):
            if not _FORBIDDING.search(sentence[: word.start()]):
                return True
    return False


def read_worklist(
    entry: Entry, condition: Callable[[Entry, str], Condition], items: Sequence[str]
) -> WorklistKnowledge:
    """The typed content; `items` are all names that must be an entry or be left out. Raises `GuidelineError`."""
    entry.only("groups", "entries", "left_out")
    groups = tuple(_group(e, condition) for e in unique(entry.entries("groups", required=True), "group"))
    reading = _Entries(condition, frozenset(items), frozenset(group.id for group in groups))
    found = WorklistKnowledge(
        groups,
        tuple(map(reading.entry, entry.entries("entries", required=True))),
        tuple(map(reading.left_out, entry.entries("left_out", required=True))),
    )
    _require_all(found, items)
    return found


def _group(entry: Entry, condition: Callable[[Entry, str], Condition]) -> WorklistGroup:
    entry.only("id", "label", "means", "of", "when")
    return WorklistGroup(
        entry.text("id"), entry.text("label"), entry.text("means"), entry.text("of"), condition(entry, "when")
    )


class _Entries:
    def __init__(
        self, condition: Callable[[Entry, str], Condition], items: frozenset[str], groups: frozenset[str]
    ) -> None:
        self._condition, self._items, self._groups = condition, items, groups

    def entry(self, entry: Entry) -> WorklistEntry:
        entry.only("item", "group", "verdicts", "when", "what", "review", "changes", "urgency", "cautions_of", "names")
        item, group = self._known(entry, entry.text("item")), entry.text("group")
        if group not in self._groups:
            raise entry.fail(f"there is no group '{group}'", "group")
        for key in ("what", "review"):
            if asks_to_end(entry.text(key, "-")):
                raise entry.fail(f"'{key}' asks to end a treatment; a worklist only asks for a review", key)
        is_recommendation = item.startswith("recommendation:")
        return WorklistEntry(
            item,
            group,
            self._verdicts(entry, is_recommendation),
            self._condition(entry, "when") if "when" in entry.data else None,
            entry.text("what") if is_recommendation else entry.text("what", ""),
            entry.text("review"),
            entry.one_of("changes", CHANGES),
            self._urgency(entry, item),
            self._cautions_of(entry),
            self._names(entry, is_recommendation=is_recommendation),
        )

    @staticmethod
    def _names(entry: Entry, *, is_recommendation: bool) -> str:
        if "names" in entry.data and not is_recommendation:
            raise entry.fail("only a recommendation has orders to name", "names")
        return entry.text("names", "")

    @staticmethod
    def _verdicts(entry: Entry, is_recommendation: bool) -> tuple[str, ...]:
        verdicts = entry.texts("verdicts") or (("yes", "held") if is_recommendation else ("yes",))
        if set(verdicts) - set(VERDICTS) or ("held" in verdicts and not is_recommendation):
            raise entry.fail("'verdicts' may name yes, unknown, and held of a recommendation", "verdicts")
        return verdicts

    @staticmethod
    def _urgency(entry: Entry, item: str) -> str:
        if item.startswith("risk:"):
            return entry.one_of("urgency", URGENCIES)
        if "urgency" in entry.data:
            raise entry.fail("the guideline gives the urgency of this item", "urgency")
        return ""

    def _cautions_of(self, entry: Entry) -> str:
        name = entry.text("cautions_of", "")
        if name:
            self._known(entry, f"recommendation:{name}")
        return name

    def _known(self, entry: Entry, item: str) -> str:
        if item not in self._items:
            raise entry.fail(f"there is no recommendation, risk factor or urgent finding '{item}'")
        return item

    def left_out(self, entry: Entry) -> LeftOut:
        entry.only("items", "because")
        return LeftOut(tuple(self._known(entry, item) for item in entry.texts("items")), entry.text("because"))


def _require_all(found: WorklistKnowledge, items: Iterable[str]) -> None:
    listed = {entry.item for entry in found.entries}
    left_out = [item for each in found.left_out for item in each.items]
    for item in items:
        if item not in listed and item not in left_out:
            raise GuidelineError(f"worklist.yaml: '{item}' is neither an entry nor left out with its reason")
        if item in listed and item in left_out:
            raise GuidelineError(f"worklist.yaml: '{item}' is an entry and left out")
    pairs = [(entry.item, entry.group) for entry in found.entries]
    for pair in pairs:
        if pairs.count(pair) > 1:
            raise GuidelineError(f"worklist.yaml: '{pair[0]}' is twice in the group '{pair[1]}'")
