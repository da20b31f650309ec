"""Puts the service together and runs it. Each worker process builds the same application from the same settings."""

from __future__ import annotations

import gc
import json
import os
import secrets
import shutil
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from calcipath.errors import InputError
from calcipath.guideline.shipped import shipped_content
from calcipath.hooks.cards import CardSettings
from calcipath.service.addresses import Allowed
from calcipath.service.application import Web, application
from calcipath.service.authentication import ClientVerifier, TrustedClient, only_header
from calcipath.service.fhir_fetch import FhirFetcher
from calcipath.service.hook_endpoint import Parts
from calcipath.service.keeping import Digester, content_digest
from calcipath.service.key_sets import KeySets
from calcipath.service.observability import Observer, uvicorn_logging
from calcipath.service.outgoing import Outgoing
from calcipath.service.replay import MemoryReplayGuard, ReplayGuard, SharedReplayGuard
from calcipath.service.settings import MEGABYTE, Settings, read_settings
from calcipath.service.smart_endpoint import SmartEndpoints
from calcipath.service.smart_launch import SmartLauncher
from calcipath.service.smart_registration import SigningKey, SmartRegistration, public_key_set
from calcipath.service.smart_sessions import SmartSessions
from calcipath.service.store_keeper import StoreKeeper
from calcipath.site_assessor import assessor_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from calcipath.service.authentication import VerifiedClient

RUN = "CALCIPATH_SERVICE_RUN"  # how a worker learns the command line; no secret is in it
KEY = "CALCIPATH_SERVICE_DIGEST_KEY"
REPLAY = "CALCIPATH_SERVICE_REPLAY"
METRICS = "PROMETHEUS_MULTIPROC_DIR"
GRACE_SECONDS = 10


def run(chosen: dict[str, Any]) -> None:
    """Run until told to stop. Raises `InputError` before anything listens where the settings are wrong."""
    import uvicorn

    settings = read_settings(**chosen)
    settings = with_digest_key(settings)
    keeper = StoreKeeper.open(settings)  # migrate once, and fail here in one sentence rather than in a worker
    keeper.sweep(time.time())
    keeper.close()
    os.environ[RUN], os.environ[KEY] = json.dumps(chosen), settings.digest_key.hex()
    folder = Path(tempfile.mkdtemp(prefix="calcipath-service-"))
    os.environ[REPLAY] = str(folder / "replay.sqlite")
    if settings.workers > 1:
        os.environ[METRICS] = str(folder)
    try:
        uvicorn.run(
            "calcipath.service.serve:worker",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            access_log=False,
            log_config=dict(uvicorn_logging()),
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            h11_max_incomplete_event_size=64 * 1024,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def worker() -> Starlette:
    """The application of one worker, from the environment that `run` has set."""
    settings = read_settings(**json.loads(os.environ[RUN]))
    from dataclasses import replace

    settings = replace(settings, digest_key=bytes.fromhex(os.environ[KEY]))
    replay: ReplayGuard = SharedReplayGuard(Path(os.environ[REPLAY])) if settings.workers > 1 else MemoryReplayGuard()
    app = build(settings, replay)
    # The guideline lives as long as the process and a request makes a million objects: collecting the young ones at
    # every 700 would stop each second call for as long as it takes to answer it.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    return app


def build(settings: Settings, replay: ReplayGuard) -> Starlette:
    """The application of the settings."""
    assessor, site = assessor_for(settings.site)
    content = shipped_content()
    keeper = StoreKeeper.open(settings)
    allowed = Allowed(settings.fhir_servers)
    outgoing = Outgoing(seconds=settings.fetch_seconds, most_bytes=settings.most_body_bytes)
    parts = Parts(
        assessor=assessor,
        code_systems=site.code_systems,
        cards=CardSettings(settings.public_url, f"{settings.public_url}/smart/launch" if settings.smart else ""),
        fetcher=FhirFetcher(allowed, outgoing, seconds=settings.fetch_seconds, open_to_loopback=settings.open),
        keeper=keeper,
        digester=Digester(settings.digest_key),
        observer=Observer(),
        authenticate=None if settings.open else authenticator(settings, replay),
        budget=settings.alerts.budget,
        memory_seconds=settings.alerts.memory_days * 86400.0,
        notes=settings.notes,
        most_body_bytes=settings.most_body_bytes,
        deepest_body=settings.deepest_body,
        keep_patient=settings.keep_patient,
        content=content_digest(content.files, content.value_set_rows),
    )
    web = Web(
        settings.cors_origins,
        settings.open and not settings.cors_origins,
        settings.requests_per_minute,
        settings.metrics,
    )
    more = [*smart_endpoints(settings, parts, outgoing).routes()] if settings.smart else []
    if settings.page:
        more += page_routes(settings, parts, keeper)
    app = application(parts, web, more)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with outgoing:
            try:
                yield
            finally:
                keeper.close()

    app.router.lifespan_context = lifespan
    return app


def page_routes(settings: Settings, parts: Parts, keeper: StoreKeeper) -> list[BaseRoute]:
    """The clinician's page on the service's own database."""
    from calcipath.page.case_reading import CaseReading
    from calcipath.page.door import Door, DoorSettings
    from calcipath.page.endpoints import Endpoints
    from calcipath.register.register import Register

    register = Register(keeper.store, photographs_folder(settings), settings.digest_key, parts.clock)
    reading = CaseReading(parts.assessor, parts.code_systems, parts.clock, config=settings.site)
    door = Door(
        Endpoints(register, reading),
        DoorSettings(settings.public_url, settings.page_accounts, settings.most_body_bytes),
    )
    return door.routes()


def photographs_folder(settings: Settings) -> Path:
    """Where photographs are kept: as the settings say, else beside the SQLite database. Raises `InputError`."""
    if settings.photographs:
        return Path(settings.photographs)
    if settings.store.startswith("sqlite:///"):
        return Path(settings.store.removeprefix("sqlite:///") + ".photographs")
    raise InputError("with PostgreSQL the page needs 'page: {photographs: FOLDER}' in the settings")


def authenticator(settings: Settings, replay: ReplayGuard) -> Callable[[Request, str], Any]:
    """Verifies the token of a request for an endpoint; the audience is built on the public address, never on the request."""
    clients = [TrustedClient(each.issuer, each.jwks_url, each.keys, each.tenants) for each in settings.clients]
    key_sets = KeySets([each.jwks_url for each in settings.clients if each.jwks_url], Outgoing(), clock=time.monotonic)
    verifier = ClientVerifier(clients, settings.public_url, replay, key_sets, time.time)

    async def verify(request: Request, audience: str) -> VerifiedClient:
        return await verifier.verify(only_header(request.headers.getlist("authorization")), audience)

    return verify


def smart_endpoints(settings: Settings, parts: Parts, outgoing: Outgoing) -> SmartEndpoints:
    """The SMART app for the issuers of the settings, which reads from them and from no other server."""
    smart = settings.smart
    if smart is None:
        raise InputError("the settings name no SMART app")
    key = SigningKey(smart.private_key, smart.key_id, smart.algorithm) if smart.private_key else None
    registrations = [
        SmartRegistration(issuer, smart.client_id, smart.client_secret, key, smart.scopes, smart.authorization_servers)
        for issuer in settings.smart_issuers
    ]
    sessions = SmartSessions(secure=settings.public_url.startswith("https://"))
    allowed = Allowed(settings.smart_issuers, settings.smart_issuers)
    return SmartEndpoints(
        SmartLauncher(registrations, allowed, f"{settings.public_url}/smart/callback", sessions, Outgoing()),
        parts,
        FhirFetcher(allowed, outgoing, seconds=settings.fetch_seconds),
        urlsplit(settings.public_url).path.rstrip("/"),
        public_key_set(registrations),
    )


def with_digest_key(settings: Settings) -> Settings:
    """Where no key is given (only for trying it), one is kept in a file beside the SQLite database."""
    from dataclasses import replace

    if settings.digest_key:
        return settings
    if not settings.store.startswith("sqlite:///"):
        return replace(settings, digest_key=secrets.token_bytes(32))
    file = Path(settings.store.removeprefix("sqlite:///") + ".key")
    try:
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(secrets.token_bytes(32))
        return replace(settings, digest_key=file.read_bytes())
    except OSError as error:
        raise InputError(f"the key file {file} cannot be used: {(error.strerror or 'error').lower()}") from None


__all__ = ["MEGABYTE", "build", "run", "worker"]
