"""The suppression memory: shown once for the same facts, visible, taken back, gone in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, text
from store_examples import DAY, NOON, run_sql, shown

from calcipath.store import memory
from calcipath.store.engines import read_place
from calcipath.store.store import Store, open_store


def test_what_was_shown_is_seen_until_it_expires(store: Store) -> None:
    memory.remember(store, [shown("k1"), shown("k2", days=2)])
    assert memory.seen(store, ["k1", "k2", "k3"], now=NOON) == {"k1", "k2"}
    assert memory.seen(store, ["k1", "k2"], now=NOON + 2 * DAY - 0.001) == {"k1", "k2"}
    assert memory.seen(store, ["k1", "k2"], now=NOON + 2 * DAY) == {"k1"}
    assert memory.seen(store, ["k1"], now=NOON + 30 * DAY) == frozenset()
    assert memory.seen(store, [], now=NOON) == frozenset()


def test_it_is_there_after_a_restart(store: Store, url: str) -> None:
    memory.remember(store, [shown("k1")])
    with open_store(url) as later:
        assert memory.seen(later, ["k1"], now=NOON) == {"k1"}


def test_many_keys_at_once(store: Store) -> None:
    memory.remember(store, [shown(f"k{number}") for number in range(1500)])
    keys = [f"k{number}" for number in range(3000)]
    assert len(memory.seen(store, [*keys, *keys], now=NOON)) == 1500


def test_what_is_forgotten_is_shown_again_and_remembered_again(store: Store) -> None:
    memory.remember(store, [shown("k1"), shown("k2")])
    assert memory.forget(store, "k1", now=NOON + 1)
    assert memory.seen(store, ["k1", "k2"], now=NOON + 2) == {"k2"}
    assert not memory.forget(store, "k1", now=NOON + 3)
    assert not memory.forget(store, "nobody's", now=NOON + 3)
    assert not memory.forget(store, "k2", now=NOON + 31 * DAY)
    memory.remember(store, [shown("k1", NOON + 5)])
    assert memory.seen(store, ["k1"], now=NOON + 6) == {"k1"}


def test_what_is_shown_again_is_renewed(store: Store) -> None:
    memory.remember(store, [shown("k1")])
    memory.remember(store, [shown("k1", NOON + 20 * DAY, alert="group:suspicion")])
    (found,) = memory.listing(store, now=NOON + 40 * DAY)
    assert (found.alert, found.shown_at, found.expires) == ("group:suspicion", NOON + 20 * DAY, NOON + 50 * DAY)


def test_the_same_key_twice_in_one_call(store: Store) -> None:
    memory.remember(store, [shown("k1"), shown("k1", days=3)])
    (found,) = memory.listing(store, now=NOON)
    assert found.expires == NOON + 3 * DAY


def test_the_listing_shows_what_stands_the_latest_first(store: Store) -> None:
    first = shown("k1", recommendations=("skin-biopsy", "replace-warfarin"))
    second = shown("k2", NOON + 60, patient_digest="9" * 64, recommendations=("skin-biopsy-2",))
    memory.remember(store, [first, second, shown("gone", days=0.5), shown("taken")])
    memory.forget(store, "taken", now=NOON + 90)
    now = NOON + DAY
    assert memory.listing(store, now=now) == (second, first)
    assert [each.key for each in memory.listing(store, now=now, forgotten=True)] == ["k2", "k1", "taken"]
    assert memory.listing(store, now=now, forgotten=True)[2].forgotten_at == NOON + 90
    assert memory.listing(store, now=now, patient_digest="9" * 64) == (second,)
    assert memory.listing(store, now=now, recommendation="skin-biopsy") == (first,)
    assert memory.listing(store, now=now, recommendation="%") == ()
    assert memory.listing(store, now=now, most=1) == (second,)


def test_only_what_expired_is_swept_away(store: Store, url: str) -> None:
    memory.remember(store, [shown("k1"), shown("k2", days=2), shown("k3", days=1)])
    assert memory.sweep(store, now=NOON + 2 * DAY) == 2
    assert run_sql(url, "SELECT alert_key FROM shown_alert") == [("k1",)]


@contextmanager
def renewing(url: str, key: str) -> Iterator[Connection]:
    """Another process renews the key and has not committed it."""
    engine = create_engine(read_place(url).url)
    with engine.connect() as connection:
        connection.execute(text("UPDATE shown_alert SET forgotten_at = NULL WHERE alert_key = :key"), {"key": key})
        yield connection
        connection.rollback()
    engine.dispose()


def waiting(connection: Connection) -> None:
    """Wait until another process of this server waits for a lock."""
    for _ in range(500):
        query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        if connection.execute(text(query)).scalar():
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


def test_a_sweep_waits_for_nobody(new_schema: Callable[[], str]) -> None:
    url = new_schema()
    with open_store(url) as store, ThreadPoolExecutor(1) as pool:
        memory.remember(store, [shown("k1"), shown("k2"), shown("k3")])
        with renewing(url, "k2"):
            assert pool.submit(memory.sweep, store, now=NOON + 40 * DAY).result(10) == 2
        assert run_sql(url, "SELECT alert_key FROM shown_alert") == [("k2",)]


def test_keys_are_locked_in_their_order(new_schema: Callable[[], str]) -> None:
    """Else two processes that remember the same keys could each wait for the other."""
    url = new_schema()
    with open_store(url) as store, ThreadPoolExecutor(1) as pool:
        memory.remember(store, [shown(key) for key in "abcdef"])
        with renewing(url, "d") as other:
            done = pool.submit(memory.remember, store, [shown(key) for key in "fdbaec"])
            waiting(other)
            query = "SELECT alert_key FROM shown_alert WHERE alert_key <> 'd' ORDER BY alert_key FOR UPDATE SKIP LOCKED"
            free = other.execute(text(query)).scalars().all()
        done.result(10)
    assert free == ["e", "f"]  # a, b and c are locked already


def test_many_who_remember_and_sweep_at_once(store: Store, url: str) -> None:
    def work(name: int) -> None:
        with open_store(url) as own:
            for round_ in range(8):
                keys = [f"k{(name * 7 + number) % 30}" for number in range(20)]
                memory.remember(own, [shown(key, NOON + round_, days=name) for key in keys])
                memory.sweep(own, now=NOON + DAY)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(memory.listing(store, now=NOON)) <= 30
