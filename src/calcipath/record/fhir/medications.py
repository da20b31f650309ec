"""MedicationRequest, MedicationStatement, MedicationAdministration, MedicationDispense, and the Medication behind."""

from __future__ import annotations

from dataclasses import dataclass

from calcipath.record.fhir import statuses
from calcipath.record.fhir.common import encounter_start, inpatient, merged, reason
from calcipath.record.fhir.datatypes import read_period, read_quantity, read_times, read_timing_bounds
from calcipath.record.fhir.entry import NO_CONCEPT, NOTHING, Concept, Entry, Json, name_of
from calcipath.record.fhir.references import reference_strings
from calcipath.record.fhir.timing import per_week
from calcipath.record.model import Coding, Event, Quantity, Status, Verification, When

DEEPEST_MIX = 2  # ingredients of ingredients; real mixes have one level
MOST_INGREDIENTS = 200  # of one mix that are read


@dataclass(frozen=True, slots=True)
class Dosage:
    """What a dosage says: the first dose, route and frequency, and all of its words."""

    dose: Quantity | None = None
    route: str = ""
    per_week: float | None = None
    texts: tuple[str, ...] = ()
    started: When | None = None
    ended: When | None = None


NO_DOSAGE = Dosage()


def read_medication(entry: Entry) -> Concept:
    """Name and codings of the drug, through `medicationReference` and the ingredients of a mix."""
    resource = entry.resource
    if resource.get("medicationCodeableConcept") is not None:
        return entry.concept(resource, "medicationCodeableConcept")
    if resource.get("medicationReference") is None:
        return NO_CONCEPT
    reference = entry.object(resource, "medicationReference")
    for address in reference_strings(reference):
        found = entry.context.index.resolve(address, resource)
        if found is None:
            entry.problem("unresolved-reference", "its Medication is not in the record; read by the reference's name")
        else:
            return _drug(entry, found, [])
    return entry.text(reference, "display"), ()


def _drug(entry: Entry, medication: Json, above: list[Json]) -> Concept:
    """A Medication's own code and those of its ingredients; `above` are the mixes that it is part of."""
    code, codings = entry.concept(medication, "code")
    known = (*codings, *_identifiers(entry, medication))
    own: Concept = (code or name_of(known), known)
    if medication.get("ingredient") is None:
        return own
    if len(above) >= DEEPEST_MIX or any(medication is mix for mix in above):
        entry.problem("unresolved-reference", "a Medication is made of itself; read without its ingredients")
        return own
    ingredients = list(entry.objects(medication, "ingredient"))
    if len(ingredients) > MOST_INGREDIENTS:
        entry.problem("unreadable", f"a mix of more than {MOST_INGREDIENTS} ingredients; the first are read")
        ingredients = ingredients[:MOST_INGREDIENTS]
    parts = [_ingredient(entry, item, [*above, medication]) for item in ingredients]
    name, codings = merged(parts)
    return own[0] or name, (*own[1], *codings)


def _ingredient(entry: Entry, item: Json, above: list[Json]) -> Concept:
    if item.get("itemCodeableConcept") is not None:
        return entry.concept(item, "itemCodeableConcept")
    for address in reference_strings(item.get("itemReference")):
        found = entry.context.index.resolve(address, above[0])
        if found is not None:
            return _drug(entry, found, above)
        entry.problem("unresolved-reference", "an ingredient's Medication is not in the record; read without it")
    return NO_CONCEPT


def _identifiers(entry: Entry, medication: Json) -> tuple[Coding, ...]:
    """Business identifiers (national drug code, local name) as codings: some sites have no other code."""
    if medication.get("identifier") is None:
        return ()
    found = (
        entry.coding({"system": item.get("system"), "code": item.get("value")})
        for item in entry.objects(medication, "identifier")
    )
    return tuple(coding for coding in found if coding)


def read_dosage(entry: Entry, field: str) -> Dosage:
    """The dosages of a request, statement or dispense."""
    held = entry.objects(entry.resource, field)
    if not held:
        return NO_DOSAGE
    texts = [entry.text(item, part) for item in held for part in ("text", "patientInstruction")]
    first = held[0]
    timing = entry.object(first, "timing")
    started, ended = read_timing_bounds(entry, timing) if timing else (None, None)
    return Dosage(
        dose=_first_dose(entry, held),
        route=next((route for item in held if (route := entry.concept(item, "route")[0] or _code(entry, item))), ""),
        per_week=per_week(entry, timing) if timing and not _as_needed(first) else None,
        texts=tuple(text for text in texts if text),
        started=started,
        ended=ended,
    )


def _code(entry: Entry, item: Json) -> str:
    return entry.code(item, "route")


def _as_needed(dosage: Json) -> bool:
    return dosage.get("asNeededBoolean") is True or dosage.get("asNeededCodeableConcept") is not None


def _first_dose(entry: Entry, dosages: list[Json]) -> Quantity | None:
    for item in dosages:
        for rate in entry.objects(item, "doseAndRate"):
            dose = read_quantity(entry, rate, "doseQuantity")
            if dose:
                return dose
    return None


def read_request(entry: Entry) -> list[Event]:
    """A prescription. One that says "do not give" is no drug; a proposal or plan is planned.

    The end is that of the dosage; the validity of a prescription counts only once it is over, since a drug is often
    taken beyond it.
    """
    resource = entry.resource
    status = request_status(entry, statuses.MEDICATION_REQUEST)
    if status is None:
        return []
    dosage = read_dosage(entry, "dosageInstruction")
    started = entry.when(resource, "authoredOn")
    ended = dosage.ended
    if status == "completed" and ended is None and resource.get("dispenseRequest") is not None:
        valid_from, ended = read_period(entry, entry.object(resource, "dispenseRequest"), "validityPeriod")
        started = started or valid_from
    return [_event(entry, status, dosage, started or dosage.started, ended)]


def request_status(entry: Entry, known: statuses.Statuses) -> Status | None:
    """Status of a request with its intent and `doNotPerform`; None when it is void, forbidden or unclear."""
    forbidden = entry.resource.get("doNotPerform")
    if forbidden is True:
        entry.drop("do not perform")
        return None
    if forbidden not in (None, False) or type(forbidden) is int:
        entry.refuse("doNotPerform is not true or false, so whether this is forbidden cannot be told; not used")
        return None
    status = entry.status(known, statuses.IN_ERROR)
    if status is None:
        return None
    intent = entry.text(entry.resource, "intent")
    return "planned" if intent in statuses.INTENDED_ONLY and status in ("active", "unknown") else status


def read_statement(entry: Entry) -> list[Event]:
    """A drug that the patient is said to take; one that was never taken is refuted."""
    status = entry.status(statuses.MEDICATION_STATEMENT, statuses.IN_ERROR)
    if status is None:
        return []
    started, ended, _ = read_times(entry, "effective")
    asserted = entry.when(entry.resource, "dateAsserted")
    verification: Verification = "refuted" if entry.resource.get("status") == "not-taken" else "unstated"
    dosage = read_dosage(entry, "dosage")
    return [_event(entry, status, dosage, started, ended, issued=asserted, verification=verification, at="context")]


def read_administration(entry: Entry) -> list[Event]:
    """A drug that was given at a time."""
    status = entry.status(statuses.MEDICATION_ADMINISTRATION, statuses.ADMINISTRATION_VOIDS)
    if status is None:
        return []
    started, ended, _ = read_times(entry, "effective")
    held = entry.object(entry.resource, "dosage")
    words = entry.text(held, "text")
    route = entry.concept(held, "route")[0] or entry.code(held, "route")
    dosage = Dosage(read_quantity(entry, held, "dose"), route, None, (words,) if words else ())
    return [_event(entry, status, dosage, started, ended, at="context")]


def read_dispense(entry: Entry) -> list[Event]:
    """A drug that was handed over; without a date of its own, at the encounter."""
    status = entry.status(statuses.MEDICATION_DISPENSE, statuses.DISPENSE_VOIDS)
    if status is None:
        return []
    started = entry.when(entry.resource, "whenHandedOver") or entry.when(entry.resource, "whenPrepared")
    started = started or encounter_start(entry, "context")
    return [_event(entry, status, read_dosage(entry, "dosageInstruction"), started, None, at="context")]


def _event(
    entry: Entry,
    status: Status,
    dosage: Dosage,
    started: When | None,
    ended: When | None,
    *,
    issued: When | None = None,
    verification: Verification = "unstated",
    at: str = "encounter",
) -> Event:
    resource = entry.resource
    name, codings = read_medication(entry)
    notes = entry.notes() if resource.get("note", NOTHING) is not NOTHING else []
    return Event(
        kind="medication",
        reference=entry.reference,
        resource_type=entry.type,
        name=name,
        codings=codings,
        status=status,
        verification=verification,
        category=entry.code(resource, "category"),
        started=started,
        ended=ended,
        issued=issued,
        texts=(*dosage.texts, *notes),
        reason=reason(entry),
        dose=dosage.dose,
        route=dosage.route,
        frequency_per_week=dosage.per_week,
        inpatient=inpatient(entry, at),
    )
