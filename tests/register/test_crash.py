"""kill -9 while entries and photographs are added: what was acknowledged is there, whole."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from register_examples import Clock, opened

from calcipath.register.register import Register
from calcipath.store.store import open_store
from calcipath.store.verification import verify

ADDER = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[4:]
from register_examples import Clock, observation, opened, picture
from calcipath.store.store import open_store
url, folder, name = sys.argv[1:4]
with open_store(url) as store:
    register = opened(store, Path(folder), Clock())
    local = register.local_account()
    handle = register.cases.create(local, name).handle
    print("case", handle, flush=True)
    for number in range(100_000):
        together = [observation(f"{name}-{number}-{part}", note=[{"text": "x" * 300}]) for part in range(3)]
        register.cases.add(local, handle, together)
        print("entries", number, flush=True)
        if number % 3 == 0:
            said = {"taken": "2026-11-01", "site": "thigh", "consent": "written"}
            photograph = register.photographs.add(local, handle, picture(), **said)
            print("photograph", photograph.id, flush=True)
"""


def adding(url: str, folder: Path, name: str) -> subprocess.Popen[str]:
    code = [sys.executable, "-W", "error", "-c", ADDER, url, str(folder), name]
    tests = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "store")]
    return subprocess.Popen([*code, *tests], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def check(register: Register, name: str, acknowledged: list[list[str]]) -> None:
    """Every acknowledged word is true, and what was not acknowledged is there in whole steps or not at all."""
    local = register.local_account()
    handle = acknowledged[0][1]
    keys = [each["id"] for each in register.cases.resources(local, handle) if each["resourceType"] == "Observation"]
    steps = [int(number) for word, number in acknowledged if word == "entries"]
    assert steps == list(range(len(steps))) and len(steps) > 0
    assert len(keys) % 3 == 0 and 0 <= len(keys) // 3 - len(steps) <= 1
    assert keys == [f"{name}-{number}-{part}" for number in range(len(keys) // 3) for part in range(3)]
    photographs = {each.id for each in register.photographs.of(local, handle)}
    assert {identifier for word, identifier in acknowledged if word == "photograph"} <= photographs
    for identifier in photographs:
        register.photographs.read(local, handle, identifier)
    media = {each["id"] for each in register.cases.resources(local, handle) if each["resourceType"] == "Media"}
    assert media == photographs


def test_kill_9_loses_nothing_that_was_acknowledged(new_url: Callable[[], str], folder: Path) -> None:
    url, chance = new_url(), random.Random()  # noqa: S311 - another moment in every run
    for round_ in range(2):
        name = f"r{round_}"
        process = adding(url, folder, name)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(chance.randint(2, 25))]
        time.sleep(chance.random() / 50)
        process.kill()
        rest, said = process.communicate()
        lines += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        assert process.returncode == -9 and said == ""
        with open_store(url) as store:
            register = opened(store, folder, Clock(), orphan_seconds=0)
            check(register, name, [line.split() for line in lines])
            kept = {
                each.file for case in register.cases.of(register.local_account())
                for each in register.photographs.of(register.local_account(), case.handle)
            }  # fmt: skip
            assert {file.name for file in folder.iterdir()} == kept | {"calcipath-register"}
            assert verify(store).whole
            if not store.postgres:
                with store.read() as connection:
                    assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
