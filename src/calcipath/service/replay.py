"""A token is used once: its `jti` is kept until the token ends (CDS Hooks register 192).

Kept is a digest of issuer and id, nothing else. When the memory is full a new token is refused, because forgetting an
old one would let it be used again; only tokens with a valid signature arrive here, so a stranger cannot fill it.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from calcipath.errors import CalcipathError, InputError

MOST_TOKENS = 100_000
_SECONDS_BETWEEN_CLEANINGS = 10.0
_WAIT_SECONDS = 2.0


class ReplayError(CalcipathError):
    """Whether the token was used before cannot be said: the memory is full or its file cannot be used."""

    def __init__(self) -> None:
        super().__init__("whether a token was used before could not be said")


class ReplayGuard(Protocol):
    """Remembers the tokens that were used."""

    async def first_use(self, issuer: str, token_id: str, until: float) -> bool:
        """Whether this is the token's first use; it is remembered until `until` (seconds since 1970).

        Of several calls at once exactly one is the first. Raises `ReplayError`.
        """
        ...


def _digest(issuer: str, token_id: str) -> bytes:
    text = f"{len(issuer)}:{issuer}{token_id}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


@dataclass(slots=True)
class _Seen:
    digests: set[bytes] = field(default_factory=set)
    ends: list[tuple[float, bytes]] = field(default_factory=list)  # a heap, the first to end on top


class MemoryReplayGuard:
    """For a service of one process: at most `most` living tokens of each issuer, so that none starves another."""

    def __init__(self, *, most: int = MOST_TOKENS, clock: Callable[[], float] = time.time) -> None:
        self._most = most
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    async def first_use(self, issuer: str, token_id: str, until: float) -> bool:
        """See `ReplayGuard`."""
        seen = self._seen.setdefault(issuer, _Seen())
        now = self._clock()
        while seen.ends and seen.ends[0][0] <= now:
            seen.digests.discard(heapq.heappop(seen.ends)[1])
        digest = _digest(issuer, token_id)
        if digest in seen.digests:
            return False
        if len(seen.ends) >= self._most:
            raise ReplayError
        seen.digests.add(digest)
        heapq.heappush(seen.ends, (until, digest))
        return True


class SharedReplayGuard:
    """For several processes on one machine: a small SQLite file that all of them use.

    The file holds digests and times only; it may be deleted while the service is stopped for longer than a token's
    life. `most` is kept to within the tokens of ten seconds. Raises `InputError` when the file cannot be made.
    """

    def __init__(self, path: Path, *, most: int = MOST_TOKENS, clock: Callable[[], float] = time.time) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._cleaned: float | None = None
        self._full = False
        try:
            path.touch(mode=0o600)
            self._connection = sqlite3.connect(
                path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS used_tokens (digest BLOB PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID"
            )
        except (sqlite3.Error, OSError):
            raise InputError("the file of used tokens cannot be made or read") from None

    async def first_use(self, issuer: str, token_id: str, until: float) -> bool:
        """See `ReplayGuard`."""
        return await asyncio.to_thread(self._first_use, _digest(issuer, token_id), until)

    def close(self) -> None:
        """Close the file."""
        with self._lock, suppress(sqlite3.Error):
            self._connection.close()

    def _first_use(self, digest: bytes, until: float) -> bool:
        with self._lock:
            try:
                self._clean()
                if self._full:
                    raise ReplayError
                return self._insert(digest, until)
            except sqlite3.Error:
                raise ReplayError from None

    def _insert(self, digest: bytes, until: float) -> bool:
        done = self._connection.execute(
            "INSERT INTO used_tokens VALUES (?1, ?2)"
            " ON CONFLICT (digest) DO UPDATE SET until = ?2 WHERE until <= ?3",  # an ended one may come again
            (digest, until, self._clock()),
        )
        return done.rowcount == 1

    def _clean(self) -> None:
        now = self._clock()
        if self._cleaned is not None and 0 <= now - self._cleaned < _SECONDS_BETWEEN_CLEANINGS:
            return
        self._connection.execute("DELETE FROM used_tokens WHERE until <= ?", (now,))
        (count,) = self._connection.execute("SELECT count(*) FROM used_tokens").fetchone()
        self._cleaned, self._full = now, count >= self._most
