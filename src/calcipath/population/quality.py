"""What the data of a population are like: what could not be read, or was not used, and how much of it.

Counted by content where that can be; only the numbers and dates of entries are looked at one by one.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final, Protocol

from calcipath.population.dialect import DUCKDB
from calcipath.population.duckdb_engine import Database
from calcipath.population.forms import CLOSED, FormReader
from calcipath.population.interval_sql import BELIEVED, EXACT, intervals_sql
from calcipath.population.marks import TimeSource
from calcipath.population.picking_sql import occurrence_sql
from calcipath.population.screening import ScreenOptions, Told

MOST_CODES: Final = 50
MOST_PROBLEMS: Final = 1_000
A_CODE: Final = "[0-9A-Za-z][0-9A-Za-z.:/_^-]{0,39}"  # anything else may be words of a note
A_SYSTEM: Final = "[!-~]{0,200}"
NOT_SHOWN: Final = "(not shown)"
FURTHEST_ZONES: Final = timedelta(days=2)  # of one instant in any two zones the dates as written are nearer
IMPLAUSIBLE, IMPOSSIBLE = "value-implausible", "unit-impossible"  # as `record.quantities` calls them


class Screened(Protocol):
    """A screening that is done; `counted` (content, entries) and the tables of forms are in the database."""

    options: ScreenOptions
    reader: FormReader

    def told(self) -> Told: ...


def quality(database: Database, screening: Screened) -> dict[str, Any]:
    """The content of `quality.json`; the tables of the screening must be made.

    Where the entries are on a cluster, `future` and `values_not_used` are null: not counted.
    """
    told = screening.told()
    as_of = screening.options.as_of if told.entries_at_hand else ""
    problems = _problems(database)
    for kind, table, column, number in told.problems:
        problems.append(_problem(str(table), str(kind), f"column {column}" if column else "", int(number)))
    future = _future(database, as_of)
    problems.extend(_problem(kind, "future-date", "dated later; not used", number) for kind, number in future.items())
    values = _values_not_used(database, screening) if told.entries_at_hand else None
    problems.sort(key=lambda each: (-each["entries"], each["resource_type"], each["problem"], each["handling"]))
    return {
        "kind": told.kind,
        "resources": dict(sorted((told.resources | _entries_by_type(database, told.kind)).items())),
        "unreadable": told.unreadable,
        "samples": [{"file": s.file, "line": s.line, "why": s.why} for s in told.samples],
        "nobody": told.nobody,
        "strangers": told.strangers,
        "versions": told.versions,
        "future": sum(future.values()) if as_of else None,
        "problems": problems[:MOST_PROBLEMS],
        "problems_not_listed": max(0, len(problems) - MOST_PROBLEMS),
        "values_not_used": values,
        "codes_not_recognised": dict(database.run(_SYSTEMS)),
        "nothing_recognised": [
            {"resource_type": kind, "contents": int(contents), "entries": int(entries)}
            for kind, contents, entries in database.run(_NOTHING)
        ],
        "frequent_codes": [
            {"resource_type": kind, "system": system, "code": code, "contents": int(contents), "entries": int(entries)}
            for kind, system, code, contents, entries in database.run(_CODES)
        ],
    }


def _entries_by_type(database: Database, kind: str) -> dict[str, int]:
    """How many entries of each resource type were read; OMOP tells the rows of its tables instead."""
    if kind.startswith("OMOP"):
        return {}
    found = database.run(
        "SELECT f.resource_type, sum(n.entries) FROM form_content f JOIN counted n ON n.content = f.content GROUP BY 1"
    )
    return {str(resource_type): int(number) for resource_type, number in found}


def _problem(resource_type: str, problem: str, handling: str, entries: int) -> dict[str, Any]:
    return {"resource_type": resource_type, "problem": problem, "handling": handling, "entries": entries}


def _problems(database: Database) -> list[dict[str, Any]]:
    """What contents say by themselves; values without a fitting unit are among `values_not_used` too."""
    told = "SELECT DISTINCT content, resource_type, problem, handling FROM form_problem"
    found = database.run(
        "SELECT resource_type, problem, handling, sum(entries) "
        f"FROM ({told}) AS p JOIN counted c ON p.content = c.content GROUP BY ALL"
    )
    return [_problem(kind, problem, handling, int(entries)) for kind, problem, handling, entries in found]


def _shown(column: str, pattern: str) -> str:
    return f"CASE WHEN regexp_full_match({column}, '{pattern}') THEN {column} ELSE '{NOT_SHOWN}' END"


_SYSTEM: Final = f"CASE WHEN u.system = '' THEN 'no system' ELSE {_shown('u.system', A_SYSTEM)} END"
_SYSTEMS: Final = (
    f"SELECT {_SYSTEM} AS system, CAST(sum(c.entries) AS BIGINT) AS entries FROM form_unknown_code u "
    "JOIN counted c ON u.content = c.content GROUP BY ALL ORDER BY entries DESC, system"
)
_CODES: Final = (
    f"SELECT f.resource_type, {_SYSTEM} AS system, {_shown('u.code', A_CODE)} AS code, count(*) AS contents, "
    "sum(c.entries) AS entries FROM (SELECT DISTINCT * FROM form_unknown_code) AS u JOIN counted c ON u.content = c.content "
    f"JOIN form_content f ON u.content = f.content GROUP BY ALL ORDER BY entries DESC, f.resource_type, system, code LIMIT {MOST_CODES}"
)
_NOTHING: Final = (
    "SELECT f.resource_type, count(*) AS contents, sum(c.entries) AS entries FROM form_content f "
    "JOIN counted c ON f.content = c.content WHERE f.events > 0 AND NOT f.recognised "
    "GROUP BY f.resource_type ORDER BY entries DESC, f.resource_type"
)


def _future(database: Database, as_of: str) -> dict[str, int]:
    """Of the entries that bear on a fact, those dated after the day of the assessment, by resource type."""
    if not as_of:
        return {}
    late = f"'{date.fromisoformat(as_of[:10]) - FURTHEST_ZONES}'"
    inside = f"SELECT content FROM form_event WHERE dated_from = {TimeSource.CONTENT:d} AND dated > {late}"
    # The comparison of texts only keeps most dates from being read.
    maybe = f"started > {late} OR ended > {late} OR recorded > {late} OR content IN ({inside})"
    numbered = f"(SELECT * REPLACE (CAST(row_number() OVER () AS VARCHAR) AS reference) FROM entry WHERE {maybe})"
    database.run(f"CREATE OR REPLACE TEMP TABLE maybe_later AS SELECT * FROM {numbered}")
    all_, kept = (
        f"SELECT reference, event FROM ({occurrence_sql(DUCKDB, moment, 'maybe_later')})" for moment in ("", as_of)
    )
    found = database.run(
        f"SELECT f.resource_type, count(DISTINCT m.reference) FROM ({all_} EXCEPT {kept}) AS later "
        "JOIN maybe_later m ON later.reference = m.reference JOIN form_content f ON m.content = f.content GROUP BY ALL"
    )
    return {str(kind): int(number) for kind, number in found}


def _values_not_used(database: Database, screening: Screened) -> list[dict[str, Any]]:
    """By fact: values out of their believable range, and values without a fitting unit."""
    facts = screening.reader.facts
    found = {(str(fact), str(why)): int(entries) for fact, why, entries in database.run(_WITHOUT_UNIT)}
    for number, unit, entries in _out_of_range(database, screening.options.as_of):
        key = facts[number].id, IMPOSSIBLE if unit else IMPLAUSIBLE
        found[key] = found.get(key, 0) + entries
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [{"fact": fact, "why": why, "entries": entries} for (fact, why), entries in ranked]


_WITHOUT_UNIT: Final = (
    "SELECT p.fact, p.problem, sum(c.entries) FROM (SELECT DISTINCT content, fact, problem FROM form_problem "
    "WHERE fact <> '') AS p JOIN counted c ON p.content = c.content GROUP BY ALL"
)


# Most values lie well within their range, whatever rounding does; the others are looked at as the picking does.
_SURELY_BELIEVED: Final = (
    f"bound = {CLOSED} AND exact > believable_low + 1e-6 * (1 + abs(believable_low)) "
    "AND exact < believable_high - 1e-6 * (1 + abs(believable_high))"
)


def _out_of_range(database: Database, as_of: str) -> list[tuple[int, bool, int]]:
    """Fact, whether another accepted unit would make the value believable, and how many entries."""
    read = (
        "SELECT e.patient, e.content AS of_content, e.started, e.ended, e.recorded, e.value, q.*, "
        f"{EXACT.format(entry='e', unit='q')} AS exact FROM entry e JOIN form_event f ON e.content = f.content "
        "JOIN form_measure q ON f.event = q.event WHERE q.has_number"
    )
    read = f"SELECT * FROM ({read}) AS r WHERE NOT coalesce({_SURELY_BELIEVED}, false)"
    columns = "row_number() OVER () AS place, l.* EXCLUDE (exact, v, low, high)"
    database.run(
        f"CREATE OR REPLACE TEMP TABLE unbelieved AS SELECT {columns} FROM ({intervals_sql(read)}) AS l "
        f"WHERE NOT ({BELIEVED})"
    )
    instead = (
        f"SELECT q.*, {EXACT.format(entry='q', unit='u')} AS exact FROM unbelieved q "
        "JOIN form_other_unit u ON q.event = u.event AND q.fact = u.fact"
    )
    fitting = f"SELECT place FROM ({intervals_sql(instead)}) AS l WHERE {BELIEVED}"
    entry = "(SELECT CAST(place AS VARCHAR) AS reference, patient, of_content AS content, started, ended, recorded, value FROM unbelieved)"
    of_time = f"SELECT reference, event FROM ({occurrence_sql(DUCKDB, as_of, entry)})"
    found = database.run(
        f"SELECT u.fact, u.place IN ({fitting}) AS unit, count(*) FROM unbelieved u "
        f"JOIN ({of_time}) AS o ON o.reference = CAST(u.place AS VARCHAR) AND o.event = u.event GROUP BY ALL"
    )
    return [(int(fact), bool(unit), int(entries)) for fact, unit, entries in found]
