"""Tampering: whatever someone changes in the tables past the store, `verify` says where."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text
from store_examples import NOON, accepted, card, decision, overridden, run_sql, unlock

from calcipath.store import verification
from calcipath.store.audit import record_decision
from calcipath.store.case_audit import CaseAct, note_act
from calcipath.store.digests import entry_hash
from calcipath.store.engines import read_place
from calcipath.store.feedback import FEEDBACK, feedback_content, record
from calcipath.store.store import Head, Store, open_store
from calcipath.store.tables import feedback
from calcipath.store.verification import verify

FIRST_WRITER = "(SELECT writer FROM audit_writer WHERE follows IS NULL)"
NO_CARDS = "DELETE FROM audit_card WHERE number = {} AND writer = " + FIRST_WRITER
NO_DECISION = "DELETE FROM audit_decision WHERE number = {} AND writer = " + FIRST_WRITER


def fill(url: str) -> None:
    """Two writers: the first with decisions 1, 2, 5 and 6 and feedback 3 and 4, the second with one decision."""
    with open_store(url) as store:
        record_decision(store, decision(NOON, card("c1", "a"), card("", "b", why="budget")))
        record_decision(store, decision(NOON + 1, card("c2", "a", "b")))
        record(store, "patient-view", [accepted("c1"), overridden("c2", code="refused")], now=NOON + 100)
        record_decision(store, decision(NOON + 2, patient="Patient/p1"))
        record_decision(store, decision(NOON + 3, card("c4", "b")))
    with open_store(url) as store:
        record_decision(store, decision(NOON + 200, card("c5", "a")))
    unlock(url)


@pytest.fixture
def kept(url: str) -> str:
    """A store of each kind that is filled, its triggers taken away."""
    fill(url)
    return url


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in a file to be copied."""
    file = tmp_path_factory.mktemp("verification") / "store.sqlite"
    fill(f"sqlite:///{file}")
    return file


@pytest.fixture
def copied(original: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(original, tmp_path)}"


def tamper(url: str, *changes: str) -> None:
    """Foreign keys are not in the way: the owner of a database can switch them off."""
    engine = create_engine(read_place(url).url)
    with engine.begin() as connection:
        for change in changes:
            connection.execute(text(change))
    engine.dispose()


def faults(url: str, *sealed: Head) -> str:
    with open_store(url) as store:
        return "\n".join(verify(store, sealed).faults)


def heads(url: str) -> tuple[Head, ...]:
    with open_store(url) as store:
        return verify(store).heads


def test_what_nobody_touched_is_whole(kept: str) -> None:
    with open_store(kept) as store:
        found = verify(store, verify(store).heads)
    assert (found.whole, found.decisions, found.feedback) == (True, 5, 2)
    assert [head.number for head in found.heads] == [6, 1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            f"UPDATE audit_decision SET status = 500 WHERE number = 2 AND writer = {FIRST_WRITER}",
            "entry 2: was changed",
        ),
        ("UPDATE audit_decision SET milliseconds = 12.501 WHERE number = 2", "entry 2: was changed"),
        ("UPDATE audit_decision SET tenant = NULL WHERE number = 2", "entry 2: was changed"),
        ("UPDATE audit_decision SET patient = NULL WHERE number = 5", "entry 5: was changed"),
        ("UPDATE audit_decision SET at = '2026-11-20T12:00:01.001Z' WHERE number = 2", "entry 2: was changed"),
        ("UPDATE audit_card SET recommendations = '[\"b\"]' WHERE uuid = 'c2'", "entry 2: was changed"),
        ("UPDATE audit_card SET position = 7 WHERE uuid = 'c2'", "entry 2: was changed"),
        ("DELETE FROM audit_card WHERE why = 'budget'", "entry 1: was changed"),
        ("UPDATE feedback SET outcome = 'accepted' WHERE card = 'c2'", "entry 4: was changed"),
        ("UPDATE feedback SET reason_code = 'x' WHERE card = 'c2'", "entry 4: was changed"),
        ("DELETE FROM feedback WHERE card = 'c1'", "entry 3: is missing"),
        ("DELETE FROM feedback", "entries 3 to 4: are missing"),
        (f"{NO_CARDS.format(2)}; {NO_DECISION.format(2)}", "entry 2: is missing"),
        (f"{NO_CARDS.format(6)}; {NO_DECISION.format(6)}", "entry 6: is missing"),
        (NO_DECISION.format(2), "entry 2: is missing, but not its cards"),
        ("UPDATE audit_writer SET number = 5 WHERE number = 6", "its last entry is not the one that it noted"),
        ("UPDATE audit_writer SET hash = 'x' WHERE number = 6", "its last entry is not the one that it noted"),
        ("UPDATE audit_writer SET started = '2026' WHERE number = 6", "entry 1: does not follow what came before it"),
        ("UPDATE audit_decision SET previous = 'x' WHERE number = 2", "entry 2: does not follow what came before it"),
        (f"DELETE FROM audit_writer WHERE writer = {FIRST_WRITER}", "is missing, but not its entries"),
    ],
)
def test_tampering_is_noticed(copied: str, change: str, said: str) -> None:
    assert faults(copied) == ""
    tamper(copied, *change.split("; "))
    assert said in faults(copied)


def test_all_of_it_at_once_is_noticed(kept: str) -> None:
    tamper(
        kept,
        "DELETE FROM audit_card WHERE why = 'budget'",
        f"UPDATE audit_decision SET milliseconds = 12.501 WHERE number = 2 AND writer = {FIRST_WRITER}",
        "DELETE FROM feedback WHERE card = 'c1'",
        "UPDATE feedback SET reason_code = 'x' WHERE card = 'c2'",
        "UPDATE audit_decision SET patient = NULL WHERE number = 5",
        NO_CARDS.format(6),
        NO_DECISION.format(6),
        "UPDATE audit_card SET shown = NOT shown WHERE uuid = 'c5'",
    )
    said = [fault.partition(", ")[2] for fault in faults(kept).splitlines()]
    assert said == [
        "entry 1: was changed",
        "entry 2: was changed",
        "entry 3: is missing",
        "entry 4: was changed",
        "entry 5: was changed",
        "entry 6: is missing",
        "entry 1: was changed",
    ]


def test_a_whole_writer_cannot_vanish_unseen(kept: str) -> None:
    (gone,) = run_sql(kept, f"SELECT {FIRST_WRITER}")[0]
    for table in ("audit_card", "feedback", "audit_decision", "audit_writer"):
        run_sql(kept, f"DELETE FROM {table} WHERE writer = '{gone}'")
    assert f"writer {gone}, which came before writer" in faults(kept)


def test_a_seal_kept_elsewhere_shows_a_missing_end(kept: str) -> None:
    """The last writer of all is gone with everything of it: only the seal knows."""
    sealed = heads(kept)
    for table in ("audit_card", "audit_decision", "audit_writer"):
        run_sql(kept, f"DELETE FROM {table} WHERE writer = '{sealed[1].writer}'")
    assert faults(kept) == ""
    assert faults(kept, *sealed) == f"writer {sealed[1].writer}, which was sealed, is missing"


def test_a_seal_kept_elsewhere_shows_a_chain_that_was_built_anew(kept: str) -> None:
    """Someone drops the last answer and rewrites the hashes after it: the store itself looks whole then."""
    sealed = heads(kept)
    for statement in (NO_CARDS.format(6), NO_DECISION.format(6), NO_CARDS.format(5), NO_DECISION.format(5)):
        run_sql(kept, statement)
    engine = create_engine(read_place(kept).url)
    with engine.begin() as connection:
        row = dict(connection.execute(select(feedback).where(feedback.c.number == 4)).mappings().one())
        row["outcome"] = "accepted"
        forged = entry_hash(FEEDBACK, row["writer"], 4, row["previous"], feedback_content(row))
        new = {"hash": forged, "writer": row["writer"]}
        change = "UPDATE feedback SET outcome = 'accepted', hash = :hash WHERE number = 4 AND writer = :writer"
        connection.execute(text(change), new)
        connection.execute(text("UPDATE audit_writer SET number = 4, hash = :hash WHERE writer = :writer"), new)
    engine.dispose()
    assert faults(kept) == ""
    assert "entry 6: was sealed and is missing" in faults(kept, *sealed)
    early = Head(sealed[0].writer, 4, "0" * 64)
    assert "entry 4: is not the one that was sealed" in faults(kept, early)


def test_entries_put_in_from_elsewhere_are_noticed(kept: str) -> None:
    run_sql(kept, "INSERT INTO audit_card SELECT writer, number, 9, NULL, alert, NULL, '[]', verdict, indicator, shown,"
                  " 'x' FROM audit_card WHERE uuid = 'c2'")  # fmt: skip
    assert "entry 2: was changed" in faults(kept)


def test_many_faults_are_counted(store: Store, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "MOST_FAULTS", 3)
    for second in range(10):
        record_decision(store, decision(NOON + second))
    unlock(url)
    run_sql(url, "UPDATE audit_decision SET service = 'x'")
    found = verify(store)
    assert (len(found.faults), found.more_faults, found.whole) == (3, 7, False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE audit_case SET account = 'eve' WHERE number = 1", "entry 1: was changed"),
        ("UPDATE audit_case SET handle = NULL WHERE number = 2", "entry 2: was changed"),
        ("DELETE FROM audit_case WHERE number = 1", "entry 1: is missing"),
        ("DELETE FROM audit_case", "entries 1 to 2: are missing"),
        ("DELETE FROM audit_writer", "is missing, but not its entries"),
    ],
)
def test_acts_on_cases_are_in_the_chain(sqlite_url: str, change: str, said: str) -> None:
    with open_store(sqlite_url) as store:
        for number in (1, 2):
            with store.write() as writing:
                note_act(writing, CaseAct("2026-11-20T12:00:00.000Z", "entries-added", "ada", "h", number, 3, "0" * 64))
        found = verify(store)
    assert (found.whole, found.case_acts) == (True, 2)
    unlock(sqlite_url)
    tamper(sqlite_url, change)
    assert said in faults(sqlite_url)
