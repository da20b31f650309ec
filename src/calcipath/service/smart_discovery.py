"""Where an EHR lets its users log in: `.well-known/smart-configuration`, read from listed issuers only.

The rule for other servers: an authorisation, token or key address must lie on the issuer's own origin or on an origin
that the site's registration lists for this issuer. Some EHRs do serve their login elsewhere, but the discovery answer
alone may not decide where users and codes are sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from calcipath.service.addresses import AddressRefused, read_address
from calcipath.service.outgoing import Outgoing, OutgoingFailed
from calcipath.service.smart_registration import LaunchRefused, SmartRegistration

_OURS = frozenset(
    ("response_type", "client_id", "redirect_uri", "scope", "state", "aud", "launch", "nonce",
     "code_challenge", "code_challenge_method")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Trusted addresses of an EHR's login. `key_set` is empty when it makes no ID tokens; `issuer` is only compared."""

    authorization: str
    token: str
    issuer: str = ""
    key_set: str = ""


class Discovery:
    """Reads the configurations and keeps each for `lifetime` seconds; a failure is kept for `retry_after` seconds."""

    def __init__(
        self,
        outgoing: Outgoing,
        *,
        lifetime: float = 300.0,
        retry_after: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outgoing = outgoing
        self._lifetime = lifetime
        self._retry_after = retry_after
        self._clock = clock
        self._kept: dict[str, tuple[float, Endpoints | LaunchRefused]] = {}

    async def endpoints(self, registration: SmartRegistration) -> Endpoints:
        """The endpoints of a registered issuer. Raises `LaunchRefused`."""
        until, known = self._kept.get(registration.issuer, (0.0, None))
        if known is None or until <= self._clock():
            try:
                known = await self._read(registration)
            except LaunchRefused as error:
                known = error
            seconds = self._lifetime if isinstance(known, Endpoints) else self._retry_after
            self._kept[registration.issuer] = (self._clock() + seconds, known)
        if isinstance(known, LaunchRefused):
            raise LaunchRefused(known.reason)
        return known

    async def _read(self, registration: SmartRegistration) -> Endpoints:
        base = str(read_address(registration.issuer))
        try:
            answer = await self._outgoing.get(f"{base}/.well-known/smart-configuration")
        except OutgoingFailed:
            raise LaunchRefused("discovery") from None
        if answer.status != 200:
            raise LaunchRefused("discovery")
        return trusted_endpoints(answer.content, registration)


def trusted_endpoints(content: Mapping[str, Any], registration: SmartRegistration) -> Endpoints:
    """The endpoints of a configuration, if all lie where this registration allows. Raises `LaunchRefused`."""
    methods = content.get("code_challenge_methods_supported")
    if not isinstance(methods, list) or "S256" not in methods:
        raise LaunchRefused("pkce-not-supported")
    origins = {read_address(each).origin for each in (registration.issuer, *registration.authorization_servers)}
    authorization = _trusted(content.get("authorization_endpoint"), origins)
    if _OURS & {name for name, _ in parse_qsl(authorization.partition("?")[2], keep_blank_values=True)}:
        raise LaunchRefused("endpoint-not-trusted")  # a parameter of ours would stand there twice
    token = _trusted(content.get("token_endpoint"), origins)
    issuer, key_set = content.get("issuer"), content.get("jwks_uri")
    return Endpoints(
        authorization,
        token,
        issuer if isinstance(issuer, str) else "",
        "" if key_set is None else _trusted(key_set, origins),
    )


def _trusted(given: object, origins: set[str]) -> str:
    if given is None:
        raise LaunchRefused("discovery")
    try:
        address = read_address(given, with_query=True)
    except AddressRefused:
        raise LaunchRefused("endpoint-not-trusted") from None
    if address.origin not in origins:
        raise LaunchRefused("endpoint-not-trusted")
    # The EHR's own spelling is kept (a slash at the end may matter to it); only its meaning was checked.
    return str(given)
