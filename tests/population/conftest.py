"""A genuine Apache Spark Connect server for the tests that are marked `spark`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from spark_server import server


@pytest.fixture(scope="session")
def spark_address() -> Iterator[str]:
    """Of the server that CALCIPATH_SPARK names, else of one of our own. Never skips: `-m "not spark"` leaves it out."""
    given = os.environ.get("CALCIPATH_SPARK")
    if given:
        yield given
        return
    try:
        running = server()
        address = running.__enter__()
    except RuntimeError as error:
        pytest.fail(f'{error}; `./test -m "not spark"` leaves these tests out', pytrace=False)
    try:
        yield address
    finally:
        running.__exit__(None, None, None)
