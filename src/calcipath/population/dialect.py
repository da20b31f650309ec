"""The few expressions that DuckDB and Spark write differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Dialect:
    """One engine's way to write what the two do not share."""

    name: Literal["duckdb", "spark"]

    def days(self, date: str) -> str:
        """Days since 1970 of a date."""
        return f"date_diff('day', DATE '1970-01-01', {date})" if self.name == "duckdb" else f"unix_date({date})"

    def struct(self, **fields: str) -> str:
        """A row value; rows compare field by field."""
        if self.name == "duckdb":
            return "struct_pack(" + ", ".join(f'"{name}" := {value}' for name, value in fields.items()) + ")"
        return "named_struct(" + ", ".join(f"'{name}', {value}" for name, value in fields.items()) + ")"


DUCKDB: Final = Dialect("duckdb")
SPARK: Final = Dialect("spark")
INFINITY: Final = "CAST('Infinity' AS DOUBLE)"
NOWHERE: Final = "CAST('-Infinity' AS DOUBLE)"


def when_low(written: str, dialect: Dialect) -> str:
    """The first instant that a valid FHIR date can mean, in seconds since 1970 (as `record.dates.parse_when`)."""
    whole = f"concat(substr({written}, 1, 10), substr('-01-01', length({written}) - 3, 6))"
    day = f"CASE WHEN length({written}) < 10 THEN {whole} ELSE substr({written}, 1, 10) END"
    midnight = f"CAST({dialect.days(f'CAST({day} AS DATE)')} AS DOUBLE) * 86400"
    timed = f"length({written}) > 10"
    seconds = f"{midnight} + CASE WHEN {timed} THEN {_seconds_of_day(written)} ELSE 0 END"
    return f"({seconds}) + CASE WHEN {timed} THEN {_fraction(written)} ELSE 0 END"


def when_high(written: str, low: str, dialect: Dialect) -> str:
    """The last instant that it can mean; `low` is the first."""
    year = f"CAST(concat(lpad(CAST(CAST(substr({written}, 1, 4) AS INT) + 1 AS VARCHAR(5)), 4, '0'), '-01-01') AS DATE)"
    next_month = (
        f"CAST(concat(substr({written}, 1, 5), "
        f"lpad(CAST(CAST(substr({written}, 6, 2) AS INT) + 1 AS VARCHAR(5)), 2, '0'), '-01') AS DATE)"
    )
    whole_year = f"length({written}) = 4 OR substr({written}, 6) = '12'"
    return (
        f"CASE WHEN {whole_year} THEN CAST({dialect.days(year)} AS DOUBLE) * 86400 - 1 "
        f"WHEN length({written}) = 7 THEN CAST({dialect.days(next_month)} AS DOUBLE) * 86400 - 1 "
        f"WHEN length({written}) = 10 THEN {low} + 86399 "
        f"WHEN substr({written}, 17, 1) = ':' THEN {low} ELSE {low} + 59 END"
    )


def _sign(written: str) -> str:
    return f"substr({written}, length({written}) - 5, 1)"


def _seconds_of_day(written: str) -> str:
    def part(first: str) -> str:
        return f"CAST(substr({written}, {first}, 2) AS INT)"

    size, sign = f"length({written})", _sign(written)
    east = f"{part(f'{size} - 4')} * 60 + {part(f'{size} - 1')}"
    offset = f"CASE {sign} WHEN '+' THEN {east} WHEN '-' THEN -({east}) ELSE 0 END"
    seconds = f"CASE WHEN substr({written}, 17, 1) = ':' THEN {part('18')} ELSE 0 END"
    return f"{part('12')} * 3600 + ({part('15')} - ({offset})) * 60 + {seconds}"


def _fraction(written: str) -> str:
    size = f"length({written})"
    tail = f"CASE WHEN {_sign(written)} IN ('+', '-') THEN 6 WHEN substr({written}, {size}, 1) = 'Z' THEN 1 ELSE 0 END"
    digits = f"substr({written}, 20, {size} - 19 - ({tail}))"
    return f"CASE WHEN substr({written}, 20, 1) = '.' THEN CAST(concat('0', {digits}) AS DOUBLE) ELSE 0 END"


DATE: Final = (
    r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01])"
    r"(T([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]|60)(\.[0-9]+)?)?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?)?)?)?"
)
