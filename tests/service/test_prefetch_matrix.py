"""Every service, every key, each of its states, with and without a FHIR server: no crash, right status, the gap is said.

A real service process and a real FHIR-speaking server on loopback.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from records import condition, drug, record, result, sessions
from running import FhirServer, Running, fhir_server, serving
from service_calls import GUIDELINE, SERVICES, bundle, draft, extension

from calcipath.hooks.prefetch import KEYS, PATIENT, templates

ALLERGY = {
    "resourceType": "AllergyIntolerance", "id": "a1", "patient": {"reference": "Patient/p"}, "code": {"text": "Sulfite"},
    "clinicalStatus": {"coding": [{"code": "active"}]},
}  # fmt: skip
RECORD = [*record(drug(7, "Warfarin 5 mg"), condition(8, "Heart failure")), ALLERGY, sessions(31)]
TYPES = {key: kind for kind, key in KEYS.items()}
STATES = ("absent", "null", "empty", "filled", "paged", "resource", "outcome", "outcome inside", "text", "number")
CONTEXTS = {
    "order-select": {"draftOrders": bundle(draft(drug(90, "Warfarin 3 mg"))), "selections": ["MedicationRequest/medicationrequest-90"]},
    "order-sign": {"draftOrders": bundle(draft(drug(90, "Warfarin 3 mg")))},
    "problem-list-item-create": {"conditions": bundle(condition(50, "Calciphylaxis"))},
    "encounter-discharge": {"encounterId": "e1"},
}  # fmt: skip
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = tmp_path_factory.mktemp("service")
    (settings / "settings.yaml").write_text("requests_per_minute: 1000000\nmemory_days: 0\nfetch_seconds: 2\n")
    with serving(settings, "--settings", "settings.yaml") as running:
        yield running


@pytest.fixture(scope="module")
def fhir() -> Iterator[FhirServer]:
    with fhir_server(RECORD) as server:
        yield server


def held(key: str) -> list[dict[str, Any]]:
    kind = "Patient" if key == PATIENT else TYPES[key]
    return [each for each in RECORD if each["resourceType"] == kind]


def value(key: str, state: str, next_page: str) -> Any:
    resources = held(key)
    search = {"resourceType": "Bundle", "type": "searchset"}
    entries = [{"resource": each} for each in resources]
    return {
        "null": None,
        "empty": {**search, "entry": []},
        "filled": {**search, "entry": entries},
        "paged": {**search, "entry": entries[:1], "link": [{"relation": "next", "url": next_page}]},
        "resource": resources[0] if resources else {"resourceType": "Basic", "id": "b"},
        "outcome": OUTCOME,
        "outcome inside": {**search, "entry": [{"resource": OUTCOME}]},
        "text": "none",
        "number": 7,
    }[state]


def prefetch(service_id: str, changed: str, state: str, next_page: str) -> dict[str, Any]:
    keys = templates(GUIDELINE, SERVICES[service_id])
    found = {key: value(key, "resource" if key == PATIENT else "filled", next_page) for key in keys}
    if state == "absent":
        del found[changed]
    else:
        found[changed] = value(changed, state, next_page)
    return found


def call(running: Running, service_id: str, held_keys: Any, server: str = "") -> httpx.Response:
    hook = SERVICES[service_id].hook
    body: dict[str, Any] = {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": "p", **CONTEXTS.get(hook, {})},
    }
    if held_keys is not None:
        body["prefetch"] = held_keys
    if server:
        body |= {
            "fhirServer": server,
            "fhirAuthorization": {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 300},
        }
    return running.client.post(f"{running.base}/cds-services/{service_id}", json=body)


KNOWN_WITHOUT = ("null", "empty", "filled", "resource")
MATRIX = [
    (service_id, key, state, with_server)
    for service_id in SERVICES
    for key in templates(GUIDELINE, SERVICES[service_id])
    for state in STATES
    for with_server in (False, True)
]


def test_the_matrix_is_whole() -> None:
    assert len(MATRIX) == len(SERVICES) * (1 + len(KEYS)) * len(STATES) * 2


@pytest.mark.parametrize("service_id", SERVICES)
def test_the_matrix(service_id: str, service: Running, fhir: FhirServer) -> None:
    for _, key, state, with_server in (row for row in MATRIX if row[0] == service_id):
        where = (key, state, with_server)
        kind = "Patient" if key == PATIENT else TYPES[key]
        asked = prefetch(service_id, key, state, f"{fhir.base}/{kind}")
        before = len(fhir.asked)
        answer = call(service, service_id, asked, fhir.base if with_server else "")
        if key == PATIENT and not _patient_known(state, with_server):
            assert answer.status_code == 412, where
            outcome = answer.json()
            assert (
                outcome["resourceType"] == "OperationOutcome" and "'patient'" in outcome["issue"][0]["diagnostics"]
            ), where
            continue
        assert answer.status_code == 200, (where, answer.text)
        missing = extension(answer.json()).get("missing", {})
        known = state in KNOWN_WITHOUT or (with_server and state in ("absent", "paged"))
        assert (key in missing) != known, (where, missing)
        if not known and key != PATIENT:
            assert any(
                f"{key}: {missing[key]}".replace("(", "\\(") in card["detail"] or key in card["detail"]
                for card in answer.json()["cards"]
            ), where
        if with_server and state not in ("absent", "paged"):
            assert len(fhir.asked) == before, where  # what was answered, even by a failure, is not asked again


def _patient_known(state: str, with_server: bool) -> bool:
    if state in ("filled", "resource", "paged"):
        return True
    return state == "absent" and with_server


def test_without_any_prefetch_all_is_fetched_with_the_token(service: Running, fhir: FhirServer) -> None:
    fhir.asked.clear()
    answer = call(service, "calciphylaxis-patient-view", None, fhir.base)
    assert answer.status_code == 200 and "missing" not in extension(answer.json())
    assert {path.split("?")[0].removeprefix("/fhir/").split("/")[0] for path, _ in fhir.asked} == {"Patient", *KEYS}
    assert {authorization for _, authorization in fhir.asked} == {"Bearer t0ken"}
    full = call(service, "calciphylaxis-patient-view", prefetch("calciphylaxis-patient-view", PATIENT, "resource", ""))
    assert [card["summary"] for card in full.json()["cards"]] == [card["summary"] for card in answer.json()["cards"]]


def test_pages_are_followed(service: Running) -> None:
    with fhir_server(RECORD, page=1) as server:
        answer = call(service, "calciphylaxis-patient-view", None, server.base)
    assert answer.status_code == 200 and "missing" not in extension(answer.json())
    assert any("vitamin K" in card["summary"] for card in answer.json()["cards"])


FAULTS = {
    "500": "the FHIR server answered 500",
    "401": "the FHIR server answered 401",
    "outcome": "the query failed",
    "slow": "the FHIR server did not answer in time",
    "text": "the FHIR server's answer is not JSON",
    "elsewhere": "the FHIR server pointed elsewhere",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_fails_on_one_key(fault: str, service: Running) -> None:
    with fhir_server(RECORD, faults={"AllergyIntolerance": fault}) as server:
        answer = call(service, "calciphylaxis-patient-view", None, server.base)
    assert answer.status_code == 200
    missing = extension(answer.json())["missing"]
    assert set(missing) == {"allergies"} and missing["allergies"].startswith(FAULTS[fault])
    assert "allergies" in answer.json()["cards"][0]["detail"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_does_not_give_the_patient(fault: str, service: Running) -> None:
    with fhir_server(RECORD, faults={"Patient": fault}) as server:
        assert call(service, "calciphylaxis-order-sign", None, server.base).status_code == 412


def test_a_server_that_is_not_there_or_not_of_this_machine(service: Running) -> None:
    keys = prefetch("calciphylaxis-patient-view", "allergies", "absent", "")
    for server, said in {
        "http://127.0.0.1:9/fhir": "could not be reached",
        "https://evil.example/fhir": "not on this service's list",
        "http://127.0.0.1@evil.example/fhir": "not on this service's list",
        "ftp://127.0.0.1/": "not on this service's list",
    }.items():
        answer = call(service, "calciphylaxis-patient-view", keys, server)
        assert answer.status_code == 200 and said in extension(answer.json())["missing"]["allergies"], server


def test_a_page_elsewhere_is_not_followed(service: Running, fhir: FhirServer) -> None:
    with fhir_server(RECORD) as other:
        keys = prefetch("calciphylaxis-patient-view", "allergies", "paged", f"{other.base}/AllergyIntolerance")
        answer = call(service, "calciphylaxis-patient-view", keys, fhir.base)
        assert other.asked == []
    assert "lies elsewhere" in extension(answer.json())["missing"]["allergies"]


def test_resources_of_another_patient_are_refused(service: Running) -> None:
    keys = prefetch("calciphylaxis-patient-view", PATIENT, "resource", "")
    keys["observations"]["entry"].append(
        {"resource": {**result(99, "sodium", 120), "subject": {"reference": "Patient/other"}}}
    )
    answer = call(service, "calciphylaxis-patient-view", keys)
    assert answer.status_code in (200, 422)
    assert "120" not in json.dumps(answer.json())


def test_nothing_of_a_patient_or_a_token_is_in_the_log_or_the_metrics(service: Running, fhir: FhirServer) -> None:
    call(service, "calciphylaxis-patient-view", None, fhir.base)
    metrics = httpx.get(f"{service.base}/metrics").text
    told = service.log.read_text() + metrics
    assert "calcipath_calls_total" in metrics and '"event": "decided"' in told
    for word in ("t0ken", "Warfarin", "Patient/p", "1960", "Calciphylaxis"):
        assert word not in told, word


def test_the_extra_member_of_a_later_version_is_ignored(service: Running) -> None:
    hook = SERVICES["calciphylaxis-patient-view"].hook
    body = {
        "hook": hook, "hookInstance": "x", "futureMember": {"a": [1]}, "extension": {"org.example.x": {"y": 1}},
        "context": {"userId": "Practitioner/1", "patientId": "p", "extension": {"org.example": {}}, "other": 3},
        "prefetch": {**prefetch("calciphylaxis-patient-view", PATIENT, "resource", ""), "mine": {"resourceType": "Basic"}},
    }  # fmt: skip
    answer = httpx.post(f"{service.base}/cds-services/calciphylaxis-patient-view", content=json.dumps(body), timeout=30)
    assert answer.status_code == 200


def test_the_file_of_the_store_is_there(service: Running) -> None:
    assert (Path(service.log).parent / "calcipath-service.sqlite").exists()
