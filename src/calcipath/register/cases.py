"""Cases: made, listed, opened, added to, changed, deleted for good. Each method asks anew whether the account may."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select

from calcipath.errors import InputError
from calcipath.register.access import Case, Level, case_of, cases_seen, reached, touch
from calcipath.register.accounts import Account, fresh
from calcipath.register.entries import Item, Version, prepared, put, resources_of, versions
from calcipath.register.ground import Ground
from calcipath.register.picture_files import remove_files
from calcipath.register.refusals import NotAllowed, NotYours
from calcipath.store.store import Writing
from calcipath.store.tables import case_files, case_photographs
from calcipath.store.texts import one_line

LONGEST_LABEL = 200
_MOST_SETTINGS = 64 * 1024
_DAYS = 365


class Cases:
    """The cases of the register."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def create(
        self,
        account: Account,
        label: str,
        resources: Sequence[Mapping[str, Any]] = (),
        settings: Mapping[str, Any] | None = None,
    ) -> Case:
        """A new case of this account. Raises `NotAllowed` for a reader, `InputError` for what cannot be kept."""
        items = prepared(resources)
        with self._ground.store.write() as writing:
            return make_case(self._ground, writing, account, label, items, settings or {})

    def of(self, account: Account) -> tuple[Case, ...]:
        """The cases that the account owns or that are shared with it, the last changed first."""
        with self._ground.store.read() as connection:
            who = fresh(connection, account)
            query = cases_seen(who).order_by(case_files.c.changed.desc(), case_files.c.handle)
            return tuple(case_of(row, who) for row in connection.execute(query).mappings().all())

    def open(self, account: Account, handle: str, level: Level = "read", *, noted: bool = True) -> Case:
        """The case, if the account may use it so. `noted`: put it into the audit; not for a part of an open page.

        Raises `NotYours` where it is absent or not allowed.
        """
        with self._ground.store.read() as connection:
            try:
                case = reached(connection, account, handle, level, locks=False)
            except NotYours:
                case = None
        if case is None:
            self._refused(account, handle)
            raise NotYours
        if noted:
            self._ground.noted("case-opened", account.name, case.handle)
        return case

    def resources(self, account: Account, handle: str) -> list[dict[str, Any]]:
        """The resources that stand, in the order in which they first came."""
        with self._ground.store.read() as connection:
            return resources_of(connection, reached(connection, account, handle, "read").handle)

    def history(self, account: Account, handle: str, key: str = "") -> tuple[Version, ...]:
        """Every version of the entries, or of one (`Type/id`), oldest first."""
        with self._ground.store.read() as connection:
            return tuple(versions(connection, reached(connection, account, handle, "read").handle, key))

    def add(
        self,
        account: Account,
        handle: str,
        resources: Sequence[Mapping[str, Any]],
        *,
        instead_of: Sequence[str] = (),
        expected: int | None = None,
    ) -> Case:
        """Add resources or new versions of them, all or none; on the disk when this returns.

        `instead_of`: keys of entries that they correct, taken away in the same step; none of them is a photograph. What stands already is not written again. Raises `Changed` where the case is not at the `expected` revision.
        """
        items: list[Item] = [*((key, None) for key in instead_of), *prepared(resources)]
        with self._ground.store.write() as writing:
            case = reached(writing.connection, account, handle, "write", expected=expected)
            write_entries(self._ground, writing, account, case, items, "entries-added")
            return reached(writing.connection, account, handle, "write")

    def remove(self, account: Account, handle: str, key: str, *, expected: int | None = None) -> Case:
        """Take an entry (`Type/id`) away; its versions stay in the history. A photograph's file goes with its `Media`.

        Raises `InputError` where no such entry stands.
        """
        with self._ground.store.write() as writing:
            case = reached(writing.connection, account, handle, "write", expected=expected)
            if not write_entries(self._ground, writing, account, case, [(key, None)], "entry-removed"):
                raise InputError("there is no such entry in this case")
            files = _drop_photograph(writing, case.handle, key)
            after = reached(writing.connection, account, handle, "write")
        remove_files(self._ground.folder, files)
        return after

    def relabel(self, account: Account, handle: str, label: str, *, expected: int | None = None) -> Case:
        """Another label."""
        return self._changed(account, handle, expected, "label-changed", label=checked_label(label))

    def set_settings(
        self, account: Account, handle: str, settings: Mapping[str, Any], *, expected: int | None = None
    ) -> Case:
        """Other settings: all of them, not only those that differ."""
        return self._changed(account, handle, expected, "settings-changed", settings=settings_text(settings))

    def delete(self, account: Account, handle: str) -> bool:
        """Delete a case for good: entries, versions, photographs, label. Only its owner may.

        True when it is also gone from the bytes of the database's files. SQLite: False where another process was just
        reading; the next deletion or start finishes it. PostgreSQL: always False, because the server keeps old versions
        of rows until its vacuum, and its own log.
        """
        with self._ground.store.write() as writing:
            case = reached(writing.connection, account, handle, "own")
            query = select(case_photographs.c.file).where(case_photographs.c.handle == case.handle)
            files = list(writing.connection.execute(query).scalars())
            writing.connection.execute(delete(case_files).where(case_files.c.handle == case.handle))
            writing.mark_deletion()
            self._ground.note(writing, "case-deleted", account.name, case.handle)
        remove_files(self._ground.folder, files)
        return self._ground.store.wipe_deletions()

    def _changed(self, account: Account, handle: str, expected: int | None, action: str, **values: str) -> Case:
        with self._ground.store.write() as writing:
            case = reached(writing.connection, account, handle, "write", expected=expected)
            touch(writing.connection, case, self._ground.now(), **values)
            self._ground.note(writing, action, account.name, case.handle, content=tuple(values.values()))
            return reached(writing.connection, account, handle, "write")

    def _refused(self, account: Account, handle: str) -> None:
        """A case that is there and was asked for by someone who may not see it."""
        with self._ground.store.read() as connection:
            plain = handle if handle.isascii() and handle.isprintable() else ""
            there = connection.execute(select(case_files.c.handle).where(case_files.c.handle == plain)).scalar()
        if there is not None:
            self._ground.noted("case-refused", account.name, there)


def make_case(
    ground: Ground,
    writing: Writing,
    account: Account,
    label: str,
    items: Sequence[Item],
    settings: Mapping[str, Any],
    action: str = "case-made",
) -> Case:
    """A new case within a transaction of the caller."""
    who = fresh(writing.connection, account)
    if not who.may_write:
        raise NotAllowed("a reader has no cases of its own")
    at, handle = ground.now(), secrets.token_urlsafe(18)
    row = {
        "handle": handle,
        "owner": who.id,
        "label": checked_label(label),
        "created": at,
        "changed": at,
        "settings": settings_text(settings),
        "revision": 1,
        "date_shift": 1 + secrets.randbelow(_DAYS),
        "pseudonym": secrets.token_hex(8),
    }
    writing.connection.execute(insert(case_files).values(row))
    written = put(writing.connection, handle, who.id, at, items)
    ground.note(
        writing,
        action,
        who.name,
        handle,
        entry=written.first if written.items else None,
        entries=len(written.items),
        content=(str(row["label"]), str(row["settings"]), *written.content),
    )
    return reached(writing.connection, who, handle, "own")


def write_entries(
    ground: Ground, writing: Writing, account: Account, case: Case, items: Sequence[Item], action: str
) -> bool:
    """Write entries, count the revision and note it, within a transaction of the caller. False where all stood already."""
    at = ground.now()
    written = put(writing.connection, case.handle, account.id, at, items)
    if not written.items:
        return False
    touch(writing.connection, case, at)
    ground.note(
        writing,
        action,
        account.name,
        case.handle,
        entry=written.first,
        entries=len(written.items),
        content=written.content,
    )
    return True


def _drop_photograph(writing: Writing, handle: str, key: str) -> list[str]:
    """The file of the photograph that a `Media` stood for; its row goes."""
    kind, _, identifier = key.partition("/")
    if kind != "Media":
        return []
    this = (case_photographs.c.handle == handle) & (case_photographs.c.id == identifier)
    files = list(writing.connection.execute(select(case_photographs.c.file).where(this)).scalars())
    writing.connection.execute(delete(case_photographs).where(this))
    return files


def checked_label(label: str) -> str:
    """A label on one line. Raises `InputError` where it is empty or too long."""
    clean = one_line(label)
    if not 0 < len(clean) <= LONGEST_LABEL:
        raise InputError(f"a case's label has 1 to {LONGEST_LABEL} characters")
    return clean


def settings_text(settings: Mapping[str, Any]) -> str:
    """Settings as JSON text, their names in order."""
    try:
        text = json.dumps(dict(settings), ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        raise InputError("the case's settings are no JSON that can be kept") from None
    if len(text) > _MOST_SETTINGS:
        raise InputError("the case's settings are too long")
    return text
