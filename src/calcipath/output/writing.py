"""Results to standard output or to a file: whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calcipath.errors import InputError


def as_json(assessment: Mapping[str, Any]) -> str:
    """The assessment as indented JSON in the contract's key order, with a newline at its end.

    Goes through the same gate as the other formats: no action of a held item. NaN and infinities are an error.
    """
    import json

    from calcipath.output.plan import withhold

    return json.dumps(withhold(assessment), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def print_text(content: str, *, encoding: str = "utf-8") -> None:
    """Write to standard output and flush. Characters that the encoding lacks become question marks."""
    data = content.encode(encoding, errors="replace")
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        sys.stdout.write(content)
    else:
        stream.write(data)
    sys.stdout.flush()


def write_file(path: str, content: str) -> None:
    """Write the file by a temporary one and a rename, so that a reader never sees half of it.

    A new file is readable by its owner only (it holds a patient's data); an existing one keeps its permissions.
    Devices and pipes are written directly. Raises InputError in one sentence.
    """
    write_bytes(path, content.encode("utf-8", errors="replace"))


def write_bytes(path: str, data: bytes) -> None:
    """As `write_file`, for what is not text."""
    target = Path(os.path.realpath(path))
    try:
        if target.is_dir():
            raise InputError(f"cannot write {path}: it is a folder")
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        _replace(target, data)
    except OSError as error:
        raise InputError(f"cannot write {path}: {reason(error)}") from error


def _replace(target: Path, data: bytes) -> None:
    import tempfile

    handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".part", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def reason(error: OSError) -> str:
    """The operating system's words for what failed."""
    return (error.strerror or type(error).__name__).lower()
