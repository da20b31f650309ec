"""Raw FHIR JSON as it arrives, and tolerant access to its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from calcipath.record.dates import parse_when
from calcipath.record.model import Coding, Quantity, When

LONGEST_TEXT = 100_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class RawResource:
    """One resource as parsed JSON, its fullUrl in a bundle, and its place (line or JSON path) for messages."""

    resource: Any
    full_url: str = ""
    place: str = ""


class RecordError(ValueError):
    """The resources cannot be one patient's record; one clear sentence."""


def clean(text: str) -> str:
    """A text without control and direction-changing characters, cut at the longest that is read."""
    return _CONTROL.sub(" ", text[:LONGEST_TEXT]).strip()


_WORDY = re.compile(r"[A-Za-z]{4,}")


def _display(codings: tuple[Coding, ...]) -> str:
    """The first display; without one, a local code that is itself a word ("Warfarin")."""
    shown = next((c.display for c in codings if c.display), "")
    return shown or next((c.code for c in codings if _WORDY.search(c.code)), "")


@dataclass(slots=True)
class Fields:
    """The fields of one JSON object. What has the wrong type is noted in `bad` and read as absent."""

    data: Mapping[str, Any]
    bad: list[str] = field(default_factory=list)

    def _of(self, key: str, kinds: type | tuple[type, ...]) -> Any:
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            self.bad.append(key)
            return None
        return value

    def text(self, key: str) -> str:
        value = self._of(key, str)
        if value is not None and len(value) > LONGEST_TEXT:
            self.bad.append(f"{key} (over {LONGEST_TEXT} characters, cut)")
        return clean(value) if value else ""

    def flag(self, key: str) -> bool | None:
        value = self._of(key, bool)
        return value if isinstance(value, bool) else None

    def number(self, key: str) -> float | None:
        value = self._of(key, (int, float))
        if value is None:
            return None
        try:
            return float(value)
        except OverflowError:
            self.bad.append(key)
            return None

    def one(self, key: str) -> Fields | None:
        """An object; a list of objects where FHIR has one gives its first."""
        value = self.data.get(key)
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            self.bad.append(f"{key} (a list)")
            value = value[0]
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.bad.append(key)
            return None
        return Fields(value, self.bad)

    def many(self, key: str) -> Iterator[Fields]:
        value = self.data.get(key)
        if value is None:
            return
        if isinstance(value, Mapping):
            self.bad.append(f"{key} (not a list)")
            value = [value]
        if not isinstance(value, list):
            self.bad.append(key)
            return
        for item in value:
            if isinstance(item, Mapping):
                yield Fields(item, self.bad)
            else:
                self.bad.append(key)

    def when(self, key: str) -> When | None:
        written = self.text(key)
        if not written:
            return None
        found = parse_when(written)
        if found is None:
            self.bad.append(f"{key} ('{written[:30]}' is no date)")
        return found

    def period(self, key: str) -> tuple[When | None, When | None]:
        found = self.one(key)
        return (found.when("start"), found.when("end")) if found else (None, None)

    def quantity(self, key: str) -> Quantity | None:
        found = self.one(key)
        if found is None:
            return None
        value = found.number("value")
        if value is None:
            return None
        return Quantity(value, found.text("unit"), found.text("system"), found.text("code"), found.text("comparator"))

    def codings(self) -> tuple[Coding, ...]:
        return tuple(
            Coding(c.text("system"), c.text("code"), c.text("display"))
            for c in self.many("coding")
            if c.data.get("code") or c.data.get("display")
        )

    def concept(self, key: str) -> tuple[tuple[Coding, ...], str]:
        """A CodeableConcept: its codings and its name (text, else the first display)."""
        found = self.one(key)
        if found is None:
            return (), ""
        codings = found.codings()
        return codings, found.text("text") or _display(codings)

    def code_of(self, key: str) -> str:
        """The first code of a CodeableConcept (a status), or a plain code."""
        value = self.data.get(key)
        if isinstance(value, str):
            return clean(value)
        codings, _ = self.concept(key)
        return next((c.code for c in codings if c.code), "")

    def notes(self) -> tuple[str, ...]:
        return tuple(text for note in self.many("note") if (text := note.text("text")))
