"""One resource while it is being read: safe access to its fields, and the problems that are found on the way.

JSON from elsewhere may hold anything anywhere. A field of the wrong type is left out and listed; the rest of the
resource is used where that is safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from calcipath.record.dates import parse_when
from calcipath.record.fhir.cleaning import LONGEST_TEXT, clean_text
from calcipath.record.model import Coding, DataProblem, Status, When

if TYPE_CHECKING:
    from calcipath.record.fhir.references import Index

Json = dict[str, Any]
Concept = tuple[str, tuple[Coding, ...]]
NOTHING: Json = {}
NO_CONCEPT: Concept = ("", ())
_NO_OBJECTS: list[Json] = []


class Context:
    """What the resources of one record share: canonical code systems, the index of references, parsed dates."""

    __slots__ = ("codings", "dates", "index", "inpatient", "problems", "systems", "units")

    def __init__(self, systems: Mapping[str, str], index: Index) -> None:
        self.systems = systems
        self.index = index
        self.problems: list[DataProblem] = []
        self.dates: dict[str, When | None] = {}
        self.codings: dict[tuple[str, str, str], Coding] = {}
        self.inpatient: dict[str, bool | None] = {}
        self.units: dict[tuple[Any, Any, Any], tuple[str, str, str]] = {}


class Entry:
    """A resource with its `reference` (`Type/id`); `dropped` says why it was left out, if that is no problem."""

    __slots__ = ("context", "dropped", "reference", "resource", "type")

    def __init__(self, context: Context, resource: Json, resource_type: str, reference: str) -> None:
        self.context = context
        self.resource = resource
        self.type = resource_type
        self.reference = reference
        self.dropped = ""

    def problem(self, problem: str, handling: str) -> None:
        """List something that was not used as written."""
        self.context.problems.append(DataProblem(self.reference, problem, handling))

    def unreadable(self, field: str, expected: str) -> None:
        """List a field of the wrong JSON type."""
        self.problem("unreadable", f"{clean_text(field)[:60]} is not {expected}; this field was not read")

    def drop(self, reason: str) -> None:
        """Leave the resource out for a reason that is no problem; it is counted."""
        self.dropped = reason

    def text(self, holder: Json, field: str) -> str:
        """A string without control characters; empty when there is none."""
        value = holder.get(field)
        if value is None:
            return ""
        if type(value) is not str:
            self.unreadable(field, "text")
            return ""
        if len(value) > LONGEST_TEXT:
            self.problem("unreadable", f"{field} is longer than {LONGEST_TEXT} characters; cut there")
        return clean_text(value)

    def object(self, holder: Json, field: str) -> Json:
        """A JSON object; an empty one when there is none."""
        value = holder.get(field)
        if value is None:
            return NOTHING
        if type(value) is not dict:
            self.unreadable(field, "an object")
            return NOTHING
        return value

    def objects(self, holder: Json, field: str) -> list[Json]:
        """A list of JSON objects; one object where a list should be is read as a list of one."""
        value = holder.get(field)
        if value is None:
            return _NO_OBJECTS
        if type(value) is list:
            if all(type(item) is dict for item in value):
                return value
            self.unreadable(field, "a list of objects")
            return [item for item in value if type(item) is dict]
        if type(value) is dict:
            return [value]
        self.unreadable(field, "a list of objects")
        return _NO_OBJECTS

    def boolean(self, holder: Json, field: str) -> bool | None:
        """True or false; None when there is none."""
        value = holder.get(field)
        if value is None or type(value) is bool:
            return value
        self.unreadable(field, "true or false")
        return None

    def when(self, holder: Json, field: str) -> When | None:
        """A date, dateTime or instant; None when there is none, and listed when it is no real date."""
        written = holder.get(field)
        if written is None:
            return None
        if type(written) is not str:
            self.unreadable(field, "a date")
            return None
        dates = self.context.dates
        if written not in dates:
            dates[written] = parse_when(written)
        found = dates[written]
        if found is None:
            self.problem("unreadable", f"{field} '{clean_text(written)[:40]}' is not a date; read without it")
        return found

    def codings(self, concept: Json) -> tuple[Coding, ...]:
        """The codings of a CodeableConcept, with canonical code systems."""
        items = concept.get("coding")
        if items is None:
            return ()
        if type(items) is list and len(items) == 1 and type(items[0]) is dict:
            found = self.coding(items[0])
            return (found,) if found else ()
        return tuple(found for item in self.objects(concept, "coding") if (found := self.coding(item)))

    def coding(self, item: Json) -> Coding | None:
        """One Coding; None when it has neither code nor display."""
        system, code, display = item.get("system", ""), item.get("code", ""), item.get("display", "")
        known = self.context.codings
        if type(system) is str and type(code) is str and type(display) is str:
            found = known.get((system, code, display))
            if found is not None:
                return found
        else:
            system, code, display = (self.text(item, field) for field in ("system", "code", "display"))
        if not code and not display:
            return None
        if max(len(system), len(code), len(display)) > LONGEST_TEXT:
            self.problem("unreadable", f"a coding is longer than {LONGEST_TEXT} characters; cut there")
        canonical = clean_text(self.context.systems.get(system, system))
        made = Coding(canonical, clean_text(code), clean_text(display))
        known[(system, code, display)] = made
        return made

    def concept(self, holder: Json, field: str) -> Concept:
        """The best human name and the codings of a CodeableConcept."""
        value = holder.get(field)
        if value is None:
            return NO_CONCEPT
        if type(value) is not dict:
            self.unreadable(field, "a CodeableConcept")
            return NO_CONCEPT
        return self.as_concept(value)

    def as_concept(self, concept: Json) -> Concept:
        """Name and codings of a CodeableConcept that is at hand."""
        codings = self.codings(concept)
        return self.text(concept, "text") or name_of(codings), codings

    def concepts(self, holder: Json, field: str) -> Concept:
        """The names, joined, and all codings of a list of CodeableConcepts."""
        if holder.get(field) is None:
            return NO_CONCEPT
        found = [self.as_concept(item) for item in self.objects(holder, field)]
        if len(found) == 1:
            return found[0]
        return join_names(name for name, _ in found), tuple(coding for _, codings in found for coding in codings)

    def code(self, holder: Json, field: str) -> str:
        """The first code of a CodeableConcept or list of them, else its text; a bare string is read as the code."""
        value = holder.get(field)
        if value is None:
            return ""
        if type(value) is str:
            return clean_text(value)
        for concept in self.objects(holder, field):
            codings = self.codings(concept)
            if codings and codings[0].code:
                return codings[0].code
            text = self.text(concept, "text")
            if text:
                return text
        return ""

    def notes(self, field: str = "note") -> list[str]:
        """The texts of a list of Annotations."""
        if self.resource.get(field) is None:
            return []
        return [text for note in self.objects(self.resource, field) if (text := self.text(note, "text"))]

    def status(self, statuses: Mapping[str, Status], voids: Mapping[str, str], field: str = "status") -> Status | None:
        """The normalised status; None when the resource is void, or when that cannot be told."""
        value = self.resource.get(field)
        if value is None:
            return "unknown"
        if type(value) is not str:
            self.refuse(f"{field} is not a code, so whether the entry is void cannot be told; not used")
            return None
        written = value if value in statuses else clean_text(value).lower()
        if written in voids:
            self.drop(voids[written])
            return None
        if written not in statuses:
            self.problem("unreadable", f"{field} '{written[:40]}' is not one of FHIR R4; read as unknown")
            return "unknown"
        return statuses[written]

    def refuse(self, handling: str, problem: str = "unreadable") -> None:
        """List the whole resource as not used."""
        self.problem(problem, handling)


def name_of(codings: tuple[Coding, ...]) -> str:
    """The first display; else a code that is itself words, as in local systems of drug names."""
    for coding in codings:
        if coding.display:
            return coding.display
    wordy = max((coding.code for coding in codings), key=_letters, default="")
    return wordy if _letters(wordy) >= 4 else ""


def _letters(code: str) -> int:
    return sum(map(str.isalpha, code))


def join_names(names: Any) -> str:
    """Names in one line, each once."""
    return "; ".join(dict.fromkeys(name for name in names if name))
