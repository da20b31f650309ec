"""The frame in which each table of OMOP CDM becomes flat events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from calcipath.population.marks import ENDED, STARTED
from calcipath.population.omop_schema import STEMS, TABLES
from calcipath.population.omop_source import OmopSource

NO_TEXT: Final = "CAST(NULL AS VARCHAR)"
NO_NUMBER: Final = "CAST(NULL AS DOUBLE)"


@dataclass(frozen=True, slots=True)
class Row:
    """SQL for one row `r` of a table: what its resource says, and what was taken out of it.

    `content` and `notes` may use the columns `started`, `ended`, `recorded` and `value`. `kind` is the resource type as
    SQL; `joins` gives the aliases that the others use.
    """

    table: str
    kind: str
    content: str
    joins: str = ""
    started: str = NO_TEXT
    ended: str = NO_TEXT
    recorded: str = NO_TEXT
    value: str = NO_NUMBER
    notes: str = NO_TEXT
    where: str = "true"


def row_sql(source: OmopSource, row: Row) -> str:
    """The flat events of a table, and the column `visit`, which is null: every row has its own date."""
    key = TABLES[row.table].key[0]
    named = f"coalesce(r.{key}, CASE WHEN r.{key} IS NULL THEN 'unnumbered-' || hash(r) END)"
    made = (
        f"SELECT r.person_id AS patient, {row.started} AS started, {row.ended} AS ended, {row.recorded} AS recorded, "
        f"{row.value} AS value, concat({row.kind}, '/{STEMS[row.table]}-', {named}) AS reference, "
        f"{row.content} AS content, {row.notes} AS notes "
        f"FROM ({source.rows(row.table)}) AS r {row.joins} WHERE {row.where}"
    )
    return f"SELECT patient, reference, content, started, ended, recorded, value, notes, {NO_TEXT} AS visit FROM ({made}) AS made"


def resource(resource_type: str, *members: str) -> str:
    """A JSON object of the type; members that are null are left out."""
    return f"concat('{{\"resourceType\":\"{resource_type}\"', {', '.join(members)}, '}}')"


def dated(name: str, column: str, mark: str) -> str:
    """The member of a date, where there is one."""
    return f'CASE WHEN {column} IS NOT NULL THEN \',"{name}":"{mark}"\' END'


def period(name: str, date: str = "") -> str:
    """The member of a period from `started` to `ended`; with a start alone it is the member `date`, if that is named."""
    start, end = f'"start":"{STARTED}"', f'"end":"{ENDED}"'
    alone = f',"{date}":"{STARTED}"' if date else f',"{name}":{{{start}}}'
    return (
        f"CASE WHEN started IS NULL AND ended IS NULL THEN NULL WHEN ended IS NULL THEN '{alone}' "
        f"WHEN started IS NULL THEN ',\"{name}\":{{{end}}}' ELSE ',\"{name}\":{{{start},{end}}}' END"
    )


def lookup(words: dict[str, str], of: str) -> str:
    """The value beside a text, null where it is none of the keys."""
    cases = " ".join(f"WHEN '{word}' THEN '{value}'" for word, value in words.items())
    return f"CASE {of} {cases} END"
