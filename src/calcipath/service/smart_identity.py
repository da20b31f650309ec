"""Who logged in: the ID token of OpenID Connect Core 1.0 (3.1.3.7) with SMART's `fhirUser` claim."""

from __future__ import annotations

from calcipath.service.key_sets import read_key_set
from calcipath.service.outgoing import Outgoing, OutgoingFailed
from calcipath.service.signed_tokens import (
    SUPPORTED_ALGORITHMS,
    SignedToken,
    TokenError,
    check_signature,
    check_times,
    read_token,
)
from calcipath.service.smart_registration import LaunchRefused
from calcipath.service.smart_sessions import PendingLaunch

LEEWAY_SECONDS = 60.0
_MOST_TEXT = 2048


async def fhir_user(text: object, pending: PendingLaunch, client_id: str, outgoing: Outgoing, now: float) -> str:
    """The `fhirUser` of a verified ID token; empty when the EHR makes none, or names no user in it.

    `now` is in seconds since 1970. Raises `LaunchRefused` for a token that is there but not to be believed.
    """
    if text is None or not pending.expected_issuer or not pending.key_set_address:
        return ""
    if not isinstance(text, str):
        raise LaunchRefused("identity")
    try:
        token = read_token(text, SUPPORTED_ALGORITHMS, typed=False)
        _check_claims(token, pending, client_id)
        check_times(token.claims, now, LEEWAY_SECONDS)
        answer = await outgoing.get(pending.key_set_address)
        check_signature(token, read_key_set(answer.content) or ())
    except (TokenError, OutgoingFailed):
        raise LaunchRefused("identity") from None
    user = token.claims.get("fhirUser", "")
    if not isinstance(user, str) or len(user) > _MOST_TEXT or not user.isprintable():
        raise LaunchRefused("identity")
    return user


def _check_claims(token: SignedToken, pending: PendingLaunch, client_id: str) -> None:
    audience = token.claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if (
        token.claims.get("iss") != pending.expected_issuer
        or client_id not in audiences
        or (len(audiences) > 1 and token.claims.get("azp") != client_id)
        or token.claims.get("nonce") != pending.nonce
    ):
        raise TokenError("claims")
