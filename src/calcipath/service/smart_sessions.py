"""SMART launches that are under way and sessions that are open, kept in the memory of this process only.

A browser holds random values in cookies, the tokens never leave the server. A launch has a cookie of its own, so that
two tabs do not disturb each other; after the login the browser gets a new session value, whatever it sent before. A
session is named by its cookie together with a handle in the page's address: a page of one patient can then never turn
into that of another who was opened in a second tab.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

Access = Literal["whole", "part", "none"]
_SCOPE = re.compile(r"(?:patient|user)/(\*|[A-Za-z]+)\.(\*|read|write|c?r?u?d?s?)(\?\S*)?", re.ASCII)
_MOST_COOKIE_CHARACTERS = 128
_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie for the browser; `seconds` 0 takes it away. Always HttpOnly and SameSite=Lax, for the whole site."""

    name: str
    value: str = field(repr=False)
    seconds: int
    secure: bool
    path: str = "/"
    http_only: bool = True
    same_site: Literal["lax"] = "lax"

    def header(self) -> str:
        """The value of the `Set-Cookie` header."""
        secure = "; Secure" if self.secure else ""
        return f"{self.name}={self.value}; Max-Age={self.seconds}; Path={self.path}; HttpOnly; SameSite=Lax{secure}"


@dataclass(frozen=True, slots=True)
class SmartSession:
    """What an EHR has granted: the server, the token, and the context in which the app was opened.

    `issuer` and `fhir_server` are the site's own spelling. `need_patient_banner`: the app must show whose record it is.
    `expires` is in seconds of the store's clock, `handle` goes into the page's address and is no secret.
    """

    issuer: str
    fhir_server: str
    patient: str
    access_token: str = field(repr=False)
    scopes: frozenset[str] = frozenset()
    encounter: str = ""
    fhir_user: str = ""
    need_patient_banner: bool = True
    fhir_context: tuple[Mapping[str, str], ...] = ()
    expires: float = 0.0
    handle: str = ""

    def access_to(self, kind: str) -> Access:
        """How much of a resource type the granted scopes let the app read and search: all, some, or nothing.

        What is only partly readable (`patient/Observation.rs?category=laboratory`) must not be taken as complete.
        """
        found: Access = "none"
        for scope in self.scopes:
            parts = _SCOPE.fullmatch(scope)
            if parts is None or parts[1] not in ("*", kind):
                continue
            if parts[2] not in ("*", "read") and not {"r", "s"} <= set(parts[2]):
                continue
            if not parts[3]:
                return "whole"
            found = "part"
        return found


@dataclass(frozen=True, slots=True)
class PendingLaunch:
    """A launch between its two redirects: where its token will be had, and the secrets that prove it is the same one."""

    issuer: str
    token_endpoint: str
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)
    expected_issuer: str = ""
    key_set_address: str = ""


class _Bounded(Generic[_Kept]):
    """Values by the digest of a random text, each with its end; the oldest make room for new ones."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._values: OrderedDict[bytes, tuple[float, _Kept]] = OrderedDict()

    def put(self, key: bytes, value: _Kept, expires: float) -> None:
        now = self._clock()
        if len(self._values) >= self._most:
            for ended in [name for name, (end, _) in self._values.items() if end <= now]:
                del self._values[ended]
        while len(self._values) >= self._most:
            self._values.popitem(last=False)
        self._values[key] = (expires, value)

    def get(self, key: bytes) -> _Kept | None:
        expires, value = self._values.get(key, (0.0, None))
        if value is not None and expires <= self._clock():
            del self._values[key]
            return None
        return value

    def pop(self, key: bytes) -> _Kept | None:
        value = self.get(key)
        self._values.pop(key, None)
        return value

    def __len__(self) -> int:
        return len(self._values)


class SmartSessions:
    """The store. All times are seconds; `secure` says that browsers reach the service by https.

    `longest` bounds a session whatever the EHR's token allows, `most` and `most_of_browser` bound the memory: beyond
    them the oldest end. `clock` must not run backwards.
    """

    def __init__(
        self,
        *,
        secure: bool,
        pending_seconds: float = 600.0,
        longest: float = 3600.0,
        most: int = 5000,
        most_of_browser: int = 8,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secure = secure
        self._pending_seconds = pending_seconds
        self._longest = longest
        self._most_of_browser = most_of_browser
        self._clock = clock
        self._pending: _Bounded[tuple[bytes, PendingLaunch]] = _Bounded(most, clock)
        self._browsers: _Bounded[dict[str, SmartSession]] = _Bounded(most, clock)

    @property
    def session_cookie(self) -> str:
        """The name of the session cookie; with https no other site of the domain can set it (`__Host-`)."""
        return f"{self._prefix}calcipath-session"

    @property
    def _prefix(self) -> str:
        return "__Host-" if self._secure else ""

    def _launch_cookie(self, state: str) -> str:
        return f"{self._prefix}calcipath-launch-{hashlib.sha256(state.encode()).hexdigest()[:16]}"

    def begin(self, pending: PendingLaunch) -> tuple[str, Cookie]:
        """Keep a launch; the `state` to send along, and the cookie that binds it to this browser."""
        state, value = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self._pending.put(_digest(state), (_digest(value), pending), self._clock() + self._pending_seconds)
        return state, Cookie(self._launch_cookie(state), value, int(self._pending_seconds), self._secure)

    def take(self, state: str, cookies: Mapping[str, str]) -> tuple[PendingLaunch, Cookie] | None:
        """The launch of a `state`, once, for the browser that began it; with the cookie that takes its cookie away.

        None for an unknown, used or late state. Another browser's attempt does not use it up.
        """
        if len(state) > _MOST_COOKIE_CHARACTERS or not state.isascii():
            return None
        kept = self._pending.get(_digest(state))
        name = self._launch_cookie(state)
        presented = cookies.get(name, "")
        if kept is None or not presented or not hmac.compare_digest(kept[0], _digest(presented)):
            return None
        self._pending.pop(_digest(state))
        return kept[1], Cookie(name, "", 0, self._secure)

    def expiry(self, seconds: float) -> float:
        """When a session ends whose token lives for `seconds`."""
        return self._clock() + min(seconds, self._longest)

    def open(self, session: SmartSession, cookies: Mapping[str, str]) -> tuple[SmartSession, Cookie]:
        """Open a session under a new cookie value; the one that the browser sent is not valid any more.

        The browser's other open sessions come along when they are the same user's of the same EHR; on a shared
        machine those of someone else end here.
        """
        opened = _with_handle(session)
        earlier = self._browsers.pop(_digest(cookies.get(self.session_cookie, ""))) or {}
        kept = [each for each in earlier.values() if self._lives(each) and _same_user(each, opened)]
        sessions = {each.handle: each for each in [*kept, opened][-self._most_of_browser :]}
        end = max(each.expires for each in sessions.values())
        value = secrets.token_urlsafe(32)
        self._browsers.put(_digest(value), sessions, end)
        return opened, Cookie(self.session_cookie, value, max(1, int(end - self._clock())), self._secure)

    def find(self, cookies: Mapping[str, str], handle: str) -> SmartSession | None:
        """The open session of this browser with this handle; None when there is none or it has ended."""
        sessions = self._browsers.get(_digest(cookies.get(self.session_cookie, "")))
        session = sessions.get(handle) if sessions else None
        return session if session is not None and self._lives(session) else None

    def end(self, cookies: Mapping[str, str]) -> Cookie:
        """End all sessions of this browser; the cookie that takes its cookie away."""
        self._browsers.pop(_digest(cookies.get(self.session_cookie, "")))
        return Cookie(self.session_cookie, "", 0, self._secure)

    def _lives(self, session: SmartSession) -> bool:
        return session.expires > self._clock()


def _digest(value: str) -> bytes:
    """Kept instead of the value, so that looking it up tells nothing about it by its time."""
    return hashlib.sha256(value[:_MOST_COOKIE_CHARACTERS].encode("utf-8", "surrogatepass")).digest()


def _with_handle(session: SmartSession) -> SmartSession:
    from dataclasses import replace

    return replace(session, handle=secrets.token_urlsafe(12))


def _same_user(one: SmartSession, other: SmartSession) -> bool:
    return bool(one.fhir_user) and (one.issuer, one.fhir_user) == (other.issuer, other.fhir_user)
