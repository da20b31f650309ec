"""The laboratory's reference range of a value, in the fact's canonical unit.

A range that cannot be the range of what was measured is passed over without a problem: the guideline's own range is
used instead.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from calcipath.guideline.analytes import Analyte
from calcipath.guideline.unit_aliases import UnitAliases
from calcipath.record.model import Quantity
from calcipath.record.quantities import EVERYTHING, Normalised, normalise

FURTHEST = 3.0  # a limit this many times off the usual one belongs to something else (protein S "7-115 %")
_NUMBER = r"(\d+(?:[.,]\d+)?)"
_BOTH = re.compile(rf"\W*{_NUMBER}\s*(?:-|\u2013|\u2014|to|\.\.)\s*{_NUMBER}(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_ONE = re.compile(
    rf"\s*(?P<sign><=?|>=?|\u2264|\u2265|up to|below|less than|under|above|greater than|over)\s*{_NUMBER}(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_UPPER = ("<", "\u2264", "up to", "below", "less than", "under")
_A_GOAL = re.compile(r"\b(?:target|goal|therapeutic|treatment)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReferenceRange:
    """Limits of normal in the canonical unit; a side that is not limited is None."""

    low: float | None
    high: float | None


def reference_range(
    low: Quantity | None,
    high: Quantity | None,
    text: str = "",
    *,
    value: Quantity | None,
    unit: str,
    aliases: UnitAliases,
    analyte: Analyte | None = None,
    accepted_units: Sequence[str] = (),
    plausible: tuple[float, float] = EVERYTHING,
    usual: tuple[float, float] | None = None,
) -> ReferenceRange | None:
    """The range in `unit`, or None when there is none that can be used.

    A limit without a unit takes that of `value`. `text` ("3.5-5.5 mg/dL", "< 6", "7-115%") is read when no limit is
    given; one that calls itself a target is no range of normal. `usual` is the guideline's own range: a limit more
    than three times off it, or one outside `plausible`, makes the whole range unusable.
    """
    if low is None and high is None:
        low, high = _limits_of_text(text, aliases)
    if low is None and high is None:
        return None

    def limit(given: Quantity | None) -> float | None:
        read = normalise(
            _with_unit(given, value) if given else Quantity(float("nan")),
            unit=unit, aliases=aliases, analyte=analyte, accepted_units=accepted_units,
            plausible=(min(plausible[0], 0.0), plausible[1]),
        )  # fmt: skip
        return read.value if isinstance(read, Normalised) else None

    bottom, top = limit(low), limit(high)
    if (low is not None and bottom is None) or (high is not None and top is None):
        return None
    if bottom is not None and top is not None and bottom >= top:
        return None
    if usual and not (_near(bottom, usual[0]) and _near(top, usual[1])):
        return None
    if bottom is not None and 0 < bottom < plausible[0]:
        return None
    return ReferenceRange(bottom, top)


def _near(limit: float | None, usual: float) -> bool:
    if limit is None or limit <= 0 or usual <= 0:
        return True
    return usual / FURTHEST <= limit <= usual * FURTHEST


def _with_unit(limit: Quantity, value: Quantity | None) -> Quantity:
    limit = replace(limit, comparator="")
    if limit.unit.strip() or limit.code.strip() or value is None:
        return limit
    return replace(limit, unit=value.unit, system=value.system, code=value.code)


def _limits_of_text(text: str, aliases: UnitAliases) -> tuple[Quantity | None, Quantity | None]:
    if _A_GOAL.search(text):
        return None, None
    if match := _BOTH.match(text):
        unit = _unit_at_start(match["rest"], aliases)
        if unit is not None:
            return Quantity(_decimal(match[1]), unit), Quantity(_decimal(match[2]), unit)
    elif match := _ONE.match(text):
        unit = _unit_at_start(match["rest"], aliases)
        if unit is not None:
            limit = Quantity(_decimal(match[2]), unit)
            return (None, limit) if match["sign"].lower().startswith(_UPPER) else (limit, None)
    return None, None


def _decimal(text: str) -> float:
    return float(text.replace(",", "."))


def _unit_at_start(rest: str, aliases: UnitAliases) -> str | None:
    """The unit that follows the numbers; '' when nothing does, None when what follows cannot be read."""
    words = rest.strip(" ()[];,\t\n").split()
    if not words:
        return ""
    for length in range(min(3, len(words)), 0, -1):
        unit = " ".join(words[:length]).strip(";,)")
        if aliases.readings(unit) and not any(character.isdigit() for word in words[length:] for character in word):
            return unit
    return None
