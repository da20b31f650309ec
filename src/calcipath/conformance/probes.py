"""The calls of a check: each service in each state, requests that are not conformant, feedback, origins, icons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from calcipath.conformance.client import Caller
from calcipath.conformance.feedback_checks import (
    broken_json_findings,
    feedback_findings,
    malformed_feedback_findings,
    missing_field_findings,
    no_endpoint,
    unknown_service_findings,
)
from calcipath.conformance.fhir_host import FhirHost
from calcipath.conformance.findings import Exchange, Finding, Service
from calcipath.conformance.hooks import HOOKS
from calcipath.conformance.icon_checks import icon_findings, icon_urls
from calcipath.conformance.options import Options
from calcipath.conformance.requests import (
    Example,
    Request,
    full_request,
    in_state,
    required_fields,
    states_for,
    with_server,
    without,
)
from calcipath.conformance.security_checks import cors_findings
from calcipath.conformance.states import COMPLETE, State

Findings = Iterator[Finding]
Step = Callable[[], Findings]
UNKNOWN_ID = "calcipath-hooks-check-unknown-service"
STRANGER = "https://stranger.invalid"
_MOST_ICONS = 5
_BROKEN = b'{"hook": "patient-view", "hookInstance": '


class Probes:
    """Makes the calls and keeps the exchanges. `samples`: the example patient of each service, by its label.

    `own` are the user's requests, `host` the kit's FHIR server or None.
    """

    def __init__(
        self, address: str, caller: Caller, options: Options, samples: Mapping[str, Example],
        own: Mapping[tuple[str, str], Mapping[str, Request]], host: FhirHost | None, new_id: Callable[[], str],
    ) -> None:  # fmt: skip
        self._address, self._caller, self._options = address, caller, options
        self._samples, self._own, self._host, self._new_id = samples, own, host, new_id
        self.exchanges: list[Exchange] = []
        self._usual: dict[str, int] = {}

    def base_request(self, service: Service) -> Request:
        """The request that others are made from: the user's first, else the example's, with a new instance id."""
        given = self._own.get((service.id, service.hook))
        if not given:
            return full_request(service, self._samples[service.label], self._new_id)
        return {"hookInstance": self._new_id(), **next(iter(given.values()))}

    def service_address(self, service: Service) -> str:
        """Where a service is called."""
        return f"{self._address}/{service.id}"

    def call_steps(self, services: Sequence[Service]) -> Iterator[Step]:
        """Each service with conformant requests: complete ones first, then each state of the prefetch."""
        for service in services:
            base = self.base_request(service)
            given = self._own.get((service.id, service.hook))
            for name, request in (given or {}).items():
                yield self._call(service, State("given", name), {"hookInstance": self._new_id(), **request})
            if not given:
                yield self._call(service, State("full"), base)
            for state in states_for(base, service, thorough=self._options.thorough):
                yield self._call(service, state, in_state(base, service, state, self._new_id))
            if self._host:
                request = with_server(base, self._host.url, self._host.token, self._new_id)
                yield self._call(service, State("fetch"), request)

    def _call(self, service: Service, state: State, request: Request) -> Step:
        def step() -> Findings:
            answer = self._caller.post(self.service_address(service), request)
            if state.kind in COMPLETE:
                self._usual.setdefault(service.label, answer.status)
            usual = self._usual.get(service.label, 0)
            self.exchanges.append(Exchange(service, state, request, answer, usual))
            return iter(())

        return step

    def other_steps(self, services: Sequence[Service]) -> Iterator[Step]:
        """Requests that are not conformant, feedback, origins and icons."""
        for service in services:
            yield partial(self._broken_json, service)
            for field in required_fields(service):
                yield partial(self._missing, service, field)
            if self._options.feedback:
                yield partial(self._feedback, service)
        yield partial(self._unknown_service, services[0])
        yield partial(self._origins, services[0])
        yield self._icons

    def _answers(self, service: Service) -> bool:
        """Whether the service answers a conformant request; if not, its refusals of others show nothing."""
        return self._usual.get(service.label) in (200, 412)

    def _broken_json(self, service: Service) -> Findings:
        if not self._answers(service):
            return
        answer = self._caller.post(self.service_address(service), _BROKEN)
        yield from broken_json_findings(answer, f"{service.label}, a body that is not JSON")

    def _missing(self, service: Service, field: str) -> Findings:
        if not self._answers(service):
            return
        request = without(self.base_request(service), field, self._new_id)
        answer = self._caller.post(self.service_address(service), request)
        yield from missing_field_findings(field, answer, f"{service.label}, without {field}")

    def _unknown_service(self, service: Service) -> Findings:
        answer = self._caller.post(f"{self._address}/{UNKNOWN_ID}", self.base_request(service))
        yield from unknown_service_findings(answer, f"{UNKNOWN_ID}")

    def _feedback(self, service: Service) -> Findings:
        address = f"{self.service_address(service)}/feedback"
        card, real = self._shown_card(service)
        entry = {"card": card["uuid"], "outcomeTimestamp": _now()}
        reasons = card.get("overrideReasons")
        reason = (
            {"reason": _coding(reasons[0])} if isinstance(reasons, list) and reasons else {"userComment": "a check"}
        )
        overridden = {**entry, "outcome": "overridden", "overrideReason": reason}
        answer = self._caller.post(address, {"feedback": [overridden]})
        yield from feedback_findings(answer, _feedback_place(service, "overridden"), real_card=real)
        if no_endpoint(answer):
            return
        suggestion = _suggestion(card)
        if suggestion or not real:
            accepted = {**entry, "outcome": "accepted", "acceptedSuggestions": [{"id": suggestion or self._new_id()}]}
            answer = self._caller.post(address, {"feedback": [accepted]})
            yield from feedback_findings(answer, _feedback_place(service, "accepted"), real_card=real)
        for name, content in (("broken JSON", b'{"feedback": ['), ("no array", {"feedback": {"card": "x"}})):
            answer = self._caller.post(address, content)
            yield from malformed_feedback_findings(answer, _feedback_place(service, name))

    def invented_feedback(self) -> Mapping[str, Any]:
        """Well-formed feedback about a card that was never sent."""
        return {"feedback": [{"card": self._new_id(), "outcome": "overridden", "outcomeTimestamp": _now()}]}

    def _shown_card(self, service: Service) -> tuple[Mapping[str, Any], bool]:
        """A card with a uuid that this service sent, with suggestions if one has them; else an invented one."""
        cards: list[Mapping[str, Any]] = []
        for exchange in self.exchanges:
            if exchange.service == service and exchange.answer.success and isinstance(exchange.answer.value, dict):
                found = exchange.answer.value.get("cards")
                cards += [card for card in found if isinstance(card, dict)] if isinstance(found, list) else []
        known = [card for card in cards if isinstance(card.get("uuid"), str) and card["uuid"]]
        known.sort(key=lambda card: not _suggestion(card))
        return (known[0], True) if known else ({"uuid": self._new_id()}, False)

    def _origins(self, service: Service) -> Findings:
        address = self.service_address(service)
        wanted = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        for origin, invited in ((STRANGER, False), (self._options.origin, True)):
            if origin:
                plain = self._caller.get(self._address, {"Origin": origin})
                yield from cors_findings(origin, plain, f"discovery, from {origin}", invited=invited)
                asked = self._caller.options(address, {"Origin": origin, **wanted})
                where = f"{service.label}, preflight from {origin}"
                yield from cors_findings(origin, asked, where, invited=invited, preflight=True)

    def _icons(self) -> Findings:
        found = dict.fromkeys(url for exchange in self.exchanges for url in icon_urls(exchange.answer.value))
        own = urlsplit(self._address)
        for url in list(found)[:_MOST_ICONS]:
            parts = urlsplit(url)
            if self._options.fetch_icons or (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
                yield from icon_findings(url, self._caller.get(url, signed=False))

    def notes(self) -> Iterator[str]:
        """What a reader must know to understand the verdicts."""
        for exchange in self.exchanges:
            if exchange.state.kind not in COMPLETE:
                continue
            status, where = exchange.answer.status, exchange.where
            if exchange.service.hook not in HOOKS and exchange.state.kind == "full":
                yield f"{where}: the hook is not published; give conformant requests with --requests."
            if status == 412:
                yield f"{where}: 412, it needs data that the request lacks; give better requests with --requests."
            elif status in (401, 403):
                yield f"{where}: status {status}; see --sign-with."
            elif status == 200 and exchange.answer.value == {"cards": []}:
                yield f"{where}: no card, so that its cards could not be judged; see --requests."

    def why_unanswered(self) -> str:
        """Why no call succeeded; empty when one did."""
        statuses = {exchange.answer.status for exchange in self.exchanges}
        if any(200 <= status < 300 for status in statuses):
            return ""
        if statuses and statuses <= {401, 403}:
            return "every call was refused for want of a token: see --sign-with"
        seen = ", ".join(str(status or "no answer") for status in sorted(statuses))
        return f"no call succeeded (status {seen}): see --requests"


def _feedback_place(service: Service, what: str) -> str:
    return f"{service.label}/feedback, {what}"


def _suggestion(card: Mapping[str, Any]) -> str:
    suggestions = card.get("suggestions")
    for suggestion in suggestions if isinstance(suggestions, list) else []:
        if isinstance(suggestion, dict) and isinstance(suggestion.get("uuid"), str):
            return str(suggestion["uuid"])
    return ""


def _coding(reason: Any) -> Any:
    return {name: reason[name] for name in ("code", "system") if name in reason} if isinstance(reason, dict) else reason


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
