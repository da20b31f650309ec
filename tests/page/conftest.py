"""A real service and a real Chromium for the whole session, and a page whose console must stay silent."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent / "service"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from page_walk import Walk
from running import Running, free_port, serving

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


def store_in(folder: Path) -> str:
    return f"sqlite:///{folder / 'store.sqlite'}"


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service as it is started without settings: one local user."""
    folder = tmp_path_factory.mktemp("service")
    with serving(folder, "--store", store_in(folder)) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser. Without one the tests are skipped, or fail where the independent engines are required."""
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


__all__ = ["free_port"]
