"""Public key sets (JWKS, RFC 7517) of the clients that a site trusts, fetched and kept.

Only the configured addresses are fetched, over https or from this machine. A set is kept for `lifetime`; an unknown key
id fetches it anew (a client rotates its keys), but never twice within `least_interval`, however many tokens with
invented key ids arrive. When a fetch fails the earlier set serves until `longest`, so that a short outage of the key
server does not silence the service. CDS Hooks register 195 to 199.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from calcipath.errors import CalcipathError
from calcipath.service.addresses import read_address
from calcipath.service.outgoing import Outgoing, OutgoingFailed

MOST_KEYS = 100
Keys = tuple[Mapping[str, Any], ...]


class KeySetError(CalcipathError):
    """A client's key set could not be had. The message names no address."""

    exit_status = 4

    def __init__(self) -> None:
        super().__init__("a client's key set could not be fetched")


@dataclass(slots=True)
class _Kept:
    """What is known of one address; the moments are seconds of the clock."""

    keys: Keys | None = None
    fetched: float = 0.0
    tried: float | None = None
    fetching: asyncio.Task[None] | None = None


class KeySets:
    """The key sets at `addresses`, and of nothing else.

    `lifetime`, `least_interval` and `longest` are seconds; `clock` must never run backwards. Raises `InputError` for an
    address that is neither https nor on this machine.
    """

    def __init__(
        self,
        addresses: Iterable[str],
        outgoing: Outgoing | None = None,
        *,
        lifetime: float = 300.0,
        least_interval: float = 30.0,
        longest: float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept = {address: _Kept() for address in addresses}
        self._spelled = {address: str(read_address(address, with_query=True)) for address in self._kept}
        self._outgoing = outgoing or Outgoing()
        self._lifetime = lifetime
        self._least_interval = least_interval
        self._longest = longest
        self._clock = clock

    @property
    def addresses(self) -> frozenset[str]:
        """The configured addresses, as the site wrote them."""
        return frozenset(self._kept)

    async def keys(self, address: str, key_id: str) -> Keys:
        """The keys of this id at a configured address; none when the set has no such key.

        Raises `KeySetError` when the set cannot be had, or the address is not configured.
        """
        kept = self._kept.get(address)
        if kept is None:
            raise KeySetError
        if not self._answers(kept, key_id):
            await self._renew(address, kept)
        if kept.keys is None or self._clock() - kept.fetched > self._longest:
            raise KeySetError
        return _of_id(kept.keys, key_id)

    def _answers(self, kept: _Kept, key_id: str) -> bool:
        fresh = kept.keys is not None and self._clock() - kept.fetched < self._lifetime
        return fresh and bool(_of_id(kept.keys or (), key_id))

    async def _renew(self, address: str, kept: _Kept) -> None:
        """Fetch once for all who wait; a request that is given up does not stop the fetch."""
        if kept.fetching is None or kept.fetching.done():
            if kept.tried is not None and self._clock() - kept.tried < self._least_interval:
                return
            kept.tried = self._clock()
            kept.fetching = asyncio.create_task(self._fetch(address, kept))
        await asyncio.shield(kept.fetching)

    async def _fetch(self, address: str, kept: _Kept) -> None:
        try:
            answer = await self._outgoing.get(self._spelled[address])
        except OutgoingFailed:
            return
        keys = read_key_set(answer.content) if answer.status == 200 else None
        if keys is not None:
            kept.keys, kept.fetched = keys, self._clock()


def read_key_set(content: Mapping[str, Any]) -> Keys | None:
    """The keys of a JWK set; None when this is no set, or one of more than `MOST_KEYS` keys."""
    keys = content.get("keys")
    if not isinstance(keys, list) or len(keys) > MOST_KEYS:
        return None
    return tuple(key for key in keys if isinstance(key, dict))


def _of_id(keys: Keys, key_id: str) -> Keys:
    return tuple(key for key in keys if key.get("kid") == key_id)
