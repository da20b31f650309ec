"""Processes that die, and processes that write at once: nothing that was acknowledged is lost."""

from __future__ import annotations

import subprocess
import sys

from store_examples import run_sql

from calcipath.store.store import open_store
from calcipath.store.verification import verify

WRITER = """
import sys
from calcipath.store.feedback import record
from calcipath.store.feedback_items import FeedbackItem
from calcipath.store.store import open_store
url, name, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = open_store(url)
for delivery in range(most):
    cards = [f"{name}-{delivery}-{item}" for item in range(3)]
    record(store, "patient-view", [FeedbackItem(card, "accepted", 1.8e9, ("s",)) for card in cards], now=1.8e9)
    print(*cards, flush=True)
"""


def writer(url: str, name: str, most: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", WRITER, url, name, str(most)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kept(url: str) -> list[str]:
    return [card for (card,) in run_sql(url, "SELECT card FROM feedback")]


def test_kill_9_loses_nothing_that_was_acknowledged(url: str) -> None:
    acknowledged: list[str] = []
    for round_, deliveries in enumerate((1, 7, 23)):
        process = writer(url, f"r{round_}", 100_000)
        assert process.stdout is not None
        for _ in range(deliveries):
            acknowledged += process.stdout.readline().split()
        process.kill()
        rest, said = process.communicate()
        acknowledged += [
            word for line in rest.splitlines(keepends=True) if line.endswith("\n") for word in line.split()
        ]
        assert process.returncode == -9 and said == ""
        with open_store(url) as store:
            found = verify(store)
        there = kept(url)
        assert len(acknowledged) >= 3 * deliveries
        assert set(acknowledged) <= set(there)
        assert len(there) == len(set(there)) and len(there) % 3 == 0  # each once, and no delivery in part
        assert found.whole and found.feedback == len(there) and len(found.heads) == round_ + 1


def test_four_processes_write_at_once(url: str) -> None:
    open_store(url).close()
    processes = [writer(url, f"p{number}", 30) for number in range(4)]
    answers = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, [said for _, said in answers]
    acknowledged = [word for out, _ in answers for word in out.split()]
    assert len(acknowledged) == 4 * 30 * 3
    assert sorted(kept(url)) == sorted(acknowledged)
    with open_store(url) as store:
        found = verify(store)
    assert found.whole and sorted(head.number for head in found.heads) == [90] * 4
