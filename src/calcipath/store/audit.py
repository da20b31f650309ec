"""The append-only audit: one entry for each decision, with the cards that were shown and the alerts that were not.

No patient data: the patient and what was sent are there as keyed digests (`calcipath.store.digests`). The caller may
keep the patient's reference where the site wants it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert

from calcipath.store.instants import instant_text
from calcipath.store.memory import ShownAlert, remembered
from calcipath.store.store import Store
from calcipath.store.tables import CHAIN_COLUMNS, cards, decisions
from calcipath.store.texts import card_name, kept_list, kept_text

DECISION = "decision"  # the kind of entry


@dataclass(frozen=True, slots=True)
class AuditedCard:
    """A card that was shown, or an alert that was not, and why (`why`: a short text such as "budget").

    `verdict` is that of the alert's recommendations, "urgent" for an urgent finding. `key` is the key under which the
    alert is remembered. An alert without recommendations is reported under its own name.
    """

    alert: str
    recommendations: tuple[str, ...]
    verdict: str
    indicator: str
    uuid: str = ""
    key: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class AuditedDecision:
    """One answered call. `at` is in seconds since 1970; the digests are hexadecimal.

    `content_digest` is of the guideline's content and value sets; `input_digest` and `patient_digest` are keyed.
    `patient` stays empty unless the site keeps patients' references; `suspicion` may stay empty.
    """

    at: float
    service: str
    hook: str
    hook_instance: str
    guideline: str
    guideline_version: str
    content_digest: str
    input_digest: str
    patient_digest: str
    cards: tuple[AuditedCard, ...]
    status: int
    milliseconds: float
    issuer: str = ""
    tenant: str = ""
    patient: str = ""
    suspicion: str = ""


def record_decision(store: Store, decision: AuditedDecision, remember: Sequence[ShownAlert] = ()) -> None:
    """Keep a decision and, in the same transaction, remember the alerts that were shown.

    It is on the disk when this returns. Raises `StoreError`.
    """
    row, shown = _row(decision), [_card(position, card) for position, card in enumerate(decision.cards)]
    with store.write() as writing:
        chained = writing.place(DECISION, row["at"], decision_content(row, shown))
        writing.connection.execute(insert(decisions).values(**chained, **row))
        if shown:
            own = {"writer": chained["writer"], "number": chained["number"]}
            writing.connection.execute(insert(cards), [{**own, **card} for card in shown])
        remembered(writing.connection, remember)


def decision_content(row: Mapping[str, Any], shown: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the entry's hash covers: the decision and its cards in order."""
    said = {name: value for name, value in row.items() if name not in CHAIN_COLUMNS}
    return {**said, "cards": [_said(card) for card in shown]}


def _said(card: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in card.items() if value is not None and name not in CHAIN_COLUMNS}


def _row(decision: AuditedDecision) -> dict[str, Any]:
    return {
        "at": instant_text(decision.at),
        "service": kept_text(decision.service),
        "hook": kept_text(decision.hook),
        "hook_instance": kept_text(decision.hook_instance),
        "issuer": kept_text(decision.issuer) or None,
        "tenant": kept_text(decision.tenant) or None,
        "guideline": decision.guideline,
        "guideline_version": decision.guideline_version,
        "content_digest": decision.content_digest,
        "input_digest": decision.input_digest,
        "patient_digest": decision.patient_digest or None,
        "patient": kept_text(decision.patient) or None,
        "suspicion": decision.suspicion or None,
        "status": decision.status,
        "milliseconds": round(float(decision.milliseconds), 3),
    }


def _card(position: int, card: AuditedCard) -> dict[str, Any]:
    return {
        "position": position,
        "uuid": card_name(card.uuid) or None,
        "alert": kept_text(card.alert),
        "alert_key": card.key or None,
        "recommendations": kept_list(card.recommendations),
        "verdict": card.verdict,
        "indicator": card.indicator,
        "shown": not card.why,
        "why": card.why or None,
    }
