"""SMART App Launch 2.x: from the EHR's launch, or standalone, to a session with a patient in context.

The authorisation code flow with PKCE S256, always. `SmartLauncher` knows nothing of a web framework: the routes hand it
what the browser sent and answer with what it gives back. No address to go to afterwards is taken from a request, and the
sentence of a refusal holds no value that came in.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from calcipath.errors import InputError
from calcipath.service.addresses import Allowed, read_address
from calcipath.service.outgoing import Outgoing, OutgoingFailed
from calcipath.service.smart_discovery import Discovery, Endpoints
from calcipath.service.smart_identity import fhir_user
from calcipath.service.smart_registration import LaunchRefused, SmartRegistration
from calcipath.service.smart_sessions import Cookie, PendingLaunch, SmartSession, SmartSessions

MOST_LAUNCH_CHARACTERS = 4096
MOST_CONTEXT_ENTRIES = 50
DEFAULT_SECONDS = 300.0  # a token's life where the EHR does not say it
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
_VISIBLE = re.compile(r"[!-~]+", re.ASCII)
_MOST_TOKEN_CHARACTERS = 16 * 1024
_CONTEXT_MEMBERS = ("reference", "type", "role", "canonical")


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """What the launch address was called with. `launch` None asks for a standalone launch of a listed issuer."""

    issuer: str = field(repr=False)
    launch: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the browser to `location` (302 or 303) and set the cookies."""

    location: str = field(repr=False)
    cookies: tuple[Cookie, ...]


@dataclass(frozen=True, slots=True)
class Callback:
    """What the redirect address was called with, and the browser's cookies. `issuer` is RFC 9207's `iss`."""

    state: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    error: str = field(default="", repr=False)
    issuer: str | None = field(default=None, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An open session, and the cookies to set before the browser goes on to its page."""

    session: SmartSession
    cookies: tuple[Cookie, ...]


class SmartLauncher:
    """Launches and logins for the registered EHRs.

    `redirect_uri`: the service's own callback as it is registered. `clock` gives seconds since 1970, for assertions and
    ID tokens. Raises `InputError` for a registration whose issuer is not on the list, or is there twice.
    """

    def __init__(
        self,
        registrations: Sequence[SmartRegistration],
        allowed: Allowed,
        redirect_uri: str,
        sessions: SmartSessions,
        outgoing: Outgoing,
        *,
        discovery: Discovery | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._registrations: dict[str, SmartRegistration] = {}
        for each in registrations:
            issuer = allowed.issuer(each.issuer)
            if issuer is None or issuer in self._registrations:
                raise InputError("a SMART registration's issuer is not on the list of issuers, or is registered twice")
            for server in each.authorization_servers:
                read_address(server)
            self._registrations[issuer] = each
        read_address(redirect_uri)
        self._allowed = allowed
        self._redirect_uri = redirect_uri
        self._sessions = sessions
        self._outgoing = outgoing
        self._discovery = discovery or Discovery(outgoing)
        self._clock = clock

    @property
    def sessions(self) -> SmartSessions:
        """The open sessions."""
        return self._sessions

    async def begin(self, request: LaunchRequest) -> Redirect:
        """Where to send the browser to log in, and the cookie that binds the launch to it. Raises `LaunchRefused`."""
        issuer = self._allowed.issuer(request.issuer)
        registration = self._registrations.get(issuer) if issuer is not None else None
        if issuer is None or registration is None:
            raise LaunchRefused("issuer-not-listed")
        launch = request.launch
        if launch is not None and not (0 < len(launch) <= MOST_LAUNCH_CHARACTERS and launch.isprintable()):
            raise LaunchRefused("launch-request")
        endpoints = await self._discovery.endpoints(registration)
        verifier, nonce = secrets.token_urlsafe(64), secrets.token_urlsafe(24)
        pending = PendingLaunch(issuer, endpoints.token, verifier, nonce, endpoints.issuer, endpoints.key_set)
        state, cookie = self._sessions.begin(pending)
        asked = {
            "response_type": "code",
            "client_id": registration.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": _scopes(registration.scopes, standalone=launch is None),
            "state": state,
            "aud": registration.issuer,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            **({} if launch is None else {"launch": launch}),
            **({"nonce": nonce} if "openid" in registration.scopes.split() else {}),
        }
        return Redirect(_with_query(endpoints, asked), (cookie,))

    async def finish(self, callback: Callback) -> Arrival:
        """Exchange the code and open a session. The state is used up, whatever comes of it. Raises `LaunchRefused`."""
        taken = self._sessions.take(callback.state, callback.cookies)
        if taken is None:
            raise LaunchRefused("state")
        pending, gone = taken
        if callback.issuer is not None and callback.issuer != pending.expected_issuer:
            raise LaunchRefused("callback-issuer")
        if callback.error:
            raise LaunchRefused("refused-by-ehr")
        if not _VISIBLE.fullmatch(callback.code) or len(callback.code) > _MOST_TOKEN_CHARACTERS:
            raise LaunchRefused("callback")
        registration = self._registrations[pending.issuer]
        content = await self._exchange(callback.code, pending, registration)
        user = await fhir_user(content.get("id_token"), pending, registration.client_id, self._outgoing, self._clock())
        seconds = _seconds(content)
        content = {"scope": registration.scopes, **content}  # RFC 6749, 5.1: left out when it is what was asked for
        session = _session(content, pending.issuer, user, self._sessions.expiry(seconds))
        opened, cookie = self._sessions.open(session, callback.cookies)
        return Arrival(opened, (gone, cookie))

    async def _exchange(self, code: str, pending: PendingLaunch, registration: SmartRegistration) -> Mapping[str, Any]:
        members, headers = registration.proof(pending.token_endpoint, self._clock())
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": pending.verifier,
            **members,
        }
        try:
            answer = await self._outgoing.post(pending.token_endpoint, form, headers)
        except OutgoingFailed:
            raise LaunchRefused("token") from None
        if answer.status != 200:
            raise LaunchRefused("token")
        return answer.content


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _scopes(configured: str, *, standalone: bool) -> str:
    """Standalone there is no context to take over: the EHR is asked to let the user choose a patient."""
    scopes = configured.split()
    if standalone:
        scopes = ["launch/patient" if each == "launch" else each for each in scopes]
    return " ".join(dict.fromkeys(scopes))


def _with_query(endpoints: Endpoints, asked: Mapping[str, str]) -> str:
    joint = "&" if "?" in endpoints.authorization else "?"
    return f"{endpoints.authorization}{joint}{urlencode(asked)}"


def _seconds(content: Mapping[str, Any]) -> float:
    """The life of the access token."""
    given = content.get("expires_in", DEFAULT_SECONDS)
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < 1e9:
        raise LaunchRefused("token")
    return float(given)


def _session(content: Mapping[str, Any], issuer: str, user: str, expires: float) -> SmartSession:
    """The session of a token answer; without a patient there is nothing to show, and the launch is refused."""
    token, kind, scope = content.get("access_token"), content.get("token_type"), content.get("scope")
    if not isinstance(token, str) or not _VISIBLE.fullmatch(token) or len(token) > _MOST_TOKEN_CHARACTERS:
        raise LaunchRefused("token")
    if not isinstance(kind, str) or kind.lower() != "bearer" or not isinstance(scope, str):
        raise LaunchRefused("token")
    patient = content.get("patient")
    if not isinstance(patient, str) or not _ID.fullmatch(patient):
        raise LaunchRefused("patient")
    encounter = content.get("encounter")
    return SmartSession(
        issuer=issuer,
        fhir_server=issuer,
        patient=patient,
        access_token=token,
        scopes=frozenset(scope.split()),
        encounter=encounter if isinstance(encounter, str) and _ID.fullmatch(encounter) else "",
        fhir_user=user,
        need_patient_banner=content.get("need_patient_banner") is not False,  # when in doubt, say whose record it is
        fhir_context=_context(content.get("fhirContext")),
        expires=expires,
    )


def _context(given: object) -> tuple[Mapping[str, str], ...]:
    """The entries of `fhirContext`: objects since SMART 2.1, plain references in 2.0; only their texts are kept."""
    entries = given if isinstance(given, list) else []
    found = []
    for entry in entries[:MOST_CONTEXT_ENTRIES]:
        members = {"reference": entry} if isinstance(entry, str) else entry
        if not isinstance(members, dict):
            continue
        texts = {name: members[name] for name in _CONTEXT_MEMBERS if isinstance(members.get(name), str)}
        if texts:
            found.append(texts)
    return tuple(found)
