"""A record from a FHIR server: paging, the token and where it goes, refusals, and what may be called complete."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fhir_server import Server, bundle, serving

import calcipath
from calcipath.errors import InputError, ServerError
from calcipath.sources import server as source
from calcipath.sources.server import TOKEN_VARIABLE, read_server

TOKEN = "s3cret-token-of-the-test"  # noqa: S105
SUBJECT = {"reference": "Patient/p"}
BOTH = {"medications", "allergies"}


def condition(name: str) -> dict[str, Any]:
    return {"resourceType": "Condition", "id": name, "subject": SUBJECT, "code": {"text": "Skin ulcer of Arabella"}}


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


@pytest.fixture
def other() -> Iterator[Server]:
    with serving() as found:
        yield found


def refusal(url: str, patient: str = "p") -> str:
    with pytest.raises(ServerError) as caught:
        read_server(url, patient)
    told = str(caught.value)
    assert told.isprintable()
    assert not [word for word in (TOKEN, "Arabella", "Bearer") if word in told]
    return told


def ids(server: Server) -> list[str]:
    return [raw.resource["id"] for raw in read_server(server.url, "p").resources]


def test_all_pages_are_read_with_relative_and_absolute_links() -> None:
    with serving() as server:
        pages = {
            "Condition": (200, {}, bundle(condition("1"), following="Condition/page2")),
            "Condition/page2": (200, {}, bundle(condition("2"), following=f"{server.url}/Condition/page3?x=%20y")),
            "Condition/page3": (200, {}, bundle(condition("3"))),
        }
        server.answers.update(pages)
        assert ids(server) == ["p", "1", "2", "3"]


def test_each_type_is_asked_for_this_patient_with_the_token() -> None:
    with serving() as server:
        read_server(server.url, "p")
    assert {headers.get("Authorization") for _, headers in server.asked} == {f"Bearer {TOKEN}"}
    searches = [path for path, _ in server.asked if "?" in path]
    assert {path.split("?")[0].removeprefix("/fhir/") for path in searches} >= {
        "Condition", "Observation", "MedicationRequest", "AllergyIntolerance", "Procedure", "DiagnosticReport",
    }  # fmt: skip
    assert all("patient=p&" in path for path in searches)


def test_without_a_token_none_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE)
    with serving() as server:
        read_server(server.url, "p")
    assert all("Authorization" not in headers for _, headers in server.asked)


@pytest.mark.parametrize("value", ["two\nlines", "tökén", "\x00"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    if "\x00" in value:
        monkeypatch.setattr(source.os, "environ", {**os.environ, TOKEN_VARIABLE: value})
    else:
        monkeypatch.setenv(TOKEN_VARIABLE, value)
    with serving() as server, pytest.raises(InputError) as caught:
        read_server(server.url, "p")
    assert value not in str(caught.value)
    assert server.asked == []


def test_a_paging_link_to_another_origin_is_refused_unvisited(other: Server) -> None:
    for link in (
        f"{other.url}/Condition",
        "https://127.0.0.1/fhir/Condition",
        "//example.org/fhir",
        "file:///etc/passwd",
    ):
        with serving(Condition=(200, {}, bundle(condition("1"), following=link))) as server:
            assert "another address" in refusal(server.url)
    assert other.asked == []


@pytest.mark.parametrize(
    "link", ["http://[", "http://127.0.0.1:99999/", "Condition?a b\r\nX: y", "\u202e", "Conditiön"]
)
def test_a_paging_link_that_is_no_address_is_one_sentence(link: str) -> None:
    with serving(Condition=(200, {}, bundle(condition("1"), following=link))) as server:
        assert link not in refusal(server.url)


def test_a_redirect_to_another_origin_is_refused_unvisited(other: Server) -> None:
    for status in (301, 302, 303, 307, 308):
        with serving(Condition=(status, {"Location": f"{other.url}/Condition"}, b"")) as server:
            assert "another address" in refusal(server.url)
    assert other.asked == []


def test_a_redirect_within_the_server_is_followed_with_the_token() -> None:
    moved = (307, {"Location": "/fhir/moved"}, b"")
    with serving(Condition=moved, moved=(200, {}, bundle(condition("1")))) as server:
        assert ids(server) == ["p", "1"]
    assert [h.get("Authorization") for path, h in server.asked if path == "/fhir/moved"] == [f"Bearer {TOKEN}"]


def test_redirects_without_end() -> None:
    with serving(Condition=(302, {"Location": "/fhir/Condition"}, b"")) as server:
        assert "302" in refusal(server.url)


@pytest.mark.parametrize(
    ("status", "word"), [(401, "token"), (403, "forbidden"), (500, "500"), (503, "503"), (429, "429")]
)
def test_refusals_name_the_status(status: int, word: str) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": f"{TOKEN} Arabella"}]}
    with serving(Condition=(status, {}, outcome)) as server:
        assert word in refusal(server.url)


def test_a_patient_who_is_not_there() -> None:
    for status, content in ((404, {"resourceType": "OperationOutcome"}), (410, {}), (200, bundle()), (200, [])):
        with serving(**{"Patient/p": (status, {}, content)}) as server:
            assert "no patient" in refusal(server.url)


def test_the_patients_id_cannot_lead_elsewhere() -> None:
    with serving() as server, pytest.raises(ServerError):
        read_server(server.url, "../Condition?x=")
    assert server.asked[0][0].startswith("/fhir/Patient/..%2FCondition")


@pytest.mark.parametrize(
    "url",
    ["", "ftp://x/", "file:///etc/passwd", "http://", "http://[", "x", "http://h:99999/", "http://a b/", "http://ü/"],
)
def test_what_is_no_address_of_a_server(url: str) -> None:
    with pytest.raises(InputError):
        read_server(url, "p")


def test_no_patient_and_no_server() -> None:
    with serving() as server:
        url = server.url
        with pytest.raises(InputError):
            read_server(url, "  ")
    assert "reached" in refusal(url)


def test_pages_without_end() -> None:
    with serving(Condition=(200, {}, bundle(condition("1"), following="Condition?patient=p&_count=200"))) as server:
        assert "do not end" in refusal(server.url)
    count = iter(range(10**6))
    with serving(Condition=lambda _: (200, {}, bundle(following=f"Condition?page={next(count)}"))) as server:
        assert "do not end" in refusal(server.url)
    assert len(server.asked) <= source.MOST_PAGES + 2


def test_more_resources_than_the_limit_are_refused_while_paging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_ENTRIES", 10)
    count = iter(range(10**6))
    with serving(
        Condition=lambda _: (200, {}, bundle(*map(condition, "1234"), following=f"Condition?p={next(count)}"))
    ) as server:
        assert "more than 10 resources" in refusal(server.url)
    assert len(server.asked) < 6


def test_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_MOST_BYTES", 10_000)
    with serving(Condition=(200, {}, b" " * 10_001)) as server:
        assert "too large" in refusal(server.url)
    monkeypatch.setattr(source, "_MOST_BYTES_IN_ALL", 3000)
    with serving(Condition=(200, {}, bundle(x="y" * 2900))) as server:
        assert "too large" in refusal(server.url)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"[" * 5000, b'{"a": NaN}'])
def test_an_answer_that_is_no_json(body: bytes) -> None:
    with serving(Condition=(200, {}, body)) as server:
        assert "not JSON" in refusal(server.url)


def test_an_answer_that_breaks_off() -> None:
    with serving(Condition=(200, {"Content-Length": "5000"}, b'{"resourceType": "Bundle"')) as server:
        assert "not JSON" in refusal(server.url)


def test_complete_for_what_was_asked_and_answered() -> None:
    with serving() as server:
        assert read_server(server.url, "p").complete == BOTH


@pytest.mark.parametrize("status", [400, 404, 405, 410, 501])
def test_a_type_that_is_not_served_is_not_complete(status: int) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": []}
    with serving(MedicationRequest=(status, {}, outcome)) as server:
        assert read_server(server.url, "p").complete == {"allergies"}
    with serving(AllergyIntolerance=(200, {}, outcome)) as server:
        assert read_server(server.url, "p").complete == {"medications"}


def test_an_error_within_a_search_leaves_it_incomplete() -> None:
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
    warned = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "informational"}]}
    with serving(MedicationRequest=(200, {}, bundle(failed)), AllergyIntolerance=(200, {}, bundle(warned))) as server:
        found = read_server(server.url, "p")
    assert found.complete == {"allergies"}
    assert [raw.resource["resourceType"] for raw in found.resources] == ["Patient"]


@pytest.mark.parametrize("second", [(404, {}, {}), (200, {}, {"resourceType": "OperationOutcome"}), (200, {}, [])])
def test_a_search_that_breaks_off_is_no_whole_answer(second: Any) -> None:
    drug = {"resourceType": "MedicationRequest", "id": "m", "status": "active", "subject": SUBJECT}
    with serving(MedicationRequest=(200, {}, bundle(drug, following="gone")), gone=second) as server:
        assert "break off" in refusal(server.url)


def test_the_command_line_says_one_line_with_status_4_and_assesses_what_it_gets() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(calcipath.__file__).parents[1])}
    environment.pop("CALCIPATH_DEBUG", None)

    def run(url: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "calcipath", "assess", "--server", url, "--patient", "p", "--format", "json"]
        return subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, timeout=60, check=False)

    with serving(Condition=(200, {}, bundle(condition("1")))) as server:
        good = run(server.url)
        server.answers["Observation"] = (500, {}, {"resourceType": "OperationOutcome", "text": f"Arabella {TOKEN}"})
        bad = run(server.url)
    assert (good.returncode, good.stderr) == (0, "")
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (4, "", 1)
    assert "Arabella" not in bad.stderr
    assert TOKEN not in bad.stderr + good.stdout
