"""A progress bar on standard error for long runs; silent where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable

WIDTH = 40


def progress_bar(total: int, what: str, shortest: int = 100_000) -> Callable[[int], None] | None:
    """A function to call with how much more is done; None for a short run, or where standard error is no terminal."""
    if total < shortest or not sys.stderr.isatty():
        return None
    done = 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        filled = WIDTH * done // total
        end = "\n" if done >= total else ""
        sys.stderr.write(f"\r{what} [{'#' * filled}{'.' * (WIDTH - filled)}] {done:,} of {total:,}{end}")
        sys.stderr.flush()

    return advance
