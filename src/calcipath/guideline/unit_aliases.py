"""What people write for units: human text to the UCUM units that it can mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from calcipath.guideline.analytes import AnalyteError
from calcipath.guideline.units import UnitError, parse_unit

_DASHES = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00b7": ".", "\u22c5": ".", "\u2219": ".", "\u00d7": "x",
                         "\u03bc": "u", "\u2044": "/", "\u2215": "/", "\u00ba": "\u00b0"})  # fmt: skip
_PER = re.compile(r"\s+per\s+", re.IGNORECASE)
_LOOSE = re.compile(r"\s*([/.])\s*")


@dataclass(frozen=True, slots=True)
class UnitAliases:
    """Spellings of units. `exact` minds upper and lower case ('K/uL'), `any_case` does not ('MG/DL').

    `misused_codes` are UCUM codes that formally name something else but are in wide use for one unit
    ('pH', a picohenry, for '[pH]'); they count only where that unit is expected.
    """

    exact: Mapping[str, tuple[str, ...]]
    any_case: Mapping[str, tuple[str, ...]]
    misused_codes: Mapping[str, str]

    def readings(self, text: str) -> tuple[str, ...]:
        """The UCUM units that a human text can mean, the likeliest first; empty when it means none we know."""
        written = normalised_text(text)
        found = [*self.exact.get(written, ()), *self.any_case.get(_key(written), ())]
        if written and _parses(written):
            found.append(written)
        return tuple(dict.fromkeys(found))


def normalised_text(text: str) -> str:
    """One spelling of micro, superscripts, dashes, 'per' and spaces; upper and lower case are kept."""
    text = unicodedata.normalize("NFKC", text.replace("\u00ba", "\u00b0")).translate(_DASHES)
    return " ".join(_LOOSE.sub(r"\1", _PER.sub("/", text.strip())).split())


def _key(text: str) -> str:
    return text.replace(" ", "").casefold()


def _parses(code: str) -> bool:
    try:
        parse_unit(code)
    except UnitError:
        return False
    return True


def read_unit_aliases(content: object) -> UnitAliases:
    """The aliases of `content/unit-aliases.yaml`, already parsed. Raises `AnalyteError` naming a bad entry."""
    if not isinstance(content, Mapping):
        raise AnalyteError("the unit aliases must be a mapping")
    exact: dict[str, tuple[str, ...]] = {}
    any_case: dict[str, tuple[str, ...]] = {}
    for unit, spellings in _section(content, "exact"):
        for spelling in spellings:
            key = normalised_text(spelling)
            exact[key] = (*exact.get(key, ()), unit)
    for unit, spellings in _section(content, "any_case"):
        for spelling in (unit, *spellings):
            key = _key(normalised_text(spelling))
            if unit not in any_case.get(key, ()):
                any_case[key] = (*any_case.get(key, ()), unit)
    misused = {code: unit for unit, codes in _section(content, "misused_codes") for code in codes}
    return UnitAliases(exact, any_case, misused)


def _section(content: Mapping[object, object], name: str) -> list[tuple[str, tuple[str, ...]]]:
    section = content.get(name)
    if not isinstance(section, Mapping):
        raise AnalyteError(f"the unit aliases must hold a mapping '{name}'")
    rows = []
    for unit, spellings in section.items():
        if not isinstance(unit, str) or not _parses(unit):
            raise AnalyteError(f"unit aliases, {name}: '{unit}' is not a UCUM unit")
        if not isinstance(spellings, list) or not all(isinstance(spelling, str) for spelling in spellings):
            raise AnalyteError(f"unit aliases, {name}: the spellings of '{unit}' must be a list of texts")
        rows.append((unit, tuple(spellings)))
    return rows
