"""`check_service`: the whole check of one service address. The only module that puts calls and checks together."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from calcipath.conformance.client import Caller
from calcipath.conformance.discovery_checks import discovery_findings, usable_services
from calcipath.conformance.fhir_host import FhirHost, fhir_findings
from calcipath.conformance.findings import Answer, Exchange, Finding, Service
from calcipath.conformance.options import Options
from calcipath.conformance.own_requests import read_requests
from calcipath.conformance.probes import Probes
from calcipath.conformance.report import Report
from calcipath.conformance.requests import example
from calcipath.conformance.response_checks import (
    exchange_findings,
    reuse_findings,
    same_id_findings,
    timing_findings,
    timings,
)
from calcipath.conformance.security_checks import is_this_machine, transport_findings
from calcipath.conformance.template_checks import shall_not_findings, template_findings
from calcipath.conformance.token_probes import TokenProbes
from calcipath.conformance.tokens import TokenMaker, read_key
from calcipath.conformance.verdicts import results
from calcipath.errors import InputError, ServerError

PATH = "/cds-services"
Progress = Callable[[int], Callable[[int], None] | None]
_OF_CALLS = (
    "service-address", "speed", "prefetch-use", "missing-data", "operation-outcome", "response", "robustness",
    "card-uuid", "card-summary", "card-detail", "card-indicator", "card-source", "card-suggestions", "override-reasons",
    "card-links", "source", "drill-down", "source-icon", "source-topic", "suggestion", "actions-together", "action",
    "link", "coding", "card-uuid-reuse", "feedback",
)  # fmt: skip
_OF_DISCOVERY = (
    "no-empty", "discovery-shape", "discovery-status", "service-fields", "prefetch-templates", "prefetch-tokens",
    "prefetch-queries", "hook-tokens", "same-id", "extension", "unknown-members", "ballot-fields", "bad-request",
    "unknown-service", "error-body", "cors", "fhir-access", "authentication", "refusal",
)  # fmt: skip


def check_service(url: str, options: Options | None = None, progress: Progress | None = None) -> Report:
    """Check the service at a base address (with or without `/cds-services`).

    `progress` is told the number of steps and gives what to call after each. Raises `InputError` for options that cannot
    be used, and `ServerError` when the service cannot be reached at all.
    """
    options = options or Options()
    base = base_address(url)
    started = datetime.now(UTC)
    with ExitStack() as stack:
        maker = _maker(options)
        sign = (lambda address: f"Bearer {maker.good(_audience(address, base, options))}") if maker else None
        caller = Caller(base, timeout=options.timeout, ca_file=options.ca_file, authorise=sign)
        stack.callback(caller.close)
        return _Check(base, options, caller, maker, stack, progress, started).run()


def base_address(url: str) -> str:
    """The base of a given address, without `/cds-services`. Raises `InputError` for what is no http or https address."""
    base = url.strip().rstrip("/")
    base = base.removesuffix(PATH).rstrip("/")
    try:
        parts = urlsplit(base)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
        right = right and (parts.port is None or parts.port > 0) and parts.username is None
    except ValueError:
        right = False
    if not right:
        raise InputError(f"the address of a service begins with https:// or http://, not {url!r}")
    return base


def _audience(address: str, base: str, options: Options) -> str:
    return options.audience.rstrip("/").removesuffix(PATH) + address.removeprefix(base) if options.audience else address


def _maker(options: Options) -> TokenMaker | None:
    if not options.keys:
        return None
    if not options.issuer:
        raise InputError("--sign-with needs --issuer, the iss that the service knows this client by")
    keys = [read_key(file, kid) for file, kid in options.keys]
    return TokenMaker(keys, options.issuer, time.time, _new_id, options.jku, options.tenant)


def _new_id() -> str:
    return str(uuid.uuid4())


class _Check:
    """One run: what it needs, what it found."""

    def __init__(
        self, base: str, options: Options, caller: Caller, maker: TokenMaker | None, stack: ExitStack,
        progress: Progress | None, started: datetime,
    ) -> None:  # fmt: skip
        self._base, self._options, self._caller, self._maker = base, options, caller, maker
        self._stack, self._progress, self._started = stack, progress, started
        self._findings: list[Finding] = []
        self._reasons: dict[str, str] = {}
        self._notes: list[str] = []

    def run(self) -> Report:
        """Discovery first, then everything that it makes possible."""
        discovery = self._caller.get(self._base + PATH)
        if discovery.status == 0:
            raise ServerError(f"the service could not be reached: {discovery.failure}")
        self._found(transport_findings(self._base))
        self._found(discovery_findings(discovery))
        services = self._chosen(usable_services(discovery.value) if discovery.success else ())
        if not discovery.success:
            self._blocked(discovery)
        elif not services:
            self._not_made(_OF_CALLS, "discovery lists no service that can be called")
        exchanges = self._services(services) if services else []
        return Report(
            url=self._base,
            started=self._started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            services=tuple(service.label for service in services),
            results=results(self._findings, self._reasons),
            timings=timings(exchanges),
            calls=self._caller.calls,
            notes=tuple(self._notes),
        )

    def _found(self, findings: Iterable[Finding]) -> None:
        self._findings.extend(findings)

    def _not_made(self, checks: Iterable[str], why: str) -> None:
        for check in checks:
            self._reasons.setdefault(check, why)

    def _blocked(self, discovery: Answer) -> None:
        why = f"discovery gave no list of services ({discovery.described})"
        if discovery.status in (401, 403):
            why = f"discovery wants a token it accepts ({discovery.described}): see --sign-with"
        self._not_made((*_OF_CALLS, *_OF_DISCOVERY), why)

    def _chosen(self, services: Sequence[Service]) -> tuple[Service, ...]:
        wanted = self._options.services
        unknown = sorted(set(wanted) - {service.id for service in services})
        if unknown and services:
            raise InputError(f"discovery lists no service {unknown[0]!r}")
        return tuple(service for service in services if not wanted or service.id in wanted)

    def _services(self, services: Sequence[Service]) -> list[Exchange]:
        for service in services:
            self._found(template_findings(service))
        self._found(shall_not_findings(services))
        samples = {service.label: example(self._started.date(), _new_id()[:8]) for service in services}
        own = read_requests(self._options.requests, services) if self._options.requests else {}
        host = self._host([resource for sample in samples.values() for resource in sample.resources])
        probes = Probes(self._base + PATH, self._caller, self._options, samples, own, host, _new_id)
        tokens = TokenProbes(
            self._base + PATH, self._caller, self._options, self._maker, _audience_of(self._base, self._options)
        )
        steps = [*probes.call_steps(services), *probes.other_steps(services), *tokens.steps(probes, services)]
        advance = self._progress(len(steps)) if self._progress else None
        for step in steps:
            self._found(step())
            if advance:
                advance(1)
        self._after(probes, host)
        return probes.exchanges

    def _host(self, resources: Sequence[Mapping[str, Any]]) -> FhirHost | None:
        if not self._options.fhir_listen:
            self._reasons["fhir-access"] = "needs a FHIR server that the service trusts: see --fhir-listen"
            return None
        host = FhirHost(self._options.fhir_listen, self._options.fhir_url, resources)
        self._stack.callback(host.close)
        return host

    def _after(self, probes: Probes, host: FhirHost | None) -> None:
        exchanges = probes.exchanges
        self._found(_of_exchanges(exchanges))
        self._found(timing_findings(timings(exchanges)))
        if host:
            self._found(fhir_findings(tuple(host.calls), "the kit's FHIR server"))
        self._of_tokens()
        if not self._options.feedback:
            self._reasons["feedback"] = "left out by --no-feedback"
        self._notes.extend(probes.notes())
        why = probes.why_unanswered()
        if why:
            self._not_made(_OF_CALLS, why)
        if self._caller.throttled:
            self._notes.append(f"The service asked {self._caller.throttled} times to wait (429).")

    def _of_tokens(self) -> None:
        if self._maker is None:
            self._reasons["authentication"] = "needs a key that the service trusts: see --sign-with"
            if is_this_machine(self._base):
                self._reasons["177"] = "the service runs on this machine and no key was given: see --sign-with"
        elif untried := {"ES384", "RS384"} - {key.algorithm for key in self._maker.keys}:
            self._notes.append(f"{' and '.join(sorted(untried))} was not tried: no such key was given.")


def _of_exchanges(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    for exchange in exchanges:
        yield from exchange_findings(exchange)
    yield from reuse_findings(exchanges)
    yield from same_id_findings(exchanges)


def _audience_of(base: str, options: Options) -> Callable[[str], str]:
    return lambda address: _audience(address, base, options)
