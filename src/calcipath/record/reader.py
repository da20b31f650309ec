"""FHIR R4 resources of one patient -> the flat record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from calcipath.record.dates import is_after, newest, parse_when
from calcipath.record.flatten import Flattener
from calcipath.record.model import Coding, DataProblem, Event, Patient, Record, When
from calcipath.record.raw import Fields, RawResource, RecordError, clean
from calcipath.record.references import ReferenceIndex

_SUPPORT = ("Patient", "Medication", "Specimen")


@dataclass(slots=True)
class _Chosen:
    raw: RawResource
    updated: str


def read_record(
    resources: Iterable[RawResource],
    *,
    as_of: str | None = None,
    complete: frozenset[str] = frozenset(),
    code_systems: Mapping[str, str] | None = None,
) -> Record:
    """Read the resources of one patient.

    `as_of`: entries after it are not used. `complete`: what the source was asked for in full. `code_systems`: a
    site's own system URIs and the standard ones that they stand for.
    Raises `RecordError` when two patients are mixed or `as_of` is no date. Whatever else is wrong is a listed problem.
    """
    limit = parse_when(as_of) if as_of else None
    if as_of and limit is None:
        raise RecordError(f"'{as_of}' is not a date such as 2026-01-15")
    return _Reading(list(resources), limit, complete, dict(code_systems or {})).record()


class _Reading:
    def __init__(
        self, resources: list[RawResource], limit: When | None, complete: frozenset[str], systems: dict[str, str]
    ) -> None:
        self._limit, self._complete, self._systems = limit, complete, systems
        self._problems: list[DataProblem] = []
        self._counted: dict[str, int] = {}
        self._kept = self._usable(resources)
        self._flattener = Flattener(ReferenceIndex(self._kept))

    def record(self) -> Record:
        patient = self._patient()
        events: list[Event] = []
        for number, raw in enumerate(self._kept):
            kind = str(raw.resource["resourceType"])
            if kind in self._flattener.kinds:
                events.extend(self._flattener.flatten(raw.resource, _reference(raw, number)))
            elif kind == "MedicationUsage":
                self._problem(_reference(raw, number), "looks like FHIR R5 (MedicationUsage); not read, FHIR R4 is expected")
            elif kind not in _SUPPORT:
                self._counted[kind] = self._counted.get(kind, 0) + 1
        events = [self._canonical(e) for e in events]
        events = [e for e in events if not self._in_future(e)]
        self._problems.extend(self._flattener.problems)
        ends = newest(t for e in events if e.status != "planned" for t in _clinical_times(e))
        return Record(patient, tuple(events), tuple(self._problems), ends, self._complete)

    def _problem(self, reference: str, handling: str, problem: str = "unreadable") -> None:
        self._problems.append(DataProblem(reference, problem, handling))

    def _usable(self, resources: list[RawResource]) -> list[RawResource]:
        """Resources that can be read at all; of several versions the newest."""
        chosen: dict[Any, _Chosen] = {}
        for number, raw in enumerate(resources):
            resource = raw.resource
            place = raw.place or f"resource {number + 1}"
            if not isinstance(resource, Mapping):
                self._problem(place, "is not a JSON object; not read")
                continue
            kind, name = resource.get("resourceType"), resource.get("id")
            if not isinstance(kind, str) or not kind:
                self._problem(place, "has no resourceType; not read")
                continue
            key = (kind, name) if isinstance(name, str) else (number,)
            meta = resource.get("meta")
            updated = str(meta.get("lastUpdated", "")) if isinstance(meta, Mapping) else ""
            known = chosen.get(key)
            if known is None:
                chosen[key] = _Chosen(raw, updated)
            elif known.raw.resource != resource:
                self._problem(f"{kind}/{name}", "appears more than once with different content; the newest is used")
                if updated >= known.updated:
                    chosen[key] = _Chosen(raw, updated)
        return [c.raw for c in chosen.values()]

    def _patient(self) -> Patient:
        patients = [r for r in self._kept if r.resource["resourceType"] == "Patient"]
        names = {str(r.resource.get("id")) for r in patients}
        if len(names) > 1:
            raise RecordError(
                f"the record holds {len(names)} patients; give one patient's resources, or choose one with --patient"
            )
        subjects = {s for r in self._kept if (s := _subject(r.resource))}
        if not patients:
            if len(subjects) > 1:
                raise RecordError(f"the resources belong to {len(subjects)} different patients; give one patient's record")
            self._problem("Patient", "the record holds no Patient resource: age and sex are unknown")
            return Patient(reference=next(iter(subjects), ""))
        self._require_one_subject(patients[0], subjects)
        return self._demographics(patients[0])

    def _require_one_subject(self, patient: RawResource, subjects: set[str]) -> None:
        name = patient.resource.get("id")
        own = {f"Patient/{name}", f"urn:uuid:{name}", patient.full_url, ""}
        strangers = {s for s in subjects if s not in own and not s.endswith(f"/Patient/{name}") and not s.startswith("#")}
        if strangers:
            raise RecordError(
                "some resources belong to another patient than the Patient in the record; give one patient's record"
            )

    def _demographics(self, raw: RawResource) -> Patient:
        fields = Fields(raw.resource)
        reference = _reference(raw, 0)
        died, _ = fields.when("deceasedDateTime"), None
        patient = Patient(reference, fields.text("gender"), fields.when("birthDate"), died)
        if fields.bad:
            self._problem(reference, f"these fields were not used: {', '.join(dict.fromkeys(fields.bad))}")
        return patient

    def _canonical(self, event: Event) -> Event:
        if not self._systems:
            return event
        return replace(
            event,
            codings=tuple(self._mapped(c) for c in event.codings),
            value_codings=tuple(self._mapped(c) for c in event.value_codings),
            sites=tuple(self._mapped(c) for c in event.sites),
            quantity=event.quantity and replace(
                event.quantity, system=self._systems.get(event.quantity.system, event.quantity.system)
            ),
        )

    def _mapped(self, coding: Coding) -> Coding:
        system = self._systems.get(coding.system)
        return replace(coding, system=system) if system else coding

    def _in_future(self, event: Event) -> bool:
        if self._limit is None or event.started is None or not is_after(event.started, self._limit):
            return False
        if event.status != "planned":
            handling = f"dated {event.started.written}, after the instant of the assessment; not used"
            self._problem(event.reference, handling, "future-date")
        return True


def _clinical_times(event: Event) -> list[When]:
    return [t for t in (event.started, event.ended) if t is not None]


def _reference(raw: RawResource, number: int) -> str:
    resource = raw.resource
    name = resource.get("id")
    if isinstance(name, str) and name:
        return f"{clean(str(resource['resourceType']))[:64]}/{clean(name)[:128]}"
    return raw.full_url or raw.place or f"{resource['resourceType']} without id, number {number + 1}"


def _subject(resource: Mapping[str, Any]) -> str:
    for key in ("subject", "patient"):
        found = resource.get(key)
        if isinstance(found, Mapping) and isinstance(found.get("reference"), str):
            reference: str = found["reference"]
            if resource["resourceType"] not in ("Location", "Organization", "Group") and not reference.startswith("Group/"):
                return reference
    return ""
