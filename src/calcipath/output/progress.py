"""Progress on standard error for long runs; silent where nobody watches."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

WIDTH = 40


def progress_bar(total: int, what: str, shortest: int = 100_000) -> Callable[[int], None] | None:
    """A function to call with how much more is done; None for a short run, or where standard error is no terminal."""
    if total < shortest or not sys.stderr.isatty():
        return None
    done = 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        end = "\n" if done >= total else ""
        sys.stderr.write(f"\r{what} {_bar(done / total, WIDTH)} {done:,} of {total:,}{end}")
        sys.stderr.flush()

    return advance


def _bar(share: float, width: int) -> str:
    filled = int(width * min(max(share, 0.0), 1.0))
    return f"[{'#' * filled}{'.' * (width - filled)}]"


class StepProgress:
    """The step of a long run on one line: its name, the share of the whole that is done, and the time so far.

    `plan` names the steps in order with their weights. A step that is not ahead in the plan belongs to the one that is
    being done. The line is drawn anew each second, and goes at the end.
    """

    def __init__(self, plan: Sequence[tuple[str, float]]) -> None:
        self._plan = plan
        self._whole = sum(weight for _, weight in plan) or 1.0
        self._place, self._name, self._within = 0, "", 0.0
        self._since = time.monotonic()
        self._over = threading.Event()
        self._clock = threading.Thread(target=self._tick, daemon=True) if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self._clock is not None:
            self._clock.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._clock is not None:
            self._clock.join()
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def __call__(self, name: str, within: float = 0.0) -> None:
        """A step begins, or so much of it is done (0 to 1)."""
        ahead = range(self._place, len(self._plan))
        self._place = next((n for n in ahead if name == self._plan[n][0]), self._place)
        self._name, self._within = name, within
        if self._clock is not None:
            self._draw()

    @property
    def share(self) -> float:
        """What is done of the whole."""
        done = sum(weight for _, weight in self._plan[: self._place])
        own = self._plan[self._place][1] if self._place < len(self._plan) else 0.0
        return (done + self._within * own) / self._whole

    def _tick(self) -> None:
        while not self._over.wait(1.0):
            self._draw()

    def _draw(self) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._since), 60)
        told = f"{100 * self.share:3.0f} % {minutes}:{seconds:02} {self._name}"
        columns = shutil.get_terminal_size().columns
        width = min(WIDTH, columns - len(told) - 4)
        line = f"{_bar(self.share, width)} {told}" if width > 0 else told
        sys.stderr.write(f"\r\033[K{line[: columns - 1]}")
        sys.stderr.flush()
