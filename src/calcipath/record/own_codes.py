"""Entries that name concepts of the guideline by calcipath's own code system, as its interview writes them.

Such an entry says what its codes say and nothing else: its names and notes are not read for further concepts, and a
denial denies only what it names in full. "No ulcer of the thigh" leaves open whether there is a lesion elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from calcipath.guideline.model import Fact
from calcipath.guideline.vocabulary import ABSENT_SYSTEM, OWN_SYSTEM
from calcipath.record.model import Coding, Event, Finding

_PAST = ("inactive", "completed")


def own_codes(codings: Iterable[Coding], system: str = OWN_SYSTEM) -> tuple[str, ...]:
    """The concept ids among some codings, each once."""
    return tuple(dict.fromkeys(coding.code for coding in codings if coding.system == system and coding.code))


def speaks_by_own_codes(event: Event) -> bool:
    """Whether the entry is coded in our own system."""
    return any(coding.system == OWN_SYSTEM for coding in event.codings)


def named_by_own_code(finding: Finding) -> bool:
    """Whether the entry names the finding's concept by our own code, which is as exact as its name in words."""
    return finding.concept in own_codes((*finding.event.codings, *finding.event.value_codings))


def denies(event: Event, fact: Fact) -> bool:
    """Whether the denial of an entry in our own codes denies the whole fact.

    It does where it names every concept of the fact, at every site (or specimen) that the fact asks for. A denial of
    the past (a condition refuted and resolved) speaks of history only, one over a period only of facts with a window,
    and "not diagnosed" (an observation) leaves open whether it is thought of.
    """
    absent = own_codes(event.value_codings, ABSENT_SYSTEM)
    denied = absent or own_codes(event.codings)
    where = {*own_codes(event.sites), *(own_codes(event.codings) if absent else ())}
    if not set(fact.concepts) <= set(denied) or bool(where) is not bool(fact.with_concepts):
        return False
    if not set(fact.with_concepts) <= where:
        return False
    if (event.kind == "condition" and event.status in _PAST) is not fact.only_history:
        return False
    if event.kind != "observation":
        return True
    return not fact.any_certainty and (event.ended is None or fact.within_days is not None)
