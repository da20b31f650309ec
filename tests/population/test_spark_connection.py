"""What is said when there is no Spark: one sentence, at once, without the address's token."""

from __future__ import annotations

import importlib
import socket

import pytest

from calcipath.cli import main
from calcipath.errors import InputError, ServerError
from calcipath.population.spark import connect, shown

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("spark_client")]


def test_a_server_that_cannot_be_reached() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ServerError, match=rf"^Spark at sc://127.0.0.1:{port} cannot be reached: ") as error:
        connect(f"sc://127.0.0.1:{port}/;token=secret")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "sc://", "127.0.0.1:15002"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(InputError, match="an address of Spark Connect is sc://HOST:PORT"):
        connect(url)


def test_a_port_that_is_no_number() -> None:
    with pytest.raises(InputError, match="the port is no number"):
        connect("sc://127.0.0.1:many")


def test_without_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def absent(name: str, package: str | None = None) -> object:
        if name.startswith("pyspark"):
            raise ImportError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(
        InputError, match=r"needs the Spark Connect client; pip install 'calcipath\[spark\]' installs it"
    ):
        connect("sc://127.0.0.1:15002")


def test_a_token_is_never_shown() -> None:
    assert shown("sc://host:15002/;token=secret") == "sc://host:15002"


@pytest.mark.parametrize("engine", ["spark", "http://127.0.0.1:15002", "127.0.0.1:15002"])
def test_an_engine_that_is_none(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["screen", "source", "--out", "out", "--engine", engine]) == 2
    assert "argument --engine: needs duckdb, or the address of a Spark Connect server" in capsys.readouterr().err
