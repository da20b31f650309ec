"""A real `calcipath serve` process, and a small FHIR server in a thread of this one, both on loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Running:
    """A service process, and a client that keeps its connection: a new one for every call costs more than the call."""

    base: str
    process: subprocess.Popen[bytes]
    log: Path
    client: httpx.Client

    def stop(self, how: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=20)


@contextmanager
def serving(
    folder: Path, *options: str, environment: Mapping[str, str] | None = None, port: int = 0
) -> Iterator[Running]:
    """`calcipath serve` in `folder`, ready to answer."""
    port = port or free_port()
    log = folder / "service.log"
    command = [sys.executable, "-m", "calcipath", "serve", "--port", str(port), *options]
    with log.open("ab") as stream:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **(environment or {})},
            stdout=stream,
            stderr=stream,
        )
    with httpx.Client(timeout=30) as client:
        running = Running(f"http://127.0.0.1:{port}", process, log, client)
        try:
            _wait(running)
            yield running
        finally:
            running.stop()


def _wait(running: Running) -> None:
    for _ in range(300):
        if running.process.poll() is not None:
            raise AssertionError(f"the service ended: {running.log.read_text()}")
        try:
            if httpx.get(f"{running.base}/health", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise AssertionError("the service did not answer")


@dataclass
class FhirServer:
    """What it holds by resource type, what it was asked, and how it misbehaves by type."""

    resources: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)  # path with query, authorization
    faults: dict[str, str] = field(default_factory=dict)  # type: "500", "401", "outcome", "slow", "text", "elsewhere"
    page: int = 0  # resources a page; 0: all on one
    base: str = ""

    def answer(self, path: str, authorization: str) -> tuple[int, bytes, dict[str, str]]:
        self.asked.append((path, authorization))
        parts = urlsplit(path)
        kind, _, name = parts.path.removeprefix("/fhir/").partition("/")
        fault = self.faults.get(kind, "")
        if fault in ("500", "401", "403"):
            return int(fault), b"{}", {}
        if fault == "slow":
            time.sleep(3)
        if fault == "text":
            return 200, b"<html>", {}
        if fault == "elsewhere":
            return 302, b"", {"Location": "http://127.0.0.1:1/fhir/Patient/p"}
        if fault == "outcome":
            return 200, json.dumps({"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}).encode(), {}
        held = self.resources.get(kind, [])
        if name:
            found = [each for each in held if each["id"] == name]
            return (200, json.dumps(found[0]).encode(), {}) if found else (404, b"{}", {})
        return (
            200,
            json.dumps(self.searchset(kind, held, int(parse_qs(parts.query).get("page", ["0"])[0]))).encode(),
            {},
        )

    def searchset(self, kind: str, held: Sequence[Mapping[str, Any]], number: int) -> dict[str, Any]:
        size = self.page or max(1, len(held))
        shown = held[number * size : (number + 1) * size]
        bundle: dict[str, Any] = {
            "resourceType": "Bundle",
            "type": "searchset",
            "entry": [{"resource": each} for each in shown],
        }
        if (number + 1) * size < len(held):
            bundle["link"] = [{"relation": "next", "url": f"{self.base}/{kind}?page={number + 1}"}]
        return bundle


@contextmanager
def fhir_server(resources: Sequence[Mapping[str, Any]], **more: Any) -> Iterator[FhirServer]:
    """A FHIR server that answers reads and searches by type, page by page."""
    by_type: dict[str, list[dict[str, Any]]] = {}
    for each in resources:
        by_type.setdefault(str(each["resourceType"]), []).append(dict(each))
    held = FhirServer(by_type, **more)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, data, headers = held.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    held.base = f"http://127.0.0.1:{server.server_port}/fhir"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
