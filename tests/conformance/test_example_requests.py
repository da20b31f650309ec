"""The requests that the kit makes: conformant, in each state, and answered as a FHIR server would."""

from __future__ import annotations

import itertools
import re
from datetime import date
from typing import Any

import pytest

from calcipath.conformance.fhir_elements import missing_elements
from calcipath.conformance.findings import Service
from calcipath.conformance.hooks import HOOKS
from calcipath.conformance.prefetch import answer, filled
from calcipath.conformance.requests import (
    OUTCOME,
    example,
    full_request,
    in_state,
    required_fields,
    states_for,
    with_server,
    without,
)
from calcipath.conformance.states import State
from calcipath.hooks.request import read_request

TODAY = date(2027, 3, 1)
SAMPLE = example(TODAY)
TEMPLATES = {
    "patient": "Patient/{{context.patientId}}",
    "labs": "Observation?patient={{context.patientId}}&category=laboratory",
    "none": "Immunization?patient={{context.patientId}}",
    "gone": "Coverage/none",
    "proxy": "RelatedPerson/{{userRelatedPersonId}}",
}


def new_ids() -> Any:
    numbers = itertools.count()
    return lambda: f"00000000-0000-4000-8000-{next(numbers):012d}"


def request(hook: str) -> dict[str, Any]:
    return full_request(Service("one", hook, TEMPLATES), SAMPLE, new_ids())


@pytest.mark.parametrize("hook", sorted(HOOKS))
def test_each_hook_has_a_conformant_context(hook: str) -> None:
    context = request(hook)["context"]
    assert set(HOOKS[hook].required) <= set(context) <= HOOKS[hook].fields
    assert all(re.fullmatch(r"[A-Z]\w+/[\w-]+", context[name]) for name in ("userId", "performer") if name in context)
    assert not {"/"} & set(context["patientId"])


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_drafts_are_drafts_and_selections_point_at_them(hook: str) -> None:
    context = request(hook)["context"]
    drafts = [entry["resource"] for entry in context["draftOrders"]["entry"]]
    assert {draft["status"] for draft in drafts} == {"draft"}
    names = {f"{draft['resourceType']}/{draft['id']}" for draft in drafts}
    assert set(context.get("selections", names)) <= names


@pytest.mark.parametrize("hook", ["patient-view", "order-select", "order-sign", "problem-list-item-create"])
def test_an_independent_reader_takes_each_request(hook: str) -> None:
    assert read_request(request(hook), hook).patient == request(hook)["context"]["patientId"]


def test_the_resources_are_whole_and_their_dates_move() -> None:
    assert all(not missing_elements(resource) for resource in SAMPLE.resources)
    dates = {resource["effectiveDateTime"][:10] for resource in SAMPLE.resources if "effectiveDateTime" in resource}
    assert max(dates) == "2027-02-27" and min(dates) > "2027-01-01"
    assert SAMPLE.resources[0]["birthDate"] == example(date(2026, 1, 15)).resources[0]["birthDate"]


def test_each_service_and_run_has_a_patient_of_its_own() -> None:
    one, two = example(TODAY, "aaaa"), example(TODAY, "bbbb")
    ids = [{resource["id"] for resource in sample.resources} for sample in (one, two)]
    assert not ids[0] & ids[1]
    assert one.contexts["patient-view"]["patientId"] == one.resources[0]["id"]


def test_a_full_prefetch_is_what_the_queries_find() -> None:
    prefetch = request("patient-view")["prefetch"]
    assert prefetch["patient"]["resourceType"] == "Patient"
    assert len(prefetch["labs"]["entry"]) == prefetch["labs"]["total"] == 6
    assert prefetch["none"] == {"resourceType": "Bundle", "type": "searchset", "total": 0}
    assert prefetch["gone"] is None
    assert "proxy" not in prefetch  # the user is a practitioner


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("Observation?code=http://loinc.org|17861-6,http://loinc.org|2777-1", 2),
        ("Observation?code=17861-6", 1),
        ("Observation?code=http://snomed.info/sct|17861-6", 0),
        ("Observation?date=ge2027-02-26", 6),
        ("Observation?date=lt2027-02-01", 1),
        ("Observation?_count=3", 3),
        ("Condition?clinical-status=active", 5),
        ("MedicationRequest?status=active&intent=order", 1),
        ("MedicationRequest?status=active,stopped", 2),
        ("Observation?patient=Patient/another", 0),
        ("Observation?code:in=http://example.org/set", 8),
        ("Observation?unknown=1", 8),
    ],
)
def test_searches(query: str, count: int) -> None:
    found = answer(query, SAMPLE.resources)
    assert found is not None
    assert len(found.get("entry", [])) == count


def test_tokens() -> None:
    context = {"userId": "PractitionerRole/9", "patientId": "7", "orders": ["A/1", "A/2"], "bundle": {}}
    for query, wanted in (
        ("Patient/{{context.patientId}}", "Patient/7"),
        ("{{context.userId}}", "PractitionerRole/9"),
        ("PractitionerRole?_id={{userPractitionerRoleId}}", "PractitionerRole?_id=9"),
        ("Practitioner/{{userPractitionerId}}", None),
        ("A?_id={{context.orders}}", "A?_id=A/1,A/2"),
        ("A?_id={{context.bundle}}", None),
        ("Encounter/{{context.encounterId}}", None),
        ("Observation?date=ge{{today() - 90 days}}", "Observation?date=ge2026-12-01"),
        ("Observation?date=ge{{today()}}", "Observation?date=ge2027-03-01"),
    ):
        assert filled(query, context, TODAY) == wanted


def test_states() -> None:
    service, base, ids = Service("one", "patient-view", TEMPLATES), request("patient-view"), new_ids()

    def sent(kind: Any, key: str = "") -> dict[str, Any]:
        return in_state(base, service, State(kind, key), ids)

    assert "prefetch" not in sent("absent")
    assert set(sent("absent", "labs")["prefetch"]) == {"patient", "none", "gone"}
    assert set(sent("nulls")["prefetch"].values()) == {None}
    assert sent("outcomes", "labs")["prefetch"]["labs"] == OUTCOME
    assert "entry" not in sent("empty")["prefetch"]["labs"] and sent("empty")["prefetch"]["patient"]["id"]
    assert "kitUnknownKey" in sent("unknown-keys")["prefetch"]
    assert isinstance(sent("extension")["extension"], dict)
    assert "kitUnknownField" in sent("unknown-context")["context"]
    assert "kitUnknownField" not in base["context"] and "kitUnknownKey" not in base["prefetch"]
    assert len({sent("absent")["hookInstance"] for _ in range(3)}) == 3


def test_which_states_are_tried() -> None:
    base = request("patient-view")
    service = Service("one", "patient-view", TEMPLATES)
    few = states_for(base, service, thorough=False)
    assert [state.kind for state in few] == [
        "absent", "nulls", "outcomes", "empty", "unknown-keys", "extension", "unknown-context",
    ]  # fmt: skip
    assert len(states_for(base, service, thorough=True)) == len(few) + 3 * 4
    bare = states_for(without(base, "prefetch", new_ids()), Service("one", "patient-view"), thorough=True)
    assert [state.kind for state in bare] == ["unknown-keys", "extension", "unknown-context"]


def test_requests_that_lack_a_field() -> None:
    base, service = request("order-sign"), Service("one", "order-sign", TEMPLATES)
    assert required_fields(service) == (
        "hook", "hookInstance", "context", "context.userId", "context.patientId", "context.draftOrders",
    )  # fmt: skip
    assert "draftOrders" not in without(base, "context.draftOrders", new_ids())["context"]
    assert "context" not in without(base, "context", new_ids())
    assert required_fields(Service("one", "our-own-hook")) == ("hook", "hookInstance", "context")


def test_a_request_with_a_server_has_all_of_its_authorization() -> None:
    sent = with_server(request("patient-view"), "https://fhir.example.org", "secret", new_ids())
    assert "prefetch" not in sent
    assert set(sent["fhirAuthorization"]) == {
        "access_token", "token_type", "expires_in", "scope", "subject", "patient",
    }  # fmt: skip
    assert sent["fhirAuthorization"]["patient"] == sent["context"]["patientId"]
