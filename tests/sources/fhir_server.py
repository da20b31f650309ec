"""A real FHIR R4 server on this machine for the tests: answers from a table, keeps what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

PATIENT = {"resourceType": "Patient", "id": "p", "gender": "female"}
Answer = tuple[int, dict[str, str], Any]  # status, headers, JSON or bytes


@dataclass
class Server:
    """`answers`: by type or path; a callable gets the request's full path. `asked`: path and headers of each request."""

    url: str
    answers: dict[str, Answer | Callable[[str], Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


def bundle(*resources: Any, following: str = "", **more: Any) -> dict[str, Any]:
    links = [{"relation": "next", "url": following}] if following else []
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": links,
        "entry": [{"resource": r} for r in resources],
        **more,
    }


@contextmanager
def serving(**answers: Answer | Callable[[str], Answer]) -> Iterator[Server]:
    """Serve `answers`; a type that is not named is an empty search, and the patient is `p`."""
    server: Server

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append((self.path, dict(self.headers.items())))
            path = urlsplit(self.path).path.removeprefix("/fhir/")
            found = server.answers.get(path, (200, {}, PATIENT if path == "Patient/p" else bundle()))
            status, headers, content = found(self.path) if callable(found) else found
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    server = Server(f"http://127.0.0.1:{httpd.server_address[1]}/fhir", dict(answers))
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()
