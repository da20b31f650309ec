"""A case's entries: versions of FHIR resources, numbered from 1; the newest version of a key stands.

A resource is kept as the JSON text that it was, in ASCII, so that every database keeps it and nothing of it is lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select

from calcipath.errors import InputError
from calcipath.store.instants import seconds_of
from calcipath.store.tables import accounts, case_entries

CASE_SYSTEM = "urn:calcipath:register"  # the code of the resource that carries a case's label and settings
MOST_ENTRIES = 200_000  # versions in one case
MOST_BYTES = 16 * 1024 * 1024  # of one resource
_TYPE = re.compile(r"[A-Za-z]{1,64}")
_ID = re.compile(r"[^\s/#?\\]{1,200}")  # also ids that are not FHIR's but seen on servers
_AT_ONCE = 500

Item = tuple[str, str | None]  # key and text, None for a removal


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an entry: who wrote it and when (seconds since 1970); without a resource the key was removed."""

    number: int
    key: str
    resource: Mapping[str, Any] | None
    account: str
    at: float


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: the first number and the items, without those that stood so already."""

    first: int
    items: tuple[Item, ...]

    @property
    def content(self) -> tuple[str, ...]:
        """Keys and texts in order, for the audit's digest."""
        return tuple(part for key, text in self.items for part in (key, text or ""))


def prepared(resources: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Keys and texts of resources. Raises `InputError`, with the place, where one has no type or id or is no JSON."""
    return [
        (_key(resource, f"resource {number}"), _text(resource, f"resource {number}"))
        for number, resource in enumerate(resources, 1)
    ]


def current(connection: Connection, handle: str) -> dict[str, str]:
    """The texts that stand, by key, in the order in which the keys first came."""
    keys = (
        select(func.max(case_entries.c.number).label("newest"), func.min(case_entries.c.number).label("first"))
        .where(case_entries.c.handle == handle)
        .group_by(case_entries.c.key)
        .subquery()
    )
    query = (
        select(case_entries.c.key, case_entries.c.resource)
        .join(keys, case_entries.c.number == keys.c.newest)
        .where(case_entries.c.handle == handle, case_entries.c.resource.is_not(None))
        .order_by(keys.c.first)
    )
    return {row.key: row.resource for row in connection.execute(query)}


def resources_of(connection: Connection, handle: str) -> list[dict[str, Any]]:
    """The resources that stand."""
    return [json.loads(text) for text in current(connection, handle).values()]


def versions(connection: Connection, handle: str, key: str = "") -> Iterator[Version]:
    """Every version, or those of one key, oldest first."""
    query = (
        select(case_entries, accounts.c.name)
        .join(accounts, accounts.c.id == case_entries.c.account)
        .where(case_entries.c.handle == handle)
        .order_by(case_entries.c.number)
    )
    if key:
        query = query.where(case_entries.c.key == key)
    for row in connection.execute(query).mappings().all():  # read whole: see `Store.read`
        resource = json.loads(row["resource"]) if row["resource"] is not None else None
        yield Version(row["number"], row["key"], resource, row["name"], seconds_of(row["at"]))


def put(connection: Connection, handle: str, account: str, at: str, items: Sequence[Item]) -> Written:
    """Write versions in order; one that says what stands already is left out. The caller has locked the case."""
    stands = _standing(connection, handle, {key for key, _ in items})
    new: list[Item] = []
    for key, text in items:
        if stands.get(key) != text:
            new.append((key, text))
            stands[key] = text
    last = connection.execute(select(func.max(case_entries.c.number)).where(case_entries.c.handle == handle)).scalar()
    first = (last or 0) + 1
    if first + len(new) > MOST_ENTRIES:
        raise InputError(f"a case holds at most {MOST_ENTRIES:,} versions of entries")
    rows = [
        {"handle": handle, "number": number, "key": key, "resource": text, "account": account, "at": at}
        for number, (key, text) in enumerate(new, first)
    ]
    if rows:
        connection.execute(insert(case_entries), rows)
    return Written(first, tuple(new))


def _standing(connection: Connection, handle: str, keys: set[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    wanted = sorted(keys)
    for start in range(0, len(wanted), _AT_ONCE):
        some = case_entries.c.key.in_(wanted[start : start + _AT_ONCE])
        query = select(case_entries.c.key, case_entries.c.resource).where(case_entries.c.handle == handle, some)
        found.update({row.key: row.resource for row in connection.execute(query.order_by(case_entries.c.number))})
    return found


def key_of(resource: Mapping[str, Any]) -> str | None:
    """`Type/id`, None where either cannot be used."""
    kind, identifier = resource.get("resourceType"), resource.get("id")
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        return None
    if not isinstance(identifier, str) or not _ID.fullmatch(identifier) or not identifier.isprintable():
        return None
    return f"{kind}/{identifier}"


def _key(resource: Mapping[str, Any], place: str) -> str:
    key = key_of(resource)
    if key is None:
        raise InputError(f"{place} has no resourceType of FHIR, or no id that can be used")
    if resource["resourceType"] == "Basic" and is_case(resource):
        raise InputError(f"{place} belongs to an exported case: import the bundle instead of adding it")
    return key


def is_case(resource: Mapping[str, Any]) -> bool:
    """Whether this is the resource in which an export carries the case's label and settings."""
    code = resource.get("code")
    codings = code.get("coding") if isinstance(code, Mapping) else None
    return isinstance(codings, list) and any(
        isinstance(coding, Mapping) and coding.get("system") == CASE_SYSTEM for coding in codings
    )


def _text(resource: Mapping[str, Any], place: str) -> str:
    try:
        text = json.dumps(resource, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        raise InputError(f"{place} is no JSON that can be kept") from None
    if len(text) > MOST_BYTES:
        raise InputError(f"{place} is larger than {MOST_BYTES // 1024 // 1024} MB")
    return text
