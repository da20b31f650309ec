"""The store: opened by its URL, read and written in transactions, with the chain that makes its audit one piece."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Connection, Engine, insert, select, update

from calcipath.errors import CalcipathError
from calcipath.store.digests import entry_hash
from calcipath.store.engines import WRITES, Place, make_engine, mark_deletion, read_place, wipe_deletions
from calcipath.store.failures import translated
from calcipath.store.tables import writers
from calcipath.store.upgrade import bring_up_to_date


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a writer."""

    writer: str
    number: int
    hash: str


class Writing:
    """A transaction that writes. Each entry of the audit gets its place in this process's chain."""

    def __init__(self, connection: Connection, head: Head | None) -> None:
        self.connection = connection
        self._before = head
        self._head = head

    @property
    def head(self) -> Head | None:
        """The last entry so far."""
        return self._head

    def place(self, kind: str, at: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """The columns that chain an entry of this content to the one before it."""
        head = self._head or self._begun(at)
        number = head.number + 1
        digest = entry_hash(kind, head.writer, number, head.hash, content)
        self._head = Head(head.writer, number, digest)
        return {"writer": head.writer, "number": number, "previous": head.hash, "hash": digest}

    def mark_deletion(self) -> None:
        """Note that something is deleted for good, for `Store.wipe_deletions` now or at a later start."""
        mark_deletion(self.connection)

    def seal(self) -> None:
        """Note the last entry, so that a missing end is noticed."""
        if self._head is not None and self._head != self._before:
            self.connection.execute(
                update(writers)
                .where(writers.c.writer == self._head.writer)
                .values(number=self._head.number, hash=self._head.hash)
            )

    def _begun(self, at: str) -> Head:
        """A new writer, tied to the latest one that is there, so that a whole writer cannot vanish unseen."""
        latest = select(writers.c.writer).order_by(writers.c.started.desc(), writers.c.writer).limit(1)
        follows = self.connection.execute(latest).scalar()
        writer = secrets.token_hex(16)
        first = Head(writer, 0, beginning(writer, at, follows))
        self.connection.execute(
            insert(writers).values(writer=writer, started=at, follows=follows, number=0, hash=first.hash)
        )
        return first


def beginning(writer: str, started: str, follows: str | None) -> str:
    """The hash that a writer's first entry follows."""
    return entry_hash("writer", writer, 0, "", {"started": started, "follows": follows})


class Store:
    """An open store. Its methods may be called from several threads; writes of one process go one after another."""

    def __init__(self, place: Place, engine: Engine) -> None:
        self._place = place
        self._engine = engine
        self._lock = threading.Lock()
        self._head: Head | None = None
        self._process = os.getpid()

    @property
    def postgres(self) -> bool:
        """Whether this is PostgreSQL (else SQLite)."""
        return self._engine.dialect.name == "postgresql"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees the store as of its beginning. Raises `StoreError`.

        Read rows whole before anything is made of them: after an error between two rows its traceback keeps the cursor,
        the cursor keeps SQLite's view of that moment, and nothing newer is seen on this connection nor wiped.
        """
        self._after_fork()
        with translated(self._place.words), self._engine.connect() as connection:
            if self.postgres:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Writing]:
        """A transaction that writes: committed, and on the disk, when the block has ended; else nothing of it is kept.

        Raises `StoreError`.
        """
        self._after_fork()
        with self._lock, translated(self._place.words):
            before, self._head = self._head, None  # after a failure it is not sure what was kept: begin a new chain
            with self._engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
                writing = Writing(connection, before)
                try:
                    yield writing
                except CalcipathError:  # the caller's own refusal: nothing was committed, so the chain goes on
                    self._head = before
                    raise
                writing.seal()
            self._head = writing.head

    def check_writable(self) -> None:
        """Raises `StoreError` where the store can only be read."""
        with self.write() as writing:
            writing.connection.execute(update(writers).where(writers.c.writer == "").values(number=0))

    def wipe_deletions(self) -> bool:
        """Take what transactions marked by `Writing.mark_deletion` deleted out of the files; False where that failed.

        SQLite: the file is built anew, and others wait for it; it fails while another process reads. PostgreSQL keeps
        old versions of rows until its own vacuum, and its log by its own rules: always False there.
        """
        self._after_fork()
        if self.postgres:
            return False
        with self._lock, translated(self._place.words):
            return wipe_deletions(self._engine)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _after_fork(self) -> None:
        """A child process has its own connections and its own chain."""
        if self._process != os.getpid():
            self._engine.dispose(close=False)
            self._lock, self._head, self._process = threading.Lock(), None, os.getpid()


def open_store(url: str, *, existing: bool = False) -> Store:
    """Open the store at `sqlite:///FILE` or `postgresql://USER@HOST/DATABASE` and bring its tables up to date.

    Each process opens its own. A SQLite file that is missing is made, unless it must be `existing`; such a store is
    opened to be read, and it may be read-only.

    Raises `StoreError` in one sentence: for a URL of another kind, a place that cannot be used, a file that is no
    database, and the database of another program or of a newer calcipath.
    """
    place = read_place(url)
    with translated(place.words):
        engine = make_engine(place, existing=existing)
        try:
            bring_up_to_date(place, engine)
            store = Store(place, engine)
            if not existing:
                store.check_writable()
        except BaseException:
            engine.dispose()
            raise
    return store
