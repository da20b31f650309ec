"""A small real EHR for the tests: FHIR R4 base, SMART App Launch 2.x authorisation server, and pages to click through.

It is strict where a good EHR is strict (PKCE S256, exact redirect address, `aud`, one use of a code, client proof) and
misbehaves only as `Faults` says. `/ehr` lists the patients with a link that launches the app.

By hand: python tests/service/authorization_server.py --port 8090 --app http://127.0.0.1:8080/smart/launch \
    --redirect http://127.0.0.1:8080/smart/callback --client calcipath
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import html
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode

import jwt
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).parent))
from keys import ec_key, jwk, signed

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_SECONDS = 900
PATIENTS: tuple[Mapping[str, Any], ...] = (
    {"resourceType": "Patient", "id": "first", "name": [{"family": "Example", "given": ["Ada"]}], "gender": "female"},
    {"resourceType": "Patient", "id": "second", "name": [{"family": "Sample", "given": ["Bo"]}], "gender": "male"},
)


@dataclass(frozen=True)
class App:
    """A registered app. With a secret or with keys it must prove itself."""

    client_id: str
    redirect_uri: str
    secret: str = ""
    keys: tuple[Mapping[str, Any], ...] = ()


@dataclass
class Faults:
    """What to change in otherwise good answers; a member given as None is left out."""

    discovery: dict[str, Any] = field(default_factory=dict)
    discovery_status: int = 200
    token: dict[str, Any] = field(default_factory=dict)
    token_status: int = 200
    id_token: dict[str, Any] = field(default_factory=dict)
    signer: str = "ehr"
    callback: dict[str, str] = field(default_factory=dict)


@dataclass
class Ehr:
    """The server's state. `asked`: method and path of each request; `forms`: what the token address received."""

    url: str
    apps: dict[str, App]
    resources: list[Mapping[str, Any]]
    app_address: str = ""
    fhir_elsewhere: str = ""  # the FHIR base, where this server is for the login only
    user: str = "Practitioner/house"
    faults: Faults = field(default_factory=Faults)
    launches: dict[str, str] = field(default_factory=dict)
    requests: dict[str, dict[str, str]] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    assertions: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)

    @property
    def fhir(self) -> str:
        """The FHIR base, which is also the `iss` of a launch."""
        return self.fhir_elsewhere or f"{self.url}/fhir"

    def launch(self, patient: str) -> str:
        """A launch value for a patient in context, as the EHR makes it when the user clicks."""
        value = secrets.token_urlsafe(16)
        self.launches[value] = patient
        return value

    def begin_again(self) -> None:
        """As it was when it began to serve."""
        self.faults, self.user, self.fhir_elsewhere = Faults(), "Practitioner/house", ""
        for kept in (self.launches, self.requests, self.codes, self.tokens, self.assertions, self.asked, self.forms):
            kept.clear()

    def patients(self) -> list[Mapping[str, Any]]:
        """The patients of the record."""
        return [each for each in self.resources if each["resourceType"] == "Patient"]


def changed(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Content with changes; None leaves a member out."""
    return {name: value for name, value in {**content, **changes}.items() if value is not None}


def pkce(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


async def form_of(request: Request) -> dict[str, str]:
    """The members of a form, each once."""
    members = parse_qs((await request.body()).decode(), keep_blank_values=True)
    if any(len(values) > 1 for values in members.values()):
        return {}
    return {name: values[0] for name, values in members.items()}


def name_of(patient: Mapping[str, Any]) -> str:
    """A patient's name as it stands on a page."""
    names = patient.get("name") or [{}]
    return html.escape(" ".join([*names[0].get("given", []), names[0].get("family", patient["id"])]))


def page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """A page of the EHR."""
    text = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    return HTMLResponse(f"{text}<body><main><h1>{title}</h1>{body}</main></body></html>", status)


class Routes:
    """The addresses of the server."""

    def __init__(self, ehr: Ehr) -> None:
        self.ehr = ehr

    async def configuration(self, _: Request) -> Response:
        """`.well-known/smart-configuration`."""
        url = self.ehr.url
        content = {
            "issuer": url,
            "jwks_uri": f"{url}/jwks",
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "fhirUser", "launch", "launch/patient", "patient/*.rs"],
            "response_types_supported": ["code"],
            "capabilities": ["launch-ehr", "launch-standalone", "client-public", "client-confidential-symmetric",
                             "client-confidential-asymmetric", "context-ehr-patient", "context-standalone-patient",
                             "sso-openid-connect", "permission-v2", "authorize-post"],
        }  # fmt: skip
        return JSONResponse(changed(content, self.ehr.faults.discovery), self.ehr.faults.discovery_status)

    async def key_set(self, _: Request) -> Response:
        """The keys of the ID tokens."""
        return JSONResponse({"keys": [jwk(ec_key("ehr"), "ehr")]})

    async def front(self, _: Request) -> Response:
        """The list of patients, each with a link that launches the app."""
        links = ""
        for each in self.ehr.patients():
            asked = urlencode({"iss": self.ehr.fhir, "launch": self.ehr.launch(each["id"])})
            address = html.escape(f"{self.ehr.app_address}?{asked}")
            links += f'<li><a href="{address}">Open calcipath for {name_of(each)}</a></li>'
        return page("Test EHR", f"<ul>{links}</ul>")

    async def authorize(self, request: Request) -> Response:
        """The login page, after the request was checked as strictly as an EHR should."""
        asked = dict(request.query_params)
        app = self.ehr.apps.get(asked.get("client_id", ""))
        if app is None or asked.get("redirect_uri") != app.redirect_uri:
            return page("Unknown app", "<p>Not registered.</p>", 400)
        wrong = self._wrong(asked)
        if wrong:
            return self._back(asked, {"error": wrong})
        number = secrets.token_urlsafe(16)
        self.ehr.requests[number] = asked
        choice = "".join(
            f'<label><input type="radio" name="patient" value="{each["id"]}"{" checked" * (not place)}>'
            f"{name_of(each)}</label><br>"
            for place, each in enumerate(self.ehr.patients())
        )
        return page(
            "Log in to the test EHR",
            f'<form method="post" action="/login"><input type="hidden" name="number" value="{number}">'
            '<p><label>User <input name="user" value="house"></label></p>'
            f"{'' if 'launch' in asked else '<fieldset><legend>Patient</legend>' + choice + '</fieldset>'}"
            '<button name="answer" value="allow">Allow</button> <button name="answer" value="deny">Deny</button></form>',
        )

    def _wrong(self, asked: Mapping[str, str]) -> str:
        scopes = asked.get("scope", "").split()
        checks = {
            "unsupported_response_type": asked.get("response_type") == "code",
            "invalid_request": (
                asked.get("code_challenge_method") == "S256"
                and len(asked.get("code_challenge", "")) == 43
                and len(asked.get("state", "")) >= 22
                and asked.get("aud") == self.ehr.fhir
                and ("launch" not in asked or asked["launch"] in self.ehr.launches)
            ),
            "invalid_scope": ("launch" if "launch" in asked else "launch/patient") in scopes,
        }
        return next((name for name, good in checks.items() if not good), "")

    def _back(self, asked: Mapping[str, str], members: Mapping[str, str]) -> Response:
        answer = {**members, "state": asked.get("state", ""), "iss": self.ehr.url, **self.ehr.faults.callback}
        query = urlencode({name: value for name, value in answer.items() if value})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", 303)

    async def login(self, request: Request) -> Response:
        """The user's answer: back to the app with a code, or with a refusal."""
        form = await form_of(request)
        asked = self.ehr.requests.pop(form.get("number", ""), None)
        if asked is None:
            return page("Too late", "<p>Begin again.</p>", 400)
        if form.get("answer") != "allow":
            return self._back(asked, {"error": "access_denied", "error_description": "the user said <no>"})
        code = secrets.token_urlsafe(24)
        patient = self.ehr.launches.pop(asked["launch"]) if "launch" in asked else form.get("patient", "first")
        self.ehr.codes[code] = {**asked, "patient": patient}
        return self._back(asked, {"code": code})

    async def token(self, request: Request) -> Response:
        """The exchange of a code."""
        form = await form_of(request)
        self.ehr.forms.append(form)
        granted = self.ehr.codes.pop(form.get("code", ""), None)
        client = self._client(request, form)
        if client is None:
            return JSONResponse({"error": "invalid_client"}, 401)
        good = (
            granted is not None
            and form.get("grant_type") == "authorization_code"
            and granted["client_id"] == client
            and granted["redirect_uri"] == form.get("redirect_uri")
            and pkce(form.get("code_verifier", "")) == granted["code_challenge"]
        )
        if granted is None or not good:
            return JSONResponse({"error": "invalid_grant"}, 400)
        token = secrets.token_urlsafe(32)
        self.ehr.tokens[token] = granted["patient"]
        content = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": granted["scope"],
            "patient": granted["patient"],
            "encounter": f"visit-of-{granted['patient']}",
            "need_patient_banner": False,
            "id_token": self._id_token(client, granted.get("nonce")),
            "fhirContext": [{"reference": "ServiceRequest/1", "role": "launch", "other": {"a": 1}}],
        }
        headers = {"Cache-Control": "no-store"}
        return JSONResponse(changed(content, self.ehr.faults.token), self.ehr.faults.token_status, headers)

    def _id_token(self, client: str, nonce: str | None) -> str:
        now = int(time.time())
        claims = {"iss": self.ehr.url, "sub": "house", "aud": client, "iat": now, "exp": now + 300, "nonce": nonce,
                  "fhirUser": self.ehr.user}  # fmt: skip
        return signed(ec_key(self.ehr.faults.signer), changed(claims, self.ehr.faults.id_token), "ehr")

    def _client(self, request: Request, form: Mapping[str, str]) -> str | None:
        """The client that proved itself in the way that it is registered for."""
        header = request.headers.get("Authorization", "")
        if header.startswith("Basic "):
            name, _, secret = base64.b64decode(header[6:]).decode().partition(":")
            app = self.ehr.apps.get(unquote_plus(name))
            known = app is not None and app.secret and unquote_plus(secret) == app.secret
            return unquote_plus(name) if known else None
        app = self.ehr.apps.get(form.get("client_id", ""))
        if app is None or app.secret:
            return None
        return app.client_id if not app.keys or self._proven(app, form) else None

    def _proven(self, app: App, form: Mapping[str, str]) -> bool:
        assertion = form.get("client_assertion", "")
        try:
            header = jwt.get_unverified_header(assertion)
            key = next(key for key in app.keys if key["kid"] == header.get("kid"))
            claims = jwt.decode(
                assertion, jwt.PyJWK(dict(key)), algorithms=["ES384", "RS384"], audience=f"{self.ehr.url}/token",
                issuer=app.client_id, options={"require": ["iss", "sub", "aud", "exp", "jti"]},
            )  # fmt: skip
        except (jwt.PyJWTError, StopIteration):
            return False
        fresh = claims["jti"] not in self.ehr.assertions and claims["exp"] <= time.time() + 300
        self.ehr.assertions.add(claims["jti"])
        return fresh and claims["sub"] == app.client_id and form.get("client_assertion_type") == ASSERTION

    async def read(self, request: Request) -> Response:
        """One resource of the record, for a token of its patient."""
        kind, name = request.path_params["kind"], request.path_params["name"]
        return self._resources(
            request, [r for r in self.ehr.resources if (r["resourceType"], r.get("id")) == (kind, name)], one=True
        )

    async def search(self, request: Request) -> Response:
        """The resources of a type, for a token of their patient."""
        kind = request.path_params["kind"]
        return self._resources(request, [r for r in self.ehr.resources if r["resourceType"] == kind], one=False)

    def _resources(self, request: Request, found: Sequence[Mapping[str, Any]], *, one: bool) -> Response:
        patient = self.ehr.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if patient is None:
            return JSONResponse(
                {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "login"}]}, 401
            )
        found = [each for each in found if belongs(each, patient)]
        if one:
            return JSONResponse(found[0]) if found else JSONResponse({"resourceType": "OperationOutcome"}, 404)
        return JSONResponse(
            {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": each} for each in found]}
        )


def belongs(resource: Mapping[str, Any], patient: str) -> bool:
    """Whether a resource is the patient, is about the patient, or about nobody."""
    if resource["resourceType"] == "Patient":
        return bool(resource["id"] == patient)
    subject = resource.get("subject") or resource.get("patient") or {}
    return subject.get("reference", "").removeprefix("urn:uuid:") in ("", patient, f"Patient/{patient}")


def application(ehr: Ehr) -> Starlette:
    """The server as an ASGI application."""
    routes = Routes(ehr)
    app = Starlette(
        routes=[
            Route("/fhir/.well-known/smart-configuration", routes.configuration),
            Route("/fhir/{kind}/{name}", routes.read),
            Route("/fhir/{kind}", routes.search),
            Route("/jwks", routes.key_set),
            Route("/ehr", routes.front),
            Route("/authorize", routes.authorize),
            Route("/login", routes.login, methods=["POST"]),
            Route("/token", routes.token, methods=["POST"]),
        ]
    )

    async def keeping(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            ehr.asked.append((scope["method"], scope["path"]))
        await app(scope, receive, send)

    return keeping  # type: ignore[return-value]


@contextmanager
def serving(
    *apps: App, resources: Sequence[Mapping[str, Any]] = PATIENTS, app_address: str = "", port: int = 0
) -> Iterator[Ehr]:
    """Serve on this machine until the end of the block."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    ehr = Ehr(
        f"http://127.0.0.1:{listening.getsockname()[1]}", {each.client_id: each for each in apps}, list(resources)
    )
    ehr.app_address = app_address
    config = uvicorn.Config(application(ehr), log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        yield ehr
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A test EHR with SMART launch.")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--app", default="http://127.0.0.1:8080/smart/launch")
    parser.add_argument("--redirect", default="http://127.0.0.1:8080/smart/callback")
    parser.add_argument("--client", default="calcipath")
    chosen = parser.parse_args()
    with serving(App(chosen.client, chosen.redirect), app_address=chosen.app, port=chosen.port) as ehr:
        print(f"{ehr.url}/ehr")
        threading.Event().wait()


if __name__ == "__main__":
    main()
