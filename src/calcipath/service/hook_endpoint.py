"""The endpoints of CDS Hooks: discovery, a service's call, feedback. Carries requests in and answers out, judges nothing."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from calcipath.assessment.assess import Assessor
from calcipath.errors import InputError
from calcipath.guideline.hook_knowledge import HookService
from calcipath.hooks.alerts import Alert
from calcipath.hooks.cards import CardSettings
from calcipath.hooks.prefetch import PATIENT, gathered, read_prefetch, templates
from calcipath.hooks.request import BadRequest, HookRequest, read_request
from calcipath.hooks.response import Considered, consider, response, shown_cards
from calcipath.hooks.selection import Selection, select
from calcipath.record.reader import RecordError
from calcipath.service.authentication import Unauthenticated, VerifiedClient
from calcipath.service.fhir_fetch import FhirFetcher, has_patient
from calcipath.service.keeping import Decision, Digester, Keeper, KeptCard, alert_keys
from calcipath.service.limits import too_deep
from calcipath.service.observability import Observer

MOST_UNDER_WAY = 32  # calls of one worker; beyond them a caller is told to come back, before its body is read
VERSION = "2.0.1"  # of the CDS Hooks specification, as its 3.0 ballot asks services to say


@dataclass(frozen=True, slots=True)
class Parts:
    """What the endpoints work with; `authenticate` is None where the service answers everyone on this machine."""

    assessor: Assessor
    code_systems: Mapping[str, str]
    cards: CardSettings
    fetcher: FhirFetcher
    keeper: Keeper
    digester: Digester
    observer: Observer
    authenticate: Callable[[Request, str], Any] | None
    budget: int
    memory_seconds: float
    notes: bool
    most_body_bytes: int
    deepest_body: int
    keep_patient: bool
    content: str
    clock: Callable[[], float] = time.time


class Refused(Exception):  # noqa: N818  it is an answer
    """An answer other than 200, with a sentence that names no patient and repeats nothing that was sent."""

    def __init__(self, status: int, code: str, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.code, self.sentence, self.headers = status, code, sentence, headers


def outcome(refused: Refused) -> JSONResponse:
    """The refusal as an OperationOutcome."""
    body = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": refused.code, "diagnostics": refused.sentence}],
    }
    return JSONResponse(body, refused.status, refused.headers, media_type="application/fhir+json")


class HookEndpoints:
    """Discovery, calls and feedback of the services of a guideline."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        guideline = parts.assessor.guideline
        self._services = {service.id: service for service in guideline.hooks.services}
        self._templates = {service.id: templates(guideline, service) for service in guideline.hooks.services}
        self._one_at_a_time = CapacityLimiter(1)  # evaluation is arithmetic: two at once would only slow each other
        self._under_way = 0
        self._discovery = {"services": [self._described(service) for service in guideline.hooks.services]}

    def _described(self, service: HookService) -> dict[str, Any]:
        return {
            "hook": service.hook,
            "id": service.id,
            "title": service.title,
            "description": service.description,
            "version": VERSION,
            "prefetch": self._templates[service.id],
            "usageRequirements": "FHIR R4. A key that is left out is fetched when fhirServer is on this service's list.",
        }

    async def discovery(self, request: Request) -> Response:
        """`GET /cds-services`."""
        await self._caller(request, "/cds-services")
        return JSONResponse(self._discovery)

    async def call(self, request: Request) -> Response:
        """`POST /cds-services/{id}`."""
        if self._under_way >= MOST_UNDER_WAY:
            raise Refused(503, "transient", "too many calls at once", {"Retry-After": "1"})
        self._under_way += 1
        try:
            return await self._answer(request)
        finally:
            self._under_way -= 1

    async def _answer(self, request: Request) -> Response:
        parts, started = self._parts, time.perf_counter()
        service = self._service(request)
        caller = await self._caller(request, f"/cds-services/{service.id}")
        data = await self._body(request)
        asked = self._read(data, service)
        now_seconds = parts.clock()
        now = datetime.fromtimestamp(now_seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        keys = self._templates[service.id]
        states = read_prefetch(asked.prefetch, keys)
        fetched = await parts.fetcher.complete(asked, keys, states)
        if not has_patient(fetched.states, asked.patient):
            why = fetched.why.get(PATIENT, "it was neither sent nor could be fetched")
            raise Refused(412, "required", f"prefetch key '{PATIENT}' (Patient/{{id}}) could not be had: {why}")
        known = gathered(fetched.states, fetched.why)

        def answered() -> tuple[dict[str, Any], Considered, Selection, dict[str, str]]:
            found = consider(
                parts.assessor,
                service,
                asked,
                known,
                now=now,
                code_systems=parts.code_systems,
                read_notes=parts.notes,
            )
            facts = {alert.id: alert.facts for alert in found.alerts}
            memory = alert_keys(parts.digester, asked.fhir_server, asked.patient, facts)
            seen = parts.keeper.seen(list(memory.values()), now_seconds) if memory else frozenset[str]()
            chosen = select(found.alerts, memory, seen, parts.budget)
            body = response(found, chosen, parts.assessor, asked, parts.cards, now=now, new_id=_new_id)
            return body, found, chosen, memory

        try:
            body, found, chosen, memory = await to_thread.run_sync(answered, limiter=self._one_at_a_time)
        except RecordError as error:
            raise Refused(422, "business-rule", f"the record cannot be read: {error}") from None
        decision = self._decision(service, asked, caller, data, found, chosen, memory, body, now_seconds, started)
        await to_thread.run_sync(parts.keeper.decided, decision, now_seconds + parts.memory_seconds)
        parts.observer.decided(decision)
        return JSONResponse(body)

    async def feedback(self, request: Request) -> Response:
        """`POST /cds-services/{id}/feedback`: acknowledged only after it is kept."""
        service = self._service(request)
        await self._caller(request, f"/cds-services/{service.id}/feedback")
        body = self._parsed(await self._body(request))
        try:
            count = await to_thread.run_sync(self._parts.keeper.feedback, service.id, body, self._parts.clock())
        except InputError as error:
            raise Refused(400, "invalid", str(error)) from None
        self._parts.observer.feedback(service.id, count)
        return Response(status_code=200)

    def _service(self, request: Request) -> HookService:
        service = self._services.get(request.path_params["service"])
        if service is None:
            raise Refused(404, "not-found", "there is no such service; see /cds-services")
        return service

    async def _caller(self, request: Request, audience: str) -> VerifiedClient | None:
        if self._parts.authenticate is None:
            return None
        try:
            caller: VerifiedClient = await self._parts.authenticate(request, audience)
        except Unauthenticated as refused:
            self._parts.observer.unauthenticated(refused.reason)
            raise Refused(
                401, "login", "the caller could not be authenticated", {"WWW-Authenticate": "Bearer"}
            ) from None
        return caller

    async def _body(self, request: Request) -> bytes:
        """The body, read no further than is allowed."""
        most = self._parts.most_body_bytes
        data = bytearray()
        async for part in request.stream():
            data += part
            if len(data) > most:
                raise Refused(413, "too-long", f"the body is larger than {most // (1024 * 1024)} MB")
        return bytes(data)

    def _parsed(self, data: bytes) -> Any:
        import orjson

        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise Refused(400, "structure", "the body is not JSON") from None
        if too_deep(value, self._parts.deepest_body):
            raise Refused(400, "too-costly", f"the body nests deeper than {self._parts.deepest_body} levels")
        return value

    def _read(self, data: bytes, service: HookService) -> HookRequest:
        try:
            return read_request(self._parsed(data), service.hook)
        except BadRequest as error:
            raise Refused(400, "invalid", str(error)) from None

    def _decision(
        self,
        service: HookService,
        asked: HookRequest,
        caller: VerifiedClient | None,
        data: bytes,
        found: Considered,
        chosen: Selection,
        memory: Mapping[str, str],
        body: Mapping[str, Any],
        now: float,
        started: float,
    ) -> Decision:
        parts, guideline = self._parts, self._parts.assessor.guideline

        def card(alert: Alert, name: str, why: str) -> KeptCard:
            facts = parts.digester.of("facts", alert.facts)
            key = memory[alert.id]
            return KeptCard(alert.id, alert.recommendations, alert.indicator, alert.held, key, name, why, facts)

        kept = [card(alert, name, "") for alert, name in shown_cards(chosen, body["cards"])]
        kept += [card(alert, "", why) for alert, why in chosen.suppressed]
        return Decision(
            at=now,
            service=service.id,
            hook=asked.hook,
            instance=asked.instance,
            issuer=caller.issuer if caller else "",
            tenant=caller.tenant if caller else "",
            guideline=f"{guideline.id} {guideline.version}",
            content=parts.content,
            patient_digest=parts.digester.of("patient", asked.fhir_server, asked.patient),
            input_digest=parts.digester.of_bytes(data),
            patient=f"Patient/{asked.patient}" if parts.keep_patient else "",
            level=found.level,
            cards=tuple(kept),
            status=200,
            milliseconds=1000.0 * (time.perf_counter() - started),
        )


def _new_id() -> str:
    return str(uuid.uuid4())
