"""Sessions: a new random token at every login, so that nobody can plant one; only its digest is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from sqlalchemy import delete, insert, select, update

from calcipath.register.accounts import Account, account_of, fresh
from calcipath.register.ground import Ground
from calcipath.store.instants import seconds_of
from calcipath.store.tables import accounts, sessions

IDLE_SECONDS = 30 * 60.0
LONGEST_SECONDS = 12 * 3600.0
_SEEN_EVERY = 60.0  # seconds: not every request is a write
_LONGEST_TOKEN = 128


@dataclass(frozen=True, slots=True)
class Session:
    """Who is logged in. `csrf` goes into each form; `expires` is its absolute end (seconds since 1970)."""

    account: Account
    csrf: str = field(repr=False)
    created: float
    expires: float

    def agrees(self, csrf: str) -> bool:
        """Whether a form came from a page of this session."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode("utf-8", "replace"))


class Sessions:
    """The sessions of the register. They end after `idle` seconds without a request, and `longest` after the login."""

    def __init__(self, ground: Ground, *, idle: float = IDLE_SECONDS, longest: float = LONGEST_SECONDS) -> None:
        self._ground = ground
        self._idle = idle
        self._longest = longest

    def begin(self, account: Account) -> str:
        """A new session's token, for the cookie. Raises `NotAllowed` for a disabled account."""
        token = secrets.token_urlsafe(32)
        now = self._ground.now()
        with self._ground.store.write() as writing:
            who = fresh(writing.connection, account)
            writing.connection.execute(
                delete(sessions).where((sessions.c.expires <= now) | (sessions.c.last_seen <= self._idle_since()))
            )
            writing.connection.execute(
                insert(sessions).values(
                    digest=_digest(token),
                    account=who.id,
                    csrf=secrets.token_urlsafe(32),
                    created=now,
                    last_seen=now,
                    expires=self._ground.now(self._longest),
                )
            )
            self._ground.note(writing, "session-begun", who.name)
        return token

    def find(self, token: str) -> Session | None:
        """The session of a token, None where it has ended or never was. Each find is a sign of life."""
        if not 0 < len(token) <= _LONGEST_TOKEN:
            return None
        digest, now = _digest(token), self._ground.now()
        query = (
            select(
                accounts, sessions.c.csrf, sessions.c.created.label("begun"), sessions.c.last_seen, sessions.c.expires
            )
            .join(accounts, accounts.c.id == sessions.c.account)
            .where(
                sessions.c.digest == digest,
                sessions.c.expires > now,
                sessions.c.last_seen > self._idle_since(),
                accounts.c.disabled.is_(False),
            )
        )
        with self._ground.store.read() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        if self._ground.clock() - seconds_of(row["last_seen"]) >= min(_SEEN_EVERY, self._idle / 10):
            with self._ground.store.write() as writing:
                writing.connection.execute(update(sessions).where(sessions.c.digest == digest).values(last_seen=now))
        return Session(account_of(row), row["csrf"], seconds_of(row["begun"]), seconds_of(row["expires"]))

    def end(self, token: str) -> None:
        """Log out. A token that is none is no fault."""
        digest = _digest(token)
        with self._ground.store.write() as writing:
            owner = select(accounts.c.name).join(sessions, sessions.c.account == accounts.c.id)
            name = writing.connection.execute(owner.where(sessions.c.digest == digest)).scalar()
            if name is not None:
                writing.connection.execute(delete(sessions).where(sessions.c.digest == digest))
                self._ground.note(writing, "session-ended", name)

    def end_all(self, account: Account) -> int:
        """End every session of the account; how many they were."""
        with self._ground.store.write() as writing:
            gone = writing.connection.execute(delete(sessions).where(sessions.c.account == account.id)).rowcount
            self._ground.note(writing, "sessions-ended", account.name)
        return int(gone)

    def _idle_since(self) -> str:
        return self._ground.now(-self._idle)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
