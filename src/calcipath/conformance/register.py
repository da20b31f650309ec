"""The statements that bind a CDS Hooks service, and the further rules of this kit, read from the two tables.

Three sets: `cds-hooks_2.0` and `cds-hooks-library_1.0.1`, numbered as in the public requirement register of the Da Vinci
CRD test kit (Apache-2.0; the paraphrases are our own), and `kit`: rules from other standards that a client relies on.
In code a statement goes by a short name: `83`, `L16` (library) or `K6` (kit).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from calcipath.errors import CalcipathError

HOOKS, LIBRARY, KIT = "cds-hooks_2.0", "cds-hooks-library_1.0.1", "kit"
_PREFIXES = {HOOKS: "", LIBRARY: "L", KIT: "K"}
VERBS = frozenset({"SHALL", "SHALL NOT", "SHOULD", "SHOULD NOT", "MAY", "DEPRECATED"})
COUNT = 143


class UnknownStatementError(CalcipathError):
    """A check speaks of a statement that the register does not hold: a fault of the kit."""


class RegisterError(CalcipathError):
    """A table of statements is not sound: a fault of the kit."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One numbered statement.

    `verb` is its conformance verb, `rule` what it wants in our words, `source` the address or document of its text.
    `checked_by` is the id of the check that answers it; where it is empty, `reason` says why none can from outside.
    """

    group: str
    number: int
    verb: str
    rule: str
    conditional: bool
    source: str
    checked_by: str
    reason: str = ""

    @property
    def code(self) -> str:
        """The short name used in code."""
        return f"{_PREFIXES[self.group]}{self.number}"

    @property
    def name(self) -> str:
        """The name used in reports, such as `cds-hooks_2.0 #83`."""
        return f"{self.group} #{self.number}"

    @property
    def advisory(self) -> bool:
        """Whether a breach is a warning: SHOULD and SHOULD NOT. A permission that is used wrongly is a fault."""
        return self.verb.startswith("SHOULD")


@cache
def statements() -> Mapping[str, Statement]:
    """Every statement by its short name: the register in its order, then the further rules.

    Raises `RegisterError` when a table is not sound.
    """
    found: dict[str, Statement] = {}
    for statement in (*_register(), *_further_rules()):
        _check(statement)
        if statement.code in found:
            raise RegisterError(f"{statement.name} stands twice in the tables")
        found[statement.code] = statement
    if sum(statement.group != KIT for statement in found.values()) != COUNT:
        raise RegisterError(f"the register must hold {COUNT} statements")
    return MappingProxyType(found)


def statement(code: str) -> Statement:
    """The statement of a short name. Raises `UnknownStatementError`."""
    found = statements().get(code)
    if found is None:
        raise UnknownStatementError(f"no statement {code!r} is in the register")
    return found


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = files("calcipath.conformance").joinpath(name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())


def _register() -> Iterator[Statement]:
    for row in _rows("register.csv"):
        yield Statement(
            group=row["set"],
            number=int(row["number"]),
            verb=row["conformance"],
            rule=row["paraphrase"],
            conditional=row["conditional"] == "true",
            source=row["url"],
            checked_by=row["checked_by"],
            reason=row["reason"],
        )


def _further_rules() -> Iterator[Statement]:
    for row in _rows("further-rules.csv"):
        yield Statement(
            group=KIT,
            number=int(row["number"]),
            verb=row["conformance"],
            rule=row["paraphrase"],
            conditional=False,
            source=row["basis"],
            checked_by=row["checked_by"],
        )


def _check(statement: Statement) -> None:
    if statement.group not in _PREFIXES or statement.verb not in VERBS:
        raise RegisterError(f"{statement.name} has an unknown set or verb")
    if not statement.rule or len(statement.rule) > 160:
        raise RegisterError(f"{statement.name} needs a paraphrase of at most 160 characters")
    if bool(statement.checked_by) == bool(statement.reason):
        raise RegisterError(f"{statement.name} needs either a check or a reason")
