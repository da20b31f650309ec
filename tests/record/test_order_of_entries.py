"""The order in which the entries of a record stand changes no fact: every choice among entries is by a total order."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from calcipath.api import load_guideline
from calcipath.record.dates import parse_when
from calcipath.record.facts import pick_facts
from calcipath.record.fhir.raw import RawResource
from calcipath.record.reader import read_record
from calcipath.record.recognition import recognise

GUIDELINE = load_guideline()
DAYS = st.sampled_from(["2026-01-10", "2026-01-11", "2026-01"])
LONG, SHORT = "2026-01-10T08:00:00Z", "2026-01-10T12:00:00Z"


def loinc(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": code}]}


def calcium(day: str, value: float) -> dict[str, Any]:
    quantity = {"value": value, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": loinc("17861-6"),
        "effectiveDateTime": day,
        "valueQuantity": quantity,
    }


def dialysis(kind: str, day: str) -> dict[str, Any]:
    if kind == "diagnosis":
        code = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "Z99.2"}]}
        active = {"coding": [{"code": "active"}]}
        return {"resourceType": "Condition", "clinicalStatus": active, "code": code, "onsetDateTime": day}
    named = {"text": kind}
    period = {"start": LONG, "end": SHORT}
    when = {"performedDateTime": day} if kind == "Hemodialysis" else {"performedPeriod": period}
    return {"resourceType": "Procedure", "status": "completed", "code": named, **when}


KINDS = st.sampled_from(
    ["diagnosis", "Hemodialysis", "Hemodialysis 3 times a week", "Hemodialysis 4 hours twice a week"]
)
ENTRIES = st.one_of(
    st.builds(calcium, DAYS, st.sampled_from([8.0, 10.0, 9.25, 9.0])),
    st.builds(dialysis, KINDS, DAYS),
)


@given(st.data())
def test_no_fact_depends_on_it(data: st.DataObject) -> None:
    entries = data.draw(st.lists(ENTRIES, min_size=2, max_size=8))
    numbered = [{**entry, "id": str(number)} for number, entry in enumerate(entries)]
    shuffled = data.draw(st.permutations(numbered))
    assert facts_of(shuffled) == facts_of(numbered)


def facts_of(resources: list[dict[str, Any]]) -> dict[str, Any]:
    record = read_record([RawResource(resource) for resource in resources])
    findings = recognise(record.events, GUIDELINE.vocabulary, True).findings
    moment = parse_when("2026-01-20")
    assert moment is not None
    picked = pick_facts(GUIDELINE, record, findings, moment.latest)
    return {name: (fact.value, fact.position) for name, fact in picked.values.items()}
