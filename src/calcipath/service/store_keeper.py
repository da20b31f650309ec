"""The keeper of a service on a SQL database: SQLite for one machine, PostgreSQL for more."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Engine, Float, Integer, MetaData, String, Table, create_engine, event, insert, select
from sqlalchemy.exc import SQLAlchemyError

from calcipath.errors import InputError
from calcipath.service.keeping import Decision
from calcipath.service.settings import Settings

METADATA = MetaData()
DECISIONS = Table(
    "decisions", METADATA,
    Column("id", Integer, primary_key=True), Column("at", Float), Column("body", String),
)  # fmt: skip
MEMORY = Table("memory", METADATA, Column("key", String(64), primary_key=True), Column("until", Float))
FEEDBACK = Table(
    "feedback", METADATA, Column("id", Integer, primary_key=True), Column("at", Float), Column("body", String)
)


class StoreKeeper:
    """Keeps decisions, feedback and the memory of what was shown."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, settings: Settings) -> StoreKeeper:
        """Open the settings' database. Raises `InputError` in one sentence where it cannot be used."""
        try:
            engine = create_engine(settings.store)
            if engine.dialect.name == "sqlite":
                event.listen(engine, "connect", _sqlite)
            METADATA.create_all(engine)
        except SQLAlchemyError:
            raise InputError("the store cannot be opened") from None
        return cls(engine)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def seen(self, keys: Sequence[str], now: float) -> frozenset[str]:
        """Which keys are remembered."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(MEMORY.c.key).where(MEMORY.c.key.in_(keys), MEMORY.c.until > now))
            return frozenset(str(row[0]) for row in rows)

    def decided(self, decision: Decision, remember_until: float) -> None:
        """Keep a decision and remember what was shown."""
        shown = [card.key for card in decision.cards if not card.why]
        with self._engine.begin() as connection:
            connection.execute(insert(DECISIONS), {"at": decision.at, "body": json.dumps(_plain(decision))})
            connection.execute(MEMORY.delete().where(MEMORY.c.key.in_(shown)))
            if shown:
                connection.execute(insert(MEMORY), [{"key": key, "until": remember_until} for key in set(shown)])

    def feedback(self, service: str, body: object, now: float) -> int:
        """Keep feedback."""
        items = body.get("feedback") if isinstance(body, Mapping) else None
        if not isinstance(items, list) or not items:
            raise InputError("feedback: must be a list of items")
        with self._engine.begin() as connection:
            connection.execute(insert(FEEDBACK), [{"at": now, "body": service} for _ in items])
        return len(items)


def _plain(decision: Decision) -> dict[str, Any]:
    return {"service": decision.service, "level": decision.level}


def _sqlite(connection: Any, _: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")
