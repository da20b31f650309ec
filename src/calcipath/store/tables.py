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

# Acts on the case register and its accounts: never content, never a label. It outlives the cases.
case_acts = Table(
    "audit_case",
    metadata,
    *_chained(),
    Column("at", String(24), nullable=False),
    Column("account", Text),
    Column("action", String(32), nullable=False),
    Column("handle", String(64)),
    Column("entry", Integer),
    Column("entries", Integer),
    Column("digest", String(64)),
    Index("audit_case_handle", "handle"),
    Index("audit_case_at", "at"),
)

# `name_key` is the name without regard to capitals. Without a password nobody can log in by one.
accounts = Table(
    "register_account",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("password", Text),
    Column("role", String(16), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created", String(24), nullable=False),
    Index("register_account_name", "name_key", unique=True),
)

# A session is named by the digest of its token: who reads the table cannot use one.
sessions = Table(
    "register_session",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("account", String(32), ForeignKey("register_account.id"), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created", String(24), nullable=False),
    Column("last_seen", String(24), nullable=False),
    Column("expires", String(24), nullable=False),
    Index("register_session_account", "account"),
    Index("register_session_expires", "expires"),
)

# Guesses at passwords by the keyed digest of the name that was tried: people type passwords where names belong.
attempts = Table(
    "register_attempt",
    metadata,
    Column("name_digest", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last", String(24), nullable=False),
    Column("until", String(24), nullable=False),
    Index("register_attempt_last", "last"),
)

# `revision` counts the changes; `date_shift` (days) and `pseudonym` are for the de-identified table only.
case_files = Table(
    "case_file",
    metadata,
    Column("handle", String(64), primary_key=True),
    Column("owner", String(32), ForeignKey("register_account.id"), nullable=False),
    Column("label", Text, nullable=False),
    Column("created", String(24), nullable=False),
    Column("changed", String(24), nullable=False),
    Column("settings", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("date_shift", Integer, nullable=False),
    Column("pseudonym", String(32), nullable=False),
    Index("case_file_owner", "owner"),
    Index("case_file_pseudonym", "pseudonym", unique=True),
)

case_access = Table(
    "case_access",
    metadata,
    Column("handle", String(64), ForeignKey("case_file.handle", ondelete="CASCADE"), primary_key=True),
    Column("account", String(32), ForeignKey("register_account.id"), primary_key=True),
    Column("level", String(8), nullable=False),
    Index("case_access_account", "account"),
)

# Versions of the case's resources: the newest number of a key stands, and without a resource the key is removed.
case_entries = Table(
    "case_entry",
    metadata,
    Column("handle", String(64), ForeignKey("case_file.handle", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False),
    Column("resource", Text),
    Column("account", String(32), ForeignKey("register_account.id"), nullable=False),
    Column("at", String(24), nullable=False),
    Index("case_entry_key", "handle", "key", "number"),
)

# The pixels stand in a file of this name below the register's folder.
case_photographs = Table(
    "case_photograph",
    metadata,
    Column("handle", String(64), ForeignKey("case_file.handle", ondelete="CASCADE"), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("file", String(40), nullable=False),
    Column("taken", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("consent", Text, nullable=False),
    Column("media_type", String(16), nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("account", String(32), ForeignKey("register_account.id"), nullable=False),
    Column("at", String(24), nullable=False),
    Index("case_photograph_file", "file", unique=True),
)

CHAIN_COLUMNS = frozenset({"writer", "number", "previous", "hash"})
