"""Guesses at passwords: after five wrong ones for a name the next must wait, each time twice as long.

An attempt counts as wrong before it is checked, so that many at once do not get past the count. Names that nobody has are
counted too. Whoever knows a name can make its owner wait, an hour at most.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from calcipath.register.ground import Ground
from calcipath.register.refusals import TooManyAttempts
from calcipath.store.digests import keyed_digest
from calcipath.store.instants import instant_text, seconds_of
from calcipath.store.tables import attempts

FREE = 5
FIRST_WAIT = 30.0
LONGEST_WAIT = 3600.0
FORGOTTEN_AFTER = 86_400.0


def count_attempt(ground: Ground, name_key: str) -> None:
    """Count an attempt for the name. Raises `TooManyAttempts` where it comes too early; that one is not counted."""
    now, digest = ground.clock(), _digest(ground, name_key)
    with ground.store.write() as writing:
        connection = writing.connection
        connection.execute(delete(attempts).where(attempts.c.last < instant_text(now - FORGOTTEN_AFTER)))
        row = {"name_digest": digest, "failures": 0, "last": instant_text(now), "until": instant_text(now)}
        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(attempts).values(row).on_conflict_do_nothing())
        there = select(attempts.c.failures, attempts.c.until).where(attempts.c.name_digest == digest)
        failures, until = connection.execute(there.with_for_update()).one()
        early = seconds_of(until) - seconds_of(instant_text(now))
        if early > 0:
            raise TooManyAttempts(early)
        wait = min(FIRST_WAIT * 2.0 ** (failures + 1 - FREE), LONGEST_WAIT) if failures + 1 >= FREE else 0.0
        connection.execute(
            attempts.update()
            .where(attempts.c.name_digest == digest)
            .values(failures=failures + 1, last=instant_text(now), until=instant_text(now + wait))
        )


def forget_attempts(ground: Ground, connection: Any, name_key: str) -> None:
    """After the right password, within the caller's transaction."""
    connection.execute(delete(attempts).where(attempts.c.name_digest == _digest(ground, name_key)))


def _digest(ground: Ground, name_key: str) -> str:
    return keyed_digest(ground.key, "name", name_key)
