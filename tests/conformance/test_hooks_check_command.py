"""`calcipath hooks-check`: options, the user's own requests, exit status."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from example_cds_server import ExampleServer
from example_keys import ISSUER, Keys

from calcipath.conformance import command
from calcipath.conformance.findings import Service
from calcipath.conformance.own_requests import read_requests
from calcipath.conformance.tokens import read_key
from calcipath.errors import InputError

SERVICES = (Service("risk", "patient-view"), Service("risk", "order-sign"), Service("risk-2", "patient-view"))


def ran(*arguments: str, colour: bool = False) -> tuple[str, int]:
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    return command.run(parser.parse_args(arguments), 100, colour)


def own(hook: str = "patient-view", **context: Any) -> str:
    return json.dumps({"hook": hook, "context": {"userId": "Practitioner/1", "patientId": "mine-0001", **context}})


def test_exit_status_and_forms(server: ExampleServer) -> None:
    text, status = ran(server.base)
    assert status == 0 and "No requirement was seen to be broken" in text and "\x1b" not in text
    server.change_answer = lambda answer: [card.pop("indicator") for card in answer["cards"]]
    text, status = ran(server.base, colour=True)
    assert status == 5 and "cds-hooks_2.0 #87" in text and "\x1b[1;31m" in text
    text, status = ran(server.base, "--format", "json", "--service", "risk")
    content = json.loads(text)
    assert (
        status == 5
        and content["failed"]
        and content["services"] == ["risk (patient-view)", "risk (encounter-discharge)"]
    )
    entry = next(entry for entry in content["statements"] if entry["number"] == 87)
    assert entry["verdict"] == "fail" and "cards[0]" in entry["seen"][0]["where"]


def test_a_warning_alone_is_status_0(server: ExampleServer) -> None:
    server.change_discovery = lambda found: found["services"][0].pop("title")
    text, status = ran(server.base)
    assert status == 0 and "cds-hooks_2.0 #8 [SHOULD]" in text


def test_own_requests_are_sent_as_they_are(server: ExampleServer, tmp_path: Path) -> None:
    seen = []
    server.change_answer = seen.append
    patient = {"resourceType": "Patient", "id": "mine-0001"}
    request = {**json.loads(own()), "prefetch": {"patient": patient}}
    (tmp_path / "risk-first.json").write_text(json.dumps(request), encoding="utf-8")
    text, status = ran(server.base, "--requests", str(tmp_path), "--service", "risk")
    assert status == 0 and "given request: risk-first.json" in text
    assert "mine-0001" in json.dumps(seen)


def test_no_feedback_when_it_is_not_wanted(server: ExampleServer) -> None:
    text, _ = ran(server.base, "--no-feedback", "--service", "quiet")
    assert "left out by --no-feedback" in text


@pytest.mark.parametrize(
    "arguments",
    [
        ("--sign-with", "KEY"), ("--sign-with", "KEY", "--kid", "a"), ("--service", "none"),
        ("--sign-with", "nowhere.pem", "--kid", "a", "--issuer", "x"), ("--requests", "nowhere"),
        ("--fhir-listen", "nowhere"), ("--kid", "a"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_options_that_cannot_be_used(server: ExampleServer, keys: Keys, arguments: tuple[str, ...]) -> None:
    given = [keys.files[0][0] if argument == "KEY" else argument for argument in arguments]
    with pytest.raises(InputError):
        ran(server.base, *given)


def test_a_token_for_an_address_behind_a_proxy(server: ExampleServer, keys: Keys) -> None:
    server.tokens_wanted = True
    key, kid = keys.files[0]
    arguments = (server.base.replace("127.0.0.1", "localhost"), "--sign-with", key, "--kid", kid, "--issuer", ISSUER)
    assert "discovery wants a token it accepts" in ran(*arguments)[0]
    text, status = ran(*arguments, "--audience", f"{server.base}/cds-services")
    assert status == 0 and "discovery wants a token" not in text


def test_files_are_given_to_the_service_with_the_longest_id(tmp_path: Path) -> None:
    for name, hook in (
        ("risk", "patient-view"),
        ("risk-a", "order-sign"),
        ("risk-2", "patient-view"),
        ("risk-2.b", "patient-view"),
    ):
        (tmp_path / f"{name}.json").write_text(own(hook), encoding="utf-8")
    found = read_requests(str(tmp_path), SERVICES)
    assert {key: list(value) for key, value in found.items()} == {
        ("risk", "patient-view"): ["risk.json"],
        ("risk", "order-sign"): ["risk-a.json"],
        ("risk-2", "patient-view"): ["risk-2.b.json", "risk-2.json"],
    }


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("other.json", own(), "named after no service"), ("risks.json", own(), "named after no service"),
        ("risk.json", own("encounter-start"), "the service risk has patient-view, order-sign"),
        ("risk.json", "{", "is not JSON"), ("risk.json", "[]", "no CDS Hooks request"),
        ("risk.json", '{"context": 1}', "no CDS Hooks request"), ("risk.txt", own(), "holds no request"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used(tmp_path: Path, name: str, content: str, words: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_requests(str(tmp_path), SERVICES)


def test_keys_that_cannot_be_used(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    file = tmp_path / "key.pem"
    for key in (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256K1())):
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        with pytest.raises(InputError, match="must hold"):
            read_key(str(file), "a")
    file.write_text("no key", encoding="utf-8")
    with pytest.raises(InputError, match="no unencrypted private key"):
        read_key(str(file), "a")


def test_the_command_line_loads_nothing_heavy() -> None:
    code = (
        "import sys, argparse; from calcipath.conformance import command; "
        "command.add_options(argparse.ArgumentParser()); "
        "print(sorted({'httpx', 'jwt', 'cryptography', 'json', 'ssl', 'starlette'} & set(sys.modules)))"
    )
    source = Path(command.__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(source)}
    )
    assert found.stdout.strip() == "[]"
