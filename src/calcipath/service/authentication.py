"""Who calls: the CDS client's signed token (CDS Hooks 2.0, "Trusting CDS Clients"; register 176 to 207).

The checks stand in the order of the best-practice page: header, issuer, audience, times, tenant, key, signature, and
last the token's id, which is then used up. The caller learns one thing, that it is not authenticated; the reason is a
fixed word for the log and never holds a part of the token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from calcipath.errors import CalcipathError, InputError
from calcipath.service.addresses import read_address
from calcipath.service.key_sets import Keys, KeySetError, KeySets
from calcipath.service.replay import ReplayError, ReplayGuard
from calcipath.service.signed_tokens import (
    MOST_CHARACTERS,
    SUPPORTED_ALGORITHMS,
    SignedToken,
    TokenError,
    TokenReason,
    check_signature,
    check_times,
    fits,
    read_token,
)

Reason = (
    TokenReason
    | Literal[
        "header-missing", "header-repeated", "header-shape", "issuer", "audience", "tenant",
        "key-set-address", "key-set-unavailable", "token-id", "replayed", "replay-unknown",
    ]
)  # fmt: skip
DEFAULT_ALGORITHMS = frozenset({"ES384", "RS384", "ES256", "RS256", "PS384"})
MOST_SECONDS = 600.0  # a token's life, from `iat` to `exp`
LEEWAY_SECONDS = 30.0
_MOST_TEXT = 512  # characters of an id, an issuer or a tenant
_MOST_AUDIENCES = 20


class Unauthenticated(CalcipathError):  # noqa: N818 - the word for a 401
    """The caller is not known: answer 401 without a detail. `reason` is a fixed word for the log."""

    def __init__(self, reason: Reason) -> None:
        super().__init__("the caller could not be authenticated")
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class TrustedClient:
    """A CDS client that the site trusts.

    `issuer`: the exact `iss`. `keys`: public keys (JWK) agreed out of band; `jwks_url`: where the client publishes
    them, the only `jku` that it may name. `tenants`: the organisations that it may call for; when empty, any or none.
    """

    issuer: str
    jwks_url: str = ""
    keys: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    tenants: frozenset[str] = frozenset()
    algorithms: frozenset[str] = DEFAULT_ALGORITHMS


@dataclass(frozen=True, slots=True)
class VerifiedClient:
    """Who called. `expires` is in seconds since 1970; all of it may be logged."""

    issuer: str
    tenant: str
    token_id: str
    key_id: str
    expires: float


class ClientVerifier:
    """Verifies the tokens of the trusted clients.

    `audience_base` is the service's public address as its clients know it, never taken from a request. `clock` gives
    seconds since 1970; `leeway` is in seconds. Raises `InputError` for a client that could never be verified safely.
    """

    def __init__(
        self,
        clients: Sequence[TrustedClient],
        audience_base: str,
        replay: ReplayGuard,
        key_sets: KeySets,
        clock: Callable[[], float],
        leeway: float = LEEWAY_SECONDS,
    ) -> None:
        self._clients = {client.issuer: client for client in clients}
        if len(self._clients) != len(clients):
            raise InputError("two trusted clients have the same issuer")
        for client in clients:
            _check_client(client, key_sets)
        read_address(audience_base)
        self._base = audience_base.rstrip("/")
        self._replay = replay
        self._key_sets = key_sets
        self._clock = clock
        self._leeway = leeway

    async def verify(self, authorization_header: str | None, audience: str) -> VerifiedClient:
        """The client that signed the token in the header of one request.

        `audience` is the endpoint that was called: its path below the base (`/cds-services/x`) or the whole address.
        Raises `Unauthenticated` when anything is amiss. A token is good once.
        """
        try:
            return await self._verify(bearer_token(authorization_header), self._endpoint(audience))
        except TokenError as error:
            raise Unauthenticated(error.reason) from None
        except KeySetError:
            raise Unauthenticated("key-set-unavailable") from None
        except ReplayError:
            raise Unauthenticated("replay-unknown") from None

    async def _verify(self, text: str, endpoint: str) -> VerifiedClient:
        token = read_token(text, SUPPORTED_ALGORITHMS)
        claims = token.claims
        client = self._client(claims.get("iss"))
        if token.algorithm not in client.algorithms:
            raise Unauthenticated("algorithm")
        if endpoint not in _audiences(claims.get("aud")):
            raise Unauthenticated("audience")
        ends = check_times(claims, self._clock(), self._leeway, MOST_SECONDS)
        tenant = _tenant(claims, client)
        token_id = claims.get("jti")
        if not isinstance(token_id, str) or not 0 < len(token_id) <= _MOST_TEXT:
            raise Unauthenticated("token-id")
        check_signature(token, await self._keys(client, token))
        if not await self._replay.first_use(client.issuer, token_id, ends + self._leeway):
            raise Unauthenticated("replayed")
        return VerifiedClient(client.issuer, tenant, token_id, token.key_id, ends)

    def _endpoint(self, audience: str) -> str:
        endpoint = self._base + audience if audience.startswith("/") else audience
        if not endpoint.startswith(self._base + "/"):
            raise Unauthenticated("audience")
        return endpoint

    def _client(self, issuer: object) -> TrustedClient:
        client = self._clients.get(issuer) if isinstance(issuer, str) else None
        if client is None:
            raise Unauthenticated("issuer")
        return client

    async def _keys(self, client: TrustedClient, token: SignedToken) -> Keys:
        """The client's keys of the token's key id; a `jku` may only name the address that is configured anyway."""
        address = token.key_set_address
        if address is not None and (not client.jwks_url or address != client.jwks_url):
            raise Unauthenticated("key-set-address")
        configured = tuple(key for key in client.keys if key.get("kid") == token.key_id)
        if not client.jwks_url or (configured and address is None):
            return configured
        return await self._key_sets.keys(client.jwks_url, token.key_id)


def only_header(values: Sequence[str]) -> str | None:
    """The value of the one Authorization header of a request, None without one.

    Raises `Unauthenticated` for several: which of them counts would depend on the reader.
    """
    if len(values) > 1:
        raise Unauthenticated("header-repeated")
    return values[0] if values else None


def bearer_token(header: str | None) -> str:
    """The text after `Bearer`; the scheme's case does not matter (RFC 9110, 11.1). Raises `Unauthenticated`."""
    if not header:
        raise Unauthenticated("header-missing")
    if len(header) > MOST_CHARACTERS + len("Bearer "):
        raise Unauthenticated("token-too-large")
    scheme, space, token = header.partition(" ")
    if scheme.lower() != "bearer" or not space or not token:
        raise Unauthenticated("header-shape")
    return token


def _audiences(claim: object) -> Sequence[str]:
    if isinstance(claim, str):
        return (claim,)
    if isinstance(claim, list) and len(claim) <= _MOST_AUDIENCES and all(isinstance(entry, str) for entry in claim):
        return claim
    raise Unauthenticated("audience")


def _tenant(claims: Mapping[str, Any], client: TrustedClient) -> str:
    if "tenant" not in claims and not client.tenants:
        return ""
    tenant = claims.get("tenant")
    if not isinstance(tenant, str) or not 0 < len(tenant) <= _MOST_TEXT:
        raise Unauthenticated("tenant")
    if client.tenants and tenant not in client.tenants:
        raise Unauthenticated("tenant")
    return tenant


def _check_client(client: TrustedClient, key_sets: KeySets) -> None:
    if not client.issuer or len(client.issuer) > _MOST_TEXT:
        raise InputError("a trusted client needs an issuer")
    if not client.algorithms or not client.algorithms <= SUPPORTED_ALGORITHMS:
        raise InputError("a trusted client's algorithms must be public-key signatures of RFC 7518")
    if not client.keys and not client.jwks_url:
        raise InputError("a trusted client needs its public keys or the address where it publishes them")
    if client.jwks_url and client.jwks_url not in key_sets.addresses:
        raise InputError("a trusted client's key address is not among the addresses of the key sets")
    for key in client.keys:
        if "d" in key or not isinstance(key.get("kid"), str):
            raise InputError("a trusted client's key must be a public key with a key id")
        if not any(fits(key, algorithm) for algorithm in client.algorithms):
            raise InputError("a trusted client's key does not fit any of its algorithms")
