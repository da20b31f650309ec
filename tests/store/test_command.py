"""`calcipath feedback`: what each action prints, and its exit status."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from store_examples import NOON, accepted, card, decision, run_sql, shown, unlock

from calcipath.errors import InputError
from calcipath.store import memory
from calcipath.store.audit import record_decision
from calcipath.store.case_audit import CaseAct, note_act
from calcipath.store.command import NOT_WHOLE, add_feedback_options, run
from calcipath.store.failures import StoreError
from calcipath.store.feedback import record
from calcipath.store.store import open_store


@pytest.fixture
def kept(sqlite_url: str) -> str:
    with open_store(sqlite_url) as store:
        record_decision(store, decision(NOON, card("c1", "replace-warfarin")))
        record_decision(store, decision(NOON + 86_400, card("c2", "replace-warfarin")))
        record(store, "patient-view", [accepted("c1")], now=NOON + 100)
        memory.remember(store, [shown("k1", time.time()), shown("gone", NOON - 1e8)])
    return sqlite_url


def chosen(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="calcipath feedback", exit_on_error=False)
    add_feedback_options(parser, lambda each: each.add_argument("--width", type=int))
    return parser.parse_args(words)


def text(*words: str, status: int = 0) -> str:
    said, found = run(chosen(*words), 80, False)
    assert found == status and said.endswith("\n")
    return said


def structure(*words: str, status: int = 0) -> Any:
    return json.loads(text(*words, "--format", "json", status=status))


def test_report(kept: str) -> None:
    assert "1 of 2 shown (too few)" in text("report", "--store", kept)
    assert structure("report", "--store", kept)["recommendations"][0]["shown"] == 2


@pytest.mark.parametrize(
    ("period", "cards"),
    [
        (["--since", "2026-11-21"], 1),
        (["--until", "2026-11-20"], 1),
        (["--until", "2026-11-21"], 2),
        (["--since", "2026-11", "--until", "2026"], 2),
        (["--since", "2026-11-20T12:00:00Z"], 2),
        (["--since", "2026-11-20T12:00:01Z"], 1),
        (["--until", "2026-11-20T12:00:00Z"], 0),
        (["--until", "2026-11-20T12:00Z"], 1),
        (["--since", "2026-11-20T07:00:00-05:00", "--until", "2026-11-20T07:00:01-05:00"], 1),
    ],
)
def test_the_period_of_the_report(kept: str, period: list[str], cards: int) -> None:
    found = structure("report", "--store", kept, *period)["recommendations"]
    assert sum(each["shown"] for each in found) == cards


def test_a_period_that_is_none(kept: str) -> None:
    for wrong in (["--since", "yesterday"], ["--until", "2026-02-30"], ["--since", "2027", "--until", "2026"]):
        with pytest.raises(InputError, match=r"--since needs|--until needs|the period is empty"):
            run(chosen("report", "--store", kept, *wrong))


def test_suppressed_and_forget(kept: str) -> None:
    said = text("suppressed", "--store", kept)
    assert "group:modifiable (replace-warfarin)" in said and "k1" in said and "gone" not in said
    (found,) = structure("suppressed", "--store", kept)
    assert (found["key"], found["alert"], found["forgotten_at"]) == ("k1", "group:modifiable", None)
    assert structure("suppressed", "--store", kept, "--recommendation", "other") == []
    assert text("forget", "k1", "--store", kept).startswith("Taken back")
    assert "Nothing is remembered." in text("suppressed", "--store", kept)
    assert "taken back" in text("suppressed", "--store", kept, "--forgotten")
    with pytest.raises(InputError, match="no alert is remembered under this key"):
        run(chosen("forget", "k1", "--store", kept))


def test_verify(kept: str, tmp_path: Path) -> None:
    assert text("verify", "--store", kept) == "The audit is whole: 2 decisions, 1 answer, 1 writer.\n"
    seal = tmp_path / "seal.json"
    seal.write_text(text("verify", "--store", kept, "--format", "json"))
    assert structure("verify", "--store", kept, "--against", str(seal))["whole"] is True
    unlock(kept)
    run_sql(kept, "UPDATE feedback SET card = 'c2'")
    said = text("verify", "--store", kept, status=NOT_WHOLE)
    assert "NOT whole" in said and "entry 3: was changed" in " ".join(said.split())
    found = structure("verify", "--store", kept, status=NOT_WHOLE)
    assert found["whole"] is False and len(found["faults"]) == 1
    run_sql(kept, "DELETE FROM feedback")
    found = structure("verify", "--store", kept, "--against", str(seal), status=NOT_WHOLE)
    assert any(fault.endswith("entry 3: was sealed and is missing") for fault in found["faults"])


def test_verify_covers_the_case_register(kept: str) -> None:
    with open_store(kept) as store, store.write() as writing:
        note_act(writing, CaseAct("2026-11-20T12:00:00.000Z", "case-made", "ada", "handle"))
    assert text("verify", "--store", kept) == (
        "The audit is whole: 2 decisions, 1 answer, 1 act on cases, 2 writers.\n"
    )
    assert structure("verify", "--store", kept)["case_acts"] == 1
    unlock(kept)
    run_sql(kept, "UPDATE audit_case SET account = 'eve'")
    assert "entry 1: was changed" in " ".join(text("verify", "--store", kept, status=NOT_WHOLE).split())


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"heads": [1]}', '{"heads": [{"writer": "w", "number": "x"}]}'])
def test_a_seal_that_is_none(kept: str, tmp_path: Path, content: str) -> None:
    seal = tmp_path / "seal.json"
    seal.write_text(content)
    with pytest.raises(InputError, match="is not what verify --format json prints"):
        run(chosen("verify", "--store", kept, "--against", str(seal)))


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for words in (["report"], ["suppressed"], ["forget", "k1"], ["verify"]):
        with pytest.raises(StoreError, match="there is no such file") as refused:
            run(chosen(*words, "--store", f"sqlite:///{tmp_path}/none.sqlite"))
        assert refused.value.exit_status == 2
    assert not list(tmp_path.iterdir())


def test_the_options_cost_nothing_at_start_up() -> None:
    code = (
        "import sys, calcipath.store.command; print([m for m in ('sqlalchemy', 'alembic', 'json') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout == "[]\n"


def test_each_action_has_the_shared_options() -> None:
    assert chosen("forget", "k1", "--width", "40").width == 40
    with pytest.raises(SystemExit):
        chosen()
