"""The outcome of evaluating a condition: its value, what it rests on, what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from calcipath.record.evidence import Evidence, Value


class Outcome(NamedTuple):
    """`value` is True, False, a text, an interval, or None for unknown.

    `because` is the evidence that decided; `missing` the facts without which it could not be decided, or which a
    case passed over.
    """

    value: Value
    because: tuple[Evidence, ...] = ()
    missing: tuple[str, ...] = ()


UNKNOWN = Outcome(None)


def joined_evidence(outcomes: Iterable[Outcome]) -> tuple[Evidence, ...]:
    """The evidence of all, each once, in order."""
    return tuple(dict.fromkeys(item for outcome in outcomes for item in outcome.because))


def joined_missing(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """The missing facts of all, each once, in order."""
    return tuple(dict.fromkeys(name for outcome in outcomes for name in outcome.missing))
