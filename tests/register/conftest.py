"""A register on a store of each kind, with a clock that the tests turn."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "store"))
sys.path.insert(0, str(Path(__file__).parent))

from register_examples import Clock, People, opened, people_of
from sqlalchemy import create_engine, event
from store_examples import run_sql
from store_fixtures import postgres, store, url

from calcipath.register.register import Register
from calcipath.store.engines import make_engine, read_place
from calcipath.store.store import Store, open_store
from calcipath.store.upgrade import bring_up_to_date

__all__ = ["postgres", "store", "url"]


@pytest.fixture(scope="session")
def made_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in its newest form, to be copied: to migrate for each test would cost more than the tests."""
    file = tmp_path_factory.mktemp("register") / "store.sqlite"
    open_store(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def sqlite_url(made_file: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(made_file, tmp_path)}"


@pytest.fixture(scope="session")
def made_schema(postgres: str) -> str:
    """The statements with which the migrations make a schema, to be said again for each test."""
    url, said = new_empty_schema(postgres), []
    place = read_place(url)
    engine = make_engine(place, existing=False)

    @event.listens_for(engine, "before_cursor_execute")
    def listen(*details: object) -> None:
        statement = str(details[2]).strip()
        if statement.split()[0] in ("CREATE", "ALTER", "INSERT", "UPDATE"):
            said.append(statement)

    bring_up_to_date(place, engine)
    engine.dispose()
    return ";\n".join(said)


@pytest.fixture
def new_schema(postgres: str, made_schema: str) -> Callable[[], str]:
    def make() -> str:
        url = new_empty_schema(postgres)
        engine = create_engine(read_place(url).url)
        with engine.begin() as connection:
            connection.exec_driver_sql(made_schema)
        engine.dispose()
        return url

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest) -> Callable[[], str]:
    """As in `store_fixtures`; there is one new store in each test."""
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("new_schema")
        return make
    file: str = request.getfixturevalue("sqlite_url")
    return lambda: file


def new_empty_schema(postgres: str) -> str:
    name = f"register_{time.monotonic_ns()}"
    run_sql(postgres.format("postgres"), f"CREATE SCHEMA {name}")
    return postgres.format("postgres") + f"&options=-csearch_path%3D{name}"


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
