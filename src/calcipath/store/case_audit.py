"""Acts on the case register in the chain of the audit: who did what to which case. Never content, never a label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert

from calcipath.store.store import Writing
from calcipath.store.tables import CHAIN_COLUMNS, case_acts
from calcipath.store.texts import kept_text

CASE = "case"  # the kind of entry


@dataclass(frozen=True, slots=True)
class CaseAct:
    """One act. `at` is an instant as the store writes it; `digest` is keyed, over the content that the act was about.

    `entry` is the number of the case's first entry that the act wrote, `entries` how many it wrote. `account` is empty
    where nobody is known, `handle` where the act is about no case.
    """

    at: str
    action: str
    account: str = ""
    handle: str = ""
    entry: int | None = None
    entries: int | None = None
    digest: str = ""


def note_act(writing: Writing, act: CaseAct) -> None:
    """Put the act into the audit, within the transaction that does it."""
    row = {
        "at": act.at,
        "account": kept_text(act.account) or None,
        "action": act.action,
        "handle": act.handle or None,
        "entry": act.entry,
        "entries": act.entries,
        "digest": act.digest or None,
    }
    writing.connection.execute(insert(case_acts).values(**writing.place(CASE, act.at, row), **row))


def act_content(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the entry's hash covers."""
    return {name: value for name, value in row.items() if name not in CHAIN_COLUMNS}
