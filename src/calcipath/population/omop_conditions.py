"""CONDITION_OCCURRENCE, DEATH, PROCEDURE_OCCURRENCE and DEVICE_EXPOSURE as flat events."""

from __future__ import annotations

from typing import Final

from calcipath.population.marks import ENDED, RECORDED, STARTED
from calcipath.population.omop_concepts import concept_sql, joins, member
from calcipath.population.omop_rows import Row, dated, lookup, period, resource, row_sql
from calcipath.population.omop_source import OmopSource
from calcipath.population.omop_values import when

CLINICAL: Final = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION: Final = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CLINICAL_WORDS: Final = ("active", "recurrence", "relapse", "inactive", "remission", "resolved")
VERIFICATION_WORDS: Final = ("confirmed", "provisional", "unconfirmed", "differential", "refuted", "entered-in-error")
# Vocabulary "Condition Status", by name; the two ids count without CONCEPT too.
DOUBTS: Final = {"preliminary diagnosis": "provisional", "confirmed diagnosis": "confirmed"}
PRELIMINARY, RESOLVED = 32899, 32906


def conditions_sql(source: OmopSource) -> str:
    """A diagnosis that was recorded, of unknown clinical status unless the row tells it.

    An end on the day of the start, or within the stay at which it was recorded, is that of the record and no abatement.
    """
    start = "coalesce(r.condition_start_date, CAST(r.condition_start_datetime AS DATE))"
    end = "coalesce(r.condition_end_date, CAST(r.condition_end_datetime AS DATE))"
    over = f"({start} IS NULL OR {end} > {start}) AND (v.until IS NULL OR {end} > v.until)"
    concepts = {"condition_concept_id": "c", "condition_source_concept_id": "o", "condition_status_concept_id": "t"}
    return row_sql(
        source,
        Row(
            table="condition_occurrence",
            kind="'Condition'",
            content=resource(
                "Condition",
                coded_status("clinicalStatus", CLINICAL, _clinical()),
                coded_status("verificationStatus", VERIFICATION, _doubt()),
                member("code", concept_sql("c", "o", "condition_source_value")),
                dated("onsetDateTime", "started", STARTED),
                dated("abatementDateTime", "ended", ENDED),
            ),
            joins=f"{joins(concepts)} LEFT JOIN omop_stay AS v ON r.visit_occurrence_id = v.visit",
            started=when("r.condition_start_date", "r.condition_start_datetime"),
            ended=f"CASE WHEN {over} THEN {when('r.condition_end_date', 'r.condition_end_datetime')} END",
        ),
    )


def _clinical() -> str:
    word = "lower(r.condition_status_source_value)"
    resolved = f"r.condition_status_concept_id = {RESOLVED} OR lower(t.name) = 'resolved condition'"
    return f"CASE WHEN {resolved} THEN 'resolved' WHEN {word} IN {CLINICAL_WORDS} THEN {word} END"


def _doubt() -> str:
    word = "lower(r.condition_status_source_value)"
    said = f"CASE WHEN {word} IN {VERIFICATION_WORDS} THEN {word} END"
    preliminary = f"CASE WHEN r.condition_status_concept_id = {PRELIMINARY} THEN 'provisional' END"
    return f"coalesce({preliminary}, {lookup(DOUBTS, 'lower(t.name)')}, {said})"


def coded_status(name: str, system: str, code: str) -> str:
    """The member of a status; null where `code` is."""
    return f'\',"{name}":{{"coding":[{{"system":"{system}","code":"\' || {code} || \'"}}]}}\''


def deaths_sql(source: OmopSource) -> str:
    """The cause of a death is a diagnosis that was recorded on that day."""
    named = ("r.cause_concept_id", "r.cause_source_concept_id", "r.cause_source_value")
    return row_sql(
        source,
        Row(
            table="death",
            kind="'Condition'",
            content=resource(
                "Condition",
                member("code", concept_sql("c", "o", "cause_source_value")),
                dated("recordedDate", "recorded", RECORDED),
            ),
            joins=joins({"cause_concept_id": "c", "cause_source_concept_id": "o"}),
            recorded=when("r.death_date", "r.death_datetime"),
            where=" OR ".join(f"{name} IS NOT NULL" for name in named),
        ),
    )


def procedures_sql(source: OmopSource) -> str:
    """What was done. An end on the day of the start counts only where both have a time of day."""
    start = when("r.procedure_date", "r.procedure_datetime")
    end = when("r.procedure_end_date", "r.procedure_end_datetime")
    width = f"least(length({start}), length({end}))"
    later = f"CASE WHEN {start} IS NULL OR left({end}, {width}) > left({start}, {width}) THEN {end} END"
    return row_sql(
        source,
        Row(
            table="procedure_occurrence",
            kind="'Procedure'",
            content=resource(
                "Procedure",
                '\',"status":"completed"\'',
                member("code", concept_sql("c", "o", "procedure_source_value")),
                period("performedPeriod", "performedDateTime"),
            ),
            joins=joins({"procedure_concept_id": "c", "procedure_source_concept_id": "o"}),
            started=start,
            ended=later,
        ),
    )


def devices_sql(source: OmopSource) -> str:
    """A device that the patient has, or had: where an end after the day of the start has been seen.

    A FHIR Device has no date but that of its manufacture, so the start of the exposure stands there.
    """
    start = "coalesce(r.device_exposure_start_date, CAST(r.device_exposure_start_datetime AS DATE))"
    end = "coalesce(r.device_exposure_end_date, CAST(r.device_exposure_end_datetime AS DATE))"
    gone = f"{end} > {start} AND (v.until IS NULL OR {end} <= v.until)"
    concepts = joins({"device_concept_id": "c", "device_source_concept_id": "o"})
    return row_sql(
        source,
        Row(
            table="device_exposure",
            kind="'Device'",
            content=resource(
                "Device",
                f'CASE WHEN {gone} THEN \',"status":"inactive"\' END',
                member("type", concept_sql("c", "o", "device_source_value")),
                dated("manufactureDate", "started", STARTED),
            ),
            joins=f"{concepts} LEFT JOIN omop_observed AS v ON r.person_id = v.person",
            started=when("r.device_exposure_start_date", "r.device_exposure_start_datetime"),
        ),
    )
