"""The service as a process: starting safely, callers with and without keys, limits, cross-origin rules, stopping."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from keys import ec_key, jwk, rsa_key, signed, unsigned
from records import drug, record
from running import ROOT, Running, free_port, serving
from service_calls import SERVICES, body, extension

VIEW = "/cds-services/calciphylaxis-patient-view"
ISSUER = "https://ehr.example"


def full(**more: Any) -> dict[str, Any]:
    resources = record(drug(7, "Warfarin 5 mg"))
    kinds = {
        "conditions": "Condition",
        "observations": "Observation",
        "medicationRequests": "MedicationRequest",
        "procedures": "Procedure",
        "orders": "ServiceRequest",
    }
    prefetch: dict[str, Any] = dict.fromkeys(
        ("reports", "medicationStatements", "medicationAdministrations", "allergies", "encounters")
    )
    for key, kind in kinds.items():
        held = [{"resource": each} for each in resources if each["resourceType"] == kind]
        prefetch[key] = {"resourceType": "Bundle", "entry": held}
    prefetch["patient"] = resources[0]
    return {**body("calciphylaxis-patient-view"), "prefetch": prefetch, **more}


@pytest.fixture(scope="module")
def open_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("open")) as running:
        yield running


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("closed")
    port = free_port()
    (folder / "keys.json").write_text(
        json.dumps({"keys": [jwk(ec_key("ehr"), "one", alg="ES384"), jwk(rsa_key("ehr"), "two", alg="RS384")]})
    )
    (folder / "settings.yaml").write_text(
        f"public_url: http://127.0.0.1:{port}\ndigest_key_env: DIGEST\nclients:\n  - {{issuer: {ISSUER}, keys_file: keys.json}}\n"
        "cors_origins: ['https://ehr.example']\nrequests_per_minute: 100000\nmost_body_megabytes: 1\n"
    )
    with serving(folder, "--settings", "settings.yaml", environment={"DIGEST": "d" * 40}, port=port) as running:
        yield running


def claims(running: Running, path: str = VIEW, **changed: Any) -> dict[str, Any]:
    now = time.time()
    made = {
        "iss": ISSUER,
        "aud": f"{running.base}{path}",
        "iat": int(now),
        "exp": int(now) + 200,
        "jti": str(uuid.uuid4()),
    }
    return {name: value for name, value in {**made, **changed}.items() if value is not None}


def ask(running: Running, token: str | None, path: str = VIEW) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if path == "/cds-services":
        return httpx.get(f"{running.base}{path}", headers=headers)
    return httpx.post(f"{running.base}{path}", json=full(), headers=headers, timeout=30)


def test_discovery_without_keys_on_loopback(open_service: Running) -> None:
    found = httpx.get(f"{open_service.base}/cds-services").json()["services"]
    assert [each["id"] for each in found] == list(SERVICES)
    assert all(each["prefetch"]["patient"] == "Patient/{{context.patientId}}" for each in found)


def test_what_was_shown_is_not_shown_again_and_the_answer_says_so(open_service: Running) -> None:
    fresh = full()
    first = httpx.post(f"{open_service.base}{VIEW}", json=fresh, timeout=30).json()
    assert any("vitamin K antagonist" in card["summary"] for card in first["cards"])
    again = httpx.post(f"{open_service.base}{VIEW}", json=fresh, timeout=30).json()
    assert not any("vitamin K antagonist" in card["summary"] for card in again["cards"])
    assert {"alert": "group:modifiable", "why": "shown before"} in extension(again)["notShown"]
    other = {**fresh, "fhirServer": "http://127.0.0.1:9/fhir"}  # the same id on another server is another patient
    assert any(
        "vitamin K" in card["summary"]
        for card in httpx.post(f"{open_service.base}{VIEW}", json=other, timeout=30).json()["cards"]
    )


def test_good_tokens(closed: Running) -> None:
    assert ask(closed, signed(ec_key("ehr"), claims(closed))).status_code == 200
    assert ask(closed, signed(rsa_key("ehr"), claims(closed), "two", "RS384")).status_code == 200
    assert ask(closed, signed(ec_key("ehr"), claims(closed, "/cds-services")), "/cds-services").status_code == 200


HOSTILE = {
    "none at all": lambda _: None,
    "alg none": lambda s: unsigned(claims(s)),
    "another key": lambda s: signed(ec_key("stranger"), claims(s)),
    "another audience": lambda s: signed(ec_key("ehr"), claims(s, "/cds-services/calciphylaxis-order-sign")),
    "the base as audience": lambda s: signed(ec_key("ehr"), claims(s, "")),
    "expired": lambda s: signed(ec_key("ehr"), claims(s, exp=int(time.time()) - 120)),
    "not yet": lambda s: signed(ec_key("ehr"), claims(s, nbf=int(time.time()) + 120)),
    "unknown issuer": lambda s: signed(ec_key("ehr"), claims(s, iss="https://evil.example")),
    "unknown kid": lambda s: signed(ec_key("ehr"), claims(s), "three"),
    "unlisted jku": lambda s: signed(ec_key("ehr"), claims(s), jku="https://evil.example/jwks"),
    "no jti": lambda s: signed(ec_key("ehr"), claims(s, jti=None)),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tokens_are_refused_without_a_reason(name: str, closed: Running) -> None:
    answer = ask(closed, HOSTILE[name](closed))
    assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["issue"][0]["diagnostics"] == "the caller could not be authenticated"


def test_a_token_is_good_once(closed: Running) -> None:
    token = signed(ec_key("ehr"), claims(closed))
    assert [ask(closed, token).status_code for _ in range(2)] == [200, 401]


def test_no_token_or_patient_in_the_log(closed: Running) -> None:
    token = signed(ec_key("ehr"), claims(closed))
    ask(closed, token)
    told = closed.log.read_text()
    assert '"event": "unauthenticated"' in told and '"event": "decided"' in told
    assert token[:40] not in told and "Warfarin" not in told and "Patient/p" not in told


REFUSED_STARTS = {
    "beyond loopback without clients": (["--host", "0.0.0.0"], "", "name them in the settings"),  # noqa: S104
    "a public address without clients": ([], "public_url: https://cds.example\n", "beyond this machine, and no clients"),
    "clients without a digest key": ([], "clients:\n  - {issuer: x, jwks_url: 'https://x.example/jwks'}\n", "digest_key_env"),
    "an unknown setting": ([], "clints: []\n", "unknown key 'clints'"),
    "every origin": ([], "cors_origins: ['*']\n", "name the origins"),
    "a FHIR server without TLS": ([], "fhir_servers: ['http://ehr.example/fhir']\n", "must be https"),
    "a store that cannot be": ([], "store: 'sqlite:////no/such/folder/x.sqlite'\n", "no such file"),
    "no such file": (["--settings", "missing.yaml"], "", "missing.yaml"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED_STARTS)
def test_it_refuses_to_start_in_one_sentence(name: str, tmp_path: Path) -> None:
    options, settings, said = REFUSED_STARTS[name]
    (tmp_path / "settings.yaml").write_text(settings)
    if "--settings" not in options:
        options = [*options, "--settings", "settings.yaml"]
    command = [sys.executable, "-m", "calcipath", "serve", "--port", str(free_port()), *options]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode in (2, 3) and said in done.stderr and done.stderr.count("\n") == 1, done.stderr


BODIES = {
    "not JSON": (b"{", 400, "not JSON"),
    "too deep": (b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", 400, "nests deeper"),
    "a list": (b"[]", 400, "must be a JSON object"),
    "the wrong hook": (json.dumps({**full(), "hook": "order-sign"}).encode(), 400, "hook"),
    "too large": (b'{"a":"' + b"x" * 1_100_000 + b'"}', 413, "larger than 1 MB"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body(name: str, closed: Running) -> None:
    data, status, said = BODIES[name]
    headers = {"Authorization": f"Bearer {signed(ec_key('ehr'), claims(closed))}"}
    answer = httpx.post(f"{closed.base}{VIEW}", content=data, headers=headers)
    assert answer.status_code == status and said in answer.json()["issue"][0]["diagnostics"]


def test_addresses_and_methods_that_are_not_there(open_service: Running) -> None:
    assert httpx.post(f"{open_service.base}/cds-services/none", json=full()).status_code == 404
    assert httpx.get(f"{open_service.base}/nothing").json()["resourceType"] == "OperationOutcome"
    assert httpx.get(f"{open_service.base}{VIEW}").status_code == 405


def test_cross_origin_rules(open_service: Running, closed: Running) -> None:
    preflight = {
        "Origin": "https://ehr.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    anyone = httpx.options(f"{open_service.base}{VIEW}", headers=preflight)
    assert (
        anyone.headers["access-control-allow-origin"] == "*"
        and "access-control-allow-credentials" not in anyone.headers
    )
    known = httpx.options(f"{closed.base}{VIEW}", headers=preflight)
    assert known.headers["access-control-allow-origin"] == "https://ehr.example"
    other = httpx.options(f"{closed.base}{VIEW}", headers={**preflight, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_too_many_requests(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("requests_per_minute: 40\n")
    with serving(tmp_path, "--settings", "settings.yaml") as running:
        statuses = [httpx.get(f"{running.base}/cds-services") for _ in range(15)]
    late = [each for each in statuses if each.status_code == 429]
    assert late and int(late[0].headers["retry-after"]) >= 1 and statuses[0].status_code == 200


def test_source_attributes_are_served_and_none_is_empty(open_service: Running) -> None:
    found = httpx.get(f"{open_service.base}/about.json").json()
    assert len(found["sourceAttributes"]) == 13 and all(each["text"] for each in found["sourceAttributes"])
    page = httpx.get(f"{open_service.base}/about")
    assert page.status_code == 200 and page.text.count("<dt") == 13 and "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_several_workers_share_what_was_shown_and_stop_gracefully(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("requests_per_minute: 100000\n")
    with serving(tmp_path, "--settings", "settings.yaml", "--workers", "2") as running:
        shown = 0
        for _ in range(8):
            cards = httpx.post(f"{running.base}{VIEW}", json=full(), timeout=30).json()["cards"]
            shown += any("vitamin K antagonist" in card["summary"] for card in cards)
        assert shown == 1
        assert "calcipath_calls_total" in httpx.get(f"{running.base}/metrics").text
        begin = time.monotonic()
        assert running.stop(signal.SIGTERM) in (0, -signal.SIGTERM)
        assert time.monotonic() - begin < 15
