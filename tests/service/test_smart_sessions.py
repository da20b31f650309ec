"""Open sessions: cookies, tabs, users, ends and bounds; and how much the granted scopes let be read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from launching import Browser, Clock, pool, site

from calcipath.service.smart_sessions import Access, PendingLaunch, SmartSession, SmartSessions

SESSION = SmartSession(
    "https://a.example/f", "https://a.example/f", "p", "token", fhir_user="Practitioner/1", expires=400.0
)
PENDING = PendingLaunch("https://a.example/f", "https://a.example/token", "verifier", "nonce")


@pytest.fixture(scope="module", autouse=True)
def servers() -> Iterator[None]:
    with pool():
        yield


def test_a_session_ends_with_its_token() -> None:
    with site() as there:
        browser = Browser()
        arrival = there.open(browser)
        session = arrival.session
        assert session.expires == there.clock.now + 900
        assert arrival.cookies[-1].seconds == 900
        there.clock.now += 899
        assert there.sessions.find(browser.cookies, session.handle) == session
        there.clock.now += 1
        assert there.sessions.find(browser.cookies, session.handle) is None


def test_a_session_never_outlives_the_hour() -> None:
    with site() as there:
        there.ehr.faults.token = {"expires_in": 86_400}
        assert there.open(Browser()).session.expires == there.clock.now + 3600


def test_the_session_value_is_new_after_each_login() -> None:
    """Session fixation: whatever the browser sent before is worth nothing afterwards."""
    with site() as there:
        browser = Browser({"calcipath-session": "planted"})
        first = there.open(browser).session
        value = browser.cookies["calcipath-session"]
        assert value != "planted"
        assert len(value) >= 40
        assert there.sessions.find({"calcipath-session": "planted"}, first.handle) is None
        second = there.open(browser).session
        assert browser.cookies["calcipath-session"] != value
        assert there.sessions.find({"calcipath-session": value}, first.handle) is None
        assert there.sessions.find(browser.cookies, second.handle) == second


def test_two_tabs_have_two_patients_and_never_swap_them() -> None:
    with site() as there:
        browser = Browser()
        redirects = [there.begin(browser, patient) for patient in ("first", "second")]
        assert len(browser.cookies) == 2
        arrivals = [there.finish(browser, browser.log_in(each.location)) for each in redirects]
        found = [there.sessions.find(browser.cookies, each.session.handle) for each in arrivals]
        assert [each.patient for each in found if each] == ["first", "second"]


def test_a_tab_ends_with_its_own_token_while_another_lives_on() -> None:
    with site() as there:
        browser = Browser()
        there.ehr.faults.token = {"expires_in": 60}
        short = there.open(browser).session
        there.ehr.faults.token = {}
        long = there.open(browser).session
        there.clock.now += 61
        assert there.sessions.find(browser.cookies, short.handle) is None
        assert there.sessions.find(browser.cookies, long.handle) == long


def test_another_user_at_the_same_browser_ends_the_first_ones_sessions() -> None:
    with site() as there:
        browser = Browser()
        first = there.open(browser).session
        there.ehr.user = "Practitioner/wilson"
        second = there.open(browser).session
        assert there.sessions.find(browser.cookies, first.handle) is None
        assert there.sessions.find(browser.cookies, second.handle) == second
        there.ehr.faults.token = {"id_token": None}  # a user who is not named is nobody's other tab
        third = there.open(browser).session
        fourth = there.open(browser).session
        assert [there.sessions.find(browser.cookies, each.handle) for each in (second, third, fourth)] == [
            None,
            None,
            fourth,
        ]


def test_a_handle_without_its_browser_is_worth_nothing() -> None:
    with site() as there:
        browser, other = Browser(), Browser()
        session = there.open(browser).session
        there.open(other)
        for cookies in ({}, other.cookies, {"calcipath-session": ""}, {"calcipath-session": session.handle}):
            assert there.sessions.find(cookies, session.handle) is None
        assert there.sessions.find(browser.cookies, "other") is None


def test_a_session_can_be_ended() -> None:
    with site() as there:
        browser = Browser()
        session = there.open(browser).session
        cookies = dict(browser.cookies)
        browser.keep(there.sessions.end(browser.cookies))
        assert browser.cookies == {}
        assert there.sessions.find(cookies, session.handle) is None
        there.sessions.end({})


def test_the_cookies_behind_https_are_bound_to_the_host() -> None:
    sessions = SmartSessions(secure=True, clock=Clock())
    state, launch = sessions.begin(PENDING)
    _, opened = sessions.open(SESSION, {})
    assert launch.name.startswith("__Host-calcipath-launch-")
    assert state not in launch.name + launch.value
    assert (
        opened.header()
        == f"__Host-calcipath-session={opened.value}; Max-Age=300; Path=/; HttpOnly; SameSite=Lax; Secure"
    )
    assert sessions.end({}).header().startswith("__Host-calcipath-session=; Max-Age=0; Path=/;")
    assert opened.value not in repr(opened)


def test_the_memory_is_bounded_and_the_oldest_go_first() -> None:
    clock = Clock()
    sessions = SmartSessions(secure=False, most=10, most_of_browser=3, clock=clock)
    begun = [sessions.begin(PENDING) for _ in range(30)]
    taken = [sessions.take(state, {cookie.name: cookie.value}) for state, cookie in begun]
    assert [each is not None for each in taken] == [False] * 20 + [True] * 10
    opened = [sessions.open(SESSION, {}) for _ in range(30)]
    found = [sessions.find({cookie.name: cookie.value}, session.handle) for session, cookie in opened]
    assert [each is not None for each in found] == [False] * 20 + [True] * 10
    cookies: dict[str, str] = {}
    tabs = []
    for _ in range(5):
        session, cookie = sessions.open(SESSION, cookies)
        cookies = {cookie.name: cookie.value}
        tabs.append(session.handle)
    assert [sessions.find(cookies, handle) is not None for handle in tabs] == [False] * 2 + [True] * 3


def test_ended_ones_make_room_before_living_ones() -> None:
    clock = Clock()
    sessions = SmartSessions(secure=False, most=3, clock=clock)
    lasting = sessions.open(replace(SESSION, expires=10_000.0), {})
    for _ in range(2):
        sessions.open(replace(SESSION, expires=150.0), {})
    clock.now = 200.0
    sessions.open(SESSION, {})
    assert sessions.find({lasting[1].name: lasting[1].value}, lasting[0].handle) is not None


@pytest.mark.parametrize(
    ("scopes", "access"),
    [
        ("patient/*.rs", "whole"),
        ("patient/Observation.rs", "whole"),
        ("patient/Observation.cruds", "whole"),
        ("patient/Observation.read", "whole"),
        ("patient/*.*", "whole"),
        ("user/Observation.rs", "whole"),
        ("launch patient/Condition.rs patient/Observation.rs", "whole"),
        ("patient/Observation.rs?category=laboratory", "part"),
        ("patient/Observation.rs?category=laboratory patient/Observation.rs", "whole"),
        ("patient/Observation.r", "none"),
        ("patient/Observation.s", "none"),
        ("patient/Observation.write", "none"),
        ("patient/Observation.cud", "none"),
        ("patient/Condition.rs", "none"),
        ("system/Observation.rs", "none"),
        ("patient/Observation", "none"),
        ("patient/Observations.rs", "none"),
        ("openid fhirUser launch", "none"),
        ("", "none"),
    ],
)
def test_how_much_the_scopes_let_be_read(scopes: str, access: Access) -> None:
    assert replace(SESSION, scopes=frozenset(scopes.split())).access_to("Observation") == access
