"""OMOP tables drawn at random: few persons, concepts that bear on the guideline, and every way to leave a cell out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

NAMED = {
    "1001": ("SNOMED", "237900002", "Calciphylaxis", "Condition"),
    "1002": ("SNOMED", "46177005", "End-stage renal disease", "Condition"),
    "1003": ("ICD10CM", "N18.6", "End stage renal disease", "Condition"),
    "1004": ("ICD9CM", "585.6", "End stage renal disease", "Condition"),
    "1005": ("SNOMED", "46742003", "Skin ulcer", "Condition"),
    "1006": ("ICD10CM", "E83.59", "Other disorders of calcium metabolism", "Condition"),
    "1007": ("Site codes", "77", "Calciphylaxis of the leg", "Condition"),
    "1011": ("RxNorm", "855332", "warfarin sodium 5 MG Oral Tablet", "Drug"),
    "1012": ("RxNorm", "36726", "sodium thiosulfate", "Drug"),
    "1013": ("RxNorm Extension", "OMOP1", "Prednisone 5 MG Oral Tablet", "Drug"),
    "1014": ("ATC", "V03AE02", "sevelamer", "Drug"),
    "1015": ("RxNorm", "7980", "penicillin G", "Drug"),
    "1016": ("SNOMED", "47625008", "Intravenous route", "Route"),
    "1021": ("LOINC", "17861-6", "Calcium [Mass/volume] in Serum or Plasma", "Measurement"),
    "1022": ("LOINC", "1751-7", "Albumin [Mass/volume] in Serum or Plasma", "Measurement"),
    "1023": ("LOINC", "2777-1", "Phosphate [Mass/volume] in Serum or Plasma", "Measurement"),
    "1024": ("LOINC", "1988-5", "C reactive protein [Mass/volume] in Serum or Plasma", "Measurement"),
    "1025": ("LOINC", "6301-6", "INR in Platelet poor plasma by Coagulation assay", "Measurement"),
    "1026": ("LOINC", "67875-5", "Employment status - current", "Observation"),
    "1031": ("UCUM", "mg/dL", "milligram per deciliter", "Unit"),
    "1032": ("UCUM", "g/dL", "gram per deciliter", "Unit"),
    "1033": ("UCUM", "mmol/L", "millimole per liter", "Unit"),
    "1041": ("SNOMED", "10828004", "Positive", "Meas Value"),
    "1042": ("SNOMED", "75540009", "High", "Meas Value"),
    "1051": ("SNOMED", "302497006", "Hemodialysis", "Procedure"),
    "1052": ("CPT4", "90935", "Hemodialysis procedure with single evaluation", "Procedure"),
    "1061": ("SNOMED", "91936005", "Allergy to penicillin", "Observation"),
    "1062": ("SNOMED", "416098002", "Allergy to drug", "Observation"),
    "1340204": ("OMOP Extension", "OMOP5165859", "History of event", "Observation"),
    "1063": ("SNOMED", "160243008", "No history of clinical finding in subject", "Observation"),
    "1064": ("SNOMED", "416471007", "Family history of clinical finding", "Observation"),
    "1065": ("SNOMED", "68505006", "Thigh structure", "Spec Anatomic Site"),
    "1066": ("SNOMED", "2667000", "Absent", "Observation"),
    "1071": ("Condition Status", "OMOP1", "Preliminary diagnosis", "Condition Status"),
    "1072": ("Condition Status", "OMOP2", "Confirmed diagnosis", "Condition Status"),
    "32906": ("Condition Status", "OMOP3", "Resolved condition", "Condition Status"),
    "1081": ("SNOMED", "360066001", "Mechanical prosthetic heart valve", "Device"),
    "9201": ("Visit", "IP", "Inpatient Visit", "Visit"),
    "9202": ("Visit", "OP", "Outpatient Visit", "Visit"),
    "1091": ("LOINC", "11506-3", "Progress note", "Note"),
    "4171756": ("SNOMED", "276139006", "<", "Meas Value Operator"),
}
CONCEPTS = [
    {"concept_id": number, "concept_name": name, "domain_id": domain, "vocabulary_id": vocabulary, "concept_code": code}
    for number, (vocabulary, code, name, domain) in NAMED.items()
]
UNKNOWN = "2000000777"
DAYS = ["2019-12-31", "2025-01-05", "2026-01-10", "2026-02-01", "2026-02-03", "2026-02-10", "2026-03-01", "2027-01-01"]
CLOCKS = ["00:00:00", "07:30:00", "11:30:00", "23:59:59"]
TEXTS = ["Calciphylaxis", "Suspected calciphylaxis", "N18.6", "K 77", 'a "quoted" value, with a comma', "naïve", ""]


def _mostly(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(values, values, st.just(""))


def _concepts(*numbers: str) -> st.SearchStrategy[str]:
    return st.sampled_from([*numbers, "0", "", UNKNOWN])


DAY, INSTANT = (
    _mostly(st.sampled_from(DAYS)),
    _mostly(st.builds("{} {}".format, st.sampled_from(DAYS), st.sampled_from(CLOCKS))),
)
PERSON, TEXT = st.sampled_from(["1", "2", "3"]), st.sampled_from(TEXTS)
NUMBER = st.sampled_from(["", "2.1", "9.7", "12", "5e0", "0", "-1", "110000"])
CONDITIONS = ("1001", "1002", "1003", "1004", "1005", "1006", "1007")
DRUGS = ("1011", "1012", "1013", "1014")
UNITS = {
    "unit_concept_id": _concepts("1031", "1032", "1033"),
    "unit_source_value": st.sampled_from(["", "mg/dL", "g/dl", "furlong"]),
}


def _rows(key: str, **columns: st.SearchStrategy[str]) -> st.SearchStrategy[list[dict[str, str]]]:
    row = st.fixed_dictionaries({"person_id": PERSON, **columns})
    return st.lists(row, min_size=0, max_size=6).map(
        lambda rows: [{key: str(number), **row} for number, row in enumerate(rows, 1)]
    )


TABLES: dict[str, st.SearchStrategy[Any]] = {
    "condition_occurrence": _rows(
        "condition_occurrence_id",
        condition_concept_id=_concepts(*CONDITIONS),
        condition_start_date=DAY,
        condition_start_datetime=INSTANT,
        condition_end_date=DAY,
        condition_end_datetime=INSTANT,
        condition_source_value=TEXT,
        condition_source_concept_id=_concepts(*CONDITIONS),
        condition_status_concept_id=_concepts("1071", "1072", "32906"),
        condition_status_source_value=st.sampled_from(["", "active", "Resolved", "refuted", "provisional", "odd"]),
        visit_occurrence_id=st.sampled_from(["", "1", "2"]),
    ),
    "drug_exposure": _rows(
        "drug_exposure_id",
        drug_concept_id=_concepts(*DRUGS),
        drug_exposure_start_date=DAY,
        drug_exposure_start_datetime=INSTANT,
        drug_exposure_end_date=DAY,
        drug_exposure_end_datetime=INSTANT,
        drug_type_concept_id=st.sampled_from(["", "32833", "32838", "38000177", "32818", "38000180", "38000175", "32869"]),
        stop_reason=st.sampled_from(["", "", "regimen completed"]),
        days_supply=st.sampled_from(["", "0", "1", "30"]),
        sig=st.sampled_from(["", "one daily"]),
        route_concept_id=_concepts("1016"),
        route_source_value=st.sampled_from(["", "PO", "topical"]),
        drug_source_value=st.sampled_from(["", "warfarin", "B01AA03"]),
        drug_source_concept_id=_concepts(*DRUGS),
    ),
    "measurement": _rows(
        "measurement_id",
        measurement_concept_id=_concepts("1021", "1022", "1023", "1024", "1025"),
        measurement_date=DAY,
        measurement_datetime=INSTANT,
        operator_concept_id=_concepts("4171756", "4172703", "4171755"),
        value_as_number=NUMBER,
        value_as_concept_id=_concepts("1041", "1042"),
        range_low=NUMBER,
        range_high=NUMBER,
        measurement_source_value=st.sampled_from(["", "Ca", "Albumin level"]),
        measurement_source_concept_id=_concepts("1022", "1023"),
        unit_source_concept_id=_concepts("1031"),
        value_source_value=st.sampled_from(["", "<5", "high", "3.1 g/dL"]),
        **UNITS,
    ),
    "observation": _rows(
        "observation_id",
        observation_concept_id=_concepts("1001", "1005", "1026", "1061", "1062", "1063", "1064", "1340204"),
        observation_date=DAY,
        observation_datetime=INSTANT,
        value_as_number=st.sampled_from(["", "", "7"]),
        value_as_string=st.sampled_from(["", "", "Calciphylaxis", "black eschar of the thigh, tender"]),
        value_as_concept_id=_concepts("1001", "1015", "1041"),
        qualifier_concept_id=_concepts("1065", "1066"),
        qualifier_source_value=st.sampled_from(["", "severe"]),
        observation_source_value=st.sampled_from(["", "Skin examination"]),
        observation_source_concept_id=_concepts("1005"),
        value_source_value=st.sampled_from(["", "yes"]),
        **UNITS,
    ),
    "procedure_occurrence": _rows(
        "procedure_occurrence_id",
        procedure_concept_id=_concepts("1051", "1052"),
        procedure_date=DAY,
        procedure_datetime=INSTANT,
        procedure_end_date=DAY,
        procedure_end_datetime=INSTANT,
        procedure_source_value=st.sampled_from(["", "haemodialysis 4 h three times a week"]),
        procedure_source_concept_id=_concepts("1052"),
    ),
    "device_exposure": _rows(
        "device_exposure_id",
        device_concept_id=_concepts("1081"),
        device_exposure_start_date=DAY,
        device_exposure_end_date=DAY,
        device_source_value=st.sampled_from(["", "mechanical aortic valve"]),
    ),
    "visit_occurrence": _rows(
        "visit_occurrence_id",
        visit_concept_id=_concepts("9201", "9202"),
        visit_start_date=DAY,
        visit_start_datetime=INSTANT,
        visit_end_date=DAY,
        visit_end_datetime=INSTANT,
        visit_source_value=st.sampled_from(["", "IMP", "Outpatient", "4711"]),
        discharged_to_concept_id=st.sampled_from(["", "0", "8536"]),
    ),
    "note": _rows(
        "note_id",
        note_date=DAY,
        note_datetime=INSTANT,
        note_class_concept_id=_concepts("1091"),
        note_title=st.sampled_from(["", "Skin biopsy pathology report", "Clinic note"]),
        note_text=st.sampled_from(["", "Biopsy: calciphylaxis.", "Takes warfarin.\nNo ulcer of the leg."]),
        note_source_value=st.sampled_from(["", "letter"]),
    ),
    "death": st.lists(
        st.fixed_dictionaries({
            "person_id": PERSON, "death_date": DAY, "cause_concept_id": _concepts("1001"),
            "cause_source_value": TEXT, "cause_source_concept_id": _concepts("1006"),
        }),
        max_size=1,
    ),
    "observation_period": st.lists(
        st.fixed_dictionaries({"person_id": PERSON, "observation_period_end_date": st.sampled_from(DAYS)}), max_size=3
    ),
}  # fmt: skip
PERSONS = [
    {
        "person_id": "1",
        "gender_concept_id": "8532",
        "year_of_birth": "1960",
        "month_of_birth": "5",
        "day_of_birth": "6",
    },
    {
        "person_id": "2",
        "gender_concept_id": "0",
        "year_of_birth": "1971",
        "month_of_birth": "2",
        "gender_source_value": "M",
    },
    {"person_id": "3", "gender_concept_id": "8507", "year_of_birth": "1950"},
]


@st.composite
def data_sets(draw: st.DrawFn) -> dict[str, list[dict[str, str]]]:
    """Tables of a data set; an empty one is left out, as its columns would be unknown."""
    drawn = {name: draw(rows) for name, rows in TABLES.items()}
    drawn["cdm_source"] = [{"cdm_source_name": "drawn", "source_release_date": draw(st.sampled_from(DAYS))}]
    return {"person": PERSONS, "concept": CONCEPTS} | {name: rows for name, rows in drawn.items() if rows}


def together(drawn: Sequence[dict[str, list[dict[str, str]]]]) -> dict[str, list[dict[str, str]]]:
    """Several data sets as one, with persons and rows of their own. What is said of the whole set the first says."""
    found: dict[str, list[dict[str, str]]] = {"concept": CONCEPTS, "cdm_source": drawn[0]["cdm_source"]}
    for place, tables in enumerate(drawn):
        for name, rows in tables.items():
            if name not in ("concept", "cdm_source"):
                found.setdefault(name, []).extend(_moved(name, row, place) for row in rows)
    return found


def _moved(table: str, row: dict[str, str], place: int) -> dict[str, str]:
    numbered = {"person_id", f"{table}_id", "visit_occurrence_id"}
    return {c: str(int(cell) + 100 * place) if c in numbered and cell else cell for c, cell in row.items()}
