"""The files of photographs: named at random, readable by their owner only, whole or not there.

A file is on the disk before its row is committed. What has no row is an orphan, and swept at a start when it is an hour
old: another process may just be writing one.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Collection, Iterable
from pathlib import Path

from calcipath.errors import InputError
from calcipath.store.failures import StoreError

ORPHAN_SECONDS = 3600.0
_OURS = re.compile(r"[0-9a-f]{32}(\.part)?")
_MARK = "calcipath-register"  # a file that names the store to which the folder belongs


def prepare_folder(folder: Path, store: str) -> None:
    """Make the folder and mark it as that of `store`. Raises `InputError` for the folder of another store."""
    mark = folder / _MARK
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if mark.exists():
            if mark.read_text(encoding="utf-8").strip() != store:
                raise InputError("the folder of photographs belongs to another store")
            return
        write_file(folder, _MARK, store.encode())
    except OSError as error:
        raise _failed(error) from None


def new_file(folder: Path, data: bytes) -> str:
    """Write a new file; on the disk when this returns. Its name. Raises `StoreError`."""
    name = secrets.token_hex(16)
    try:
        write_file(folder, name, data)
    except OSError as error:
        raise _failed(error) from None
    return name


def write_file(folder: Path, name: str, data: bytes) -> None:
    """Whole or not there: a temporary file is renamed when it is on the disk."""
    part = folder / f"{secrets.token_hex(16)}.part"
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.rename(folder / name)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    _flush(folder)


def read_file(folder: Path, name: str) -> bytes:
    """Raises `StoreError` where it cannot be read."""
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise _failed(error) from None


def remove_files(folder: Path, names: Iterable[str]) -> None:
    """Remove files after their rows are gone; one that resists is left to the sweep."""
    gone = False
    for name in names:
        try:
            (folder / name).unlink(missing_ok=True)
            gone = True
        except OSError:
            continue
    if gone:
        _flush(folder)


def sweep(folder: Path, known: Collection[str], *, older_than: float = ORPHAN_SECONDS) -> int:
    """Remove the files without a row; how many. Only what has the form of our names is touched."""
    orphans = []
    for file in folder.iterdir():
        if not _OURS.fullmatch(file.name) or file.name in known or not file.is_file():
            continue
        if time.time() - file.stat().st_mtime >= older_than:
            orphans.append(file.name)
    remove_files(folder, orphans)
    return len(orphans)


def _flush(folder: Path) -> None:
    """A name is on the disk when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failed(error: OSError) -> StoreError:
    return StoreError(f"the folder of photographs: {(error.strerror or 'it cannot be used').lower()}")
