"""The calls that show what a service makes of tokens: good ones, hostile ones, and none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from calcipath.conformance.client import Caller
from calcipath.conformance.findings import Answer, Finding, Service, judge
from calcipath.conformance.options import Options
from calcipath.conformance.probes import Probes, Step
from calcipath.conformance.security_checks import (
    HOSTILE,
    REFUSED,
    TokenTrial,
    good_token_findings,
    hostile_token_findings,
    is_this_machine,
)
from calcipath.conformance.tokens import TokenMaker


class TokenProbes:
    """Makes the calls. `audience` turns an address into the one that the service knows."""

    def __init__(
        self, address: str, caller: Caller, options: Options, maker: TokenMaker | None, audience: Callable[[str], str]
    ) -> None:
        self._address, self._caller, self._options = address, caller, options
        self._maker, self._audience = maker, audience

    def steps(self, probes: Probes, services: Sequence[Service]) -> Iterator[Step]:
        """Each service without a token; with a key also good and hostile tokens, on the first service."""
        for service in services:
            yield partial(self._none, probes, service)
        if self._maker:
            yield self._discovery
            yield partial(self._good, probes, services[0])
            yield partial(self._hostile, probes, services[0])

    def _send(self, probes: Probes, service: Service, token: str | None) -> Answer:
        header = None if token is None else f"Bearer {token}"
        return self._caller.post_with(probes.service_address(service), probes.base_request(service), header)

    def _none(self, probes: Probes, service: Service) -> Iterator[Finding]:
        trial = TokenTrial("no token", self._send(probes, service, None))
        local = self._maker is None and is_this_machine(self._address)
        yield from hostile_token_findings([trial], service.label, local=local)
        if self._maker and self._options.feedback:
            yield from self._open_feedback(probes, service)

    def _discovery(self) -> Iterator[Finding]:
        answer = self._caller.get(self._address, signed=False)
        if answer.status in REFUSED:
            yield from judge("14", True, "discovery, no token", answer.described)

    def _open_feedback(self, probes: Probes, service: Service) -> Iterator[Finding]:
        """Feedback without a token: where calls are guarded it should be refused too."""
        answer = self._caller.post_with(f"{probes.service_address(service)}/feedback", probes.invented_feedback(), None)
        if answer.success or answer.status in REFUSED:
            yield from judge("177", not answer.success, f"{service.label}/feedback, no token", answer.described)

    def _good(self, probes: Probes, service: Service) -> Iterator[Finding]:
        if not self._maker:
            return
        audience = self._audience(probes.service_address(service))
        trials = [
            TokenTrial(key.algorithm, self._send(probes, service, self._maker.good(audience, key)))
            for key in self._maker.keys
        ]
        yield from good_token_findings(trials, service.label, out_of_band=not self._options.jku)

    def _hostile(self, probes: Probes, service: Service) -> Iterator[Finding]:
        if not self._maker:
            return
        audience = self._audience(probes.service_address(service))
        discovery = self._audience(self._address)
        trials = []
        for name in HOSTILE:
            if name == "used before":
                token: str | None = self._maker.good(audience)
                self._send(probes, service, token)
            elif name == "no token":
                continue
            else:
                token = self._maker.hostile(name, audience, discovery)
            trials.append(TokenTrial(name, self._send(probes, service, token)))
        yield from hostile_token_findings(trials, service.label)
