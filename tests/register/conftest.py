"""A register on a store of each kind, with a clock that the tests turn."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "store"))
sys.path.insert(0, str(Path(__file__).parent))

from register_examples import Clock, People, opened, people_of
from store_fixtures import new_schema, new_url, postgres, sqlite_url, store, url

from calcipath.register.register import Register
from calcipath.store.store import Store, open_store

__all__ = ["new_schema", "new_url", "postgres", "sqlite_url", "store", "url"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "photographs"


@pytest.fixture
def register(store: Store, folder: Path, clock: Clock) -> Register:
    return opened(store, folder, clock)


@pytest.fixture
def people(register: Register) -> People:
    return people_of(register)


@pytest.fixture
def small(sqlite_url: str, folder: Path, clock: Clock) -> Iterator[Register]:
    """A register on SQLite only, for what does not depend on the database."""
    with open_store(sqlite_url) as store:
        yield opened(store, folder, clock)
