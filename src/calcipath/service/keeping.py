"""What the service keeps of each decision, seen from the endpoints; `store_keeper` writes it to a database."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from calcipath.store.digests import keyed_digest


@dataclass(frozen=True, slots=True)
class KeptCard:
    """A card that was shown, or an alert that was not (`why`)."""

    alert: str
    recommendations: tuple[str, ...]
    indicator: str
    held: bool
    key: str
    uuid: str = ""
    why: str = ""
    facts_digest: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """One answered call: no patient data beyond keyed digests, unless the site keeps the patient's reference."""

    at: float
    service: str
    hook: str
    instance: str
    issuer: str
    tenant: str
    guideline: str
    content: str
    patient_digest: str
    input_digest: str
    patient: str
    level: str
    cards: tuple[KeptCard, ...]
    status: int
    milliseconds: float


class Keeper(Protocol):
    """Keeps decisions and feedback. Synchronous: the endpoints call it in a thread."""

    def seen(self, keys: Sequence[str], now: float) -> frozenset[str]:
        """Which of the alert keys were shown before and are remembered."""
        ...

    def decided(self, decision: Decision, remember_until: float) -> None:
        """Keep a decision, and remember the alerts that were shown."""
        ...

    def feedback(self, service: str, body: object, now: float) -> int:
        """Keep feedback and return how many items there were. Raises `InputError` naming what is wrong."""
        ...


class Digester:
    """Digests under the site's secret key (HMAC-SHA-256), so that a digest tells nothing without the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, *parts: str) -> str:
        """The digest of texts; each is set apart from the next."""
        return keyed_digest(self._key, *parts)

    def of_bytes(self, data: bytes) -> str:
        """The digest of a request's body."""
        return keyed_digest(self._key, data)


def alert_keys(digester: Digester, server: str, patient: str, facts: Mapping[str, str]) -> dict[str, str]:
    """For each alert id the key under which it is remembered: this patient of this server, these facts."""
    return {name: digester.of("alert", server, patient, name, text) for name, text in facts.items()}


def content_digest(files: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Which guideline content and value sets answered, as a short digest."""
    found = hashlib.sha256()
    for name in sorted(files):
        found.update(f"{name}\0{files[name]}\0".encode())
    for row in rows:
        found.update(repr(sorted(row.items())).encode())
    return found.hexdigest()[:16]
