"""A genuine Apache Spark Connect server for the tests that are marked `spark`."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from spark_server import server


@pytest.fixture(scope="session")
def spark_client() -> None:
    """The client, imported: it takes a main module without a file, as in a process of pytest-xdist, for a run of doctests."""
    main = sys.modules["__main__"]
    nameless = not hasattr(main, "__file__")
    if nameless:
        main.__file__ = __file__
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module("pyspark.sql.connect.session")
    finally:
        if nameless:
            del main.__file__


@pytest.fixture(scope="session")
def spark_address(spark_client: None) -> Iterator[str]:
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
