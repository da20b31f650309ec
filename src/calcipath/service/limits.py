"""Limits that keep one caller from using up the service: size and depth of a body, requests a minute."""

from __future__ import annotations

import threading
from collections import OrderedDict

CALLERS = 10_000  # callers that are remembered at once


class RateLimit:
    """A token bucket for each caller: `per_minute` on average, a quarter of that at once."""

    def __init__(self, per_minute: int) -> None:
        self._rate = per_minute / 60.0
        self._most = max(1.0, per_minute / 4.0)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, caller: str, now: float) -> float:
        """Seconds to wait before the caller may ask; 0 when it may, which counts as asked."""
        with self._lock:
            left, at = self._left.pop(caller, (self._most, now))
            left = min(self._most, left + max(0.0, now - at) * self._rate)
            allowed = left >= 1.0
            self._left[caller] = (left - 1.0 if allowed else left, now)
            while len(self._left) > CALLERS:
                self._left.popitem(last=False)
            return 0.0 if allowed else (1.0 - left) / self._rate


def too_deep(value: object, deepest: int) -> bool:
    """Whether lists and objects of parsed JSON nest deeper than allowed. Level by level, without recursion."""
    level = [value]
    for _ in range(deepest):
        level = [
            part
            for held in level
            for part in (held.values() if type(held) is dict else held if type(held) is list else ())
            if type(part) is dict or type(part) is list
        ]
        if not level:
            return False
    return True
