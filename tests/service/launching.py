"""A launcher, an EHR and a browser for the SMART tests: all real, on this machine."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from authorization_server import App, Ehr, serving
from keys import ec_key, jwk, pem, rsa_key

from calcipath.service.addresses import Allowed
from calcipath.service.outgoing import Outgoing
from calcipath.service.smart_launch import Arrival, Callback, LaunchRequest, Redirect, SmartLauncher
from calcipath.service.smart_registration import LaunchRefused, SigningKey, SmartRegistration
from calcipath.service.smart_sessions import Cookie, SmartSessions

CALLBACK = "http://127.0.0.1:8080/smart/callback"
SECRET = "s3cret: of the %app+ &é"  # noqa: S105 - has what must be encoded
NUMBER = re.compile(r'name="number" value="([^"]+)"')
APPS = (
    App("public", CALLBACK),
    App("with-secret", CALLBACK, secret=SECRET),
    App(
        "with-key",
        CALLBACK,
        keys=(jwk(ec_key("app"), "app-es", alg="ES384"), jwk(rsa_key("app"), "app-rs", alg="RS384")),
    ),
)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Browser:
    """Keeps cookies as a browser does, and clicks through the EHR's pages."""

    cookies: dict[str, str] = field(default_factory=dict)

    def keep(self, *cookies: Cookie) -> None:
        for cookie in cookies:
            assert (cookie.http_only, cookie.same_site, cookie.path, cookie.secure) == (True, "lax", "/", False)
            if cookie.seconds > 0:
                self.cookies[cookie.name] = cookie.value
            else:
                self.cookies.pop(cookie.name, None)

    def log_in(self, location: str, answer: str = "allow", patient: str = "first") -> Callback:
        with httpx.Client(trust_env=False) as http:
            form = http.get(location)
            numbers = NUMBER.findall(form.text)
            if numbers:
                login = urlsplit(location)._replace(path="/login", query="").geturl()
                form = http.post(login, data={"number": numbers[0], "answer": answer, "patient": patient})
        assert form.status_code == 303, form.text
        return self.callback(form.headers["Location"])

    def callback(self, location: str) -> Callback:
        assert location.startswith(CALLBACK + "?")
        got = dict(parse_qsl(urlsplit(location).query))
        return Callback(
            got.get("state", ""), got.get("code", ""), got.get("error", ""), got.get("iss"), dict(self.cookies)
        )


class Site:
    """The launcher of a site that knows one EHR."""

    def __init__(self, ehr: Ehr, client: str = "public", **registration: Any) -> None:
        self.ehr = ehr
        self.clock = Clock()
        proofs: dict[str, dict[str, Any]] = {
            "with-secret": {"secret": SECRET},
            "with-key": {"signing_key": SigningKey(pem(ec_key("app")), "app-es", "ES384")},
        }
        self.registration = SmartRegistration(ehr.fhir, client, **{**proofs.get(client, {}), **registration})
        self.sessions = SmartSessions(secure=False, clock=self.clock)
        self.launcher = SmartLauncher(
            [self.registration], Allowed(issuers=[ehr.fhir]), CALLBACK, self.sessions, Outgoing(seconds=3)
        )

    def begin(self, browser: Browser, patient: str | None = "first", issuer: str = "") -> Redirect:
        """Begin an EHR launch for a patient, or a standalone one."""
        launch = None if patient is None else self.ehr.launch(patient)
        redirect = asyncio.run(self.launcher.begin(LaunchRequest(issuer or self.ehr.fhir, launch)))
        browser.keep(*redirect.cookies)
        return redirect

    def finish(self, browser: Browser, callback: Callback) -> Arrival:
        arrival = asyncio.run(self.launcher.finish(callback))
        browser.keep(*arrival.cookies)
        return arrival

    def open(self, browser: Browser, patient: str | None = "first", chosen: str = "first") -> Arrival:
        """The whole way from the click in the EHR to the session."""
        redirect = self.begin(browser, patient)
        return self.finish(browser, browser.log_in(redirect.location, patient=chosen))

    def refused_begin(self, request: LaunchRequest) -> LaunchRefused:
        with pytest.raises(LaunchRefused) as caught:
            asyncio.run(self.launcher.begin(request))
        return caught.value

    def refused_finish(self, callback: Callback) -> LaunchRefused:
        with pytest.raises(LaunchRefused) as caught:
            asyncio.run(self.launcher.finish(callback))
        return caught.value


class _Pool:
    """Servers that are at rest: to start and stop one for each test would take most of the time."""

    def __init__(self) -> None:
        self.resting: list[Ehr] = []
        self.stack: ExitStack | None = None


_POOL = _Pool()


@contextmanager
def pool() -> Iterator[None]:
    """Servers begun inside are kept until the end."""
    with ExitStack() as stack:
        _POOL.stack, _POOL.resting = stack, []
        try:
            yield
        finally:
            _POOL.stack, _POOL.resting = None, []


@contextmanager
def an_ehr() -> Iterator[Ehr]:
    """A server that knows the apps, as new."""
    assert _POOL.stack is not None
    ehr = _POOL.resting.pop() if _POOL.resting else _POOL.stack.enter_context(serving(*APPS))
    ehr.begin_again()
    try:
        yield ehr
    finally:
        _POOL.resting.append(ehr)


@contextmanager
def site(client: str = "public", **registration: Any) -> Iterator[Site]:
    """A site and its EHR."""
    with an_ehr() as ehr:
        yield Site(ehr, client, **registration)


def query(location: str) -> dict[str, str]:
    """The members of an address's query, each once."""
    members = parse_qs(urlsplit(location).query, strict_parsing=True)
    assert all(len(values) == 1 for values in members.values())
    return {name: values[0] for name, values in members.items()}


def without(location: str, *names: str, **changes: str) -> str:
    """An address whose query lacks some members or has others."""
    members = {name: value for name, value in query(location).items() if name not in names}
    return urlsplit(location)._replace(query=urlencode({**members, **changes})).geturl()
