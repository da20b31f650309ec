"""The keeper of a service on its database (`calcipath.store`)."""

from __future__ import annotations

from collections.abc import Sequence

from calcipath.service.keeping import Decision, KeptCard
from calcipath.service.settings import Settings
from calcipath.store.audit import AuditedCard, AuditedDecision, record_decision
from calcipath.store.feedback import record
from calcipath.store.feedback_items import parsed_feedback
from calcipath.store.memory import ShownAlert, seen, sweep
from calcipath.store.store import Store, open_store


class StoreKeeper:
    """Keeps decisions, feedback and the memory of what was shown."""

    def __init__(self, store: Store, *, keep_comments: bool) -> None:
        self._store, self._keep_comments = store, keep_comments

    @classmethod
    def open(cls, settings: Settings) -> StoreKeeper:
        """Open the settings' database and bring it up to date. Raises `StoreError` in one sentence."""
        return cls(open_store(settings.store), keep_comments=settings.keep_comments)

    def sweep(self, now: float) -> None:
        """Take out what need not be remembered any more."""
        sweep(self._store, now=now)

    @property
    def store(self) -> Store:
        """The database itself."""
        return self._store

    def close(self) -> None:
        """Give the connections back."""
        self._store.close()

    def seen(self, keys: Sequence[str], now: float) -> frozenset[str]:
        """Which keys are remembered."""
        return seen(self._store, keys, now=now)

    def decided(self, decision: Decision, remember_until: float) -> None:
        """Keep a decision and remember what was shown, both or neither."""
        shown = [] if remember_until <= decision.at else [card for card in decision.cards if not card.why]
        remember = [_remembered(card, decision, remember_until) for card in shown]
        record_decision(self._store, _audited(decision), remember)

    def feedback(self, service: str, body: object, now: float) -> int:
        """Keep feedback. Raises `InputError` naming what is wrong."""
        items = parsed_feedback(body)
        return record(self._store, service, items, now=now, keep_comments=self._keep_comments).items


def _audited(decision: Decision) -> AuditedDecision:
    name, _, version = decision.guideline.partition(" ")
    return AuditedDecision(
        at=decision.at,
        service=decision.service,
        hook=decision.hook,
        hook_instance=decision.instance,
        guideline=name,
        guideline_version=version,
        content_digest=decision.content,
        input_digest=decision.input_digest,
        patient_digest=decision.patient_digest,
        cards=tuple(_card(card) for card in decision.cards),
        status=decision.status,
        milliseconds=decision.milliseconds,
        issuer=decision.issuer,
        tenant=decision.tenant,
        patient=decision.patient,
        suspicion=decision.level,
    )


def _card(card: KeptCard) -> AuditedCard:
    verdict = "urgent" if card.alert.startswith("urgent:") else "held" if card.held else "yes"
    return AuditedCard(card.alert, card.recommendations, verdict, card.indicator, card.uuid, card.key, card.why)


def _remembered(card: KeptCard, decision: Decision, until: float) -> ShownAlert:
    return ShownAlert(
        card.key, card.alert, card.recommendations, decision.patient_digest, card.facts_digest, decision.at, until
    )
