"""The settings of a case as this page writes them: those of a bundle that is brought back are checked before it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from calcipath.errors import InputError
from calcipath.page.language import _
from calcipath.record.dates import parse_when


def _names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _answers(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def _day(value: object) -> bool:
    return value == "" or (isinstance(value, str) and is_day(value))


_KINDS: Mapping[str, Callable[[object], bool]] = {
    "as_of": lambda value: value in ("now", "record"),
    "complete": _names,  # lists that the record holds in full
    "next_visit": _day,
    "notes": lambda value: isinstance(value, bool),  # whether free text is read
    "opened": _answers,  # opening questions that were answered
    "passed": _names,  # facts that nobody knew
}


def is_day(written: str) -> bool:
    """Whether this is a whole day such as 2026-01-31."""
    return len(written) == len("2026-01-31") and parse_when(written) is not None


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises `InputError` where a setting is not as this page writes it; one that it does not know may say anything."""
    for name, kind in _KINDS.items():
        if name in settings and not kind(settings[name]):
            raise InputError(_("The settings of the exported case cannot be used: {name}", name=name))
