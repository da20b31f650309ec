"""SQL that maps the tables of OMOP CDM to the flat form (docs/decisions/0009-populations-by-forms.md, docs/omop.md).

Each row becomes the FHIR resource that says the same, as a content with marks; what the reader of one patient makes of
that resource is the meaning of the row. The tables that `prepare_sql` makes must be there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from calcipath.population.omop_concepts import CONCEPT_TABLE, USED_TABLE, concepts_sql, used_concepts_sql
from calcipath.population.omop_conditions import conditions_sql, deaths_sql, devices_sql, procedures_sql
from calcipath.population.omop_drugs import drugs_sql
from calcipath.population.omop_observations import measurements_sql, observations_sql
from calcipath.population.omop_people import patients_sql
from calcipath.population.omop_problems import problems_sql
from calcipath.population.omop_rows import NO_NUMBER, NO_TEXT
from calcipath.population.omop_schema import STEMS
from calcipath.population.omop_source import OmopSource, find_omop
from calcipath.population.omop_visits import notes_sql, visits_sql

MAKERS: Final[Mapping[str, Callable[[OmopSource], str]]] = {
    "condition_occurrence": conditions_sql,
    "drug_exposure": drugs_sql,
    "measurement": measurements_sql,
    "observation": observations_sql,
    "procedure_occurrence": procedures_sql,
    "device_exposure": devices_sql,
    "visit_occurrence": visits_sql,
    "note": notes_sql,
    "death": deaths_sql,
}
NO_EVENTS: Final = (
    "SELECT "
    + ", ".join(f"{NO_TEXT} AS {name}" for name in ("patient", "reference", "content", "started", "ended", "recorded"))
    + f", {NO_NUMBER} AS value, {NO_TEXT} AS notes, {NO_TEXT} AS visit LIMIT 0"
)
__all__ = ["OmopSource", "event_parts", "events_sql", "find_omop", "patients_sql", "prepare_sql", "problems_sql"]


def prepare_sql(source: OmopSource) -> tuple[str, ...]:
    """Statements that make the tables which the others read: concepts in use, ends of observation, stays."""
    observed = f"SELECT {NO_TEXT} AS person, CAST(NULL AS DATE) AS until LIMIT 0"
    if source.has("observation_period"):
        rows = source.rows("observation_period")
        observed = (
            f"SELECT person_id AS person, max(observation_period_end_date) AS until FROM ({rows}) GROUP BY person_id"
        )
    stays = f"SELECT {NO_TEXT} AS visit, CAST(NULL AS DATE) AS until LIMIT 0"
    if source.has("visit_occurrence"):
        start, end = (
            f"coalesce(visit_{which}_date, CAST(visit_{which}_datetime AS DATE))" for which in ("start", "end")
        )
        stays = (
            f"SELECT visit_occurrence_id AS visit, max({end}) AS until FROM ({source.rows('visit_occurrence')}) "
            f"WHERE {end} > {start} GROUP BY visit_occurrence_id"
        )
    drawn = "SELECT CAST(NULL AS DATE) AS on_day"
    if source.has("cdm_source"):
        drawn = f"SELECT max(source_release_date) AS on_day FROM ({source.rows('cdm_source')})"
    return (
        f"CREATE OR REPLACE TABLE {USED_TABLE} AS {used_concepts_sql(source)}",
        f"CREATE OR REPLACE TABLE {CONCEPT_TABLE} AS {concepts_sql(source)}",
        f"CREATE OR REPLACE TABLE omop_observed AS {observed}",
        f"CREATE OR REPLACE TABLE omop_stay AS {stays}",
        f"CREATE OR REPLACE TABLE omop_drawn AS {drawn}",
    )


def event_parts(source: OmopSource) -> dict[str, str]:
    """The flat events of each table that is there, with the column `visit`, which is null: no row needs its date."""
    return {table: MAKERS[table](source) for table in STEMS if source.has(table)}


def events_sql(source: OmopSource) -> str:
    """The flat events of all tables."""
    return " UNION ALL ".join(f"({part})" for part in event_parts(source).values()) or NO_EVENTS
