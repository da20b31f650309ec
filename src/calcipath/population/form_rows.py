"""What a content says, as rows: the tables that the picking query joins with the entries (`picking_sql.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of a content: where its three times stand, and what else the choice of entries needs.

    `*_from` are `TimeSource`s; where one is CONTENT, low, high and the date as written stand here.
    """

    content: int
    event: int
    started_from: int
    ended_from: int
    issued_from: int
    started_low: float
    started_high: float
    ended_low: float
    ended_high: float
    issued_low: float
    issued_high: float
    dated_from: int  # the time that must not lie in the future
    dated: str  # that time as written, where it stands in the content
    shown_from: int  # the time to show with it
    shown: str
    planned: bool
    ongoing: bool  # status active: its end is a plan
    stay: bool  # an active encounter in hospital


@dataclass(frozen=True, slots=True)
class VoteRow:
    event: int
    fact: int
    says: int
    reach: int
    lasting: bool  # counts as said now, whatever its date
    lasting_undated: bool  # so where it has none
    above: float
    by_code: bool


@dataclass(frozen=True, slots=True)
class MeasureRow:
    event: int
    fact: int
    from_value: bool  # the number is the entry's `value`, else `number`
    number: float
    has_number: bool
    factor: float
    shift: float
    bound: int
    low_end: float
    believable_low: float
    believable_high: float
    has_limits: bool
    limit_low: float
    limit_high: float
    position: str  # where the content itself says it


@dataclass(frozen=True, slots=True)
class BeginningRow:
    event: int
    fact: int
    only_bounds: bool


@dataclass(frozen=True, slots=True)
class FrequencyRow:
    event: int
    fact: int
    per_week: float
    timed: bool


@dataclass(frozen=True, slots=True)
class LengthRow:
    event: int
    fact: int
    seconds: float  # NaN where only the times of the entry could say it
    timed: bool
    ordered: bool


@dataclass(frozen=True, slots=True)
class OtherUnitRow:
    """Another unit in which the number of a measure could have been meant: number x factor + shift."""

    event: int
    fact: int
    factor: float
    shift: float


@dataclass(frozen=True, slots=True)
class ContentRow:
    """A content that was read. `recognised`: at least one of its codes, names or words stands for something."""

    content: int
    resource_type: str
    events: int
    recognised: bool


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """What of a content was not used as written, by the content itself. `fact`: the fact it touches, or empty."""

    content: int
    resource_type: str
    problem: str
    handling: str
    fact: str


@dataclass(frozen=True, slots=True)
class UnknownCodeRow:
    """A code of a content that is in no value set of the guideline."""

    content: int
    system: str
    code: str


@dataclass(slots=True)
class Forms:
    """All rows of some contents."""

    contents: list[ContentRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    votes: list[VoteRow] = field(default_factory=list)
    measures: list[MeasureRow] = field(default_factory=list)
    other_units: list[OtherUnitRow] = field(default_factory=list)
    beginnings: list[BeginningRow] = field(default_factory=list)
    frequencies: list[FrequencyRow] = field(default_factory=list)
    lengths: list[LengthRow] = field(default_factory=list)
    problems: list[ProblemRow] = field(default_factory=list)
    unknown_codes: list[UnknownCodeRow] = field(default_factory=list)


FORM_TABLES: Final[Mapping[str, tuple[str, type]]] = {
    "form_content": ("contents", ContentRow),
    "form_event": ("events", EventRow),
    "form_vote": ("votes", VoteRow),
    "form_measure": ("measures", MeasureRow),
    "form_other_unit": ("other_units", OtherUnitRow),
    "form_beginning": ("beginnings", BeginningRow),
    "form_frequency": ("frequencies", FrequencyRow),
    "form_length": ("lengths", LengthRow),
    "form_problem": ("problems", ProblemRow),
    "form_unknown_code": ("unknown_codes", UnknownCodeRow),
}
BEARING: Final = ("form_vote", "form_measure", "form_beginning", "form_frequency", "form_length")
Columns = dict[str, Any]  # arrays of one length, by name
_ARRAYS: Final[Mapping[str, Any]] = {"int": np.int64, "float": np.float64, "bool": np.bool_, "str": object}
_TYPES: Final = {"int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "str": "VARCHAR"}


def columns_of(row_type: type, found: Sequence[Any]) -> Columns:
    """Frozen rows as columns; None is NaN."""
    columns: Columns = {}
    for each in fields(row_type):
        written = str(each.type)
        values = [getattr(row, each.name) for row in found]
        if "None" in written:
            values = [np.nan if value is None else value for value in values]
        columns[each.name] = np.array(values, dtype=_ARRAYS[written.split(" ")[0]])
    return columns


def columns_of_forms(forms: Forms) -> dict[str, Columns]:
    """The tables that have rows, as columns: compact, to be handed from process to process."""
    found = ((table, row_type, getattr(forms, member)) for table, (member, row_type) in FORM_TABLES.items())
    return {table: columns_of(row_type, rows) for table, row_type, rows in found if rows}


def speaking_sql(since: int = -1) -> str:
    """The contents, of those with numbers above `since`, that bear on a fact or tell of a stay in hospital."""
    told = " UNION ".join(f"SELECT event FROM {table}" for table in BEARING)
    return f"SELECT DISTINCT content FROM form_event WHERE content > {since} AND (stay OR event IN ({told}))"


def table_columns(row_type: type) -> str:
    """The columns of a table of such rows, for CREATE TABLE."""
    return ", ".join(f"{each.name} {_TYPES[str(each.type).split(' ')[0]]}" for each in fields(row_type))
