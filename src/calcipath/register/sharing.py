"""Sharing: the owner lets others read or write a case, or gives it away."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from calcipath.errors import InputError
from calcipath.register.access import reached
from calcipath.register.accounts import Account, fresh, named
from calcipath.register.ground import Ground
from calcipath.register.refusals import NotAllowed
from calcipath.store.tables import accounts, case_access, case_files

ShareLevel = Literal["read", "write"]


class Sharing:
    """Who else sees a case. Only its owner may ask and change this."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def of(self, account: Account, handle: str) -> tuple[tuple[str, ShareLevel], ...]:
        """Names and levels, by name."""
        query = select(accounts.c.name, case_access.c.level).join(accounts, accounts.c.id == case_access.c.account)
        with self._ground.store.read() as connection:
            case = reached(connection, account, handle, "own", locks=False)
            rows = connection.execute(query.where(case_access.c.handle == case.handle).order_by(accounts.c.name_key))
            return tuple((name, level) for name, level in rows)

    def share(self, account: Account, handle: str, name: str, level: ShareLevel) -> None:
        """Let another account read or write. Raises `InputError` for a name that is none and for a reader's writing."""
        if level not in ("read", "write"):
            raise InputError("a case is shared to read or to write")
        with self._ground.store.write() as writing:
            connection = writing.connection
            case = reached(connection, account, handle, "own")
            other = _other(connection, account, name)
            if level == "write" and not other.may_write:
                raise InputError(f"{other.name} is a reader and cannot write")
            dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
            row = dialect.insert(case_access).values(handle=case.handle, account=other.id, level=level)
            connection.execute(row.on_conflict_do_update(index_elements=["handle", "account"], set_={"level": level}))
            self._ground.note(writing, f"shared-{level}", account.name, case.handle, content=(other.name,))

    def unshare(self, account: Account, handle: str, name: str) -> None:
        """Take it back. Who did not see the case is no fault."""
        with self._ground.store.write() as writing:
            case = reached(writing.connection, account, handle, "own")
            other = _other(writing.connection, account, name)
            _withdraw(writing.connection, case.handle, other)
            self._ground.note(writing, "unshared", account.name, case.handle, content=(other.name,))

    def hand_over(self, account: Account, handle: str, name: str) -> None:
        """Give the case to another account; the former owner no longer sees it."""
        with self._ground.store.write() as writing:
            case = reached(writing.connection, account, handle, "own")
            other = _owner_to_be(writing.connection, account, name)
            _withdraw(writing.connection, case.handle, other)
            this = case_files.c.handle == case.handle
            writing.connection.execute(update(case_files).where(this).values(owner=other.id))
            self._ground.note(writing, "handed-over", account.name, case.handle, content=(other.name,))

    def hand_over_all(self, by: Account, leaving: str, name: str) -> int:
        """An administrator gives all cases of one account to another, for someone who leaves; how many they were."""
        with self._ground.store.write() as writing:
            connection = writing.connection
            if not fresh(connection, by).administers:
                raise NotAllowed("only an administrator may do this")
            former = named(connection, leaving)
            if former is None:
                raise InputError("there is no account of this name")
            other = _owner_to_be(connection, former, name)
            query = select(case_files.c.handle).where(case_files.c.owner == former.id).order_by(case_files.c.handle)
            handles = list(connection.execute(query.with_for_update()).scalars())
            for handle in handles:
                _withdraw(connection, handle, other)
                this = case_files.c.handle == handle
                connection.execute(update(case_files).where(this).values(owner=other.id))
                self._ground.note(writing, "handed-over", by.name, handle, content=(other.name,))
        return len(handles)


def _other(connection: Connection, account: Account, name: str) -> Account:
    other = named(connection, name)
    if other is None or other.disabled:
        raise InputError("there is no account of this name")
    if other.id == account.id:
        raise InputError("the case is owned by this account already")
    return other


def _owner_to_be(connection: Connection, account: Account, name: str) -> Account:
    other = _other(connection, account, name)
    if not other.may_write:
        raise InputError(f"{other.name} is a reader and cannot own a case")
    return other


def _withdraw(connection: Connection, handle: str, other: Account) -> None:
    this = (case_access.c.handle == handle) & (case_access.c.account == other.id)
    connection.execute(delete(case_access).where(this))
