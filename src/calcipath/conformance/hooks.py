"""The published hooks: fields of their context, which may stand in a prefetch token, and versions.

From the hook library (HL7 cds-hooks-library, register `cds-hooks-library_1.0.1` for six of them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

USER_TOKENS = frozenset({"userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId"})


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook. `tokens` may stand in a token, `others` may not; `numbers` are the statements of the library."""

    name: str
    required: tuple[str, ...]
    tokens: tuple[str, ...]
    others: tuple[str, ...] = ()
    versions: tuple[str, ...] = ("1.0",)
    numbers: Mapping[str, int] = field(default_factory=dict)

    @property
    def fields(self) -> frozenset[str]:
        """Every field of the context."""
        return frozenset((*self.tokens, *self.others))


_USUAL = ("userId", "patientId", "encounterId")
_ALL = (
    Hook("patient-view", ("userId", "patientId"), _USUAL),
    Hook(
        "order-select",
        ("userId", "patientId", "draftOrders"),
        _USUAL,
        ("selections", "draftOrders"),
        ("1.0", "1.0.1", "1.0.2"),
        {"userId": 77, "patientId": 81, "encounterId": 85, "selections": 89, "draftOrders": 93},
    ),
    Hook(
        "order-sign",
        ("userId", "patientId", "draftOrders"),
        _USUAL,
        ("draftOrders",),
        ("1.0", "1.0.1", "1.1.0"),
        {"userId": 4, "patientId": 8, "encounterId": 12, "draftOrders": 16},
    ),
    Hook(
        "appointment-book",
        ("userId", "patientId", "appointments"),
        _USUAL,
        ("appointments",),
        numbers={"userId": 20, "patientId": 24, "encounterId": 28, "appointments": 32},
    ),
    Hook("encounter-start", _USUAL, _USUAL, numbers={"userId": 36, "patientId": 40, "encounterId": 44}),
    Hook("encounter-discharge", _USUAL, _USUAL, numbers={"userId": 48, "patientId": 52, "encounterId": 56}),
    Hook(
        "order-dispatch",
        ("patientId", "dispatchedOrders", "performer"),
        ("patientId", "dispatchedOrders", "performer"),
        ("fulfillmentTasks",),
        ("1.0", "1.1"),
        {"patientId": 60, "dispatchedOrders": 64, "performer": 68, "fulfillmentTasks": 73},
    ),
    Hook("problem-list-item-create", ("userId", "patientId", "conditions"), _USUAL, ("conditions",), ("0.1.0", "1.0")),
    Hook(
        "allergyintolerance-create",
        ("userId", "patientId", "allergyIntolerance"),
        _USUAL,
        ("allergyIntolerance",),
        ("0.1.0", "1.0"),
    ),
    Hook("medication-refill", ("patientId", "medications"), _USUAL, ("medications",), ("0.1.0", "1.0")),
    Hook("medication-verify", ("userId", "patientId", "medication"), _USUAL, ("medication",), ("0.1.0", "1.0")),
)
HOOKS: Mapping[str, Hook] = MappingProxyType({hook.name: hook for hook in _ALL})


def same_version(given: str, published: str) -> bool:
    """Whether two versions are the same when missing parts count as zero: 1.0 is 1.0.0."""
    return _padded(given) == _padded(published)


def _padded(version: str) -> tuple[str, ...]:
    parts = version.split(".")
    return tuple((*parts, "0", "0")[: max(3, len(parts))])
