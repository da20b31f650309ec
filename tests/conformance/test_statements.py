"""Each statement that a check answers: what is sound holds, what is broken is seen under its number."""

from __future__ import annotations

import pytest
from further_cases import further_cases
from statement_cases import CARD, CONTEXT, SUGGESTION, Case, call, cases, reply

from calcipath.conformance.card_checks import card_findings
from calcipath.conformance.checks import OCCASIONS, answered_by
from calcipath.conformance.register import KIT, statement, statements
from calcipath.conformance.response_checks import exchange_findings
from calcipath.conformance.security_checks import HOSTILE, TokenTrial, cors_findings, hostile_token_findings
from calcipath.conformance.suggestion_checks import suggestion_findings

CASES = (*cases(), *further_cases())
NEVER_RIGHT = {"K16"}  # a client that did not say that it supports it must not get it: there is no sound use


def verdicts(case: Case, given: object) -> dict[str, bool]:
    """By statement: whether it holds wherever the check saw it."""
    found: dict[str, bool] = {}
    for finding in case.check(given):
        assert finding.code in statements()
        found[finding.code] = found.get(finding.code, True) and finding.ok
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.codes)
def test_what_is_sound_holds(case: Case) -> None:
    found = verdicts(case, case.sound)
    assert {code: found.get(code) for code in case.codes.split()} == dict.fromkeys(case.codes.split(), True)


@pytest.mark.parametrize("case", [case for case in CASES if not case.permission], ids=lambda case: case.codes)
def test_what_is_broken_is_seen_under_its_number(case: Case) -> None:
    found = verdicts(case, case.broken)
    assert {code: found.get(code) for code in case.codes.split()} == dict.fromkeys(case.codes.split(), False)


@pytest.mark.parametrize("case", [case for case in CASES if case.permission], ids=lambda case: case.codes)
def test_a_permission_that_is_not_used_says_nothing(case: Case) -> None:
    assert not set(case.codes.split()) & set(verdicts(case, case.broken))


def test_every_checked_statement_has_a_case() -> None:
    told = {code for case in CASES for code in case.codes.split()} | NEVER_RIGHT
    assert told == {code for code, one in statements().items() if one.checked_by}


def test_only_permissions_have_no_broken_case() -> None:
    breakable = {code for case in CASES if not case.permission for code in case.codes.split()} | NEVER_RIGHT
    rest = {
        code: statement(code).verb for code, one in statements().items() if one.checked_by and code not in breakable
    }
    # 110 advises people where to put a view of details: a service that has none breaks nothing.
    assert {code for code, verb in rest.items() if verb != "MAY"} <= {"110"}


def test_every_check_answers_a_statement_and_has_an_occasion() -> None:
    assert {one.checked_by for one in statements().values() if one.checked_by} == set(OCCASIONS)
    assert all(answered_by(check) for check in OCCASIONS)


def test_each_hostile_token_breaks_a_statement_of_the_register() -> None:
    assert all(statement(code).group != KIT for code in HOSTILE.values())


def test_selection_of_single_actions_is_a_fault_for_a_client_that_did_not_ask_for_it() -> None:
    found = list(suggestion_findings({**SUGGESTION, "actionSelectionBehavior": "all"}, "", CONTEXT))
    assert [finding.ok for finding in found if finding.code in ("K15", "K16")] == [True, False]


def test_a_card_that_is_no_object_breaks_the_answer_and_nothing_else() -> None:
    assert [(finding.code, finding.ok) for finding in card_findings("a card", "", CONTEXT)] == [("74", False)]


def test_calls_refused_for_their_token_are_not_judged_as_missing_data() -> None:
    for kind in ("absent", "nulls", "outcomes", "extension"):
        found = {finding.code for finding in exchange_findings(call(kind, 401)) if not finding.ok}  # type: ignore[arg-type]
        assert not found


def test_refusals_that_differ_tell_their_reason() -> None:
    trials = [TokenTrial("expired", reply(401, {"a": "no 17"})), TokenTrial("unknown kid", reply(401, {"a": "no 18"}))]
    assert all(finding.ok for finding in hostile_token_findings(trials, ""))
    trials[1] = TokenTrial("unknown kid", reply(401, {"a": "not at all"}))
    assert [finding.code for finding in hostile_token_findings(trials, "") if not finding.ok] == ["K12"]


def test_a_made_up_origin_may_be_let_in_without_credentials_only() -> None:
    stranger = "https://stranger.invalid"
    named = reply(200, access_control_allow_origin=stranger)
    assert [finding.ok for finding in cors_findings(stranger, named, "", invited=False)] == [True]
    trusted = reply(200, access_control_allow_origin=stranger, access_control_allow_credentials="true")
    assert [finding.ok for finding in cors_findings(stranger, trusted, "", invited=False)] == [False]
    assert not list(cors_findings(stranger, reply(200), "", invited=False))


def test_a_card_of_the_specification_with_every_member_is_sound() -> None:
    assert all(finding.ok for finding in card_findings(CARD, "", CONTEXT))
