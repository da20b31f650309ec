"""The reader: whose record it is, what is kept once, what is later than the assessment, and the account of it all."""

from __future__ import annotations

from typing import Any

import pytest
from fhir_samples import PATIENT, concept, made, problems_of, record_of, report_of

from calcipath.errors import InputError
from calcipath.record.model import Coding, Quantity
from calcipath.record.reader import RawResource, RecordError, TwoPatients, read_record, read_resources

HB = made("Observation", "hb", status="final", code=concept("Hb"), valueInteger=9, effectiveDateTime="2026-01-15")


def read(*resources: Any) -> Any:
    return read_record([RawResource(item) for item in resources])


def test_the_patient() -> None:
    patient = record_of().patient
    assert (patient.reference, patient.sex) == ("Patient/p", "female")
    assert patient.born is not None and patient.born.written == "1961-05" and patient.died is None
    dead = read({**PATIENT, "deceasedDateTime": "2025-12-01"}).patient
    assert dead.died is not None and dead.died.written == "2025-12-01"


@pytest.mark.parametrize(
    "subject",
    [
        "Patient/p", "urn:uuid:p", "https://ehr.example.org/fhir/Patient/p", "Patient/p/_history/2",
    ],
)  # fmt: skip
def test_ways_to_name_the_patient(subject: str) -> None:
    found = record_of({**HB, "subject": {"reference": subject}})
    assert len(found.events) == 1 and found.problems == ()


def test_a_patient_known_by_its_full_url_only() -> None:
    for full_url, subject in (
        ("urn:uuid:7d4c", "urn:uuid:7d4c"),
        ("https://ehr.example.org/fhir/Patient/7", "https://ehr.example.org/fhir/Patient/7"),
        ("https://ehr.example.org/fhir/Patient/7", "Patient/7"),
    ):
        nameless = {key: value for key, value in PATIENT.items() if key != "id"}
        found = read_record([RawResource(nameless, full_url), RawResource({**HB, "subject": {"reference": subject}})])
        assert len(found.events) == 1 and found.patient.reference == full_url


@pytest.mark.parametrize("subject", ["Patient/q", "urn:uuid:q", "https://ehr.example.org/fhir/Patient/q", "Patient/p2"])
def test_another_subject_is_refused(subject: str) -> None:
    with pytest.raises(TwoPatients) as refused:
        read(PATIENT, {**HB, "subject": {"reference": subject}})
    assert str(refused.value).startswith("the record holds one Observation about another patient")
    assert "q" not in str(refused.value).split() and "hb" not in str(refused.value)  # no id of a patient or entry
    assert isinstance(refused.value, InputError)


def test_two_patients_are_refused() -> None:
    with pytest.raises(TwoPatients, match="2 patients"):
        read(PATIENT, {**PATIENT, "id": "q"})
    with pytest.raises(TwoPatients):
        read(HB, {**HB, "id": "y", "subject": {"reference": "Patient/q"}})


def test_the_same_id_on_another_server_is_another_patient() -> None:
    elsewhere = {**HB, "subject": {"reference": "https://b.example.org/Patient/p"}}
    with pytest.raises(TwoPatients):
        read_record([RawResource(PATIENT, "https://a.example.org/Patient/p"), RawResource(elsewhere)])


def test_without_a_patient_resource_the_record_is_read_and_that_is_listed() -> None:
    found = read(HB, {**HB, "id": "y", "subject": {"reference": "https://ehr.example.org/Patient/p"}})
    assert (found.patient.reference, found.patient.sex, len(found.events)) == ("Patient/p", "", 2)
    assert [problem.problem for problem in found.problems] == ["unresolved-reference"]


def test_a_subject_by_identifier() -> None:
    mrn = {"system": "https://ehr.example.org/mrn", "value": "1"}
    patient = {**PATIENT, "identifier": [mrn]}
    assert read(patient, {**HB, "subject": {"identifier": mrn}}).problems == ()
    with pytest.raises(TwoPatients):
        read(patient, {**HB, "subject": {"identifier": {**mrn, "value": "2"}}})
    with pytest.raises(TwoPatients):
        read(patient, {**HB, "subject": {"reference": "Patient?identifier=https://ehr.example.org/mrn|2"}})
    assert len(read(patient, {**HB, "subject": {"display": "Mrs Case"}}).problems) == 1


def test_entries_about_something_else_or_nobody() -> None:
    group = report_of({**HB, "subject": {"reference": "Group/g"}})
    assert group.record.events == () and len(group.record.problems) == 1
    nobody = report_of({**HB, "subject": None})
    assert len(nobody.record.events) == 1 and len(nobody.record.problems) == 1
    for odd in ("Patient/p", 7, [{"reference": "Patient/p"}], {"reference": 7}):
        assert report_of({**HB, "subject": odd}).record.events == ()


def test_a_copy_is_read_once_and_of_two_versions_the_newer() -> None:
    assert report_of(HB, dict(HB)).dropped == {"duplicate": 1}
    old = {**HB, "meta": {"versionId": "9", "lastUpdated": "2026-01-01T00:00:00Z"}}
    new = {**HB, "meta": {"versionId": "10", "lastUpdated": "2026-01-01T00:00:00Z"}, "valueInteger": 12}
    newest = {**HB, "meta": {"versionId": "1", "lastUpdated": "2026-01-02T00:00:00Z"}, "valueInteger": 7}
    for versions, value in (((old, new), 12.0), ((new, old), 12.0), ((newest, new), 7.0), ((old, newest), 7.0)):
        found = report_of(*versions)
        assert [event.quantity for event in found.record.events] == [Quantity(value)]
        assert [problem.problem for problem in found.record.problems] == ["contradiction"]


def test_void_entries_of_the_source_are_counted() -> None:
    found = read_resources([RawResource(PATIENT), RawResource(HB, void="deleted")])
    assert (found.dropped, found.record.events) == ({"deleted": 1}, ())


@pytest.mark.parametrize(
    "odd", [None, 7, "text", [], {}, {"resourceType": None}, {"resourceType": 7}, {"resourceType": "\u2066x"}]
)
def test_what_is_no_resource_is_listed_by_its_place(odd: Any) -> None:
    assert problems_of(odd) == [("line 2", "unreadable")]


def test_types_that_are_not_read_are_counted() -> None:
    found = report_of({"resourceType": "Claim", "id": "1"}, {"resourceType": "CarePlan"}, {"resourceType": "CarePlan"})
    assert found.ignored == {"Claim": 1, "CarePlan": 2} == dict(found.record.not_read)
    assert found.record.problems == ()


def test_entries_without_a_usable_id_are_named_by_address_or_place() -> None:
    for identifier in (None, 7, "", "a b", "\u202ex", "x" * 201):
        for full_url, reference in (("urn:uuid:1", "urn:uuid:1"), ("", "entry 2")):
            found = read_record([RawResource(PATIENT), RawResource({**HB, "id": identifier}, full_url)])
            assert [event.reference for event in found.events] == [reference]


def test_modifier_extensions_and_implicit_rules_are_not_passed_over() -> None:
    for extra in (
        {"modifierExtension": [{"url": "http://example.org/not", "valueBoolean": True}]},
        {"implicitRules": "x"},
    ):
        found = report_of({**HB, **extra})
        assert found.record.events == () and len(found.record.problems) == 1


def test_the_record_ends_with_its_newest_clinical_date() -> None:
    def ends(*resources: Any, **options: Any) -> str:
        found = record_of(*resources, **options).ends
        return found.written if found else ""

    assert ends() == ""
    meta = {**HB, "meta": {"lastUpdated": "2030-01-01T00:00:00Z"}}
    assert ends(meta) == "2026-01-15"
    plan = made("ServiceRequest", "o", status="draft", intent="plan", code=concept("Biopsy"), authoredOn="2026-03-01")
    assert ends(HB, plan) == "2026-01-15"
    stay = made("Encounter", "e", status="in-progress", period={"start": "2026-01-10", "end": "2027-01-01"})
    assert ends(HB, stay) == "2026-01-15"
    given = made(
        "MedicationAdministration",
        "m",
        status="completed",
        medicationCodeableConcept=concept("x"),
        effectivePeriod={"start": "2026-01-10", "end": "2026-01-20"},
    )
    assert ends(HB, given) == "2026-01-20"
    assert ends(HB, given, as_of="2026-01-16") == "2026-01-15"


def test_later_entries_are_listed_and_not_used() -> None:
    later = {**HB, "id": "later", "effectiveDateTime": "2026-01-16T00:00:00Z"}
    evening = {**HB, "id": "evening", "effectiveDateTime": "2026-01-15T23:30:00-05:00"}
    plan = made("ServiceRequest", "o", status="draft", code=concept("Biopsy"), authoredOn="2026-03-01")
    found = report_of(HB, later, evening, plan, as_of="2026-01-15")
    assert [event.reference for event in found.record.events] == [
        "Observation/hb",
        "Observation/evening",
        "ServiceRequest/o",
    ]
    assert [(p.reference, p.problem) for p in found.record.problems] == [("Observation/later", "future-date")]
    assert len(record_of(HB, later).events) == 2


def test_a_bad_instant_is_one_sentence() -> None:
    for as_of in ("tomorrow", "2026-02-30", ""):
        with pytest.raises(RecordError, match="not a date"):
            record_of(HB, as_of=as_of)


def test_what_the_source_holds_in_full_is_passed_on() -> None:
    assert record_of(complete=frozenset({"medications"})).complete == {"medications"}


def test_code_systems_become_canonical() -> None:
    site = {
        "http://site.example/icd10": "http://hl7.org/fhir/sid/icd-10-cm",
        "http://site.example/units": "http://unitsofmeasure.org",
    }
    coded = {
        **HB,
        "code": concept(code="N186", system="http://site.example/icd10"),
        "valueInteger": None,
        "valueQuantity": {"value": 1, "system": "http://site.example/units"},
    }
    mapped, kept = record_of(coded, code_systems=site).events[0], record_of(coded).events[0]
    assert mapped.codings == (Coding("http://hl7.org/fhir/sid/icd-10-cm", "N186"),)
    assert mapped.quantity == Quantity(1.0, "", "http://unitsofmeasure.org")
    assert kept.codings == (Coding("http://site.example/icd10", "N186"),)
    by_oid = {**HB, "code": concept(code="17861-6", system="urn:oid:2.16.840.1.113883.6.1")}  # HL7's OID of LOINC
    assert record_of(by_oid).events[0].codings == (Coding("http://loinc.org", "17861-6"),)


def test_hostile_text_is_cleaned_and_cut() -> None:
    hostile = {**HB, "valueInteger": None, "valueString": "\x00a\x1b[31m\u202eb\nc\ud800"}
    assert record_of(hostile).events[0].value_text == "a[31mb\nc"
    found = record_of({**hostile, "valueString": "x" * 100_001})
    assert len(found.events[0].value_text) == 100_000 and len(found.problems) == 1


def test_many_alike_problems_are_summed_up() -> None:
    bad = [{**HB, "id": f"o{n}", "effectiveDateTime": "soon"} for n in range(50)]
    problems = record_of(*bad).problems
    assert len(problems) == 21 and "30 more" in problems[-1].handling


def test_a_nesting_that_exceeds_the_stack_is_no_crash() -> None:
    deep: Any = "end"
    for _ in range(20_000):
        deep = {"extension": deep}
    first, second = {**HB, "extension": deep}, {**HB, "extension": {"extension": deep}}
    assert len(record_of(first, second).events) == 1
