"""FHIR R4 resources of one patient, as parsed JSON, into a `Record`.

Nothing is lost in silence: each resource becomes events, is read into another one, is counted as of a type or for a
reason that needs no attention, or is a listed problem. `ReadReport` holds the counts, and they add up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from calcipath.record.dates import is_after, newest, parse_when
from calcipath.record.fhir import conditions, documents, medications, observations, procedures
from calcipath.record.fhir.cleaning import clean_text
from calcipath.record.fhir.entry import Context, Entry, Json
from calcipath.record.fhir.raw import RawResource
from calcipath.record.fhir.release import R5_TYPES, why_not_r4
from calcipath.record.fhir.selection import select
from calcipath.record.fhir.subjects import RecordError, Subjects, TwoPatients, read_patient
from calcipath.record.model import DataProblem, Event, Patient, Record, When

__all__ = ["RawResource", "ReadReport", "RecordError", "TwoPatients", "read_record", "read_resources"]

Family = Callable[[Entry], list[Event]]
FAMILIES: Final[Mapping[str, Family]] = {
    "Condition": conditions.read_condition,
    "AllergyIntolerance": conditions.read_allergy,
    "Device": conditions.read_device,
    "Observation": observations.read_observation,
    "MedicationRequest": medications.read_request,
    "MedicationStatement": medications.read_statement,
    "MedicationAdministration": medications.read_administration,
    "MedicationDispense": medications.read_dispense,
    "Procedure": procedures.read_procedure,
    "ServiceRequest": procedures.read_order,
    "Encounter": procedures.read_encounter,
    "DiagnosticReport": documents.read_report,
    "DocumentReference": documents.read_document,
    "Composition": documents.read_composition,
    "ClinicalImpression": documents.read_impression,
}
FOLDED: Final = frozenset({"Medication", "Specimen"})  # read into the entries that refer to them
MOST_ALIKE: Final = 20  # problems of one kind and resource type that are listed one by one
OID_SYSTEMS: Final[Mapping[str, str]] = {
    "urn:oid:2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "urn:oid:2.16.840.1.113883.6.1": "http://loinc.org",
    "urn:oid:2.16.840.1.113883.6.88": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "urn:oid:2.16.840.1.113883.6.90": "http://hl7.org/fhir/sid/icd-10-cm",
    "urn:oid:2.16.840.1.113883.6.103": "http://hl7.org/fhir/sid/icd-9-cm",
    "urn:oid:2.16.840.1.113883.6.3": "http://hl7.org/fhir/sid/icd-10",
    "urn:oid:2.16.840.1.113883.6.12": "http://www.ama-assn.org/go/cpt",
    "urn:oid:2.16.840.1.113883.6.73": "http://www.whocc.no/atc",
    "urn:oid:2.16.840.1.113883.6.8": "http://unitsofmeasure.org",
}
NO_SYSTEMS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ReadReport:
    """The record, and what became of every resource: `total` is the sum of all the others.

    `read`: gave events, or is the patient. `folded`: read into others. `ignored`: of a type that the assessment has no
    use for. `dropped`: void by its own word (entered in error, not done, a duplicate). `refused`: listed among the
    record's problems and not used.
    """

    record: Record
    total: int
    read: Mapping[str, int]
    folded: Mapping[str, int]
    ignored: Mapping[str, int]
    dropped: Mapping[str, int]
    refused: Mapping[str, int]


def read_record(
    resources: Iterable[RawResource],
    *,
    as_of: str | None = None,
    complete: frozenset[str] = frozenset(),
    code_systems: Mapping[str, str] = NO_SYSTEMS,
) -> Record:
    """One patient's record. `as_of` is a FHIR date or instant: what lies after it is listed and not used.

    `complete` names what the source was asked for in full; `code_systems` maps a site's own code systems to canonical
    ones. Raises: RecordError for a bad `as_of`; TwoPatients when the resources are not all of one patient.
    """
    return read_resources(resources, as_of=as_of, complete=complete, code_systems=code_systems).record


def read_resources(
    resources: Iterable[RawResource],
    *,
    as_of: str | None = None,
    complete: frozenset[str] = frozenset(),
    code_systems: Mapping[str, str] = NO_SYSTEMS,
) -> ReadReport:
    """As `read_record`, with the account of what became of every resource."""
    return _Reading(as_of, code_systems).report(resources, complete)


class _Reading:
    """One run over the resources of a record."""

    def __init__(self, as_of: str | None, code_systems: Mapping[str, str]) -> None:
        self.limit = _limit(as_of)
        self.systems = {**OID_SYSTEMS, **code_systems}
        self.counts: dict[str, Counter[str]] = {
            fate: Counter() for fate in ("read", "folded", "ignored", "dropped", "refused")
        }
        self.events: list[Event] = []
        self.patient = Patient()

    def report(self, resources: Iterable[RawResource], complete: frozenset[str]) -> ReadReport:
        selection = select(resources)
        self.counts["dropped"].update(selection.dropped)
        self.counts["refused"].update(selection.refused)
        context = Context(self.systems, selection.index)
        context.problems.extend(selection.problems)
        patients = [(held.reference, held.resource, held.full_url) for held in selection.held if held.type == "Patient"]
        subjects = Subjects(selection.index, patients)
        for held in selection.held:
            self._take(Entry(context, held.resource, held.type, held.reference), subjects)
        if not patients:
            self.patient = Patient(subjects.reference)
            missing = "there is no Patient resource: age and sex are not known"
            context.problems.append(DataProblem(subjects.reference, "unresolved-reference", missing))
        events = tuple(self.events)
        problems = _fewer(context.problems)
        counts = {fate: dict(count) for fate, count in self.counts.items()}
        ends = _ends(events, self.limit)
        record = Record(self.patient, events, problems, ends, complete, counts["ignored"])
        return ReadReport(record, selection.total, **counts)

    def _take(self, entry: Entry, subjects: Subjects) -> None:
        """Read one resource and count what became of it."""
        before = len(entry.context.problems)
        family = FAMILIES.get(entry.type)
        if entry.type == "Patient":
            self.patient = read_patient(entry)
            self.counts["read"]["Patient"] += 1
        elif entry.type in FOLDED:
            self.counts["folded"][entry.type] += 1
        elif family is None and entry.type not in R5_TYPES:
            self.counts["ignored"][entry.type] += 1
        elif found := self._events(entry, family, subjects):
            self.events += found
            self.counts["read"][entry.type] += 1
        elif entry.dropped:
            del entry.context.problems[before:]
            self.counts["dropped"][entry.dropped] += 1
        else:
            self.counts["refused"][entry.type] += 1
            if len(entry.context.problems) == before:
                entry.refuse("holds nothing that can be read; not used")

    def _events(self, entry: Entry, family: Family | None, subjects: Subjects) -> list[Event]:
        hindrance = why_not_r4(entry.resource, entry.type)
        if hindrance or family is None:
            entry.refuse(hindrance or "is of a type that is not read")
            return []
        if not subjects.check(entry, "patient" if entry.type == "AllergyIntolerance" else "subject"):
            return []
        found = [*family(entry), *self._contained(entry)] if "contained" in entry.resource else family(entry)
        if entry.dropped:
            return []
        return self._not_later([event for event in found if _says_something(entry, event)], entry)

    def _contained(self, entry: Entry) -> list[Event]:
        """Observations that live inside a report or panel; they share its time and its reference."""
        found: list[Event] = []
        for item in documents.contained_results(entry.resource):
            shared: Json = {"contained": entry.resource["contained"]}
            if not any(key.startswith("effective") for key in item):
                shared |= {key: value for key, value in entry.resource.items() if key.startswith("effective")}
            inner = Entry(entry.context, {**item, **shared}, "Observation", entry.reference)
            found += observations.read_observation(inner)
        return found

    def _not_later(self, events: list[Event], entry: Entry) -> list[Event]:
        """Events of the time of the assessment; a later one is listed. A plan may lie ahead."""
        if self.limit is None:
            return events
        limit, kept = self.limit, []
        for event in events:
            dated = event.started or event.issued or event.ended
            if dated and is_after(dated, limit) and event.status != "planned":
                entry.problem("future-date", f"dated {dated.written}, after {limit.written}; not used")
            else:
                kept.append(event)
        return kept


def _limit(as_of: str | None) -> When | None:
    if as_of is None:
        return None
    found = parse_when(as_of)
    if found is None:
        raise RecordError(f"'{clean_text(as_of)[:40]}' is not a date or instant to assess for")
    return found


def _says_something(entry: Entry, event: Event) -> bool:
    """Whether an event has a code, a name or at least words; without code and name that is listed."""
    if event.name or event.codings:
        return True
    spoken = bool(event.texts or event.value_text)
    if event.kind not in ("encounter", "note"):
        entry.problem("unreadable", "has no code and no name; " + ("only its text was read" if spoken else "not used"))
    return spoken or event.kind == "encounter"


def _ends(events: Iterable[Event], limit: When | None) -> When | None:
    """The newest clinical date. The end of what still goes on is a plan, and so is all of what is planned."""
    times = (
        when
        for event in events
        if event.status != "planned"
        for when in (event.started, event.issued, None if event.status == "active" else event.ended)
        if when is not None and (limit is None or not is_after(when, limit))
    )
    return newest(times)


def _fewer(problems: list[DataProblem]) -> tuple[DataProblem, ...]:
    """Each problem once; of many alike, the first ones and how many more."""
    kept: list[DataProblem] = []
    alike: Counter[tuple[str, str]] = Counter()
    for problem in dict.fromkeys(problems):
        key = (problem.problem, problem.reference.partition("/")[0])
        alike[key] += 1
        if alike[key] <= MOST_ALIKE:
            kept.append(problem)
    for (word, resource_type), count in alike.items():
        if count > MOST_ALIKE:
            more = f"and {count - MOST_ALIKE} more of {resource_type} like these"
            kept.append(DataProblem(resource_type, word, more))
    return tuple(kept)
