"""JSON Web Tokens read strictly and verified with one public key (RFC 7515, 7518, 7519; RFC 8725 for the pitfalls).

The key's own type decides what it may verify, so that a public key is never taken for a shared secret. Header members
that bring a key along (`jwk`, `x5c`, `x5u`) are not read. Nothing of a token enters a message.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from calcipath.errors import CalcipathError

TokenReason = Literal[
    "token-too-large", "token-shape", "algorithm", "key-id", "type", "critical", "claims", "expired",
    "issued-in-future", "not-yet-valid", "life-too-long", "key-unknown", "signature",
]  # fmt: skip
MOST_CHARACTERS = 16 * 1024
MOST_KEY_ID_CHARACTERS = 256
_KEY_TYPES = {
    "ES256": ("EC", "P-256"), "ES384": ("EC", "P-384"), "ES512": ("EC", "P-521"),
    "RS256": ("RSA", None), "RS384": ("RSA", None), "RS512": ("RSA", None),
    "PS256": ("RSA", None), "PS384": ("RSA", None), "PS512": ("RSA", None),
}  # fmt: skip
SUPPORTED_ALGORITHMS = frozenset(_KEY_TYPES)
_RSA_BITS = range(2048, 8192 + 1)
_MOST_MODULUS_CHARACTERS = 1400
_PARTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)
_PUBLIC_MEMBERS = {"EC": ("kty", "crv", "x", "y"), "RSA": ("kty", "n", "e")}
_LATEST = 10.0**11  # seconds since 1970; beyond it a time is a mistake (milliseconds)


class TokenError(CalcipathError):
    """A token that cannot be trusted. `reason` is for the log; the message says nothing."""

    def __init__(self, reason: TokenReason) -> None:
        super().__init__("the token could not be verified")
        self.reason: TokenReason = reason


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token that was taken apart and whose header is sound; its claims are not yet to be believed."""

    algorithm: str
    key_id: str
    key_set_address: object
    claims: Mapping[str, Any] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def read_token(text: str, algorithms: Iterable[str], *, typed: bool = True) -> SignedToken:
    """Take a compact JWS apart and check its header: algorithm, key id, no critical extension, type JWT.

    `typed` asks for the `typ` that CDS Hooks 2.0 requires (register 184); an ID token may leave it out. Raises
    `TokenError`.
    """
    if len(text) > MOST_CHARACTERS:
        raise TokenError("token-too-large")
    found = _PARTS.fullmatch(text)
    if found is None:
        raise TokenError("token-shape")
    header = _json_object(found[1])
    algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or algorithm not in SUPPORTED_ALGORITHMS.intersection(algorithms):
        raise TokenError("algorithm")
    if "crit" in header or "b64" in header:
        raise TokenError("critical")  # RFC 7515, 4.1.11: what is not understood must be refused
    if not isinstance(key_id, str) or not 0 < len(key_id) <= MOST_KEY_ID_CHARACTERS:
        raise TokenError("key-id")
    if not (isinstance(kind, str) and kind.upper() == "JWT") and (typed or kind is not None):
        raise TokenError("type")
    signed = f"{found[1]}.{found[2]}".encode("ascii")
    return SignedToken(algorithm, key_id, header.get("jku"), _json_object(found[2]), signed, _decoded(found[3]))


def _decoded(text: str) -> bytes:
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise TokenError("token-shape") from None
    if base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii") != text:
        raise TokenError("token-shape")  # a second spelling of the same bytes
    return content


def _json_object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(_decoded(text).decode("utf-8"), object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise TokenError("token-shape") from None
    if not isinstance(content, dict):
        raise TokenError("token-shape")
    return content


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise TokenError("token-shape")  # RFC 7519, 4: which of two values counts would depend on the reader
    return content


def _no_constant(_: str) -> Any:
    raise TokenError("token-shape")  # NaN and Infinity are no JSON


def check_times(claims: Mapping[str, Any], now: float, leeway: float, most_seconds: float | None = None) -> float:
    """The moment (seconds since 1970) at which the token ends, after `exp`, `iat` and `nbf` were checked.

    `most_seconds`: the longest life from issue to end. `leeway` allows for clocks that differ. Raises `TokenError`.
    """
    ends, issued = _moment(claims.get("exp")), _moment(claims.get("iat"))
    starts = _moment(claims["nbf"]) if "nbf" in claims else issued
    if now >= ends + leeway:
        raise TokenError("expired")
    if issued > now + leeway:
        raise TokenError("issued-in-future")
    if starts > now + leeway:
        raise TokenError("not-yet-valid")
    if ends <= issued or (most_seconds is not None and ends - issued > most_seconds):
        raise TokenError("life-too-long")
    return ends


def _moment(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenError("claims")
    if not 0 <= value < _LATEST:  # not true of NaN either
        raise TokenError("claims")
    return float(value)


def check_signature(token: SignedToken, keys: Iterable[Mapping[str, Any]]) -> None:
    """Verify with the one key of the token's key id and algorithm. Raises `TokenError`.

    Two fitting keys of one id are none: the register's 183 asks for unique ids.
    """
    fitting = [key for key in keys if key.get("kid") == token.key_id and fits(key, token.algorithm)]
    if len(fitting) != 1:
        raise TokenError("key-unknown")
    if not _verified(token, fitting[0]):
        raise TokenError("signature")


def fits(key: Mapping[str, Any], algorithm: str) -> bool:
    """Whether a JSON Web Key is a public key for signatures of this algorithm."""
    kind, curve = _KEY_TYPES[algorithm]
    operations = key.get("key_ops", ["verify"])
    return (
        key.get("kty") == kind
        and key.get("crv") == curve
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and isinstance(operations, list | tuple)
        and "verify" in operations
    )


def _verified(token: SignedToken, key: Mapping[str, Any]) -> bool:
    import jwt
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    members = {name: key.get(name) for name in _PUBLIC_MEMBERS[str(key["kty"])]}
    if not all(isinstance(value, str) and len(value) <= _MOST_MODULUS_CHARACTERS for value in members.values()):
        return False
    try:
        public = jwt.PyJWK(members, algorithm=token.algorithm)
        if isinstance(public.key, RSAPublicKey) and public.key.key_size not in _RSA_BITS:
            return False
        return bool(public.Algorithm.verify(token.signed, public.key, token.signature))
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError):
        return False
