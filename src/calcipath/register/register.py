"""The register: its parts on one store, one folder and one clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from argon2 import PasswordHasher
from sqlalchemy import select

from calcipath.guideline.model import Guideline
from calcipath.register.accounts import Account, Accounts
from calcipath.register.cases import Cases
from calcipath.register.deidentified import Extra, RegisterRow, register_table
from calcipath.register.exchange import Exchange
from calcipath.register.ground import Ground
from calcipath.register.passwords import Passwords
from calcipath.register.photographs import Photographs
from calcipath.register.picture_files import ORPHAN_SECONDS, prepare_folder, sweep
from calcipath.register.sessions import IDLE_SECONDS, LONGEST_SECONDS, Sessions
from calcipath.register.sharing import Sharing
from calcipath.store.store import Store
from calcipath.store.tables import case_photographs, writers


class Register:
    """The case register. Its methods may be called from several threads; each process opens its own store and register.

    `folder` keeps the photographs and belongs to this store alone; `key` (32 bytes or more) makes the audit's digests;
    `clock` gives seconds since 1970. Raises `StoreError`, and `InputError` for the folder of another store.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        key: bytes,
        clock: Callable[[], float],
        *,
        idle_seconds: float = IDLE_SECONDS,
        longest_seconds: float = LONGEST_SECONDS,
        hasher: PasswordHasher | None = None,
        orphan_seconds: float = ORPHAN_SECONDS,
    ) -> None:
        ground = Ground(store, folder, key, clock)
        self._ground = ground
        self.accounts = Accounts(ground, Passwords(hasher))
        self.sessions = Sessions(ground, idle=idle_seconds, longest=longest_seconds)
        self.cases = Cases(ground)
        self.sharing = Sharing(ground)
        self.photographs = Photographs(ground)
        self.exchange = Exchange(ground)
        prepare_folder(folder, _identity(ground))
        self._clean(orphan_seconds)

    def local_account(self) -> Account:
        """The account for the loopback address: an administrator to which no password belongs."""
        return self.accounts.local_account()

    def table(self, account: Account, guideline: Guideline, extra: Extra | None = None) -> tuple[RegisterRow, ...]:
        """The de-identified table, for an administrator (`deidentified.register_table`)."""
        return register_table(self._ground, account, guideline, extra)

    def _clean(self, orphan_seconds: float) -> None:
        """What a process that died left behind: files without a row, and deleted content in SQLite's files."""
        with self._ground.store.read() as connection:
            known = frozenset(connection.execute(select(case_photographs.c.file)).scalars())
        sweep(self._ground.folder, known, older_than=orphan_seconds)
        self._ground.store.wipe_deletions()


def _identity(ground: Ground) -> str:
    """A name that only this store has: that of its first writer."""
    first = select(writers.c.writer).where(writers.c.follows.is_(None)).order_by(writers.c.started, writers.c.writer)
    with ground.store.read() as connection:
        found = connection.execute(first.limit(1)).scalar()
    if found is None:
        ground.noted("register-made")
        return _identity(ground)
    return str(found)
