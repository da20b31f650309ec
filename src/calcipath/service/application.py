"""The web application: routes, limits, cross-origin rules, errors. Every refusal is an OperationOutcome."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calcipath.service.about import about, about_page, topics
from calcipath.service.hook_endpoint import HookEndpoints, Parts, Refused, outcome
from calcipath.service.limits import RateLimit
from calcipath.service.openapi import description
from calcipath.store.failures import StoreError

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
_CODES = {404: "not-found", 405: "not-supported", 413: "too-long", 429: "throttled"}


@dataclass(frozen=True, slots=True)
class Web:
    """How the application meets the web: origins that may ask from a browser, requests a minute, metrics or not."""

    origins: Sequence[str]
    any_origin: bool
    requests_per_minute: int
    metrics: bool


def application(parts: Parts, web: Web, more_routes: Sequence[BaseRoute] = ()) -> Starlette:
    """The application of the given parts."""
    endpoints = HookEndpoints(parts)
    guideline = parts.assessor.guideline
    page, structure, codes = about_page(guideline), about(guideline), topics(guideline)
    opened = description(guideline, parts.cards.base)

    async def about_html(_: Request) -> Response:
        return HTMLResponse(page)

    async def about_json(_: Request) -> Response:
        return JSONResponse(structure)

    async def topic_list(_: Request) -> Response:
        return JSONResponse(codes)

    async def openapi(_: Request) -> Response:
        return JSONResponse(opened)

    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "ok", "guideline": f"{guideline.id} {guideline.version}"})

    async def metrics(_: Request) -> Response:
        return Response(parts.observer.exposition(), media_type="text/plain; version=0.0.4")

    routes: list[BaseRoute] = [
        Route("/cds-services", endpoints.discovery, methods=["GET"]),
        Route("/cds-services/{service}", endpoints.call, methods=["POST"]),
        Route("/cds-services/{service}/feedback", endpoints.feedback, methods=["POST"]),
        Route("/about", about_html),
        Route("/about.json", about_json),
        Route("/topics", topic_list),
        Route("/openapi.json", openapi),
        Route("/health", alive),
        *([Route("/metrics", metrics)] if web.metrics else []),
        *more_routes,
    ]
    cross_origin = partial(
        CORSMiddleware,
        allow_origins=["*"] if web.any_origin else list(web.origins),
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type"],
        allow_credentials=False,
        max_age=600,
    )
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(_Headers),
            Middleware(_ForOtherSites, inner=cross_origin),
            Middleware(_Counting, parts=parts),
            Middleware(_Limited, limit=RateLimit(web.requests_per_minute), parts=parts),
        ],
        exception_handlers={Refused: _refused, HTTPException: _refused_by_framework, StoreError: _not_kept},
    )
    app.router.redirect_slashes = False  # it would send the caller to whatever host the request names
    return app


_OPEN_TO_SITES = ("/cds-services", "/about", "/topics", "/openapi.json", "/health")


class _ForOtherSites:
    """Cross-origin rules for the addresses that other sites may ask. The clinician's page is none of them."""

    def __init__(self, app: ASGIApp, inner: Callable[[ASGIApp], ASGIApp]) -> None:
        self._app, self._open = app, inner(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on by the address."""
        there = scope["type"] == "http" and str(scope["path"]).startswith(_OPEN_TO_SITES)
        await (self._open if there else self._app)(scope, receive, send)


async def _refused(_: Request, error: Exception) -> Response:
    return outcome(error) if isinstance(error, Refused) else Response(status_code=500)


async def _not_kept(_: Request, __: Exception) -> Response:
    return outcome(Refused(503, "no-store", "the store cannot be used now; nothing was kept", {"Retry-After": "5"}))


async def _refused_by_framework(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = {404: "there is nothing at this address", 405: "this address does not take that method"}
    return outcome(Refused(status, _CODES.get(status, "processing"), words.get(status, "the request was refused")))


class _Headers:
    """Headers of every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add them where the answer has none of its own."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                held = {name.lower() for name, _ in message["headers"]}
                message["headers"] += [
                    (name.lower().encode(), value.encode())
                    for name, value in HEADERS.items()
                    if name.lower().encode() not in held
                ]
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)


class _Counting:
    """Counts answers, and turns an error of the service into a plain 500."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app, self._observer = app, parts.observer
        self._names = {service.id for service in parts.assessor.guideline.hooks.services}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._observer.answered(self._route(scope), message["status"])
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:  # noqa: BLE001  the last resort: no message of it leaves the service
            self._observer.failed(error, self._route(scope))
            if not started:
                refused = Refused(500, "exception", "an error of the service itself; nothing was changed")
                await outcome(refused)(scope, receive, sending)

    def _route(self, scope: Scope) -> str:
        """Which service was called; anything else by one word, so that no address is counted or logged."""
        parts = str(scope.get("path", "")).split("/")
        return parts[2] if len(parts) > 2 and parts[1] == "cds-services" and parts[2] in self._names else "other"


class _Limited:
    """Requests a minute by address of the caller. Health and metrics are not counted."""

    def __init__(self, app: ASGIApp, limit: RateLimit, parts: Parts) -> None:
        self._app, self._limit, self._clock = app, limit, parts.clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 429 with the time to wait."""
        if scope["type"] == "http" and scope["path"] not in ("/health", "/metrics"):
            client = scope.get("client")
            wait = self._limit.wait(client[0] if client else "", self._clock())
            if wait > 0:
                refused = Refused(429, "throttled", "too many requests", {"Retry-After": str(max(1, round(wait)))})
                await outcome(refused)(scope, receive, send)
                return
        await self._app(scope, receive, send)


Handler = Callable[[Request], Awaitable[Response]]
