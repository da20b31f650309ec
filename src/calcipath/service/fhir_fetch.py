"""What a client did not prefetch, fetched from its FHIR server, key by key (CDS Hooks 2.0, "FHIR resource access").

Only a server on the site's list is asked, with the token of the request, which is neither kept nor logged. A query that
the client answered with an OperationOutcome is not asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from calcipath.hooks.prefetch import PATIENT, Prefetched, read_searchset
from calcipath.hooks.request import HookRequest
from calcipath.service.addresses import Allowed, below, read_address
from calcipath.service.outgoing import Answer, Outgoing, OutgoingFailed

MOST_PAGES = 50
MOST_RESOURCES = 50_000
FHIR = {"Accept": "application/fhir+json"}
SAID = {
    "unreachable": "the FHIR server could not be reached",
    "too-slow": "the FHIR server did not answer in time",
    "redirect": "the FHIR server pointed elsewhere, which is not followed",
    "too-large": "the FHIR server's answer is too large",
    "not-json": "the FHIR server's answer is not JSON",
}
NOT_LISTED = "not sent, and the FHIR server named is not on this service's list"


@dataclass(frozen=True, slots=True)
class Fetched:
    """The states of all keys, and in words what hindered those that are still missing."""

    states: Mapping[str, Prefetched]
    why: Mapping[str, str]


class FhirFetcher:
    """Fetches absent and half-sent keys. `seconds` is for all keys of one request together."""

    def __init__(self, allowed: Allowed, outgoing: Outgoing, *, seconds: float, open_to_loopback: bool = False) -> None:
        self._allowed, self._outgoing, self._seconds = allowed, outgoing, seconds
        self._open_to_loopback = open_to_loopback

    def server(self, given: str) -> str | None:
        """The listed spelling of a request's server; None for one that is not to be asked."""
        listed = self._allowed.fhir_server(given)
        if listed is None and self._open_to_loopback:
            try:
                address = read_address(given)
            except Exception:  # noqa: BLE001  whatever is wrong with it, it is no server of this machine
                return None
            return str(address) if address.loopback else None
        return listed

    async def complete(
        self, request: HookRequest, templates: Mapping[str, str], states: Mapping[str, Prefetched]
    ) -> Fetched:
        """The states with what could be fetched."""
        wanted = [key for key, held in states.items() if held.state in ("absent", "partial")]
        if not wanted or not request.fhir_server:
            return Fetched(states, {})
        base = self.server(request.fhir_server)
        if base is None:
            return Fetched(states, {key: NOT_LISTED for key in wanted if states[key].state == "absent"})
        headers = FHIR | ({"Authorization": f"Bearer {request.token}"} if request.token else {})
        reader = _Reader(self._outgoing, base, headers)
        tasks = {key: asyncio.ensure_future(reader.key(templates[key], request, states[key])) for key in wanted}
        await asyncio.wait(tasks.values(), timeout=self._seconds)
        found, why = dict(states), dict[str, str]()
        for key, task in tasks.items():
            if not task.done():
                task.cancel()
                why[key] = SAID["too-slow"]
                continue
            found[key], hindered = task.result()
            if hindered:
                why[key] = hindered
        return Fetched(found, why)


class _Reader:
    def __init__(self, outgoing: Outgoing, base: str, headers: Mapping[str, str]) -> None:
        self._outgoing, self._base, self._headers = outgoing, base, headers

    async def key(self, template: str, request: HookRequest, held: Prefetched) -> tuple[Prefetched, str]:
        """A key's new state, and what hindered it; what was sent already stays."""
        if held.state == "partial":
            return await self._pages(held)
        address = f"{self._base}/{template.replace('{{context.patientId}}', request.patient)}"
        try:
            answer = await self._outgoing.get(address, self._headers)
        except OutgoingFailed as failed:
            return held, SAID[failed.reason]
        if answer.status == 404 and template.startswith("Patient/"):
            return Prefetched("null"), ""
        if answer.status >= 400:
            return Prefetched("failed"), f"the FHIR server answered {answer.status}"
        return await self._pages(_state(answer))

    async def _pages(self, held: Prefetched) -> tuple[Prefetched, str]:
        seen: set[str] = set()
        while held.state == "partial":
            address = below(self._base, held.next_page)
            if address is None:
                return held, "its next page lies elsewhere, which is not followed"
            if address in seen or len(seen) >= MOST_PAGES or len(held.resources) > MOST_RESOURCES:
                return held, "its pages do not end"
            seen.add(address)
            try:
                answer = await self._outgoing.get(address, self._headers)
            except OutgoingFailed as failed:
                return held, SAID[failed.reason]
            if answer.status >= 400:
                return held, f"the FHIR server answered {answer.status} to its next page"
            page = _state(answer)
            if page.state not in ("whole", "partial"):
                return replace(held, next_page=""), "its next page is no page"
            held = Prefetched(page.state, (*held.resources, *page.resources), page.next_page)
        return held, ""


def _state(answer: Answer) -> Prefetched:
    content = answer.content
    kind = content.get("resourceType")
    if kind == "Bundle":
        return read_searchset(content)
    if kind == "OperationOutcome":
        return Prefetched("failed")
    return Prefetched("whole", (content,)) if isinstance(kind, str) else Prefetched("unreadable")


def has_patient(states: Mapping[str, Prefetched], patient: str) -> bool:
    """Whether the patient in context was had."""
    return any(
        each.get("resourceType") == "Patient" and each.get("id") == patient for each in states[PATIENT].resources
    )
