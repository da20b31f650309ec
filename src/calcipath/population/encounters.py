"""How often each patient was seen in the year before the run, for the count of cards before go-live (docs/impact.md).

Encounters of one class, status and type read alike; so each different content is read once, by the reader of one patient,
and SQL counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Final

import orjson

from calcipath.population.dialect import DUCKDB, when_high, when_low
from calcipath.population.duckdb_engine import Database
from calcipath.population.fhir_lines import quoted
from calcipath.population.fhir_sql import HAS_ID, is_date, newest_sql
from calcipath.population.marks import TimeSource, source_of, with_samples
from calcipath.population.source import Source
from calcipath.record.fhir.raw import RawResource
from calcipath.record.model import Event, When
from calcipath.record.reader import read_resources

FILE: Final = "encounters.parquet"
TYPE: Final = "Encounter"
YEAR: Final = 365 * 86400.0  # seconds
_PATIENT: Final = {"resourceType": "Patient", "id": "p"}
_TIMES: Final = {TimeSource.STARTED: "s.started", TimeSource.ENDED: "s.ended", TimeSource.RECORDED: "s.recorded"}


@dataclass(frozen=True, slots=True)
class Visit:
    """What a content says of an encounter that took place. `*_from` are `TimeSource`s; a NaN is not said."""

    content: int
    started_from: int
    started: float
    ended_from: int
    ended: float
    in_hospital: bool
    says_where: bool
    is_over: bool


def write_encounters(database: Database, source: Source, run: Path, code_systems: Mapping[str, str]) -> None:
    """`encounters.parquet` into the folder of a run whose `patient.parquet` is written: one row a patient.

    `encounters` that began in the 365 days before the patient's instant, `inpatient` those in hospital; `discharges` is
    the stays in hospital that ended in these days, and is missing where no encounter says whether it was one. Without an
    encounter in the source no file is written. Raises `duckdb.Error`.
    """
    _read(database, source)
    contents = database.run("SELECT number, content FROM visit_content")
    visits = [visit for number, content in contents for visit in _visits(number, content, code_systems)]
    if not visits:
        return
    database.load_rows("visit_form", Visit, visits)
    where = any(visit.says_where for visit in visits)
    counts = _counts_sql(quoted(str(run / "patient.parquet")), discharges=where)
    database.run(f"COPY ({counts}) TO {quoted(str(run / FILE))} (FORMAT parquet, COMPRESSION zstd)")


def _read(database: Database, source: Source) -> None:
    """The tables `visit` (every entry that may be an encounter) and `visit_content` (the different contents)."""
    database.run(
        "CREATE OR REPLACE TABLE visit (patient VARCHAR, reference VARCHAR, content VARCHAR, started VARCHAR, "
        "ended VARCHAR, recorded VARCHAR, updated VARCHAR, version VARCHAR)"
    )
    for part in source.parts:
        if part.encounters:
            database.run(
                "INSERT INTO visit SELECT patient, reference, content, started, ended, recorded, updated, version "
                f"FROM ({part.events}) WHERE odd IS NULL AND patient IS NOT NULL AND contains(content, '\"{TYPE}\"')"
            )
    database.run(
        "CREATE OR REPLACE TABLE visit_content AS SELECT row_number() OVER () AS number, content "
        "FROM (SELECT DISTINCT content FROM visit)"
    )


def _visits(number: int, content: str, code_systems: Mapping[str, str]) -> Iterator[Visit]:
    """The encounter that a content tells of; none where it is another thing, planned, or did not take place."""
    try:
        held = orjson.loads(with_samples(content))
    except orjson.JSONDecodeError:
        return
    if type(held) is not dict or held.get("resourceType") != TYPE:
        return
    raw = [RawResource(_PATIENT), RawResource({**held, "id": str(number), "subject": {"reference": "Patient/p"}})]
    for event in read_resources(raw, code_systems=dict(code_systems)).record.events:
        if event.kind == "encounter" and event.status != "planned":
            yield _visit(number, event)


def _visit(number: int, event: Event) -> Visit:
    begun = event.started or event.ended
    return Visit(
        content=number,
        started_from=int(source_of(begun)),
        started=_written(begun, latest=False),
        ended_from=int(source_of(event.ended)),
        ended=_written(event.ended, latest=True),
        in_hospital=bool(event.inpatient),
        says_where=event.inpatient is not None,
        is_over=event.status == "completed",
    )


def _written(when: When | None, *, latest: bool) -> float:
    """The instant of a time that stands in the content itself."""
    if when is None or source_of(when) is not TimeSource.CONTENT:
        return nan
    return when.latest if latest else when.earliest


def _counts_sql(patients: str, *, discharges: bool) -> str:
    """Newest versions only, and of the entries of a patient those that fall into the year."""
    newest = f"max_by(struct_pack(c := content, s := started, e := ended, r := recorded), {newest_sql('rowid')})"
    once = (
        f"SELECT patient, unnest({newest}) FROM visit WHERE {HAS_ID} GROUP BY patient, reference UNION ALL "
        f"SELECT patient, content, started, ended, recorded FROM visit WHERE NOT coalesce({HAS_ID}, false)"
    )
    timed = (
        f"SELECT s.patient, f.in_hospital, f.is_over, {_instant('started')} AS began, {_instant('ended')} AS ended "
        f"FROM (SELECT patient, c AS content, s AS started, e AS ended, r AS recorded FROM ({once})) AS s "
        "JOIN visit_content n ON s.content = n.content JOIN visit_form f ON n.number = f.content"
    )
    began, over = (f"t.{time} > p.now - {YEAR!r} AND t.{time} <= p.now" for time in ("began", "ended"))
    counted = {"encounters": began, "inpatient": f"t.in_hospital AND {began}"}
    if discharges:
        counted["discharges"] = f"t.in_hospital AND t.is_over AND {over}"
    sums = ", ".join(f"count(*) FILTER (WHERE {rule}) AS {name}" for name, rule in counted.items())
    people = f"SELECT patient, epoch(CAST(as_of AS TIMESTAMPTZ)) AS now FROM read_parquet({patients})"
    return f"SELECT p.patient, {sums} FROM ({people}) AS p LEFT JOIN ({timed}) AS t ON p.patient = t.patient GROUP BY p.patient"


def _instant(time: str) -> str:
    """The first (of an end: the last) instant of a time of the entry `s` whose content says `f`."""
    cases = []
    for source, column in _TIMES.items():
        low = when_low(column, DUCKDB)
        value = low if time == "started" else when_high(column, f"({low})", DUCKDB)
        cases.append(f"WHEN f.{time}_from = {int(source)} AND {is_date(column)} THEN {value}")
    return f"CASE {' '.join(cases)} WHEN f.{time}_from = {int(TimeSource.CONTENT)} THEN f.{time} END"
