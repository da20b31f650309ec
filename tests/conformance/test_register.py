"""The tables: 143 numbered statements, each checked or with a reason; the core that judges does no input or output."""

from __future__ import annotations

import argparse
import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from calcipath.conformance import command, register
from calcipath.conformance.findings import Finding
from calcipath.conformance.register import HOOKS, KIT, LIBRARY, RegisterError, Statement, UnknownStatementError
from calcipath.conformance.verdicts import results

DOCUMENTATION = (Path(__file__).resolve().parents[2] / "docs" / "hooks-check.md").read_text(encoding="utf-8")
PACKAGE = Path(register.__file__).parent
PURE = (
    "card_checks", "card_context", "checks", "discovery_checks", "feedback_checks", "fhir_elements", "findings", "hooks",
    "icon_checks", "json_checks", "prefetch", "register", "requests", "response_checks", "security_checks", "states",
    "suggestion_checks", "template_checks", "verdicts",
)  # fmt: skip
INPUT_OUTPUT = {
    "httpx", "http", "os", "pathlib", "random", "requests", "secrets", "socket", "ssl", "subprocess", "sys", "threading",
    "time", "uuid",
}  # fmt: skip


def test_the_register_holds_the_statements_that_bind_a_service() -> None:
    found = register.statements().values()
    assert Counter(one.group for one in found) == {HOOKS: 120, LIBRARY: 23, KIT: 23}
    assert Counter(one.verb for one in found if one.group != KIT) == {
        "SHALL": 69, "MAY": 46, "SHOULD": 17, "SHALL NOT": 9, "SHOULD NOT": 1, "DEPRECATED": 1,
    }  # fmt: skip


def test_each_statement_is_checked_or_has_a_reason() -> None:
    unchecked = {one.number for one in register.statements().values() if not one.checked_by}
    assert all(bool(one.checked_by) != bool(one.reason) for one in register.statements().values())
    assert unchecked == {78, 82, 89, 129, 175, 179, 200, 206, 207, 212, 213}


def test_names_and_addresses() -> None:
    assert register.statement("83").name == "cds-hooks_2.0 #83"
    assert register.statement("L16").name == "cds-hooks-library_1.0.1 #16"
    assert register.statement("K6").name == "kit #6"
    assert all(
        one.source.startswith("https://cds-hooks.hl7.org/")
        for one in register.statements().values()
        if one.group != KIT
    )


@pytest.mark.parametrize("code", ["15", "221", "L1", "K99", "x", ""])
def test_a_number_that_does_not_bind_a_service_is_refused(code: str) -> None:
    with pytest.raises(UnknownStatementError):
        register.statement(code)
    with pytest.raises(UnknownStatementError):
        results([Finding(code, True, "here")], {})


@pytest.mark.parametrize(
    "change",
    [
        {"verb": "MUST"}, {"group": "other"}, {"rule": "a" * 161}, {"rule": ""}, {"reason": "because"},
        {"checked_by": ""},
    ],
    ids=str,
)  # fmt: skip
def test_an_unsound_row_is_refused(change: dict[str, str]) -> None:
    row = {"group": HOOKS, "number": 1, "verb": "SHALL", "rule": "a", "conditional": False, "source": "s"}
    with pytest.raises(RegisterError):
        register._check(Statement(**{**row, "checked_by": "json", **change}))  # type: ignore[arg-type]


def test_the_documentation_names_every_option_further_rule_and_unchecked_statement() -> None:
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    options = [
        action.option_strings[0] for action in parser._actions if action.option_strings and action.dest != "help"
    ]
    assert [option for option in options if f"`{option}" not in DOCUMENTATION] == []
    for one in register.statements().values():
        if one.group == KIT:
            assert f"| {one.name} | {one.verb} | {one.rule} | {one.source} |" in DOCUMENTATION
        elif one.reason:
            assert re.search(rf"^\|[^|]*#{one.number}\b", DOCUMENTATION, re.MULTILINE)


@pytest.mark.parametrize("name", PURE)
def test_what_judges_does_no_input_or_output(name: str) -> None:
    tree = ast.parse((PACKAGE / f"{name}.py").read_text(encoding="utf-8"))
    modules = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    } | {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    methods = {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not modules & INPUT_OUTPUT
    assert not calls & {"open", "print", "input"}
    assert not methods & {"now", "today", "utcnow"}
