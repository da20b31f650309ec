"""FHIR R4 resources as texts with gaps: one for each site, kind of entry and status, made once and filled many times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from calcipath.synthesis.content import Code, Content, Site, Term, Writing

SYSTEMS: Final = {
    "snomed": "http://snomed.info/sct",
    "icd": "http://hl7.org/fhir/sid/icd-10-cm",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "atc": "http://www.whocc.no/atc",
}
LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
HL7: Final = "http://terminology.hl7.org/CodeSystem/"
ID, PATIENT, WHEN, END, UPDATED, VALUE, SECOND = (
    f"@@{gap}@@" for gap in ("id", "patient", "when", "end", "updated", "value", "second")
)
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """A resource with gaps, and which of the costlier gaps it has."""

    type: str
    text: str
    ends: bool
    updates: bool


def form_of(resource: Json, site: Site) -> Form:
    """The text of a resource in which the marks have become gaps for `%`."""
    if site.meta:
        resource = {"resourceType": resource["resourceType"], "id": ID, "meta": {"lastUpdated": UPDATED}, **resource}
    text = orjson.dumps(resource).decode().replace("%", "%%")
    for mark in (VALUE, SECOND):
        text = text.replace(f'"{mark}#"', f"%({mark.strip('@')})s")  # a number stands without its quotes
    for mark in (ID, PATIENT, WHEN, END, UPDATED, VALUE):
        text = text.replace(mark, f"%({mark.strip('@')})s")
    return Form(resource["resourceType"], text, END in orjson.dumps(resource).decode(), site.meta)


def _resource(kind: str, subject: str = "subject") -> Json:
    return {"resourceType": kind, "id": ID, subject: {"reference": f"Patient/{PATIENT}"}}


def _coding(system: str, code: Code) -> Json:
    return {"system": system, "code": code[0], "display": code[1]}


def _coded(name: str, code: str) -> Json:
    return {"coding": [{"system": f"{HL7}{name}", "code": code}]}


def local_system(site: Site, name: str) -> str:
    """The site's own code system."""
    return f"https://{site.id}.example.org/codes/{name}"


def concept(site: Site, term: Term) -> Json:
    """A diagnosis or procedure as the site codes it."""
    way = site.diagnoses if "icd" in term.codes else ("name" if site.diagnoses == "name" else "snomed")
    codings = [_coding(SYSTEMS[system], code) for system, code in codes_of(way, term)]
    if not codings:
        codings = [_coding(local_system(site, "problems"), (local_code(term.id), term.name))]
    return {"coding": codings, "text": term.name}


def codes_of(way: str, term: Term) -> list[tuple[str, Code]]:
    """The codes that a way of coding uses; none where a site has only its own."""
    if way == "icd-no-dot":
        code, display = term.codes["icd"]
        return [("icd", (code.replace(".", ""), display))]
    return [(system, term.codes[system]) for system in ("icd", "snomed") if system in way.split("-")]


def local_code(item: str) -> str:
    """A code of a site's own: letters and digits that say little."""
    return "".join(part[:3] for part in item.split("-")).upper()


def diagnosis_form(content: Content, site: Site, item: str, variant: str) -> Form:
    """A Condition."""
    made = _resource("Condition")
    clinical = {"resolved": "resolved", "refuted": "", "entered-in-error": ""}.get(variant, "active")
    verification = {"active": "", "resolved": "", "refuted": "refuted"}.get(variant, variant)
    if clinical:
        made["clinicalStatus"] = _coded("condition-clinical", clinical)
    if verification or site.units == "us":
        made["verificationStatus"] = _coded("condition-ver-status", verification or "confirmed")
    category = "encounter-diagnosis" if clinical == "resolved" else "problem-list-item"
    made["category"] = [_coded("condition-category", category)]
    term = content.diagnoses[item]
    made["code"] = concept(site, term)
    if term.site:
        made["bodySite"] = [{"coding": [_coding(SYSTEMS["snomed"], term.site)]}]
    made["onsetDateTime"] = WHEN
    if variant == "resolved":
        made["abatementDateTime"] = END
    return form_of(made, site)


def drug_form(content: Content, site: Site, item: str, variant: str) -> Form:
    """A MedicationRequest."""
    term = content.drugs[item]
    made = _resource("MedicationRequest")
    made |= {"status": variant, "intent": "order"}
    if site.drugs == "reference":
        made["medicationReference"] = {"reference": f"Medication/med-{item}"}
    else:
        made["medicationCodeableConcept"] = drug_concept(site.drugs, site, term)
    made |= {"authoredOn": WHEN, "dosageInstruction": [{"text": term.text}]}
    return form_of(made, site)


def drug_concept(way: str, site: Site, term: Term) -> Json:
    """A drug as the site codes it."""
    if way in term.codes:
        return {"coding": [_coding(SYSTEMS[way], term.codes[way])], "text": term.name}
    return {"coding": [_coding(local_system(site, "drugs"), (local_code(term.id), term.name))], "text": term.name}


def procedure_form(content: Content, site: Site, item: str, variant: str) -> Form:
    """A Procedure; a session has its beginning and end."""
    made = _resource("Procedure")
    made["status"] = {"planned": "preparation", "session": "completed"}.get(variant, variant)
    made["code"] = concept(site, content.procedures[item])
    if variant == "session":
        made["performedPeriod"] = {"start": WHEN, "end": END}
    elif variant == "in-progress":
        made["performedPeriod"] = {"start": WHEN}
    else:
        made["performedDateTime"] = WHEN
    return form_of(made, site)


def laboratory_form(content: Content, site: Site, item: str, variant: str) -> Form:
    """An Observation with a number."""
    analyte = content.analytes[item]
    writing = analyte.writing(site)
    made = _resource("Observation")
    made["status"] = "entered-in-error" if variant == "X" else "final"
    made["category"] = [_coded("observation-category", "vital-signs" if analyte.vital else "laboratory")]
    made["code"] = _laboratory_concept(site, item, analyte.name, writing.loinc)
    made["effectiveDateTime"] = WHEN
    made["valueQuantity"] = _quantity(site, writing, "<" if variant == "<" else "")
    if variant in ("L", "N", "H") and site.flags:
        made["interpretation"] = [_coded("v3-ObservationInterpretation", variant)]
    if writing.low is not None and writing.high is not None:
        made["referenceRange"] = [_range(site, writing)]
    return form_of(made, site)


def _laboratory_concept(site: Site, item: str, name: str, loinc: Code) -> Json:
    codings = [] if site.laboratory == "local" else [_coding(LOINC, loinc)]
    if site.laboratory != "loinc":
        codings.append(_coding(local_system(site, "laboratory"), (local_code(item), name)))
    return {"coding": codings, "text": name}


def _quantity(site: Site, writing: Writing, comparator: str) -> Json:
    held: Json = {"value": f"{VALUE}#"}
    if comparator:
        held["comparator"] = comparator
    if site.unit_style == "human":
        return {**held, "unit": writing.human}
    return {**held, "unit": writing.unit, "system": UCUM, "code": writing.unit}


def _range(site: Site, writing: Writing) -> Json:
    unit = writing.human if site.unit_style == "human" else writing.unit
    return {"low": {"value": writing.low, "unit": unit}, "high": {"value": writing.high, "unit": unit}}


def pressure_form(site: Site) -> Form:
    """An Observation with two components."""
    unit: Json = {"unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}
    parts = (("8480-6", "Systolic blood pressure", VALUE), ("8462-4", "Diastolic blood pressure", SECOND))
    made = _resource("Observation")
    made |= {
        "status": "final",
        "category": [_coded("observation-category", "vital-signs")],
        "code": {"coding": [_coding(LOINC, ("85354-9", "Blood pressure panel with all children optional"))]},
        "effectiveDateTime": WHEN,
        "component": [
            {"code": {"coding": [_coding(LOINC, (code, name))]}, "valueQuantity": {"value": f"{value}#", **unit}}
            for code, name, value in parts
        ],
    }
    return form_of(made, site)


def examination_form(content: Content, site: Site, item: str) -> Form:
    """An Observation with words and a site of the body."""
    lesion = content.lesions[item]
    made = _resource("Observation")
    made |= {
        "status": "final",
        "category": [_coded("observation-category", "exam")],
        "code": {"text": "Skin examination"},
        "effectiveDateTime": WHEN,
        "valueString": lesion.text,
    }
    if lesion.site:
        made["bodySite"] = {"coding": [_coding(SYSTEMS["snomed"], lesion.site)]}
    return form_of(made, site)


def visit_form(site: Site, variant: str) -> Form:
    """An Encounter."""
    made = _resource("Encounter")
    made |= {
        "status": "finished",
        "class": {"system": f"{HL7}v3-ActCode", "code": variant},
        "period": {"start": WHEN, "end": END},
        "location": [{"location": {"reference": f"Location/{site.id}-ward"}}],
        "serviceProvider": {"reference": f"Organization/{site.id}"},
    }
    return form_of(made, site)


def allergy_form(content: Content, site: Site, item: str) -> Form:
    """An AllergyIntolerance."""
    term = content.allergies[item]
    made = _resource("AllergyIntolerance", "patient")
    made |= {
        "clinicalStatus": _coded("allergyintolerance-clinical", "active"),
        "verificationStatus": _coded("allergyintolerance-verification", "confirmed"),
        "code": {"coding": [_coding(SYSTEMS["snomed"], term.codes["snomed"])], "text": term.name},
        "recordedDate": WHEN,
    }
    return form_of(made, site)


def report_form(content: Content, site: Site, variant: str) -> Form:
    """A DiagnosticReport of a skin biopsy."""
    made = _resource("DiagnosticReport")
    made |= {
        "status": "final",
        "category": [_coded("v2-0074", "PAT")],
        "code": {"text": "Skin biopsy pathology report"},
        "effectiveDateTime": WHEN,
        "conclusion": content.notes["reports"][variant],
    }
    return form_of(made, site)


def note_form(site: Site) -> Form:
    """A DocumentReference that holds its text."""
    made = _resource("DocumentReference")
    made |= {
        "status": "current",
        "type": {"coding": [_coding(LOINC, ("11506-3", "Progress note"))], "text": "Clinic note"},
        "date": f"{WHEN}",
        "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "data": VALUE}}],
    }
    return form_of(made, site)
