"""What a site agreed with an EHR: the app's client id and how it proves itself; and how a login can fail.

Confidential clients sign an assertion (`private_key_jwt`, RFC 7523; SMART App Launch 2.x asks for ES384 and RS384, and
an end at most five minutes ahead) or send a secret (RFC 6749, 2.3.1); a public client has PKCE alone.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote_plus

from calcipath.errors import CalcipathError, InputError

DEFAULT_SCOPES = "launch openid fhirUser patient/*.rs"
ASSERTION_SECONDS = 240
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_AGAIN = "Open calcipath again from the patient's record."

LaunchReason = Literal[
    "launch-request", "issuer-not-listed", "discovery", "endpoint-not-trusted", "pkce-not-supported", "state",
    "callback-issuer", "refused-by-ehr", "callback", "token", "patient", "identity",
]  # fmt: skip
_SAID: Mapping[LaunchReason, tuple[int, str]] = {
    "launch-request": (400, f"The launch is incomplete. {_AGAIN}"),
    "issuer-not-listed": (403, "This service is not set up for the record system that opened it."),
    "discovery": (502, "The record system's SMART configuration could not be read. Try again later."),
    "endpoint-not-trusted": (
        502,
        "The record system's SMART configuration names a server that this site has not listed.",
    ),
    "pkce-not-supported": (502, "The record system does not offer the protected login (PKCE S256) that is needed."),
    "state": (400, f"This login has ended, or belongs to another window. {_AGAIN}"),
    "callback-issuer": (400, f"The answer does not come from the record system that was asked. {_AGAIN}"),
    "refused-by-ehr": (403, "The record system did not give access."),
    "callback": (400, f"The record system's answer is incomplete. {_AGAIN}"),
    "token": (502, f"The record system did not complete the login. {_AGAIN}"),
    "patient": (400, "No patient was chosen. Open calcipath from a patient's record."),
    "identity": (502, f"The record system's statement about the user could not be verified. {_AGAIN}"),
}


class LaunchRefused(CalcipathError):  # noqa: N818
    """A launch or login that goes no further. The message is for the user's page; it holds no value that came in.

    `reason` is a fixed word for the log, `status` the HTTP status of the page.
    """

    exit_status = 4

    def __init__(self, reason: LaunchReason) -> None:
        self.status, sentence = _SAID[reason]
        super().__init__(sentence)
        self.reason: LaunchReason = reason


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of the app in PEM form. Raises `InputError` when it does not fit the algorithm."""

    pem: str = field(repr=False)
    key_id: str
    algorithm: str = "ES384"

    def __post_init__(self) -> None:
        """Refuse at the start what would fail at the first login."""
        if self.algorithm not in ("ES384", "RS384") or not self.key_id:
            raise InputError("a signing key needs a key id and one of the algorithms ES384 and RS384")
        self.public_key()

    def public_key(self) -> dict[str, Any]:
        """The public half as a JSON Web Key, for the EHR's registration."""
        import jwt
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ec, rsa
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            private = load_pem_private_key(self.pem.encode("utf-8"), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise InputError(
                "the signing key cannot be read: it must be a private key in PEM form, without password"
            ) from None
        members: dict[str, Any]
        if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name == "secp384r1":
            members, fits = jwt.algorithms.ECAlgorithm.to_jwk(private.public_key(), as_dict=True), "ES384"
        elif isinstance(private, rsa.RSAPrivateKey) and private.key_size >= 2048:
            members, fits = jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True), "RS384"
        else:
            raise InputError("the signing key must be on curve P-384, or RSA of 2048 bits or more")
        if fits != self.algorithm:
            raise InputError(f"the signing key is for {fits}, the settings say {self.algorithm}")
        return {**members, "kid": self.key_id, "alg": self.algorithm, "use": "sig", "key_ops": ["verify"]}


@dataclass(frozen=True, slots=True)
class SmartRegistration:
    """The app at one EHR. `issuer` is the FHIR base as the EHR writes it, and what is sent as `aud`.

    `authorization_servers`: addresses whose origins may serve the EHR's login besides the issuer's own. With a `secret`
    or a `signing_key` the client is confidential, with neither it is public; both are refused with `InputError`.
    """

    issuer: str
    client_id: str
    secret: str = field(default="", repr=False)
    signing_key: SigningKey | None = None
    scopes: str = DEFAULT_SCOPES
    authorization_servers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the agreement."""
        if not self.client_id:
            raise InputError("a SMART registration needs a client id")
        if self.secret and self.signing_key is not None:
            raise InputError("a SMART registration has a secret or a signing key, not both")

    def proof(self, token_endpoint: str, now: float) -> tuple[dict[str, str], dict[str, str]]:
        """What the token request carries to show which client asks: members of the form, and headers."""
        if self.signing_key is not None:
            return {
                "client_id": self.client_id,
                "client_assertion_type": _ASSERTION_TYPE,
                "client_assertion": self._assertion(self.signing_key, token_endpoint, now),
            }, {}
        if self.secret:
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}".encode()
            return {}, {"Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}
        return {"client_id": self.client_id}, {}

    def _assertion(self, key: SigningKey, token_endpoint: str, now: float) -> str:
        import jwt

        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": token_endpoint,
            "iat": int(now),
            "exp": int(now) + ASSERTION_SECONDS,
            "jti": secrets.token_urlsafe(24),
        }
        return jwt.encode(claims, key.pem, algorithm=key.algorithm, headers={"kid": key.key_id})


def public_key_set(registrations: Iterable[SmartRegistration]) -> dict[str, Any]:
    """The JWK set of the app's public keys, for EHRs that fetch it from the service."""
    keys = {each.signing_key.key_id: each.signing_key for each in registrations if each.signing_key is not None}
    return {"keys": [key.public_key() for key in keys.values()]}
