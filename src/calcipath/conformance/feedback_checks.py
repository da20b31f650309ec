"""The feedback endpoint (#148) and requests that are not conformant: unknown service, broken JSON, missing fields."""

from __future__ import annotations

from collections.abc import Iterator

from calcipath.conformance.findings import Answer, Finding, judge
from calcipath.conformance.json_checks import body_findings
from calcipath.conformance.response_checks import error_body_findings

_NO_ENDPOINT = (404, 405, 501)
_UNDECIDED = (0, 401, 403, 429)


def feedback_findings(answer: Answer, where: str, *, real_card: bool) -> Iterator[Finding]:
    """Well-formed feedback. `real_card`: it is about a card that the service sent; else it may be refused with 4xx."""
    yield from body_findings(answer, where)
    if answer.status in _NO_ENDPOINT or (400 <= answer.status < 500 and not real_card) or answer.status in _UNDECIDED:
        return
    yield from judge("148", answer.success, where, answer.described)


def no_endpoint(answer: Answer) -> bool:
    """Whether the answer shows that there is no feedback endpoint."""
    return answer.status in _NO_ENDPOINT


def malformed_feedback_findings(answer: Answer, where: str) -> Iterator[Finding]:
    """Feedback that is no JSON, or not an object with the array `feedback`."""
    if answer.status in _UNDECIDED:
        return
    yield from judge("K22", not answer.success, where, answer.described)
    if not answer.success:
        yield from judge("K23", answer.status in (400, 422), where, answer.described)
    yield from _error(answer, where)


def unknown_service_findings(answer: Answer, where: str) -> Iterator[Finding]:
    """A sound request to an id that discovery does not list."""
    if answer.status in _UNDECIDED:
        return
    yield from judge("K1", not answer.success, where, answer.described)
    if not answer.success:
        yield from judge("K2", answer.status == 404, where, answer.described)
    yield from _error(answer, where)


def broken_json_findings(answer: Answer, where: str) -> Iterator[Finding]:
    """A body that is not JSON."""
    if answer.status in _UNDECIDED:
        return
    yield from judge("K3", not answer.success, where, answer.described)
    if not answer.success:
        yield from judge("K4", answer.status in (400, 422), where, answer.described)
    yield from _error(answer, where)


def missing_field_findings(field: str, answer: Answer, where: str) -> Iterator[Finding]:
    """A request without one required field; without the patient 412 is as good."""
    if answer.status in _UNDECIDED:
        return
    right = answer.status in (400, 422) or (answer.status == 412 and field.startswith("context"))
    yield from judge("K5", right, where, answer.described)
    yield from _error(answer, where)


def _error(answer: Answer, where: str) -> Iterator[Finding]:
    yield from body_findings(answer, where)
    if not answer.success:
        yield from error_body_findings(answer, where)
        if answer.status >= 400:
            yield from judge("76", True, where, answer.described)
