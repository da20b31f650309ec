"""What a population's worklist may say, as typed data. Read and checked by `worklist_reader`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calcipath.guideline.model import Condition

CHANGES = ("prescriber", "treatment", "nothing")


@dataclass(frozen=True, slots=True)
class WorklistGroup:
    """Rows of one kind. `of` says whom the group looks at, `when` is the same as a condition."""

    id: str
    label: str
    means: str
    of: str
    when: Condition


@dataclass(frozen=True, slots=True)
class WorklistEntry:
    """An item that may be a row: `recommendation:x`, `risk:y` or `urgent:z`.

    `verdicts`: those on which it stands (yes for a risk factor or finding that is there). `what` is empty where the item's own words are used.
    `changes`: what can change it. `cautions_of`: the recommendation whose cautions belong to a risk factor.
    `names`: words before the list of the recommendation's conditional orders that stand (such as missing tests); empty: no list.
    """

    item: str
    group: str
    verdicts: tuple[str, ...]
    when: Condition | None
    what: str
    review: str
    changes: str
    urgency: str
    cautions_of: str
    names: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Items that are no rows, and why."""

    items: tuple[str, ...]
    because: str


@dataclass(frozen=True, slots=True)
class WorklistKnowledge:
    """All of it, in the file's order."""

    groups: tuple[WorklistGroup, ...] = ()
    entries: tuple[WorklistEntry, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def group(self, name: str) -> WorklistGroup:
        """The group of that id."""
        return next(group for group in self.groups if group.id == name)

    def conditions(self) -> Iterator[Condition]:
        """Every condition."""
        yield from (group.when for group in self.groups)
        yield from (entry.when for entry in self.entries if entry.when)


NO_WORKLIST = WorklistKnowledge()
