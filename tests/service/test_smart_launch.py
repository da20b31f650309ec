"""SMART App Launch against a real authorisation server: every kind of client, and every way in which it must fail."""

from __future__ import annotations

import asyncio
import html
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from authorization_server import pkce
from keys import ec_key, pem, rsa_key
from launching import CALLBACK, Browser, Site, an_ehr, pool, query, site, without

from calcipath.service.addresses import Allowed
from calcipath.service.outgoing import Outgoing
from calcipath.service.smart_launch import LaunchRequest, SmartLauncher
from calcipath.service.smart_registration import (
    SigningKey,
)

RS = SigningKey(pem(rsa_key("app")), "app-rs", "RS384")


@pytest.fixture(scope="module", autouse=True)
def servers() -> Iterator[None]:
    with pool():
        yield


# The good way


@pytest.mark.parametrize(
    ("client", "registration"),
    [("public", {}), ("with-secret", {}), ("with-key", {}), ("with-key", {"signing_key": RS})],
)
def test_a_launch_from_the_ehr_opens_the_patient_in_context(client: str, registration: dict[str, Any]) -> None:
    with site(client, **registration) as there:
        browser = Browser()
        session = there.open(browser, "second").session
        assert (session.patient, session.encounter) == ("second", "visit-of-second")
        assert (session.issuer, session.fhir_server) == (there.ehr.fhir, there.ehr.fhir)
        assert session.fhir_user == "Practitioner/house"
        assert session.need_patient_banner is False
        assert session.fhir_context == ({"reference": "ServiceRequest/1", "role": "launch"},)
        assert session.scopes == {"launch", "openid", "fhirUser", "patient/*.rs"}
        assert session.access_to("Observation") == "whole"
        assert there.sessions.find(browser.cookies, session.handle) == session
        assert list(browser.cookies) == ["calcipath-session"]
        answer = httpx.get(
            f"{session.fhir_server}/Patient/second",
            headers={"Authorization": f"Bearer {session.access_token}"},
            trust_env=False,
        )
        assert answer.json()["id"] == "second"
        assert session.access_token not in repr(session) + repr(browser.cookies)


def test_a_standalone_launch_lets_the_user_choose_the_patient() -> None:
    with site() as there:
        session = there.open(Browser(), None, "second").session
        assert session.patient == "second"
        assert "launch/patient" in session.scopes


def test_the_link_on_the_ehrs_page_opens_its_patient() -> None:
    with site() as there:
        there.ehr.app_address = "http://127.0.0.1:8080/smart/launch"
        text = httpx.get(f"{there.ehr.url}/ehr", trust_env=False).text
        links = re.findall(r'<a href="([^"]+)">Open calcipath for ([^<]+)<', text)
        assert [name for _, name in links] == ["Ada Example", "Bo Sample"]
        assert links[1][0].startswith("http://127.0.0.1:8080/smart/launch?")
        came = query(html.unescape(links[1][0]))
        browser = Browser()
        redirect = asyncio.run(there.launcher.begin(LaunchRequest(came["iss"], came["launch"])))
        browser.keep(*redirect.cookies)
        assert there.finish(browser, browser.log_in(redirect.location)).session.patient == "second"


def test_what_is_asked_of_the_ehr() -> None:
    with site(scopes="launch openid fhirUser patient/Observation.rs") as there:
        browser = Browser()
        redirect = there.begin(browser)
        asked = query(redirect.location)
        assert redirect.location.startswith(f"{there.ehr.url}/authorize?")
        assert {name: asked[name] for name in ("response_type", "client_id", "redirect_uri", "scope", "aud")} == {
            "response_type": "code",
            "client_id": "public",
            "redirect_uri": CALLBACK,
            "scope": "launch openid fhirUser patient/Observation.rs",
            "aud": there.ehr.fhir,
        }
        assert asked["code_challenge_method"] == "S256"
        others = [query(there.begin(Browser()).location) for _ in range(20)]
        for name in ("state", "nonce", "code_challenge"):
            assert len({each[name] for each in [asked, *others]}) == 21
            assert all(len(each[name]) >= 32 for each in others)
        there.finish(browser, browser.log_in(redirect.location))
        form = there.ehr.forms[0]
        assert pkce(form["code_verifier"]) == asked["code_challenge"]
        assert len(form["code_verifier"]) >= 43
        assert form["redirect_uri"] == CALLBACK


def test_the_assertion_of_a_client_with_a_key() -> None:
    with site("with-key") as there:
        there.open(Browser())
        there.open(Browser())
        texts = [form["client_assertion"] for form in there.ehr.forms]
        header = jwt.get_unverified_header(texts[0])
        assert (header["alg"], header["kid"], header["typ"]) == ("ES384", "app-es", "JWT")
        found = [jwt.decode(text, options={"verify_signature": False}) for text in texts]
        assert found[0]["iss"] == found[0]["sub"] == "with-key"
        assert found[0]["aud"] == f"{there.ehr.url}/token"
        assert found[0]["exp"] - time.time() <= 300
        assert found[0]["jti"] != found[1]["jti"]


def test_the_issuer_is_sent_as_the_site_wrote_it_and_found_in_any_spelling() -> None:
    with an_ehr() as ehr:
        there = Site(ehr)
        registration = replace(there.registration, issuer=ehr.fhir + "/")
        launcher = SmartLauncher([registration], Allowed(issuers=[ehr.fhir]), CALLBACK, there.sessions, Outgoing())
        given = ehr.fhir.replace("http", "HTTP")
        assert query(asyncio.run(launcher.begin(LaunchRequest(given, "x"))).location)["aud"] == ehr.fhir + "/"


# The strictness of the server, so that the tests above mean something


@pytest.mark.parametrize(
    ("names", "changes"),
    [
        (("code_challenge",), {}),
        (("code_challenge_method",), {}),
        ((), {"code_challenge_method": "plain"}),
        (("state",), {}),
        (("aud",), {}),
        ((), {"aud": "https://evil.example/fhir"}),
        ((), {"launch": "unknown"}),
    ],
)
def test_the_server_refuses_a_login_without_its_protection(names: tuple[str, ...], changes: dict[str, str]) -> None:
    with site() as there:
        browser = Browser()
        callback = browser.log_in(without(there.begin(browser).location, *names, **changes))
        assert (callback.error, callback.code) == ("invalid_request", "")


def test_the_server_refuses_another_challenge_and_the_launcher_says_so() -> None:
    with site() as there:
        browser = Browser()
        callback = browser.log_in(without(there.begin(browser).location, code_challenge=pkce("x" * 50)))
        assert there.refused_finish(callback).reason == "token"


@pytest.mark.parametrize(
    ("client", "registration"),
    [
        ("with-secret", {"secret": "wrong"}),
        ("with-secret", {"secret": ""}),
        ("with-key", {"signing_key": SigningKey(pem(ec_key("other")), "app-es")}),
        ("with-key", {"signing_key": SigningKey(pem(ec_key("app")), "unknown")}),
        ("with-key", {"signing_key": None}),
    ],
)
def test_the_server_refuses_a_client_that_cannot_prove_itself(client: str, registration: dict[str, Any]) -> None:
    with site(client, **registration) as there:
        browser = Browser()
        assert there.refused_finish(browser.log_in(there.begin(browser).location)).reason == "token"


# State


def test_a_state_is_good_once() -> None:
    with site() as there:
        browser = Browser()
        callback = browser.log_in(there.begin(browser).location)
        there.finish(browser, callback)
        assert there.refused_finish(callback).reason == "state"
        assert there.refused_finish(replace(callback, cookies=browser.cookies)).reason == "state"
        assert len(there.ehr.forms) == 1


def test_a_state_is_used_up_by_a_login_that_fails() -> None:
    with site() as there:
        browser = Browser()
        callback = browser.log_in(there.begin(browser).location)
        there.ehr.faults.token_status = 500
        assert there.refused_finish(callback).reason == "token"
        there.ehr.faults.token_status = 200
        assert there.refused_finish(callback).reason == "state"


@pytest.mark.parametrize("state", ["", "wrong", "x" * 43, "é" * 43, "x" * 100_000, "\x00", "\udc80"])
def test_a_state_that_is_not_ours(state: str) -> None:
    with site() as there:
        browser = Browser()
        callback = browser.log_in(there.begin(browser).location)
        assert there.refused_finish(replace(callback, state=state)).reason == "state"
        assert there.ehr.forms == []


def test_a_state_of_another_browser_is_refused_and_stays_good_for_its_own() -> None:
    """Login CSRF: an attacker's code and state in the victim's browser open nothing."""
    with site() as there:
        attacker, victim = Browser(), Browser()
        callback = attacker.log_in(there.begin(attacker).location)
        there.begin(victim)
        assert there.refused_finish(replace(callback, cookies=victim.cookies)).reason == "state"
        renamed = dict(zip(attacker.cookies, victim.cookies.values(), strict=True))
        for cookies in ({}, renamed, dict.fromkeys(attacker.cookies, "")):
            assert there.refused_finish(replace(callback, cookies=cookies)).reason == "state"
        assert there.ehr.forms == []
        assert there.finish(attacker, callback).session.patient == "first"


def test_a_login_that_takes_too_long() -> None:
    with site() as there:
        browser = Browser()
        callback = browser.log_in(there.begin(browser).location)
        there.clock.now += 601
        assert there.refused_finish(callback).reason == "state"


def test_many_logins_at_once_with_one_state_open_one_session() -> None:
    with site() as there:
        browser = Browser()
        callback = browser.log_in(there.begin(browser).location)

        async def together() -> list[Any]:
            return await asyncio.gather(*[there.launcher.finish(callback) for _ in range(10)], return_exceptions=True)

        found = asyncio.run(together())
        assert sorted(getattr(each, "reason", "open") for each in found) == ["open"] + ["state"] * 9


# What the EHR answers


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"patient": None}, "patient"),
        ({"patient": ""}, "patient"),
        ({"patient": 5}, "patient"),
        ({"patient": "../Practitioner/1"}, "patient"),
        ({"patient": "a?b"}, "patient"),
        ({"patient": "x" * 65}, "patient"),
        ({"access_token": None}, "token"),
        ({"access_token": ""}, "token"),
        ({"access_token": "a b"}, "token"),
        ({"access_token": "a\r\nX-Evil: 1"}, "token"),
        ({"access_token": ["a"]}, "token"),
        ({"token_type": None}, "token"),
        ({"token_type": "mac"}, "token"),
        ({"expires_in": 0}, "token"),
        ({"expires_in": -1}, "token"),
        ({"expires_in": "900"}, "token"),
        ({"expires_in": True}, "token"),
        ({"scope": ["patient/*.rs"]}, "token"),
    ],
)
def test_a_token_answer_that_cannot_be_used(changes: dict[str, Any], reason: str) -> None:
    with site() as there:
        browser = Browser()
        there.ehr.faults.token = changes
        assert there.refused_finish(browser.log_in(there.begin(browser).location)).reason == reason
        assert len(there.sessions._browsers) == 0


def test_a_token_answer_with_the_least_that_is_needed() -> None:
    with site() as there:
        optional = ("encounter", "need_patient_banner", "id_token", "fhirContext", "expires_in", "scope")
        there.ehr.faults.token = {**dict.fromkeys(optional), "token_type": "bearer"}
        session = there.open(Browser()).session
        assert (session.encounter, session.fhir_user, session.fhir_context) == ("", "", ())
        assert session.need_patient_banner is True
        assert "patient/*.rs" in session.scopes  # left out means what was asked
        assert session.expires == there.clock.now + 300


@pytest.mark.parametrize("given", ["text", {"reference": "a"}, [5, None, [], {}, {"reference": 5}], [{"other": "x"}]])
def test_a_context_that_is_none(given: Any) -> None:
    with site() as there:
        there.ehr.faults.token = {"fhirContext": given, "encounter": "../../x"}
        session = there.open(Browser()).session
        assert (session.fhir_context, session.encounter) == ((), "")


def test_a_context_of_plain_references_as_in_smart_2_0() -> None:
    with site() as there:
        there.ehr.faults.token = {"fhirContext": ["ImagingStudy/1"] * 60}
        assert there.open(Browser()).session.fhir_context == ({"reference": "ImagingStudy/1"},) * 50


@pytest.mark.parametrize("status", [302, 400, 401, 403, 500, 503])
def test_a_token_address_that_fails(status: int) -> None:
    with site() as there:
        browser = Browser()
        there.ehr.faults.token_status = status
        assert there.refused_finish(browser.log_in(there.begin(browser).location)).reason == "token"


def test_the_user_may_say_no() -> None:
    with site() as there:
        browser = Browser()
        refused = there.refused_finish(browser.log_in(there.begin(browser).location, "deny"))
        assert (refused.reason, refused.status) == ("refused-by-ehr", 403)
        assert there.ehr.forms == []


@pytest.mark.parametrize("code", ["", "a b", "é", "a\r\nb", "x" * 20_000])
def test_a_callback_without_a_proper_code(code: str) -> None:
    with site() as there:
        browser = Browser()
        callback = browser.log_in(there.begin(browser).location)
        assert there.refused_finish(replace(callback, code=code)).reason == "callback"
        assert there.ehr.forms == []


def test_an_answer_of_another_authorisation_server_is_refused() -> None:
    """The mix-up attack (RFC 9207)."""
    with site() as there:
        browser = Browser()
        there.ehr.faults.callback = {"iss": "https://evil.example"}
        assert there.refused_finish(browser.log_in(there.begin(browser).location)).reason == "callback-issuer"
        there.ehr.faults.callback = {"iss": ""}  # an older server says nothing
        assert there.open(browser).session.patient == "first"


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": "other"},
        {"nonce": None},
        {"iss": "https://evil.example"},
        {"aud": "another-app"},
        {"aud": ["public", "another-app"]},
        {"aud": ["public", "another-app"], "azp": "another-app"},
        {"exp": 1000, "iat": 900},
        {"exp": None},
        {"iat": time.time() + 3600, "exp": time.time() + 7200},
        {"fhirUser": 5},
        {"fhirUser": "x\r\ny"},
    ],
)
def test_an_id_token_that_is_not_to_be_believed(changes: dict[str, Any]) -> None:
    with site() as there:
        browser = Browser()
        there.ehr.faults.id_token = changes
        assert there.refused_finish(browser.log_in(there.begin(browser).location)).reason == "identity"


def test_an_id_token_of_another_key_or_shape() -> None:
    with site() as there:
        browser = Browser()
        there.ehr.faults.signer = "attacker"
        assert there.refused_finish(browser.log_in(there.begin(browser).location)).reason == "identity"
        there.ehr.faults.signer = "ehr"
        for text in (5, "", "a.b.c", "x" * 100_000):
            there.ehr.faults.token = {"id_token": text}
            assert there.refused_finish(browser.log_in(there.begin(browser).location)).reason == "identity"
        there.ehr.faults.token = {}
        there.ehr.faults.id_token = {"aud": ["public", "another-app"], "azp": "public", "fhirUser": None}
        assert there.open(browser).session.fhir_user == ""
