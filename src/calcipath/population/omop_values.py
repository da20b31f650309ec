"""SQL that reads one cell of an OMOP table, whatever type the column has; null where it is not what it should be.

Exports differ: identifiers come as `12.0`, dates as text, dates with a time of midnight, numbers as text.
"""

from __future__ import annotations

from typing import Final

from calcipath.population.omop_schema import Kind

_INTEGERS: Final = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
)
_INTEGERS_LARGE: Final = frozenset({"HUGEINT", "UHUGEINT"})
_MIDNIGHT: Final = "TIME '00:00:00'"
SQL_TYPES: Final[dict[Kind, str]] = {
    "key": "VARCHAR",
    "concept": "BIGINT",
    "date": "DATE",
    "instant": "TIMESTAMP",
    "number": "DOUBLE",
    "text": "VARCHAR",
}


def as_text(column: str, sql_type: str) -> str:
    """The cell as trimmed text; empty is null."""
    if sql_type == "VARCHAR":
        return f"nullif(trim({column}), '')"
    return f"CAST({column} AS VARCHAR)"


def cell(column: str, sql_type: str, kind: Kind) -> str:
    """The cell as what its kind asks for. A concept id of 0, which means "none", is null."""
    if kind == "text":
        return as_text(column, sql_type)
    if kind == "key":
        return _key(column, sql_type)
    if kind == "concept":
        return f"nullif({_whole(column, sql_type)}, 0)"
    if kind == "number":
        return _number(column, sql_type)
    return _date(column, sql_type) if kind == "date" else _instant(column, sql_type)


def is_doubtful(column: str, sql_type: str, kind: Kind) -> str:
    """Whether something stands in the cell that is not what its kind asks for."""
    read = _whole(column, sql_type) if kind == "concept" else cell(column, sql_type, kind)
    return f"({as_text(column, sql_type)} IS NOT NULL AND {read} IS NULL)"


def when(date: str, instant: str) -> str:
    """A date and the instant beside it as one FHIR date: the instant where it is of that day and not its midnight.

    A midnight is a date that was made into an instant: it says no time of day.
    """
    whole = f"CAST(coalesce({date}, CAST({instant} AS DATE)) AS VARCHAR)"
    told = f"{instant} IS NOT NULL AND CAST({instant} AS TIME) <> {_MIDNIGHT}"
    same = f"({date} IS NULL OR CAST({instant} AS DATE) = {date})"
    return f"CASE WHEN {told} AND {same} THEN replace(CAST({instant} AS VARCHAR), ' ', 'T') ELSE {whole} END"


def _is_number(sql_type: str) -> bool:
    integer = sql_type in _INTEGERS or sql_type in _INTEGERS_LARGE
    return integer or sql_type in ("DOUBLE", "FLOAT") or sql_type.startswith("DECIMAL")


def _whole(column: str, sql_type: str) -> str:
    if sql_type in _INTEGERS:
        return f"TRY_CAST({column} AS BIGINT)"
    if _is_number(sql_type):
        return f"CASE WHEN {column} = floor({column}) THEN TRY_CAST({column} AS BIGINT) END"
    text = as_text(column, sql_type)
    pointed = (
        f"CASE WHEN regexp_full_match({text}, '[0-9]+[.]0*') THEN TRY_CAST(split_part({text}, '.', 1) AS BIGINT) END"
    )
    return f"CASE WHEN contains({text}, '.') THEN {pointed} ELSE TRY_CAST({text} AS BIGINT) END"


def _key(column: str, sql_type: str) -> str:
    if _is_number(sql_type):
        return f"CAST({_whole(column, sql_type)} AS VARCHAR)"
    text = as_text(column, sql_type)
    return f"CASE WHEN suffix({text}, '.0') THEN left({text}, -2) ELSE {text} END"


def _number(column: str, sql_type: str) -> str:
    if not _is_number(sql_type):
        text = as_text(column, sql_type)
        column = f"CASE WHEN NOT contains({text}, '_') THEN TRY_CAST({text} AS DOUBLE) END"
    else:
        column = f"CAST({column} AS DOUBLE)"
    return f"CASE WHEN isfinite({column}) THEN {column} END"


def _possible(read: str) -> str:
    """Dates that FHIR can write; the year 9999 stands for "no end"."""
    return f"CASE WHEN year({read}) BETWEEN 1000 AND 9998 THEN {read} END"


def _date(column: str, sql_type: str) -> str:
    if sql_type == "DATE" or sql_type.startswith("TIMESTAMP"):
        return _possible(f"CAST({column} AS DATE)")
    return _possible(f"TRY_CAST({as_text(column, sql_type)} AS DATE)")


def _instant(column: str, sql_type: str) -> str:
    if sql_type == "DATE" or sql_type.startswith("TIMESTAMP"):
        return _possible(f"CAST({column} AS TIMESTAMP)")
    return _possible(f"TRY_CAST({as_text(column, sql_type)} AS TIMESTAMP)")
