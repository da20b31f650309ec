"""What a statement about the patient rests on, and the value of a fact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from calcipath.record.model import Assertion, Event, When

Interval = tuple[float, float]
Value = bool | str | Interval | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One entry of the record (or a value computed from entries) behind a statement.

    `reference` is `Type/id` in the record; empty for what was computed. `fact` is the measured fact whose value it
    gives; `recorded` its number and unit as the entry has them, where they were converted.
    """

    what: str
    reference: str = ""
    value: float | str | None = None
    unit: str = ""
    date: str = ""
    quote: str = ""
    assertion: Assertion = "stated"
    route: str = ""  # how the entry was recognised: code, name or text; empty for a value
    fact: str = field(default="", compare=False)
    recorded: tuple[float, str] | None = field(default=None, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """The contract's evidence item; empty members are left out."""
        item: dict[str, Any] = {"reference": self.reference} if self.reference else {}
        item["what"] = self.what
        rest = {"value": self.value, "unit": self.unit, "date": self.date, "quote": self.quote}
        item.update({key: value for key, value in rest.items() if value not in (None, "")})
        item["assertion"] = self.assertion
        if self.route:
            item["route"] = self.route
        if self.fact:
            item["fact"] = self.fact
        if self.recorded:
            item["recorded"] = {"value": self.recorded[0], "unit": self.recorded[1]}
        return item


@dataclass(frozen=True, slots=True)
class FactValue:
    """A fact in this patient: its value (None: unknown), the evidence, and its place in the reference range.

    `other` is evidence that was seen and does not decide (historical, uncertain, stale). `assumed` says why silence
    was read as an answer; it is empty where the record speaks.
    """

    value: Value = None
    because: tuple[Evidence, ...] = ()
    position: str = ""  # below, within, above, or unknown
    other: tuple[Evidence, ...] = ()
    assumed: str = ""
    stale: str = ""  # the date of a value that is too old to speak for today


def event_date(event: Event) -> str:
    """The date to show for an event, as written in the record."""
    when = event.started or event.ended or event.issued
    return when.written if when else ""


def instant(event: Event) -> float:
    """The latest instant at which the event may have happened or still held; -inf without a date."""
    known = [w.latest for w in (event.started, event.ended) if w]
    return max(known) if known else (event.issued.latest if event.issued else float("-inf"))


def spoken_at(event: Event) -> tuple[float, float]:
    """For "which entry is newest": clinical instant, then the later issued."""
    clinical: When | None = event.ended or event.started
    first = clinical.latest if clinical else float("-inf")
    return first, (event.issued.latest if event.issued else first)
