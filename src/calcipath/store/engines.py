"""From a URL to a database engine: SQLite in a file, or PostgreSQL, each set so that what is acknowledged is kept."""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from calcipath.store.failures import StoreError, explained

WAIT_SECONDS = 15.0  # for a lock that another process holds
_DELETED = 1  # SQLite's user_version while deleted content may still be in the files
WRITES = "calcipath_writes"  # execution option of a connection that will write
_POSTGRES_NAMES = ("postgresql", "postgres", "postgresql+psycopg")
_FORMS = "a store is named by sqlite:///FILE or postgresql://USER@HOST/DATABASE"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the store is. `words` name it in sentences: no user and no password."""

    url: URL
    words: str
    file: Path | None = None


def read_place(url: str) -> Place:
    """The place that a URL names. Raises `StoreError`, which repeats nothing of the URL where it may hold a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError(_FORMS) from None
    if parsed.drivername == "sqlite":
        return _sqlite_place(parsed)
    if parsed.drivername in _POSTGRES_NAMES:
        if not parsed.database:
            raise StoreError(f"the store's URL names no database: {_FORMS}")
        host = parsed.host or parsed.query.get("host") or "this machine"
        words = f"the database {parsed.database} on {host if isinstance(host, str) else host[0]}"
        return Place(parsed.set(drivername="postgresql+psycopg"), words)
    raise StoreError(_FORMS)


def _sqlite_place(url: URL) -> Place:
    name = url.database or ""
    if not name or name == ":memory:" or name.startswith("file:") or url.query or "\0" in name:
        raise StoreError(f"the store must be a file of its own: {_FORMS}")
    return Place(url, f"the store {name}", Path(name))


def make_engine(place: Place, *, existing: bool) -> Engine:
    """The engine. A file that is missing is made, readable by its owner only, unless it must be `existing`."""
    if place.file is not None:
        _check_file(place.file, place.words, existing=existing)
        engine = create_engine(place.url, hide_parameters=True, connect_args={"timeout": WAIT_SECONDS})
        event.listen(engine, "connect", _set_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        engine = create_engine(
            place.url,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 10, "tcp_user_timeout": 30_000} | _own(place.url),
        )
    except ModuleNotFoundError as error:
        raise StoreError(f"PostgreSQL needs {error.name}: install calcipath with its 'serve' extra") from None
    event.listen(engine, "connect", _set_postgres)
    return engine


def _own(url: URL) -> dict[str, Any]:
    """What the URL itself says of the connection wins."""
    return {name: value for name, value in url.query.items() if name in ("connect_timeout", "tcp_user_timeout")}


def _check_file(file: Path, words: str, *, existing: bool) -> None:
    try:
        if file.is_dir():
            raise StoreError(f"{words}: it is a folder")
        if file.exists():
            return
        if existing:
            raise StoreError(f"{words}: there is no such file")
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"{words}: {(error.strerror or 'it cannot be made').lower()}") from None


def _set_sqlite(connection: sqlite3.Connection, _: object) -> None:
    """FULL: in WAL mode each commit waits for the disk (https://www.sqlite.org/pragma.html#pragma_synchronous)."""
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite`, not guessed by the driver
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten where it stands


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once: a transaction that reads first and then writes could not wait for it."""
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_postgres(connection: Any, _: object) -> None:
    """A commit waits for the disk, also where the server's default is not to (PostgreSQL, `synchronous_commit`)."""
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()


def set_wal(place: Place, engine: Engine) -> None:
    """Turn the file to write-ahead logging: readers and one writer at once. It stays so.

    Of several processes that do this together all but one are told that the file is locked, without waiting.
    """
    end = time.monotonic() + WAIT_SECONDS
    while True:
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname not in ("SQLITE_BUSY", "SQLITE_LOCKED") or time.monotonic() > end:
                raise explained(error, place.words) from None
        else:
            return
        finally:
            connection.close()
        time.sleep(0.02)


def mark_deletion(connection: Connection) -> None:
    """Note in SQLite's header that what this transaction deletes must still be taken out of the files."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version={_DELETED}")


def wipe_deletions(engine: Engine) -> bool:
    """Take what was deleted out of the bytes of SQLite's file and log, if something is marked; False where that failed.

    `secure_delete` overwrites a row where it stands, but not the copies that stay behind where rows moved from page to
    page. So the file is built anew, and the log is moved into it and cut to nothing, for which no reader may be there.
    """
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        if cursor.execute("PRAGMA user_version").fetchone()[0] != _DELETED:
            return True
        cursor.execute("VACUUM")
        if cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            return False
        cursor.execute("PRAGMA user_version=0")
    except sqlite3.OperationalError:  # locked, or no room on the disk: the mark stays
        return False
    finally:
        connection.close()
    return True
