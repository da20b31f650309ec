"""A token is good once: in one process, in several, and when the memory is full."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from keys import jwk, signed
from verifying import ISSUER, KEY, NOW, Clock, Service, claims

from calcipath.errors import InputError
from calcipath.service.authentication import TrustedClient
from calcipath.service.replay import MemoryReplayGuard, ReplayError, ReplayGuard, SharedReplayGuard


def test_a_token_is_good_once() -> None:
    service = Service()
    token = signed(KEY, claims())
    service.verify(token)
    assert service.refusal(token) == "replayed"
    assert service.refusal(signed(KEY, claims(exp=NOW + 200))) == "replayed"  # the id counts, not the text
    service.clock.now += 305
    assert service.refusal(token) == "replayed"  # within the leeway it is still remembered
    service.clock.now += 10
    assert service.refusal(token) == "expired"


def test_the_same_id_of_two_issuers_is_two_tokens() -> None:
    second = TrustedClient("https://second.example", keys=(jwk(KEY, "one"),))
    service = Service(TrustedClient(ISSUER, keys=(jwk(KEY, "one"),)), second)
    service.verify(signed(KEY, claims()))
    assert service.verify(signed(KEY, claims(iss=second.issuer))).issuer == second.issuer


def test_of_many_at_once_one_is_first(tmp_path: Path) -> None:
    shared = SharedReplayGuard(tmp_path / "used")
    for guard in (MemoryReplayGuard(clock=Clock()), shared):

        async def together(guard: ReplayGuard = guard) -> list[bool]:
            return await asyncio.gather(*[guard.first_use(ISSUER, "a", time.time() * 2) for _ in range(50)])

        assert sum(asyncio.run(together())) == 1
    shared.close()


def test_a_full_memory_refuses_new_tokens_and_forgets_only_ended_ones() -> None:
    clock = Clock()
    guard = MemoryReplayGuard(most=3, clock=clock)

    async def use(token_id: str, until: float, issuer: str = ISSUER) -> bool:
        return await guard.first_use(issuer, token_id, until)

    for number in range(3):
        assert asyncio.run(use(str(number), NOW + 10 + number))
    with pytest.raises(ReplayError):
        asyncio.run(use("more", NOW + 60))
    assert asyncio.run(use("more", NOW + 60, "https://second.example"))  # one issuer does not starve another
    assert not asyncio.run(use("0", NOW + 60))
    clock.now += 10
    assert asyncio.run(use("more", NOW + 60))
    assert not asyncio.run(use("1", NOW + 60))
    service = Service(replay=guard)
    assert service.refusal(signed(KEY, claims(jti="last"))) == "replay-unknown"


def test_processes_share_what_was_used(tmp_path: Path) -> None:
    clock = Clock()
    guards = [SharedReplayGuard(tmp_path / "used", clock=clock) for _ in range(2)]
    services = [Service(replay=guard) for guard in guards]
    token = signed(KEY, claims())
    services[0].verify(token)
    assert services[1].refusal(token) == "replayed"
    assert services[1].verify(signed(KEY, claims(jti="second"))).token_id == "second"  # noqa: S105
    assert services[0].refusal(signed(KEY, claims(jti="second"))) == "replayed"
    clock.now += 400
    assert asyncio.run(guards[0].first_use(ISSUER, "second", clock.now + 60))  # ended: the row is free again
    for guard in guards:
        guard.close()
    assert services[0].refusal(signed(KEY, claims(jti="third"))) == "replay-unknown"
    assert (tmp_path / "used").stat().st_mode & 0o077 == 0


def test_a_shared_memory_is_bounded_and_cleaned(tmp_path: Path) -> None:
    clock = Clock()
    guard = SharedReplayGuard(tmp_path / "used", most=5, clock=clock)

    def use(token_id: str) -> bool:
        return asyncio.run(guard.first_use(ISSUER, token_id, clock.now + 30))

    for number in range(5):
        assert use(str(number))
    clock.now += 11
    with pytest.raises(ReplayError):
        use("more")
    clock.now += 30
    assert use("more")
    guard.close()
    with pytest.raises(InputError):
        SharedReplayGuard(tmp_path / "nowhere" / "used")
