"""A small CDS Hooks service under uvicorn on loopback: sound, until a test tells it to be faulty in one way."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import example_cards
import httpx
import jwt
import uvicorn
from example_keys import ISSUER, JKU, Keys
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ORIGIN = "https://ehr.example.org"
Change = Callable[[dict[str, Any]], object]


class Refused(Exception):  # noqa: N818  it is an answer
    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class ExampleServer:
    """`faults`: names of what it does wrong. `change_discovery`, `change_answer`: alter what it says (of `only`)."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.reset()
        routes = [
            Route("/cds-services", self._discovery),
            Route("/elsewhere", self._discovery),
            Route("/cds-services/{id}", self._guarded(self._call), methods=["POST"]),
            Route("/cds-services/{id}", self._preflight, methods=["OPTIONS"]),
            Route("/cds-services/{id}/feedback", self._guarded(self._feedback), methods=["POST"]),
            Route("/icon.png", self._icon),
        ]
        app = Starlette(routes=routes, exception_handlers={404: self._not_found})
        config = uvicorn.Config(app, port=0, log_config=None, ws="none", lifespan="off", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    def reset(self) -> None:
        self.faults: frozenset[str] = frozenset()
        self.change_discovery: Change = lambda _: None
        self.change_answer: Change = lambda _: None
        self.services: tuple[str, ...] = ()
        self.tokens_wanted = False
        self.body_of: Callable[[dict[str, Any]], bytes] = lambda value: json.dumps(value).encode()
        self.icon = example_cards.png()
        self._used: set[str] = set()

    # Endpoints

    async def _discovery(self, request: Request) -> Response:
        moved = "discovery elsewhere" in self.faults
        if moved == (request.url.path == "/cds-services"):
            return self._outcome(404, "not-found", "no such page", request)
        try:
            self._authenticate(request)
        except Refused as refused:
            return self._outcome(refused.status, "login", refused.words, request)
        found = example_cards.discovery()
        if self.services:
            found["services"] = [entry for entry in found["services"] if entry["id"] in self.services]
        self.change_discovery(found)
        return self._json(found, 201 if "discovery 201" in self.faults else 200, request)

    def _guarded(self, endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def guarded(request: Request) -> Response:
            try:
                response: Response = await endpoint(request)
            except Refused as refused:
                return self._outcome(refused.status, "invalid", refused.words, request)
            return response

        return guarded

    async def _call(self, request: Request) -> Response:
        name = request.path_params["id"]
        known = {entry["id"] for entry in example_cards.discovery()["services"]}
        if name not in known and "any id" not in self.faults:
            raise Refused(400 if "unknown id 400" in self.faults else 404, "no such service")
        if name == "orders" and "lost service" in self.faults:
            raise Refused(404, "no such service")
        self._authenticate(request)
        body = self._read(await request.body())
        self._check_fields(body)
        self._stumble(body)
        if name == "quiet" and "slow" in self.faults:
            await asyncio.sleep(0.55)
        if name != "quiet":
            await self._patient(body)
        if "one hook only refused" in self.faults and body["hook"] == "encounter-discharge":
            raise Refused(400, "another hook")
        answer = example_cards.answer(name, self.base, body)
        self.change_answer(answer)
        if "204" in self.faults:
            return Response(status_code=204)
        return self._json(answer, 200, request)

    def _read(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except ValueError:
            if "broken JSON 200" in self.faults:
                return {"hook": "patient-view", "hookInstance": "x", "context": {}}
            raise Refused(500 if "broken JSON 500" in self.faults else 400, "the body is not JSON") from None

    def _check_fields(self, body: Any) -> None:
        if "fields unchecked" in self.faults:
            for name, usual in (("hook", ""), ("hookInstance", ""), ("context", {})):
                body.setdefault(name, usual)
            body["context"].setdefault("patientId", "p")
            return
        if "broken JSON 200" in self.faults and body.get("hookInstance") == "x":
            body["context"]["patientId"] = "p"
            body["prefetch"] = {"patient": {"resourceType": "Patient", "id": "p"}}
            return
        context = body.get("context")
        if not body.get("hook") or not body.get("hookInstance") or not isinstance(context, dict):
            raise Refused(400, "a required field is missing")
        wanted = {
            "order-sign": ("userId", "draftOrders"), "order-select": ("userId", "draftOrders"),
            "appointment-book": ("userId", "appointments"), "order-dispatch": ("dispatchedOrders", "performer"),
            "encounter-start": ("userId", "encounterId"), "encounter-discharge": ("userId", "encounterId"),
        }.get(body["hook"], ("userId",))  # fmt: skip
        if any(name not in context for name in ("patientId", *wanted)):
            raise Refused(422, "a required field of the context is missing")

    def _stumble(self, body: dict[str, Any]) -> None:
        """Server errors, or refusals, of requests that the specification allows."""
        prefetch = body.get("prefetch")
        values = list(prefetch.values()) if isinstance(prefetch, dict) else []
        failing = [value for value in values if isinstance(value, dict) and value["resourceType"] == "OperationOutcome"]
        stumbles = {
            "500 without prefetch": "prefetch" not in body and "fhirServer" not in body,
            "500 on null prefetch": bool(values) and all(value is None for value in values),
            "500 on OperationOutcome": bool(failing),
            "500 on empty searchsets": isinstance(prefetch, dict)
            and any(value == _EMPTY for name, value in prefetch.items() if name != "kitUnknownKey"),
            "500 on unknown keys": isinstance(prefetch, dict) and "kitUnknownKey" in prefetch,
            "400 on unknown context": "kitUnknownField" in body["context"],
            "400 on extensions": "extension" in body,
            "422 always": True,
        }
        for name, now in stumbles.items():
            if now and name in self.faults:
                raise Refused(int(name[:3]), "something went wrong")

    async def _patient(self, body: dict[str, Any]) -> None:
        """The patient of the call, from the prefetch or the FHIR server."""
        given = (body.get("prefetch") or {}).get("patient")
        if isinstance(given, dict) and given.get("resourceType") == "Patient":
            return
        server, access = body.get("fhirServer"), body.get("fhirAuthorization")
        if server and access and "never fetches" not in self.faults and "fields unchecked" not in self.faults:
            bearer = {"Authorization": f"Bearer {access['access_token']}"}
            async with httpx.AsyncClient(trust_env=False) as client:
                if "fetches without token" in self.faults:
                    await client.get(f"{server}/Condition?patient={body['context']['patientId']}")
                found = await client.get(f"{server}/Patient/{body['context']['patientId']}", headers=bearer)
            if found.status_code == 200:
                return
        if "fields unchecked" in self.faults or "any id" in self.faults:
            return
        words = "data are missing" if "412 names nothing" in self.faults else "the prefetch key patient is missing"
        raise Refused(412, words)

    async def _feedback(self, request: Request) -> Response:
        if "no feedback" in self.faults:
            raise Refused(404, "no such page")
        if "open feedback" not in self.faults:
            self._authenticate(request)
        data = await request.body()
        try:
            entries = json.loads(data)["feedback"]
            sound = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
        except (ValueError, KeyError, TypeError):
            sound = False
        if not sound:
            if "malformed feedback 200" in self.faults:
                return Response(status_code=200)
            raise Refused(500 if "malformed feedback 500" in self.faults else 400, "no feedback")
        if "accepted 500" in self.faults and entries[0]["outcome"] == "accepted":
            raise Refused(500, "something went wrong")
        return Response(status_code=200)

    async def _preflight(self, request: Request) -> Response:
        headers = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "content-type" if "no authorization header" in self.faults
            else "Authorization, Content-Type",
        }  # fmt: skip
        return Response(status_code=200, headers={**headers, **self._cors(request)})

    async def _icon(self, _: Request) -> Response:
        return Response(self.icon, media_type="image/png")

    # Answers

    async def _not_found(self, request: Request, _: Exception) -> Response:
        return self._outcome(404, "not-found", "no such page", request)

    def _cors(self, request: Request) -> dict[str, str]:
        origin = request.headers.get("origin", "")
        if "wildcard with credentials" in self.faults and origin:
            return {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true"}
        if "any origin with credentials" in self.faults and origin:
            return {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
        if origin == ORIGIN and "origin refused" not in self.faults:
            return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
        return {}

    def _json(self, value: dict[str, Any], status: int, request: Request) -> Response:
        kind = "text/html" if "text/html" in self.faults else "application/json"
        return Response(self.body_of(value), status, self._cors(request), media_type=kind)

    def _outcome(self, status: int, code: str, words: str, request: Request) -> Response:
        if "plain-text errors" in self.faults:
            return Response(words, status, media_type="text/plain")
        if "errors without OperationOutcome" in self.faults and status != 401:
            return Response(json.dumps({"error": words}), status, media_type="application/json")
        issue = {"severity": "error", "code": code, "diagnostics": words}
        body = {"resourceType": "OperationOutcome", "issue": [issue]}
        return Response(json.dumps(body), status, self._cors(request), media_type="application/fhir+json")

    # Tokens

    def _authenticate(self, request: Request) -> None:
        if not self.tokens_wanted or "accepts everything" in self.faults:
            return
        given = request.headers.get("authorization", "")
        if not given and "accepts no token" in self.faults:
            return
        try:
            self._verify(given.removeprefix("Bearer "), self.base + request.url.path)
        except jwt.InvalidTokenError as error:
            words = str(error) if "leaks the reason" in self.faults else "not authenticated"
            raise Refused(403 if "403 for tokens" in self.faults else 401, words) from None

    def _verify(self, token: str, endpoint: str) -> None:
        header = jwt.get_unverified_header(token)
        if header["alg"] == "none" and "accepts none" in self.faults:
            return
        if header["alg"] == "HS256" and "accepts HS256" in self.faults and self._symmetric(token, header["kid"]):
            return
        if header["alg"] == "RS384" and "refuses RS384" in self.faults:
            raise jwt.InvalidTokenError("algorithm")
        kid = header.get("kid")
        if kid not in self._keys.public and "accepts unknown kid" in self.faults:
            kid = "ec-1"
        if kid not in self._keys.public:
            raise jwt.InvalidTokenError("kid")
        if header.get("jku", JKU) != JKU and "accepts any jku" not in self.faults:
            raise jwt.InvalidTokenError("jku")
        options: Any = {
            "require": ["iss", "aud", "iat", "jti"] + ([] if "accepts no expiry" in self.faults else ["exp"]),
            "verify_exp": "accepts expired" not in self.faults,
            "verify_nbf": "accepts early" not in self.faults,
            "verify_iat": "accepts early" not in self.faults,
            "verify_aud": "accepts any audience" not in self.faults,
            "verify_signature": "accepts any signature" not in self.faults,
        }
        claims = jwt.decode(token, self._keys.public[kid], ["ES384", "RS384"], options, audience=endpoint)
        if claims["iss"] != ISSUER and "accepts any issuer" not in self.faults:
            raise jwt.InvalidTokenError("iss")
        if claims["jti"] in self._used and "accepts replays" not in self.faults:
            raise jwt.InvalidTokenError("jti was used before")
        self._used.add(claims["jti"])

    def _symmetric(self, token: str, kid: str) -> bool:
        signed, _, signature = token.rpartition(".")
        wanted = hmac.new(self._keys.public_pem[kid], signed.encode(), hashlib.sha256).digest()
        return hmac.compare_digest(wanted, urlsafe_b64decode(signature + "=="))


_EMPTY = {"resourceType": "Bundle", "type": "searchset", "total": 0}
