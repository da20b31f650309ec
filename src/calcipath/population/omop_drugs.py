"""DRUG_EXPOSURE as flat events."""

from __future__ import annotations

from typing import Final

from calcipath.population.marks import ENDED, STARTED
from calcipath.population.omop_concepts import concept_sql, joins, json_text, member
from calcipath.population.omop_rows import Row, dated, period, resource, row_sql
from calcipath.population.omop_source import OmopSource
from calcipath.population.omop_values import when

ORDERS: Final = (32833, 32837)  # Type Concept "EHR order", "EHR planned dispensing record"
# "EHR prescription", "EHR prescription issue record", and "Prescription written" of the older Drug Type.
PRESCRIPTIONS: Final = (32838, 32839, 38000177)
# "EHR administration record"; of Drug Type "Physician administered drug" (by procedure, problem list, referral,
# observation, order) and "Inpatient administration".
GIVEN: Final = (32818, 38000179, 43542356, 43542357, 43542358, 581373, 38000180)
LONGEST_SUPPLY: Final = 3660  # days
PERSISTENCE: Final = 30  # days between two supplies that do not part them, as for DRUG_ERA of the CDM
START: Final = "coalesce(r.drug_exposure_start_date, CAST(r.drug_exposure_start_datetime AS DATE))"


def _is(types: tuple[int, ...]) -> str:
    return f"coalesce(r.drug_type_concept_id IN ({', '.join(map(str, types))}), false)"


_ORDERED, _REQUESTED, _GIVEN = _is(ORDERS), _is((*ORDERS, *PRESCRIPTIONS)), _is(GIVEN)


def drugs_sql(source: OmopSource) -> str:
    """By the type of the record: an order or prescription as a request, a dose given as an administration, all else (a
    dispensing, claim or list, or no type) as a statement that it was taken over a period.

    Where no end is given it is that of the days supplied. An end after the end of observation has not been seen: the
    exposure goes on. So does a supply that lasted to within `PERSISTENCE` days of it; an order ends when it says.
    """
    route = f"'{{\"text\":' || coalesce({json_text('w.name')}, {json_text('r.route_source_value')}) || '}}'"
    named = concept_sql("c", "o", "drug_source_value")
    note = f"'\"note\":[{{\"text\":' || {json_text('r.sig')} || '}}]'"
    drug = (
        f"{member('medicationCodeableConcept', named)}, CASE WHEN {named} IS NULL THEN ',' || {note} END"  # all it says
    )
    status = f"',\"status\":\"' || {_status()} || '\"'"
    taken = period("effectivePeriod", "effectiveDateTime")
    by_route = f"'{{' || {member('route', route, '')} || '}}'"
    given = resource("MedicationAdministration", status, drug, taken, member("dosage", by_route))
    stated = resource("MedicationStatement", status, drug, taken, member("dosage", f"'[' || {by_route} || ']'"))
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
            kind=_by_type("'MedicationRequest'", "'MedicationAdministration'", "'MedicationStatement'"),
            content=_by_type(wanted, given, stated),
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


def _by_type(requested: str, given: str, stated: str) -> str:
    return f"CASE WHEN {_REQUESTED} THEN {requested} WHEN {_GIVEN} THEN {given} ELSE {stated} END"


def _status() -> str:
    """Without an observation period nothing says whether a supply goes on."""
    last = "CAST(left(coalesce(ended, started), 10) AS DATE)"
    lapsed = f"{last} + {PERSISTENCE} < v.until"
    supply = (
        f"CASE WHEN v.until IS NULL OR {last} IS NULL THEN 'unknown' "
        f"WHEN {last} > v.until OR NOT ({_ORDERED} OR {lapsed}) THEN 'active' "
        "WHEN ended IS NULL THEN 'unknown' ELSE 'completed' END"
    )
    dose = f"CASE WHEN ended IS NULL THEN 'unknown' WHEN {last} > v.until THEN 'in-progress' ELSE 'completed' END"
    return f"CASE WHEN r.stop_reason IS NOT NULL THEN 'stopped' WHEN {_GIVEN} THEN {dose} ELSE {supply} END"
