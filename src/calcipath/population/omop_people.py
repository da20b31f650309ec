"""PERSON, DEATH and CARE_SITE as the flat table of patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from calcipath.population.omop_rows import NO_TEXT, lookup
from calcipath.population.omop_source import OmopSource
from calcipath.population.omop_values import when

SEXES: Final[Mapping[int, str]] = {8507: "male", 8532: "female", 8521: "other", 8551: "unknown"}
SEX_WORDS: Final = {"m": "male", "male": "male", "f": "female", "female": "female"}


def patients_sql(source: OmopSource) -> str:
    """Every row of PERSON in the flat form."""
    died, joined = NO_TEXT, ""
    site = "CASE WHEN p.care_site_id IS NOT NULL THEN 'care site ' || p.care_site_id END"
    if source.has("death"):
        first = f"min({when('death_date', 'death_datetime')})"
        deaths = f"SELECT person_id, {first} AS died FROM ({source.rows('death')}) GROUP BY person_id"
        joined += f" LEFT JOIN ({deaths}) AS d ON p.person_id = d.person_id"
        died = "d.died"
    if source.has("care_site"):
        name = "any_value(coalesce(care_site_name, care_site_source_value))"
        sites = f"SELECT care_site_id, {name} AS site FROM ({source.rows('care_site')}) GROUP BY care_site_id"
        joined += f" LEFT JOIN ({sites}) AS c ON p.care_site_id = c.care_site_id"
        site = f"coalesce(c.site, {site})"
    return (
        f"SELECT p.person_id AS patient, {_sex()} AS sex, {_born()} AS birth_date, {died} AS death_date, {site} AS site "
        f"FROM ({source.rows('person')}) AS p{joined} WHERE p.person_id IS NOT NULL"
    )


def _sex() -> str:
    ids = " ".join(f"WHEN {number} THEN '{sex}'" for number, sex in SEXES.items())
    return f"coalesce(CASE p.gender_concept_id {ids} END, {lookup(SEX_WORDS, 'lower(p.gender_source_value)')})"


def _born() -> str:
    """Year, month and day as far as they are given. What `birth_datetime` adds counts unless it is the first of a year
    or month, which the CDM tells to put where month or day is not known."""
    year = "coalesce(p.year_of_birth, year(p.birth_datetime))"
    agrees = f"year(p.birth_datetime) = {year}"
    in_year = f"{agrees} AND (month(p.birth_datetime) <> 1 OR day(p.birth_datetime) <> 1)"
    month = f"coalesce(p.month_of_birth, CASE WHEN {in_year} THEN month(p.birth_datetime) END)"
    in_month = f"{agrees} AND month(p.birth_datetime) = {month} AND day(p.birth_datetime) <> 1"
    day = f"coalesce(p.day_of_birth, CASE WHEN {in_month} THEN day(p.birth_datetime) END)"
    y, m, d = _digits(year, 4), _digits(month, 2), _digits(day, 2)
    whole = f"concat({y}, '-', {m}, '-', {d})"
    return (
        f"CASE WHEN {year} IS NULL OR {year} NOT BETWEEN 1000 AND 9998 THEN NULL "
        f"WHEN {month} IS NULL OR {month} NOT BETWEEN 1 AND 12 THEN {y} "
        f"WHEN {day} IS NOT NULL AND {day} BETWEEN 1 AND 31 AND TRY_CAST({whole} AS DATE) IS NOT NULL THEN {whole} "
        f"ELSE concat({y}, '-', {m}) END"
    )


def _digits(number: str, width: int) -> str:
    return f"lpad(CAST(TRY_CAST({number} AS INTEGER) AS VARCHAR), {width}, '0')"
