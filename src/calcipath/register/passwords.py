"""Passwords: which may be chosen, and their Argon2id hashes (RFC 9106).

No rules of composition, a length of 12 at least: NIST SP 800-63B, section 5.1.1.2. A name that nobody has costs the same
work as one that somebody has.
"""

from __future__ import annotations

import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from calcipath.errors import InputError

FEWEST_CHARACTERS = 12
MOST_BYTES = 1024


class Passwords:
    """Makes and checks hashes. `hasher` holds the parameters; the library's are those of RFC 9106 (64 MiB, 3 passes)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        """The hash of a password that may be chosen. Raises `InputError` in one sentence that does not repeat it."""
        return self._hasher.hash(checked(password))

    def fits(self, password: str, kept: str | None) -> bool:
        """Whether the password belongs to the hash; without a hash never, after the same work."""
        data = _bytes(password)
        if len(data) > MOST_BYTES:
            data = b""
        try:
            self._hasher.verify(kept or self._nobody, data)
        except (VerificationError, InvalidHashError):
            return False
        return bool(kept)

    def is_dated(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than those of now."""
        return self._hasher.check_needs_rehash(kept)


def checked(password: str) -> bytes:
    """The password's bytes, if it may be chosen."""
    data = _bytes(password)
    if len(data) > MOST_BYTES:
        raise InputError(f"a password may have at most {MOST_BYTES} bytes")
    if len(unicodedata.normalize("NFKC", password)) < FEWEST_CHARACTERS:
        raise InputError(f"a password needs at least {FEWEST_CHARACTERS} characters")
    return data


def _bytes(password: str) -> bytes:
    """Characters that look the same and are typed differently on different keyboards count as the same."""
    if len(password) > MOST_BYTES:
        return b"\0" * (MOST_BYTES + 1)
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
