"""The audit: what it keeps, what it does not, and that nothing in it can be changed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from store_examples import NOON, TABLES, accepted, card, decision, overridden, run_sql, shown

from calcipath.errors import InputError
from calcipath.store import memory
from calcipath.store.audit import AuditedCard, record_decision
from calcipath.store.case_audit import CaseAct, note_act
from calcipath.store.failures import StoreError
from calcipath.store.feedback import record
from calcipath.store.instants import instant_text
from calcipath.store.store import Store, open_store
from calcipath.store.verification import verify

CHAINED = [table for table in TABLES if table != "shown_alert"]


def filled(store: Store) -> None:
    record_decision(store, decision(NOON, card("c1", "a", "b"), card("", "c", why="budget")), [shown("key-c1")])
    record(store, "patient-view", [accepted("c1"), overridden("c1", NOON + 90, "refused")], now=NOON + 100)
    with store.write() as writing:
        note_act(writing, CaseAct(instant_text(NOON + 200), "case-made", "ada", "handle", digest="3" * 64))


def test_a_decision_is_kept_as_it_was(store: Store, url: str) -> None:
    urgent = AuditedCard("urgent:sepsis", (), "urgent", "critical", uuid="URN:UUID:C1", key="k1")
    record_decision(
        store, decision(NOON + 0.25, urgent, card("", "a", "b", why="shown before"), milliseconds=7.1234567)
    )
    ((at, service, hook, instance, issuer, tenant, status, milliseconds, patient),) = run_sql(
        url,
        "SELECT at, service, hook, hook_instance, issuer, tenant, status, milliseconds, patient FROM audit_decision",
    )
    assert (at, service, hook, instance) == ("2026-11-20T12:00:00.250Z", "patient-view", "patient-view", "8d1f")
    assert (issuer, tenant, status, milliseconds, patient) == ("https://ehr.example", "north", 200, 7.123, None)
    first, second = run_sql(
        url, "SELECT uuid, alert, recommendations, verdict, indicator, shown, why FROM audit_card ORDER BY position"
    )
    assert tuple(first) == ("c1", "urgent:sepsis", "[]", "urgent", "critical", True, None)
    assert tuple(second) == (None, "group:modifiable", '["a","b"]', "yes", "warning", False, "shown before")


def test_the_patient_is_named_only_where_the_site_wants_it(store: Store, url: str) -> None:
    record_decision(store, decision(NOON))
    record_decision(store, decision(NOON + 1, patient="Patient/p1"))
    assert [patient for (patient,) in run_sql(url, "SELECT patient FROM audit_decision ORDER BY number")] == [
        None,
        "Patient/p1",
    ]


def test_what_a_database_cannot_keep_is_replaced(store: Store, url: str) -> None:
    record_decision(store, decision(NOON, hook_instance="a\0b\ud800c"))
    assert run_sql(url, "SELECT hook_instance FROM audit_decision") == [("a\ufffdb\ufffdc",)]
    assert verify(store).whole


def test_a_decision_and_its_memory_are_kept_together_or_not_at_all(store: Store, url: str) -> None:
    filled(store)
    twice = decision(NOON + 5, card("c1", "a"))  # the uuid of another card
    with pytest.raises(StoreError, match="would change what is kept") as refused:
        record_decision(store, twice, [shown("key-new")])
    assert "c1" not in str(refused.value) and refused.value.__cause__ is None
    assert run_sql(url, "SELECT count(*) FROM audit_decision") == [(1,)]
    assert memory.seen(store, ["key-c1", "key-new"], now=NOON + 10) == {"key-c1"}
    record_decision(store, decision(NOON + 6, card("c2", "a")))
    found = verify(store)
    assert found.whole and found.decisions == 2 and len(found.heads) == 2  # the chain began anew


def test_what_cannot_be_remembered_is_not_decided(store: Store, url: str) -> None:
    nobody: Any = None
    with pytest.raises(StoreError):
        record_decision(store, decision(NOON, card("c1", "a")), [shown("key", patient_digest=nobody)])
    assert run_sql(url, "SELECT count(*) FROM audit_decision") == [(0,)]


@pytest.mark.parametrize("table", CHAINED)
def test_nothing_can_be_changed_or_deleted(table: str, store: Store, url: str) -> None:
    filled(store)
    column = {"audit_writer": "follows", "audit_decision": "service", "audit_card": "why", "audit_case": "action"}.get(
        table, "outcome"
    )
    statements = [f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"]
    if store.postgres:
        statements.append(f"TRUNCATE {table} CASCADE")
    else:
        statements.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
        statements.append(f"REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")
    before = run_sql(url, f"SELECT * FROM {table}")
    for statement in statements:
        with pytest.raises(DBAPIError, match=re.compile("append-only|only goes on")):
            run_sql(url, statement)
    assert run_sql(url, f"SELECT * FROM {table}") == before


def test_a_writer_only_goes_forward(store: Store, url: str) -> None:
    filled(store)
    for change in ("number = 1", "number = number", "number = 99, started = 'x'"):
        with pytest.raises(DBAPIError, match=r"append-only|only goes on"):
            run_sql(url, f"UPDATE audit_writer SET {change}")


def refused(store: Store) -> None:
    with store.write() as writing:
        note_act(writing, CaseAct(instant_text(NOON + 300), "case-made"))
        raise InputError("refused")


def test_a_refusal_of_our_own_does_not_break_the_chain(store: Store, url: str) -> None:
    filled(store)
    with pytest.raises(InputError):
        refused(store)
    filled_acts = run_sql(url, "SELECT count(*) FROM audit_case")
    with store.write() as writing:
        note_act(writing, CaseAct(instant_text(NOON + 400), "case-opened", "ada", "handle"))
    found = verify(store)
    assert (filled_acts, found.whole, found.case_acts, len(found.heads)) == ([(1,)], True, 2, 1)


def test_each_process_has_a_chain_of_its_own(url: str) -> None:
    for minute in range(3):
        with open_store(url) as store:
            record_decision(store, decision(NOON + 60 * minute, card(f"c{minute}", "a")))
            record_decision(store, decision(NOON + 60 * minute + 1))
    with open_store(url) as store:
        found = verify(store)
    assert found.whole and [head.number for head in found.heads] == [2, 2, 2]
    rows = run_sql(url, "SELECT writer, follows FROM audit_writer ORDER BY started")
    assert [follows for _, follows in rows] == [None, rows[0][0], rows[1][0]]
