"""Facts that are yes, no or unknown by what was recorded: diagnoses, examination, drugs, qualitative results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from calcipath.guideline.model import Fact
from calcipath.record.evidence import Evidence, FactValue, event_date, instant
from calcipath.record.model import Assertion, DataProblem, Event, Finding

DAY = 86400.0
LONGEST_VALUE = 80  # characters; a longer value text is quoted where it is read
_LASTING = ("condition", "allergy")


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


def fits(finding: Finding, fact: Fact) -> bool:
    """Whether the finding is of the kind that the fact reads."""
    if fact.event_kinds and finding.event.kind not in fact.event_kinds:
        return False
    if fact.routes and finding.route not in fact.routes:
        return False
    if fact.done_only and (finding.event.kind == "order" or finding.event.status == "planned"):
        return False
    return finding.event.kind != "order"


def window_days(fact: Fact, moment: Moment) -> float | None:
    """The look-back window in days; shorter in hospital where the fact says so."""
    return fact.within_days_inpatient if moment.inpatient and fact.within_days_inpatient else fact.within_days


def in_window(finding: Finding, fact: Fact, moment: Moment) -> bool:
    """Whether the event still speaks for today. Active diagnoses last; undated entries are not excluded."""
    event, days = finding.event, window_days(fact, moment)
    if days is None or (event.kind == "procedure" and event.status == "active"):
        return True
    if event.kind in _LASTING and not fact.conditions_within and finding.route != "text":
        return True
    if event.kind in _LASTING and not fact.conditions_within and event.status == "active":
        return True
    at = instant(event)
    return at == float("-inf") or moment.as_of - at <= days * DAY


def _can_deny(finding: Finding, fact: Fact) -> bool:
    """Whether the absence of this concept means the absence of the whole ("no cirrhosis" is not "no liver disease")."""
    return not fact.denied_by or finding.concept in fact.denied_by


def _vote(finding: Finding, fact: Fact) -> Vote:
    event, assertion = finding.event, finding.assertion
    at = instant(event)
    if event.kind in _LASTING and at == float("-inf"):
        at = float("inf") if event.status == "active" else at
    past = assertion == "historical" or (event.kind in _LASTING and event.status in ("inactive", "completed"))
    if fact.any_assertion:
        return Vote(None if assertion == "family" else True, finding, assertion, at)
    if assertion == "family":
        return Vote(None, finding, assertion, at)
    if event.verification == "refuted" or assertion == "negated":
        return Vote(False if _can_deny(finding, fact) else None, finding, "negated", at)
    if past:
        return Vote(True if fact.history or fact.only_history else None, finding, "historical", at)
    if fact.only_history:
        return Vote(None, finding, assertion, at)
    if assertion == "uncertain" or event.verification == "provisional":
        return Vote(True if fact.any_certainty else None, finding, "uncertain", at)
    if fact.confirmed_only and event.verification != "confirmed":
        return Vote(None, finding, "uncertain", at)
    return Vote(True, finding, assertion, at)


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
    kept = [
        f
        for f in findings
        if fits(f, fact)
        and in_window(f, fact, moment)
        and (not fact.with_concepts or by_event[id(f.event)].intersection(fact.with_concepts))
        and not by_event[id(f.event)].intersection(fact.without_concepts)
    ]
    value, problem = decide([_vote(f, fact) for f in kept], fact)
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
    kept = [f for f in findings if fits(f, fact) and not _excluded_route(f.event, fact)]
    value, problem = decide([_drug_vote(f, fact, moment) for f in kept], fact)
    return _with_silence(value, fact, complete), problem


def _excluded_route(event: Event, fact: Fact) -> bool:
    route = event.route.lower()
    return bool(route) and any(word in route for word in fact.not_route)


def _drug_vote(finding: Finding, fact: Fact, moment: Moment) -> Vote:
    event, at = finding.event, instant(finding.event)
    if event.verification == "refuted":
        return Vote(False, finding, "negated", at)
    if finding.assertion in ("negated", "family", "uncertain"):
        says = False if finding.assertion == "negated" and _can_deny(finding, fact) else None
        return Vote(says, finding, finding.assertion, at)
    if fact.ever:
        return Vote(event.status != "planned" or None, finding, "stated", at)
    if finding.assertion == "historical":
        return Vote(None, finding, "historical", at)
    days = window_days(fact, moment)
    recent = at != float("-inf") and (days is None or moment.as_of - at <= days * DAY)
    if event.kind != "medication":
        return Vote(True if recent else None, finding, "stated" if recent else "historical", at)
    if event.resource_type == "MedicationAdministration":
        return Vote(True if recent else None, finding, "stated" if recent else "historical", at)
    if event.status == "active" and not (fact.doses_only and event.resource_type == "MedicationRequest"):
        return Vote(True, finding, "stated", float("inf"))
    if event.status == "unknown":
        return Vote(None, finding, "uncertain", at)
    return Vote(None, finding, "historical", at)


_POSITIVE_CODES = {"POS": True, "A": True, "AA": True, "H": True, "HH": True, "NEG": False, "N": False, "ND": False}
_POSITIVE_WORDS = ("positive", "present", "detected", "reactive", "elevated", "high", "raised", "strongly")
_NEGATIVE_WORDS = (
    "negative",
    "normal",
    "absent",
    "not detected",
    "non-reactive",
    "nonreactive",
    "none",
    "no growth",
    "not present",
    "sterile",
    "within",
)


def positive(fact: Fact, findings: Sequence[Finding], moment: Moment) -> tuple[FactValue, DataProblem | None]:
    """A qualitative result: by its interpretation, its words, or its value against its own reference limit."""
    votes = []
    for finding in findings:
        if fits(finding, fact) and in_window(finding, fact, moment):
            says = _result(finding.event, fact)
            if says is None and finding.event.kind in ("condition", "note", "report"):
                says = _vote(finding, fact).says
            votes.append(Vote(says, finding, "negated" if says is False else finding.assertion, instant(finding.event)))
    return decide(votes, fact)


def _result(event: Event, fact: Fact) -> bool | None:
    if event.interpretation in _POSITIVE_CODES:
        return _POSITIVE_CODES[event.interpretation]
    if event.value_boolean is not None:
        return event.value_boolean
    words = " ".join([event.value_text, *(c.display for c in event.value_codings)]).lower().strip()
    if words:
        if any(word in words for word in _NEGATIVE_WORDS):
            return False
        if fact.any_text_is_positive or any(word in words for word in _POSITIVE_WORDS):
            return True
    if event.quantity is not None and event.range_high is not None:
        return event.quantity.value > event.range_high.value
    return None
