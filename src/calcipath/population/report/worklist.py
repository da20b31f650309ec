"""The worklist: one row for a patient and an item that needs somebody's eye, most urgent first.

Everything is done by the engine, so that memory does not grow with the population; Python only makes words for the
few combinations of entry and circumstances that occur.
"""

from __future__ import annotations

from dataclasses import astuple, fields
from pathlib import Path
from typing import Final

from calcipath.guideline.model import Guideline
from calcipath.output.wording import unit
from calcipath.population.duckdb_engine import JOIN_CHOICES, LONG_TEXT
from calcipath.population.reason_query import missing_query
from calcipath.population.report.csv_files import copy_csv
from calcipath.population.report.row_texts import RowText, computed_numbers, row_text
from calcipath.population.report.run_folder import ReportDatabase, RunFolder, literal
from calcipath.population.report.standing_sql import Listing, StandingSql
from calcipath.population.sql_columns import identifier
from calcipath.population.verdict_sql import HIGH, LOW

COLUMNS: Final = (
    "rank", "patient", "site", "urgency", "list_group", "item", "verdict", "what", "why", "evidence", "to_do", "held_by",
    "decides", "ask_first", "cautions", "changes", "strength", "source", "as_of",
)  # fmt: skip
NOT_KNOWN: Final = "not known: "  # before a list of facts
PORTION: Final = 100_000  # rows
_OWN: Final = ("rank", "patient", "site", "why", "evidence", "as_of")
_NAMED: Final = {"list_group": "t.group_label", "group_id": "t.list_group"}
_SQL_TYPES: Final = {"int": "BIGINT", "str": "VARCHAR", "list[str]": "VARCHAR[]"}
_SPELT: Final = {"a": "years", "d": "days", "/wk": "a week"}
_TEXT_KEY: Final = "t.entry = l.entry AND t.detail = l.detail"


def make_worklist(database: ReportDatabase, run: RunFolder, standing: StandingSql) -> None:
    """The tables `standing` (one row a patient), `ranked` (the rows of the list, bare) and `worklist` (in their order)."""
    listing = standing.listing
    _stand(database, run, standing)
    _list(database, standing)
    _word(database, listing)
    _rank(database)
    _miss(database, run, listing)
    _explain(database, run, listing)
    _gather(database)


def _stand(database: ReportDatabase, run: RunFolder, standing: StandingSql) -> None:
    found = standing.select(run.facts)
    with database.without(LONG_TEXT):
        database.run(
            f"CREATE OR REPLACE TABLE packed AS SELECT p.site, p.as_of, s.* FROM ({found}) AS s "
            f"JOIN (SELECT patient, site, as_of FROM {run.patients}) AS p ON s.patient = p.patient"
        )
    entries = f"SELECT patient, site, as_of, {standing.columns()} FROM packed"
    database.run(f"CREATE OR REPLACE VIEW standing AS {entries}")


def _list(database: ReportDatabase, standing: StandingSql) -> None:
    database.run("CREATE OR REPLACE TABLE listed (patient VARCHAR, entry INTEGER, detail BIGINT)")
    items = standing.listing.items
    for number, entry in enumerate(standing.listing.entries):
        detail, stands = f"detail_{items.index(entry.item)}", standing.entries.is_true(number)
        database.run(f"INSERT INTO listed SELECT patient, {number}, {detail} FROM packed WHERE {stands}")


def _word(database: ReportDatabase, listing: Listing) -> None:
    occurring = database.run("SELECT DISTINCT entry, detail FROM listed ORDER BY entry, detail")
    rows = [astuple(row_text(listing, entry, detail)) for entry, detail in occurring]
    database.fill("row_text", {f.name: _SQL_TYPES[str(f.type)] for f in fields(RowText)}, rows)


def _miss(database: ReportDatabase, run: RunFolder, listing: Listing) -> None:
    """The table `missing`: what is not known, for rows whose verdict is unknown."""
    database.run("CREATE OR REPLACE TABLE missing (patient VARCHAR, item VARCHAR, facts VARCHAR[])")
    items = sorted({e.item for e in listing.entries if "unknown" in e.verdicts and listing.recommendation(e.item)})
    wanted = "SELECT l.patient FROM ranked l JOIN row_text t ON " + _TEXT_KEY + " WHERE t.verdict = 'unknown'"
    if not items or not database.count(f"SELECT count(*) FROM ({wanted})"):
        return
    query = missing_query(listing.guideline, f"(SELECT * FROM {run.facts} WHERE patient IN ({wanted}))")
    needed = ", ".join(["patient", *(own for item in items for own in query.words[item].values())])
    with database.without(LONG_TEXT):
        database.run(f"CREATE OR REPLACE TEMP TABLE gap AS SELECT {needed} FROM ({query.sql})")
    for item in items:
        words = query.words[item]
        names = ", ".join(words.values()) or "0 AS none"
        patterns = []
        for found in database.run(f"SELECT DISTINCT {names} FROM gap"):
            row = dict(zip(words.values(), found, strict=False))
            patterns.append((*found, [listing.guideline.facts[name].label for name in query.facts(row, item)]))
        columns = {f"w{n}": "BIGINT" for n in range(len(patterns[0]) - 1)} if patterns else {}
        database.fill("pattern", {**columns, "facts": "VARCHAR[]"}, patterns)
        same = " AND ".join(f"g.{own} IS NOT DISTINCT FROM q.w{n}" for n, own in enumerate(words.values())) or "true"
        database.run(
            f"INSERT INTO missing SELECT g.patient, {literal(item)}, q.facts FROM gap g JOIN pattern q ON {same}"
        )


def _explain(database: ReportDatabase, run: RunFolder, listing: Listing) -> None:
    """The table `explained`, by rank: for each row the facts in words, and the entries of the record that say so.

    Select in select, so that nothing is worked out anew for every fact. The patients' lists are large: they flow past the
    rows of the list, which are kept in memory instead of them.
    """
    decided = "coalesce(list_extract(list_filter(p.reasons, lambda r: r.item = t.item), 1).facts, [])"
    rows = (
        "SELECT l.rank, l.patient, l.entry, l.detail, p.site, p.as_of, p.facts, "
        f"{decided} AS decided, t.facts AS bearing, m.facts AS missing, {_computed(listing)} AS computed "
        f"FROM {run.patients} AS p JOIN ranked l ON p.patient = l.patient JOIN row_text t ON {_TEXT_KEY} "
        "LEFT JOIN missing m ON l.patient = m.patient AND t.item = m.item AND t.verdict = 'unknown'"
    )
    bears = "list_contains(decided, f.fact) OR (f.holds IS NOT FALSE AND list_contains(bearing, f.fact))"
    kept = "rank, patient, entry, detail, site, as_of"
    newest = "list_sort(list_transform({}, lambda f: struct_pack(d := coalesce(f.dated, ''), f := f)), 'DESC')"
    chosen = f"list_transform({newest.format(f'list_filter(facts, lambda f: {bears})')}, lambda x: x.f)"
    chosen = f"SELECT {kept}, missing, computed, {chosen} AS chosen FROM ({rows})"
    references = "list_filter(list_transform(chosen, lambda f: f.reference), lambda x: x IS NOT NULL AND x <> '')"
    said = f"array_to_string(list_transform(chosen, lambda f: {_fact_in_words(listing.guideline)}), '; ')"
    with database.without(JOIN_CHOICES):  # the patients flow past the rows, and stay in their order
        database.run(
            f"CREATE OR REPLACE TABLE unordered AS SELECT {kept}, "
            f"CASE WHEN len(missing) > 0 THEN concat({literal(NOT_KNOWN)}, array_to_string(missing, ', ')) "
            f"ELSE concat_ws('; ', nullif(computed, ''), nullif({said}, '')) END AS why, "
            f"list_sort(list_distinct({references})) AS evidence FROM ({chosen})"
        )


def _gather(database: ReportDatabase) -> None:
    """The table `worklist`, in portions: a join of many threads would mix up the order, and a sort of it all is large."""
    own = {name: f"l.{name}" for name in _OWN}
    columns = (*COLUMNS, "group_id")
    shown = ", ".join(f"{own.get(name) or _NAMED.get(name) or f't.{name}'} AS {name}" for name in columns)
    database.run("SET preserve_insertion_order = true")
    database.run("CREATE OR REPLACE TABLE explained AS SELECT * FROM unordered ORDER BY rank")
    database.run("DROP TABLE unordered")
    rows = f"SELECT {shown} FROM explained l JOIN row_text t ON {_TEXT_KEY} WHERE l.rank BETWEEN {{}} AND {{}} ORDER BY l.rank"
    database.run(f"CREATE OR REPLACE TABLE worklist AS {rows.format(1, 0)}")
    for first in range(1, database.count("SELECT max(rank) FROM explained") + 1, PORTION):
        database.run(f"INSERT INTO worklist {rows.format(first, first + PORTION - 1)}")
    database.run("DROP TABLE explained")


def _computed(listing: Listing) -> str:
    """SQL: the numbers worked out of others that an urgent finding is about, which the record itself does not show."""
    said = []
    for name in computed_numbers(listing):
        fact, own = listing.guideline.facts[name], identifier(name)
        number = _interval(f"p.{own}{LOW}", f"p.{own}{HIGH}")
        told = f"concat({literal(f'{fact.label}: ')}, {number}, {literal(f' {unit(fact.type.unit)}')})"
        said.append(
            f"CASE WHEN list_contains(t.computed, {literal(name)}) AND p.{own}{LOW} IS NOT NULL THEN {told} END"
        )
    return f"concat_ws('; ', {', '.join(said)})" if said else "''"


def _looked_up(values: dict[str, str], key: str) -> str:
    """SQL: the value of a key. Two lists, because the engine copies a map for every row of a batch."""
    keys, found = (", ".join(map(literal, texts)) for texts in (values, values.values()))
    return f"list_extract([{found}], list_position([{keys}], {key}))"


def _fact_in_words(guideline: Guideline) -> str:
    """SQL: a fact with its value, place in its range and day, as the assessment of one patient writes it."""
    labels = _looked_up({f.id: f.label for f in guideline.facts.values()}, "f.fact")
    spelt = {f.id: _SPELT.get(f.type.unit, unit(f.type.unit)) for f in guideline.facts.values() if f.type.unit}
    units = _looked_up(spelt, "f.fact")
    label = f"concat(CASE WHEN f.holds IS FALSE THEN 'stated absent: ' ELSE '' END, coalesce({labels}, f.fact))"
    number = _interval("f.low", "f.high")
    value = f"CASE WHEN f.low IS NULL THEN '' ELSE rtrim(concat(' ', {number}, ' ', coalesce({units}, ''))) END"
    place = "CASE WHEN f.position IN ('above', 'below') THEN concat(' (', f.position, ' its range)') ELSE '' END"
    elapsed = ", ".join(literal(f.id) for f in guideline.facts.values() if f.kind == "elapsed") or "''"
    day = (
        "CASE WHEN f.dated IS NULL OR f.dated = '' THEN '' "
        f"WHEN f.fact IN ({elapsed}) THEN concat(' since ', substr(f.dated, 1, 10)) "
        "WHEN length(f.dated) < 10 THEN concat(' in ', f.dated) ELSE concat(' on ', substr(f.dated, 1, 10)) END"
    )
    return f"concat({label}, {value}, {place}, {day})"


def _interval(low: str, high: str) -> str:
    """SQL: a number, or the two ends of an interval where three digits tell them apart."""
    ends = _number(low), _number(high)
    rough = [f"printf('%.3g', {term})" for term in (low, high)]
    return (
        f"CASE WHEN isinf({high}) THEN concat('over ', {ends[0]}) WHEN isinf({low}) THEN concat('under ', {ends[1]}) "
        f"WHEN {low} = {high} THEN {ends[0]} WHEN {rough[0]} = {rough[1]} THEN {rough[0]} "
        f"ELSE concat({ends[0]}, ' to ', {ends[1]}) END"
    )


def _number(term: str) -> str:
    return f"printf('%.4g', {term})"


def _rank(database: ReportDatabase) -> None:
    order = "t.urgency_place, t.changes_place, l.patient, l.entry"
    database.run(
        f"CREATE OR REPLACE TABLE ranked AS SELECT row_number() OVER (ORDER BY {order}) AS rank, l.* "
        f"FROM listed l JOIN row_text t ON {_TEXT_KEY}"
    )


def write_worklist(database: ReportDatabase, folder: Path) -> None:
    """`worklist.parquet` and `worklist.csv`, most urgent first."""
    rows = f"SELECT {', '.join(COLUMNS)} FROM worklist"
    database.copy(rows, folder / "worklist.parquet", "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480")
    copy_csv(database, rows, folder / "worklist.csv")
