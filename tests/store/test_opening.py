"""Opening a store: new, old, newer, foreign, damaged, by several processes at once."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from store_examples import NOON, accepted, card, decision, run_sql

from calcipath.errors import InputError
from calcipath.store.audit import record_decision
from calcipath.store.engines import make_engine, read_place
from calcipath.store.failures import StoreError
from calcipath.store.feedback import record
from calcipath.store.migrations import NEWEST, REVISIONS
from calcipath.store.store import Store, open_store
from calcipath.store.tables import VERSION_TABLE, metadata
from calcipath.store.upgrade import bring_up_to_date
from calcipath.store.verification import verify

OPENER = """
import sys
from calcipath.store.store import open_store
print("ready", flush=True)
for line in sys.stdin:
    open_store(line.strip()).close()
    print("opened", flush=True)
"""


def version(url: str) -> str:
    ((found,),) = run_sql(url, f"SELECT version_num FROM {VERSION_TABLE}")
    return str(found)


def sentence(url: str, **how: bool) -> str:
    with pytest.raises(StoreError) as refused:
        open_store(url, **how)
    said = str(refused.value)
    assert "\n" not in said and len(said) < 200
    assert not isinstance(refused.value, InputError)  # nothing is wrong with what was to be kept
    return said


def test_a_new_store_is_made_and_opened_again(url: str) -> None:
    with open_store(url) as store:
        record_decision(store, decision(NOON, card("c1", "a")))
    assert version(url) == NEWEST
    with open_store(url, existing=True) as store:
        assert verify(store).decisions == 1


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    file = tmp_path / "empty.sqlite"
    file.touch()
    open_store(f"sqlite:///{file}").close()
    assert version(f"sqlite:///{file}") == NEWEST


def test_a_new_file_is_its_owners_only(sqlite_url: str, tmp_path: Path) -> None:
    with open_store(sqlite_url):
        assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_what_sqlite_acknowledges_is_on_the_disk(sqlite_url: str) -> None:
    with open_store(sqlite_url) as store, store.read() as connection:
        said = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")}
    assert said == {"journal_mode": "wal", "synchronous": 2}  # 2 is FULL


def test_what_postgres_acknowledges_is_on_the_disk(new_postgres: Callable[[], str]) -> None:
    url = new_postgres()
    name = read_place(url).url.database
    for default, wanted in (("off", "on"), ("local", "local")):
        run_sql(url, f"ALTER DATABASE {name} SET synchronous_commit = {default}", outside=True)
        with open_store(url) as store, store.read() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == wanted


def test_the_migrations_make_the_tables_that_the_program_uses(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []


def test_every_migration_is_known_in_order() -> None:
    config = Config()
    config.set_main_option("script_location", "calcipath.store:migrations")
    found = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(found)) == REVISIONS


def test_a_store_of_version_1_is_brought_up_to_date_with_what_it_holds(url: str) -> None:
    place = read_place(url)
    engine = make_engine(place, existing=False)
    bring_up_to_date(place, engine, to="0001")
    record_decision(Store(place, engine), decision(NOON, card("c1", "a")))
    engine.dispose()
    assert version(url) == "0001"
    with open_store(url) as store:
        assert record(store, "patient-view", [accepted("c1")], now=NOON).unknown_cards == 0
        found = verify(store)
    assert (version(url), found.whole, found.decisions, found.feedback) == (NEWEST, True, 1, 1)


def test_a_store_of_version_2_is_brought_up_to_date_with_what_it_holds(url: str) -> None:
    place = read_place(url)
    engine = make_engine(place, existing=False)
    bring_up_to_date(place, engine, to="0002")
    store = Store(place, engine)
    record_decision(store, decision(NOON, card("c1", "a")))
    record(store, "patient-view", [accepted("c1")], now=NOON)
    engine.dispose()
    assert version(url) == "0002"
    with open_store(url) as store:
        found = verify(store)
    assert (version(url), found.whole, found.decisions, found.feedback, found.case_acts) == (NEWEST, True, 1, 1, 0)


def test_several_processes_open_a_new_store_together(new_url: Callable[[], str]) -> None:
    urls = [new_url() for _ in range(4)]
    command = [sys.executable, "-W", "error", "-c", OPENER]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
        for url in urls:
            for worker in workers:
                assert worker.stdin is not None
                worker.stdin.write(url + "\n")
                worker.stdin.flush()
            answers = [worker.stdout.readline() for worker in workers if worker.stdout is not None]
            assert answers == ["opened\n"] * 3, [worker.communicate()[1] for worker in workers]
            assert version(url) == NEWEST
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def test_opening_waits_for_another_process_that_has_just_made_the_file(sqlite_url: str) -> None:
    """SQLite does not wait here by itself: it says at once that the file is locked."""
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, other.execute, ["ROLLBACK"])
    release.start()
    open_store(sqlite_url).close()
    release.join()
    other.close()
    assert version(sqlite_url) == NEWEST


def test_a_newer_store_is_refused_and_left_alone(url: str) -> None:
    open_store(url).close()
    run_sql(url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    assert "newer calcipath" in sentence(url)
    assert version(url) == "9999"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear colleague, " * 400)
    assert "not a database" in sentence(f"sqlite:///{file}")
    assert file.read_text() == "Dear colleague, " * 400


def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.sqlite"
    engine = create_engine(url)
    engine.dispose()
    run_sql(url, "CREATE TABLE bookmarks (id INTEGER)")
    before = (tmp_path / "other.sqlite").read_bytes()
    assert "another program" in sentence(url)
    assert (tmp_path / "other.sqlite").read_bytes() == before


def test_a_database_may_be_shared_but_not_our_tables_names(new_postgres: Callable[[], str]) -> None:
    url = new_postgres()
    run_sql(url, "CREATE TABLE bookmarks (id INTEGER)")
    open_store(url).close()
    taken = new_postgres()
    run_sql(taken, "CREATE TABLE feedback (id INTEGER)")
    assert "another program" in sentence(taken)


def test_a_store_that_must_exist_is_not_made(tmp_path: Path) -> None:
    assert "no such file" in sentence(f"sqlite:///{tmp_path}/none.sqlite", existing=True)
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_used(tmp_path: Path) -> None:
    assert "folder" in sentence(f"sqlite:///{tmp_path}")
    assert "no such file or directory" in sentence(f"sqlite:///{tmp_path}/none/store.sqlite")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "store.sqlite",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?uri=true",
        "mysql://user:hush-hush@host/db",
        "postgresql://user:hush-hush@host",
        "postgresql://user:hush-hush@host:port/db",
        "postgresql+psycopg2://user:hush-hush@host/db",
    ],
)
def test_other_urls_are_refused_without_repeating_them(url: str) -> None:
    said = sentence(url)
    assert "postgresql://USER@HOST/DATABASE" in said
    assert "hush" not in said


def test_a_server_that_is_not_there() -> None:
    said = sentence("postgresql://user:hush-hush@127.0.0.1:1/calcipath?connect_timeout=2")
    assert said.startswith("the database calcipath on 127.0.0.1: ") and "could not be reached" in said
    assert "hush" not in said and "user" not in said


def test_a_database_that_is_not_there(postgres: str) -> None:
    assert "no such database" in sentence(postgres.format("nowhere"))
