"""The audit of decisions, and the memory of alerts that were shown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from calcipath.store.migrations.triggers import append_only, only_forward, prepare

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "audit_writer",
        sa.Column("writer", sa.String(32), primary_key=True),
        sa.Column("started", sa.String(24), nullable=False),
        sa.Column("follows", sa.String(32)),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "audit_decision",
        sa.Column("writer", sa.String(32), sa.ForeignKey("audit_writer.writer"), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("hook", sa.Text, nullable=False),
        sa.Column("hook_instance", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text),
        sa.Column("tenant", sa.Text),
        sa.Column("guideline", sa.Text, nullable=False),
        sa.Column("guideline_version", sa.Text, nullable=False),
        sa.Column("content_digest", sa.Text, nullable=False),
        sa.Column("input_digest", sa.String(64), nullable=False),
        sa.Column("patient_digest", sa.String(64)),
        sa.Column("patient", sa.Text),
        sa.Column("suspicion", sa.Text),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("milliseconds", sa.Double, nullable=False),
    )
    op.create_index("audit_decision_at", "audit_decision", ["at"])
    op.create_table(
        "audit_card",
        sa.Column("writer", sa.String(32), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("uuid", sa.Text),
        sa.Column("alert", sa.Text, nullable=False),
        sa.Column("alert_key", sa.Text),
        sa.Column("recommendations", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("indicator", sa.Text, nullable=False),
        sa.Column("shown", sa.Boolean, nullable=False),
        sa.Column("why", sa.Text),
        sa.ForeignKeyConstraint(["writer", "number"], ["audit_decision.writer", "audit_decision.number"]),
    )
    op.create_index("audit_card_uuid", "audit_card", ["uuid"], unique=True)
    op.create_table(
        "shown_alert",
        sa.Column("alert_key", sa.String(128), primary_key=True),
        sa.Column("alert", sa.Text, nullable=False),
        sa.Column("recommendations", sa.Text, nullable=False),
        sa.Column("patient_digest", sa.String(64), nullable=False),
        sa.Column("facts_digest", sa.String(64), nullable=False),
        sa.Column("shown_at", sa.String(24), nullable=False),
        sa.Column("expires", sa.String(24), nullable=False),
        sa.Column("forgotten_at", sa.String(24)),
    )
    op.create_index("shown_alert_expires", "shown_alert", ["expires"])
    op.create_index("shown_alert_patient", "shown_alert", ["patient_digest"])
    prepare()
    only_forward("audit_writer")
    append_only("audit_decision", "writer number")
    append_only("audit_card", "writer number position", "uuid")
