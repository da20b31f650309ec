"""A pytest plugin for mutation testing: empties the package's caches before the tests run.

mutmut runs the tests once and then forks for every mutant; a value that an `lru_cache` kept from the first run would
hide the mutant behind it, which would then count as survived.
"""

from __future__ import annotations

import sys


def pytest_sessionstart() -> None:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "calcipath":
            for value in list(vars(module).values()):
                clear = getattr(value, "cache_clear", None)
                if callable(clear):
                    clear()
