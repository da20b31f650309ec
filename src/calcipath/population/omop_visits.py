"""VISIT_OCCURRENCE and NOTE as flat events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from calcipath.population.marks import STARTED
from calcipath.population.omop_concepts import joins, json_text, member
from calcipath.population.omop_rows import Row, dated, lookup, period, resource, row_sql
from calcipath.population.omop_source import OmopSource
from calcipath.population.omop_values import when

ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CLASSES: Final[Mapping[int, str]] = {
    9201: "IMP",  # inpatient visit
    262: "IMP",  # emergency room and inpatient visit
    8717: "IMP",  # inpatient hospital
    32037: "IMP",  # intensive care
    9203: "EMER",  # emergency room visit
    8870: "EMER",  # emergency room of a hospital
    9202: "AMB",  # outpatient visit
    8756: "AMB",  # outpatient hospital
    8940: "AMB",  # office
    581476: "HH",  # home visit
    5083: "VR",  # telehealth
}
CLASS_WORDS: Final = {
    "imp": "IMP", "inpatient": "IMP", "ip": "IMP", "acute": "ACUTE", "obsenc": "OBSENC", "ss": "SS", "amb": "AMB",
    "outpatient": "AMB", "op": "AMB", "emer": "EMER", "emergency": "EMER", "er": "EMER", "hh": "HH", "vr": "VR",
}  # fmt: skip
IN_HOSPITAL: Final = ("IMP", "ACUTE", "OBSENC", "SS")
PATHOLOGY: Final = "patholog|biops|histolog|cytolog"
IMAGING: Final = r"radiolog|imaging|x-ray|ultraso|\b(ct|mri)\b"


def visits_sql(source: OmopSource) -> str:
    """A stay in hospital without an end goes on, and so does one that ends on the day of the data pull undischarged."""
    start = "coalesce(r.visit_start_date, CAST(r.visit_start_datetime AS DATE))"
    end = "coalesce(r.visit_end_date, CAST(r.visit_end_datetime AS DATE))"
    ids = " ".join(f"WHEN {number} THEN '{code}'" for number, code in CLASSES.items())
    place = f"coalesce(CASE r.visit_concept_id {ids} END, {lookup(CLASS_WORDS, 'lower(r.visit_source_value)')})"
    discharged = "coalesce(r.discharged_to_concept_id, r.discharge_to_concept_id)"
    goes_on = f"ended IS NULL OR ({discharged} IS NULL AND {end} >= (SELECT on_day FROM omop_drawn))"
    status = f"CASE WHEN ({goes_on}) AND {place} IN {IN_HOSPITAL} THEN 'in-progress' ELSE 'finished' END"
    return row_sql(
        source,
        Row(
            table="visit_occurrence",
            kind="'Encounter'",
            content=resource(
                "Encounter",
                f"',\"status\":\"' || {status} || '\"'",
                f'\',"class":{{"system":"{ACT_CODE}","code":"\' || {place} || \'"}}\'',
                "',\"type\":[{\"coding\":[' || c.coding || ']}]'",
                period("period"),
            ),
            joins=joins({"visit_concept_id": "c"}),
            started=when("r.visit_start_date", "r.visit_start_datetime"),
            ended=f"CASE WHEN {start} IS NULL OR {end} >= {start} THEN {when('r.visit_end_date', 'r.visit_end_datetime')} END",
        ),
    )


def notes_sql(source: OmopSource) -> str:
    """A document with its text. A report of pathology or imaging is a report, and read as one."""
    told = "lower(concat_ws(' ', r.note_title, c.name, t.name))"
    pathology, imaging = f"regexp_matches({told}, '{PATHOLOGY}')", f"regexp_matches({told}, '{IMAGING}')"
    is_report = f"({pathology} OR {imaging})"
    category = (
        f"',\"category\":[{{\"coding\":[{{\"code\":\"' || CASE WHEN {pathology} THEN 'PAT' ELSE 'RAD' END || '\"}}]}}]'"
    )
    report = resource(
        "DiagnosticReport",
        '\',"status":"final"\'',
        category,
        member("code", _title()),
        dated("effectiveDateTime", "started", STARTED),
    )
    document = resource(
        "DocumentReference", '\',"status":"current"\'', member("type", _title()), dated("date", "started", STARTED)
    )
    data = '\'{"contentType":"text/plain","data":"\' || base64(encode(r.note_text)) || \'"}\''
    return row_sql(
        source,
        Row(
            table="note",
            kind=f"CASE WHEN {is_report} THEN 'DiagnosticReport' ELSE 'DocumentReference' END",
            content=f"CASE WHEN {is_report} THEN {report} ELSE {document} END",
            joins=joins({"note_class_concept_id": "c", "note_type_concept_id": "t"}),
            started=when("r.note_date", "r.note_datetime"),
            notes=(
                f"CASE WHEN {is_report} THEN '{{\"presentedForm\":[' || {data} || ']}}' "
                f"ELSE '{{\"content\":[{{\"attachment\":' || {data} || '}}]}}' END"
            ),
        ),
    )


def _title() -> str:
    """What a note is called; one without a name is a note too, read or not."""
    text = member("text", json_text("coalesce(r.note_title, r.note_source_value, c.name, 'Note')"))
    coding = "',\"coding\":[' || c.coding || ']'"
    return f"'{{' || nullif(substr(concat({coding}, {text}), 2), '') || '}}'"
