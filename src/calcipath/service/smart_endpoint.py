"""The SMART app's addresses: launch, callback, and the page of the patient in context (SMART App Launch 2).

The page is the same assessment that the command line writes; it is fetched anew at each opening and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from calcipath.hooks.prefetch import KEYS, Gathered, gathered, read_prefetch, templates
from calcipath.hooks.request import HookRequest
from calcipath.output.html import render_html
from calcipath.output.markup import raw, tag
from calcipath.record.dates import parse_when
from calcipath.record.fhir.raw import RawResource
from calcipath.record.reader import RecordError, read_resources
from calcipath.service.fhir_fetch import FhirFetcher, has_patient
from calcipath.service.hook_endpoint import Parts
from calcipath.service.smart_launch import Callback, LaunchRequest, SmartLauncher
from calcipath.service.smart_registration import LaunchRefused
from calcipath.service.smart_sessions import Cookie, SmartSession
from calcipath.timeline_of_record import timeline_of

STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}"
ENDED = "This session has ended. Open calcipath from the patient's record again."


@dataclass(frozen=True, slots=True)
class SmartEndpoints:
    """The routes of a launcher."""

    launcher: SmartLauncher
    parts: Parts
    fetcher: FhirFetcher
    base_path: str
    key_set: Mapping[str, object]

    def routes(self) -> Sequence[BaseRoute]:
        """Launch, callback, page."""
        return [
            Route("/smart/launch", self.launch, methods=["GET"]),
            Route("/smart/callback", self.callback, methods=["GET"]),
            Route("/smart/patient/{handle}", self.page, methods=["GET"]),
            Route("/smart/jwks.json", self.keys, methods=["GET"]),
        ]

    async def keys(self, _: Request) -> Response:
        """The app's public keys, by which an EHR verifies it."""
        return JSONResponse(self.key_set)

    async def launch(self, request: Request) -> Response:
        """Send the browser to the EHR's login."""
        issuer, launch = request.query_params.get("iss", ""), request.query_params.get("launch")
        try:
            redirect = await self.launcher.begin(LaunchRequest(issuer, launch))
        except LaunchRefused as refused:
            return self._refused(refused)
        return _with_cookies(RedirectResponse(redirect.location, 303), redirect.cookies)

    async def callback(self, request: Request) -> Response:
        """Take the code, open a session, go on to the page; the code does not stay in the address."""
        asked = request.query_params
        arrived = Callback(
            asked.get("state", ""), asked.get("code", ""), asked.get("error", ""), asked.get("iss"), request.cookies
        )
        try:
            arrival = await self.launcher.finish(arrived)
        except LaunchRefused as refused:
            return self._refused(refused)
        there = f"{self.base_path}/smart/patient/{quote(arrival.session.handle, safe='')}"
        return _with_cookies(RedirectResponse(there, 303), arrival.cookies)

    async def page(self, request: Request) -> Response:
        """The assessment of the session's patient."""
        session = self.launcher.sessions.find(request.cookies, request.path_params["handle"])
        if session is None:
            return _plain(401, ENDED)
        known = await self._fetched(session)
        if known is None:
            return _plain(502, "The patient's record could not be read from the record system.")
        try:
            page = await to_thread.run_sync(self._page, known)
        except RecordError:
            return _plain(502, "What the record system sent is not one patient's record.")
        return HTMLResponse(page)

    async def _fetched(self, session: SmartSession) -> Gathered | None:
        view = next(each for each in self.parts.assessor.guideline.hooks.services if each.hook == "patient-view")
        keys = templates(self.parts.assessor.guideline, view)
        asked = HookRequest(
            "patient-view", "", session.patient, {}, None, (), (), session.fhir_server, session.access_token
        )
        fetched = await self.fetcher.complete(asked, keys, read_prefetch(None, keys))
        if not has_patient(fetched.states, session.patient):
            return None
        states, why = dict(fetched.states), dict(fetched.why)
        for kind, key in KEYS.items():
            access = session.access_to(kind)
            if access != "whole" and states[key].state in ("null", "whole"):
                states[key] = replace(states[key], state="partial")
                why[key] = "the granted scopes cover only a part of it" if access == "part" else "no scope covers it"
        return gathered(states, why)

    def _page(self, known: Gathered) -> str:
        parts = self.parts
        now = datetime.fromtimestamp(parts.clock(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        report = read_resources(
            [RawResource(each, "", f"{each.get('resourceType')}/{each.get('id')}") for each in known.resources],
            as_of=now,
            complete=known.complete,
            code_systems=parts.code_systems,
        )
        moment = parse_when(now)
        at = moment.latest if moment else 0.0
        found = parts.assessor.assess(report.record, as_of=at, as_of_text=now, read_notes=parts.notes)
        answer = {**found.answer, "data_problems": [*found.answer["data_problems"], *_gaps(known.missing)]}
        return render_html(answer, timeline_of(replace(found, answer=answer), parts.assessor.guideline))

    def _refused(self, refused: LaunchRefused) -> Response:
        self.parts.observer.unauthenticated(f"smart-{refused.reason}")
        return _plain(refused.status, str(refused))


def _gaps(missing: Mapping[str, str]) -> list[dict[str, str]]:
    """What could not be fetched, among the data problems: the page must not read it as absent."""
    return [
        {
            "reference": key,
            "problem": "unreadable",
            "handling": f"not available from the record system, and so unknown: {why}",
        }
        for key, why in missing.items()
    ]


def _with_cookies(response: Response, cookies: Sequence[Cookie]) -> Response:
    for cookie in cookies:
        response.headers.append("set-cookie", cookie.header())
    return response


def _plain(status: int, sentence: str) -> Response:
    head = tag("head", tag("meta", charset="utf-8"), tag("title", "calcipath"), tag("style", raw(STYLE)))
    page = tag("html", head, tag("body", tag("main", tag("h1", "calcipath"), tag("p", sentence))), lang="en")
    return HTMLResponse(f"<!doctype html>\n{page}", status)
