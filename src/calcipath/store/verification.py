"""Whether the audit is whole: every entry is there, unchanged, and follows the one before it.

A hash chain shows what was changed by someone who did not rebuild the chain after it. Against someone who did, keep the
ends (`Verification.heads`) elsewhere from time to time and give them back as `sealed`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, exists, select, union

from calcipath.store.audit import DECISION, decision_content
from calcipath.store.case_audit import CASE, act_content
from calcipath.store.digests import entry_hash
from calcipath.store.feedback import FEEDBACK, feedback_content
from calcipath.store.store import Head, Store, beginning
from calcipath.store.tables import cards, case_acts, decisions, feedback, writers

MOST_FAULTS = 100  # that are named; the rest is counted
_AT_ONCE = 1000
_CARD = "card_"  # marks a card's columns in a joined row


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found. `heads` are the ends of all writers: the seal to keep elsewhere."""

    decisions: int
    feedback: int
    heads: tuple[Head, ...]
    faults: tuple[str, ...]
    more_faults: int = 0
    case_acts: int = 0

    @property
    def whole(self) -> bool:
        return not self.faults


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: str
    number: int
    previous: str
    hash: str
    content: Mapping[str, Any]


@dataclass(slots=True)
class _Walk:
    """What the walk has met so far."""

    counts: dict[str, int] = field(default_factory=lambda: {DECISION: 0, FEEDBACK: 0, CASE: 0})
    faults: list[str] = field(default_factory=list)
    more: int = 0

    def fault(self, sentence: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(sentence)
        else:
            self.more += 1


def verify(store: Store, sealed: Iterable[Head] = ()) -> Verification:
    """Walk through the whole audit. `sealed` are ends that an earlier verification gave. Raises `StoreError`."""
    walk = _Walk()
    wanted: dict[str, dict[int, str]] = {}
    for head in sealed:
        wanted.setdefault(head.writer, {})[head.number] = head.hash
    with store.read() as connection:
        known = connection.execute(select(writers).order_by(writers.c.started, writers.c.writer)).mappings().all()
        names = {row["writer"] for row in known}
        heads = []
        for row in known:
            if row["follows"] is not None and row["follows"] not in names:
                walk.fault(f"writer {row['follows']}, which came before writer {row['writer']}, is missing")
            _walk_writer(connection, row, wanted.pop(row["writer"], {}), walk)
            heads.append(Head(row["writer"], row["number"], row["hash"]))
        for writer in wanted:
            walk.fault(f"writer {writer}, which was sealed, is missing")
        _strays(connection, walk)
    counts = walk.counts
    return Verification(
        counts[DECISION], counts[FEEDBACK], tuple(heads), tuple(walk.faults), walk.more, case_acts=counts[CASE]
    )


def _walk_writer(connection: Connection, row: Mapping[Any, Any], sealed: Mapping[int, str], walk: _Walk) -> None:
    writer = row["writer"]
    number, previous = 0, beginning(writer, row["started"], row["follows"])
    left = {each: digest for each, digest in sealed.items() if each > 0}
    for entry in _entries(connection, writer):
        walk.counts[entry.kind] += 1
        where = f"writer {writer}, entry {entry.number}"
        if entry.number > number + 1:
            walk.fault(_missing(writer, number + 1, entry.number - 1))
        elif entry.number <= number:
            walk.fault(f"{where}: stands there twice")
        elif entry.previous != previous:
            walk.fault(f"{where}: does not follow what came before it")
        if entry_hash(entry.kind, writer, entry.number, entry.previous, entry.content) != entry.hash:
            walk.fault(f"{where}: was changed")
        if left.pop(entry.number, entry.hash) != entry.hash:
            walk.fault(f"{where}: is not the one that was sealed")
        number, previous = entry.number, entry.hash
    if number < row["number"]:
        walk.fault(_missing(writer, number + 1, row["number"]))
    elif number > row["number"] or previous != row["hash"]:
        walk.fault(f"writer {writer}: its last entry is not the one that it noted")
    for each in left:
        walk.fault(f"writer {writer}, entry {each}: was sealed and is missing")


def _missing(writer: str, first: int, last: int) -> str:
    if first == last:
        return f"writer {writer}, entry {first}: is missing"
    return f"writer {writer}, entries {first} to {last}: are missing"


def _entries(connection: Connection, writer: str) -> Iterator[_Entry]:
    """The writer's entries of all kinds, by number."""
    kinds = (_decisions(connection, writer), _feedback(connection, writer), _case_acts(connection, writer))
    return heapq.merge(*kinds, key=lambda entry: entry.number)


def _decisions(connection: Connection, writer: str) -> Iterator[_Entry]:
    joined = decisions.outerjoin(cards, (cards.c.writer == decisions.c.writer) & (cards.c.number == decisions.c.number))
    columns = [*decisions.columns, *(column.label(_CARD + column.name) for column in cards.columns)]
    query = select(*columns).select_from(joined).where(decisions.c.writer == writer)
    rows = connection.execute(
        query.order_by(decisions.c.number, cards.c.position), execution_options={"yield_per": _AT_ONCE}
    ).mappings()
    for _, group in groupby(rows, key=lambda row: row["number"]):
        entry = list(group)
        row = {column.name: entry[0][column.name] for column in decisions.columns}
        yield _entry(DECISION, row, decision_content(row, _shown(entry)))


def _shown(rows: Sequence[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    return [
        {column.name: row[_CARD + column.name] for column in cards.columns}
        for row in rows
        if row[_CARD + "position"] is not None
    ]


def _feedback(connection: Connection, writer: str) -> Iterator[_Entry]:
    query = select(feedback).where(feedback.c.writer == writer).order_by(feedback.c.number)
    for row in connection.execute(query, execution_options={"yield_per": _AT_ONCE}).mappings():
        yield _entry(FEEDBACK, row, feedback_content({str(name): value for name, value in row.items()}))


def _case_acts(connection: Connection, writer: str) -> Iterator[_Entry]:
    query = select(case_acts).where(case_acts.c.writer == writer).order_by(case_acts.c.number)
    for row in connection.execute(query, execution_options={"yield_per": _AT_ONCE}).mappings():
        yield _entry(CASE, row, act_content({str(name): value for name, value in row.items()}))


def _entry(kind: str, row: Mapping[Any, Any], content: Mapping[str, Any]) -> _Entry:
    return _Entry(kind, row["number"], row["previous"], row["hash"], content)


def _strays(connection: Connection, walk: _Walk) -> None:
    """Entries of a writer that is not there, and cards of a decision that is not there."""
    there = union(select(decisions.c.writer), select(feedback.c.writer), select(case_acts.c.writer)).subquery()
    lost = select(there.c.writer).where(~exists().where(writers.c.writer == there.c.writer))
    for writer in connection.execute(lost).scalars():
        walk.fault(f"writer {writer} is missing, but not its entries")
    owner = exists().where(decisions.c.writer == cards.c.writer, decisions.c.number == cards.c.number)
    for writer, number in connection.execute(select(cards.c.writer, cards.c.number).where(~owner).distinct()):
        walk.fault(f"writer {writer}, entry {number}: is missing, but not its cards")
