"""Patients go through the last steps in portions, several at a time: memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from calcipath.population.duckdb_engine import Database


def for_each_portion(
    database: Database,
    firsts: Sequence[int],
    size: int,
    act: Callable[[Database, int, int], None],
    done: Callable[[float], None],
) -> None:
    """Call `act` with a connection, first and last patient of each portion, on as many threads as the database has.

    `done` is told the share of the portions that are done.
    """

    def one(first: int) -> None:
        with database.beside() as own:
            act(own, first, first + size - 1)

    with ThreadPoolExecutor(database.threads) as pool:
        running = [pool.submit(one, first) for first in firsts]
        try:
            for number, each in enumerate(running, 1):
                each.result()
                done(number / len(running))
        finally:
            for each in running:
                each.cancel()
