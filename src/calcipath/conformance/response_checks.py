"""Answers of a service to conformant requests: status by what was sent, shape, cards, time (#16, #27, #28, #52, #54, #74 on)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from calcipath.conformance.card_checks import card_findings
from calcipath.conformance.card_context import CardContext, card_context
from calcipath.conformance.findings import NOT_JSON, Answer, Exchange, Finding, Service, is_text, judge
from calcipath.conformance.hooks import HOOKS
from calcipath.conformance.json_checks import body_findings, empty_findings, extension_findings, member_findings
from calcipath.conformance.states import ADDING, COMPLETE, LACKING
from calcipath.conformance.suggestion_checks import action_findings

QUICK_SECONDS = 0.5
_ACCEPTABLE_REFUSALS = (401, 403, 412, 429)


def exchange_findings(exchange: Exchange) -> Iterator[Finding]:
    """Everything about one answer to a conformant request."""
    answer = exchange.answer
    yield from _status(exchange)
    yield from body_findings(answer, exchange.where)
    if not answer.success:
        yield from error_body_findings(answer, exchange.where, exchange.service)
        if answer.value is not NOT_JSON:
            yield from empty_findings(answer.value, exchange.where)
    elif answer.value is NOT_JSON:
        yield from judge("74", False, exchange.where, "the body is not JSON")
    else:
        yield from response_findings(answer.value, exchange.where, card_context(exchange.request))


def _status(exchange: Exchange) -> Iterator[Finding]:
    answer, where, seen = exchange.answer, exchange.where, exchange.answer.described
    if answer.status == 0 or answer.status >= 500:
        yield from judge("K8", False, where, seen)
    elif answer.status not in (401, 403, 429):
        yield from judge("K8", True, where, seen)
    if answer.status in (404, 405, 410, 501):
        yield from judge("16", False, where, seen)
    elif answer.status:
        yield from judge("16", True, where, seen)
    if answer.success or 300 <= answer.status < 400:
        yield from judge("74", answer.status == 200, where, seen)
    if answer.status == 204:
        yield from judge("77", False, where, seen)
    if answer.status >= 400:
        yield from judge("76", True, where, seen)
    yield from _refused(exchange)
    yield from _data(exchange)


def _refused(exchange: Exchange) -> Iterator[Finding]:
    """Whether a request that the specification allows was refused as wrong."""
    status, where = exchange.answer.status, exchange.where
    if exchange.state.kind in COMPLETE and exchange.service.hook in HOOKS and status and status < 500:
        right = status < 400 or status in _ACCEPTABLE_REFUSALS
        yield from judge("K9", right, where, exchange.answer.described)
    if exchange.state.kind in ADDING and exchange.usual and status not in (0, 401, 403, 429):
        seen = f"status {status}, and {exchange.usual} with full prefetch"
        yield from judge("K10", status == exchange.usual, where, seen)


def _data(exchange: Exchange) -> Iterator[Finding]:
    """Whether data that were there were used, and data that were not there lead to 200 or 412."""
    status, where, kind = exchange.answer.status, exchange.where, exchange.state.kind
    if status in (401, 403, 429):
        return
    seen = exchange.answer.described
    if kind in COMPLETE and status == 200 and exchange.request.get("prefetch"):
        yield from judge("28", True, where, seen)
    if kind in COMPLETE and status == 412:
        yield from judge("54", True, where, seen)
    if exchange.usual not in (0, 200, 412):
        return  # it does not answer with the data either
    if kind in LACKING and status != 200:
        yield from judge("54", status == 412, where, seen)
    if kind == "outcomes" and exchange.service.prefetch:
        yield from judge("52", status in (200, 412), where, seen)
    if kind == "fetch" and exchange.usual == 200:
        yield from judge("34", status == 200, where, seen)


def error_body_findings(answer: Answer, where: str, service: Service | None = None) -> Iterator[Finding]:
    """Whether an answer that is not success carries an OperationOutcome. Says nothing of 401 and 429."""
    if not answer.status or answer.status in (401, 403, 429) or 300 <= answer.status < 400:
        return
    outcome = answer.outcome
    yield from judge("K6", outcome is not None, where, f"{answer.described}, {_kind(answer)}")
    if answer.status == 412 and outcome is not None and service is not None and service.prefetch:
        words = answer.body.decode("utf-8", "replace")
        named = next((key for key in service.prefetch if key in words), "")
        yield from judge("K7", bool(named), where, f"names {named}" if named else "names no key of the prefetch")


def _kind(answer: Answer) -> str:
    if not answer.body:
        return "no body"
    value = answer.value
    if isinstance(value, dict):
        return f"an object of type {value.get('resourceType', 'unknown')}"
    return "no JSON" if value is NOT_JSON else "JSON, but no object"


def response_findings(value: Any, where: str, context: CardContext) -> Iterator[Finding]:
    """The body of a successful answer: cards and system actions."""
    cards = value.get("cards") if isinstance(value, dict) else None
    yield from judge("74", isinstance(cards, list), where, value if cards is None else "cards is an array")
    yield from empty_findings(value, where)
    yield from extension_findings(value, where)
    if not isinstance(value, dict):
        return
    yield from member_findings(value, {"cards", "systemActions"}, where)
    if cards == []:
        yield from judge("77", True, where, "200 with no cards")
    for index, card in enumerate(cards if isinstance(cards, list) else []):
        yield from card_findings(card, f"{where}: cards[{index}]", context)
    if "systemActions" in value:
        yield from _system_actions(value["systemActions"], where, context)
    yield from _uuids(value, where)


def _system_actions(actions: Any, where: str, context: CardContext) -> Iterator[Finding]:
    right = isinstance(actions, list) and all(isinstance(action, Mapping) for action in actions)
    yield from judge("75", right, f"{where}: systemActions", actions)
    for index, action in enumerate(actions if right else []):
        yield from action_findings(action, f"{where}: systemActions[{index}]", context, system=True)


def _uuids(value: Mapping[str, Any], where: str) -> Iterator[Finding]:
    twice = [name for name, count in Counter(card_uuids(value)).items() if count > 1]
    if twice:
        yield from judge("80", False, where, f"{twice[0]} is the uuid of several cards")


def card_uuids(value: Any) -> list[str]:
    """The uuids of the cards of a response."""
    cards = value.get("cards") if isinstance(value, Mapping) else None
    found = [card.get("uuid") for card in cards if isinstance(card, Mapping)] if isinstance(cards, list) else []
    return [name for name in found if isinstance(name, str) and is_text(name)]


def reuse_findings(exchanges: Iterable[Exchange]) -> Iterator[Finding]:
    """Whether a card's uuid comes back in another answer."""
    seen: dict[str, Exchange] = {}
    for exchange in exchanges:
        names = set(card_uuids(exchange.answer.value)) if exchange.answer.success else set()
        for name in sorted(names):
            earlier = seen.setdefault(name, exchange)
            words = name if earlier is exchange else f"{name}, first in {earlier.where}"
            yield from judge("K19", earlier is exchange, exchange.where, words)


def same_id_findings(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Whether an id that is listed under several hooks answers each of them."""
    hooks: dict[str, set[str]] = defaultdict(set)
    for exchange in exchanges:
        hooks[exchange.service.id].add(exchange.service.hook)
    for exchange in exchanges:
        several = exchange.state.kind in COMPLETE and len(hooks[exchange.service.id]) > 1
        if several and exchange.answer.status in (400, 404, 405, 422):
            yield from judge("211", False, exchange.where, exchange.answer.described)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds that the answers of one service took."""

    service: str
    calls: int
    median: float
    slowest: float


def timings(exchanges: Iterable[Exchange]) -> tuple[Timing, ...]:
    """The timing of each service, over its successful answers; without calls that fetch from the kit's FHIR server."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for exchange in exchanges:
        if exchange.answer.success and exchange.state.kind != "fetch":
            seconds[exchange.service.label].append(exchange.answer.seconds)
    return tuple(Timing(name, len(times), median(times), max(times)) for name, times in seconds.items())


def timing_findings(found: Iterable[Timing]) -> Iterator[Finding]:
    """Whether each service answers in about 500 ms: the median of its calls."""
    for timing in found:
        seen = f"median {1000 * timing.median:.0f} ms, slowest {1000 * timing.slowest:.0f} ms of {timing.calls} calls"
        yield from judge("27", timing.median <= QUICK_SECONDS, timing.service, seen)
