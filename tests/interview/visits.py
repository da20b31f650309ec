"""A case that is filled in on the page: who, when, and ids that tell one visit from another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from calcipath.api import load_guideline
from calcipath.interview.entered import Entered
from calcipath.record.facts import PickedFacts, pick_facts
from calcipath.record.fhir.raw import RawResource
from calcipath.record.reader import read_resources
from calcipath.record.recognition import recognise

GUIDELINE = load_guideline()
PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "p"}
NOW = "2026-03-10T09:00:00Z"


def entered(when: str = NOW, prefix: str = "e", author: str = "Dr Foot Livedo") -> Entered:
    """By an author whose name holds words of the vocabulary, which must not be read."""
    return Entered(when, author, PATIENT, lambda hint: f"{prefix}-{hint}")


def facts_of(resources: Iterable[dict[str, Any]], as_of: str = NOW) -> PickedFacts:
    """The facts that a case gives: the patient, unless an updated one is among the resources, and the resources."""
    found = list(resources)
    if not any(each["resourceType"] == "Patient" for each in found):
        found.insert(0, PATIENT)
    record = read_resources([RawResource(each) for each in found], as_of=as_of).record
    assert record.problems == ()
    recognised = recognise(record.events, GUIDELINE.vocabulary, True)
    assert recognised.problems == ()
    picked = pick_facts(GUIDELINE, record, recognised.findings, entered(as_of).moment().latest)
    assert picked.problems == ()
    return picked
