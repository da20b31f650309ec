"""The HTTP calls: limits of time and size, waits, redirects, certificates; and the kit's own FHIR server."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from calcipath.conformance import client
from calcipath.conformance.client import Caller
from calcipath.conformance.fhir_host import FhirHost, fhir_findings
from calcipath.conformance.requests import example
from calcipath.conformance.run import base_address, check_service
from calcipath.errors import InputError, ServerError


class Odd(BaseHTTPRequestHandler):
    """A server with odd manners, by path."""

    tries: dict[str, int] = {}  # noqa: RUF012  shared by all requests on purpose

    def do_GET(self) -> None:
        self.tries[self.path] = self.tries.get(self.path, 0) + 1
        if self.path == "/busy" and self.tries[self.path] < 3:
            self._send(429, b"", {"Retry-After": "7"})
        elif self.path == "/always-busy":
            self._send(429, b"")
        elif self.path == "/moved":
            self._send(302, b"", {"Location": "/other"})
        elif self.path == "/drip":
            self._drip()
        elif self.path == "/large":
            self._send(200, b" " * 3000)
        elif self.path == "/token":
            self._send(200, self.headers.get("Authorization", "none").encode())
        else:
            self._send(200, b'{"services": []}')

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, text in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(50):
            try:
                self.wfile.write(b" ")
            except OSError:
                return
            time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


@pytest.fixture(scope="module")
def odd() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def caller(odd: str) -> Iterator[Caller]:
    waits.clear()
    made = Caller(odd, timeout=0.4, authorise=lambda url: f"Bearer for {url}", sleep=waits.append)
    yield made
    made.close()


waits: list[float] = []


def test_a_busy_service_is_waited_for(caller: Caller, odd: str) -> None:
    assert caller.get(f"{odd}/busy").status == 200
    assert waits == [7.0, 7.0] and caller.throttled == 2
    assert caller.get(f"{odd}/always-busy").status == 429


def test_a_redirect_is_not_followed(caller: Caller, odd: str) -> None:
    assert caller.get(f"{odd}/moved").status == 302


def test_an_answer_that_drips_has_an_end(caller: Caller, odd: str) -> None:
    started = time.perf_counter()
    answer = caller.get(f"{odd}/drip")
    assert answer.status == 0 and "0.4 s" in answer.failure
    assert time.perf_counter() - started < 1.5


def test_a_large_answer_is_not_read(caller: Caller, odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_BYTES", 2000)
    assert "larger" in caller.get(f"{odd}/large").failure


def test_tokens_go_where_they_should(caller: Caller, odd: str) -> None:
    assert caller.get(f"{odd}/token").body == f"Bearer for {odd}/token".encode()
    assert caller.get(f"{odd}/token", signed=False).body == b"none"


def test_a_service_without_services_is_no_fault(odd: str) -> None:
    report = check_service(odd)
    assert report.verdict("6") == "pass"
    assert report.verdict("83") == "not-checked" and report.verdict("L16") == "not-applicable"


def test_nothing_listens() -> None:
    with pytest.raises(ServerError, match="could not be reached"):
        check_service("http://127.0.0.1:1")


@pytest.mark.parametrize(
    "url", ["", "example.org", "ftp://a", "http://", "https://a:99999", "https://a/b?c", "https://u:p@a", "http://[1"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InputError):
        check_service(url)


def test_addresses_with_and_without_the_path() -> None:
    for given in ("https://a.example/x", "https://a.example/x/", "https://a.example/x/cds-services/ "):
        assert base_address(given) == "https://a.example/x"


def test_certificates(tmp_path: Path) -> None:
    file = tmp_path / "server.pem"
    file.write_bytes(_certificate())
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign,assignment]  the refused handshake
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        url = f"https://localhost:{server.server_port}"
        with pytest.raises(ServerError, match="certificate"):
            check_service(url)
        from calcipath.conformance.options import Options

        report = check_service(url, Options(ca_file=str(file)))
        assert report.verdict("2") == report.verdict("168") == "pass"
        with pytest.raises(InputError, match="certificates"):
            check_service(url, Options(ca_file=str(tmp_path / "none.pem")))
    finally:
        server.shutdown()
        server.server_close()


def _certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret + made.public_bytes(Encoding.PEM)


def test_the_fhir_server_serves_the_holder_of_the_token_only() -> None:
    host = FhirHost("127.0.0.1:0", "", example(date(2026, 1, 15)).resources)
    bearer = {"Authorization": f"Bearer {host.token}"}
    try:
        with httpx.Client(trust_env=False) as asking:
            assert asking.get(f"{host.url}/Patient/kit-patient-7304").status_code == 401
            assert asking.get(f"{host.url}/Patient/kit-patient-7304", headers=bearer).json()["gender"] == "female"
            assert asking.get(f"{host.url}/Patient/none", headers=bearer).status_code == 404
            found = asking.get(f"{host.url}/Observation?code=http%3A%2F%2Floinc.org%7C17861-6", headers=bearer)
            assert found.json()["total"] == 1
            assert asking.get(f"{host.url}/metadata").json()["resourceType"] == "CapabilityStatement"
    finally:
        host.close()
    assert [call.authorised for call in host.calls] == [False, True, True, True]
    assert {finding.code: finding.ok for finding in fhir_findings(host.calls, "")} == {"60": True, "61": False}


@pytest.mark.parametrize("listen", ["8080", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999999", "nowhere.invalid:1"])
def test_a_place_where_nobody_can_listen(listen: str) -> None:
    with pytest.raises(InputError):
        FhirHost(listen, "", [])
