"""The accounts of a store by themselves, for whoever runs the service: no folder of photographs is needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from calcipath.register.accounts import Accounts
from calcipath.register.ground import Ground
from calcipath.register.passwords import Passwords
from calcipath.store.store import open_store


@contextmanager
def service_accounts(url: str, key: Callable[[], bytes], *, existing: bool) -> Iterator[Accounts]:
    """The accounts of the store at `url`, which is made where it is missing and need not be `existing`.

    `key` gives the audit's digest key once the store is open, so that a wrong URL leaves no file. Raises `StoreError`.
    """
    with open_store(url, existing=existing) as store:
        yield Accounts(Ground(store, Path(), key(), time.time), Passwords())
