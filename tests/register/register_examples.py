"""Accounts, resources and pictures for the tests of the register."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from PIL import Image
from store_examples import run_sql

from calcipath.register.accounts import Account
from calcipath.register.register import Register
from calcipath.store.store import Store

ON_SQLITE = pytest.mark.parametrize("new_url", ["sqlite"], indirect=True)  # what does not depend on the database
NOON = 1_795_176_000.0  # 2026-11-20T12:00:00Z
KEY = b"k" * 32
PASSWORD = "correct horse battery"  # noqa: S105 - of nobody
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class Clock:
    """Seconds since 1970, turned by hand."""

    now: float = NOON

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class People:
    local: Account
    ada: Account
    ben: Account
    rita: Account


def opened(store: Store, folder: Path, clock: Clock, **how: Any) -> Register:
    return Register(store, folder, KEY, clock, **({"hasher": QUICK} | how))


def people_of(register: Register) -> People:
    """The administrator of this machine, two clinicians and a reader."""
    local = register.local_account()
    make = register.accounts.create
    return People(
        local,
        make(local, "Ada", PASSWORD, "clinician"),
        make(local, "Ben", PASSWORD, "clinician"),
        make(local, "Rita", PASSWORD, "reader"),
    )


def patient(**members: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1960-05-04", **members}


def observation(identifier: str, value: float = 1.0, /, **members: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": identifier,
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2777-1"}]},
        "effectiveDateTime": "2026-11-01",
        "valueQuantity": {"value": value, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"},
        **members,
    }


def picture(kind: str = "JPEG", size: tuple[int, int] = (12, 8), **how: Any) -> bytes:
    """A picture with a red upper left corner."""
    image = Image.new("RGB", size, (20, 60, 200))
    image.paste((250, 10, 10), (0, 0, size[0] // 2, size[1] // 2))
    written = io.BytesIO()
    image.save(written, kind, **how)
    return written.getvalue()


def with_camera_data(kind: str, orientation: int = 1, **how: Any) -> bytes:
    """The same as a telephone writes it: who, where, and which way up."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "MARKER of Jane Doe"  # ImageDescription
    exif.get_ifd(0x8825)[1] = "N"  # GPS
    exif.get_ifd(0x8825)[2] = (59.0, 20.0, 1.0)
    return picture(kind, exif=exif, **how)


def acts(url: str) -> list[tuple[Any, ...]]:
    """Account, action and first entry of each act in the audit, in order."""
    rows = run_sql(url, "SELECT account, action, entry FROM audit_case ORDER BY at, number")
    return [tuple(row) for row in rows]
