"""The SQL that picks every fact's entry for every patient: one text for all guidelines.

It joins the entries with what their contents say (`forms.py`), and chooses as the one-patient rules do
(`record/findings.py`, `record/measurements.py`, `record/occurrences.py`); a generative test compares the two.

Tables it reads: `patient`, `entry` (patient, reference, content, started, ended, recorded, value), `form_event`,
`form_vote`, `form_measure`, `form_beginning`, `form_frequency`, `form_length` (see `forms.py`) and `fact_rule`. Patients
and contents go by number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from calcipath.guideline.model import Fact
from calcipath.population.dialect import INFINITY, NOWHERE, Dialect, when_high, when_low
from calcipath.population.forms import ABOVE, DOUBT, NO, REACHES, VOTES, YES
from calcipath.population.interval_sql import BELIEVED, EXACT, intervals_sql
from calcipath.population.sql_columns import identifier
from calcipath.population.verdict_sql import HIGH, LOW, PLACE
from calcipath.record.dates import parse_when
from calcipath.record.findings import DAY
from calcipath.record.measurements import POSITIONS
from calcipath.record.occurrences import SECONDS, YEAR

DATES = ("started", "ended", "recorded")
EVENT_TIMES = ("started", "ended", "issued")
BITS = 60  # of one number
QUANTITIES = ("quantity", "elapsed", "frequency", "duration")


@dataclass(frozen=True, slots=True)
class FactRule:
    """The numbers of a fact that the choice of its entry needs."""

    fact: int
    days: float | None
    days_inpatient: float | None
    middle: float | None
    size: float | None  # seconds in its unit
    believable_low: float | None
    believable_high: float | None
    at_least: bool
    word: int  # where its yes and no stand among the bits of a patient
    bit: int


def fact_rules(facts: Iterable[Fact]) -> list[FactRule]:
    """One row a fact, numbered in order."""
    rows = []
    for number, fact in enumerate(facts):
        low, high = fact.plausible or (None, None)
        middle = (fact.range[0] + fact.range[1]) / 2 if fact.range else None
        size = SECONDS[fact.type.unit] if fact.kind in ("elapsed", "duration") else None
        inpatient = fact.within_days_inpatient or None
        rows.append(
            FactRule(
                number,
                fact.within_days,
                inpatient,
                middle,
                size,
                low,
                high,
                fact.at_least,
                number // BITS,
                1 << number % BITS,
            )
        )
    return rows


def occurrence_sql(dialect: Dialect, as_of: str, entry: str = "entry") -> str:
    """Every event of every entry with its times as instants; with `as_of`, none that lies after it but plans."""
    lows = ", ".join(f"{when_low(date, dialect)} AS {date}_low" for date in DATES)
    highs = ", ".join(f"{when_high(date, f'{date}_low', dialect)} AS {date}_high" for date in DATES)
    dated = f"SELECT *, {highs} FROM (SELECT *, {lows} FROM {entry}) AS timed"
    columns = ", ".join(
        f"{_sourced(f'f.{time}_from', [f'e.{date}_{end}' for date in DATES], f'f.{time}_{end}')} AS {time}_{end}"
        for time in EVENT_TIMES
        for end in ("low", "high")
    )
    shown = _sourced("f.shown_from", [f"e.{date}" for date in DATES], "f.shown")
    written = _sourced("f.dated_from", [f"e.{date}" for date in DATES], "f.dated")
    low = _sourced(
        "f.dated_from", [f"e.{date}_low" for date in DATES], "coalesce(f.started_low, f.issued_low, f.ended_low)"
    )
    text = (
        f"SELECT e.patient, e.reference, e.value, f.event, f.planned, f.ongoing, f.stay, {columns}, {shown} AS dated, "
        f"{written} AS limited, {low} AS limited_low FROM ({dated}) AS e JOIN form_event f ON e.content = f.content"
    )
    known = f"SELECT *, {_instant()} AS instant FROM ({text}) AS o"
    return f"{known} WHERE {_not_later(as_of)}" if as_of else known


def _sourced(source: str, columns: list[str], inside: str) -> str:
    cases = " ".join(f"WHEN {number} THEN {column_}" for number, column_ in enumerate(columns, 1))
    return f"CASE {source} {cases} WHEN {len(columns) + 1} THEN {inside} END"


def _instant() -> str:
    return f"coalesce(greatest(started_high, ended_high), issued_high, {NOWHERE})"


def _not_later(as_of: str) -> str:
    """As `record.dates.is_after`: by calendar days as written, unless both have a time of day."""
    width = f"least(length(limited), {min(len(as_of), 10)})"
    by_day = f"substr(limited, 1, {width}) > substr('{as_of}', 1, {width})"
    if len(as_of) > 10:
        by_day = f"CASE WHEN length(limited) > 10 THEN limited_low > {_limit(as_of)!r} ELSE {by_day} END"
    return f"planned OR limited IS NULL OR NOT ({by_day})"


def moment_sql(as_of: str) -> str:
    """For each patient the instant of the assessment (without `as_of`, the end of the record), and whether in hospital."""
    instants = f"SELECT patient, {_limit(as_of)!r} AS as_of FROM patient"
    if not as_of:
        ends = "SELECT patient, max(newest) AS newest FROM record_end GROUP BY patient"
        instants = (
            "SELECT p.patient, coalesce(-n.newest.early, 0) AS as_of FROM patient p "
            f"LEFT JOIN ({ends}) AS n ON p.patient = n.patient"
        )
    stay = (
        f"stay AND (o.started_low IS NULL OR o.started_low <= m.as_of + {DAY!r}) "
        "AND (o.ended_high IS NULL OR o.ended_high >= m.as_of)"
    )
    stays = f"SELECT DISTINCT o.patient FROM occurrence o JOIN instants m ON o.patient = m.patient WHERE {stay}"
    return (
        f"WITH instants AS ({instants}), stays AS ({stays}) SELECT m.patient, m.as_of, "
        "s.patient IS NOT NULL AS inpatient FROM instants m LEFT JOIN stays s ON m.patient = s.patient"
    )


def _limit(as_of: str) -> float:
    limit = parse_when(as_of) if as_of else None
    return limit.latest if limit else 0.0


def record_ends_sql(dialect: Dialect, occurrence: str) -> str:
    """The newest date of each patient, as `record.reader` has it: it begins last, and of those that begin together it is
    the most precise. What is planned, and the end of what goes on, is none."""
    ends = [
        f"CASE WHEN {time}_low IS NOT NULL THEN {dialect.struct(low=f'{time}_low', early=f'-{time}_high')} END"
        for time in EVENT_TIMES
    ]
    ends[1] = f"CASE WHEN NOT ongoing THEN {ends[1]} END"
    newest = f"greatest({', '.join(f'max({end})' for end in ends)})"
    return f"SELECT patient, {newest} AS newest FROM ({occurrence}) AS o WHERE NOT planned GROUP BY patient"


def _days(fact: str = "r", moment: str = "m") -> str:
    return f"CASE WHEN {moment}.inpatient AND {fact}.days_inpatient IS NOT NULL THEN {fact}.days_inpatient ELSE {fact}.days END"


def _in_window(at: str) -> str:
    return f"({_days()} IS NULL OR m.as_of - {at} <= ({_days()}) * {DAY!r})"


def votes_sql(dialect: Dialect) -> str:
    """Facts that are yes or no: the newest deciding entry; a presence outweighs an absence of the same age."""
    speaks = (
        f"v.reach = {REACHES['always']} OR (o.instant = {NOWHERE} AND v.reach = {REACHES['window']}) "
        f"OR (o.instant > {NOWHERE} AND {_in_window('o.instant')})"
    )
    says = f"CASE WHEN v.says <> {ABOVE} THEN v.says WHEN o.value > v.above THEN {YES} ELSE {NO} END"
    lasting = f"v.lasting OR (v.lasting_undated AND o.instant = {NOWHERE})"
    votes = (
        f"SELECT o.patient, v.fact, {says} AS says, CASE WHEN {lasting} THEN {INFINITY} ELSE o.instant END AS instant, "
        "v.by_code, o.reference, o.dated FROM occurrence o JOIN form_vote v ON o.event = v.event "
        f"JOIN fact_rule r ON v.fact = r.fact JOIN moment m ON o.patient = m.patient WHERE {speaks}"
    )
    told = dialect.struct(by_name="NOT by_code", early="-instant", reference="reference", dated="dated")
    decided = (
        f"SELECT patient, fact, max(instant) FILTER (WHERE says = {YES}) AS yes_at, max(instant) FILTER (WHERE says = {NO}) AS no_at, "
        f"coalesce(bool_or(says = {DOUBT}), false) AS doubt, min({told}) FILTER (WHERE says = {YES}) AS told_yes, "
        f"min({told}) FILTER (WHERE says = {NO}) AS told_no FROM ({votes}) AS votes GROUP BY patient, fact"
    )
    holds = "CASE WHEN yes_at IS NOT NULL AND (no_at IS NULL OR yes_at >= no_at) THEN true WHEN no_at IS NOT NULL THEN false END"
    return _picked(
        "holds", "CAST(NULL AS DOUBLE)", "CAST(NULL AS DOUBLE)", "CAST(NULL AS VARCHAR(8))",
        "CASE WHEN holds THEN told_yes.reference ELSE told_no.reference END",
        "CASE WHEN holds THEN told_yes.dated ELSE told_no.dated END",
        f"(SELECT *, {holds} AS holds FROM ({decided}) AS decided) AS d", doubt="doubt",
    )  # fmt: skip


def measures_sql(dialect: Dialect) -> str:
    """Facts that are values: the newest reading, then the later issued, then the worse; nothing when it is too old."""
    converted = (
        f"SELECT o.patient, q.*, o.instant, coalesce(o.ended_high, o.started_high, {NOWHERE}) AS spoken, "
        f"coalesce(o.issued_high, o.ended_high, o.started_high, {NOWHERE}) AS issued, o.reference, o.dated, "
        f"{EXACT.format(entry='o', unit='q')} AS exact FROM occurrence o JOIN form_measure q ON o.event = q.event"
    )
    place = (
        "CASE WHEN position <> '' THEN position WHEN NOT has_number THEN '' "
        "WHEN high < limit_low THEN 'below' WHEN low > limit_high THEN 'above' "
        "WHEN (limit_low IS NULL OR low >= limit_low) AND (limit_high IS NULL OR high <= limit_high) "
        "AND has_limits THEN 'within' ELSE '' END"
    )
    badness = (
        f"CASE WHEN NOT has_number THEN {NOWHERE} WHEN r.middle IS NULL THEN (low + high) / 2 "
        "ELSE abs((low + high) / 2 - r.middle) END"
    )
    rank = "CASE place " + " ".join(f"WHEN '{name}' THEN {number}" for number, name in enumerate(POSITIONS)) + " END"
    key = dialect.struct(
        spoken="spoken", issued="issued", badness="badness", high=f"coalesce(high, {NOWHERE})",
        low=f"coalesce(low, {NOWHERE})", rank=rank, reference="reference", dated="dated", instant="instant",
        has_number="has_number",
    )  # fmt: skip
    readings = (
        f"SELECT l.*, {place} AS place, {badness} AS badness FROM ({intervals_sql(converted)}) AS l JOIN fact_rule r ON l.fact = r.fact "
        f"WHERE NOT has_number OR ({BELIEVED})"
    )
    newest = f"SELECT patient, fact, max({key}) AS k FROM ({readings}) AS readings GROUP BY patient, fact"
    fresh = (
        f"SELECT n.patient, n.fact, n.k FROM ({newest}) AS n JOIN fact_rule r ON n.fact = r.fact "
        f"JOIN moment m ON n.patient = m.patient WHERE {_in_window('n.k.instant')}"
    )
    names = " ".join(f"WHEN {number} THEN '{name}'" for number, name in enumerate(POSITIONS) if name)
    return _picked(
        "CAST(NULL AS BOOLEAN)", "CASE WHEN k.has_number THEN k.low END", "CASE WHEN k.has_number THEN k.high END",
        f"CASE k.rank {names} END", "k.reference", "k.dated", f"({fresh}) AS f",
    )  # fmt: skip


def beginnings_sql(dialect: Dialect) -> str:
    """Time since the first entry; a single session gives only a lower bound, where the fact says so."""
    key = dialect.struct(
        latest="o.started_high",
        earliest="o.started_low",
        bound="b.only_bounds",
        reference="o.reference",
        dated="o.dated",
    )
    first = f"SELECT o.patient, b.fact, min({key}) AS k FROM occurrence o JOIN form_beginning b ON o.event = b.event GROUP BY o.patient, b.fact"
    since = "greatest(CAST(0 AS DOUBLE), (m.as_of - f.k.{}) / r.size)"
    high = f"CASE WHEN f.k.bound AND r.at_least THEN {INFINITY} ELSE {since.format('earliest')} END"
    aged = (
        f"SELECT f.patient, f.fact, f.k, {since.format('latest')} AS low, {high} AS high FROM ({first}) AS f "
        "JOIN fact_rule r ON f.fact = r.fact JOIN moment m ON f.patient = m.patient"
    )
    return _picked(
        "CAST(NULL AS BOOLEAN)", "low", "high", "CAST(NULL AS VARCHAR(8))", "k.reference", "k.dated", f"({aged}) AS a"
    )


def frequencies_sql(dialect: Dialect) -> str:
    """How often a week, by the newest entry whose timing gives it, else whose name does."""
    key = dialect.struct(
        timed="q.timed", instant="o.instant", number="q.per_week", reference="o.reference", dated="o.dated"
    )
    newest = f"SELECT o.patient, q.fact, max({key}) AS k FROM occurrence o JOIN form_frequency q ON o.event = q.event GROUP BY o.patient, q.fact"
    return _picked(
        "CAST(NULL AS BOOLEAN)", "k.number", "k.number", "CAST(NULL AS VARCHAR(8))", "k.reference", "k.dated",
        f"({newest}) AS n",
    )  # fmt: skip


def lengths_sql(dialect: Dialect) -> str:
    """How long one occurrence lasts: by the newest order, else from start to end of the newest one done."""
    exact = "o.started_high - o.started_low < 60 AND o.ended_high - o.ended_low < 60"
    seconds = f"CASE WHEN q.timed AND {exact} THEN o.ended_high - o.started_high ELSE q.seconds END"
    lasting = (
        f"SELECT o.patient, q.fact, q.ordered, o.instant, ({seconds}) / r.size AS length, r.believable_low, r.believable_high, o.reference, o.dated "
        "FROM occurrence o JOIN form_length q ON o.event = q.event JOIN fact_rule r ON q.fact = r.fact"
    )
    key = dialect.struct(ordered="ordered", instant="instant", number="length", reference="reference", dated="dated")
    newest = (
        f"SELECT patient, fact, max({key}) AS k FROM ({lasting}) AS l WHERE length <> 0 "
        f"AND (believable_low IS NULL OR length >= believable_low) AND (believable_high IS NULL OR length <= believable_high) GROUP BY patient, fact"
    )
    return _picked(
        "CAST(NULL AS BOOLEAN)", "k.number", "k.number", "CAST(NULL AS VARCHAR(8))", "k.reference", "k.dated",
        f"({newest}) AS n",
    )  # fmt: skip


def _picked(
    holds: str, low: str, high: str, position: str, reference: str, dated: str, source: str, doubt: str = "false"
) -> str:
    return (
        f"SELECT patient, fact, {holds} AS holds, {low} AS low, {high} AS high, {position} AS position, "
        f"{reference} AS reference, {dated} AS dated, {doubt} AS doubt FROM {source}"
    )


def picked_sql(dialect: Dialect) -> str:
    """One row for each fact that something speaks of: patient, fact, holds, low, high, position, reference, dated, doubt."""
    parts = (votes_sql, measures_sql, beginnings_sql, frequencies_sql, lengths_sql)
    return " UNION ALL ".join(part(dialect) for part in parts)


def fact_table_sql(
    facts: Iterable[Fact], complete: frozenset[str], dialect: Dialect, spoken: str, people: str = "patient"
) -> str:
    """One row a patient with the columns that the compiled conditions read, from `people`, `moment` and `picked`; then who
    the patient is, and what the record speaks of (the rows of `spoken`: patient, facts).

    Joined while rows are narrow: hundreds of columns are made last.

    Yes and no are gathered as bits and values in a map: an aggregate for each of hundreds of facts would take a minute
    for a million patients.
    """
    numbered = list(enumerate(facts))
    words = range(len(numbered) // BITS + 1)
    bits = ", ".join(
        f"bit_or(CASE WHEN r.word = {word} AND {which} THEN r.bit ELSE CAST(0 AS BIGINT) END) AS {name}_{word}"
        for word in words
        for name, which in (("yes", "p.holds"), ("no", "NOT p.holds"), ("doubt", "p.doubt"))
    )
    value = dialect.struct(low="p.low", high="p.high", position="p.position")
    values = f"map_from_entries(array_agg({dialect.struct(fact='p.fact', value=value)}) FILTER (WHERE p.holds IS NULL AND NOT p.doubt))"
    gathered = f"SELECT p.patient, {bits}, {values} AS measured FROM picked p JOIN fact_rule r ON p.fact = r.fact GROUP BY p.patient"
    looked_up = ", ".join(f"measured[{n}] AS m_{identifier(f.id)}" for n, f in numbered if f.kind in QUANTITIES)
    born_low = when_low("birth_date", dialect)
    born = f"SELECT *, {when_high('birth_date', 'born_low', dialect)} AS born_high FROM (SELECT *, {born_low} AS born_low FROM {people}) AS b"
    shown = ", ".join(text for number, fact in numbered for text in _shown(number, fact, complete))
    described = "id AS patient_id, site AS patient_site, sex AS patient_sex, spoken_facts"
    told = ", ".join([*(f"b.{name}_{word}" for word in words for name in ("yes", "no", "doubt")), "b.measured"])
    joined = (
        "SELECT p.patient, p.id, p.site, p.sex, p.born_low, p.born_high, m.as_of, m.inpatient, "
        f"{told}, s.facts AS spoken_facts FROM ({born}) AS p JOIN moment m ON p.patient = m.patient "
        f"LEFT JOIN ({gathered}) AS b ON p.patient = b.patient LEFT JOIN ({spoken}) AS s ON p.patient = s.patient"
    )
    return f"SELECT patient, as_of, {shown}, {described} FROM (SELECT *, {looked_up} FROM ({joined}) AS narrow) AS g"


def _bit(number: int, name: str) -> str:
    return f"coalesce(g.{name}_{number // BITS} & {1 << number % BITS} <> 0, false)"


def _silent(fact: Fact, complete: frozenset[str]) -> bool:
    return fact.kind in ("recorded", "medication") and fact.absent_when_complete in complete


def _shown(number: int, fact: Fact, complete: frozenset[str]) -> list[str]:
    name = identifier(fact.id)
    if fact.kind in VOTES:
        silence = f"WHEN {_bit(number, 'doubt')} THEN NULL ELSE false " if _silent(fact, complete) else ""
        known = f"CASE WHEN {_bit(number, 'yes')} THEN true WHEN {_bit(number, 'no')} THEN false {silence}END"
        return [f"{known} AS {name}"]
    if fact.kind == "setting":
        return [f"CASE WHEN g.inpatient THEN true END AS {name}"]
    if fact.kind == "demographic" and fact.field == "sex":
        values = ", ".join(f"'{value}'" for value in fact.type.values)
        return [f"CASE WHEN g.sex IN ({values}) THEN g.sex END AS {name}"]
    if fact.kind == "demographic":
        old_enough = f"(g.as_of - g.born_high) / {YEAR!r} >= 0"
        return [
            f"CASE WHEN {old_enough} THEN (g.as_of - g.born_{far}) / {YEAR!r} END AS {name}{end}"
            for end, far in ((LOW, "high"), (HIGH, "low"))
        ]
    columns = [f"g.m_{name}.low AS {name}{LOW}", f"g.m_{name}.high AS {name}{HIGH}"]
    return [*columns, f"g.m_{name}.position AS {name}{PLACE}"] if fact.kind == "quantity" else columns
