"""Digests: against published values; keys from a file or the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from calcipath.errors import InputError
from calcipath.store.digests import entry_hash, keyed_digest, plain_digest, read_key

KEY = b"k" * 32


def test_hmac_sha_256_of_rfc_4231() -> None:
    """Test case 1 of RFC 4231, whose data is 'Hi There': the part's length `8:` comes before it, so it is cut off here."""
    import hashlib
    import hmac

    key = b"\x0b" * 20
    assert hmac.new(key, b"Hi There", hashlib.sha256).hexdigest().startswith("b0344c61d8db38535ca8afceaf0bf12b")
    assert keyed_digest(key, "Hi There") == hmac.new(key, b"8:Hi There", hashlib.sha256).hexdigest()
    assert keyed_digest(key, b"Hi There") == keyed_digest(key, "Hi There")


def test_parts_are_set_apart() -> None:
    digests = {keyed_digest(KEY, *parts) for parts in (("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("1:a", "2"))}
    assert len(digests) == 5
    assert keyed_digest(b"l" * 32, "abc") not in digests


def test_sha_256_of_an_empty_text() -> None:
    """FIPS 180-4's well-known value of the two bytes `""` of JSON, computed with sha256sum."""
    assert plain_digest("") == "12ae32cb1ec02d01eda3581b127c1fee3b0dc53572ed6baf239721a03d82e126"
    assert plain_digest({"b": 1, "a": 2.5}) == plain_digest({"a": 2.5, "b": 1})


def test_a_hash_covers_everything_but_what_is_not_there() -> None:
    first = entry_hash("decision", "w", 1, "p", {"a": 1})
    assert first == entry_hash("decision", "w", 1, "p", {"a": 1, "later": None})
    others = {
        entry_hash("feedback", "w", 1, "p", {"a": 1}),
        entry_hash("decision", "v", 1, "p", {"a": 1}),
        entry_hash("decision", "w", 2, "p", {"a": 1}),
        entry_hash("decision", "w", 1, "q", {"a": 1}),
        entry_hash("decision", "w", 1, "p", {"a": 2}),
        entry_hash("decision", "w", 1, "p", {"a": "1"}),
        entry_hash("decision", "w", 1, "p", {"a": 1, "b": ""}),
    }
    assert len(others) == 7 and first not in others


def test_a_key_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(KEY + b"\n")
    assert read_key(file=str(file)) == KEY
    assert read_key(variable="KEY", environment={"KEY": "k" * 32}) == KEY


def test_keys_that_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "short"
    file.write_bytes(b"too short")
    for how, said in (
        ({}, "name one of them"),
        ({"file": "x", "variable": "y"}, "name one of them"),
        ({"file": str(file)}, "32 bytes or more"),
        ({"file": str(tmp_path / "none")}, "cannot be read: no such file"),
        ({"file": "a\0b"}, "cannot be read"),
        ({"variable": "KEY"}, "32 bytes or more"),
    ):
        with pytest.raises(InputError, match=said) as refused:
            read_key(environment={}, **how)
        assert "too short" not in str(refused.value)
