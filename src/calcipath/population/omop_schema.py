"""The tables of OMOP CDM 5.3 and 5.4 that are read, and what of them.

Source: the field level files of the OHDSI CommonDataModel, 5.3 and 5.4 (https://ohdsi.github.io/CommonDataModel/).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["key", "concept", "date", "instant", "number", "text"]


@dataclass(frozen=True, slots=True)
class TableShape:
    """The columns of a table that are read, by what they hold.

    `key`: an identifier; a row without the first one cannot be named. `concept`: an id in CONCEPT. `instant`: a date
    with a time of day. `required`: without these the table cannot be read; all others may be missing.
    """

    required: tuple[str, ...]
    key: tuple[str, ...] = ()
    concept: tuple[str, ...] = ()
    date: tuple[str, ...] = ()
    instant: tuple[str, ...] = ()
    number: tuple[str, ...] = ()
    text: tuple[str, ...] = ()

    def columns(self) -> Iterator[tuple[str, Kind]]:
        """Every column with its kind."""
        by_kind: dict[Kind, tuple[str, ...]] = {
            "key": self.key,
            "concept": self.concept,
            "date": self.date,
            "instant": self.instant,
            "number": self.number,
            "text": self.text,
        }
        for kind, names in by_kind.items():
            for name in names:
                yield name, kind


TABLES: Final[Mapping[str, TableShape]] = {
    "person": TableShape(
        required=("person_id",),
        key=("person_id", "care_site_id"),
        concept=("gender_concept_id",),
        instant=("birth_datetime",),
        number=("year_of_birth", "month_of_birth", "day_of_birth"),
        text=("gender_source_value",),
    ),
    "death": TableShape(
        required=("person_id", "death_date"),
        key=("person_id",),
        concept=("cause_concept_id", "cause_source_concept_id"),
        date=("death_date",),
        instant=("death_datetime",),
        text=("cause_source_value",),
    ),
    "observation_period": TableShape(
        required=("person_id", "observation_period_end_date"),
        key=("person_id",),
        date=("observation_period_end_date",),
    ),
    "condition_occurrence": TableShape(
        required=("condition_occurrence_id", "person_id", "condition_concept_id", "condition_start_date"),
        key=("condition_occurrence_id", "person_id", "visit_occurrence_id"),
        concept=("condition_concept_id", "condition_source_concept_id", "condition_status_concept_id"),
        date=("condition_start_date", "condition_end_date"),
        instant=("condition_start_datetime", "condition_end_datetime"),
        text=("condition_source_value", "condition_status_source_value"),
    ),
    "drug_exposure": TableShape(
        required=("drug_exposure_id", "person_id", "drug_concept_id", "drug_exposure_start_date"),
        key=("drug_exposure_id", "person_id"),
        concept=("drug_concept_id", "drug_source_concept_id", "drug_type_concept_id", "route_concept_id"),
        date=("drug_exposure_start_date", "drug_exposure_end_date"),
        instant=("drug_exposure_start_datetime", "drug_exposure_end_datetime"),
        number=("days_supply",),
        text=("drug_source_value", "route_source_value", "stop_reason", "sig"),
    ),
    "measurement": TableShape(
        required=("measurement_id", "person_id", "measurement_concept_id", "measurement_date"),
        key=("measurement_id", "person_id"),
        concept=(
            "measurement_concept_id",
            "measurement_source_concept_id",
            "operator_concept_id",
            "value_as_concept_id",
            "unit_concept_id",
            "unit_source_concept_id",
        ),
        date=("measurement_date",),
        instant=("measurement_datetime",),
        number=("value_as_number", "range_low", "range_high"),
        text=("measurement_source_value", "unit_source_value", "value_source_value"),
    ),
    "observation": TableShape(
        required=("observation_id", "person_id", "observation_concept_id", "observation_date"),
        key=("observation_id", "person_id"),
        concept=(
            "observation_concept_id",
            "observation_source_concept_id",
            "value_as_concept_id",
            "qualifier_concept_id",
            "unit_concept_id",
        ),
        date=("observation_date",),
        instant=("observation_datetime",),
        number=("value_as_number",),
        text=(
            "observation_source_value",
            "unit_source_value",
            "value_as_string",
            "value_source_value",
            "qualifier_source_value",
        ),
    ),
    "procedure_occurrence": TableShape(
        required=("procedure_occurrence_id", "person_id", "procedure_concept_id", "procedure_date"),
        key=("procedure_occurrence_id", "person_id"),
        concept=("procedure_concept_id", "procedure_source_concept_id"),
        date=("procedure_date", "procedure_end_date"),
        instant=("procedure_datetime", "procedure_end_datetime"),
        text=("procedure_source_value",),
    ),
    "device_exposure": TableShape(
        required=("device_exposure_id", "person_id", "device_concept_id", "device_exposure_start_date"),
        key=("device_exposure_id", "person_id"),
        concept=("device_concept_id", "device_source_concept_id"),
        date=("device_exposure_start_date", "device_exposure_end_date"),
        instant=("device_exposure_start_datetime", "device_exposure_end_datetime"),
        text=("device_source_value",),
    ),
    "visit_occurrence": TableShape(
        required=("visit_occurrence_id", "person_id", "visit_concept_id", "visit_start_date"),
        key=("visit_occurrence_id", "person_id"),
        concept=("visit_concept_id", "discharged_to_concept_id", "discharge_to_concept_id"),
        date=("visit_start_date", "visit_end_date"),
        instant=("visit_start_datetime", "visit_end_datetime"),
        text=("visit_source_value",),
    ),
    "note": TableShape(
        required=("note_id", "person_id", "note_date", "note_text"),
        key=("note_id", "person_id"),
        concept=("note_class_concept_id", "note_type_concept_id"),
        date=("note_date",),
        instant=("note_datetime",),
        text=("note_title", "note_text", "note_source_value"),
    ),
    "concept": TableShape(
        required=("concept_id", "concept_name", "vocabulary_id", "concept_code"),
        key=("concept_id",),
        text=("concept_name", "vocabulary_id", "concept_code", "domain_id"),
    ),
    "care_site": TableShape(
        required=("care_site_id",),
        key=("care_site_id",),
        text=("care_site_name", "care_site_source_value"),
    ),
    "cdm_source": TableShape(required=(), date=("source_release_date",)),
}
# A folder or database with one of these is an OMOP data set; names such as `note` or `observation` say too little.
TELLING: Final = (
    "person",
    "condition_occurrence",
    "drug_exposure",
    "procedure_occurrence",
    "visit_occurrence",
    "observation_period",
    "measurement",
)
# The tables that give events, with the word by which a reference names a row of each.
STEMS: Final[Mapping[str, str]] = {
    "condition_occurrence": "condition",
    "drug_exposure": "drug",
    "measurement": "measurement",
    "observation": "observation",
    "procedure_occurrence": "procedure",
    "device_exposure": "device",
    "visit_occurrence": "visit",
    "note": "note",
    "death": "death",
}
