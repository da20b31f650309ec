"""Facts that are yes, no or unknown by what was recorded: diagnoses, examination, drugs, qualitative results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from calcipath.guideline.model import Fact
from calcipath.record.evidence import Evidence, FactValue, event_date, instant
from calcipath.record.model import Assertion, DataProblem, Event, Finding
from calcipath.record.statements import (
    Statement,
    drug_statement,
    excluded_route,
    fits,
    fits_context,
    recorded_statement,
    result_statement,
)

DAY = 86400.0
LONGEST_VALUE = 80  # characters; a longer value text is quoted where it is read


@dataclass(frozen=True, slots=True)
class Moment:
    """The instant for which facts are picked (seconds since 1970), and whether the patient is in hospital."""

    as_of: float
    inpatient: bool = False


@dataclass(frozen=True, slots=True)
class Vote:
    """What one finding says about a fact: yes, no, or (None) something that does not decide."""

    says: bool | None
    finding: Finding
    assertion: Assertion
    at: float


def evidence_of(finding: Finding, fact: Fact, assertion: Assertion | None = None) -> Evidence:
    """The evidence that a finding gives, with the route by which it was recognised."""
    event = finding.event
    value: float | str | None = None
    unit = ""
    if event.quantity is not None:
        value, unit = event.quantity.value, event.quantity.unit or event.quantity.code
    elif event.value_text and finding.route != "text" and len(event.value_text) < LONGEST_VALUE:
        value = event.value_text
    return Evidence(
        what=event.name or fact.label,
        reference=event.reference,
        value=value,
        unit=unit,
        date=event_date(event),
        quote=finding.quote if finding.route == "text" else "",
        assertion=assertion or finding.assertion,
        route=finding.route,
    )


def window_days(fact: Fact, moment: Moment) -> float | None:
    """The look-back window in days; shorter in hospital where the fact says so."""
    return fact.within_days_inpatient if moment.inpatient and fact.within_days_inpatient else fact.within_days


def in_window(at: float, fact: Fact, moment: Moment) -> bool:
    """Whether something of the instant `at` (-inf: undated) lies in the fact's look-back window."""
    days = window_days(fact, moment)
    return days is None or moment.as_of - at <= days * DAY


def _speaks(statement: Statement, event: Event, fact: Fact, moment: Moment) -> bool:
    at = instant(event)
    if statement.reach == "always":
        return True
    if at == float("-inf"):
        return statement.reach == "window"
    return in_window(at, fact, moment)


def _vote(statement: Statement, finding: Finding) -> Vote:
    at = instant(finding.event)
    if statement.lasting or (statement.lasting_undated and at == float("-inf")):
        at = float("inf")
    return Vote(statement.says, finding, statement.assertion, at)


def _unique(items: Iterable[Evidence]) -> tuple[Evidence, ...]:
    return tuple(dict.fromkeys(items))


def decide(votes: Sequence[Vote], fact: Fact) -> tuple[FactValue, DataProblem | None]:
    """Yes when the newest deciding vote says so; a stated absence of the same age does not outweigh a presence."""
    yes = [v for v in votes if v.says is True]
    no = [v for v in votes if v.says is False]
    other = _unique(evidence_of(v.finding, fact, v.assertion) for v in votes if v.says is None)
    if not yes and not no:
        return FactValue(None, (), other=other), None
    newest_yes = max((v.at for v in yes), default=float("-inf"))
    newest_no = max((v.at for v in no), default=float("-inf"))
    says = bool(yes) and (newest_yes >= newest_no or not no)
    chosen = sorted(yes if says else no, key=lambda v: (v.finding.route != "code", -v.at))
    because = _unique(evidence_of(v.finding, fact, v.assertion) for v in chosen)[:6]
    problem = None
    if (
        yes
        and no
        and newest_yes == newest_no
        and says
        and {v.finding.event for v in yes} != {v.finding.event for v in no}
    ):
        problem = DataProblem(
            no[0].finding.event.reference,
            "contradiction",
            f"another entry of the same date says that {fact.label} is present; the presence is used",
        )
    return FactValue(says, because, other=other), problem


def recorded(
    fact: Fact, findings: Sequence[Finding], by_event: dict[int, set[str]], moment: Moment, complete: frozenset[str]
) -> tuple[FactValue, DataProblem | None]:
    """A `recorded` fact. `by_event` gives the concepts found in each event (by identity)."""
    votes = []
    for finding in findings:
        if fits(finding, fact) and fits_context(fact, by_event[id(finding.event)]):
            statement = recorded_statement(finding, fact)
            if _speaks(statement, finding.event, fact, moment):
                votes.append(_vote(statement, finding))
    value, problem = decide(votes, fact)
    return _with_silence(value, fact, complete), problem


def _with_silence(value: FactValue, fact: Fact, complete: frozenset[str]) -> FactValue:
    if value.value is None and not value.because and fact.absent_when_complete in complete:
        if any(e.assertion == "uncertain" for e in value.other):
            return value
        reason = f"the source was asked for all {fact.absent_when_complete}, and it holds none"
        return FactValue(False, (), other=value.other, assumed=reason)
    return value


def medication(
    fact: Fact, findings: Sequence[Finding], moment: Moment, complete: frozenset[str]
) -> tuple[FactValue, DataProblem | None]:
    """A `medication` fact: whether the drug is current (or, with `ever`, was given at any time)."""
    votes = []
    for finding in findings:
        if fits(finding, fact) and not excluded_route(finding.event, fact):
            statement = drug_statement(finding, fact)
            if not _speaks(statement, finding.event, fact, moment):
                statement = Statement(None, "historical")
            votes.append(_vote(statement, finding))
    value, problem = decide(votes, fact)
    return _with_silence(value, fact, complete), problem


def positive(fact: Fact, findings: Sequence[Finding], moment: Moment) -> tuple[FactValue, DataProblem | None]:
    """A qualitative result: by its interpretation, its words, or its value against its own reference limit."""
    votes = []
    for finding in findings:
        if fits(finding, fact):
            statement = result_statement(finding, fact)
            if _speaks(statement, finding.event, fact, moment):
                votes.append(_vote(_measured(statement, finding.event), finding))
    return decide(votes, fact)


def _measured(statement: Statement, event: Event) -> Statement:
    if statement.above is None or event.quantity is None:
        return statement
    above = event.quantity.value > statement.above
    return replace(statement, says=above, assertion=statement.assertion if above else "negated")
