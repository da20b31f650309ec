"""A chunk of patients as lines of FHIR Bulk Data: NDJSON, one list of lines a resource type."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Sequence

import orjson

from calcipath.synthesis import fhir_forms as forms
from calcipath.synthesis.chunk import Chunk
from calcipath.synthesis.content import Content, Site
from calcipath.synthesis.dates import day_text, fhir_time, instant, updated
from calcipath.synthesis.entries import (
    ALLERGY,
    DIAGNOSIS,
    DRUG,
    EXAMINATION,
    LABORATORY,
    NOTE,
    PRESSURE,
    PROCEDURE,
    REPORT,
    VISIT,
)
from calcipath.synthesis.fhir_mistakes import mistaken_lines
from calcipath.synthesis.identifiers import Identity
from calcipath.synthesis.people import People

HOURS_OF = {PROCEDURE: 240, VISIT: 30}  # minutes that a session and a visit last
Lines = dict[str, list[str]]


class FhirFiles:
    """Writes chunks as FHIR files of one part; keeps the forms that it has made."""

    def __init__(self, content: Content, part: int) -> None:
        self.content = content
        self.part = part
        self._forms: dict[tuple[int, str, str, str], forms.Form] = {}

    def files(self, chunk: Chunk) -> dict[str, str]:
        """What a chunk adds to each file."""
        lines = self.lines(chunk)
        return {f"{kind}.{self.part:04d}.ndjson": "\n".join(held) + "\n" for kind, held in lines.items()}

    @staticmethod
    def shared(content: Content, as_of: int) -> dict[str, str]:
        """The files of what is not of one patient; none of it has a date."""
        del as_of
        return {f"{kind}.0000.ndjson": "\n".join(held) + "\n" for kind, held in shared_resources(content).items()}

    def lines(self, chunk: Chunk) -> Lines:
        """All lines of a chunk, each without its newline."""
        people, known, mistakes = chunk.people, chunk.known, chunk.mistakes
        found: Lines = defaultdict(list)
        found["Patient"] = self._patients(people, known)
        ids = [identity.of(0) for identity in known]
        sites, made = people.site.tolist(), self._forms
        for place, (entry, number) in enumerate(zip(chunk.entries, chunk.numbers, strict=True)):
            row, family, item, variant, day, minute, value, end = entry
            at = sites[row]
            key = (at, family, item, variant)
            form = made.get(key)
            if form is None:
                form = made[key] = self._form(self.content.sites[at], family, item, variant)
            site = self.content.sites[at]
            gaps = {
                "id": known[row].of(number),
                "patient": ids[row],
                "when": fhir_time(site, day, minute),
                "value": value,
            }
            if form.updates:
                gaps["updated"] = updated(day)
            if form.ends:
                gaps["end"] = day_text(end) if end else fhir_time(site, day, minute + HOURS_OF[family])
            if family == PRESSURE:
                gaps["value"], gaps["second"] = value.split()
            elif family == NOTE:
                gaps["value"] = base64.b64encode(value.encode()).decode()
                gaps["when"] = instant(site, day, minute)
            if place in mistakes:
                lines = mistaken_lines(form.text % gaps, mistakes[place].kind, self.content.swaps)
                found[form.type].extend(lines)
            else:
                found[form.type].append(form.text % gaps)
        return found

    def _form(self, site: Site, family: str, item: str, variant: str) -> forms.Form:
        content = self.content
        if family == LABORATORY:
            return forms.laboratory_form(content, site, item, variant)
        if family == DIAGNOSIS:
            return forms.diagnosis_form(content, site, item, variant)
        if family == DRUG:
            return forms.drug_form(content, site, item, variant)
        if family == PROCEDURE:
            return forms.procedure_form(content, site, item, variant)
        if family == EXAMINATION:
            return forms.examination_form(content, site, item)
        if family == ALLERGY:
            return forms.allergy_form(content, site, item)
        if family == REPORT:
            return forms.report_form(content, site, variant)
        return {
            PRESSURE: forms.pressure_form(site),
            VISIT: forms.visit_form(site, variant),
            NOTE: forms.note_form(site),
        }[family]

    def _patients(self, people: People, known: Sequence[Identity]) -> list[str]:
        lines = []
        columns = (people.number, people.site, people.female, people.born, people.end, people.died)
        for identity, *values in zip(known, *(column.tolist() for column in columns), strict=True):
            number, place, female, born, end, died = values
            resource = {
                "resourceType": "Patient",
                "id": identity.of(0),
                "identifier": [{"system": "https://example.org/mrn", "value": f"S{number:08d}"}],
                "name": [{"use": "official", "family": "Synthetic", "given": [f"P{number:08d}"]}],
                "gender": "female" if female else "male",
                "birthDate": day_text(born)[:4] if number % 50 == 7 else day_text(born),
                "managingOrganization": {"reference": f"Organization/{self.content.sites[place].id}"},
            }
            if died:
                resource["deceasedDateTime"] = day_text(end)
            lines.append(orjson.dumps(resource).decode())
        return lines


def shared_resources(content: Content) -> Lines:
    """What is not of one patient: organisations, locations, and the drugs that orders refer to."""
    organisations = [
        {"resourceType": "Organization", "id": site.id, "active": True, "name": site.name} for site in content.sites
    ]
    locations = [
        {
            "resourceType": "Location",
            "id": f"{site.id}-ward",
            "name": f"{site.name}, ward",
            "managingOrganization": {"reference": f"Organization/{site.id}"},
        }
        for site in content.sites
    ]
    referring = next(site for site in content.sites if site.drugs == "reference")
    drugs = [
        {"resourceType": "Medication", "id": f"med-{term.id}", "code": forms.drug_concept("name", referring, term)}
        for term in content.drugs.values()
    ]
    held: dict[str, list[forms.Json]] = {"Organization": organisations, "Location": locations, "Medication": drugs}
    return {kind: [orjson.dumps(each).decode() for each in found] for kind, found in held.items()}
