"""Whatever a service answers, the checks judge it: they never fail, and what they say can be printed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statement_cases import CARD, CODING, CONTEXT, CREATE, DELETE, LINK, SERVICE, SMART, SUGGESTION, UPDATE, reply

from calcipath.conformance.discovery_checks import discovery_findings, usable_services
from calcipath.conformance.findings import DEEPEST, NOT_JSON, Answer, Finding, parse
from calcipath.conformance.icon_checks import icon_fault, icon_urls
from calcipath.conformance.json_checks import body_findings
from calcipath.conformance.register import statement
from calcipath.conformance.response_checks import card_uuids, response_findings
from calcipath.conformance.template_checks import query_fault, template_findings
from calcipath.conformance.verdicts import results

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WHOLE_CARD = {
    **CARD, "detail": "*a*", "selectionBehavior": "any", "links": [LINK, SMART], "overrideReasons": [CODING],
    "suggestions": [{**SUGGESTION, "actions": [CREATE, UPDATE, DELETE], "isRecommended": True}],
    "source": {"label": "a", "url": "https://a.example", "icon": "https://a.example/i.png", "topic": CODING},
}  # fmt: skip
RESPONSE = {"cards": [WHOLE_CARD, CARD], "systemActions": [UPDATE], "extension": {"org.example": {"a": 1}}}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(member, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    if not path:
        return by
    found = copy.deepcopy(value)
    holder = found
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = by
    return found


def judged(findings: Iterator[Finding]) -> list[Finding]:
    found = list(findings)
    for finding in found:
        statement(finding.code)
        (finding.where + finding.seen).encode("utf-8")
        assert (finding.where + finding.seen).isprintable()
        assert len(finding.seen) <= 160
    assert len(results(found, {})) == 166
    return found


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(list(places(RESPONSE))), VALUES)
def test_a_response_with_anything_anywhere(path: tuple[Any, ...], value: Any) -> None:
    response = replaced(RESPONSE, path, value)
    assert judged(response_findings(response, "x", CONTEXT))
    assert all(type(found) is str for found in (*icon_urls(response), *card_uuids(response)))


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(list(places({"services": [SERVICE]}))), VALUES)
def test_a_discovery_with_anything_anywhere(path: tuple[Any, ...], value: Any) -> None:
    answer = reply(200, replaced({"services": [SERVICE]}, path, value))
    judged(discovery_findings(answer))
    for service in usable_services(answer.value):
        judged(template_findings(service))


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes(data: bytes) -> None:
    judged(body_findings(Answer(200, {}, data), "x"))
    icon_fault(data)
    icon_fault(b"\x89PNG\r\n\x1a\n" + data)


@settings(deadline=None, max_examples=150)
@given(st.text(alphabet="{}context.patientId%|?=&/: _()-9aZ\n", max_size=30))
def test_any_template(query: str) -> None:
    from calcipath.conformance.findings import Service

    judged(template_findings(Service("one", "order-sign", {"key": query}, "3.0.0")))
    query_fault(query)


def test_what_a_service_says_cannot_take_over_a_terminal() -> None:
    evil = {"cards": [{**CARD, "indicator": "\x1b[2J\n\ud800" + "x" * 500, "\x07": None}]}
    found = judged(response_findings(evil, "x", CONTEXT))
    assert {finding.code for finding in found if not finding.ok} == {"88", "3", "K18"}


@pytest.mark.parametrize(
    "text", ["[" * 5000, "[" * (DEEPEST + 5) + "]" * (DEEPEST + 5), '{"a":' * 400 + "1" + "}" * 400]
)
def test_deep_nesting_is_not_looked_into(text: str) -> None:
    assert parse(text.encode())[0] is NOT_JSON


def test_an_answer_of_two_thousand_cards_is_judged() -> None:
    cards = [{**CARD, "uuid": f"c-{number}"} for number in range(2000)]
    assert all(
        finding.ok for finding in judged(response_findings(json.loads(json.dumps({"cards": cards})), "x", CONTEXT))
    )
