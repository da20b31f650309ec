"""A real service for the whole session, a real Chromium for a module, and a page whose console must stay silent."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "service"))
sys.path.insert(0, str(Path(__file__).parent))

from page_walk import ACCOUNTS, PASSWORD, Walk, store_in
from running import Running, serving

from calcipath.register.register import Register
from calcipath.store.store import open_store

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
REQUIRED = os.environ.get("CALCIPATH_REQUIRE_ORACLES") == "1"
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
Opening = Callable[..., Walk]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service as it is started without settings: one local user."""
    folder = tmp_path_factory.mktemp("service")
    with serving(folder, "--store", store_in(folder)) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for a module: while it lives, its event loop runs in this thread, and other tests need one of their own.

    Without one the tests are skipped, or fail where the independent engines are required."""
    if CHROMIUM is None and not REQUIRED:
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield browser
        browser.close()


@pytest.fixture
def opening(chromium: Any, service: Running) -> Iterator[Opening]:
    """Makes a page as a new visitor has it: no cookies. Whatever a console says as an error fails the test."""
    walks: list[Walk] = []

    def opened(base: str = "", *, width: int = 1100, scheme: str = "light", **more: Any) -> Walk:
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **more)
        context.set_default_timeout(20_000)
        walk = Walk(context.new_page(), base or service.base)
        walks.append(walk)
        return walk

    yield opened
    complaints = [complaint for walk in walks for complaint in walk.complaints]
    for walk in walks:
        walk.page.context.close()
    assert complaints == []


@pytest.fixture
def walk(opening: Opening) -> Walk:
    """A page of ordinary width."""
    return opening()


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that asks for a login, with the accounts of `ACCOUNTS`."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "settings.yaml").write_text("page:\n  accounts: true\n", encoding="utf-8")
    with serving(folder, "--settings", "settings.yaml", "--store", store_in(folder)) as running:
        make_accounts(folder)
        yield running


def make_accounts(folder: Path) -> None:
    """As `calcipath accounts add` does it: on the store, while the service runs."""
    store = open_store(store_in(folder))
    key = (folder / "store.sqlite.key").read_bytes()
    register = Register(store, folder / "store.sqlite.photographs", key, time.time)
    for name, role in ACCOUNTS:
        register.accounts.create(register.local_account(), name, PASSWORD, role)
    store.close()


@pytest.fixture(scope="session")
def required() -> bool:
    """Whether what is missing fails a test instead of skipping it."""
    return REQUIRED
