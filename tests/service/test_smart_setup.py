"""Which EHRs are asked, what their configuration may say, and registrations that are refused at the start."""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from authorization_server import App, serving
from keys import ec_key, pem, rsa_key, serving_keys
from launching import APPS, CALLBACK, SECRET, Browser, Site, an_ehr, pool, site

from calcipath.errors import InputError
from calcipath.service.addresses import Allowed
from calcipath.service.outgoing import Outgoing
from calcipath.service.smart_launch import Callback, LaunchRequest, SmartLauncher
from calcipath.service.smart_registration import SigningKey, SmartRegistration, public_key_set
from calcipath.service.smart_sessions import SmartSessions


@pytest.fixture(scope="module", autouse=True)
def servers() -> Iterator[None]:
    with pool():
        yield


# Issuers


def test_an_issuer_that_is_not_listed_is_not_asked() -> None:
    with site() as there, an_ehr() as other:
        port = there.ehr.url.rsplit(":", 1)[1]
        hostile = [
            other.fhir, there.ehr.url, there.ehr.fhir + "/x", there.ehr.fhir + "?x", there.ehr.fhir + "#x",
            f"http://127.0.0.1:{port}@evil.example/fhir", f"http://localhost:{port}/fhir", f"http://2130706433:{port}/fhir",
            f"http://[::ffff:127.0.0.1]:{port}/fhir", there.ehr.fhir + "/../fhir", "", "http://169.254.169.254/",
            "https://ehr.example.evil.com/fhir", there.ehr.fhir + "\n", there.ehr.fhir.replace("/fhir", "\\fhir"),
        ]  # fmt: skip
        for issuer in hostile:
            refused = there.refused_begin(LaunchRequest(issuer, "x"))
            assert (refused.reason, refused.status) == ("issuer-not-listed", 403)
        assert there.ehr.asked == other.asked == []


@pytest.mark.parametrize("launch", ["", "x" * 4097, "a\nb", "\x00"])
def test_a_launch_value_that_is_none(launch: str) -> None:
    with site() as there:
        assert there.refused_begin(LaunchRequest(there.ehr.fhir, launch)).reason == "launch-request"
        assert there.ehr.asked == []


def test_a_launch_value_cannot_add_parameters() -> None:
    with site() as there:
        redirect = asyncio.run(
            there.launcher.begin(LaunchRequest(there.ehr.fhir, "x&redirect_uri=https://evil.example#"))
        )
        assert redirect.location.count("redirect_uri=") == 1
        assert "#" not in redirect.location


# Discovery


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_a_login_on_another_origin_needs_the_sites_word(name: str) -> None:
    with an_ehr() as ehr, an_ehr() as other:
        ehr.faults.discovery = {name: f"{other.url}/anything"}
        refused = Site(ehr).refused_begin(LaunchRequest(ehr.fhir, "x"))
        assert (refused.reason, refused.status) == ("endpoint-not-trusted", 502)
        assert other.asked == []
        assert Site(ehr, authorization_servers=(other.url,)).begin(Browser()).location


def test_a_login_server_that_the_site_listed_works_to_the_end() -> None:
    """As large EHRs have it: the FHIR base on one host, the login on another."""
    with an_ehr() as login, an_ehr() as ehr:
        ehr.faults.discovery = {
            "authorization_endpoint": f"{login.url}/authorize",
            "token_endpoint": f"{login.url}/token",
            "jwks_uri": f"{login.url}/jwks",
            "issuer": login.url,
        }
        login.fhir_elsewhere = ehr.fhir
        there = Site(ehr, authorization_servers=(login.url + "/some/path",))
        browser = Browser()
        redirect = there.begin(browser, None)
        assert there.finish(browser, browser.log_in(redirect.location, patient="second")).session.patient == "second"
        assert ("POST", "/token") in login.asked
        assert ("POST", "/token") not in ehr.asked


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"authorization_endpoint": None}, "discovery"),
        ({"token_endpoint": None}, "discovery"),
        ({"token_endpoint": 5}, "endpoint-not-trusted"),
        ({"token_endpoint": "/token"}, "endpoint-not-trusted"),
        ({"token_endpoint": "http://evil@127.0.0.1/token"}, "endpoint-not-trusted"),
        ({"token_endpoint": "https://ehr.example/token"}, "endpoint-not-trusted"),
        ({"token_endpoint": "http://169.254.169.254/token"}, "endpoint-not-trusted"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "endpoint-not-trusted"),
        ({"code_challenge_methods_supported": None}, "pkce-not-supported"),
        ({"code_challenge_methods_supported": []}, "pkce-not-supported"),
        ({"code_challenge_methods_supported": ["plain"]}, "pkce-not-supported"),
        ({"code_challenge_methods_supported": "S256"}, "pkce-not-supported"),
    ],
)
def test_a_configuration_that_cannot_be_used(changes: dict[str, Any], reason: str) -> None:
    with site() as there:
        there.ehr.faults.discovery = changes
        assert there.refused_begin(LaunchRequest(there.ehr.fhir, "x")).reason == reason


def test_a_login_address_with_a_query_of_its_own() -> None:
    with site() as there:
        there.ehr.faults.discovery = {"authorization_endpoint": f"{there.ehr.url}/authorize?tenant=north"}
        assert there.begin(Browser()).location.startswith(f"{there.ehr.url}/authorize?tenant=north&response_type=code&")
        for name in ("redirect_uri", "client_id", "%73tate", "aud="):
            fresh = Site(there.ehr)
            there.ehr.faults.discovery = {"authorization_endpoint": f"{there.ehr.url}/authorize?{name}"}
            assert fresh.refused_begin(LaunchRequest(there.ehr.fhir, "x")).reason == "endpoint-not-trusted"


@pytest.mark.parametrize("status", [204, 301, 404, 500])
def test_a_configuration_that_is_not_there(status: int) -> None:
    with site() as there:
        there.ehr.faults.discovery_status = status
        assert there.refused_begin(LaunchRequest(there.ehr.fhir, "x")).reason == "discovery"


def test_an_ehr_that_is_not_there() -> None:
    with serving(*APPS) as ehr:
        pass
    assert Site(ehr).refused_begin(LaunchRequest(ehr.fhir, "x")).reason == "discovery"


def test_the_configuration_is_kept_and_a_failure_only_for_a_moment() -> None:
    with an_ehr() as ehr:
        there = Site(ehr)
        there.begin(Browser())
        there.begin(Browser())
        assert len(ehr.asked) == 1
        ehr.asked.clear()
        there, ehr.faults.discovery_status = Site(ehr), 500
        now = there.clock
        there.launcher._discovery._clock = now
        for _ in range(3):
            there.refused_begin(LaunchRequest(ehr.fhir, "x"))
        assert len(ehr.asked) == 1
        ehr.faults.discovery_status = 200
        now.now += 6
        assert there.begin(Browser()).location
        now.now += 301
        there.begin(Browser())
        assert len(ehr.asked) == 3


def test_a_configuration_that_is_too_large() -> None:
    with serving_keys() as server:
        server.body = b'{"a": "' + b"x" * 300_000 + b'"}'
        base = server.address.removesuffix("/keys")
        launcher = SmartLauncher(
            [SmartRegistration(base, "a")], Allowed(issuers=[base]), CALLBACK, SmartSessions(secure=False), Outgoing()
        )
        with pytest.raises(Exception, match="could not be read"):
            asyncio.run(launcher.begin(LaunchRequest(base, "x")))


# Registrations


def launcher(
    *registrations: SmartRegistration, redirect: str = CALLBACK, issuers: tuple[str, ...] = ("https://a.example/f",)
) -> None:
    SmartLauncher(registrations, Allowed(issuers=issuers), redirect, SmartSessions(secure=False), Outgoing())


def test_registrations_that_are_refused_at_the_start() -> None:
    good = SmartRegistration("https://a.example/f", "app")
    launcher(good)
    with pytest.raises(InputError):
        launcher(good, SmartRegistration("https://A.example:443/f/", "app"))
    with pytest.raises(InputError):
        launcher(SmartRegistration("https://b.example/f", "app"))
    with pytest.raises(InputError):
        launcher(good, redirect="http://cds.example/smart/callback")
    with pytest.raises(InputError):
        launcher(SmartRegistration("https://a.example/f", "app", authorization_servers=("http://login.example",)))
    with pytest.raises(InputError):
        SmartRegistration("https://a.example/f", "")
    with pytest.raises(InputError):
        SmartRegistration("https://a.example/f", "app", "secret", SigningKey(pem(ec_key("app")), "k"))


@pytest.mark.parametrize(
    ("text", "key_id", "algorithm"),
    [
        ("no key", "k", "ES384"),
        (pem(ec_key("small", "P-256")), "k", "ES384"),
        (pem(ec_key("app")), "k", "RS384"),
        (pem(rsa_key("app")), "k", "ES384"),
        (pem(rsa_key("weak", 1024)), "k", "RS384"),
        (pem(ec_key("app")), "k", "ES256"),
        (pem(ec_key("app")), "", "ES384"),
    ],
)
def test_a_signing_key_that_does_not_fit(text: str, key_id: str, algorithm: str) -> None:
    with pytest.raises(InputError) as caught:
        SigningKey(text, key_id, algorithm)
    assert text not in str(caught.value)


def test_the_public_keys_of_the_app_hold_no_private_part() -> None:
    key = SigningKey(pem(ec_key("app")), "k")
    registration = SmartRegistration("https://a.example/f", "app", signing_key=key)
    published = public_key_set([registration, registration, SmartRegistration("https://b.example/f", "app")])
    assert [each["kid"] for each in published["keys"]] == ["k"]
    assert "d" not in published["keys"][0]
    assertion = registration.proof("https://a.example/token", 1_800_000_000)[0]["client_assertion"]
    options: Any = {"verify_exp": False, "verify_iat": False}
    jwt.decode(assertion, jwt.PyJWK(published["keys"][0]), ["ES384"], options, audience="https://a.example/token")
    assert key.pem not in repr(registration)
    assert App("a", "b").secret == ""


# Silence


def test_nothing_that_came_in_or_is_secret_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with site("with-secret") as there:
        browser = Browser()
        redirect = there.begin(browser)
        callback = browser.log_in(redirect.location)
        caplog.clear()  # the log of this test's own browser
        there.ehr.faults.token = {"access_token": "s3cret token <script>", "patient": None, "error": "s3cret"}
        refusals = [
            there.refused_finish(callback),
            there.refused_finish(replace(callback, state="s3cret<script>")),
            there.refused_begin(LaunchRequest("https://s3cret.example/<script>", "s3cret")),
            there.refused_begin(LaunchRequest(there.ehr.fhir, "")),
            there.refused_finish(Callback(error="s3cret<script>")),
        ]
        verifier = there.ehr.forms[0]["code_verifier"]
        for refused in refusals:
            told = caplog.text + str(refused) + repr(refused)
            told += "".join(traceback.format_exception(refused)).replace(SECRET, "")
            for word in ("s3cret", "<script", callback.code, callback.state, verifier, SECRET):
                assert word not in told
            assert refused.__suppress_context__ or refused.__context__ is None
        assert SECRET not in repr(there.registration) + repr(redirect) + repr(callback)
        assert callback.code not in repr(callback)
