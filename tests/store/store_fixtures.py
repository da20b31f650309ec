"""A store of each kind: SQLite in a file, and a real PostgreSQL that the tests start themselves."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from store_examples import run_sql

from calcipath.store.store import Store, open_store

REQUIRED = os.environ.get("CALCIPATH_REQUIRE_ORACLES") == "1"
INITDB = "-U calcipath -A trust -E UTF8 --locale=C --no-sync"
SETTINGS = "-c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=60 -c shared_buffers=16MB"


def programs() -> Path | None:
    """The folder of PostgreSQL's programs."""
    found = shutil.which("postgres")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    places.append(Path("/usr/local/bin"))
    return next((place for place in places if (place / "postgres").exists() and (place / "initdb").exists()), None)


def another_user(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: how to run it as someone else, to whom the folder is given."""
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    if shutil.which("setpriv"):
        return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    return ["runuser", "-u", "nobody", "--"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server of our own, without a database's name; reached through a socket in a temporary folder."""
    where = programs()
    if where is None:
        if REQUIRED:
            pytest.fail("PostgreSQL is not installed, and CALCIPATH_REQUIRE_ORACLES=1 wants it")
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="calcipath-pg-"))  # not pytest's folder: no other user may enter that
    server = None
    try:
        user, data = another_user(folder), folder / "data"
        made = subprocess.run(
            [*user, str(where / "initdb"), "-D", str(data), *INITDB.split()],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*user, str(where / "postgres"), "-D", str(data), "-k", str(folder), *SETTINGS.split()],
                stdout=log,
                stderr=log,
                cwd=folder,
            )
        url = "postgresql://calcipath@/{}?host=" + quote(str(folder), safe="")
        wait_for(server, url, folder / "log")
        yield url
    finally:
        if server is not None:
            stop(server, folder / "data" / "postmaster.pid")
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    import psycopg

    for _ in range(200):
        try:
            psycopg.connect(url.format("postgres")).close()
        except psycopg.OperationalError:
            assert server.poll() is None, log.read_text(errors="replace")
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text(errors="replace"))


def stop(server: subprocess.Popen[bytes], process: Path) -> None:
    """An immediate shutdown: nothing of it is needed any more."""
    if process.exists():
        os.kill(int(process.read_text().split()[0]), signal.SIGQUIT)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(10)


@pytest.fixture
def new_postgres(postgres: str) -> Callable[[], str]:
    """The URL of a new, empty database of the server."""

    def make() -> str:
        name = f"store_{time.monotonic_ns()}"
        run_sql(postgres.format("postgres"), f"CREATE DATABASE {name}", outside=True)
        return postgres.format(name)

    return make


@pytest.fixture
def new_schema(postgres: str) -> Callable[[], str]:
    """The URL of a new, empty schema: as good as a database for most tests, and made in no time."""

    def make() -> str:
        name = f"store_{time.monotonic_ns()}"
        run_sql(postgres.format("postgres"), f"CREATE SCHEMA {name}")
        return postgres.format("postgres") + f"&options=-csearch_path%3D{name}"

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """URLs of stores that are not there yet, of each kind in turn."""
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("new_schema")
        return make
    return lambda: f"sqlite:///{tmp_path}/store-{time.monotonic_ns()}.sqlite"


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    return new_url()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.sqlite"
