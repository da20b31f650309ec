"""Sessions: how they begin, when they end, and that a stolen table is of no use."""

from __future__ import annotations

import hashlib

import pytest
from register_examples import NOON, ON_SQLITE, PASSWORD, Clock, People, acts
from store_examples import run_sql

from calcipath.register.refusals import NotAllowed
from calcipath.register.register import Register

MINUTE, HOUR = 60.0, 3600.0


def test_each_login_has_a_token_of_its_own(register: Register, people: People) -> None:
    first, second = register.sessions.begin(people.ada), register.sessions.begin(people.ada)
    assert first != second and len(first) >= 43  # 256 bits
    found = [register.sessions.find(token) for token in (first, second)]
    assert all(each is not None and each.account == people.ada for each in found)
    assert found[0] is not None and found[1] is not None and found[0].csrf != found[1].csrf
    assert found[0].expires == NOON + 12 * HOUR


@ON_SQLITE
def test_only_the_digest_is_kept(register: Register, people: People, url: str) -> None:
    token = register.sessions.begin(people.ada)
    rows = run_sql(url, "SELECT * FROM register_session")
    assert token not in str(rows)
    assert rows[0][0] == hashlib.sha256(token.encode()).hexdigest()
    assert register.sessions.find(rows[0][0]) is None


@pytest.mark.parametrize("token", ["", "x", "x" * 4000, "\0", "\ud800"])
def test_a_token_that_is_none(small: Register, token: str) -> None:
    assert small.sessions.find(token) is None
    small.sessions.end(token)


@ON_SQLITE
def test_an_idle_session_ends(register: Register, people: People, clock: Clock) -> None:
    token = register.sessions.begin(people.ada)
    for _ in range(4):
        clock.now += 29 * MINUTE
        assert register.sessions.find(token) is not None
    clock.now += 30 * MINUTE
    assert register.sessions.find(token) is None


@ON_SQLITE
def test_no_session_lasts_longer_than_twelve_hours(register: Register, people: People, clock: Clock) -> None:
    token = register.sessions.begin(people.ada)
    while clock.now < NOON + 12 * HOUR - 20 * MINUTE:
        clock.now += 20 * MINUTE
        assert register.sessions.find(token) is not None
    clock.now = NOON + 12 * HOUR
    assert register.sessions.find(token) is None


def test_sessions_that_ended_are_swept(register: Register, people: People, clock: Clock, url: str) -> None:
    register.sessions.begin(people.ada)
    clock.now += 31 * MINUTE
    register.sessions.begin(people.ada)
    assert run_sql(url, "SELECT count(*) FROM register_session") == [(1,)]


def test_logging_out(register: Register, people: People, url: str) -> None:
    token, other = register.sessions.begin(people.ada), register.sessions.begin(people.ada)
    register.sessions.end(token)
    register.sessions.end(token)
    assert register.sessions.find(token) is None and register.sessions.find(other) is not None
    assert register.sessions.end_all(people.ada) == 1
    assert register.sessions.find(other) is None
    assert [action for _, action, _ in acts(url)][-4:] == [
        "session-begun",
        "session-begun",
        "session-ended",
        "sessions-ended",
    ]


def test_what_changes_an_account_ends_its_sessions(register: Register, people: People) -> None:
    for change in (
        lambda: register.accounts.set_password(people.ada, "Ada", PASSWORD),
        lambda: register.accounts.set_role(people.local, "Ada", "reader"),
        lambda: register.accounts.disable(people.local, "Ada"),
    ):
        token, other = register.sessions.begin(people.ada), register.sessions.begin(people.ben)
        change()
        assert register.sessions.find(token) is None
        assert register.sessions.find(other) is not None
    with pytest.raises(NotAllowed):
        register.sessions.begin(people.ada)


def test_the_token_of_forms(small: Register) -> None:
    session = small.sessions.find(small.sessions.begin(small.local_account()))
    other = small.sessions.find(small.sessions.begin(small.local_account()))
    assert session is not None and other is not None
    assert session.agrees(session.csrf)
    for wrong in ("", session.csrf[:-1], other.csrf, "\ud800", "ä"):
        assert not session.agrees(wrong)
