"""Key sets of the clients: which addresses are asked and how often, rotation, outages, misbehaving servers."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from keys import ec_key, jwk, rsa_key, serving_keys, signed
from verifying import BASE, ENDPOINT, ISSUER, KEY, Clock, Service, claims

from calcipath.errors import InputError
from calcipath.service.authentication import ClientVerifier, TrustedClient, VerifiedClient
from calcipath.service.key_sets import KeySets
from calcipath.service.outgoing import Outgoing
from calcipath.service.replay import MemoryReplayGuard


def test_a_jku_that_is_listed_is_read_and_another_is_not() -> None:
    with serving_keys(jwk(KEY, "one")) as listed, serving_keys(jwk(KEY, "one")) as unlisted:
        service = Service(TrustedClient(ISSUER, jwks_url=listed.address))
        hostile: list[Any] = [
            unlisted.address, listed.address + "/", listed.address + "?x", listed.address.replace("127.0.0.1", "localhost"),
            listed.address.upper(), listed.address.replace("http://", "http://evil@"), "", 5, [listed.address], {},
        ]  # fmt: skip
        for address in hostile:
            assert service.refusal(signed(KEY, claims(), jku=address)) == "key-set-address"
        assert (listed.asked, unlisted.asked) == (0, 0)
        assert service.verify(signed(KEY, claims(), jku=listed.address)).key_id == "one"
        assert service.verify(signed(KEY, claims(jti="second"))).key_id == "one"
        assert (listed.asked, unlisted.asked) == (1, 0)


def test_a_jku_is_refused_where_only_keys_were_agreed() -> None:
    with serving_keys(jwk(KEY, "one")) as server:
        for address in (server.address, ""):
            assert Service().refusal(signed(KEY, claims(), jku=address)) == "key-set-address"
        assert server.asked == 0


def test_agreed_keys_come_first_and_the_address_adds_to_them() -> None:
    with serving_keys(jwk(ec_key("new"), "two")) as server:
        service = Service(TrustedClient(ISSUER, jwks_url=server.address, keys=(jwk(KEY, "one"),)))
        assert service.verify(signed(KEY, claims())).key_id == "one"
        assert server.asked == 0
        assert service.verify(signed(ec_key("new"), claims(jti="second"), "two")).key_id == "two"
        assert server.asked == 1


def test_rotation_of_keys() -> None:
    """A new key id is fetched for at once; the old one is gone with the set that no longer holds it."""
    new = ec_key("new")
    with serving_keys(jwk(KEY, "one")) as server:
        service = Service(TrustedClient(ISSUER, jwks_url=server.address))
        service.verify(signed(KEY, claims(jti="1")))
        server.content = {"keys": [jwk(new, "two")]}
        service.monotonic.now += 31
        assert service.verify(signed(new, claims(jti="2"), "two")).key_id == "two"
        assert server.asked == 2
        assert service.refusal(signed(KEY, claims(jti="3"))) == "key-unknown"
        assert server.asked == 2  # within the interval: not again


def test_a_key_that_was_withdrawn_ends_with_the_sets_lifetime() -> None:
    with serving_keys(jwk(KEY, "one")) as server:
        service = Service(TrustedClient(ISSUER, jwks_url=server.address))
        service.verify(signed(KEY, claims(jti="1")))
        server.content = {"keys": []}
        service.monotonic.now += 299
        assert service.verify(signed(KEY, claims(jti="2"))).key_id == "one"
        service.monotonic.now += 2
        assert service.refusal(signed(KEY, claims(jti="3"))) == "key-unknown"
        assert server.asked == 2


def test_a_storm_of_unknown_keys_is_no_storm_of_fetches() -> None:
    with serving_keys(jwk(KEY, "one")) as server:
        service = Service(TrustedClient(ISSUER, jwks_url=server.address))

        async def storm() -> list[Any]:
            tokens = [signed(KEY, claims(jti=str(n)), f"unknown-{n}") for n in range(300)]
            attempts = [service.verifier.verify(f"Bearer {token}", ENDPOINT) for token in tokens]
            return await asyncio.gather(*attempts, return_exceptions=True)

        assert {error.reason for error in asyncio.run(storm())} == {"key-unknown"}
        assert server.asked == 1
        service.monotonic.now += 29
        asyncio.run(storm())
        assert server.asked == 1
        service.monotonic.now += 2
        asyncio.run(storm())
        assert server.asked == 2
        assert service.verify(signed(KEY, claims())).key_id == "one"  # and the known key serves all the while


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 404},
        {"body": b"not json"},
        {"body": b"[]"},
        {"body": b'{"keys": {}}'},
        {"body": b"{}"},
        {"content": {"keys": [jwk(KEY, "one")] * 101}},
        {"body": b'{"keys": []' + b" " * 300_000 + b"}"},
        {"headers": {"Content-Encoding": "gzip"}},
    ],
)
def test_a_key_server_that_fails_opens_nothing(fault: dict[str, Any]) -> None:
    with serving_keys(jwk(KEY, "one")) as server:
        for name, value in fault.items():
            setattr(server, name, value)
        service = Service(TrustedClient(ISSUER, jwks_url=server.address))
        assert service.refusal(signed(KEY, claims())) == "key-set-unavailable"
        assert service.refusal(signed(KEY, claims())) == "key-set-unavailable"
        assert server.asked == 1


def test_a_redirect_to_other_keys_is_not_followed() -> None:
    with serving_keys(jwk(KEY, "one")) as elsewhere, serving_keys() as server:
        server.status, server.headers = 302, {"Location": elsewhere.address}
        assert (
            Service(TrustedClient(ISSUER, jwks_url=server.address)).refusal(signed(KEY, claims()))
            == "key-set-unavailable"
        )
        assert (server.asked, elsewhere.asked) == (1, 0)


def test_a_key_server_that_does_not_answer_is_given_up() -> None:
    with serving_keys(jwk(KEY, "one")) as server:
        server.wait = threading.Event()
        service = Service(TrustedClient(ISSUER, jwks_url=server.address), outgoing=Outgoing(seconds=0.3))
        started = time.perf_counter()
        assert service.refusal(signed(KEY, claims())) == "key-set-unavailable"
        assert time.perf_counter() - started < 2
        server.wait.set()


def test_a_key_server_that_drips_is_given_up() -> None:
    """Each byte comes in time, the whole does not."""
    with serving_keys(jwk(KEY, "one")) as server:
        server.pause = 0.05
        service = Service(TrustedClient(ISSUER, jwks_url=server.address), outgoing=Outgoing(seconds=0.4))
        started = time.perf_counter()
        assert service.refusal(signed(KEY, claims())) == "key-set-unavailable"
        assert time.perf_counter() - started < 2


def test_a_request_that_is_given_up_does_not_stop_the_fetch_for_others() -> None:
    with serving_keys(jwk(KEY, "one")) as server:
        server.wait = threading.Event()
        service = Service(TrustedClient(ISSUER, jwks_url=server.address))

        async def impatient_and_patient() -> VerifiedClient:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await service.verifier.verify(f"Bearer {signed(KEY, claims(jti='1'))}", ENDPOINT)
            asyncio.get_running_loop().call_later(0.1, server.wait.set if server.wait else print)
            return await service.verifier.verify(f"Bearer {signed(KEY, claims(jti='2'))}", ENDPOINT)

        assert asyncio.run(impatient_and_patient()).token_id == "2"  # noqa: S105
        assert server.asked == 1


def test_an_outage_of_the_key_server_is_outlived_for_an_hour() -> None:
    with serving_keys(jwk(KEY, "one")) as server:
        service = Service(TrustedClient(ISSUER, jwks_url=server.address))
        service.verify(signed(KEY, claims(jti="1")))
        server.status = 503
        service.monotonic.now += 3500
        assert service.verify(signed(KEY, claims(jti="2"))).key_id == "one"
        service.monotonic.now += 200
        assert service.refusal(signed(KEY, claims(jti="3"))) == "key-set-unavailable"


@pytest.mark.parametrize(
    "address", ["http://ehr.example/keys", "ftp://ehr.example/keys", "https://u@ehr.example/keys", "file:///keys"]
)
def test_key_sets_only_over_https(address: str) -> None:
    with pytest.raises(InputError):
        KeySets([address])


def test_a_key_of_another_kind_than_the_algorithm_is_no_key() -> None:
    service = Service(TrustedClient(ISSUER, keys=(jwk(KEY, "one"), jwk(rsa_key("client"), "rsa"))))
    assert service.refusal(signed(ec_key("small", "P-256"), claims(), algorithm="ES256")) == "key-unknown"
    assert service.refusal(signed(rsa_key("client"), claims(), "one", "RS384")) == "key-unknown"
    assert service.refusal(signed(KEY, claims(), "rsa")) == "key-unknown"


@pytest.mark.parametrize(
    "entry",
    [
        {"use": "enc"},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"alg": "ES256"},
        {"kid": 1},
        {"kty": "oct"},
        {"crv": "P-256"},
    ],
)
def test_an_entry_of_the_key_set_that_is_not_for_verifying(entry: Mapping[str, Any]) -> None:
    with serving_keys({**jwk(KEY, "one"), **entry}) as server:
        assert Service(TrustedClient(ISSUER, jwks_url=server.address)).refusal(signed(KEY, claims())) == "key-unknown"


@pytest.mark.parametrize("entry", [{"x": "AA"}, {"x": 5}, {"y": None}, {"x": "!"}, {"x": "A" * 64}, {"x": "A" * 5000}])
def test_a_broken_key_verifies_nothing(entry: Mapping[str, Any]) -> None:
    with serving_keys({**jwk(KEY, "one"), **entry}, 5, "text", None) as server:  # type: ignore[arg-type]
        assert Service(TrustedClient(ISSUER, jwks_url=server.address)).refusal(signed(KEY, claims())) == "signature"


def test_a_short_rsa_key_verifies_nothing() -> None:
    weak = rsa_key("weak", 1024)
    service = Service(TrustedClient(ISSUER, keys=(jwk(weak, "one"),)))
    assert service.refusal(signed(weak, claims(), algorithm="RS384")) == "signature"


def test_two_keys_of_one_id_are_none() -> None:
    service = Service(TrustedClient(ISSUER, keys=(jwk(KEY, "one"), jwk(ec_key("other"), "one"))))
    assert service.refusal(signed(KEY, claims())) == "key-unknown"


@pytest.mark.parametrize(
    "client",
    [
        TrustedClient(""),
        TrustedClient(ISSUER),
        TrustedClient(ISSUER, jwks_url="https://ehr.example/unlisted"),
        TrustedClient(ISSUER, keys=(jwk(KEY, "one"),), algorithms=frozenset({"HS256"})),
        TrustedClient(ISSUER, keys=(jwk(KEY, "one"),), algorithms=frozenset({"ES384", "none"})),
        TrustedClient(ISSUER, keys=(jwk(KEY, "one"),), algorithms=frozenset()),
        TrustedClient(ISSUER, keys=({"kty": "oct", "k": "c2VjcmV0", "kid": "one"},)),
        TrustedClient(ISSUER, keys=({**jwk(KEY, "one"), "d": "c2VjcmV0"},)),
        TrustedClient(ISSUER, keys=({"kty": "EC", "crv": "P-384", "x": "", "y": ""},)),
    ],
)
def test_a_client_that_could_not_be_verified_safely_is_refused_at_the_start(client: TrustedClient) -> None:
    with pytest.raises(InputError):
        ClientVerifier([client], BASE, MemoryReplayGuard(), KeySets([]), Clock())


def test_an_issuer_twice_or_a_base_that_is_no_address_is_refused_at_the_start() -> None:
    client = TrustedClient(ISSUER, keys=(jwk(KEY, "one"),))
    with pytest.raises(InputError):
        ClientVerifier([client, client], BASE, MemoryReplayGuard(), KeySets([]), Clock())
    with pytest.raises(InputError):
        ClientVerifier([client], "http://cds.example", MemoryReplayGuard(), KeySets([]), Clock())
