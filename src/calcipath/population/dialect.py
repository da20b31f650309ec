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

    @property
    def text(self) -> str:
        """The type of a text of any length."""
        return "VARCHAR" if self.name == "duckdb" else "STRING"

    def named(self, column: str) -> str:
        """A column whose name has capitals or may be a word of SQL."""
        return f'"{column}"' if self.name == "duckdb" else f"`{column}`"

    def literal(self, text: str) -> str:
        """A text; only Spark reads a backslash as an escape."""
        text = text.replace("'", "''")
        return f"'{text}'" if self.name == "duckdb" else "'" + text.replace("\\", "\\\\") + "'"

    def joined(self, *parts: str) -> str:
        """Texts as one; a null among them is nothing."""
        listed = ", ".join(parts)
        return f"concat({listed})" if self.name == "duckdb" else f"concat_ws('', {listed})"

    def matches(self, text: str, pattern: str) -> str:
        """Whether the whole text is of a pattern."""
        if self.name == "duckdb":
            return f"regexp_full_match({text}, {self.literal(pattern)})"
        whole = rf"\A(?:{pattern})\z"
        return f"{text} RLIKE {self.literal(whole)}"

    def any_known(self, value: str) -> str:
        """In a group, any value that is not null."""
        return f"any_value({value})" if self.name == "duckdb" else f"any_value({value}, true)"

    def words_at(self, json: str, path: str) -> str:
        """What stands at a path of a JSON text, a string without its quotation marks. A path is a member or `$...`."""
        if self.name == "duckdb":
            return f"{json} ->> '{path}'"
        return f"get_json_object({json}, '{path if path[0] == '$' else f'$.{path}'}')"

    def json_at(self, json: str, member: str) -> str:
        """The JSON text of a member."""
        if self.name == "duckdb":
            return f"CAST({json} -> '{member}' AS VARCHAR)"
        return f"to_json(try_variant_get(try_parse_json({json}), '$.{member}', 'variant'))"

    def is_string(self, json: str, path: str = "") -> str:
        """Whether a JSON text, or what stands at a path of it, is a string."""
        if self.name == "duckdb":
            place = f", '{path}'" if path else ""
            return f"json_type({json}{place}) = 'VARCHAR'"
        return f"startswith({self.json_at(json, path[2:]) if path else json}, '\"')"

    def members(self, json: str, names: tuple[str, ...]) -> str:
        """The JSON texts of several members as a list; null without the whole."""
        if self.name == "duckdb":
            paths = ", ".join(f"'$.{name}'" for name in names)
            return f"CASE WHEN {json} IS NOT NULL THEN json_extract({json}, [{paths}]) END"
        return f"CASE WHEN {json} IS NOT NULL THEN array({', '.join(self.json_at(json, name) for name in names)}) END"

    def nth(self, texts: str, place: int) -> str:
        """One text of such a list, the first being 1."""
        return f"CAST({texts}[{place}] AS VARCHAR)" if self.name == "duckdb" else f"element_at({texts}, {place})"


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
