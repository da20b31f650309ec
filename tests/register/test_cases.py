"""Cases: what is added stands in versions, whole or not at all, for those who may."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from register_examples import NOON, ON_SQLITE, Clock, People, acts, observation, opened, patient
from sqlalchemy.exc import DBAPIError
from store_examples import run_sql

from calcipath.errors import InputError
from calcipath.register.refusals import Changed, NotAllowed, NotYours
from calcipath.register.register import Register
from calcipath.store.digests import keyed_digest
from calcipath.store.store import Store, open_store
from calcipath.store.verification import verify


def test_a_case_is_its_resources(register: Register, people: People, clock: Clock) -> None:
    settings = {"complete": ["medications"], "notes": True, "as_of": "record"}
    made = register.cases.create(people.ada, " Mrs  A,\n1960 ", [patient(), observation("o1")], settings)
    assert (made.label, made.owner, made.level, made.revision, made.created) == ("Mrs A, 1960", "Ada", "own", 1, NOON)
    assert len(made.handle) == 24  # 144 bits
    clock.now += 60
    after = register.cases.add(people.ada, made.handle, [observation("o2")])
    assert (after.revision, after.changed, after.created) == (2, NOON + 60, NOON)
    assert register.cases.resources(people.ada, made.handle) == [patient(), observation("o1"), observation("o2")]
    assert register.cases.open(people.ada, made.handle) == after and after.settings == settings


@pytest.mark.parametrize("text", ["Å 漢字 😀", "\ud800 alone", "\0 nul", "\u2028", '"quoted" \\ slash'])
def test_every_text_comes_back_as_it_was(register: Register, people: People, text: str) -> None:
    resource = observation("o1", 0.1 + 0.2, note=[{"text": text}], big=12345678901234567890, small=1e-320)
    made = register.cases.create(people.ada, "case", [resource])
    assert register.cases.resources(people.ada, made.handle) == [resource]


def test_the_newest_version_stands_and_all_are_kept(register: Register, people: People, clock: Clock) -> None:
    made = register.cases.create(people.ada, "case", [observation("o1", 1), observation("o2", 2)])
    register.sharing.share(people.ada, made.handle, "Ben", "write")
    clock.now += 10
    register.cases.add(people.ben, made.handle, [observation("o1", 3)])
    register.cases.remove(people.ada, made.handle, "Observation/o2")
    assert register.cases.resources(people.ada, made.handle) == [observation("o1", 3)]
    register.cases.add(people.ada, made.handle, [observation("o2", 4)])
    assert register.cases.resources(people.ada, made.handle) == [observation("o1", 3), observation("o2", 4)]
    said = [
        (each.number, each.key, each.resource and each.resource["valueQuantity"]["value"], each.account, each.at)
        for each in register.cases.history(people.ada, made.handle)
    ]
    assert said == [
        (1, "Observation/o1", 1, "Ada", NOON),
        (2, "Observation/o2", 2, "Ada", NOON),
        (3, "Observation/o1", 3, "Ben", NOON + 10),
        (4, "Observation/o2", None, "Ada", NOON + 10),
        (5, "Observation/o2", 4, "Ada", NOON + 10),
    ]
    assert [each.number for each in register.cases.history(people.ada, made.handle, "Observation/o2")] == [2, 4, 5]


def test_what_stands_already_is_not_written_again(register: Register, people: People) -> None:
    made = register.cases.create(people.ada, "case", [observation("o1")])
    assert register.cases.add(people.ada, made.handle, [observation("o1")]) == made
    mixed = register.cases.add(people.ada, made.handle, [observation("o1"), observation("o1", 2), observation("o1", 2)])
    assert mixed.revision == 2
    assert [each.number for each in register.cases.history(people.ada, made.handle)] == [1, 2]


def test_removing_what_is_not_there(small: Register) -> None:
    admin = small.local_account()
    made = small.cases.create(admin, "case", [observation("o1")])
    for key in ("Observation/o2", "", "Media/x", "o1"):
        with pytest.raises(InputError, match="no such entry"):
            small.cases.remove(admin, made.handle, key)
    small.cases.remove(admin, made.handle, "Observation/o1")
    with pytest.raises(InputError, match="no such entry"):
        small.cases.remove(admin, made.handle, "Observation/o1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "x"},
        {"resourceType": "Observation"},
        {"resourceType": "Observation", "id": ""},
        {"resourceType": "Observation", "id": "a/b"},
        {"resourceType": "Observation", "id": "a b"},
        {"resourceType": "Observation", "id": 7},
        {"resourceType": "Ob/s", "id": "x"},
        {"resourceType": "Observation", "id": "x", "valueQuantity": {"value": float("nan")}},
        {"resourceType": "Observation", "id": "x", "valueString": b"bytes"},
    ],
)
def test_of_resources_with_a_wrong_one_none_is_added(small: Register, wrong: dict[str, Any]) -> None:
    admin = small.local_account()
    made = small.cases.create(admin, "case", [observation("o1")])
    with pytest.raises(InputError, match="resource 2"):
        small.cases.add(admin, made.handle, [observation("o2"), wrong])
    assert small.cases.resources(admin, made.handle) == [observation("o1")]
    assert small.cases.open(admin, made.handle).revision == 1


def test_a_resource_that_is_nested_without_end(small: Register) -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"extension": [deep]}
    with pytest.raises(InputError, match="no JSON that can be kept"):
        small.cases.create(small.local_account(), "case", [{"resourceType": "Basic", "id": "x", **deep}])
    while deep:  # else Python's own clearing away would be as deep
        deep = deep["extension"].pop()


def test_somebody_else_wrote_meanwhile(register: Register, people: People) -> None:
    made = register.cases.create(people.ada, "case", [observation("o1")])
    register.sharing.share(people.ada, made.handle, "Ben", "write")
    register.cases.add(people.ben, made.handle, [observation("o2")], expected=made.revision)
    for change in (
        lambda: register.cases.add(people.ada, made.handle, [observation("o3")], expected=made.revision),
        lambda: register.cases.remove(people.ada, made.handle, "Observation/o1", expected=made.revision),
        lambda: register.cases.relabel(people.ada, made.handle, "other", expected=made.revision),
        lambda: register.cases.set_settings(people.ada, made.handle, {"notes": False}, expected=made.revision),
    ):
        with pytest.raises(Changed):
            change()
    assert register.cases.resources(people.ada, made.handle) == [observation("o1"), observation("o2")]
    now = register.cases.open(people.ada, made.handle)
    assert (now.label, now.settings, now.revision) == ("case", {}, 2)
    assert register.cases.relabel(people.ada, made.handle, "other", expected=2).revision == 3
    assert register.cases.set_settings(people.ben, made.handle, {"notes": False}, expected=3).settings == {
        "notes": False
    }


def test_many_write_at_once_and_nothing_is_lost(register: Register, people: People, store: Store) -> None:
    made = register.cases.create(people.ada, "case")

    def write(name: int) -> None:
        for number in range(8):
            register.cases.add(people.ada, made.handle, [observation(f"o{name}-{number}"), observation("shared", name)])

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = register.cases.history(people.ada, made.handle)
    assert [each.number for each in history] == list(range(1, len(history) + 1))
    assert len(register.cases.resources(people.ada, made.handle)) == 33
    assert register.cases.open(people.ada, made.handle).revision == 33
    found = verify(store)
    assert found.whole and len(found.heads) == 1


def test_of_two_who_expect_the_same_revision_one_is_told(
    register: Register, people: People, url: str, folder: Any, clock: Clock
) -> None:
    """Two processes, so that nothing but the database stands between them."""
    made = register.cases.create(people.ada, "case")
    told: list[str] = []

    def write(name: int) -> None:
        with open_store(url) as own:
            other = opened(own, folder, clock)
            for _ in range(10):
                try:
                    other.cases.add(people.ada, made.handle, [observation("o", name)], expected=1)
                    told.append("written")
                except Changed:
                    told.append("changed")

    threads = [threading.Thread(target=write, args=(name,)) for name in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["changed"] * 19 + ["written"]


def test_a_case_that_is_not_yours_is_not_there(register: Register, people: People, url: str) -> None:
    made = register.cases.create(people.ada, "case", [observation("o1")])
    for stranger in (people.ben, people.rita, people.local):
        for handle in (made.handle, "nothing", "", "\0", "\ud800", "x" * 5000, made.handle.swapcase()):
            for use in (
                lambda who, it: register.cases.open(who, it),
                lambda who, it: register.cases.resources(who, it),
                lambda who, it: register.cases.history(who, it),
                lambda who, it: register.cases.add(who, it, [observation("o2")]),
                lambda who, it: register.cases.remove(who, it, "Observation/o1"),
                lambda who, it: register.cases.relabel(who, it, "mine"),
                lambda who, it: register.cases.set_settings(who, it, {}),
                lambda who, it: register.cases.delete(who, it),
                lambda who, it: register.sharing.of(who, it),
                lambda who, it: register.sharing.share(who, it, "Rita", "read"),
                lambda who, it: register.sharing.unshare(who, it, "Rita"),
                lambda who, it: register.sharing.hand_over(who, it, "Ben"),
                lambda who, it: register.exchange.export(who, it),
                lambda who, it: register.photographs.of(who, it),
                lambda who, it: register.photographs.read(who, it, "x"),
                lambda who, it: register.photographs.add(who, it, b"", taken="2026", site="", consent="yes"),
            ):
                with pytest.raises(NotYours, match=r"^there is no such case$"):
                    use(stranger, handle)
        assert register.cases.of(stranger) == ()
    assert ("Ben", "case-refused", None) in acts(url)
    assert register.cases.resources(people.ada, made.handle) == [observation("o1")]


@ON_SQLITE
def test_a_reader_reads(register: Register, people: People) -> None:
    made = register.cases.create(people.ada, "case", [observation("o1")])
    register.sharing.share(people.ada, made.handle, "Rita", "read")
    assert register.cases.open(people.rita, made.handle).level == "read"
    assert register.cases.resources(people.rita, made.handle) == [observation("o1")]
    assert [case.handle for case in register.cases.of(people.rita)] == [made.handle]
    for use in (
        lambda: register.cases.open(people.rita, made.handle, "write"),
        lambda: register.cases.add(people.rita, made.handle, [observation("o2")]),
        lambda: register.cases.delete(people.rita, made.handle),
    ):
        with pytest.raises(NotYours):
            use()
    with pytest.raises(NotAllowed, match="reader"):
        register.cases.create(people.rita, "own")
    with pytest.raises(InputError, match="Rita is a reader"):
        register.sharing.share(people.ada, made.handle, "Rita", "write")


@ON_SQLITE
def test_a_clinician_who_becomes_a_reader_writes_no_more(register: Register, people: People) -> None:
    """Neither a case that was shared to write nor one of their own; the account in hand is the old one."""
    made = register.cases.create(people.ada, "case")
    own = register.cases.create(people.ben, "own")
    register.sharing.share(people.ada, made.handle, "Ben", "write")
    register.accounts.set_role(people.local, "Ben", "reader")
    for handle in (made.handle, own.handle):
        assert register.cases.open(people.ben, handle).level == "read"
        with pytest.raises(NotYours):
            register.cases.add(people.ben, handle, [observation("o1")])


def test_sharing_and_taking_back(register: Register, people: People) -> None:
    made = register.cases.create(people.ada, "case")
    register.sharing.share(people.ada, made.handle, "ben", "read")
    register.sharing.share(people.ada, made.handle, "ben", "write")
    register.sharing.share(people.ada, made.handle, "Rita", "read")
    assert register.sharing.of(people.ada, made.handle) == (("Ben", "write"), ("Rita", "read"))
    with pytest.raises(NotYours):
        register.sharing.share(people.ben, made.handle, "local", "read")
    register.sharing.unshare(people.ada, made.handle, "Ben")
    register.sharing.unshare(people.ada, made.handle, "Ben")
    assert register.cases.of(people.ben) == ()
    for name in ("nobody", "Ada"):
        with pytest.raises(InputError):
            register.sharing.share(people.ada, made.handle, name, "read")


@ON_SQLITE
def test_handing_over(register: Register, people: People) -> None:
    made = register.cases.create(people.ada, "case")
    register.sharing.share(people.ada, made.handle, "Ben", "read")
    with pytest.raises(InputError, match="Rita is a reader"):
        register.sharing.hand_over(people.ada, made.handle, "Rita")
    register.sharing.hand_over(people.ada, made.handle, "Ben")
    assert register.cases.open(people.ben, made.handle).level == "own"
    assert register.sharing.of(people.ben, made.handle) == ()
    with pytest.raises(NotYours):
        register.cases.open(people.ada, made.handle)


def test_who_leaves_leaves_no_case_without_an_owner(register: Register, people: People) -> None:
    handles = {register.cases.create(people.ada, f"case {number}").handle for number in range(3)}
    register.accounts.disable(people.local, "Ada")
    with pytest.raises(NotAllowed):
        register.sharing.hand_over_all(people.ben, "Ada", "Ben")
    assert register.sharing.hand_over_all(people.local, "Ada", "Ben") == 3
    assert {case.handle for case in register.cases.of(people.ben)} == handles


def test_the_last_changed_comes_first(small: Register, clock: Clock) -> None:
    admin = small.local_account()
    handles = []
    for label in ("a", "b", "c"):
        clock.now += 1
        handles.append(small.cases.create(admin, label).handle)
    clock.now += 1
    small.cases.add(admin, handles[0], [observation("o")])
    assert [case.label for case in small.cases.of(admin)] == ["a", "c", "b"]


@pytest.mark.parametrize("label", ["", "  \n ", "x" * 201])
def test_a_label_that_is_none(small: Register, label: str) -> None:
    with pytest.raises(InputError, match="label"):
        small.cases.create(small.local_account(), label)


@pytest.mark.parametrize("settings", [{"a": float("inf")}, {"a": {1, 2}}, {"a": "x" * 70_000}])
def test_settings_that_cannot_be_kept(small: Register, settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="settings"):
        small.cases.create(small.local_account(), "case", [], settings)


def test_versions_cannot_be_changed_nor_taken_out(register: Register, people: People, url: str, store: Store) -> None:
    made = register.cases.create(people.ada, "case", [observation("o1")])
    statements = [
        "UPDATE case_entry SET resource = NULL",
        "DELETE FROM case_entry",
        "DELETE FROM case_entry WHERE number = 1",
    ]
    if not store.postgres:
        statements.append("INSERT OR REPLACE INTO case_entry SELECT * FROM case_entry")
    else:
        statements.append("TRUNCATE case_entry")
    for statement in statements:
        with pytest.raises(DBAPIError, match="append-only"):
            run_sql(url, statement)
    assert register.cases.resources(people.ada, made.handle) == [observation("o1")]


def test_the_audit_says_who_did_what_and_never_what_it_was(
    register: Register, people: People, url: str, store: Store
) -> None:
    made = register.cases.create(people.ada, "MARKER label", [observation("MARKER1"), observation("MARKER2")])
    register.cases.add(people.ada, made.handle, [observation("MARKER3")])
    register.cases.relabel(people.ada, made.handle, "MARKER other")
    register.cases.set_settings(people.ada, made.handle, {"MARKER": True})
    register.cases.open(people.ada, made.handle)
    register.cases.open(people.ada, made.handle, noted=False)
    register.cases.remove(people.ada, made.handle, "Observation/MARKER2")
    register.exchange.export(people.ada, made.handle)
    register.cases.delete(people.ada, made.handle)
    assert acts(url)[5:] == [
        ("Ada", "case-made", 1),
        ("Ada", "entries-added", 3),
        ("Ada", "label-changed", None),
        ("Ada", "settings-changed", None),
        ("Ada", "case-opened", None),
        ("Ada", "entry-removed", 4),
        ("Ada", "case-exported", None),
        ("Ada", "case-deleted", None),
    ]
    assert "MARKER" not in str(run_sql(url, "SELECT * FROM audit_case"))
    assert {handle for (handle,) in run_sql(url, "SELECT handle FROM audit_case WHERE account = 'Ada'")} == {
        made.handle
    }
    ((digest, entries),) = run_sql(url, "SELECT digest, entries FROM audit_case WHERE action = 'entries-added'")
    text = json.dumps(observation("MARKER3"), separators=(",", ":"))
    assert entries == 1
    assert digest == keyed_digest(b"k" * 32, "entries-added", made.handle, "Observation/MARKER3", text)
    found = verify(store)
    assert (found.whole, found.case_acts) == (True, 13)


def test_a_correction_takes_away_what_it_corrects_in_one_step(register: Register, people: People, url: str) -> None:
    wrong = {"resourceType": "Condition", "id": "a", "subject": {"reference": "Patient/p1"}}
    made = register.cases.create(people.ada, "case", [patient(), wrong])
    right = observation("a")
    with pytest.raises(InputError):  # then neither
        register.cases.add(people.ada, made.handle, [{"id": "a"}], instead_of=["Condition/a"])
    assert register.cases.resources(people.ada, made.handle) == [patient(), wrong]
    after = register.cases.add(people.ada, made.handle, [right], instead_of=["Condition/a", "Condition/absent"])
    assert register.cases.resources(people.ada, made.handle) == [patient(), right]
    assert after.revision == made.revision + 1
    assert [each.key for each in register.cases.history(people.ada, made.handle)][2:] == [
        "Condition/a",
        "Observation/a",
    ]
    assert acts(url)[-1] == ("Ada", "entries-added", 3)


def test_to_open_a_case_never_fails_because_another_wrote(register: Register, people: People) -> None:
    """PostgreSQL refuses to lock what was changed since a transaction that only reads began."""
    made = register.cases.create(people.ada, "case", [patient()])

    def write() -> None:
        for number in range(60):
            register.cases.add(people.ada, made.handle, [observation("o1", float(number))])

    writer = threading.Thread(target=write)
    writer.start()
    opened_ = 0
    while writer.is_alive():
        assert register.cases.open(people.ada, made.handle, "write", noted=False).level == "own"
        assert register.sharing.of(people.ada, made.handle) == ()
        opened_ += 1
    writer.join()
    assert opened_ > 5


def test_an_error_between_rows_keeps_no_old_view(store: Store, folder: Path, clock: Clock, url: str) -> None:
    register = opened(store, folder, clock)
    local = register.local_account()
    handles = [register.cases.create(local, "case").handle for _ in range(3)]
    run_sql(url, "UPDATE case_file SET settings = 'none'")
    with pytest.raises(json.JSONDecodeError) as kept:
        register.cases.of(local)
    run_sql(url, "UPDATE case_file SET settings = '{}'")
    assert len(register.cases.of(local)) == 3
    assert register.cases.delete(local, handles[0]) is not store.postgres  # nothing holds the log of SQLite
    assert kept.value is not None
