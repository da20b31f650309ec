"""Decisions, cards and feedback for the tests of the store, and a way round the store into its tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import create_engine, text

from calcipath.store.audit import AuditedCard, AuditedDecision
from calcipath.store.engines import read_place
from calcipath.store.feedback_items import FeedbackItem, OverrideCoding
from calcipath.store.memory import ShownAlert

NOON = 1_795_176_000.0  # 2026-11-20T12:00:00Z
DAY = 86_400.0
TABLES = ("audit_writer", "audit_decision", "audit_card", "feedback", "audit_case", "shown_alert")


def card(uuid: str = "", *recommendations: str, why: str = "", alert: str = "group:modifiable") -> AuditedCard:
    return AuditedCard(alert, recommendations, "yes", "warning", uuid=uuid, key=f"key-{uuid}", why=why)


def decision(at: float = NOON, *cards: AuditedCard, **members: Any) -> AuditedDecision:
    known: dict[str, Any] = {
        "service": "patient-view",
        "hook": "patient-view",
        "hook_instance": "8d1f",
        "guideline": "calciphylaxis",
        "guideline_version": "1.0",
        "content_digest": "c0ffee",
        "input_digest": "1" * 64,
        "patient_digest": "2" * 64,
        "status": 200,
        "milliseconds": 12.5,
        "issuer": "https://ehr.example",
        "tenant": "north",
        "suspicion": "suspected",
    }
    return AuditedDecision(at=at, cards=cards, **(known | members))


def accepted(card: str, at: float = NOON + 60, *suggestions: str) -> FeedbackItem:
    return FeedbackItem(card, "accepted", at, suggestions or ("s1",))


def overridden(card: str, at: float = NOON + 60, code: str = "", comment: str = "", display: str = "") -> FeedbackItem:
    reason = OverrideCoding("http://reasons.example", code, display) if code else None
    return FeedbackItem(card, "overridden", at, (), reason, comment)


def shown(key: str, at: float = NOON, days: float = 30, **members: Any) -> ShownAlert:
    known: dict[str, Any] = {
        "alert": "group:modifiable",
        "recommendations": ("replace-warfarin",),
        "patient_digest": "2" * 64,
        "facts_digest": "3" * 64,
    }
    return ShownAlert(key=key, shown_at=at, expires=at + days * DAY, **(known | members))


def run_sql(url: str, *statements: str, outside: bool = False, **values: Any) -> list[Any]:
    """Run SQL past the store; `outside` a transaction. The rows of the last statement."""
    engine = create_engine(read_place(url).url)
    rows: Sequence[Any] = ()
    try:
        with engine.connect() as connection:
            if outside:
                connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            for statement in statements:
                result = connection.execute(text(statement), values)
                rows = result.all() if result.returns_rows else ()
            if not outside:
                connection.commit()
    finally:
        engine.dispose()
    return list(rows)


def unlock(url: str) -> None:
    """Take the append-only triggers away, as the owner of the database can."""
    if url.startswith("sqlite"):
        names = run_sql(url, "SELECT name FROM sqlite_master WHERE type = 'trigger'")
        run_sql(url, *(f"DROP TRIGGER {name}" for (name,) in names))
    else:
        tables = [name for name in TABLES if name != "shown_alert"]
        run_sql(url, *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in tables))
