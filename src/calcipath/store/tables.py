"""The tables of the store, as the newest migration leaves them (a test compares the two)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

VERSION_TABLE = "calcipath_version"
metadata = MetaData()


def _chained() -> tuple[Column[str] | Column[int], ...]:
    """Columns of an entry of the audit: who wrote it, its place, the hash before it and its own."""
    return (
        Column("writer", String(32), ForeignKey("audit_writer.writer"), primary_key=True),
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("previous", String(64), nullable=False),
        Column("hash", String(64), nullable=False),
    )


# A writer is one process of the service: its entries are numbered from 1 without a gap. `follows` is a writer before it.
writers = Table(
    "audit_writer",
    metadata,
    Column("writer", String(32), primary_key=True),
    Column("started", String(24), nullable=False),
    Column("follows", String(32)),
    Column("number", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)

decisions = Table(
    "audit_decision",
    metadata,
    *_chained(),
    Column("at", String(24), nullable=False),
    Column("service", Text, nullable=False),
    Column("hook", Text, nullable=False),
    Column("hook_instance", Text, nullable=False),
    Column("issuer", Text),
    Column("tenant", Text),
    Column("guideline", Text, nullable=False),
    Column("guideline_version", Text, nullable=False),
    Column("content_digest", Text, nullable=False),
    Column("input_digest", String(64), nullable=False),
    Column("patient_digest", String(64)),
    Column("patient", Text),
    Column("suspicion", Text),
    Column("status", Integer, nullable=False),
    Column("milliseconds", Double, nullable=False),
    Index("audit_decision_at", "at"),
)

# One row for each card that was shown (`why` is empty), and for each alert that was not.
cards = Table(
    "audit_card",
    metadata,
    Column("writer", String(32), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("uuid", Text),
    Column("alert", Text, nullable=False),
    Column("alert_key", Text),
    Column("recommendations", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("indicator", Text, nullable=False),
    Column("shown", Boolean, nullable=False),
    Column("why", Text),
    ForeignKeyConstraint(["writer", "number"], ["audit_decision.writer", "audit_decision.number"]),
    Index("audit_card_uuid", "uuid", unique=True),
)

# `digest` tells a repeated delivery. `comment` is empty unless the site keeps comments; its length is always kept.
feedback = Table(
    "feedback",
    metadata,
    *_chained(),
    Column("received", String(24), nullable=False),
    Column("service", Text, nullable=False),
    Column("card", Text, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("outcome_at", String(24), nullable=False),
    Column("suggestions", Text, nullable=False),
    Column("reason_system", Text),
    Column("reason_code", Text),
    Column("reason_display", Text),
    Column("comment", Text),
    Column("comment_length", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Index("feedback_digest", "digest", unique=True),
    Index("feedback_card", "card"),
    Index("feedback_received", "received"),
)

# The suppression memory. It is no audit: rows are renewed, forgotten and, when they have expired, swept away.
shown_alerts = Table(
    "shown_alert",
    metadata,
    Column("alert_key", String(128), primary_key=True),
    Column("alert", Text, nullable=False),
    Column("recommendations", Text, nullable=False),
    Column("patient_digest", String(64), nullable=False),
    Column("facts_digest", String(64), nullable=False),
    Column("shown_at", String(24), nullable=False),
    Column("expires", String(24), nullable=False),
    Column("forgotten_at", String(24)),
    Index("shown_alert_expires", "expires"),
    Index("shown_alert_patient", "patient_digest"),
)

CHAIN_COLUMNS = frozenset({"writer", "number", "previous", "hash"})
