"""Feedback as clients send it (CDS Hooks 2.0, "Feedback"), read and checked. Pure: no store, no clock.

Unknown members and extensions are ignored. Null and empty members count as left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

from calcipath.errors import InputError
from calcipath.store.texts import card_name, kept_text, one_line

MOST_ITEMS = 1000  # of one delivery
MOST_SUGGESTIONS = 100  # of one item
LONGEST_NAME, LONGEST_DISPLAY, LONGEST_COMMENT = 256, 1000, 20_000  # characters
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
# RFC 3339, section 5.6; the specification asks for UTC, an offset is understood.
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII)

Outcome = Literal["accepted", "overridden"]


@dataclass(frozen=True, slots=True)
class OverrideCoding:
    """The reason that the user chose; `display` may be empty."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True)
class FeedbackItem:
    """What a user did with a card. `at` is in seconds since 1970; `comment` is the user's own words, or empty."""

    card: str
    outcome: Outcome
    at: float
    suggestions: tuple[str, ...] = ()
    reason: OverrideCoding | None = None
    comment: str = ""


def parsed_feedback(body: object) -> tuple[FeedbackItem, ...]:
    """The items of a delivery (register 154 to 161; invariants cds-fb-1 to cds-fb-3 of the 3.0 ballot).

    Raises `InputError` with one sentence for the first fault: the member's path, and nothing of what was sent.
    """
    if not isinstance(body, Mapping):
        raise InputError("the body must be a JSON object")
    items = body.get("feedback")
    if not isinstance(items, list):
        raise InputError("feedback: must be an array")
    if len(items) > MOST_ITEMS:
        raise InputError(f"feedback: holds more than {MOST_ITEMS} items")
    return tuple(_item(item, f"feedback[{number}]") for number, item in enumerate(items))


def _item(item: object, where: str) -> FeedbackItem:
    if not isinstance(item, Mapping):
        raise InputError(f"{where}: must be an object")
    outcome = item.get("outcome")
    if outcome not in ("accepted", "overridden"):
        raise InputError(f"{where}.outcome: must be 'accepted' or 'overridden'")
    card = card_name(_name(item, "card", where))
    if not card:
        raise InputError(f"{where}.card: must be a text")
    at = _instant(item.get("outcomeTimestamp"), f"{where}.outcomeTimestamp")
    suggestions = _suggestions(item, where)
    if outcome == "accepted" and not suggestions:
        raise InputError(f"{where}.acceptedSuggestions: is needed where the outcome is 'accepted'")
    reason, comment = _override(item, where)
    return FeedbackItem(card, cast(Outcome, outcome), at, suggestions, reason, comment)


def _name(entry: Mapping[Any, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip() or not value.strip().isprintable():
        raise InputError(f"{where}.{key}: must be a text")
    if len(value) > LONGEST_NAME:
        raise InputError(f"{where}.{key}: is longer than {LONGEST_NAME} characters")
    return value.strip()


def _instant(value: object, where: str) -> float:
    match = _INSTANT.fullmatch(value) if isinstance(value, str) and len(value) <= 64 else None
    if match is None:
        raise InputError(f"{where}: must be a date and time with seconds and 'Z' (RFC 3339)")
    day, minute, second, fraction, sign, hours, minutes = match.groups()
    # Python knows no leap second: 23:59:60 is read as the second before.
    text = f"{day}T{minute}:{'59' if second == '60' else second}.{(fraction or '0')[:6].ljust(6, '0')}+00:00"
    try:
        if sign and (int(hours) > 23 or int(minutes) > 59):
            raise ValueError
        offset = timedelta(hours=int(hours), minutes=int(minutes)) if sign else timedelta()
        found = datetime.fromisoformat(text) - (-offset if sign == "-" else offset)
    except (ValueError, OverflowError):
        raise InputError(f"{where}: names no real date and time") from None
    if not EARLIEST <= found < LATEST:
        raise InputError(f"{where}: must lie in the years 1970 to 9998")
    return found.timestamp()


def _suggestions(item: Mapping[Any, Any], where: str) -> tuple[str, ...]:
    given = item.get("acceptedSuggestions")
    if given is None:
        return ()
    where = f"{where}.acceptedSuggestions"
    if not isinstance(given, list):
        raise InputError(f"{where}: must be an array")
    if len(given) > MOST_SUGGESTIONS:
        raise InputError(f"{where}: holds more than {MOST_SUGGESTIONS} suggestions")
    found = []
    for number, suggestion in enumerate(given):
        if not isinstance(suggestion, Mapping):
            raise InputError(f"{where}[{number}]: must be an object")
        found.append(_name(suggestion, "id", f"{where}[{number}]"))
    return tuple(found)


def _override(item: Mapping[Any, Any], where: str) -> tuple[OverrideCoding | None, str]:
    given = item.get("overrideReason")
    if given is None:
        return None, ""
    where = f"{where}.overrideReason"
    if not isinstance(given, Mapping):
        raise InputError(f"{where}: must be an object")
    comment = given.get("userComment")
    if comment is not None and not isinstance(comment, str):
        raise InputError(f"{where}.userComment: must be a text")
    if comment and len(comment) > LONGEST_COMMENT:
        raise InputError(f"{where}.userComment: is longer than {LONGEST_COMMENT} characters")
    reason = _coding(given.get("reason"), f"{where}.reason")
    said = kept_text(comment or "").strip()
    if reason is None and not said:
        raise InputError(f"{where}: must hold 'reason', 'userComment' or both")
    return reason, said


def _coding(value: object, where: str) -> OverrideCoding | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: must be a Coding")
    display = value.get("display")
    if display is not None and not isinstance(display, str):
        raise InputError(f"{where}.display: must be a text")
    return OverrideCoding(
        _name(value, "system", where), _name(value, "code", where), one_line(display or "")[:LONGEST_DISPLAY]
    )
