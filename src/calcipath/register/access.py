"""Who may use a case how: asked in the same transaction that uses it, of the account as it is now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, Select, select, update

from calcipath.register.accounts import Account, fresh
from calcipath.register.refusals import Changed, NotYours
from calcipath.store.instants import seconds_of
from calcipath.store.tables import accounts, case_access, case_files

Level = Literal["read", "write", "own"]  # each allows what the one before it does
_LEVELS: tuple[Level, ...] = ("read", "write", "own")


@dataclass(frozen=True, slots=True)
class Case:
    """A case as one account sees it: `level` is what this account may do. Times are in seconds since 1970.

    `revision` goes up with every change of entries, photographs, label or settings.
    """

    handle: str
    label: str = field(repr=False)
    owner: str
    level: Level
    created: float
    changed: float
    settings: Mapping[str, Any] = field(hash=False)
    revision: int


def cases_seen(account: Account) -> Select[Any]:
    """The cases that the account owns or that are shared with it."""
    shared = case_access.c.level.label("shared")
    return (
        select(case_files, accounts.c.name.label("owner_name"), shared)
        .join(accounts, accounts.c.id == case_files.c.owner)
        .outerjoin(case_access, (case_access.c.handle == case_files.c.handle) & (case_access.c.account == account.id))
        .where((case_files.c.owner == account.id) | case_access.c.account.is_not(None))
    )


def case_of(row: Mapping[Any, Any], account: Account) -> Case:
    """The case of a row that `cases_seen` found."""
    level: Level = "own" if row["owner"] == account.id else row["shared"]
    return Case(
        row["handle"],
        row["label"],
        row["owner_name"],
        level if account.may_write else "read",
        seconds_of(row["created"]),
        seconds_of(row["changed"]),
        json.loads(row["settings"]),
        row["revision"],
    )


def reached(
    connection: Connection,
    account: Account,
    handle: str,
    level: Level,
    *,
    expected: int | None = None,
    locks: bool = True,
) -> Case:
    """The case, locked against other writers unless it is only read, or nothing is written now (`locks`).

    PostgreSQL refuses to lock, in a transaction that only reads, what others have changed since it began.

    Raises `NotYours` where it is absent or not allowed, `Changed` where its revision is not the `expected` one.
    """
    who = fresh(connection, account)
    query = cases_seen(who).where(case_files.c.handle == _plain(handle))
    if level != "read" and locks:
        query = query.with_for_update(of=case_files)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotYours
    case = case_of(row, who)
    if _LEVELS.index(case.level) < _LEVELS.index(level):
        raise NotYours
    if expected is not None and expected != case.revision:
        raise Changed
    return case


def touch(connection: Connection, case: Case, at: str, **values: Any) -> None:
    """Note a change of the case."""
    changed = update(case_files).where(case_files.c.handle == case.handle)
    connection.execute(changed.values(changed=at, revision=case.revision + 1, **values))


def _plain(handle: str) -> str:
    return handle if handle.isascii() and handle.isprintable() and len(handle) <= 64 else ""
