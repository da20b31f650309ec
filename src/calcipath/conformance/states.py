"""What a call sends of the data that the service wants: the states of its prefetch and what is added to the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "full", "given", "absent", "nulls", "empty", "outcomes", "unknown-keys", "extension", "unknown-context", "fetch"
]
WORDS: dict[Kind, str] = {
    "full": "full prefetch",
    "given": "given request",
    "absent": "without prefetch",
    "nulls": "null prefetch",
    "empty": "empty searchsets",
    "outcomes": "OperationOutcomes as prefetch",
    "unknown-keys": "unknown prefetch keys",
    "extension": "extensions",
    "unknown-context": "unknown context field",
    "fetch": "no prefetch but a FHIR server",
}
LACKING: frozenset[Kind] = frozenset({"absent", "nulls", "empty"})
ADDING: frozenset[Kind] = frozenset({"unknown-keys", "extension", "unknown-context"})
COMPLETE: frozenset[Kind] = frozenset({"full", "given"})


@dataclass(frozen=True, slots=True)
class State:
    """One state; `key` limits it to one prefetch key, or names the file of a given request."""

    kind: Kind
    key: str = ""

    def __str__(self) -> str:
        return f"{WORDS[self.kind]}: {self.key}" if self.key else WORDS[self.kind]
