"""Our own service under the conformance kit: with keys, with the kit's FHIR server, thorough; and under a fuzzer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests
import schemathesis
from keys import ec_key, jwk, pem
from running import free_port, serving

from calcipath.cli import main

ISSUER = "https://ehr.example"


def test_our_service_breaks_no_statement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port, fhir = free_port(), free_port()
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [jwk(ec_key("ehr"), "one", alg="ES384")]}))
    (tmp_path / "ehr.pem").write_text(pem(ec_key("ehr")))
    (tmp_path / "settings.yaml").write_text(
        f"public_url: http://127.0.0.1:{port}\ndigest_key_env: DIGEST\nrequests_per_minute: 100000\n"
        f"clients:\n  - {{issuer: '{ISSUER}', keys_file: keys.json}}\nfhir_servers: ['http://127.0.0.1:{fhir}']\n"
    )
    environment = {"DIGEST": "d" * 40}
    with serving(tmp_path, "--settings", "settings.yaml", environment=environment, port=port) as running:
        options = [
            "--sign-with", str(tmp_path / "ehr.pem"), "--issuer", ISSUER, "--kid", "one",
            "--fhir-listen", f"127.0.0.1:{fhir}", "--format", "json",
        ]  # fmt: skip
        status = main(["hooks-check", running.base, *options])
    report = json.loads(capsys.readouterr().out)
    broken = [each for each in (*report["statements"], *report["further"]) if each["verdict"] == "fail"]
    assert status == 0 and broken == []
    assert len(report["statements"]) == 143
    assert report["counts"]["register"]["pass"] >= 90


def test_a_fuzzer_finds_no_error_of_the_service(tmp_path: Path) -> None:
    """Schemathesis on our own description: no answer of 500 and above, for any request that it can think of."""
    (tmp_path / "settings.yaml").write_text("requests_per_minute: 1000000\nfetch_seconds: 1\n")
    with serving(tmp_path, "--settings", "settings.yaml") as running, requests.Session() as session:
        schema = schemathesis.openapi.from_url(f"{running.base}/openapi.json")
        operations = 0
        for result in schema.get_all_operations():
            operation = result.ok()
            operations += 1
            _fuzz(operation, session)
        assert operations >= 14


def _fuzz(operation: schemathesis.APIOperation, session: requests.Session) -> None:  # type: ignore[type-arg]
    from hypothesis import HealthCheck, Phase, given, settings

    @given(case=operation.as_strategy())
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    def ask(case: schemathesis.Case) -> None:
        answer = case.call(timeout=20, session=session)
        assert answer.status_code < 500, (case.method, case.path, answer.status_code)

    ask()
