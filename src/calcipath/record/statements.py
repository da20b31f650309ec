"""What one finding says about a fact, whatever the moment for which it is asked.

A population reads an entry once for all patients who have one like it; only dates and numbers differ. So the rules that
need neither stand here, apart from those that do (`findings.py`, and SQL for populations).
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from calcipath.guideline.model import Fact
from calcipath.record.model import Assertion, Event, Finding
from calcipath.record.own_codes import denies, named_by_own_code, speaks_by_own_codes

_LASTING = ("condition", "allergy")
Reach = Literal["always", "window", "recent"]


@dataclass(frozen=True, slots=True)
class Statement:
    """What a finding says about a fact, whatever the moment: yes, no, or (None) something that does not decide.

    `reach` says when it speaks: always; within the fact's window or undated; or only if dated within it (`recent`).
    It counts as said now where it is `lasting`, and where `lasting_undated`, if the event has no date; else at the
    event's own instant. With `above`, it says yes when the
    event's number lies above that limit, and no otherwise.
    """

    says: bool | None
    assertion: Assertion
    reach: Reach = "always"
    lasting: bool = False
    lasting_undated: bool = False
    above: float | None = None


def fits(finding: Finding, fact: Fact) -> bool:
    """Whether the finding is of the kind that the fact reads."""
    if fact.event_kinds and finding.event.kind not in fact.event_kinds:
        return False
    if fact.routes and finding.route not in fact.routes and not named_by_own_code(finding):
        return False
    if fact.done_only and (finding.event.kind == "order" or finding.event.status == "planned"):
        return False
    return finding.event.kind != "order"


def fits_context(fact: Fact, concepts: AbstractSet[str]) -> bool:
    """Whether the concepts that the same entry speaks of are those that the fact wants beside its own."""
    wanted = not fact.with_concepts or not concepts.isdisjoint(fact.with_concepts)
    return wanted and concepts.isdisjoint(fact.without_concepts)


def _reach(finding: Finding, fact: Fact) -> Reach:
    """Active diagnoses last; undated entries are not excluded."""
    event = finding.event
    if event.kind == "procedure" and event.status == "active":
        return "always"
    lasting = event.kind in _LASTING and not fact.conditions_within
    return "always" if lasting and (finding.route != "text" or event.status == "active") else "window"


def _can_deny(finding: Finding, fact: Fact) -> bool:
    """Whether the absence of this concept means the absence of the whole ("no cirrhosis" is not "no liver disease")."""
    if speaks_by_own_codes(finding.event):
        return denies(finding.event, fact)
    return not fact.denied_by or finding.concept in fact.denied_by


def recorded_statement(finding: Finding, fact: Fact) -> Statement:
    """What a finding says about a `recorded` fact."""
    event, reach = finding.event, _reach(finding, fact)
    says, assertion = _says(finding, fact)
    return Statement(says, assertion, reach, lasting_undated=event.kind in _LASTING and event.status == "active")


def _says(finding: Finding, fact: Fact) -> tuple[bool | None, Assertion]:
    event, assertion = finding.event, finding.assertion
    past = assertion == "historical" or (event.kind in _LASTING and event.status in ("inactive", "completed"))
    if fact.any_assertion:
        denied = event.verification == "refuted" or assertion == "negated"
        nothing = assertion == "family" or (denied and speaks_by_own_codes(event))  # "neither" may be "not looked at"
        return None if nothing else True, assertion
    if assertion == "family":
        return None, assertion
    if event.verification == "refuted" or assertion == "negated":
        return False if _can_deny(finding, fact) else None, "negated"
    if past:
        return True if fact.history or fact.only_history else None, "historical"
    if fact.only_history:
        return None, assertion
    if assertion == "uncertain" or event.verification == "provisional":
        return True if fact.any_certainty else None, "uncertain"
    if fact.confirmed_only and event.verification != "confirmed":
        return None, "uncertain"
    return True, assertion


def excluded_route(event: Event, fact: Fact) -> bool:
    """Whether the drug was given by a route that the fact leaves out."""
    route = event.route.lower()
    return bool(route) and any(word in route for word in fact.not_route)


def drug_statement(finding: Finding, fact: Fact) -> Statement:
    """What a finding says about a `medication` fact; one out of its reach is historical."""
    event = finding.event
    if event.verification == "refuted":
        own = speaks_by_own_codes(event)
        return Statement(None if own and not denies(event, fact) else False, "negated")
    if finding.assertion in ("negated", "family", "uncertain"):
        says = False if finding.assertion == "negated" and _can_deny(finding, fact) else None
        return Statement(says, finding.assertion)
    if fact.ever:
        return Statement(event.status != "planned" or None, "stated")
    if finding.assertion == "historical":
        return Statement(None, "historical")
    if event.kind != "medication" or event.resource_type == "MedicationAdministration":
        return Statement(True, "stated", "recent")
    if event.status == "active" and not (fact.doses_only and event.resource_type == "MedicationRequest"):
        return Statement(True, "stated", lasting=True)
    return Statement(None, "uncertain" if event.status == "unknown" else "historical")


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


def result_statement(finding: Finding, fact: Fact) -> Statement:
    """What a finding says about a `positive` fact."""
    event, reach = finding.event, _reach(finding, fact)
    says = _result(event, fact)
    if says is None and event.quantity is not None and event.range_high is not None:
        return Statement(None, finding.assertion, reach, above=event.range_high.value)
    if says is None and event.kind in ("condition", "note", "report"):
        says = _says(finding, fact)[0]
    return Statement(says, "negated" if says is False else finding.assertion, reach)


def _result(event: Event, fact: Fact) -> bool | None:
    """By the interpretation, the true or false, or the words; None where only the number says it, or nothing does."""
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
    return None
