"""Reads `patient-information.yaml`, and refuses what a page for the patient must not hold.

That is a digit (a dose, a result, a prognosis), a call to end a treatment, a statement without a source, a condition on
something that the guideline does not know.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from calcipath.guideline.entries import Entry, unique
from calcipath.guideline.fact_reader import read_citation
from calcipath.guideline.model import Source
from calcipath.guideline.patient_information import PatientInformation, PatientSection, Statement
from calcipath.guideline.worklist_reader import asks_to_end

FIXED = "Ask before you stop anything"  # must be said by a section that is always there
_DIGIT = re.compile(r"\d")


def read_patient_information(entry: Entry, sources: Mapping[str, Source], items: Collection[str]) -> PatientInformation:
    """The typed content; `items`: `risk:x` and `recommendation:x` of the guideline. Raises `GuidelineError`."""
    entry.only("title", "introduction", "sections")
    sections = tuple(
        _section(each, sources, items) for each in unique(entry.entries("sections", required=True), "section")
    )
    always = (said for section in sections if not section.when for said in section.statements if not said.when)
    if not any(FIXED.casefold() in said.say.casefold() for said in always):
        raise entry.fail(f"no section that is always there says '{FIXED}'", "sections")
    return PatientInformation(_plain(entry, "title"), _plain(entry, "introduction"), sections)


def _section(entry: Entry, sources: Mapping[str, Source], items: Collection[str]) -> PatientSection:
    entry.only("id", "title", "when", "statements")
    statements = tuple(_statement(each, sources, items) for each in entry.entries("statements", required=True))
    if not statements:
        raise entry.fail("a section needs a statement", "statements")
    return PatientSection(entry.text("id"), _plain(entry, "title"), _when(entry, items), statements)


def _statement(entry: Entry, sources: Mapping[str, Source], items: Collection[str]) -> Statement:
    entry.only("say", "when", "citations")
    citations = tuple(read_citation(each, sources) for each in entry.entries("citations", required=True))
    if not citations:
        raise entry.fail("a statement needs a source", "citations")
    return Statement(_plain(entry, "say"), _when(entry, items), citations)


def _plain(entry: Entry, key: str) -> str:
    text = entry.text(key)
    if _DIGIT.search(text):
        raise entry.fail(f"'{key}' holds a digit: doses, results and outlook are talked about with the team", key)
    if asks_to_end(text.replace("before you stop", "before")):
        raise entry.fail(f"'{key}' asks to end a treatment", key)
    return text


def _when(entry: Entry, items: Collection[str]) -> tuple[str, ...]:
    names = entry.texts("when")
    for name in names:
        if name not in items:
            raise entry.fail(f"there is no risk factor or recommendation '{name}'", "when")
    if "when" in entry.data and not names:
        raise entry.fail("'when' names nothing", "when")
    return names
