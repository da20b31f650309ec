"""Plays the client's FHIR server while a check runs: the example patient, for whoever presents the token of the call.

It keeps which calls came with the token and which did not (#34, #60, #61). Nothing but invented data is served.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from calcipath.conformance.findings import Finding, judge
from calcipath.conformance.prefetch import answer
from calcipath.errors import InputError

PATH = "/fhir"


@dataclass(frozen=True, slots=True)
class FhirCall:
    """One call that reached the FHIR server: what was asked, and whether the right token came with it."""

    asked: str
    authorised: bool


class FhirHost:
    """A FHIR server in a thread of its own. `listen` is HOST:PORT; `url` its address as the service sees it.

    Raises `InputError` when it cannot listen there.
    """

    def __init__(self, listen: str, url: str, resources: Sequence[Mapping[str, Any]]) -> None:
        host, _, port = listen.rpartition(":")
        if not host or not port.isdigit():
            raise InputError(f"--fhir-listen needs HOST:PORT, not {listen!r}")
        self.token = secrets.token_urlsafe(24)
        self.calls: list[FhirCall] = []
        try:
            self._server = ThreadingHTTPServer((host.strip("[]"), int(port)), self._handler(resources))
        except (OSError, OverflowError):
            raise InputError(f"cannot listen on {listen}") from None
        self.url = (url or f"http://{host}:{self._server.server_port}{PATH}").rstrip("/")
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self, resources: Sequence[Mapping[str, Any]]) -> type[BaseHTTPRequestHandler]:
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30
            wbufsize = -1  # head and body leave together: no wait for an acknowledgement in between
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                asked = self.path.removeprefix(PATH).lstrip("/")
                if asked == "metadata":  # open to all (SMART App Launch)
                    self._send(200, {"resourceType": "CapabilityStatement", "status": "active", "fhirVersion": "4.0.1"})
                    return
                given = self.headers.get("Authorization", "")
                authorised = secrets.compare_digest(given.encode(), f"Bearer {host.token}".encode())
                host.calls.append(FhirCall(asked[:200], authorised))
                found = answer(asked, resources) if authorised else None
                if found is None:
                    self._send(404 if authorised else 401, _outcome("not-found" if authorised else "login"))
                else:
                    self._send(200, found)

            def _send(self, status: int, content: Mapping[str, Any]) -> None:
                body = json.dumps(content).encode("utf-8")
                self.send_response(status)
                self.send_header("Content-Type", "application/fhir+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()

            def log_message(self, *_: Any) -> None:
                """Nothing on standard error."""

        return Handler


def _outcome(code: str) -> Mapping[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code}]}


def fhir_findings(calls: Sequence[FhirCall], where: str) -> Iterator[Finding]:
    """Whether the service fetched, and whether every call carried the token."""
    if not calls:
        return
    yield from judge("60", True, where, f"{len(calls)} calls of the FHIR server")
    bare = [call.asked for call in calls if not call.authorised]
    yield from judge(
        "61", not bare, where, f"without the token: {bare[0]}" if bare else f"{len(calls)} calls, each with it"
    )
