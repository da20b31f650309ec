"""Accounts: names, passwords, roles, and what guessing costs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from argon2 import PasswordHasher
from register_examples import NOON, ON_SQLITE, PASSWORD, QUICK, Clock, People, acts, opened
from store_examples import run_sql

from calcipath.errors import InputError
from calcipath.register.passwords import Passwords
from calcipath.register.refusals import NotAllowed, TooManyAttempts
from calcipath.register.register import Register
from calcipath.store.store import Store, open_store
from calcipath.store.verification import verify


def test_who_has_the_password_is_let_in(register: Register, people: People) -> None:
    assert register.accounts.authenticate("Ada", PASSWORD) == people.ada
    assert register.accounts.authenticate("aDA", PASSWORD) == people.ada
    assert register.accounts.authenticate("Ada", PASSWORD + "!") is None
    assert register.accounts.authenticate("nobody", PASSWORD) is None
    assert register.accounts.authenticate("Ada\0", PASSWORD) is None
    assert register.accounts.authenticate("\ud800", "\ud800") is None
    assert (people.ada.role, people.ada.created) == ("clinician", NOON)


@ON_SQLITE
def test_the_same_characters_typed_in_another_way(register: Register, people: People) -> None:
    register.accounts.create(people.local, "Zoë", "pâte à choux, encore", "reader")
    assert register.accounts.authenticate("ZOE\u0308", "pa\u0302te a\u0300 choux, encore") is not None


def test_the_account_of_this_machine_has_no_password(register: Register, people: People, url: str) -> None:
    assert register.local_account() == people.local
    assert people.local.administers
    for guess in ("", "local", PASSWORD):
        assert register.accounts.authenticate("local", guess) is None
    for change in (
        lambda: register.accounts.set_password(people.local, "local", PASSWORD),
        lambda: register.accounts.disable(people.local, "LOCAL"),
        lambda: register.accounts.set_role(people.local, "local", "reader"),
    ):
        with pytest.raises(InputError, match="stays as it is"):
            change()
    assert run_sql(url, "SELECT password FROM register_account WHERE name = 'local'") == [(None,)]


def test_nobody_can_take_the_name_of_this_machines_account(small: Register) -> None:
    admin = small.local_account()
    with pytest.raises(InputError, match="taken"):
        small.accounts.create(admin, "LOCAL", PASSWORD, "reader")


def test_names_are_unique_in_capitals_or_not(register: Register, people: People) -> None:
    with pytest.raises(InputError, match="the name ADA is taken"):
        register.accounts.create(people.local, "ADA", PASSWORD, "reader")
    assert [account.name for account in register.accounts.all()] == ["Ada", "Ben", "local", "Rita"]
    found = register.accounts.find("rita")
    assert found == people.rita and register.accounts.find("nobody") is None


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 65, "a\0b"])
def test_a_name_that_is_none(small: Register, name: str) -> None:
    with pytest.raises(InputError, match="a name has 1 to 64 printable characters"):
        small.accounts.create(small.local_account(), name, PASSWORD, "reader")


@pytest.mark.parametrize(
    ("password", "said"),
    [("elevenchars", "at least 12"), ("x" * 1025, "at most 1024 bytes"), ("é" * 513, "at most 1024 bytes"), ("", "12")],
)
def test_a_password_that_may_not_be_chosen(small: Register, password: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        small.accounts.create(small.local_account(), "Ada", password, "reader")
    assert not password or password not in str(refused.value)


@pytest.mark.parametrize("password", ["twelve chars", "x" * 1024, "aaaaaaaaaaaa"])
def test_a_password_that_may(small: Register, password: str) -> None:
    made = small.accounts.create(small.local_account(), "Ada", password, "reader")
    assert small.accounts.authenticate("ada", password) == made


def test_a_role_that_is_none(small: Register) -> None:
    wrong: str = "root"
    with pytest.raises(InputError, match="reader, clinician, administrator"):
        small.accounts.create(small.local_account(), "Ada", PASSWORD, wrong)  # type: ignore[arg-type]


@ON_SQLITE
def test_only_an_administrator_manages_accounts(register: Register, people: People) -> None:
    for change in (
        lambda: register.accounts.create(people.ada, "Eve", PASSWORD, "administrator"),
        lambda: register.accounts.set_role(people.ada, "Ada", "administrator"),
        lambda: register.accounts.set_password(people.ada, "Ben", PASSWORD),
        lambda: register.accounts.disable(people.ada, "Ben"),
    ):
        with pytest.raises(NotAllowed):
            change()
    assert register.accounts.find("Ben") == people.ben and register.accounts.find("Eve") is None


@ON_SQLITE
def test_an_administrator_who_is_one_no_more(register: Register, people: People) -> None:
    """The account in hand may be old: the table decides."""
    olga = register.accounts.create(people.local, "Olga", PASSWORD, "administrator")
    register.accounts.set_role(people.local, "Olga", "reader")
    with pytest.raises(NotAllowed):
        register.accounts.disable(olga, "Ben")


@ON_SQLITE
def test_the_own_password_may_be_changed(register: Register, people: People) -> None:
    register.accounts.set_password(people.ada, "ada", "another long password")
    assert register.accounts.authenticate("Ada", PASSWORD) is None
    assert register.accounts.authenticate("Ada", "another long password") == people.ada


def test_who_is_disabled_is_not_let_in(register: Register, people: People) -> None:
    register.accounts.disable(people.local, "Ada")
    assert register.accounts.authenticate("Ada", PASSWORD) is None
    with pytest.raises(NotAllowed):
        register.cases.create(people.ada, "a case")
    register.accounts.disable(people.local, "Ada", disabled=False)
    assert register.accounts.authenticate("Ada", PASSWORD) == people.ada


@pytest.mark.parametrize("name", ["Ada", "nobody"])
def test_guesses_must_wait_longer_and_longer(register: Register, people: People, clock: Clock, name: str) -> None:
    """Five are free; then 30 s, 60 s, 120 s, whether somebody has the name or not."""
    for _ in range(5):
        assert register.accounts.authenticate(name, "wrong password") is None
    for wait in (30.0, 60.0, 120.0):
        with pytest.raises(TooManyAttempts) as early:
            register.accounts.authenticate(name.upper(), PASSWORD)
        assert early.value.seconds == pytest.approx(wait)
        clock.now += wait - 0.001
        with pytest.raises(TooManyAttempts):
            register.accounts.authenticate(name, PASSWORD)
        clock.now += 0.001
        assert register.accounts.authenticate(name, "wrong password") is None
    clock.now += 3600
    for _ in range(10):
        clock.now += 3600  # never more than an hour
        assert register.accounts.authenticate(name, "wrong password") is None


@ON_SQLITE
def test_the_right_password_forgets_the_wrong_ones(register: Register, people: People, clock: Clock) -> None:
    for _ in range(3):
        for _ in range(4):
            assert register.accounts.authenticate("Ada", "wrong password") is None
        assert register.accounts.authenticate("Ada", PASSWORD) == people.ada


def test_the_count_of_guesses_is_in_the_store(small: Register, sqlite_url: str, folder: Path, clock: Clock) -> None:
    for _ in range(5):
        small.accounts.authenticate("Ada", "wrong password")
    with open_store(sqlite_url) as store, pytest.raises(TooManyAttempts):
        opened(store, folder, clock).accounts.authenticate("Ada", PASSWORD)


@ON_SQLITE
def test_what_was_typed_as_a_name_is_not_kept(register: Register, people: People, url: str) -> None:
    """People type their password where the name belongs."""
    register.accounts.authenticate("my secret password", "Ada")
    kept = str(run_sql(url, "SELECT * FROM audit_case")) + str(run_sql(url, "SELECT * FROM register_attempt"))
    assert "secret" not in kept
    assert acts(url)[-1] == (None, "login-failed", None)


def test_every_change_is_in_the_audit(register: Register, people: People, url: str, store: Store) -> None:
    register.accounts.authenticate("Ada", PASSWORD)
    register.accounts.authenticate("Ada", "wrong password")
    register.accounts.set_role(people.local, "Ben", "reader")
    register.accounts.set_password(people.local, "Ben", PASSWORD)
    register.accounts.disable(people.local, "Ben")
    assert [(account, action) for account, action, _ in acts(url)] == [
        (None, "register-made"),
        ("local", "account-made"),
        ("local", "account-made"),
        ("local", "account-made"),
        ("local", "account-made"),
        ("Ada", "logged-in"),
        ("Ada", "login-failed"),
        ("local", "role-reader"),
        ("local", "password-set"),
        ("local", "account-disabled"),
    ]
    found = verify(store)
    assert (found.whole, found.case_acts) == (True, 10)


def test_a_hash_of_older_parameters_is_made_anew(small: Register, sqlite_url: str, folder: Path, clock: Clock) -> None:
    small.accounts.create(small.local_account(), "Ada", PASSWORD, "clinician")
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    with open_store(sqlite_url) as store:
        later = opened(store, folder, clock, hasher=stronger)
        assert later.accounts.authenticate("Ada", PASSWORD) is not None
        ((kept,),) = run_sql(sqlite_url, "SELECT password FROM register_account WHERE name = 'Ada'")
        assert kept.startswith("$argon2id$v=19$m=16,t=2,p=1$")
        assert later.accounts.authenticate("Ada", PASSWORD) is not None


def test_the_hash_is_argon2id_of_rfc_9106() -> None:
    """Section 4, the second recommended option: 64 MiB of memory, 3 passes, 4 lanes."""
    assert Passwords().hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


class Counting(PasswordHasher):
    """Argon2 that counts what it verifies, and with which parameters."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=16, parallelism=1)
        self.verified: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  the library's own name
        self.verified.append(str(hash).rpartition("$")[0].rpartition("$")[0])
        return super().verify(hash, password)


def test_a_name_that_nobody_has_costs_the_same_work() -> None:
    """One verification under the same parameters, whether there is such a name, and whatever was typed."""
    counting = Counting()
    passwords = Passwords(counting)
    kept = passwords.hash(PASSWORD)
    for password, of in (("wrong password", kept), ("wrong password", None), ("x" * 5000, kept)):
        counting.verified.clear()
        assert not passwords.fits(password, of)
        assert counting.verified == ["$argon2id$v=19$m=16,t=1,p=1"]
    assert QUICK.hash(PASSWORD) != QUICK.hash(PASSWORD)  # each with its salt


def test_whoever_runs_the_service_needs_no_administrator(register: Register, url: str) -> None:
    made = register.accounts.create(None, "Ada", PASSWORD, "administrator")
    token = register.sessions.begin(made)
    register.accounts.set_password(None, "ada", PASSWORD + "!")
    assert register.sessions.find(token) is None
    assert register.accounts.disable(None, "Ada").disabled
    assert not register.accounts.disable(None, "Ada", disabled=False).disabled
    by = [(account, action) for account, action, _ in acts(url) if account == "command line"]
    done = ("account-made", "password-set", "account-disabled", "account-enabled")
    assert by == [("command line", action) for action in done]
    with pytest.raises(InputError, match="taken"):  # nobody can act under that name
        register.accounts.create(made, "Command Line", PASSWORD, "administrator")
