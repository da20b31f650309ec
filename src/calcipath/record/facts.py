"""All facts of the guideline that the record answers, picked by the rules that the guideline's data give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calcipath.guideline.model import Fact, Guideline
from calcipath.record.evidence import Evidence, FactValue
from calcipath.record.findings import DAY, Moment, medication, positive, recorded
from calcipath.record.measurements import ReadValues, quantity
from calcipath.record.model import DataProblem, Finding, Record
from calcipath.record.occurrences import YEAR, duration, elapsed, frequency


@dataclass(frozen=True, slots=True)
class PickedFacts:
    """Values by fact id (derived facts are not among them), and the problems met on the way."""

    values: dict[str, FactValue]
    problems: tuple[DataProblem, ...]
    moment: Moment


def pick_facts(guideline: Guideline, record: Record, findings: Sequence[Finding], as_of: float) -> PickedFacts:
    """Pick every recorded fact for the instant `as_of` (seconds since 1970)."""
    by_concept: dict[str, list[Finding]] = {}
    by_event: dict[int, set[str]] = {}
    for finding in findings:
        by_concept.setdefault(finding.concept, []).append(finding)
        if finding.assertion not in ("negated", "family"):
            by_event.setdefault(id(finding.event), set()).add(finding.concept)
        else:
            by_event.setdefault(id(finding.event), set())
    moment = Moment(as_of, _in_hospital(record, as_of))
    picker = _Picker(guideline, record, by_concept, by_event, moment)
    values = {fact.id: picker.pick(fact) for fact in guideline.facts.values() if fact.kind != "derived"}
    return PickedFacts(values, tuple(dict.fromkeys(picker.problems)), moment)


class _Picker:
    def __init__(
        self,
        guideline: Guideline,
        record: Record,
        by_concept: dict[str, list[Finding]],
        by_event: dict[int, set[str]],
        moment: Moment,
    ) -> None:
        self._guideline, self._record, self._moment = guideline, record, moment
        self._by_concept, self._by_event = by_concept, by_event
        self.problems: list[DataProblem] = []
        self._read_values: ReadValues = {}
        self._told: set[tuple[str, str]] = set()

    def pick(self, fact: Fact) -> FactValue:
        findings = [f for concept in fact.concepts for f in self._by_concept.get(concept, ())]
        if fact.kind == "demographic":
            return self._demographic(fact)
        if fact.kind == "setting":
            return FactValue(True if self._moment.inpatient else None)
        if fact.kind == "quantity":
            value, problems = quantity(fact, findings, self._moment, self._guideline.aliases, self._read_values)
            for problem in problems:
                self._report(problem)
            return value
        if fact.kind == "elapsed":
            return elapsed(fact, findings, self._moment)
        if fact.kind == "frequency":
            return frequency(fact, findings)
        if fact.kind == "duration":
            return duration(fact, findings)
        if fact.kind == "positive":
            return self._kept(*positive(fact, findings, self._moment))
        if fact.kind == "medication":
            return self._kept(*medication(fact, findings, self._moment, self._record.complete))
        return self._kept(*recorded(fact, findings, self._by_event, self._moment, self._record.complete))

    def _kept(self, value: FactValue, problem: DataProblem | None) -> FactValue:
        if problem:
            self._report(problem)
        return value

    def _report(self, problem: DataProblem) -> None:
        key = (problem.reference, problem.problem)
        if key not in self._told:
            self._told.add(key)
            self.problems.append(problem)

    def _demographic(self, fact: Fact) -> FactValue:
        patient = self._record.patient
        if fact.field == "sex":
            if patient.sex not in fact.type.values:
                return FactValue()
            return FactValue(patient.sex, (Evidence("sex", patient.reference, patient.sex),))
        if patient.born is None:
            return FactValue()
        low = (self._moment.as_of - patient.born.latest) / YEAR
        high = (self._moment.as_of - patient.born.earliest) / YEAR
        if low < 0:
            return FactValue()
        return FactValue((low, high), (Evidence("date of birth", patient.reference, None, "", patient.born.written),))


def _in_hospital(record: Record, as_of: float) -> bool:
    return any(
        event.kind == "encounter"
        and event.inpatient
        and event.status == "active"
        and (event.started is None or event.started.earliest <= as_of + DAY)
        and (event.ended is None or event.ended.latest >= as_of)
        for event in record.events
    )
