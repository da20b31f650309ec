"""Digests: keyed ones, that tell nothing without the site's key, and the hashes that chain the audit."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calcipath.errors import InputError

SHORTEST_KEY = 32  # bytes; as long as the digest (RFC 2104, section 3)


def read_key(*, file: str = "", variable: str = "", environment: Mapping[str, str] | None = None) -> bytes:
    """The site's key from a file, or from an environment variable. White space at its ends does not count.

    Raises `InputError` where neither or both are named, where it cannot be read, and below 32 bytes.
    """
    if bool(file) == bool(variable):
        raise InputError("the digest key comes from a file or from an environment variable: name one of them")
    if variable:
        name = f"the environment variable {variable}"
        value = (environment or {}).get(variable, "").encode("utf-8", "surrogateescape")
    else:
        name = f"the key file {file}"
        try:
            value = Path(file).read_bytes()
        except (OSError, ValueError) as error:
            why = (getattr(error, "strerror", None) or "it is no file").lower()
            raise InputError(f"{name} cannot be read: {why}") from None
    key = value.strip()
    if len(key) < SHORTEST_KEY:
        raise InputError(f"{name} must hold a secret of {SHORTEST_KEY} bytes or more")
    return key


def keyed_digest(key: bytes, *parts: str | bytes) -> str:
    """HMAC-SHA-256 (RFC 2104) of the parts, each set apart from the next by its length; 64 hexadecimal digits."""
    found = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        found.update(f"{len(data)}:".encode())
        found.update(data)
    return found.hexdigest()


def plain_digest(value: object) -> str:
    """SHA-256 of a structure of JSON, written in one way only."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def entry_hash(kind: str, writer: str, number: int, previous: str, content: Mapping[str, Any]) -> str:
    """The hash of an entry of the audit, over its content and the hash of the entry before it.

    What is None does not count, so that a column added later leaves earlier hashes as they were.
    """
    said = {name: value for name, value in content.items() if value is not None}
    return plain_digest([kind, writer, number, previous, said])
