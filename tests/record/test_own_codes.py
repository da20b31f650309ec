"""Entries in calcipath's own codes say what their codes say, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from small_records import record, resource, status

from calcipath.api import load_guideline
from calcipath.guideline.vocabulary import OWN_SYSTEM
from calcipath.record.facts import pick_facts
from calcipath.record.recognition import recognise

GUIDELINE = load_guideline()


def own(*concepts: str, text: str = "", system: str = OWN_SYSTEM) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": concept} for concept in concepts], "text": text}


def found(*resources: Any) -> dict[str, str]:
    read = recognise(record(*resources).events, GUIDELINE.vocabulary, True)
    assert read.problems == ()
    return {finding.concept: finding.assertion for finding in read.findings}


def observed(code: dict[str, Any], **more: Any) -> dict[str, Any]:
    return resource("Observation", status="final", code=code, effectiveDateTime="2026-03-10T09:00:00Z", **more)


def value(fact: str, *resources: Any) -> Any:
    read = record(*resources)
    findings = recognise(read.events, GUIDELINE.vocabulary, True).findings
    assert read.ends is not None
    return pick_facts(GUIDELINE, read, findings, read.ends.latest).values[fact].value


@pytest.mark.parametrize("concept", sorted(GUIDELINE.vocabulary.concepts))
def test_a_code_stands_for_its_concept_and_no_other(concept: str) -> None:
    assert GUIDELINE.vocabulary.by_code(OWN_SYSTEM, concept) == (concept,)
    assert found(observed(own(concept), valueBoolean=True)) == {concept: "stated"}


def test_a_code_that_is_no_concept_is_counted() -> None:
    events = record(observed(own("no-such-thing"), valueBoolean=True)).events
    read = recognise(events, GUIDELINE.vocabulary, True)
    assert read.findings == ()
    assert dict(read.codes_not_recognised) == {OWN_SYSTEM: 1}


def test_words_beside_it_are_not_read() -> None:
    entry = observed(
        own("asthma", text="asthma with livedo"), valueBoolean=True, note=[{"text": "skin ulcer of the thigh"}]
    )
    assert found(entry) == {"asthma": "stated"}


def test_a_standard_code_beside_it_adds_nothing() -> None:
    code = {"coding": [*own("wound")["coding"], {"system": "http://snomed.info/sct", "code": "237900002"}]}
    assert found(observed(code, valueBoolean=True)) == {"wound": "stated"}


def test_sites_and_what_a_report_did_not_find() -> None:
    assert found(observed(own("skin-ulcer"), valueBoolean=False, bodySite=own("site-thigh"))) == {
        "skin-ulcer": "negated", "site-thigh": "stated",
    }  # fmt: skip
    absent = own("vasculitis", system="urn:calcipath:concept-absent")
    report = resource("DiagnosticReport", status="final", code=own("skin-specimen"), conclusionCode=[absent])
    assert found(report) == {"skin-specimen": "stated", "vasculitis": "negated"}


def test_a_denial_of_other_systems_is_read_as_before() -> None:
    """ "No skin ulcer" in words still denies every lesion, as the content says; in our own code it denies the ulcer."""
    words = resource(
        "Condition", code={"text": "skin ulcer"}, verificationStatus=status("refuted"), recordedDate="2026-03-10"
    )
    exact = {**words, "code": own("skin-ulcer")}
    assert value("any-lesion", words) is False
    assert value("any-lesion", exact) is None
    assert (value("skin-ulcer", words), value("skin-ulcer", exact)) == (False, False)


def test_a_drug_that_is_not_taken() -> None:
    entry = resource(
        "MedicationStatement", status="not-taken", dateAsserted="2026-03-10",
        medicationCodeableConcept=own("corticosteroid-systemic"),
    )  # fmt: skip
    assert value("systemic-corticosteroid", entry) is False
    assert value("immunosuppressant", entry) is None


def test_a_code_names_where_codes_of_others_do_not() -> None:
    """Some facts do not trust the codes of other systems, which are too coarse; ours is as exact as the name."""
    assert "code" not in GUIDELINE.facts["warfarin-necrosis-recorded"].routes
    entry = resource(
        "Condition", code=own("warfarin-skin-necrosis"), recordedDate="2026-03-10", clinicalStatus=status("active")
    )
    assert value("warfarin-necrosis-recorded", entry) is True
