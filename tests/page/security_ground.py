"""The page on a real socket for attacks over HTTP: in this process, so that its routes can be counted, or in its own."""

from __future__ import annotations

import io
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Route

from calcipath.cli import main
from calcipath.service.replay import MemoryReplayGuard
from calcipath.service.serve import build, with_digest_key
from calcipath.service.settings import read_settings

PASSWORD = "correct horse battery"  # noqa: S105 - of nobody
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "src" / "calcipath" / "page" / "examples"
VIEWS = ("", "/orders", "/dose", "/follow-up", "/summary", "/patient", "/record")
UNLIMITED = "requests_per_minute: 1000000\n"
ACCOUNTS = UNLIMITED + "page: {accounts: true}\n"
LOGIN = "/page/login"
_HIDDEN = re.compile(r'name="csrf" value="([^"]+)"')
_HOOKS = ("/cds-services", "/about", "/topics", "/openapi.json", "/health", "/metrics")


@dataclass
class Site:
    """A service that answers. `app` is there where it runs in this process."""

    base: str
    store: str
    folder: Path
    app: Starlette | None = None
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, **how: Any) -> httpx.Client:
        """A client that is closed when the site is."""
        self.clients.append(httpx.Client(base_url=self.base, timeout=60, **how))
        return self.clients[-1]

    def close(self) -> None:
        for each in self.clients:
            each.close()

    @property
    def routes(self) -> list[Route]:
        """The routes of the page: all that the application has but those of the hooks."""
        assert self.app is not None
        return [each for each in self.app.routes if isinstance(each, Route) and not each.path.startswith(_HOOKS)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def in_process(folder: Path, settings: str = UNLIMITED, store: str = "", port: int = 0) -> Iterator[Site]:
    """The service in a thread of this process, on a store in `folder`."""
    import uvicorn

    port = port or free_port()
    store = store or f"sqlite:///{folder / 'store.sqlite'}"
    (folder / "settings.yaml").write_text(settings)
    chosen: dict[str, Any] = {"path": str(folder / "settings.yaml"), "host": "127.0.0.1", "port": port, "site": ""}
    app = build(with_digest_key(read_settings(**chosen, workers=1, store=store)), MemoryReplayGuard())
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False, server_header=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        site = Site(f"http://127.0.0.1:{port}", store, folder, app)
        yield site
        site.close()
    finally:
        server.should_exit = True
        thread.join(10)


def make_accounts(store: str, **roles: str) -> None:
    """Accounts as whoever runs the service makes them."""
    for name, role in roles.items():
        assert accounts_command(store, "add", name, "--role", role, "--password-stdin", typed=PASSWORD + "\n") == 0


def accounts_command(store: str, *words: str, typed: str = "") -> int:
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(typed.encode()))
    try:
        return main(["accounts", *words, "--store", store])
    finally:
        sys.stdin = before


@dataclass
class Browser:
    """Somebody at the page: keeps cookies, and the secret of the forms."""

    site: Site
    client: httpx.Client = field(init=False)
    csrf: str = ""

    def __post_init__(self) -> None:
        self.client = self.site.client()

    def open(self) -> Browser:
        """Open the first screen: on this machine that is a session."""
        self.csrf = secret_of(self.client.get("/"))
        return self

    def login(self, name: str, password: str = PASSWORD) -> httpx.Response:
        form = {"name": name, "password": password, "csrf": secret_of(self.client.get(LOGIN))}
        answer = self.client.post(LOGIN, data=form)
        if answer.status_code == 303:
            self.csrf = secret_of(self.client.get("/"))
        return answer

    def get(self, address: str, **how: Any) -> httpx.Response:
        return self.client.get(address, **how)

    def post(self, address: str, data: Mapping[str, Any] | None = None, **how: Any) -> httpx.Response:
        return self.client.post(address, data={"csrf": self.csrf, **(data or {})}, **how)

    def upload(self, content: bytes | Mapping[str, Any], name: str = "record.json", **data: str) -> httpx.Response:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.post("/cases/upload", data, files={"record": (name, body, "application/json")})

    def case(self, content: bytes | Mapping[str, Any] | None = None) -> str:
        """The address of a new case."""
        made = self.upload(content if content is not None else bundle())
        assert made.status_code == 303, made.text
        return str(made.headers["location"])

    def photograph(self, case: str, data: bytes = b"", **words: str) -> httpx.Response:
        said = {"taken": "2026-01-05", "site": "thigh", "consent": "written", **words}
        return self.post(f"{case}/photographs", said, files={"picture": ("wound.jpg", data or picture(), "image/jpeg")})


def secret_of(answer: httpx.Response) -> str:
    found = _HIDDEN.search(answer.text)
    assert found, answer.text[:2000]
    return found[1]


def bundle(name: str = "follow-up-responding") -> dict[str, Any]:
    """A shipped example."""
    found: dict[str, Any] = json.loads((EXAMPLES / f"{name}.bundle.json").read_text(encoding="utf-8"))
    return found


def picture(kind: str = "JPEG", **how: Any) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (16, 12), (200, 30, 30)).save(written, kind, **how)
    return written.getvalue()


@contextmanager
def process(
    folder: Path, *options: str, port: int = 0, **environment: str
) -> Iterator[tuple[Site, subprocess.Popen[bytes]]]:
    """`calcipath serve` as a process of its own, by tests/service."""
    services = str(ROOT / "tests" / "service")
    if services not in sys.path:
        sys.path.append(services)
    from running import serving

    with serving(folder, *options, environment=environment, port=port) as running:
        site = Site(running.base, f"sqlite:///{folder / 'calcipath-service.sqlite'}", folder)
        yield site, running.process
        site.close()


# What a page is made of


@dataclass(frozen=True)
class Element:
    name: str
    attributes: tuple[tuple[str, str | None], ...]


class _Elements(HTMLParser):
    """Every element of a document with its attributes; what else there is, is odd."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Element] = []
        self.odd: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.found.append(Element(tag, tuple(attrs)))

    def handle_comment(self, data: str) -> None:
        self.odd.append(data)

    def handle_pi(self, data: str) -> None:
        self.odd.append(data)

    def unknown_decl(self, data: str) -> None:
        self.odd.append(data)


def elements(text: str) -> list[Element]:
    """The elements of a document, which has no comments, no instructions and no sections of XML."""
    parser = _Elements()
    parser.feed(text)
    parser.close()
    assert parser.odd == []
    return parser.found


def check_still_there(browser: Browser) -> bool:
    """Whether the service answers as before."""
    return browser.get("/health").status_code == 200 and browser.get("/").status_code == 200
