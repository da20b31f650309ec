"""For each statement that a check answers: something sound and something broken, and the pure check that judges both.

A permission (MAY) that cannot be broken has no broken side: there its unused form must say nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from calcipath.conformance.card_checks import card_findings, link_findings, source_findings
from calcipath.conformance.card_context import CardContext
from calcipath.conformance.discovery_checks import discovery_findings, service_findings
from calcipath.conformance.feedback_checks import (
    feedback_findings,
)
from calcipath.conformance.fhir_host import FhirCall, fhir_findings
from calcipath.conformance.findings import Answer, Exchange, Finding, Service
from calcipath.conformance.hooks import HOOKS
from calcipath.conformance.icon_checks import icon_findings
from calcipath.conformance.json_checks import body_findings, empty_findings, extension_findings
from calcipath.conformance.response_checks import (
    Timing,
    exchange_findings,
    response_findings,
    same_id_findings,
    timing_findings,
)
from calcipath.conformance.security_checks import (
    TokenTrial,
    cors_findings,
    good_token_findings,
    hostile_token_findings,
    transport_findings,
)
from calcipath.conformance.states import Kind, State
from calcipath.conformance.suggestion_checks import action_findings, suggestion_findings
from calcipath.conformance.template_checks import shall_not_findings, template_findings

Check = Callable[[Any], Iterator[Finding]]
DRUG = {
    "resourceType": "MedicationRequest", "id": "drug-0001", "status": "draft", "intent": "order",
    "subject": {"reference": "Patient/patient-0001"}, "medicationCodeableConcept": {"text": "x"},
    "authoredOn": "2026-01-01", "note": [{"text": "x"}], "priority": "routine", "reasonCode": [{"text": "x"}],
}  # fmt: skip
CONTEXT = CardContext(known={"MedicationRequest/drug-0001": DRUG}, ids=("patient-0001",))
SOURCE = {"label": "Guideline", "url": "https://example.org/about"}
CODING = {"system": "https://example.org/codes", "code": "a", "display": "A"}
UPDATE = {"type": "update", "description": "Change it", "resource": DRUG}
DELETE = {"type": "delete", "description": "Remove it", "resourceId": "ServiceRequest/s1"}
CREATE = {
    "type": "create", "description": "Order it",
    "resource": {
        "resourceType": "ServiceRequest", "status": "draft", "intent": "proposal",
        "subject": {"reference": "Patient/patient-0001"},
    },
}  # fmt: skip
SUGGESTION = {"label": "Do it", "uuid": "u-1", "actions": [UPDATE, DELETE]}
CARD = {"uuid": "c-1", "summary": "Look", "indicator": "info", "source": SOURCE}
LINK = {"label": "More", "url": "https://example.org/page", "type": "absolute"}
SMART = {"label": "App", "url": "https://example.org/launch", "type": "smart", "appContext": "a=b"}
SERVICE = {
    "hook": "patient-view", "id": "one", "title": "One", "description": "Says one thing", "version": "2.0.1",
    "prefetch": {"patient": "Patient/{{context.patientId}}"},
}  # fmt: skip
REQUEST = {"hook": "patient-view", "context": {"patientId": "patient-0001"}, "prefetch": {"patient": {}}}
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "required"}]}


@dataclass(frozen=True, slots=True)
class Case:
    """Statements by their short names, a check, and what it is given. `permission`: the broken side is unused."""

    codes: str
    check: Check
    sound: Any
    broken: Any
    permission: bool = False


def without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: member for name, member in value.items() if name not in names}


def reply(status: int, value: Any = None, kind: str = "application/json", **headers: str) -> Answer:
    body = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, {**({"content-type": kind} if body else {}), **names}, body)


def call(kind: Kind, status: int, value: Any = None, *, name: str = "one", usual: int = 200) -> Exchange:
    service = Service(name, "patient-view", {"patient": "Patient/{{context.patientId}}"}, "2.0.1")
    body = value if value is not None else {"cards": []} if status == 200 else OUTCOME if status >= 400 else None
    return Exchange(service, State(kind), REQUEST, reply(status, body), usual)


def of_card(value: Any) -> Iterator[Finding]:
    return card_findings(value, "card", CONTEXT)


def _source(value: Any) -> Iterator[Finding]:
    return source_findings(value, "source", CONTEXT)


def of_link(value: Any) -> Iterator[Finding]:
    return link_findings(value, "link", CONTEXT)


def of_suggestion(value: Any) -> Iterator[Finding]:
    return suggestion_findings(value, "suggestion", CONTEXT)


def of_action(value: Any) -> Iterator[Finding]:
    return action_findings(value, "action", CONTEXT)


def of_service(value: Any) -> Iterator[Finding]:
    return service_findings(value, "service")


def _discovery(value: Any) -> Iterator[Finding]:
    return discovery_findings(value if isinstance(value, Answer) else reply(200, {"services": value}))


def _template(value: Any) -> Iterator[Finding]:
    hook, query = value if isinstance(value, tuple) else ("order-sign", value)
    return template_findings(Service("one", hook, {"key": query}, "2.0.1"))


def _later(query: str) -> Iterator[Finding]:
    return template_findings(Service("one", "order-sign", {"key": query}, "3.0.0"))


def _response(value: Any) -> Iterator[Finding]:
    return response_findings(value, "response", CONTEXT)


def _body(value: Any) -> Iterator[Finding]:
    return body_findings(value, "answer")


def of_hostile(name: str) -> Check:
    return lambda answer: hostile_token_findings([TokenTrial(name, answer)], "service")


def _good(answer: Answer) -> Iterator[Finding]:
    return good_token_findings([TokenTrial("ES384", answer)], "service", out_of_band=True)


def _cors(answer: Answer) -> Iterator[Finding]:
    return cors_findings("https://ehr.example.org", answer, "service", invited=True)


def _hooked(value: tuple[str, str]) -> Iterator[Finding]:
    hook, query = value
    return shall_not_findings([Service("one", hook, {"key": query})])


def _feedback(answer: Answer) -> Iterator[Finding]:
    return feedback_findings(answer, "feedback", real_card=True)


def _fhir(calls: Any) -> Iterator[Finding]:
    return fhir_findings(calls, "FHIR server")


def _png(data: bytes) -> Iterator[Finding]:
    return icon_findings("https://example.org/icon.png", reply(200, data, "image/png"))


def cases() -> tuple[Case, ...]:
    """Every case."""
    from example_cards import png

    full, two = call("full", 200), {**SUGGESTION, "isRecommended": True}
    card, reason = (
        {**CARD, "suggestions": [SUGGESTION], "selectionBehavior": "any"},
        {**CARD, "overrideReasons": [CODING]},
    )
    return (
        Case("1", _body, reply(200, {"a": 1}), reply(400, b"oops", "text/plain")),
        Case("1", _body, reply(200, {"a": 1}), reply(200, {"a": 1}, "text/html")),
        Case("1", _body, reply(200, b'{"a": 1}'), reply(200, b'{"a": 1, "a": 2}')),
        Case("1", _body, reply(200, b"[1]"), reply(200, b"[1,]")),
        Case("1", _body, reply(200, b"[1]"), reply(200, b"[NaN]")),
        Case("2 168", transport_findings, "https://example.org", "http://example.org"),
        Case("3", lambda v: empty_findings(v, ""), {"cards": []}, {"cards": [{"detail": None}]}),
        Case("3", lambda v: empty_findings(v, ""), {"services": []}, {"cards": [], "systemActions": []}),
        Case("3", lambda v: empty_findings(v, ""), {"resource": {"given": [None], "_given": [{"id": "a"}]}}, {"a": {}}),
        Case("4 5", _discovery, reply(200, {"services": []}), reply(404, OUTCOME)),
        Case("5", _discovery, reply(401, OUTCOME), reply(500, OUTCOME)),
        Case("6", _discovery, [], reply(200, {"services": {}})),
        Case("6", _discovery, [SERVICE], ["one"]),
        Case("6", _discovery, [], reply(200, b"<html>")),
        Case("7", of_service, SERVICE, without(SERVICE, "hook")),
        Case("8", of_service, SERVICE, without(SERVICE, "title")),
        Case("9", of_service, SERVICE, {**SERVICE, "description": 1}),
        Case("10", of_service, SERVICE, {**SERVICE, "id": "a/b"}),
        Case("10", _discovery, [SERVICE], [SERVICE, SERVICE]),
        Case("11", of_service, SERVICE, {**SERVICE, "prefetch": ["Patient/1"]}),
        Case("11", of_service, SERVICE, {**SERVICE, "prefetch": {}}),
        Case("11", of_service, SERVICE, {**SERVICE, "prefetch": {"patient": 5}}),
        Case("12", of_service, {**SERVICE, "usageRequirements": "R4"}, {**SERVICE, "usageRequirements": 4}),
        Case("13", _discovery, [], reply(201, {"services": []})),
        Case("14", _discovery, reply(503, OUTCOME), [], permission=True),
        Case("16", exchange_findings, full, call("full", 404)),
        Case("27", timing_findings, [Timing("one", 9, 0.499, 3.0)], [Timing("one", 9, 0.501, 0.6)]),
        Case("28", exchange_findings, full, call("absent", 200), permission=True),
        Case("29", of_service, SERVICE, {**SERVICE, "prefetch": {"patient": 5}}),
        Case("34", exchange_findings, call("fetch", 200), call("fetch", 412)),
        Case("35", _template, "Patient/{{context.patientId}}", "Patient/1", permission=True),
        Case("36", of_service, SERVICE, {**SERVICE, "prefetch": {"": "Patient/1"}}),
        Case(
            "36", _discovery, [SERVICE],
            reply(200, b'{"services":[{"id":"a","hook":"b","prefetch":{"k":"Patient/1","k":"Patient/2"}}]}'),
        ),
        Case("52", exchange_findings, call("outcomes", 412), call("outcomes", 500)),
        Case("54", exchange_findings, call("absent", 412), call("absent", 500)),
        Case("54", exchange_findings, call("nulls", 412), call("nulls", 400)),
        Case("54", exchange_findings, call("full", 412), call("empty", 404)),
        Case("55", _template, "Patient/{{context.patientId}}", "Patient/{context.patientId}"),
        Case("56", _template, "Practitioner/{{userPractitionerId}}", "Patient/{{context.nothing}}"),
        Case("56", _template, ("our-own-hook", "Patient/{{context.any}}"), "Observation?date=gt{{today()}}"),
        Case("56", _later, "Observation?date=gt{{today() - 90 days}}", "Observation?date=gt{{now()}}"),
        Case("56", _later, "Task?_id={{context.draftOrders.entry.resource.ofType(Task).id}}", "Patient/{{%later.id}}"),
        Case("57", _template, "Patient/{{context.patientId}}", "Patient/{{context.draftOrders}}"),
        Case("57", _template, "Patient/{{context.patientId}}", "Patient/{{context.draftOrders.entry[0].id}}"),
        Case("58", _template, "Condition?patient={{context.patientId}}&_count=5", "Condition?code:not=a"),
        Case("59", _template, "Patient/{{context.patientId}}", "Patient/{{patientId}}"),
        Case("60", _fhir, [FhirCall("Patient/1", authorised=True)], [], permission=True),
        Case("61", _fhir, [FhirCall("Patient/1", authorised=True)], [FhirCall("Patient/1", authorised=False)]),
        Case("74", exchange_findings, full, call("full", 202, {"cards": []})),
        Case("74", exchange_findings, full, call("full", 200, b"<html>")),
        Case("74", _response, {"cards": []}, {"card": []}),
        Case("74", exchange_findings, full, call("full", 302)),
        Case("75", _response, {"cards": [], "systemActions": [UPDATE]}, {"cards": [], "systemActions": UPDATE}),
        Case("76", exchange_findings, call("absent", 412), full, permission=True),
        Case("77", exchange_findings, full, call("full", 204)),
        Case("80", of_card, CARD, {**CARD, "uuid": 7}),
        Case("80", _response, {"cards": [CARD]}, {"cards": [CARD, CARD]}),
        Case("81", of_card, without(CARD, "uuid"), CARD, permission=True),
        Case("83", of_card, {**CARD, "summary": "a" * 139}, {**CARD, "summary": "a" * 140}),
        Case("83", of_card, CARD, without(CARD, "summary")),
        Case("84", of_card, {**CARD, "detail": "*a*"}, CARD, permission=True),
        Case("85", of_card, {**CARD, "detail": "*a*"}, {**CARD, "detail": "<script>x()</script>"}),
        Case("85", of_card, {**CARD, "detail": "a"}, {**CARD, "detail": 5}),
        Case("87", of_card, CARD, without(CARD, "indicator")),
        Case("88", of_card, CARD, {**CARD, "indicator": "hard-stop"}),
        Case("90", of_card, CARD, without(CARD, "source")),
        Case("92", of_card, card, {**card, "suggestions": SUGGESTION}),
        Case("93 96", of_card, card, without(card, "selectionBehavior")),
        Case("94", of_card, card, CARD, permission=True),
        Case("95", of_card, card, {**card, "selectionBehavior": "all"}),
        Case("96", of_card, card, {**card, "selectionBehavior": ["any"]}),
        Case("98", of_card, reason, {**CARD, "overrideReasons": CODING}),
        Case("99", of_card, reason, CARD, permission=True),
        Case("100 136 219", of_card, reason, {**CARD, "overrideReasons": [without(CODING, "display")]}),
        Case("103", of_card, {**CARD, "links": [LINK]}, {**CARD, "links": LINK}),
        Case("104", of_card, {**CARD, "links": [LINK]}, CARD, permission=True),
        Case("105", _source, SOURCE, without(SOURCE, "label")),
        Case("106 108", _source, SOURCE, {"label": "a"}, permission=True),
        Case("107", _source, SOURCE, {**SOURCE, "url": "/about"}),
        Case("109", _source, SOURCE, {**SOURCE, "url": "https://example.org/patient-0001"}),
        Case("110", of_link, {**LINK, "url": "https://example.org/patient-0001"}, LINK, permission=True),
        Case("111", _source, {**SOURCE, "icon": "https://example.org/a.png"}, {**SOURCE, "icon": "a.png"}),
        Case("112", _png, png(), png(64)),
        Case("112", _png, png(alpha=255), png(alpha=254)),
        Case("112", _png, png(), b"GIF89a"),
        Case("113", _source, {**SOURCE, "icon": "https://example.org/a.png"}, SOURCE, permission=True),
        Case("115", _source, {**SOURCE, "topic": CODING}, {**SOURCE, "topic": "a"}),
        Case("116", _source, {**SOURCE, "topic": CODING}, SOURCE, permission=True),
        Case("117", of_suggestion, SUGGESTION, without(SUGGESTION, "label")),
        Case("118", of_suggestion, SUGGESTION, without(SUGGESTION, "uuid"), permission=True),
        Case("119", of_suggestion, SUGGESTION, {**SUGGESTION, "uuid": 1}),
        Case("120", of_suggestion, two, SUGGESTION, permission=True),
        Case("121", of_suggestion, two, {**SUGGESTION, "isRecommended": "yes"}),
        Case(
            "122", of_card, {**card, "suggestions": [two, two]},
            {**card, "suggestions": [two, two], "selectionBehavior": "at-most-one"},
        ),
        Case("123", of_suggestion, SUGGESTION, without(SUGGESTION, "actions"), permission=True),
        Case("124", of_suggestion, SUGGESTION, {**SUGGESTION, "actions": UPDATE}),
        Case("125", of_suggestion, SUGGESTION, {**SUGGESTION, "actions": [UPDATE, UPDATE]}),
        Case("127", of_action, UPDATE, without(UPDATE, "type")),
        Case("128", of_action, UPDATE, without(UPDATE, "description")),
        Case("130", of_action, CREATE, {**CREATE, "resource": "ServiceRequest/1"}),
        Case("131", of_action, CREATE, {**CREATE, "resource": {"resourceType": "ServiceRequest", "status": "draft"}}),
        Case("131", of_action, CREATE, without(CREATE, "resource")),
        Case("132", of_action, UPDATE, {**UPDATE, "resource": without(DRUG, "intent", "subject")}),
        Case(
            "132", of_action, UPDATE,
            {**UPDATE, "resource": without(DRUG, "authoredOn", "note", "priority", "reasonCode", "id")},
        ),
        Case("132", of_action, UPDATE, {**UPDATE, "resource": {**DRUG, "id": "another"}}),
        Case("133", of_action, DELETE, {**DELETE, "resource": "ServiceRequest/s1"}),
        Case("134", of_action, DELETE, without(DELETE, "resourceId")),
        Case("135", of_action, DELETE, {**DELETE, "resourceId": "s1"}),
        Case("138", of_link, LINK, without(LINK, "label")),
        Case("139", of_link, LINK, without(LINK, "url")),
        Case("140", of_link, LINK, {**LINK, "url": "https://example.org"}, permission=True),
        Case("141", of_link, LINK, without(LINK, "type")),
        Case("142", of_link, LINK, {**LINK, "type": "relative"}),
        Case("142", of_link, SMART, {**LINK, "url": "page"}),
        Case("144", of_link, SMART, {**SMART, "appContext": {"a": "b"}}),
        Case("145", of_link, SMART, LINK, permission=True),
        Case("146", of_link, SMART, {**SMART, "type": "absolute"}),
        Case("147", of_link, LINK, {**SMART, "type": "absolute"}),
        Case("148", _feedback, reply(200), reply(500, OUTCOME)),
        *_token_cases(),
        Case(
            "208", _cors, reply(200, access_control_allow_origin="https://ehr.example.org"),
            reply(200, access_control_allow_origin="*", access_control_allow_credentials="true"),
        ),
        Case("208", _cors, reply(200, access_control_allow_origin="*"), reply(200)),
        Case("210", _discovery, [SERVICE, {**SERVICE, "hook": "order-sign"}], [SERVICE], permission=True),
        Case("211", _same_id, [SERVICE, {**SERVICE, "hook": "order-sign"}], 400),
        Case("214", lambda v: extension_findings(v, ""), {"extension": {"org.a": 1}}, {"a": [{"extension": [1]}]}),
        Case("215", lambda v: extension_findings(v, ""), {"extension": {"org.a": 1}}, {"extension": {"a": 1}}),
        Case("216 218", _source, {**SOURCE, "topic": CODING}, {**SOURCE, "topic": without(CODING, "code")}),
        Case("217", _source, {**SOURCE, "topic": CODING}, {**SOURCE, "topic": without(CODING, "system")}),
        Case("220", _source, {**SOURCE, "topic": CODING}, {**SOURCE, "topic": {**CODING, "display": 1}}),
        *_library_cases(),
    )  # fmt: skip


def _token_cases() -> Iterator[Case]:
    refused, taken = reply(401), reply(200, {"cards": []})
    yield Case("176 199 205", _good, taken, refused)
    for codes, name in (
        ("177", "no token"), ("201", "algorithm none"), ("195", "unlisted iss"), ("195", "unlisted jku"),
        ("203", "HS256 with the public key as its secret"), ("176", "expired"), ("176", "used before"),
    ):  # fmt: skip
        yield Case(codes, of_hostile(name), refused, taken)
    yield Case("176", of_hostile("not yet valid"), reply(403), reply(412, OUTCOME))


def _library_cases() -> Iterator[Case]:
    for hook in HOOKS.values():
        for field, number in hook.numbers.items():
            if field in hook.tokens:
                used, unused = (hook.name, f"X/{{{{context.{field}}}}}"), (hook.name, "X/1")
                yield Case(f"L{number}", _template, used, unused, permission=True)
            else:
                yield Case(f"L{number}", _either, (hook.name, "X/1"), (hook.name, f"X?_id={{{{context.{field}}}}}"))


def _either(value: tuple[str, str]) -> Iterator[Finding]:
    yield from _template(value)
    yield from _hooked(value)


def _same_id(value: Any) -> Iterator[Finding]:
    """Discovery lists one id under two hooks; then one of the hooks is refused."""
    if not isinstance(value, int):
        yield from _discovery(value)
        return
    other = Exchange(Service("one", "order-sign"), State("full"), REQUEST, reply(value, OUTCOME))
    yield from same_id_findings([call("full", 200), other])
