"""Rows of OMOP CDM 5.4 tables as texts with gaps: one for each site, kind of entry and status."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any, Final

from calcipath.synthesis import fhir_forms
from calcipath.synthesis.content import Content, Site, Term, Writing
from calcipath.synthesis.omop_concepts import BELOW, PRESCRIPTION, RECORD, VOCABULARIES, Concepts

TABLES: Final[dict[str, tuple[str, ...]]] = {
    "condition_occurrence": (
        "condition_occurrence_id", "person_id", "condition_concept_id", "condition_start_date",
        "condition_start_datetime", "condition_end_date", "condition_end_datetime", "condition_type_concept_id",
        "condition_status_concept_id", "stop_reason", "provider_id", "visit_occurrence_id", "visit_detail_id",
        "condition_source_value", "condition_source_concept_id", "condition_status_source_value",
    ),
    "drug_exposure": (
        "drug_exposure_id", "person_id", "drug_concept_id", "drug_exposure_start_date",
        "drug_exposure_start_datetime", "drug_exposure_end_date", "drug_exposure_end_datetime", "verbatim_end_date",
        "drug_type_concept_id", "stop_reason", "refills", "quantity", "days_supply", "sig", "route_concept_id",
        "lot_number", "provider_id", "visit_occurrence_id", "visit_detail_id", "drug_source_value",
        "drug_source_concept_id", "route_source_value", "dose_unit_source_value",
    ),
    "measurement": (
        "measurement_id", "person_id", "measurement_concept_id", "measurement_date", "measurement_datetime",
        "measurement_time", "measurement_type_concept_id", "operator_concept_id", "value_as_number",
        "value_as_concept_id", "unit_concept_id", "range_low", "range_high", "provider_id", "visit_occurrence_id",
        "visit_detail_id", "measurement_source_value", "measurement_source_concept_id", "unit_source_value",
        "unit_source_concept_id", "value_source_value", "measurement_event_id", "meas_event_field_concept_id",
    ),
    "procedure_occurrence": (
        "procedure_occurrence_id", "person_id", "procedure_concept_id", "procedure_date", "procedure_datetime",
        "procedure_end_date", "procedure_end_datetime", "procedure_type_concept_id", "modifier_concept_id",
        "quantity", "provider_id", "visit_occurrence_id", "visit_detail_id", "procedure_source_value",
        "procedure_source_concept_id", "modifier_source_value",
    ),
    "observation": (
        "observation_id", "person_id", "observation_concept_id", "observation_date", "observation_datetime",
        "observation_type_concept_id", "value_as_number", "value_as_string", "value_as_concept_id",
        "qualifier_concept_id", "unit_concept_id", "provider_id", "visit_occurrence_id", "visit_detail_id",
        "observation_source_value", "observation_source_concept_id", "unit_source_value", "qualifier_source_value",
        "value_source_value", "observation_event_id", "obs_event_field_concept_id",
    ),
    "visit_occurrence": (
        "visit_occurrence_id", "person_id", "visit_concept_id", "visit_start_date", "visit_start_datetime",
        "visit_end_date", "visit_end_datetime", "visit_type_concept_id", "provider_id", "care_site_id",
        "visit_source_value", "visit_source_concept_id", "admitted_from_concept_id", "admitted_from_source_value",
        "discharged_to_concept_id", "discharged_to_source_value", "preceding_visit_occurrence_id",
    ),
    "note": (
        "note_id", "person_id", "note_date", "note_datetime", "note_type_concept_id", "note_class_concept_id",
        "note_title", "note_text", "encoding_concept_id", "language_concept_id", "provider_id",
        "visit_occurrence_id", "visit_detail_id", "note_source_value", "note_event_id",
        "note_event_field_concept_id",
    ),
}  # fmt: skip
ID, PERSON, DAY, INSTANT, END, END_INSTANT, VALUE, TEXT = (
    f"@@{gap}@@" for gap in ("id", "person", "day", "instant", "end", "end_instant", "value", "text")
)
Cells = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A row with gaps, of one table."""

    table: str
    text: str


class OmopForms:
    """Makes the rows of one site's entries."""

    def __init__(self, content: Content, concepts: Concepts) -> None:
        self.content = content
        self.concepts = concepts
        self.record = concepts.number(*RECORD)
        self.prescription = concepts.number(*PRESCRIPTION)

    def diagnosis(self, site: Site, item: str, variant: str) -> Row:
        """A condition; it has an end where it is resolved."""
        term = self.content.diagnoses[item]
        ended = {"condition_end_date": END, "condition_end_datetime": END_INSTANT} if variant == "resolved" else {}
        return self._row("condition_occurrence", "condition", DAY, {
            "condition_concept_id": self._standard(site.diagnoses, term, "snomed"),
            **ended,
            "condition_type_concept_id": self.record,
            "condition_status_concept_id": 0,
            **self._source("condition", site.diagnoses, term),
            "condition_status_source_value": variant,
        }, begins="start_")  # fmt: skip

    def drug(self, site: Site, item: str, variant: str) -> Row:
        """A prescription: a current one reaches beyond the date of the export; of others it is said why they ended."""
        term = self.content.drugs[item]
        way = "rxnorm" if site.drugs == "reference" else site.drugs
        return self._row("drug_exposure", "drug_exposure", DAY, {
            "drug_concept_id": 0 if site.drugs == "name" else self.concepts.number("RxNorm", term.codes["rxnorm"][0]),
            "drug_exposure_end_date": END,
            "drug_exposure_end_datetime": END_INSTANT,
            "drug_type_concept_id": self.prescription,
            "stop_reason": {"stopped": "stopped", "completed": "regimen completed"}.get(variant, ""),
            "sig": term.text,
            "route_concept_id": 0,
            **self._source("drug", way, term),
        }, begins="start_")  # fmt: skip

    def procedure(self, site: Site, item: str, variant: str) -> Row:
        """A procedure; a session has its end."""
        term = self.content.procedures[item]
        ended = {"procedure_end_date": DAY, "procedure_end_datetime": END_INSTANT} if variant == "session" else {}
        way = "name" if site.diagnoses == "name" else "snomed"
        return self._row("procedure_occurrence", "procedure", DAY, {
            "procedure_concept_id": self._standard(way, term, "snomed"),
            **ended,
            "procedure_type_concept_id": self.record,
            "modifier_concept_id": 0,
            "quantity": 1,
            **self._source("procedure", way, term),
        })  # fmt: skip

    def laboratory(self, site: Site, item: str, variant: str) -> Row:
        """A measurement with its unit and range."""
        analyte = self.content.analytes[item]
        writing = analyte.writing(site)
        local = site.laboratory == "local"
        number = 0 if local else self.concepts.number("LOINC", writing.loinc[0])
        below = "<" if variant == "<" else ""
        return self._measurement(number, fhir_forms.local_code(item) if local else writing.loinc[0], VALUE, {
            "operator_concept_id": self.concepts.number(*BELOW) if below else 0,
            **self._unit(site, writing),
            "range_low": "" if writing.low is None else writing.low,
            "range_high": "" if writing.high is None else writing.high,
            "value_source_value": f"{below}{VALUE}",
        })  # fmt: skip

    def _unit(self, site: Site, writing: Writing) -> Cells:
        number = self.concepts.number("UCUM", writing.unit)
        written = writing.human if site.unit_style == "human" else writing.unit
        return {"unit_concept_id": number, "unit_source_value": written, "unit_source_concept_id": 0}

    def pressure(self, code: str) -> Row:
        """One of the two measurements of a blood pressure."""
        unit = self.concepts.number("UCUM", "mm[Hg]")
        return self._measurement(self.concepts.number("LOINC", code), code, VALUE, {
            "operator_concept_id": 0,
            "unit_concept_id": unit,
            "unit_source_value": "mm[Hg]",
            "value_source_value": VALUE,
        })  # fmt: skip

    def _measurement(self, number: int, written: str, value: str, cells: Cells) -> Row:
        return self._row("measurement", "measurement", DAY, {
            "measurement_concept_id": number,
            "measurement_type_concept_id": self.record,
            "value_as_number": value,
            "value_as_concept_id": 0,
            "measurement_source_value": written,
            "measurement_source_concept_id": number,
            **cells,
        })  # fmt: skip

    def examination(self, item: str) -> Row:
        """An observation in words."""
        lesion = self.content.lesions[item]
        site, name = lesion.site or ("", "")
        return self._row("observation", "observation", DAY, {
            "observation_concept_id": 0,
            "observation_type_concept_id": self.record,
            "value_as_string": lesion.text,
            "qualifier_concept_id": self.concepts.number("SNOMED", site),
            "observation_source_value": "Skin examination",
            "observation_source_concept_id": 0,
            "qualifier_source_value": name,
        })  # fmt: skip

    def allergy(self, item: str) -> Row:
        """An allergy, which OMOP keeps as an observation."""
        code = self.content.allergies[item].codes["snomed"][0]
        number = self.concepts.number("SNOMED", code)
        return self._row("observation", "observation", DAY, {
            "observation_concept_id": number,
            "observation_type_concept_id": self.record,
            "observation_source_value": code,
            "observation_source_concept_id": number,
        })  # fmt: skip

    def visit(self, place: int, variant: str) -> Row:
        """A visit to a care site."""
        kind = "IP" if variant == "IMP" else "OP"
        return self._row("visit_occurrence", "visit", DAY, {
            "visit_concept_id": self.concepts.number("Visit", kind),
            "visit_end_date": END,
            "visit_end_datetime": END_INSTANT,
            "visit_type_concept_id": self.record,
            "care_site_id": place + 1,
            "visit_source_value": variant,
            "visit_source_concept_id": 0,
        }, begins="start_")  # fmt: skip

    def note(self, title: str, text: str) -> Row:
        """A note or a report, with its text."""
        number = self.concepts.number("LOINC", "11506-3")
        return self._row("note", "note", DAY, {
            "note_type_concept_id": self.record,
            "note_class_concept_id": number if title == "Clinic note" else 0,
            "note_title": title,
            "note_text": text,
            "encoding_concept_id": 0,
            "language_concept_id": 0,
            "note_source_value": title,
        })  # fmt: skip

    def _standard(self, way: str, term: Term, system: str) -> int:
        return 0 if way == "name" else self.concepts.number(VOCABULARIES[system], term.codes[system][0])

    def _source(self, kind: str, way: str, term: Term) -> Cells:
        """What the site had written, and the concept of that code."""
        used = fhir_forms.codes_of(way, term)
        if not used:
            return {f"{kind}_source_value": term.name, f"{kind}_source_concept_id": 0}
        system, (code, _) = used[0]
        number = self.concepts.number(VOCABULARIES[system], term.codes[system][0])
        return {f"{kind}_source_value": code, f"{kind}_source_concept_id": number}

    def _row(self, table: str, stem: str, day: str, cells: Cells, begins: str = "") -> Row:
        columns = TABLES[table]
        full = {columns[0]: ID, "person_id": PERSON, f"{stem}_{begins}date": day, f"{stem}_{begins}datetime": INSTANT}
        full |= cells
        out = io.StringIO()
        csv.DictWriter(out, columns, restval="", lineterminator="").writerow(full)
        text = out.getvalue().replace("%", "%%")
        text = text.replace(TEXT, f'"{TEXT}"')  # notes have commas, and no quotation marks
        for mark in (ID, PERSON, DAY, INSTANT, END, END_INSTANT, VALUE, TEXT):
            text = text.replace(mark, f"%({mark.strip('@')})s")
        return Row(table, text)
