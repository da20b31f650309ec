"""The checks of the kit: the occasion of each, which a report names where it did not arise.

Which statements a check answers stands in the tables (`checked_by`); this is the list that those ids must be on.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from calcipath.conformance.register import Statement, statements

OCCASIONS: Mapping[str, str] = MappingProxyType(
    {
        "json": "no answer had a body",
        "https": "the service runs on this machine: a trial, not production",
        "no-empty": "no answer had a JSON body",
        "discovery-path": "discovery was not asked",
        "discovery-shape": "discovery gave no body",
        "service-fields": "no service states it",
        "discovery-status": "discovery gave no such status",
        "service-address": "no service was called",
        "speed": "no call succeeded",
        "prefetch-use": "no call with prefetch succeeded",
        "prefetch-templates": "no service has such templates",
        "fhir-access": "the service made no call of the FHIR server",
        "operation-outcome": "no service asks for prefetch",
        "missing-data": "every call was answered without the data",
        "prefetch-tokens": "no template has such a token",
        "prefetch-queries": "no service asks for prefetch",
        "response": "no answer was of this kind",
        "card-uuid": "no card was of this kind",
        "card-summary": "no card was returned",
        "card-detail": "no card had detail",
        "card-indicator": "no card had an indicator to judge",
        "card-source": "no card was returned",
        "card-suggestions": "no card had suggestions",
        "override-reasons": "no card had override reasons",
        "card-links": "no card had links",
        "source": "no source had this",
        "drill-down": "no address named this patient's details",
        "source-icon": "no icon was fetched",
        "source-topic": "no source had a topic with this",
        "suggestion": "no suggestion had this",
        "actions-together": "no suggestion had several actions",
        "action": "no action was of this kind",
        "link": "no link had this",
        "feedback": "there is no feedback endpoint",
        "authentication": "no call showed it",
        "cors": "no origin is let in, and none was given (--origin)",
        "same-id": "no id stands under several hooks",
        "extension": "no answer had an extension",
        "coding": "no coding was returned",
        "hook-tokens": "no template of that hook uses it",
        "unknown-service": "no unknown service was called",
        "bad-request": "no such request was made",
        "error-body": "no call was answered with an error",
        "robustness": "no call showed it",
        "refusal": "no token was refused",
        "ballot-fields": "it is not used",
        "unknown-members": "no answer had a JSON object",
        "card-uuid-reuse": "no card had a uuid",
    }
)


def answered_by(check: str) -> tuple[Statement, ...]:
    """The statements that a check answers."""
    return tuple(statement for statement in statements().values() if statement.checked_by == check)
