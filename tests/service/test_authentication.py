"""The client's token: what is good, every hostile form of it, key sets and their rotation, replay, and silence."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import jwt
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from keys import ec_key, encoded, jwk, public_pem, rsa_key, serving_keys, signed, symmetric, unsigned
from verifying import BASE, ENDPOINT, ISSUER, KEY, NOW, Service, claims

from calcipath.service.authentication import (
    TrustedClient,
    Unauthenticated,
    VerifiedClient,
    only_header,
)

# What is good


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ec_key("client"), "ES384"),
        (ec_key("small", "P-256"), "ES256"),
        (rsa_key("client"), "RS384"),
        (rsa_key("client"), "RS256"),
        (rsa_key("client"), "PS384"),
    ],
)
def test_a_good_token_is_verified(key: Any, algorithm: str) -> None:
    service = Service(TrustedClient(ISSUER, keys=(jwk(ec_key("other"), "zero"), jwk(key, "one"))))
    found = service.verify(signed(key, claims(tenant="ward"), algorithm=algorithm))
    assert found == VerifiedClient(ISSUER, "ward", "token-of-the-test", "one", NOW + 300)


def test_a_token_made_by_another_library_is_verified() -> None:
    token = jwt.encode(claims(), KEY, algorithm="ES384", headers={"kid": "one"})
    assert Service().verify(token).issuer == ISSUER


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_case_of_the_scheme_does_not_matter(scheme: str) -> None:
    found = asyncio.run(Service().verifier.verify(f"{scheme} {signed(KEY, claims())}", ENDPOINT))
    assert found.issuer == ISSUER


def test_the_audience_may_be_one_of_a_list_and_the_endpoint_a_whole_address() -> None:
    token = signed(KEY, claims(aud=["https://other.example", BASE + ENDPOINT]))
    assert Service().verify(token, BASE + ENDPOINT).token_id == "token-of-the-test"  # noqa: S105


@pytest.mark.parametrize("path", ["/cds-services", "/cds-services/calcipath-patient-view/feedback"])
def test_discovery_and_feedback_have_audiences_of_their_own(path: str) -> None:
    assert Service().verify(signed(KEY, claims(aud=BASE + path)), path).issuer == ISSUER


def test_times_are_given_the_leeway_and_no_more() -> None:
    for changed in ({"exp": NOW - 9.5, "iat": NOW - 100}, {"iat": NOW + 9.5}, {"nbf": NOW + 9.5}):
        assert Service().verify(signed(KEY, claims(**changed))).issuer == ISSUER


def test_a_life_of_ten_minutes_is_not_too_long() -> None:
    assert Service().verify(signed(KEY, claims(exp=NOW + 600))).expires == NOW + 600


# What is not


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwdw==", "Token abc", "Bearer  two-spaces", "Bearer\tx", "bearerx y",
     "Bearer not-a-token", "Bearer a.b", "Bearer a.b.c.d", "Bearer a..c", "Bearer ..", "Bearer a.b.c=", "Bearer a+b.c/d.e",
     "Bearer é.b.c", "Bearer \x00"],
)  # fmt: skip
def test_a_header_that_is_no_bearer_token(header: str | None) -> None:
    assert Service().refusal_of_header(header) in ("header-missing", "header-shape", "token-shape")


def test_two_tokens_are_none() -> None:
    one, two = signed(KEY, claims(jti="1")), signed(KEY, claims(jti="2"))
    service = Service()
    assert service.refusal(f"{one} {two}") == "token-shape"
    assert service.refusal(f"{one}, Bearer {two}") == "token-shape"
    assert service.refusal(f"{one},{two}") == "token-shape"
    with pytest.raises(Unauthenticated):
        only_header([f"Bearer {one}", f"Bearer {two}"])
    assert only_header([f"Bearer {one}"]) == f"Bearer {one}"
    assert only_header([]) is None


def test_a_token_of_a_megabyte_costs_nothing() -> None:
    service = Service()
    started = time.perf_counter()
    assert service.refusal(signed(KEY, claims(padding="x" * 1_000_000))) == "token-too-large"
    assert service.refusal("." * 1_000_000) == "token-too-large"
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "", None, 5, ["ES384"], "HS384", "EdDSA", "ES256K", "es384"]
)
def test_no_algorithm_but_a_listed_one(algorithm: Any) -> None:
    head = encoded({"alg": algorithm, "kid": "one", "typ": "JWT"})
    token = signed(KEY, claims())
    _, body, signature = token.split(".")
    service = Service()
    assert service.refusal(f"{head}.{body}.{signature}") == "algorithm"
    assert service.refusal(f"{head}.{body}.") == "token-shape"
    assert service.refusal(f"{head}.{body}") == "token-shape"


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_the_public_key_is_no_shared_secret(algorithm: str) -> None:
    for key in (KEY, rsa_key("client")):
        published = jwk(key, "one")
        service = Service(TrustedClient(ISSUER, keys=(published,)))
        for secret in (public_pem(key), public_pem(key).strip(), json.dumps(published).encode(), b""):
            assert service.refusal(symmetric(secret, claims(), algorithm)) == "algorithm"


def test_a_symmetric_key_in_the_set_of_the_client_is_never_used() -> None:
    secret = {"kty": "oct", "k": encoded(b"s" * 48), "kid": "one", "alg": "HS256"}
    with serving_keys(secret) as server:
        service = Service(TrustedClient(ISSUER, jwks_url=server.address))
        assert service.refusal(symmetric(b"s" * 48, claims())) == "algorithm"
        assert service.refusal(unsigned(claims(), "ES384", encoded(b"s" * 96))) == "key-unknown"


def test_an_algorithm_that_this_client_does_not_use() -> None:
    key = rsa_key("client")
    service = Service(TrustedClient(ISSUER, keys=(jwk(key, "one"),), algorithms=frozenset({"RS384"})))
    assert service.refusal(signed(key, claims(), algorithm="RS256")) == "algorithm"
    assert service.refusal(signed(key, claims(), algorithm="PS384")) == "algorithm"


@pytest.mark.parametrize(
    "aud",
    [
        BASE + "/cds-services/calcipath-order-sign",
        BASE + "/cds-services",
        BASE,
        BASE + ENDPOINT + "/feedback",
        BASE + ENDPOINT + "/",
        (BASE + ENDPOINT)[:-1],
        BASE + ENDPOINT + "x",
        (BASE + ENDPOINT).upper(),
        (BASE + ENDPOINT).replace("https", "http"),
        "https://cds.example.evil.com/calcipath" + ENDPOINT,
        ENDPOINT,
        "*",
        [],
        [BASE],
        [BASE + ENDPOINT, 5],
        [[BASE + ENDPOINT]],
        {"0": BASE + ENDPOINT},
        [BASE + ENDPOINT] * 21,
        5,
        "",
    ],
)
def test_a_token_for_another_endpoint(aud: Any) -> None:
    assert Service().refusal(signed(KEY, claims(aud=aud))) == "audience"


def test_a_token_for_this_endpoint_opens_no_other() -> None:
    service = Service()
    for path in (
        "/cds-services",
        ENDPOINT + "/feedback",
        "https://evil.example" + ENDPOINT,
        ENDPOINT[1:],
        "https://evil.example",
    ):
        assert service.refusal(signed(KEY, claims()), path) == "audience"
    evil = "https://evil.example/x"
    assert service.refusal(signed(KEY, claims(aud=evil)), evil) == "audience"
    beside = BASE + "x" + ENDPOINT
    assert service.refusal(signed(KEY, claims(aud=beside)), beside) == "audience"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"exp": NOW - 10, "iat": NOW - 300}, "expired"),
        ({"exp": 1, "iat": 0}, "expired"),
        ({"nbf": NOW + 11}, "not-yet-valid"),
        ({"iat": NOW + 11}, "issued-in-future"),
        ({"exp": NOW + 601}, "life-too-long"),
        ({"exp": NOW + 5, "iat": NOW - 596}, "life-too-long"),
        ({"exp": NOW, "iat": NOW}, "life-too-long"),
        ({"exp": NOW - 5, "iat": NOW + 5}, "life-too-long"),
        ({"exp": NOW * 1000, "iat": NOW}, "claims"),
    ],
)
def test_a_token_out_of_its_time(changed: dict[str, Any], reason: str) -> None:
    assert Service().refusal(signed(KEY, claims(**changed))) == reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [("iss", "issuer"), ("aud", "audience"), ("exp", "claims"), ("iat", "claims"), ("jti", "token-id")],
)
def test_a_missing_claim(name: str, reason: str) -> None:
    assert Service().refusal(signed(KEY, claims(**{name: None}))) == reason


WRONG: list[Any] = ["1800000300", True, [NOW], {"n": NOW}, -1, ""]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [(name, value, "claims") for name in ("exp", "iat", "nbf") for value in WRONG]
    + [("jti", value, "token-id") for value in (5, True, ["a"], {}, "", "x" * 513)]
    + [
        ("iss", value, "issuer")
        for value in (5, True, [ISSUER], {}, "", ISSUER + "/", ISSUER.upper(), "https://evil.example")
    ]
    + [("tenant", value, "tenant") for value in (5, True, ["a"], {}, "", "x" * 513)],
)
def test_a_claim_of_the_wrong_type_or_value(name: str, value: Any, reason: str) -> None:
    assert Service().refusal(signed(KEY, {**claims(), name: value})) == reason


@pytest.mark.parametrize("text", ["1e400", "-1e400", "NaN", "Infinity", "1" * 4000, "1" * 5000, "null"])
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_a_time_that_is_no_number_of_seconds(name: str, text: str) -> None:
    content = json.dumps({**claims(), name: "@"}).replace('"@"', text)
    assert Service().refusal(signed(KEY, content)) in ("claims", "token-shape")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "null",
        "[]",
        "5",
        '"text"',
        "{",
        "{}}",
        "\ufeff{}",
        "{'a': 1}",
        "[" * 5000,
        '{"a":' * 2000,
        b"\xff\xfe",
        b"\x00",
    ],
)
def test_what_is_not_a_json_object(content: Any) -> None:
    service = Service()
    good_head = encoded({"alg": "ES384", "kid": "one", "typ": "JWT"})
    part = encoded(content)
    assert service.refusal(f"{part}.{encoded(claims())}.{encoded(b's' * 96)}") == "token-shape"
    assert service.refusal(f"{good_head}.{part}.{encoded(b's' * 96)}") == "token-shape"


def test_a_member_that_is_there_twice() -> None:
    twice = json.dumps(claims())[:-1] + ', "aud": "https://other.example"}'
    assert Service().refusal(signed(KEY, twice)) == "token-shape"
    head = encoded('{"alg": "none", "alg": "ES384", "kid": "one", "typ": "JWT"}')
    assert Service().refusal(f"{head}.{encoded(claims())}.{encoded(b's' * 96)}") == "token-shape"


def test_a_second_spelling_of_the_same_bytes() -> None:
    """The last character of base64 holds unused bits: a token must not have two texts."""
    service = Service(TrustedClient(ISSUER, keys=(jwk(rsa_key("client"), "one"),)))
    token = signed(rsa_key("client"), claims(), algorithm="RS384")  # 256 bytes: 4 unused bits
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(token[-1])
    other = token[:-1] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last + 1]
    assert service.refusal(other) == "token-shape"
    assert service.verify(token).issuer == ISSUER


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"kid": None}, "key-id"),
        ({"kid": ""}, "key-id"),
        ({"kid": 1}, "key-id"),
        ({"kid": ["one"]}, "key-id"),
        ({"kid": "x" * 257}, "key-id"),
        ({"kid": "two"}, "key-unknown"),
        ({"kid": "../../one"}, "key-unknown"),
        ({"kid": "one' OR '1'='1"}, "key-unknown"),
        ({"typ": None}, "type"),
        ({"typ": "JOSE"}, "type"),
        ({"typ": "at+jwt"}, "type"),
        ({"typ": 1}, "type"),
        ({"crit": ["exp"], "exp": 1}, "critical"),
        ({"crit": []}, "critical"),
        ({"b64": False}, "critical"),
        ({"b64": False, "crit": ["b64"]}, "critical"),
    ],
)
def test_a_header_that_is_refused(header: dict[str, Any], reason: str) -> None:
    key_id = header.pop("kid", "one")
    assert Service().refusal(signed(KEY, claims(), key_id, **header)) == reason


def test_keys_that_the_token_brings_along_do_not_matter() -> None:
    mine = ec_key("attacker")
    with serving_keys(jwk(mine, "one")) as server:
        service = Service()
        brought: dict[str, Any] = {"jwk": jwk(mine, "one"), "x5u": server.address, "x5c": ["MIIB"], "x5t": "abc"}
        assert service.refusal(signed(mine, claims(), **brought)) == "signature"
        assert service.verify(signed(KEY, claims(), **brought)).key_id == "one"
        assert server.asked == 0


def test_a_signature_that_is_not_the_clients() -> None:
    service = Service()
    token = signed(KEY, claims())
    head, _, signature = token.split(".")
    assert service.refusal(signed(ec_key("attacker"), claims())) == "signature"
    assert service.refusal(f"{head}.{encoded(claims(tenant='other'))}.{signature}") == "signature"
    for raw in (b"\x00" * 96, b"\xff" * 96, b"s" * 95, b"s" * 97, b"s", b"s" * 5000):  # zero: CVE-2022-21449
        assert service.refusal(f"{head}.{encoded(claims())}.{encoded(raw)}") == "signature"
    assert service.verify(token).issuer == ISSUER  # nothing of this used the token's id up


def test_the_tenants_of_a_client() -> None:
    def service() -> Service:
        return Service(TrustedClient(ISSUER, keys=(jwk(KEY, "one"),), tenants=frozenset({"north", "south"})))

    assert service().verify(signed(KEY, claims(tenant="south"))).tenant == "south"
    for tenant in ("west", "North", "", None, ["north"]):
        assert service().refusal(signed(KEY, claims(tenant=tenant))) == "tenant"
    assert Service().verify(signed(KEY, claims())).tenant == ""


def test_one_client_cannot_speak_for_another() -> None:
    other = ec_key("other client")
    with serving_keys(jwk(other, "one")) as server:
        service = Service(
            TrustedClient(ISSUER, keys=(jwk(KEY, "one"),)),
            TrustedClient("https://second.example", jwks_url=server.address),
        )
        assert service.refusal(signed(other, claims())) == "signature"
        assert service.refusal(signed(other, claims(), jku=server.address)) == "key-set-address"
        assert service.verify(signed(other, claims(iss="https://second.example"))).issuer == "https://second.example"


# Silence


def test_nothing_of_a_token_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serving_keys(jwk(KEY, "one")) as server:
        service = Service(TrustedClient(ISSUER, jwks_url=server.address))
        tokens = [
            signed(KEY, claims(jti="s3cret-jti", sub="s3cret-sub")),
            signed(ec_key("attacker"), claims(jti="s3cret-jti")),
            signed(KEY, claims(jti="s3cret-jti", aud="https://s3cret.example")),
            signed(KEY, claims(jti="s3cret-jti"), "s3cret-kid"),
            symmetric(b"s3cret", claims(jti="s3cret-jti")),
            "s3cret." + encoded("s3cret") + ".s3cret",
            "s3cret s3cret",
        ]
        service.verify(tokens[0])
        for token in tokens:
            with pytest.raises(Unauthenticated) as caught:
                asyncio.run(service.verifier.verify(f"Bearer {token}", ENDPOINT))
            told = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text
            parts = [part for part in token.split(".") if len(part) > 3] + ["s3cret"]
            assert not [part for part in parts if part in told]
            assert caught.value.__cause__ is None
            assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_no_key_is_shown_by_what_may_be_printed() -> None:
    assert jwk(KEY, "one")["x"] not in repr(TrustedClient(ISSUER, keys=(jwk(KEY, "one"),)))
