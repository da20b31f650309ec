"""What each distinct content of a population says, read once by the reader of one patient.

A content gives events, as any resource does; an event gives rules: "speaks for fact F", "is a value of fact F". The
rows are data for one SQL query (`picking_sql.py`), which knows the dates and numbers of each entry.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Final

import orjson

from calcipath.guideline.model import Fact, Guideline
from calcipath.population.marks import SAMPLE_NUMBER, TimeSource, source_of, with_samples
from calcipath.record.fhir.raw import RawResource
from calcipath.record.measurements import POSITIONS, limits_of, worded_position, written_quantity
from calcipath.record.model import DataProblem, Event, Finding, When
from calcipath.record.occurrences import is_timed, marks_beginning, only_bounds, per_week, stated_length
from calcipath.record.quantities import EVERYTHING, QuantityProblem, conversion_of
from calcipath.record.reader import read_resources
from calcipath.record.recognition import recognise
from calcipath.record.statements import (
    Statement,
    drug_statement,
    excluded_route,
    fits,
    fits_context,
    recorded_statement,
    result_statement,
)

VOTES: Final = ("recorded", "medication", "positive")
YES, NO, DOUBT, ABOVE = 1, 0, 2, 3  # what a vote says; ABOVE: yes where the number lies above a limit, else no
REACHES: Final = {"always": 0, "window": 1, "recent": 2}
CLOSED, BELOW_IT, UP_TO_IT, ABOVE_IT, FROM_IT = 0, 1, 2, 3, 4  # how an interval lies about its number
COMPARATORS: Final = {"": CLOSED, "<": BELOW_IT, "<=": UP_TO_IT, "ad": UP_TO_IT, ">": ABOVE_IT, ">=": FROM_IT}
_PATIENT: Final = {"resourceType": "Patient", "id": "p"}


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of a content: where its three times stand, and what else the choice of entries needs.

    `*_from` are `TimeSource`s; where one is CONTENT, low, high and the date as written stand here.
    """

    content: int
    event: int
    started_from: int
    ended_from: int
    issued_from: int
    started_low: float
    started_high: float
    ended_low: float
    ended_high: float
    issued_low: float
    issued_high: float
    dated_from: int  # the time that must not lie in the future
    dated: str  # that time as written, where it stands in the content
    shown_from: int  # the time to show with it
    shown: str
    planned: bool
    ongoing: bool  # status active: its end is a plan
    stay: bool  # an active encounter in hospital


@dataclass(frozen=True, slots=True)
class VoteRow:
    event: int
    fact: int
    says: int
    reach: int
    lasting: bool  # counts as said now, whatever its date
    lasting_undated: bool  # so where it has none
    above: float
    by_code: bool


@dataclass(frozen=True, slots=True)
class MeasureRow:
    event: int
    fact: int
    from_value: bool  # the number is the entry's `value`, else `number`
    number: float
    has_number: bool
    factor: float
    shift: float
    bound: int
    low_end: float
    believable_low: float
    believable_high: float
    has_limits: bool
    limit_low: float
    limit_high: float
    position: str  # where the content itself says it


@dataclass(frozen=True, slots=True)
class BeginningRow:
    event: int
    fact: int
    only_bounds: bool


@dataclass(frozen=True, slots=True)
class FrequencyRow:
    event: int
    fact: int
    per_week: float
    timed: bool


@dataclass(frozen=True, slots=True)
class LengthRow:
    event: int
    fact: int
    seconds: float  # NaN where only the times of the entry could say it
    timed: bool
    ordered: bool


@dataclass(slots=True)
class Forms:
    """All rows, and the problems that contents have by themselves (content number, problem)."""

    events: list[EventRow] = field(default_factory=list)
    votes: list[VoteRow] = field(default_factory=list)
    measures: list[MeasureRow] = field(default_factory=list)
    beginnings: list[BeginningRow] = field(default_factory=list)
    frequencies: list[FrequencyRow] = field(default_factory=list)
    lengths: list[LengthRow] = field(default_factory=list)
    problems: list[tuple[int, DataProblem]] = field(default_factory=list)

    def extend(self, other: Forms) -> None:
        """Add the rows of other contents."""
        for each in fields(self):
            getattr(self, each.name).extend(getattr(other, each.name))


class FormReader:
    """Reads contents with one guideline; `code_systems` are a site's own."""

    def __init__(self, guideline: Guideline, *, notes: bool, code_systems: Mapping[str, str] | None = None) -> None:
        self._guideline, self._notes = guideline, notes
        self._systems = dict(code_systems or {})
        self.facts = tuple(fact for fact in guideline.facts.values() if fact.kind != "derived")
        self._by_concept: dict[str, list[tuple[int, Fact]]] = {}
        for number, fact in enumerate(self.facts):
            for concept in fact.concepts:
                self._by_concept.setdefault(concept, []).append((number, fact))

    def read(self, contents: Iterable[tuple[int, str]]) -> Forms:
        """The rows of numbered contents. An event's number is its content's times `EVENTS_OF_ONE` plus a running one."""
        forms = Forms()
        events: list[tuple[int, Event]] = []
        for number, content in contents:
            found = self._events(number, content, forms)
            events.extend((number * EVENTS_OF_ONE + running, event) for running, event in enumerate(found))
        recognised = recognise([event for _, event in events], self._guideline.vocabulary, self._notes)
        forms.problems.extend((int(problem.reference.partition("/")[2]), problem) for problem in recognised.problems)
        told: dict[int, list[Finding]] = {}
        for finding in recognised.findings:
            told.setdefault(id(finding.event), []).append(finding)
        for number, event in events:
            forms.events.append(_event_row(number, event))
            self._rules(number, event, told.get(id(event), ()), forms)
        return forms

    def _events(self, number: int, content: str, forms: Forms) -> Iterator[Event]:
        try:
            resource = orjson.loads(with_samples(content))
        except orjson.JSONDecodeError:
            forms.problems.append((number, DataProblem("", "unreadable", "is no JSON that can be read; not used")))
            return
        whose = {"reference": "Patient/p"}
        resource = {**resource, "id": str(number), "subject": whose, "patient": whose}
        raw = [RawResource(_PATIENT), RawResource(resource)]
        record = read_resources(raw, code_systems=self._systems).record
        forms.problems.extend((number, problem) for problem in record.problems)
        if len(record.events) > EVENTS_OF_ONE:
            more = f"more than {EVENTS_OF_ONE} parts; the first are read"
            forms.problems.append((number, DataProblem(resource["resourceType"], "unreadable", more)))
        yield from record.events[:EVENTS_OF_ONE]

    def _rules(self, number: int, event: Event, findings: Sequence[Finding], forms: Forms) -> None:
        spoken = {f.concept for f in findings if f.assertion not in ("negated", "family")}
        measured: set[int] = set()
        by_fact: dict[int, list[Finding]] = {}
        for finding in findings:
            for index, _ in self._by_concept.get(finding.concept, ()):
                by_fact.setdefault(index, []).append(finding)
        for index, told in by_fact.items():
            fact = self.facts[index]
            for finding in sorted(told, key=lambda f: fact.concepts.index(f.concept)):
                self._rule(number, event, finding, (index, fact), spoken, measured, forms)

    def _rule(
        self,
        number: int,
        event: Event,
        finding: Finding,
        indexed: tuple[int, Fact],
        spoken: set[str],
        measured: set[int],
        forms: Forms,
    ) -> None:
        index, fact = indexed
        if fact.kind in VOTES:
            statement = _statement(finding, fact, spoken)
            row = None if statement is None else _vote_row(number, index, statement, finding)
            if row is not None:
                forms.votes.append(row)
        elif fact.kind == "quantity":
            if index not in measured and fits(finding, fact) and finding.assertion not in ("negated", "family"):
                measured.add(index)
                forms.measures.extend(self._measure_rows(number, index, event, fact, forms))
        elif fact.kind == "elapsed":
            if event.started is not None and marks_beginning(finding, fact):
                forms.beginnings.append(BeginningRow(number, index, only_bounds(event)))
        elif finding.assertion == "stated" and fact.kind == "frequency":
            weekly = per_week(finding)
            if weekly:
                forms.frequencies.append(FrequencyRow(number, index, weekly, event.frequency_per_week is not None))
        elif finding.assertion == "stated" and fact.kind == "duration":
            forms.lengths.extend(_length_rows(number, index, finding))

    def _measure_rows(self, number: int, index: int, event: Event, fact: Fact, forms: Forms) -> Iterator[MeasureRow]:
        written = event.dose if fact.from_dose else written_quantity(event)
        none = (math.nan,) * 2
        if written is None:
            if position := worded_position(event):
                yield MeasureRow(number, index, False, 0.0, False, 1.0, 0.0, 0, 0.0, *none, False, *none, position)
            return
        aliases, units = self._guideline.aliases, fact.accepted_units
        plausible = fact.plausible or EVERYTHING
        read = conversion_of(
            written,
            unit=fact.type.unit,
            aliases=aliases,
            analyte=fact.analyte,
            accepted_units=units,
            plausible=plausible,
        )
        if isinstance(read, QuantityProblem):
            unused = DataProblem(event.resource_type, read.kind, f"{fact.label}: the value was not used")
            forms.problems.append((number // EVENTS_OF_ONE, unused))
            return
        limits = limits_of(event, fact, aliases)
        position = limits if isinstance(limits, str) else ""
        low, high = (None, None) if isinstance(limits, str) else limits
        from_value = written.value == SAMPLE_NUMBER
        yield MeasureRow(
            number, index, from_value, 0.0 if from_value else written.value, True, read.factor, read.shift,
            COMPARATORS[read.comparator], read.floor, *plausible, not isinstance(limits, str),
            math.nan if low is None else low, math.nan if high is None else high, position,
        )  # fmt: skip


EVENTS_OF_ONE: Final = 4096


def _event_row(number: int, event: Event) -> EventRow:
    whens = (event.started, event.ended, event.issued)
    sources = [source_of(when) for when in whens]
    inside = [when if source is TimeSource.CONTENT else None for when, source in zip(whens, sources, strict=True)]
    dated = event.started or event.issued or event.ended
    shown = event.started or event.ended or event.issued
    started, ended, issued = (int(source) for source in sources)
    limits = [limit for when in inside for limit in _limits(when)]
    return EventRow(
        number // EVENTS_OF_ONE, number, started, ended, issued, limits[0], limits[1], limits[2], limits[3], limits[4],
        limits[5], int(source_of(dated)), _written(dated), int(source_of(shown)), _written(shown),
        planned=event.status == "planned",
        ongoing=event.status == "active",
        stay=event.kind == "encounter" and bool(event.inpatient) and event.status == "active",
    )  # fmt: skip


def _written(when: When | None) -> str:
    return when.written if when is not None and source_of(when) is TimeSource.CONTENT else ""


def _limits(when: When | None) -> tuple[float, float]:
    return (math.nan, math.nan) if when is None else (when.earliest, when.latest)


def _statement(finding: Finding, fact: Fact, spoken: set[str]) -> Statement | None:
    if not fits(finding, fact):
        return None
    if fact.kind == "medication":
        return None if excluded_route(finding.event, fact) else drug_statement(finding, fact)
    if fact.kind == "positive":
        return result_statement(finding, fact)
    return recorded_statement(finding, fact) if fits_context(fact, spoken) else None


def _vote_row(number: int, index: int, statement: Statement, finding: Finding) -> VoteRow | None:
    """None for what does not decide and raises no doubt: it changes no verdict."""
    quantity, above = finding.event.quantity, math.nan
    if statement.above is not None and quantity is not None:
        says, above = ABOVE, statement.above
        if quantity.value != SAMPLE_NUMBER:
            says = YES if quantity.value > statement.above else NO
    elif statement.says is None:
        if statement.assertion != "uncertain":
            return None
        says = DOUBT
    else:
        says = YES if statement.says else NO
    lasting = statement.lasting, statement.lasting_undated
    return VoteRow(number, index, says, REACHES[statement.reach], *lasting, above, finding.route == "code")


def _length_rows(number: int, index: int, finding: Finding) -> Iterator[LengthRow]:
    event = finding.event
    seconds, timed = stated_length(finding), is_timed(event)
    if seconds is not None or timed:
        yield LengthRow(number, index, math.nan if seconds is None else seconds, timed, event.kind == "order")


__all__ = ["POSITIONS", "FormReader", "Forms"]
