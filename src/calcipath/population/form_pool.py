"""All contents of a population read into the form tables, by several processes where there is much to read.

The rows do not depend on how many processes read, nor does their order.
"""

from __future__ import annotations

import copyreg
import io
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from calcipath.errors import InputError
from calcipath.population.duckdb_engine import Database
from calcipath.population.form_rows import Columns, columns_of_forms
from calcipath.population.forms import FormReader

Chunk = list[tuple[int, str]]  # numbered contents
Tables = dict[str, Columns]
CHUNK_CONTENTS: Final = 500
CHUNK_CHARACTERS: Final = 250_000
POOL_FROM: Final = 4_000_000  # characters in all; for fewer the processes cost more than they save
AHEAD: Final = 2  # chunks waiting for each process: they bound the memory
_reader: FormReader | None = None  # set in each worker


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reading took: how many contents, in how many seconds, by how many processes."""

    contents: int = 0
    seconds: float = 0.0
    processes: int = 1

    @property
    def per_second(self) -> float:
        """Contents read in a second."""
        return self.contents / self.seconds if self.seconds else 0.0

    def __add__(self, more: Reading) -> Reading:
        return Reading(self.contents + more.contents, self.seconds + more.seconds, max(self.processes, more.processes))


def read_forms(database: Database, reader: FormReader, since: int = -1, *, pool_from: int = POOL_FROM) -> Reading:
    """Read the table `content` (number, content), from after the number `since`, into the form tables.

    With as many processes as the database has threads. Raises `InputError` when a process is ended from outside.
    `pool_from`: from how many characters on.
    """
    begun = time.monotonic()
    new = f"FROM content WHERE number > {since}"
    contents = database.count(f"SELECT count(*) {new}")
    large = database.count(f"SELECT sum({_LENGTH}) {new}") >= pool_from
    ranges = _ranges(database, new)
    processes = min(database.threads, len(ranges)) if large else 1
    chunks = (_chunk(database, first, last) for first, last in ranges)
    with _reading(reader, processes) as read:
        for tables in read(chunks):
            database.load_forms(tables)
    if database.count(f"SELECT count(*) FROM form_content WHERE content > {since}") != contents:
        raise RuntimeError("not every content was read")
    return Reading(contents, time.monotonic() - begun, max(processes, 1))


_LENGTH: Final = "length(coalesce(content, ''))"


def _ranges(database: Database, new: str) -> list[tuple[int, int]]:
    """First and last number of each chunk; what is in a chunk depends on the contents alone."""
    counted = f"SELECT number, sum({_LENGTH}) OVER (ORDER BY number) // {CHUNK_CHARACTERS} AS part {new}"
    return [
        (int(first), int(last))
        for first, last in database.run(
            f"SELECT min(number), max(number) FROM ({counted}) GROUP BY part, number // {CHUNK_CONTENTS} ORDER BY 1"
        )
    ]


def _chunk(database: Database, first: int, last: int) -> Chunk:
    some = f"number BETWEEN {first} AND {last}"
    return database.run(f"SELECT number, coalesce(content, '') FROM content WHERE {some} ORDER BY number")


@contextmanager
def _reading(reader: FormReader, processes: int) -> Iterator[Callable[[Iterable[Chunk]], Iterator[Tables]]]:
    """How chunks are read: here, or side by side; the tables come in the order of the chunks."""
    if processes <= 1:
        yield lambda chunks: (columns_of_forms(reader.read(chunk)) for chunk in chunks)
        return
    context = multiprocessing.get_context("spawn")  # forking a process in which an engine has threads may hang
    pool = ProcessPoolExecutor(processes, context, _begin, (_pickled(reader),))
    try:
        yield lambda chunks: _side_by_side(pool, processes, chunks)
    except BrokenProcessPool:
        raise InputError(
            "a process that read texts was ended from outside (is there enough memory?); nothing was changed"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _side_by_side(pool: ProcessPoolExecutor, processes: int, chunks: Iterable[Chunk]) -> Iterator[Tables]:
    waiting: deque[Future[Tables]] = deque()
    for chunk in chunks:
        waiting.append(pool.submit(_read, chunk))
        if len(waiting) >= AHEAD * processes:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class _Pickler(pickle.Pickler):
    """Also of read-only mappings, which a guideline holds."""

    dispatch_table = {**copyreg.dispatch_table, MappingProxyType: lambda held: (_read_only, (dict(held),))}  # noqa: RUF012


def _read_only(held: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(held)


def _pickled(reader: FormReader) -> bytes:
    text = io.BytesIO()
    _Pickler(text, pickle.HIGHEST_PROTOCOL).dump((reader.guideline, reader.notes, reader.code_systems))
    return text.getvalue()


def _begin(pickled: bytes) -> None:
    """In each worker: an interrupt is the parent's business, and without a parent there is none."""
    global _reader
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    guideline, notes, code_systems = pickle.loads(pickled)  # noqa: S301  our own, from the parent
    _reader = FormReader(guideline, notes=notes, code_systems=code_systems)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _read(chunk: Chunk) -> Tables:
    if _reader is None:
        raise RuntimeError("no reader")
    return columns_of_forms(_reader.read(chunk))
