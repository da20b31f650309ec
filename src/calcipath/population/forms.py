"""What each distinct content of a population says, read once by the reader of one patient.

A content gives events, as any resource does; an event gives rules: "speaks for fact F", "is a value of fact F". The
rows are data for one SQL query (`picking_sql.py`), which knows the dates and numbers of each entry.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import orjson

from calcipath.guideline.model import Fact, Guideline
from calcipath.population.form_rows import (
    BeginningRow,
    ContentRow,
    EventRow,
    Forms,
    FrequencyRow,
    LengthRow,
    MeasureRow,
    OtherUnitRow,
    ProblemRow,
    UnknownCodeRow,
    VoteRow,
)
from calcipath.population.marks import SAMPLE_NUMBER, TimeSource, source_of, with_samples
from calcipath.record.fhir.raw import RawResource
from calcipath.record.measurements import POSITIONS, limits_of, worded_position, written_quantity
from calcipath.record.model import DataProblem, Event, Finding, When
from calcipath.record.occurrences import is_timed, marks_beginning, only_bounds, per_week, stated_length
from calcipath.record.quantities import EVERYTHING, QuantityProblem, conversion_of, other_conversions
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


class FormReader:
    """Reads contents with one guideline; `code_systems` are a site's own."""

    def __init__(self, guideline: Guideline, *, notes: bool, code_systems: Mapping[str, str] | None = None) -> None:
        self.guideline, self.notes = guideline, notes
        self.code_systems = dict(code_systems or {})
        self.facts = tuple(fact for fact in guideline.facts.values() if fact.kind != "derived")
        self._by_concept: dict[str, list[tuple[int, Fact]]] = {}
        for number, fact in enumerate(self.facts):
            for concept in fact.concepts:
                self._by_concept.setdefault(concept, []).append((number, fact))

    def read(self, contents: Iterable[tuple[int, str]]) -> Forms:
        """The rows of numbered contents. An event's number is its content's times `EVENTS_OF_ONE` plus a running one."""
        forms = Forms()
        read: list[tuple[int, str, list[Event]]] = []
        for number, content in contents:
            resource_type, found = self._events(number, content, forms)
            read.append((number, resource_type, found))
        recognised = recognise([event for *_, found in read for event in found], self.guideline.vocabulary, self.notes)
        for problem in recognised.problems:
            resource_type, _, number_ = problem.reference.partition("/")
            forms.problems.append(_problem_row(int(number_), problem, resource_type))
        told: dict[int, list[Finding]] = {}
        for finding in recognised.findings:
            told.setdefault(id(finding.event), []).append(finding)
        for number, resource_type, found in read:
            forms.contents.append(
                ContentRow(number, resource_type, len(found), any(id(event) in told for event in found))
            )
            for running, event in enumerate(found, number * EVENTS_OF_ONE):
                forms.events.append(_event_row(running, event))
                forms.unknown_codes.extend(self._unknown_codes(number, event))
                self._rules(running, event, told.get(id(event), ()), forms)
        return forms

    def _events(self, number: int, content: str, forms: Forms) -> tuple[str, list[Event]]:
        """The resource's type and its events."""
        try:
            resource = orjson.loads(with_samples(content))
        except orjson.JSONDecodeError:
            resource = None
        if type(resource) is not dict:
            problem = DataProblem("", "unreadable", "is no JSON that can be read; not used")
            forms.problems.append(_problem_row(number, problem, ""))
            return "", []
        whose, resource_type = {"reference": "Patient/p"}, str(resource.get("resourceType", ""))
        resource = {**resource, "id": str(number), "subject": whose, "patient": whose}
        raw = [RawResource(_PATIENT), RawResource(resource)]
        record = read_resources(raw, code_systems=self.code_systems).record
        problems = list(record.problems)
        if len(record.events) > EVENTS_OF_ONE:
            more = f"more than {EVENTS_OF_ONE} parts; the first are read"
            problems.append(DataProblem(resource_type, "unreadable", more))
        forms.problems.extend(_problem_row(number, each, each.reference.partition("/")[0]) for each in problems)
        return resource_type, list(record.events[:EVENTS_OF_ONE])

    def _unknown_codes(self, number: int, event: Event) -> Iterator[UnknownCodeRow]:
        known = self.guideline.vocabulary.by_code
        for coding in event.codings:
            if coding.code and not known(coding.system, coding.code):
                yield UnknownCodeRow(number, coding.system, coding.code)

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
        aliases, units = self.guideline.aliases, fact.accepted_units
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
            unused = DataProblem(event.reference, read.kind, f"{fact.label}: the value was not used", fact.id)
            forms.problems.append(_problem_row(number // EVENTS_OF_ONE, unused, event.resource_type))
            return
        instead = other_conversions(read, unit=fact.type.unit, analyte=fact.analyte, accepted_units=units)
        forms.other_units.extend(OtherUnitRow(number, index, other.factor, other.shift) for other in instead)
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


def _problem_row(content: int, problem: DataProblem, resource_type: str) -> ProblemRow:
    return ProblemRow(content, resource_type, problem.problem, problem.handling, problem.concept)


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
