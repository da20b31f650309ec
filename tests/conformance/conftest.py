"""The modules beside these tests can be imported by name; one example service runs for all of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from example_cds_server import ExampleServer  # noqa: E402
from example_keys import Keys  # noqa: E402


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Two keys of a client, in files."""
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def _running(keys: Keys) -> Iterator[ExampleServer]:
    server = ExampleServer(keys)
    yield server
    server.stop()


@pytest.fixture
def server(_running: ExampleServer) -> ExampleServer:
    """The example service, sound again."""
    _running.reset()
    return _running
