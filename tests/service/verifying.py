"""A verifier with everything that it needs, for the tests of tokens, key sets and replay."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from keys import ec_key, jwk

from calcipath.service.authentication import ClientVerifier, TrustedClient, Unauthenticated, VerifiedClient
from calcipath.service.key_sets import KeySets
from calcipath.service.outgoing import Outgoing
from calcipath.service.replay import MemoryReplayGuard, ReplayGuard

BASE = "https://cds.example/calcipath"
ENDPOINT = "/cds-services/calcipath-patient-view"
ISSUER = "https://ehr.example"
NOW = 1_800_000_000.0
KEY = ec_key("client")


class Clock:
    """A clock that the test moves."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def claims(**changed: Any) -> dict[str, Any]:
    """Good claims with changes; a claim given as None is left out."""
    good = {"iss": ISSUER, "aud": BASE + ENDPOINT, "exp": NOW + 300, "iat": NOW, "jti": "token-of-the-test", **changed}
    return {name: value for name, value in good.items() if value is not None}


class Service:
    """A verifier with everything that it needs."""

    def __init__(
        self, *clients: TrustedClient, replay: ReplayGuard | None = None, outgoing: Outgoing | None = None
    ) -> None:
        self.clock = Clock()
        self.monotonic = Clock(5.0)
        trusted = clients or (TrustedClient(ISSUER, keys=(jwk(KEY, "one"),)),)
        self.key_sets = KeySets([each.jwks_url for each in trusted if each.jwks_url], outgoing, clock=self.monotonic)
        self.verifier = ClientVerifier(
            trusted, BASE + "/", replay or MemoryReplayGuard(clock=self.clock), self.key_sets, self.clock, leeway=10
        )

    def verify(self, token: str, audience: str = ENDPOINT) -> VerifiedClient:
        return asyncio.run(self.verifier.verify(f"Bearer {token}", audience))

    def refusal(self, token: str, audience: str = ENDPOINT) -> str:
        return self.refusal_of_header(f"Bearer {token}", audience)

    def refusal_of_header(self, header: str | None, audience: str = ENDPOINT) -> str:
        with pytest.raises(Unauthenticated) as caught:
            asyncio.run(self.verifier.verify(header, audience))
        assert str(caught.value) == "the caller could not be authenticated"
        return caught.value.reason
