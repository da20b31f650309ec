"""How often a week, and how long, as the name of an order or procedure says it: "Hemodialysis 4 h three times a week"."""

from __future__ import annotations

import re

_WORDS = {
    "once": 1.0, "one": 1.0, "twice": 2.0, "two": 2.0, "thrice": 3.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0,
    "seven": 7.0,
}  # fmt: skip
_NUMBER = rf"(?P<number>\d+(?:\.\d+)?|{'|'.join(_WORDS)})"
_PER_WEEK = re.compile(
    rf"\b{_NUMBER}[\s-]*(?:x|times?|sessions?|days?)?[\s-]*(?:/|per|a|an|each|every)?[\s-]*(?:week(?:ly)?|wk)\b",
    re.IGNORECASE,
)
_OTHER = (
    (re.compile(r"\b(?:every other day|alternate days)\b", re.IGNORECASE), 3.5),
    (re.compile(r"\b(?:daily|every day|every night|nightly)\b", re.IGNORECASE), 7.0),
    (re.compile(r"\btiw\b", re.IGNORECASE), 3.0),
)
_LONG = re.compile(r"\b(?P<number>\d+(?:\.\d+)?)\s*-?\s*(?P<unit>h|hrs?|hours?|min|mins|minutes?)\b", re.IGNORECASE)
_ABOUT_RATHER_THAN_LENGTH = re.compile(r"(?:every|per|/)\s*$", re.IGNORECASE)


def spoken_per_week(name: str) -> float | None:
    """How often a week; None where the name does not say it once and plainly.

    >>> spoken_per_week("Hemodialysis three times a week"), spoken_per_week("haemodialysis 3x/week")
    (3.0, 3.0)
    """
    found = {_value(match["number"]) for match in _PER_WEEK.finditer(name)}
    if not found:
        found = {
            value
            for pattern, value in _OTHER
            if pattern.search(name) and not re.search("short daily", name, re.IGNORECASE)
        }
    return found.pop() if len(found) == 1 else None


def spoken_hours(name: str) -> float | None:
    """Hours that one occurrence lasts; None where the name does not say it once and plainly.

    >>> spoken_hours("Hemodialysis, 4-hour sessions"), spoken_hours("HD 240 min")
    (4.0, 4.0)
    """
    found = set()
    for match in _LONG.finditer(name):
        if _ABOUT_RATHER_THAN_LENGTH.search(name[: match.start()]):
            continue
        found.add(float(match["number"]) / (60.0 if match["unit"].lower().startswith("min") else 1.0))
    return found.pop() if len(found) == 1 else None


def _value(text: str) -> float:
    return _WORDS.get(text.lower()) or float(text)
