"""What several resource families share: body sites, reasons, specimens, the encounter, a name for what was meant."""

from __future__ import annotations

from calcipath.record.fhir.entry import NO_CONCEPT, Concept, Entry, Json, join_names
from calcipath.record.fhir.references import CONTAINED, reference_strings
from calcipath.record.model import When

INPATIENT_CLASSES = {"IMP", "ACUTE", "NONAC", "OBSENC", "SS"}
OUTPATIENT_CLASSES = {"AMB", "EMER", "FLD", "HH", "VR"}


def reason(entry: Entry, codes: str = "reasonCode", references: str = "reasonReference") -> str:
    """Why something was done or given: reason codes by name, then the conditions that are referred to."""
    resource = entry.resource
    names = []
    if resource.get(codes) is not None:
        names.append(entry.concepts(resource, codes)[0])
    if resource.get(references) is not None:
        names += [named_by(entry, reference)[0] for reference in entry.objects(resource, references)]
    return join_names(names) if names else ""


def named_by(entry: Entry, reference: Json) -> Concept:
    """Name and codings of the resource behind a Reference; without it, the reference's own display."""
    for address in reference_strings(reference):
        found = entry.context.index.resolve(address, entry.resource)
        if found is not None:
            name, codings = entry.concept(found, "code")
            if name or codings:
                return name, codings
    return (entry.text(reference, "display"), ()) if "display" in reference else NO_CONCEPT


def inpatient_class(encounter: Json) -> bool | None:
    """Whether an encounter's class means a bed in hospital (v3 ActEncounterCode); None when it does not say."""
    held = encounter.get("class")
    code = held.get("code") if type(held) is dict else None
    if type(code) is not str:
        return None
    if code in INPATIENT_CLASSES:
        return True
    return False if code in OUTPATIENT_CLASSES else None


def inpatient(entry: Entry, field: str = "encounter") -> bool | None:
    """Whether the encounter that an entry belongs to was in hospital."""
    held = entry.resource.get(field)
    address = held.get("reference") if type(held) is dict else None
    if type(address) is not str:
        return None
    known = entry.context.inpatient
    if address in known:
        return known[address]
    found = entry.context.index.resolve(address, entry.resource)
    place = inpatient_class(found) if found else None
    if not address.startswith(CONTAINED):
        known[address] = place
    return place


def encounter_start(entry: Entry, field: str = "encounter") -> When | None:
    """When the encounter began at which an entry was made: the date of an entry that has none of its own."""
    for address in reference_strings(entry.resource.get(field)):
        found = entry.context.index.resolve(address, entry.resource)
        if found is not None and found.get("resourceType") == "Encounter":
            return entry.when(entry.object(found, "period"), "start")
    return None


def specimens(entry: Entry) -> tuple[str, Concept]:
    """Names of the specimens with how they were taken, and the body sites that they are from."""
    names: list[str] = []
    sites: list[Concept] = []
    for address in reference_strings(entry.resource.get("specimen")):
        specimen = entry.context.index.resolve(address, entry.resource)
        if specimen is None:
            entry.problem("unresolved-reference", "its specimen is not in the record; read without it")
            continue
        collection = entry.object(specimen, "collection")
        method = entry.concept(collection, "method")[0]
        names.append(", ".join(part for part in (entry.concept(specimen, "type")[0], method) if part))
        sites.append(entry.concept(collection, "bodySite"))
    return join_names(names), merged(sites)


def merged(concepts: list[Concept]) -> Concept:
    """Several concepts as one: names joined, each coding once."""
    if len(concepts) == 1:
        return concepts[0]
    codings = tuple(dict.fromkeys(coding for _, found in concepts for coding in found))
    return join_names(name for name, _ in concepts), codings
