"""A disk that is full, a file that cannot be written, a lock that is held, a server that goes: one sentence each."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event
from store_examples import NOON, accepted, card, decision, run_sql

from calcipath.store import engines
from calcipath.store.audit import record_decision
from calcipath.store.engines import read_place
from calcipath.store.failures import StoreError
from calcipath.store.feedback import record
from calcipath.store.feedback_items import FeedbackItem
from calcipath.store.store import Store, open_store
from calcipath.store.verification import verify

# Everything is imported before the rights are given up: another user need not be able to read this program.
WITHOUT_RIGHTS = """
import os, sys
from calcipath.store import audit, engines, failures, feedback_report, memory, store, verification
import sqlalchemy.dialects.sqlite
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
url, how = sys.argv[1:]
try:
    with store.open_store(url, existing=how != "write") as opened:
        if how == "forget":
            memory.forget(opened, "k", now=1.0)
        print(verification.verify(opened).decisions)
except failures.StoreError as error:
    print(error)
"""


def without_rights(url: str, how: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_RIGHTS, url, how], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user may enter; pytest's own are closed."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="calcipath-store-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def small_disk(open_folder: Path) -> Iterator[Path]:
    """A disk of its own of one megabyte."""
    disk = open_folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(store: Store) -> int:
    """Write until it is refused; how many deliveries were acknowledged."""
    for delivery in range(1000):
        items = [FeedbackItem(f"{delivery}-{number}", "accepted", NOON, ("s" * 200,)) for number in range(20)]
        try:
            record(store, "patient-view", items, now=NOON)
        except StoreError as error:
            assert "the disk is full" in str(error) and "\n" not in str(error)
            return delivery
    raise AssertionError("the disk did not become full")


def check_full(store: Store, make_room: Callable[[], object]) -> None:
    acknowledged = fill(store)
    assert acknowledged > 0
    found = verify(store)
    assert found.whole and found.feedback == 20 * acknowledged
    make_room()
    record(store, "patient-view", [accepted("after")], now=NOON)
    assert verify(store).feedback == found.feedback + 1


def test_a_full_disk(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 300_000)
    with open_store(f"sqlite:///{small_disk}/store.sqlite") as store:
        check_full(store, ballast.unlink)


def test_a_database_that_may_not_grow(sqlite_url: str) -> None:
    """SQLite's own limit gives the same error as a full disk; this needs no rights to mount one."""
    with open_store(sqlite_url) as store:

        def limit(pages: int) -> None:
            store._engine.dispose()
            event.listen(store._engine, "connect", lambda each, _: each.execute(f"PRAGMA max_page_count={pages}"))

        limit(100)
        check_full(store, lambda: limit(10_000))


def test_a_file_that_cannot_be_written(open_folder: Path) -> None:
    file = open_folder / "store.sqlite"
    with open_store(f"sqlite:///{file}") as store:
        record_decision(store, decision(NOON, card("c1", "a")))
    file.chmod(0o444)
    open_folder.chmod(0o777)  # SQLite needs its files beside it even to read
    assert without_rights(f"sqlite:///{file}", "read") == "1"
    for how in ("write", "forget"):
        said = without_rights(f"sqlite:///{file}", how)
        assert said == f"the store {file}: the file cannot be written (SQLITE_READONLY)"


def test_a_folder_that_cannot_be_written(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    said = without_rights(f"sqlite:///{open_folder}/store.sqlite", "write")
    assert said == f"the store {open_folder}/store.sqlite: permission denied"


def test_a_server_that_only_reads(new_postgres: Callable[[], str]) -> None:
    url = new_postgres()
    with open_store(url) as store:
        record_decision(store, decision(NOON, card("c1", "a")))
    name = read_place(url).url.database
    run_sql(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on", outside=True)
    with pytest.raises(StoreError, match=r"the server is read-only \(25006\)$"):
        open_store(url)
    with open_store(url, existing=True) as store:
        assert verify(store).decisions == 1


def test_a_user_without_rights(new_postgres: Callable[[], str]) -> None:
    url = new_postgres()
    open_store(url).close()
    run_sql(url, "DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN")
    with pytest.raises(StoreError, match=r"lacks a right \(42501\)$"):
        open_store(url.replace("calcipath@", "guest@"))


def test_a_server_that_restarts_is_found_again(new_postgres: Callable[[], str]) -> None:
    """Its connections are broken off; the next write uses a new one, and nothing is lost."""
    url = new_postgres()
    with open_store(url) as store:
        record_decision(store, decision(NOON, card("c1", "a")))
        run_sql(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database()",
        )
        record_decision(store, decision(NOON + 1, card("c2", "a")))
        found = verify(store)
    assert found.whole and found.decisions == 2


def test_a_lock_that_another_process_keeps(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "WAIT_SECONDS", 0.1)
    with open_store(sqlite_url) as store:
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process keeps it locked"):
            record_decision(store, decision(NOON))
        assert verify(store).whole  # to read it no lock is needed
        other.execute("ROLLBACK")
        other.close()
        record_decision(store, decision(NOON))


def test_a_damaged_file(sqlite_url: str) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with open_store(sqlite_url) as store:
        for second in range(50):
            record_decision(store, decision(NOON + second, card(f"c{second}", "a")))
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    file.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"), open_store(sqlite_url) as store:
        verify(store)


def test_threads_share_a_store(store: Store) -> None:
    def write(name: int) -> None:
        for second in range(20):
            record_decision(store, decision(NOON + second, card(f"{name}-{second}", "a")))

    threads = [threading.Thread(target=write, args=(name,)) for name in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = verify(store)
    assert found.whole and [head.number for head in found.heads] == [100]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # numpy's threads, where other tests ran before
def test_a_child_process_begins_its_own_chain(store: Store) -> None:
    record_decision(store, decision(NOON))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            record_decision(store, decision(NOON + 1))
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    record_decision(store, decision(NOON + 2))
    found = verify(store)
    assert found.whole and sorted(head.number for head in found.heads) == [1, 2]
