"""Concepts of OMOP as FHIR codings: the code and name that CONCEPT gives, under the code system's FHIR address.

Source of the addresses: FHIR R4, "Using code systems" (http://hl7.org/fhir/R4/terminologies-systems.html), and HL7
Terminology for those that came later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from calcipath.population.fhir_lines import quoted
from calcipath.population.omop_schema import STEMS, TABLES
from calcipath.population.omop_source import OmopSource

UCUM: Final = "http://unitsofmeasure.org"
SYSTEMS: Final[Mapping[str, str]] = {
    "SNOMED": "http://snomed.info/sct",
    "ICD10CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICD10": "http://hl7.org/fhir/sid/icd-10",
    "ICD10GM": "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
    "ICD9CM": "http://hl7.org/fhir/sid/icd-9-cm",
    "ICD10PCS": "http://www.cms.gov/Medicare/Coding/ICD10",
    "ICD9Proc": "http://hl7.org/fhir/sid/icd-9-cm",
    "CPT4": "http://www.ama-assn.org/go/cpt",
    "HCPCS": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "OPS": "http://fhir.de/CodeSystem/bfarm/ops",
    "LOINC": "http://loinc.org",
    "RxNorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "ATC": "http://www.whocc.no/atc",
    "NDC": "http://hl7.org/fhir/sid/ndc",
    "NDFRT": "http://hl7.org/fhir/ndfrt",
    "CVX": "http://hl7.org/fhir/sid/cvx",
    "dm+d": "https://dmd.nhs.uk",
    "UCUM": UCUM,
}
# What the name of a concept says of the value beside it; the first that fits.
ALLERGY, FAMILY, NO_HISTORY, HISTORY = "allergy", "family", "no-history", "history"
TELLING_NAMES: Final[Mapping[str, str]] = {
    FAMILY: "^family (medical )?history|^no family history",
    NO_HISTORY: "^no (past medical |past |personal )?history of ",
    HISTORY: "^(past medical |past |personal )?history of |^h/o",
    ALLERGY: (
        "^(allergy|hypersensitivity|intolerance|allergic reaction|propensity to adverse reactions?) to "
        "|allerg(y|ies)$|^allergic disposition"
    ),
}
LOCAL: Final = "omop:"  # before the name of any other vocabulary, and of a column of source values
USED_TABLE: Final = "omop_used_concept"
CONCEPT_TABLE: Final = "omop_concept"


def used_concepts_sql(source: OmopSource) -> str:
    """Every concept id that the tables of events and persons use."""
    tables = [table for table in (*STEMS, "person") if source.has(table)]
    selects = [
        f"SELECT DISTINCT unnest([{', '.join(held)}]) AS id FROM ({source.rows(table)})"
        for table in tables
        if (held := concept_columns(source, table))
    ]
    found = " UNION ALL ".join(["SELECT CAST(NULL AS BIGINT) AS id", *selects])
    return f"SELECT DISTINCT id FROM ({found}) WHERE id IS NOT NULL"


def concept_columns(source: OmopSource, table: str) -> list[str]:
    """The columns of a table that hold concept ids and are there."""
    return [name for name in TABLES[table].concept if name in source.tables[table].names]


def concepts_sql(source: OmopSource) -> str:
    """The concepts in use: id, vocabulary, domain, code, name, and the FHIR coding. One that CONCEPT does not hold has
    only a coding that tells its id. Reads the table of used concepts."""
    unknown = f'concat(\'{{"system":"{LOCAL}concept_id","code":"\', u.id, \'"}}\')'
    if not source.has("concept"):
        nothing = ", ".join(f"CAST(NULL AS VARCHAR) AS {name}" for name in ("vocabulary", "domain", "code", "name"))
        return f"SELECT u.id, {nothing}, CAST(NULL AS VARCHAR) AS tells, false AS known, {unknown} AS coding FROM {USED_TABLE} AS u"
    held = (
        "SELECT id, any_value(vocabulary_id) AS vocabulary, any_value(domain_id) AS domain, "
        "any_value(concept_code) AS code, any_value(concept_name) AS name "
        f"FROM (SELECT *, TRY_CAST(concept_id AS BIGINT) AS id FROM ({source.rows('concept')})) "
        f"WHERE id IN (SELECT id FROM {USED_TABLE}) GROUP BY id"
    )
    systems = " ".join(f"WHEN {quoted(name)} THEN {quoted(system)}" for name, system in SYSTEMS.items())
    system = f"CASE c.vocabulary {systems} ELSE '{LOCAL}' || c.vocabulary END"
    parts = ", ".join(
        [
            member("system", json_text(system), ""),
            member("code", json_text("c.code")),
            member("display", json_text("c.name")),
        ]
    )
    return (
        f"SELECT u.id, c.vocabulary, c.domain, c.code, c.name, {_tells()} AS tells, c.code IS NOT NULL AS known, "
        f"CASE WHEN c.code IS NULL THEN {unknown} ELSE concat('{{', {parts}, '}}') END AS coding "
        f"FROM {USED_TABLE} AS u LEFT JOIN ({held}) AS c ON u.id = c.id"
    )


def _tells() -> str:
    cases = " ".join(
        f"WHEN regexp_matches(lower(c.name), {quoted(like)}) THEN '{word}'" for word, like in TELLING_NAMES.items()
    )
    return f"CASE {cases} END"


def json_text(text: str) -> str:
    """An SQL text as a JSON string; null stays null."""
    return f"CAST(to_json({text}) AS VARCHAR)"


def joins(columns: Mapping[str, str]) -> str:
    """Left joins of the concepts in use: alias by column of the row `r`."""
    return " ".join(
        f"LEFT JOIN {CONCEPT_TABLE} AS {alias} ON r.{column} = {alias}.id" for column, alias in columns.items()
    )


def concept_sql(standard: str, original: str, source_value: str) -> str:
    """A CodeableConcept of a row: the standard concept, the concept of the source code, and what the source had
    written where no concept stands for that; null where there is nothing.

    `standard` and `original` are aliases of joined concepts, `source_value` is a column of `r`. What was written is the
    concept's text where it has words.
    """
    local = (
        f"CASE WHEN {original}.known IS NOT TRUE AND r.{source_value} IS NOT NULL THEN "
        f'concat(\'{{"system":"{LOCAL}{source_value}","code":\', {json_text(f"r.{source_value}")}, \'}}\') END'
    )
    other = f"CASE WHEN {standard}.id IS DISTINCT FROM {original}.id THEN {original}.coding END"
    codings = f"nullif(concat_ws(',', {standard}.coding, {other}, {local}), '')"
    wordy = f"{original}.known IS NOT TRUE AND regexp_matches(r.{source_value}, '\\p{{L}}{{4}}')"
    text = f"CASE WHEN {wordy} THEN ',\"text\":' || {json_text(f'r.{source_value}')} END"
    return f"CASE WHEN {codings} IS NOT NULL THEN concat('{{\"coding\":[', {codings}, ']', {text}, '}}') END"


def only_coding(alias: str) -> str:
    """A CodeableConcept of one joined concept; null where there is none."""
    return f"'{{\"coding\":[' || {alias}.coding || ']}}'"


def member(name: str, value: str, before: str = ",") -> str:
    """`,"name":value` of a JSON object; null where the value is."""
    return f"'{before}\"{name}\":' || {value}"
