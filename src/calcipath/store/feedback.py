"""Feedback kept: each item once, in the chain of the audit, on the disk before it is acknowledged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, exists, insert, select, text

from calcipath.store.digests import plain_digest
from calcipath.store.feedback_items import FeedbackItem, OverrideCoding, parsed_feedback
from calcipath.store.instants import instant_text
from calcipath.store.store import Store
from calcipath.store.tables import CHAIN_COLUMNS, cards, decisions, feedback
from calcipath.store.texts import kept_list, kept_text

FEEDBACK = "feedback"  # the kind of entry
_LOCK = 4_841_936_572_310_178  # PostgreSQL: one delivery after another, so that no item is kept twice


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a delivery: items kept, repeated ones (not kept again), and those kept for a card unknown here."""

    kept: int
    repeated: int
    unknown_cards: int

    @property
    def items(self) -> int:
        return self.kept + self.repeated


def record(
    store: Store, service: str, items: Sequence[FeedbackItem], *, now: float, keep_comments: bool = False
) -> Received:
    """Keep a delivery whole, or nothing of it; it is on the disk when this returns. `now` is in seconds since 1970.

    An item that is there already, with the same outcome at the same time, is not kept again. A comment may hold
    patient data: without `keep_comments` only its length is kept. Raises `StoreError`.
    """
    by_digest: dict[str, dict[str, Any]] = {}
    for item in items:
        row = _row(item, kept_text(service), instant_text(now), keep_comments=keep_comments)
        by_digest.setdefault(row["digest"], row)
    if not by_digest:
        return Received(0, 0, 0)
    with store.write() as writing:
        if store.postgres:
            writing.connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        there = _those_there(writing.connection, list(by_digest))
        rows = [row for digest, row in by_digest.items() if digest not in there]
        kept = [{**writing.place(FEEDBACK, row["received"], row), **row} for row in rows]
        if kept:
            writing.connection.execute(insert(feedback), kept)
        unknown = sum(1 for row in kept if not _known(writing.connection, row["card"], row["service"]))
    return Received(len(kept), len(items) - len(kept), unknown)


def feedback_content(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the entry's hash covers."""
    return {name: value for name, value in row.items() if name not in CHAIN_COLUMNS}


def _those_there(connection: Connection, digests: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(digests), 500):
        some = digests[start : start + 500]
        found.update(connection.execute(select(feedback.c.digest).where(feedback.c.digest.in_(some))).scalars())
    return found


def _known(connection: Connection, card: str, service: str) -> bool:
    """Whether this service has shown the card."""
    shown = select(cards.c.uuid).join(
        decisions, (decisions.c.writer == cards.c.writer) & (decisions.c.number == cards.c.number)
    )
    there = exists(shown.where(cards.c.uuid == card, decisions.c.service == service))
    return bool(connection.execute(select(there)).scalar())


def _row(item: FeedbackItem, service: str, received: str, *, keep_comments: bool) -> dict[str, Any]:
    reason = item.reason
    row: dict[str, Any] = {
        "service": service,
        "card": item.card,
        "outcome": item.outcome,
        "outcome_at": instant_text(item.at),
        "suggestions": kept_list(item.suggestions),
        "reason_system": reason.system if reason else None,
        "reason_code": reason.code if reason else None,
        "comment": item.comment if keep_comments and item.comment else None,
        "comment_length": len(item.comment),
    }
    digest = plain_digest(row)  # not of when it was received, nor of how the reason's code is displayed
    return {
        **row,
        "reason_display": (reason.display or None) if reason else None,
        "received": received,
        "digest": digest,
    }


__all__ = ["FeedbackItem", "OverrideCoding", "Received", "feedback_content", "parsed_feedback", "record"]
