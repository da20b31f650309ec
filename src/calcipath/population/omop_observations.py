"""MEASUREMENT and OBSERVATION as flat events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from calcipath.population.marks import RECORDED, STARTED, VALUE
from calcipath.population.omop_concepts import (
    ALLERGY,
    FAMILY,
    HISTORY,
    NO_HISTORY,
    UCUM,
    concept_sql,
    joins,
    json_text,
    member,
)
from calcipath.population.omop_conditions import CLINICAL, VERIFICATION, coded_status
from calcipath.population.omop_rows import Row, dated, resource, row_sql
from calcipath.population.omop_source import OmopSource
from calcipath.population.omop_values import when

EQUALS: Final = 4172703
OPERATORS: Final = {4171756: "<", 4171754: "<=", 4171755: ">=", 4172704: ">"}
WRITTEN_SIGN: Final = "^\\s*([<>]=?)"
SITE: Final = "Spec Anatomic Site"  # a domain of concepts
ABSENT: Final = (
    ',"dataAbsentReason":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/data-absent-reason",'
    '"code":"unknown"}]}'
)


def measurements_sql(source: OmopSource) -> str:
    """A number, else a coded value, else the value as the source wrote it; else one that is absent.

    A coded value beside a number is its interpretation.
    """
    code = "CASE WHEN u.vocabulary = 'UCUM' THEN u.code WHEN s.vocabulary = 'UCUM' THEN s.code END"
    unit = _unit(code, "coalesce(u.name, s.name)")
    value = (
        f"CASE WHEN value IS NOT NULL THEN {_quantity(_comparator(), unit)} "
        f"WHEN w.coding IS NOT NULL THEN {_coded('valueCodeableConcept', 'w')} "
        f"WHEN r.value_source_value IS NOT NULL THEN {member('valueString', json_text('r.value_source_value'))} "
        f"ELSE '{ABSENT}' END"
    )
    limits = f"concat({_limit('low', unit)}, {_limit('high', unit)})"
    concepts = {
        "measurement_concept_id": "c",
        "measurement_source_concept_id": "o",
        "operator_concept_id": "p",
        "value_as_concept_id": "w",
        "unit_concept_id": "u",
        "unit_source_concept_id": "s",
    }
    return row_sql(
        source,
        Row(
            table="measurement",
            kind="'Observation'",
            content=resource(
                "Observation",
                '\',"status":"final"\'',
                member("code", concept_sql("c", "o", "measurement_source_value")),
                dated("effectiveDateTime", "started", STARTED),
                value,
                f"CASE WHEN value IS NOT NULL THEN {_interpretation('w.name')} END",
                f"',\"referenceRange\":[{{' || nullif(substr({limits}, 2), '') || '}}]'",
            ),
            joins=joins(concepts),
            started=when("r.measurement_date", "r.measurement_datetime"),
            value="r.value_as_number",
        ),
    )


def _comparator() -> str:
    """By the operator's concept; where there is none, by the sign that the source wrote."""
    written = f"nullif(regexp_extract(r.value_source_value, '{WRITTEN_SIGN}', 1), '')"
    ids = " ".join(f"WHEN {number} THEN '{sign}'" for number, sign in OPERATORS.items())
    other = "coalesce(p.name, 'operator ' || r.operator_concept_id)"
    return (
        f"CASE WHEN r.operator_concept_id IS NULL THEN {written} WHEN r.operator_concept_id = {EQUALS} THEN NULL "
        f"ELSE CASE r.operator_concept_id {ids} ELSE {other} END END"
    )


def _quantity(comparator: str, unit: str) -> str:
    sign = member("comparator", json_text(comparator))
    return f'concat(\',"valueQuantity":{{"value":"{VALUE}"\', {sign}, {unit}, \'}}\')'


def _unit(code: str, name: str) -> str:
    """The members of a Quantity for its unit: as the source wrote it, and its UCUM code."""
    written = f"coalesce(r.unit_source_value, CASE WHEN {code} IS NULL THEN {name} END)"
    coded = f'concat(\',"system":"{UCUM}","code":\', {json_text(code)})'
    return f"{member('unit', json_text(written))}, CASE WHEN {code} IS NOT NULL THEN {coded} END"


def _limit(end: str, unit: str) -> str:
    number = f"r.range_{end}"
    quantity = f"concat(',\"{end}\":{{\"value\":', CAST({number} AS VARCHAR), {unit}, '}}')"
    return f"CASE WHEN {number} IS NOT NULL THEN {quantity} END"


def _interpretation(words: str) -> str:
    return f"',\"interpretation\":[{{\"text\":' || {json_text(words)} || '}}]'"


def _coded(name: str, alias: str) -> str:
    return f"',\"{name}\":{{\"coding\":[' || {alias}.coding || ']}}'"


def observations_sql(source: OmopSource) -> str:
    """A fact about the patient that is no measurement, and what the CDM keeps here for want of a table: allergies and
    histories. What is about the family is left out, and counted."""
    valued = "(w.coding IS NOT NULL OR r.value_as_string IS NOT NULL)"
    tells = f"CASE WHEN c.tells = '{ALLERGY}' OR {valued} THEN c.tells END"
    on_day = when("r.observation_date", "r.observation_datetime")
    concepts = {
        "observation_concept_id": "c",
        "observation_source_concept_id": "o",
        "value_as_concept_id": "w",
        "qualifier_concept_id": "q",
        "unit_concept_id": "u",
    }
    kinds = " ".join(f"WHEN '{word}' THEN '{kind}'" for word, kind in KINDS.items())
    contents = " ".join(f"WHEN '{word}' THEN {content()}" for word, content in CONTENTS.items())
    return row_sql(
        source,
        Row(
            table="observation",
            kind=f"CASE {tells} {kinds} ELSE 'Observation' END",
            content=f"CASE {tells} {contents} ELSE {_plain()} END",
            joins=joins(concepts),
            started=f"CASE WHEN {tells} IS NULL THEN {on_day} END",
            recorded=f"CASE WHEN {tells} IS NOT NULL THEN {on_day} END",
            value=f"CASE WHEN {tells} IS NULL THEN r.value_as_number END",
            where=f"({tells}) IS DISTINCT FROM '{FAMILY}'",
        ),
    )


def _plain() -> str:
    code = "CASE WHEN u.vocabulary = 'UCUM' THEN u.code END"
    site = f"q.domain = '{SITE}'"
    qualifier = f"CASE WHEN ({site}) IS NOT TRUE THEN coalesce(q.name, r.qualifier_source_value) END"
    text = "coalesce(r.value_as_string, r.value_source_value)"
    alone = f"value IS NULL AND w.coding IS NULL AND {text} IS NULL"
    value = (
        f"CASE WHEN value IS NOT NULL THEN {_quantity('CAST(NULL AS VARCHAR)', _unit(code, 'u.name'))} "
        f"WHEN w.coding IS NOT NULL THEN {_coded('valueCodeableConcept', 'w')} "
        f"WHEN {text} IS NOT NULL THEN {member('valueString', json_text(text))} "
        f"WHEN {qualifier} IS NOT NULL THEN {member('valueString', json_text(qualifier))} "
        f"WHEN c.vocabulary = 'LOINC' THEN '{ABSENT}' END"
    )
    return resource(
        "Observation",
        '\',"status":"final"\'',
        member("code", concept_sql("c", "o", "observation_source_value")),
        dated("effectiveDateTime", "started", STARTED),
        value,
        f"CASE WHEN NOT ({alone}) THEN {_interpretation(qualifier)} END",
        f"CASE WHEN {site} THEN ',\"bodySite\":{{\"coding\":[' || q.coding || ']}}' END",
    )


def _allergy() -> str:
    """Of a drug, where the value names one; another value is the reaction."""
    other = "CASE WHEN c.id IS DISTINCT FROM o.id THEN o.coding END"
    drug = "CASE WHEN w.domain = 'Drug' THEN w.coding END"
    reaction = "CASE WHEN w.domain IS DISTINCT FROM 'Drug' THEN w.coding END"
    return resource(
        "AllergyIntolerance",
        f"',\"code\":{{\"coding\":[' || concat_ws(',', c.coding, {other}, {drug}) || ']}}'",
        dated("recordedDate", "recorded", RECORDED),
        f'\',"reaction":[{{"manifestation":[{{"coding":[\' || {reaction} || \']}}]}}]\'',
    )


def _earlier(status: str) -> str:
    """A condition that the value names."""
    text = f"CASE WHEN w.coding IS NULL THEN {member('text', json_text('r.value_as_string'))} END"
    coding = "',\"coding\":[' || w.coding || ']'"
    named = f"'{{' || nullif(substr(concat({coding}, {text}), 2), '') || '}}'"
    return resource("Condition", status, member("code", named), dated("recordedDate", "recorded", RECORDED))


def _history() -> str:
    return _earlier(coded_status("clinicalStatus", CLINICAL, "'inactive'"))


def _no_history() -> str:
    return _earlier(coded_status("verificationStatus", VERIFICATION, "'refuted'"))


KINDS: Final = {ALLERGY: "AllergyIntolerance", HISTORY: "Condition", NO_HISTORY: "Condition"}
CONTENTS: Final[Mapping[str, Callable[[], str]]] = {ALLERGY: _allergy, HISTORY: _history, NO_HISTORY: _no_history}
