"""DRUG_EXPOSURE as flat events."""

from __future__ import annotations

from typing import Final

from calcipath.population.marks import ENDED, STARTED
from calcipath.population.omop_concepts import concept_sql, joins, json_text, member
from calcipath.population.omop_rows import Row, dated, period, resource, row_sql
from calcipath.population.omop_source import OmopSource
from calcipath.population.omop_values import when

ORDER: Final = 32833  # Type Concept "EHR order"
LONGEST_SUPPLY: Final = 3660  # days
START: Final = "coalesce(r.drug_exposure_start_date, CAST(r.drug_exposure_start_datetime AS DATE))"
_ORDERED: Final = f"(r.drug_type_concept_id IS NOT NULL AND r.drug_type_concept_id = {ORDER})"


def drugs_sql(source: OmopSource) -> str:
    """A drug that was taken over a period, as an administration; an order in hospital as a request.

    Where no end is given it is that of the days supplied. An end after the end of observation has not been seen: the
    exposure goes on.
    """
    route = f"'{{\"text\":' || coalesce({json_text('w.name')}, {json_text('r.route_source_value')}) || '}}'"
    named = concept_sql("c", "o", "drug_source_value")
    note = f"'\"note\":[{{\"text\":' || {json_text('r.sig')} || '}}]'"
    drug = (
        f"{member('medicationCodeableConcept', named)}, CASE WHEN {named} IS NULL THEN ',' || {note} END"  # all it says
    )
    status = f"',\"status\":\"' || {_status()} || '\"'"
    given = resource(
        "MedicationAdministration",
        status,
        drug,
        period("effectivePeriod", "effectiveDateTime"),
        member("dosage", f"'{{' || {member('route', route, '')} || '}}'"),
    )
    bounds = f'CASE WHEN ended IS NOT NULL THEN \',"timing":{{"repeat":{{"boundsPeriod":{{"end":"{ENDED}"}}}}}}\' END'
    instruction = f"nullif(substr(concat({member('route', route)}, {bounds}), 2), '')"
    wanted = resource(
        "MedicationRequest",
        status,
        '\',"intent":"order"\'',
        drug,
        dated("authoredOn", "started", STARTED),
        member("dosageInstruction", f"'[{{' || {instruction} || '}}]'"),
    )
    concepts = {"drug_concept_id": "c", "drug_source_concept_id": "o", "route_concept_id": "w"}
    return row_sql(
        source,
        Row(
            table="drug_exposure",
            kind=f"CASE WHEN {_ORDERED} THEN 'MedicationRequest' ELSE 'MedicationAdministration' END",
            content=f"CASE WHEN {_ORDERED} THEN {wanted} ELSE {given} END",
            joins=f"{joins(concepts)} LEFT JOIN omop_observed AS v ON r.person_id = v.person",
            started=when("r.drug_exposure_start_date", "r.drug_exposure_start_datetime"),
            ended=_ended(),
            notes=f"CASE WHEN {named} IS NOT NULL THEN '{{' || {note} || '}}' END",
        ),
    )


def _ended() -> str:
    last = f"{START} + (CAST(r.days_supply AS INTEGER) - 1)"
    supplied = f"CASE WHEN r.days_supply BETWEEN 1 AND {LONGEST_SUPPLY} THEN {last} END"
    end = f"coalesce(r.drug_exposure_end_date, CAST(r.drug_exposure_end_datetime AS DATE), {supplied})"
    return f"CASE WHEN {START} IS NULL OR {end} >= {START} THEN {when(end, 'r.drug_exposure_end_datetime')} END"


def _status() -> str:
    goes_on = f"CASE WHEN {_ORDERED} THEN 'active' ELSE 'in-progress' END"
    return (
        "CASE WHEN r.stop_reason IS NOT NULL THEN 'stopped' WHEN ended IS NULL THEN 'unknown' "
        f"WHEN CAST(left(ended, 10) AS DATE) > v.until THEN {goes_on} ELSE 'completed' END"
    )
