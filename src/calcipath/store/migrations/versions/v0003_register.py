"""The case register: accounts, sessions, cases with their entries and photographs, and the audit of all acts on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from calcipath.store.migrations.triggers import append_only, goes_with

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    _accounts()
    _cases()
    _audit()
    append_only("audit_case", "writer number")
    goes_with("case_entry", "case_file", "handle", "handle number")


def _accounts() -> None:
    op.create_table(
        "register_account",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", sa.Text, nullable=False),
        sa.Column("password", sa.Text),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created", sa.String(24), nullable=False),
    )
    op.create_index("register_account_name", "register_account", ["name_key"], unique=True)
    op.create_table(
        "register_session",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("account", sa.String(32), sa.ForeignKey("register_account.id"), nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created", sa.String(24), nullable=False),
        sa.Column("last_seen", sa.String(24), nullable=False),
        sa.Column("expires", sa.String(24), nullable=False),
    )
    op.create_index("register_session_account", "register_session", ["account"])
    op.create_index("register_session_expires", "register_session", ["expires"])
    op.create_table(
        "register_attempt",
        sa.Column("name_digest", sa.String(64), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last", sa.String(24), nullable=False),
        sa.Column("until", sa.String(24), nullable=False),
    )
    op.create_index("register_attempt_last", "register_attempt", ["last"])


def _cases() -> None:
    op.create_table(
        "case_file",
        sa.Column("handle", sa.String(64), primary_key=True),
        sa.Column("owner", sa.String(32), sa.ForeignKey("register_account.id"), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("created", sa.String(24), nullable=False),
        sa.Column("changed", sa.String(24), nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("date_shift", sa.Integer, nullable=False),
        sa.Column("pseudonym", sa.String(32), nullable=False),
    )
    op.create_index("case_file_owner", "case_file", ["owner"])
    op.create_index("case_file_pseudonym", "case_file", ["pseudonym"], unique=True)
    op.create_table(
        "case_access",
        sa.Column("handle", sa.String(64), sa.ForeignKey("case_file.handle", ondelete="CASCADE"), primary_key=True),
        sa.Column("account", sa.String(32), sa.ForeignKey("register_account.id"), primary_key=True),
        sa.Column("level", sa.String(8), nullable=False),
    )
    op.create_index("case_access_account", "case_access", ["account"])
    op.create_table(
        "case_entry",
        sa.Column("handle", sa.String(64), sa.ForeignKey("case_file.handle", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("resource", sa.Text),
        sa.Column("account", sa.String(32), sa.ForeignKey("register_account.id"), nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
    )
    op.create_index("case_entry_key", "case_entry", ["handle", "key", "number"])
    op.create_table(
        "case_photograph",
        sa.Column("handle", sa.String(64), sa.ForeignKey("case_file.handle", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("file", sa.String(40), nullable=False),
        sa.Column("taken", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("media_type", sa.String(16), nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("account", sa.String(32), sa.ForeignKey("register_account.id"), nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
    )
    op.create_index("case_photograph_file", "case_photograph", ["file"], unique=True)


def _audit() -> None:
    op.create_table(
        "audit_case",
        sa.Column("writer", sa.String(32), sa.ForeignKey("audit_writer.writer"), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("account", sa.Text),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("handle", sa.String(64)),
        sa.Column("entry", sa.Integer),
        sa.Column("entries", sa.Integer),
        sa.Column("digest", sa.String(64)),
    )
    op.create_index("audit_case_handle", "audit_case", ["handle"])
    op.create_index("audit_case_at", "audit_case", ["at"])
