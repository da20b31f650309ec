"""Apache Spark through Spark Connect: the client is pure Python, the server may be any cluster."""

from __future__ import annotations

import importlib
import socket
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

from calcipath.errors import InputError, ServerError

T = TypeVar("T")
INSTALL: Final = "pip install 'calcipath[spark]'"
PORT: Final = 15002  # of Spark Connect, where the address names none
# Division as in the standard. No search for constraints, which takes minutes in queries with many layers, and no code
# generation: of queries as wide as these it makes methods that Java's compiler leaves alone, at the price of making them.
SETTINGS: Final[Mapping[str, str]] = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.subexpressionElimination.enabled": "false",
}


class Spark:
    """A session on a Spark Connect server; ends with its `with` block. Raises `ServerError` and `InputError`."""

    def __init__(self, session: Any, url: str) -> None:  # the client has no types
        self._session, self._url = session, url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.stop()

    def view_of_parquet(self, name: str, paths: Sequence[str]) -> None:
        """Call the rows of Parquet files `name`; the server must be able to read the paths."""
        self._view(name, lambda: self._session.read.parquet(*paths))

    def view_of_table(self, name: str, table: Any) -> None:
        """Call the rows of an Arrow table `name`; they are sent to the server."""
        self._view(name, lambda: self._session.createDataFrame(table))

    def view_of_query(self, name: str, sql: str) -> None:
        """Call the rows of a query `name`; it runs whenever they are read."""
        self._view(name, lambda: self._session.sql(sql))

    def rows(self, sql: str) -> Any:
        """The rows of a query, brought here as an Arrow table."""
        return self._answer(lambda: self._session.sql(sql).toArrow())

    def write_parquet(self, sql: str, path: str) -> None:
        """Write the rows of a query as a folder of Parquet files, which the server must be able to write."""
        self._answer(lambda: self._session.sql(sql).write.mode("overwrite").parquet(path))

    def _view(self, name: str, frame: Callable[[], Any]) -> None:
        self._answer(lambda: frame().createOrReplaceTempView(name))

    def _answer(self, ask: Callable[[], T]) -> T:
        base, transport = _errors()
        try:
            return ask()
        except base as error:
            raise InputError(f"Spark at {shown(self._url)} refused: {_first_line(error)}") from error
        except transport as error:
            raise ServerError(f"Spark at {shown(self._url)} did not answer: {_first_line(error)}") from error


def connect(url: str, *, patience: float = 10.0) -> Spark:
    """A session on the server at `sc://host[:port][/;token=...]`; `patience` is how long to wait for its port."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the client speaks of versions of pandas, which is not used here
        try:
            sessions = importlib.import_module("pyspark.sql.connect.session")
        except ImportError as error:
            raise InputError(f"--engine {shown(url)} needs the Spark Connect client; {INSTALL} installs it") from error
    _reached(url, patience)
    base, transport = _errors()
    try:
        session = sessions.SparkSession.builder.remote(url).create()
        for name, value in SETTINGS.items():
            session.conf.set(name, value)
    except (base, *transport) as error:
        raise ServerError(f"Spark at {shown(url)} could not be used: {_first_line(error)}") from error
    return Spark(session, url)


def shown(url: str) -> str:
    """The address without what follows it: there may be a token."""
    return url.split(";", 1)[0].rstrip("/")


def _reached(url: str, patience: float) -> None:
    """Try the port first: the client itself would try again for many minutes."""
    parts = urlsplit(shown(url))
    try:
        host, port = parts.hostname, parts.port or PORT
    except ValueError as error:
        raise InputError(f"--engine {shown(url)}: the port is no number") from error
    if parts.scheme != "sc" or not host:
        raise InputError(f"--engine {shown(url)}: an address of Spark Connect is sc://HOST:PORT")
    try:
        with socket.create_connection((host, port), timeout=patience):
            return
    except OSError as error:
        raise ServerError(f"Spark at sc://{host}:{port} cannot be reached: {error.strerror or error}") from error


def _errors() -> tuple[type[Exception], tuple[type[Exception], ...]]:
    """What the client raises when Spark refuses, and when the connection fails."""
    refused = importlib.import_module("pyspark.errors").PySparkException
    return refused, (importlib.import_module("grpc").RpcError, OSError)


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
