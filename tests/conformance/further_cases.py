"""Cases of the further rules, as `statement_cases` has them for the register."""

from __future__ import annotations

from collections.abc import Iterator

from statement_cases import (
    CARD,
    DRUG,
    LINK,
    OUTCOME,
    SERVICE,
    SUGGESTION,
    UPDATE,
    Case,
    call,
    of_action,
    of_card,
    of_hostile,
    of_link,
    of_service,
    of_suggestion,
    reply,
    without,
)  # fmt: skip

from calcipath.conformance.feedback_checks import (
    broken_json_findings,
    malformed_feedback_findings,
    missing_field_findings,
    unknown_service_findings,
)
from calcipath.conformance.findings import Service
from calcipath.conformance.response_checks import error_body_findings, exchange_findings, reuse_findings


def further_cases() -> Iterator[Case]:
    again = [call("full", 200, {"cards": [CARD]}), call("absent", 200, {"cards": [CARD]})]
    service = Service("one", "patient-view", {"patient": "Patient/1"})
    named = {**OUTCOME, "diagnostics": "patient"}
    yield Case("K1", lambda a: unknown_service_findings(a, ""), reply(404, OUTCOME), reply(200, {"cards": []}))
    yield Case("K2", lambda a: unknown_service_findings(a, ""), reply(404, OUTCOME), reply(400, OUTCOME))
    yield Case("K3", lambda a: broken_json_findings(a, ""), reply(400, OUTCOME), reply(200, {"cards": []}))
    yield Case("K4", lambda a: broken_json_findings(a, ""), reply(422, OUTCOME), reply(500, OUTCOME))
    yield Case("K5", lambda a: missing_field_findings("hook", a, ""), reply(400, OUTCOME), reply(412, OUTCOME))
    yield Case("K5", lambda a: missing_field_findings("context.patientId", a, ""), reply(412, OUTCOME), reply(200))
    yield Case("K6", lambda a: error_body_findings(a, ""), reply(404, OUTCOME), reply(404, {"error": "x"}))
    yield Case("K7", lambda a: error_body_findings(a, "", service), reply(412, named), reply(412, OUTCOME))
    yield Case("K8", exchange_findings, call("full", 200), call("extension", 500))
    yield Case("K8", exchange_findings, call("full", 412), call("full", 0))
    yield Case("K9", exchange_findings, call("full", 200), call("full", 422))
    yield Case("K10", exchange_findings, call("extension", 200), call("unknown-keys", 400))
    yield Case("K11", of_hostile("expired"), reply(401), reply(403))
    yield Case("K12", of_hostile("expired"), reply(401, OUTCOME), reply(401, {"error": "the token has expired"}))
    yield Case("K12", of_hostile("expired"), reply(401), reply(401, www_authenticate='Bearer error="wrong audience"'))
    yield Case("K13", of_service, SERVICE, without(SERVICE, "version"))
    yield Case("K14", of_service, {**SERVICE, "hookVersion": "1.0.0"}, {**SERVICE, "hookVersion": "7.0"})
    yield Case(
        "K15", of_suggestion, {**SUGGESTION, "actionSelectionBehavior": "all"},
        {**SUGGESTION, "actionSelectionBehavior": "some"},
    )  # fmt: skip
    yield Case("K17", of_link, {**LINK, "autolaunchable": True}, {**LINK, "autoLaunchable": True})
    yield Case("K18", of_card, CARD, {**CARD, "colour": "red"})
    yield Case("K19", reuse_findings, again[:1], again)
    yield Case("K20", of_card, {**CARD, "detail": "a < b and `<b>`"}, {**CARD, "detail": "<b>a</b>"})
    yield Case("K21", of_action, UPDATE, {**UPDATE, "resource": {**DRUG, "id": "another"}})
    yield Case("K22", lambda a: malformed_feedback_findings(a, ""), reply(400, OUTCOME), reply(200))
    yield Case("K23", lambda a: malformed_feedback_findings(a, ""), reply(422, OUTCOME), reply(500, OUTCOME))
