"""Apache Spark through Spark Connect: the client is pure Python, the server may be any cluster."""

from __future__ import annotations

import importlib
import logging
import socket
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

from calcipath.errors import InputError, ServerError

T = TypeVar("T")
INSTALL: Final = "pip install 'calcipath[spark]'"
PORT: Final = 15002  # of Spark Connect, where the address names none
# Division as in the standard. A line of JSON is read whole or not at all, and of members of one name the last counts, as
# Python's reader has it. No search for constraints, which takes minutes in queries with many layers, and no code
# generation: of queries as wide as these it makes methods that Java's compiler leaves alone, at the price of making them.
SETTINGS: Final[Mapping[str, str]] = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.json.enablePartialResults": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.subexpressionElimination.enabled": "false",
    "spark.sql.variant.allowDuplicateKeys": "true",
}
# The client tells them from the rows, if there are any.
_TYPES: Final = {"int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN", "string": "STRING", "binary": "BINARY"}
CLIENT_LOG: Final = "SQLQueryContextLogger"  # the client writes a server's errors here, with the data that they quote


class NotFoundError(InputError):
    """Spark finds no file at a path."""


class Spark:
    """A session on a Spark Connect server; ends with its `with` block. Raises `ServerError` and `InputError`."""

    def __init__(self, session: Any, url: str) -> None:  # the client has no types
        self._session, self._url = session, url
        self._kept: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.clear()
        self._session.stop()

    @property
    def version(self) -> str:
        """Of the server."""
        return str(self._answer(lambda: self._session.version))

    def view_of_parquet(self, name: str, paths: Sequence[str], columns: Sequence[str] = ("*",)) -> None:
        """Call the rows of Parquet files `name`; the server must be able to read the paths. Raises `NotFoundError`."""
        self._view(name, lambda: self._session.read.parquet(*paths).selectExpr(*columns))

    def view_of_table(self, name: str, table: Any) -> None:
        """Call the rows of an Arrow table `name`; they are sent to the server."""
        types = ", ".join(f"`{field.name}` {_TYPES[str(field.type)]}" for field in table.schema)
        self._view(name, lambda: self._session.createDataFrame(table, None if len(table) else types))

    def view_of_query(self, name: str, sql: str) -> None:
        """Call the rows of a query `name`; it runs whenever they are read."""
        self._view(name, lambda: self._query(sql))

    def view_of_lines(self, name: str, paths: Sequence[str], endings: str) -> None:
        """Call the lines of text files `name`, with their file and where in it their block begins. Raises `NotFoundError`."""

        def frame() -> Any:
            reader = self._session.read.format("text").option("lineSep", "\n").option("pathGlobFilter", endings)
            place = "_metadata.file_path AS file", "_metadata.file_block_start AS block"
            return reader.load(list(paths)).selectExpr("value", *place)

        self._view(name, frame)

    def keep(self, name: str, sql: str) -> None:
        """Compute the rows of a query now and call them `name`: on the cluster's disks, and never computed again.

        They are checkpoints where the server has `spark.checkpoint.dir`; else they live as long as their executors.
        """

        def kept() -> Any:
            frame = self._query(sql)
            return frame.checkpoint() if self._lasting else frame.localCheckpoint()

        self._kept[name] = self._answer(kept)
        self._view(name, lambda: self._kept[name])

    def drop(self, name: str) -> None:
        """Forget what was kept as `name`."""
        frame = self._kept.pop(name, None)
        self._answer(lambda: self._session.catalog.dropTempView(name))
        if frame is not None:
            self._answer(frame.unpersist)

    def columns(self, name: str) -> list[str]:
        """The columns of a table or view."""
        return list(self._answer(lambda: self._session.table(name).columns))

    def rows(self, sql: str) -> Any:
        """The rows of a query, brought here as an Arrow table."""
        return self._answer(lambda: self._query(sql).toArrow())

    def write_parquet(self, sql: str, path: str) -> None:
        """Write the rows of a query as a folder of Parquet files, which the server must be able to write."""
        self._answer(lambda: self._query(sql).write.mode("overwrite").parquet(path))

    def _query(self, sql: str) -> Any:
        """As the client's `sql`, which would have the server analyse the text at once, and then again to run it."""
        text = importlib.import_module("pyspark.sql.connect.plan").SQL(sql)
        return importlib.import_module("pyspark.sql.connect.dataframe").DataFrame(text, self._session)

    def _view(self, name: str, frame: Callable[[], Any]) -> None:
        self._answer(lambda: frame().createOrReplaceTempView(name))

    def _answer(self, ask: Callable[[], T]) -> T:
        base, transport = _errors()
        try:
            return ask()
        except base as error:
            refused = NotFoundError if _condition(error) == "PATH_NOT_FOUND" else InputError
            raise refused(f"Spark at {shown(self._url)} refused: {_told(error)}") from None
        except transport as error:
            raise ServerError(f"Spark at {shown(self._url)} did not answer: {_first_line(error)}") from error

    @cached_property
    def _lasting(self) -> bool:
        return bool(self._answer(lambda: self._session.conf.get("spark.checkpoint.dir", "")))


def connect(url: str, *, patience: float = 10.0) -> Spark:
    """A session on the server at `sc://host[:port][/;token=...]`; `patience` is how long to wait for its port."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the client speaks of versions of pandas, which is not used here
        try:
            sessions = importlib.import_module("pyspark.sql.connect.session")
        except ImportError as error:
            raise InputError(f"--engine {shown(url)} needs the Spark Connect client; {INSTALL} installs it") from error
    _reached(url, patience)
    logging.getLogger(CLIENT_LOG).setLevel(logging.CRITICAL + 1)
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


def _told(error: Exception) -> str:
    """What Spark says of a query; of data that it could not use only the kind of fault, since it quotes them."""
    if isinstance(error, importlib.import_module("pyspark.errors").AnalysisException):
        return _first_line(error)
    return _condition(error)


def _condition(error: Exception) -> str:
    return str(getattr(error, "getCondition", str)() or type(error).__name__)


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
