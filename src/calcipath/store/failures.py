"""What can go wrong with the store, in one sentence that holds no data, no password and no SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from calcipath.errors import CalcipathError

_SQLITE = (
    ("SQLITE_NOTADB", "the file is not a database"),
    ("SQLITE_FULL", "the disk is full"),
    ("SQLITE_READONLY", "the file cannot be written"),
    ("SQLITE_BUSY", "another process keeps it locked"),
    ("SQLITE_LOCKED", "another process keeps it locked"),
    ("SQLITE_CANTOPEN", "the file, or one beside it, cannot be opened or made"),
    ("SQLITE_CORRUPT", "the file is damaged"),
    ("SQLITE_IOERR", "the disk failed to read or write"),
    ("SQLITE_PERM", "the file cannot be used with these rights"),
    ("SQLITE_AUTH", "the file cannot be used with these rights"),
    ("SQLITE_CONSTRAINT", "an entry was refused, because it would change what is kept"),
)
_POSTGRES = (  # by SQLSTATE, the longest match first (PostgreSQL, appendix A)
    ("53100", "the server's disk is full"),
    ("53300", "the server has no connection left"),
    ("25006", "the server is read-only"),
    ("42501", "the database user lacks a right"),
    ("55P03", "another process keeps it locked"),
    ("40", "other processes were in the way"),
    ("23", "an entry was refused, because it would change what is kept"),
    ("28", "the server refused the login"),
    ("3D", "the server has no such database"),
    ("08", "the connection to the server failed"),
    ("57", "the server is stopping or starting, or broke off"),
)
_UNREACHED = "the server could not be reached, refused the login, or has no such database"


class StoreError(CalcipathError):
    """The store cannot be used now. It is no `InputError`: nothing is wrong with what was to be kept.

    A service answers 503 and acknowledges nothing.
    """

    exit_status = 2


def explained(error: BaseException, where: str) -> StoreError:
    """The failure of a database driver, as one sentence about the store `where`."""
    original = getattr(error, "orig", None) or error
    return StoreError(f"{where}: {_reason(original)}")


def _reason(original: BaseException) -> str:
    if isinstance(original, sqlite3.Error):
        name = str(getattr(original, "sqlite_errorname", ""))
        return next((words for start, words in _SQLITE if name.startswith(start)), "SQLite refused") + _code(name)
    state = getattr(original, "sqlstate", None)
    if isinstance(state, str) and state:
        return next((words for start, words in _POSTGRES if state.startswith(start)), "it refused") + _code(state)
    if type(original).__name__ == "OperationalError":
        return _UNREACHED
    return f"it failed ({type(original).__name__})"


def _code(name: str) -> str:
    return f" ({name})" if name else ""


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turns every failure of a database driver into a `StoreError`; what the driver said is not carried along."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise explained(error, where) from None
