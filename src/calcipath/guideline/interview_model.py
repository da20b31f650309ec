"""How facts are asked and what follow-up records: the content of `interview.yaml`, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calcipath.guideline.model import Mark, Source


@dataclass(frozen=True, slots=True)
class Asked:
    """How one fact is asked where the pattern of its kind is not enough; see the head of `interview.yaml`."""

    id: str
    question: str = ""
    stands_for: str = ""
    choices: tuple[str, ...] = ()
    yes_says: str = ""
    no_says: str = ""
    deniable: bool = True
    because: str = ""
    date: bool = False
    over_window: bool = False
    lasting: bool = False
    past: bool = False
    range: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """A question that a case without a record begins with: that of a fact, or a choice among concepts (and sites).

    `last_says`: what the last concept is called among the others; `denies`: the fact that "none" denies; `after`: the opening question that must not have been denied.
    """

    id: str
    fact: str = ""
    question: str = ""
    denies: str = ""
    none_says: str = ""
    last_says: str = ""
    lasting: bool = False
    concepts: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    after: str = ""


@dataclass(frozen=True, slots=True)
class WoundScoreItem:
    """One item of the wound score by name; `mark` says how far its source was seen."""

    id: str
    name: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class WoundScore:
    """BWAT-CUA: range of the total and of each item, and the items' names."""

    total: tuple[float, float]
    item: tuple[float, float]
    items: tuple[WoundScoreItem, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class StandardCode:
    """A concept's code of a standard code system; with `units`, for values in these units only."""

    concept: str
    system: str
    code: str
    units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InterviewKnowledge:
    """All of it. `names` are concepts as a person reads them."""

    asked: Mapping[str, Asked] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    opening: tuple[Opening, ...] = ()
    laboratory: tuple[str, ...] = ()
    wound_size: tuple[float, float] = (0.0, 100.0)  # cm
    wound_score: WoundScore | None = None
    standard: tuple[StandardCode, ...] = ()

    def name(self, concept: str) -> str:
        """A concept as a person reads it; its id in words where no name is given."""
        return self.names.get(concept) or concept.removeprefix("histology-").replace("-", " ")

    def of(self, fact: str) -> Asked:
        """How a fact is asked; plainly, where nothing is said."""
        return self.asked.get(fact) or Asked(fact)


NO_INTERVIEW = InterviewKnowledge()
