"""Tokens of a CDS client, good ones and hostile ones, for keys that the service under check knows (RFC 7515, 7519)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calcipath.errors import InputError

LIFE_SECONDS = 240
UNLISTED = "https://unlisted.invalid"  # a name that never resolves (RFC 6761)
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


@dataclass(frozen=True, slots=True)
class Key:
    """A private key (an object of the cryptography package), its kid and the algorithm that it signs with."""

    private: Any
    kid: str
    algorithm: str

    @property
    def public_pem(self) -> bytes:
        """The public key, as PEM."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        pem: bytes = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem


def read_key(file: str, kid: str) -> Key:
    """A private key from an unencrypted PEM file: EC (ES256, ES384, ES512) or RSA (RS384). Raises `InputError`."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(Path(file).read_bytes(), password=None)
    except OSError:
        raise InputError(f"no such file, or not readable: {file}") from None
    except (ValueError, TypeError):
        raise InputError(f"{file} is no unencrypted private key (PEM)") from None
    if isinstance(private, EllipticCurvePrivateKey) and private.curve.name in _CURVES:
        return Key(private, kid, _CURVES[private.curve.name])
    if isinstance(private, RSAPrivateKey):
        return Key(private, kid, "RS384")
    raise InputError(f"{file} must hold an elliptic curve key (P-256, P-384, P-521) or an RSA key")


@dataclass(frozen=True, slots=True)
class TokenMaker:
    """Makes tokens. `clock` gives seconds since 1970, `new_id` a fresh `jti`; `keys` holds at least one key."""

    keys: Sequence[Key]
    issuer: str
    clock: Callable[[], float]
    new_id: Callable[[], str]
    jku: str = ""
    tenant: str = ""

    def good(self, audience: str, key: Key | None = None) -> str:
        """A token that the service must take, for one endpoint."""
        key = key or self.keys[0]
        return _signed(self._header(key), self._claims(audience), key)

    def hostile(self, name: str, audience: str, discovery: str) -> str | None:
        """A token that the service must refuse, by its name in `security_checks.HOSTILE`; None is no token."""
        key, now = self.keys[0], int(self.clock())
        header, claims = self._header(key), self._claims(audience)
        if name == "no token":
            return None
        if name == "no JWT at all":
            return "calcipath-hooks-check"
        if name == "algorithm none":
            return f"{_packed({**header, 'alg': 'none'})}.{_packed(claims)}."
        if name.startswith("HS"):
            return _symmetric({**header, "alg": name[:5]}, claims, key.public_pem)
        if name == "another key under the same kid":
            return _signed(header, claims, _another(key))
        if name == "changed after signing":
            first, _, last = _signed(header, claims, key).split(".")
            return f"{first}.{_packed({**claims, 'exp': claims['exp'] + 30})}.{last}"
        changed_header, changed_claims = _CHANGES[name](now, audience, discovery)
        claims |= changed_claims
        return _signed({**header, **changed_header}, {k: v for k, v in claims.items() if v is not None}, key)

    def _header(self, key: Key) -> dict[str, Any]:
        header = {"alg": key.algorithm, "typ": "JWT", "kid": key.kid}
        return {**header, "jku": self.jku} if self.jku else header

    def _claims(self, audience: str) -> dict[str, Any]:
        now = int(self.clock())
        claims = {"iss": self.issuer, "aud": audience, "iat": now, "exp": now + LIFE_SECONDS, "jti": self.new_id()}
        return {**claims, "tenant": self.tenant} if self.tenant else claims


_Change = Callable[[int, str, str], tuple[Mapping[str, Any], Mapping[str, Any]]]
_CHANGES: Mapping[str, _Change] = {
    "the address of another service as audience": lambda _, audience, __: ({}, {"aud": f"{audience}-other"}),
    "the address of discovery as audience": lambda _, __, discovery: ({}, {"aud": discovery}),
    "expired": lambda now, _, __: ({}, {"iat": now - 7200, "exp": now - 3600}),
    "no expiry": lambda _, __, ___: ({}, {"exp": None}),
    "not yet valid": lambda now, _, __: ({}, {"iat": now + 3600, "nbf": now + 3600, "exp": now + 3840}),
    "unknown kid": lambda _, __, ___: ({"kid": "calcipath-hooks-check-unknown"}, {}),
    "unlisted iss": lambda _, __, ___: ({}, {"iss": UNLISTED}),
    "unlisted jku": lambda _, __, ___: ({"jku": f"{UNLISTED}/jwks.json"}, {}),
}


def _packed(value: Any) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode("utf-8")
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    import jwt

    return jwt.encode(dict(claims), key.private, algorithm=key.algorithm, headers=dict(header))


def _symmetric(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes) -> str:
    """What the library refuses to make: the public key's text as a shared secret."""
    signed = f"{_packed(header)}.{_packed(claims)}"
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384}[str(header["alg"])]
    return f"{signed}.{_packed(hmac.new(secret, signed.encode('ascii'), digest).digest())}"


def _another(key: Key) -> Key:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if key.algorithm.startswith("RS"):
        return Key(rsa.generate_private_key(65537, 2048), key.kid, key.algorithm)
    return Key(ec.generate_private_key(key.private.curve), key.kid, key.algorithm)
