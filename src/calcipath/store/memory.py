"""The suppression memory: which alerts were shown for which facts, so that none is shown twice.

It can be looked at (`listing`) and taken back (`forget`). Keys are opaque: the caller makes them of the patient, the
alert and the facts behind it. Nothing here reads the clock.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from calcipath.store.instants import instant_text, seconds_of
from calcipath.store.store import Store
from calcipath.store.tables import shown_alerts
from calcipath.store.texts import kept_list, kept_text, read_list

_AT_ONCE = 500  # keys in one question: SQLite allows 999 variables at least
_RENEWED = tuple(column.name for column in shown_alerts.columns if column.name != "alert_key")


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """An alert that was shown. Times are in seconds since 1970; from `expires` on it may be shown again."""

    key: str
    alert: str
    recommendations: tuple[str, ...]
    patient_digest: str
    facts_digest: str
    shown_at: float
    expires: float
    forgotten_at: float | None = None


def seen(store: Store, keys: Collection[str], *, now: float) -> frozenset[str]:
    """Which of the keys were shown before, have not expired and are not forgotten. Raises `StoreError`."""
    if not keys:
        return frozenset()
    found: set[str] = set()
    with store.read() as connection:
        for some in _some(sorted(set(keys))):
            stands = select(shown_alerts.c.alert_key).where(
                shown_alerts.c.alert_key.in_(some),
                shown_alerts.c.expires > instant_text(now),
                shown_alerts.c.forgotten_at.is_(None),
            )
            found.update(connection.execute(stands).scalars())
    return frozenset(found)


def _some(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]


def remember(store: Store, alerts: Sequence[ShownAlert]) -> None:
    """Remember alerts that were shown; one that is known, or was forgotten, is renewed. Raises `StoreError`."""
    if alerts:
        with store.write() as writing:
            remembered(writing.connection, alerts)


def remembered(connection: Connection, alerts: Sequence[ShownAlert]) -> None:
    """The same within a transaction of the caller. In the order of keys, so that two writers cannot block each other."""
    rows = [_row(alert) for alert in sorted({alert.key: alert for alert in alerts}.values(), key=lambda each: each.key)]
    if not rows:
        return
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(shown_alerts)
    renewed = {name: statement.excluded[name] for name in _RENEWED}
    connection.execute(statement.on_conflict_do_update(index_elements=["alert_key"], set_=renewed), rows)


def _row(alert: ShownAlert) -> dict[str, Any]:
    return {
        "alert_key": alert.key,
        "alert": kept_text(alert.alert),
        "recommendations": kept_list(alert.recommendations),
        "patient_digest": alert.patient_digest,
        "facts_digest": alert.facts_digest,
        "shown_at": instant_text(alert.shown_at),
        "expires": instant_text(alert.expires),
        "forgotten_at": None,
    }


def forget(store: Store, key: str, *, now: float) -> bool:
    """Take an alert back, so that it is shown again. False where it is not remembered. Raises `StoreError`."""
    stands = (
        update(shown_alerts)
        .where(
            shown_alerts.c.alert_key == kept_text(key),
            shown_alerts.c.expires > instant_text(now),
            shown_alerts.c.forgotten_at.is_(None),
        )
        .values(forgotten_at=instant_text(now))
    )
    with store.write() as writing:
        return writing.connection.execute(stands).rowcount == 1


def listing(
    store: Store,
    *,
    now: float,
    patient_digest: str = "",
    recommendation: str = "",
    forgotten: bool = False,
    most: int = 1000,
) -> tuple[ShownAlert, ...]:
    """What is remembered now, the latest first; with `forgotten` also what was taken back. Raises `StoreError`."""
    rows = shown_alerts.c
    query = select(shown_alerts).where(rows.expires > instant_text(now))
    if not forgotten:
        query = query.where(rows.forgotten_at.is_(None))
    if patient_digest:
        query = query.where(rows.patient_digest == patient_digest)
    if recommendation:
        query = query.where(rows.recommendations.contains(json.dumps(recommendation), autoescape=True))
    with store.read() as connection:
        found = connection.execute(query.order_by(rows.shown_at.desc(), rows.alert_key).limit(most)).mappings()
        return tuple(_alert(row) for row in found)


def sweep(store: Store, *, now: float) -> int:
    """Remove what has expired, and say how many rows that were. The audit is not touched. Raises `StoreError`.

    A row that another process is just renewing is left to a later sweep: to wait for it could block both.
    """
    expired = select(shown_alerts.c.alert_key).where(shown_alerts.c.expires <= instant_text(now))
    gone = delete(shown_alerts).where(shown_alerts.c.alert_key.in_(expired.with_for_update(skip_locked=True)))
    with store.write() as writing:
        return int(writing.connection.execute(gone).rowcount)


def _alert(row: Any) -> ShownAlert:
    return ShownAlert(
        row["alert_key"],
        row["alert"],
        read_list(row["recommendations"]),
        row["patient_digest"],
        row["facts_digest"],
        seconds_of(row["shown_at"]),
        seconds_of(row["expires"]),
        seconds_of(row["forgotten_at"]) if row["forgotten_at"] else None,
    )
