"""Texts from outside, made safe to keep and to print."""

from __future__ import annotations

import json
from collections.abc import Iterable

UNKNOWN = "\ufffd"


def kept_text(text: str) -> str:
    """The text without what a database or a terminal cannot take; line ends and tabs stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t\xa0" else UNKNOWN for c in text)


def one_line(text: str) -> str:
    """The same, on one line."""
    return " ".join(kept_text(text).split())


def kept_list(names: Iterable[str]) -> str:
    """Several short texts in one column, as a JSON array."""
    return json.dumps([kept_text(name) for name in names], ensure_ascii=False, separators=(",", ":"))


def read_list(column: str) -> tuple[str, ...]:
    """What `kept_list` wrote."""
    return tuple(json.loads(column))


def card_name(uuid: str) -> str:
    """A card's uuid in one form: clients may send it with the prefix `urn:uuid:` or in capitals."""
    return kept_text(uuid.strip().lower().removeprefix("urn:uuid:"))
