"""Photographs of a case: a file, a row, and a FHIR `Media` resource among the case's entries."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, select

from calcipath.errors import InputError
from calcipath.record.dates import parse_when
from calcipath.register.access import reached
from calcipath.register.accounts import Account
from calcipath.register.cases import write_entries
from calcipath.register.entries import current, prepared
from calcipath.register.ground import Ground
from calcipath.register.picture_files import new_file, read_file, remove_files
from calcipath.register.pictures import Picture, picture_of
from calcipath.store.failures import StoreError
from calcipath.store.instants import seconds_of
from calcipath.store.tables import case_photographs
from calcipath.store.texts import kept_text, one_line

LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class Photograph:
    """`taken` is a FHIR date or instant as written; `consent` says who agreed to what; `at` is when it was added."""

    id: str
    taken: str
    site: str = field(repr=False)
    consent: str = field(repr=False)
    media_type: str
    bytes: int
    sha256: str
    file: str
    at: float

    @property
    def key(self) -> str:
        """The key of its `Media` among the case's entries."""
        return f"Media/{self.id}"


class Photographs:
    """The photographs of the register's cases. `Cases.remove` of its `Media` removes one, file and all."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def add(
        self,
        account: Account,
        handle: str,
        data: bytes,
        *,
        taken: str,
        site: str,
        consent: str,
        expected: int | None = None,
    ) -> Photograph:
        """Keep a photograph and its `Media`; both are on the disk when this returns.

        Raises `InputError` for no consent, no date and for what is no JPEG, PNG or WebP picture (see `pictures`).
        """
        said = checked_words(taken, site, consent)
        with self._ground.store.read() as connection:  # before anything is written for someone who may not
            reached(connection, account, handle, "write", expected=expected, locks=False)
        picture, identifier = picture_of(data), secrets.token_hex(16)
        file = new_file(self._ground.folder, picture.data)
        row = photograph_row(identifier, file, picture, said)
        try:
            with self._ground.store.write() as writing:
                case = reached(writing.connection, account, handle, "write", expected=expected)
                own = {"handle": case.handle, "account": account.id, "at": self._ground.now()}
                writing.connection.execute(insert(case_photographs).values(**row, **own))
                subject = patient_of(writing.connection, case.handle)
                items = prepared([media(row, picture, subject)])
                write_entries(self._ground, writing, account, case, items, "photograph-added")
        except StoreError:
            raise  # it may be kept or not: the file stays, and an orphan is swept
        except BaseException:
            remove_files(self._ground.folder, [file])
            raise
        return _photograph({**row, **own})

    def of(self, account: Account, handle: str) -> tuple[Photograph, ...]:
        """The photographs of a case, the oldest first."""
        with self._ground.store.read() as connection:
            return photographs_of(connection, reached(connection, account, handle, "read").handle)

    def read(self, account: Account, handle: str, identifier: str) -> tuple[Photograph, bytes]:
        """One photograph with its bytes. Raises `InputError` where there is none, `StoreError` for a damaged file."""
        found = next((each for each in self.of(account, handle) if each.id == identifier), None)
        if found is None:
            raise InputError("there is no such photograph in this case")
        return found, bytes_of(self._ground, found)


def photographs_of(connection: Connection, handle: str) -> tuple[Photograph, ...]:
    """The photographs of a case within a transaction of the caller."""
    query = select(case_photographs).where(case_photographs.c.handle == handle)
    rows = connection.execute(query.order_by(case_photographs.c.taken, case_photographs.c.id)).mappings().all()
    return tuple(_photograph(row) for row in rows)


def bytes_of(ground: Ground, photograph: Photograph) -> bytes:
    """The file, if it is still what was kept."""
    data = read_file(ground.folder, photograph.file)
    if hashlib.sha256(data).hexdigest() != photograph.sha256:
        raise StoreError("the folder of photographs: a file was changed or is damaged")
    return data


def checked_words(taken: str, site: str, consent: str) -> dict[str, str]:
    """When, where and by whose leave a photograph was taken. Raises `InputError`."""
    said = {"taken": taken.strip(), "site": one_line(site), "consent": kept_text(consent).strip()}
    if not said["consent"]:
        raise InputError("a photograph needs a note of the consent to it")
    if parse_when(said["taken"]) is None:
        raise InputError("a photograph needs the date on which it was taken, such as 2026-11-30")
    if len(said["site"]) > LONGEST_TEXT or len(said["consent"]) > LONGEST_TEXT:
        raise InputError(f"site and consent of a photograph have at most {LONGEST_TEXT} characters")
    return said


def photograph_row(identifier: str, file: str, picture: Picture, said: Mapping[str, str]) -> dict[str, Any]:
    """The row of a photograph, without its case."""
    return {
        "id": identifier,
        "file": file,
        "media_type": picture.media_type,
        "bytes": len(picture.data),
        "sha256": hashlib.sha256(picture.data).hexdigest(),
        **said,
    }


def media(row: Mapping[str, Any], picture: Picture, subject: str) -> dict[str, Any]:
    """The FHIR resource of a photograph (http://hl7.org/fhir/R4/media.html); `hash` is SHA-1, as FHIR wants it."""
    sha1 = hashlib.sha1(picture.data, usedforsecurity=False).digest()
    found: dict[str, Any] = {
        "resourceType": "Media",
        "id": row["id"],
        "status": "completed",
        "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/media-type", "code": "image"}]},
        "createdDateTime": row["taken"],
        "height": picture.height,
        "width": picture.width,
        "content": {
            "contentType": row["media_type"],
            "url": f"Binary/{row['id']}",
            "size": row["bytes"],
            "hash": base64.b64encode(sha1).decode(),
        },
        "note": [{"text": f"Consent: {row['consent']}"}],
    }
    if row["site"]:
        found["bodySite"] = {"text": row["site"]}
    if subject:
        found["subject"] = {"reference": subject}
    return found


def patient_of(connection: Connection, handle: str) -> str:
    """The reference of the case's patient; empty where there is none, or more than one."""
    found = [key for key in current(connection, handle) if key.startswith("Patient/")]
    return found[0] if len(found) == 1 else ""


def _photograph(row: Mapping[Any, Any]) -> Photograph:
    return Photograph(
        row["id"],
        row["taken"],
        row["site"],
        row["consent"],
        row["media_type"],
        row["bytes"],
        row["sha256"],
        row["file"],
        seconds_of(row["at"]),
    )
