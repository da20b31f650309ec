"""Accounts: names with roles and passwords. They are never deleted, only disabled: the audit names them."""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from sqlalchemy import Connection, delete, insert, select, update

from calcipath.errors import InputError
from calcipath.register.attempts import count_attempt, forget_attempts
from calcipath.register.ground import Ground
from calcipath.register.passwords import Passwords
from calcipath.register.refusals import NotAllowed
from calcipath.store.instants import seconds_of
from calcipath.store.store import Writing
from calcipath.store.tables import accounts, sessions

Role = Literal["reader", "clinician", "administrator"]
LOCAL = "local"  # the account of the loopback address
COMMAND_LINE = "command line"  # how the audit names whoever runs the service; nobody may be called so
LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Account:
    """`created` is in seconds since 1970."""

    id: str
    name: str
    role: Role
    disabled: bool
    created: float

    @property
    def administers(self) -> bool:
        """Whether it may manage accounts and take the de-identified table."""
        return self.role == "administrator" and not self.disabled

    @property
    def may_write(self) -> bool:
        """Whether it may have cases of its own and change what is shared with it."""
        return self.role != "reader" and not self.disabled


class Accounts:
    """The accounts of the register. What changes one ends its sessions.

    `by` is who does it: an administrator, or None for whoever runs the service, who has the store itself in hand.
    """

    def __init__(self, ground: Ground, passwords: Passwords) -> None:
        self._ground = ground
        self._passwords = passwords

    def local_account(self) -> Account:
        """The account for the loopback address: an administrator without a password, made when it is missing."""
        with self._ground.store.write() as writing:
            row = _row(writing.connection, name_key(LOCAL))
            if row is None:
                return self._made(writing, LOCAL, "administrator", None, LOCAL)
        return account_of(row)

    def create(self, by: Account | None, name: str, password: str, role: Role) -> Account:
        """A new account. Raises `InputError` for a name that is taken or none, a role or a password that is none."""
        checked_name, kept = _checked_name(name), self._passwords.hash(password)
        _check_role(role)
        with self._ground.store.write() as writing:
            _administrator(writing.connection, by)
            if _row(writing.connection, name_key(checked_name)) is not None or name_key(checked_name) in (
                LOCAL,
                COMMAND_LINE,
            ):
                raise InputError(f"the name {checked_name} is taken")
            return self._made(writing, checked_name, role, kept, _name(by))

    def all(self) -> tuple[Account, ...]:
        """Every account, by name."""
        with self._ground.store.read() as connection:
            rows = connection.execute(select(accounts).order_by(accounts.c.name_key)).mappings().all()
        return tuple(account_of(row) for row in rows)

    def find(self, name: str) -> Account | None:
        """The account of a name, in capitals or not."""
        with self._ground.store.read() as connection:
            row = _row(connection, name_key(name))
        return account_of(row) if row is not None else None

    def set_password(self, by: Account | None, name: str, password: str) -> Account:
        """A new password, by an administrator or by the account itself. The caller asks for the old one first."""
        kept = self._passwords.hash(password)
        with self._ground.store.write() as writing:
            own = by is not None and fresh(writing.connection, by).id == _known(writing.connection, name).id
            return self._changed(writing, by, name, "password-set", own=own, password=kept)

    def set_role(self, by: Account | None, name: str, role: Role) -> Account:
        """Another role, by an administrator."""
        _check_role(role)
        with self._ground.store.write() as writing:
            return self._changed(writing, by, name, f"role-{role}", role=role)

    def disable(self, by: Account | None, name: str, *, disabled: bool = True) -> Account:
        """Shut an account out, or let it in again. Its cases stay: `Sharing.hand_over_all` gives them to another."""
        with self._ground.store.write() as writing:
            action = "account-disabled" if disabled else "account-enabled"
            return self._changed(writing, by, name, action, disabled=disabled)

    def authenticate(self, name: str, password: str) -> Account | None:
        """The account of this name and password, else None. Raises `TooManyAttempts` where guesses come too fast."""
        key = name_key(name)
        count_attempt(self._ground, key)
        with self._ground.store.read() as connection:
            row = _row(connection, key)
        kept: str | None = row["password"] if row is not None else None
        fits = self._passwords.fits(password, kept)
        if row is None or kept is None or not fits or row["disabled"]:
            known = row["name"] if row is not None else ""
            self._ground.noted("login-failed", known, content=("" if known else key,))
            return None
        again = self._passwords.hash(password) if self._passwords.is_dated(kept) else kept
        with self._ground.store.write() as writing:
            forget_attempts(self._ground, writing.connection, key)
            if again != kept:
                same = (accounts.c.id == row["id"]) & (accounts.c.password == kept)
                writing.connection.execute(update(accounts).where(same).values(password=again))
            self._ground.note(writing, "logged-in", row["name"])
        return account_of(row)

    def _made(self, writing: Writing, name: str, role: Role, password: str | None, by: str) -> Account:
        row = {
            "id": secrets.token_hex(16),
            "name": name,
            "name_key": name_key(name),
            "password": password,
            "role": role,
            "disabled": False,
            "created": self._ground.now(),
        }
        writing.connection.execute(insert(accounts).values(row))
        self._ground.note(writing, "account-made", by, content=(name, role))
        return account_of(row)

    def _changed(
        self, writing: Writing, by: Account | None, name: str, action: str, *, own: bool = False, **values: Any
    ) -> Account:
        if not own:
            _administrator(writing.connection, by)
        account = _known(writing.connection, name)
        if name_key(account.name) == LOCAL:
            raise InputError("the account of the loopback address stays as it is")
        writing.connection.execute(update(accounts).where(accounts.c.id == account.id).values(**values))
        writing.connection.execute(delete(sessions).where(sessions.c.account == account.id))
        self._ground.note(writing, action, _name(by), content=(account.name,))
        return _known(writing.connection, account.name)


def account_of(row: Any) -> Account:
    """The account of a row of its table."""
    return Account(row["id"], row["name"], cast("Role", row["role"]), bool(row["disabled"]), seconds_of(row["created"]))


def fresh(connection: Connection, account: Account) -> Account:
    """The account as it is now. Raises `NotAllowed` where it is disabled or gone."""
    row = connection.execute(select(accounts).where(accounts.c.id == account.id)).mappings().first()
    if row is None or row["disabled"]:
        raise NotAllowed("this account is disabled")
    return account_of(row)


def named(connection: Connection, name: str) -> Account | None:
    """The account of a name within a transaction of the caller."""
    row = _row(connection, name_key(name))
    return account_of(row) if row is not None else None


def name_key(name: str) -> str:
    """A name without regard to capitals and to how its characters are composed."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def _row(connection: Connection, key: str) -> Any:
    if len(key) > LONGEST_NAME or not key.isprintable():  # no name, and a database might refuse it
        return None
    return connection.execute(select(accounts).where(accounts.c.name_key == key)).mappings().first()


def _known(connection: Connection, name: str) -> Account:
    account = named(connection, name)
    if account is None:
        raise InputError("there is no account of this name")
    return account


def _administrator(connection: Connection, by: Account | None) -> None:
    if by is not None and not fresh(connection, by).administers:
        raise NotAllowed("only an administrator may do this")


def _name(by: Account | None) -> str:
    return by.name if by is not None else COMMAND_LINE


def _checked_name(name: str) -> str:
    clean = unicodedata.normalize("NFKC", name).strip()
    if not clean or len(clean) > LONGEST_NAME or len(name_key(clean)) > LONGEST_NAME or not clean.isprintable():
        raise InputError(f"a name has 1 to {LONGEST_NAME} printable characters")
    return clean


def _check_role(role: str) -> None:
    if role not in get_args(Role):
        raise InputError(f"a role is one of {', '.join(get_args(Role))}")
