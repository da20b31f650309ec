"""The page's door: which requests come in, whose they are, and what they see when something is wrong.

A page on the loopback address has no login, so that nothing but itself may ask it: the host must be one of its own
(against DNS rebinding), a request must come from the page or from the address bar, and a form must hold the secret of
its session.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from calcipath.errors import InputError
from calcipath.output.markup import Markup, tag
from calcipath.page.account_endpoints import AccountEndpoints
from calcipath.page.account_views import login_view
from calcipath.page.endpoints import Endpoints
from calcipath.page.forms import NoForm, TooLarge, read_form
from calcipath.page.language import _, catalogue, speaking
from calcipath.page.layout import ICON, SCRIPT, STYLES, asset, asset_address, html, message
from calcipath.page.register_table import RegisterTable
from calcipath.page.responses import FILE_HEADERS, document, see
from calcipath.page.visit import UNITS, Form, Units, Visit
from calcipath.register.accounts import LOCAL
from calcipath.register.refusals import Changed, NotAllowed, NotYours, TooManyAttempts
from calcipath.register.sessions import Session
from calcipath.store.failures import StoreError

# After a form was refused the address is that of the act; its view stands before it.
_ACTS = re.compile(
    r"/(?:answers|visits|photographs|settings|remove|share|unshare|delete|new|change)$|cases/(?:upload|example|new)$"
)
Handler = Callable[[Visit], Response]
Again = Callable[[Visit, Markup], Response]
GUESSES_AT_ONCE = 2  # passwords that are checked at the same time: each takes 64 MB
_STATUSES = {NotAllowed: 403, Changed: 409, TooManyAttempts: 429}
_PORTS = {"http": 80, "https": 443}
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")
_MEDIA = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """`accounts`: whether one must log in. `public_url`: how browsers reach the page. `most_bytes` of one request."""

    public_url: str
    accounts: bool
    most_bytes: int

    @property
    def base(self) -> str:
        """The path before each address, behind a proxy that adds one."""
        return urlsplit(self.public_url).path.rstrip("/")

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by https."""
        return self.public_url.startswith("https://")

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts under which it answers."""
        there = urlsplit(self.public_url)
        found = {there.netloc.lower()}
        if there.port == _PORTS.get(there.scheme):  # browsers leave it out
            found.add(there.netloc.lower().rpartition(":")[0])
        if there.hostname in ("127.0.0.1", "localhost", "::1") and there.port:
            found |= {f"{host}:{there.port}" for host in ("127.0.0.1", "localhost", "[::1]")}
        return frozenset(found)

    @property
    def origins(self) -> frozenset[str]:
        """The same as browsers name them: another scheme is another site."""
        return frozenset(f"{urlsplit(self.public_url).scheme}://{host}" for host in self.hosts)


class Refusal(Exception):  # noqa: N818  it is an answer
    """A request that is not let in."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


_EXPECTED = (Refusal, TooLarge, NoForm, StoreError, NotYours, NotAllowed, Changed, TooManyAttempts, InputError)


class Door:
    """The routes of the page."""

    def __init__(self, endpoints: Endpoints, settings: DoorSettings) -> None:
        self._page, self._settings = endpoints, settings
        self._sessions = endpoints.register.sessions
        self._cookie = "__Host-calcipath" if settings.secure else "calcipath"
        self._before_login = f"{self._cookie}-login"
        self._guesses = CapacityLimiter(GUESSES_AT_ONCE)
        self._files = {asset_address(*each): each for each in (*STYLES, SCRIPT, ICON)}

    def routes(self) -> list[BaseRoute]:
        """All addresses."""
        page, accounts = self._page, AccountEndpoints(self._page.register)
        table = RegisterTable(page.register, page.reading)
        get: list[tuple[str, Handler]] = [
            ("/", page.first),
            ("/cases/{handle}", page.assessment),
            ("/cases/{handle}/orders", page.orders),
            ("/cases/{handle}/dose", page.dose),
            ("/cases/{handle}/follow-up", page.follow_up),
            ("/cases/{handle}/photographs/{name}", page.photograph),
            ("/cases/{handle}/summary", page.summary),
            ("/cases/{handle}/patient", page.patient),
            ("/cases/{handle}/record", page.record),
            ("/cases/{handle}/export", page.export),
            ("/page/dose", page.free_dose),
            ("/page/accounts", accounts.accounts),
            ("/page/password", accounts.password),
            ("/page/register.csv", table.table),
        ]
        post: list[tuple[str, Handler, Again]] = [
            ("/cases/upload", page.upload, page.first),
            ("/cases/example", page.example, page.first),
            ("/cases/new", page.begin, page.first),
            ("/cases/{handle}/answers", page.answer, page.assessment),
            ("/cases/{handle}/dose", page.dose, lambda visit, _said: page.dose(visit)),
            ("/cases/{handle}/visits", page.add_visit, page.follow_up),
            ("/cases/{handle}/photographs", page.add_photograph, page.follow_up),
            ("/cases/{handle}/settings", page.settings, page.record),
            ("/cases/{handle}/remove", page.remove, page.record),
            ("/cases/{handle}/share", page.share, page.record),
            ("/cases/{handle}/unshare", page.unshare, page.record),
            ("/cases/{handle}/delete", page.delete, page.record),
            ("/page/dose", page.free_dose, lambda visit, _said: page.free_dose(visit)),
            ("/page/accounts/new", accounts.new_account, accounts.accounts),
            ("/page/accounts/change", accounts.change_account, accounts.accounts),
            ("/page/password", accounts.change_password, accounts.password),
        ]
        routes: list[BaseRoute] = [
            Route("/page/static/{digest}/{name}", self.static, methods=["GET"]),
            Route("/page/login", self.login, methods=["GET", "POST"]),
            Route("/page/logout", self.logout, methods=["POST"]),
            Route("/page/units", self.units, methods=["POST"]),
        ]
        routes += [Route(path, self._act(act, again), methods=["POST"]) for path, act, again in post]
        routes += [Route(path, self._show(show), methods=["GET"]) for path, show in get]
        return routes

    async def static(self, request: Request) -> Response:
        """A style or the script: the address holds its digest."""
        try:
            self._let_in(request)
        except Refusal as refused:
            return self._refusal(refused)
        found = self._files.get(request.url.path.removeprefix(self._settings.base))
        if found is None:
            return self._refusal(Refusal(404, "there is no such file"))
        kept = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(asset(*found), media_type=_MEDIA[found[1].rpartition(".")[2]], headers=FILE_HEADERS | kept)

    def _show(self, show: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            return await self._answered(request, lambda visit: show(visit), None)

        return handle

    def _act(self, act: Handler, again: Again) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            return await self._answered(request, act, again)

        return handle

    async def _answered(self, request: Request, act: Handler, again: Again | None) -> Response:
        with speaking(catalogue(_languages(request))):
            try:
                self._let_in(request)
                token = request.cookies.get(self._cookie, "")
                session, fresh = await to_thread.run_sync(self._session, token, again is None)
                if session is None and self._settings.accounts:
                    return see(f"{self._settings.base}/page/login")
                # only now is a body read: nobody else can make the service hold one
                form = await read_form(request, self._settings.most_bytes) if session and again is not None else Form()
                if session is None or (again is not None and not session.agrees(form.text("csrf"))):
                    raise Refusal(403, _("This form is not of your session, or it is too old: open the page again"))
                visit = self._visit(request, session, form)
                response = await to_thread.run_sync(_carried_out, visit, act, again)
            except _EXPECTED as error:
                return self._refusal(self._explained(error))
            if fresh:
                self._set(response, self._cookie, fresh)
            return response

    def _explained(self, error: Exception) -> Refusal:
        """What went wrong, as an answer."""
        if isinstance(error, Refusal):
            return error
        if isinstance(error, TooLarge):
            megabytes = self._settings.most_bytes // 2**20
            return Refusal(413, _("That is too large: at most {most} MB may be sent", most=megabytes))
        if isinstance(error, NoForm):
            return Refusal(400, _("What was sent is no form of this page"))
        if isinstance(error, NotYours):
            return Refusal(404, _("There is no such case, or it is not yours"))
        if isinstance(error, StoreError):
            return Refusal(503, _("The store cannot be used now; nothing was kept"))
        return Refusal(_STATUSES.get(type(error), 400), str(error))

    def _session(self, token: str, begins: bool) -> tuple[Session | None, str]:
        """The session of the cookie. On the loopback address everybody is the local account, and there alone.

        `begins`: make one there where there is none; its token is then given too.
        """
        found = self._sessions.find(token)
        if found is not None and (found.account.name == LOCAL) != self._settings.accounts:
            return found, ""
        if self._settings.accounts or not begins:
            return None, ""
        fresh = self._sessions.begin(self._page.register.local_account())
        return self._sessions.find(fresh), fresh

    def _visit(self, request: Request, session: Session, form: Form) -> Visit:
        asked: Units = next((each for each in UNITS if each == request.cookies.get("calcipath-units")), "us")
        params = request.path_params
        return Visit(
            session,
            asked,
            self._settings.base,
            form,
            handle=str(params.get("handle", "")),
            name=str(params.get("name", "")),
            part=request.headers.get("x-part") == "1",
            done=request.query_params.get("done", ""),
            local=not self._settings.accounts,
        )

    def _let_in(self, request: Request) -> None:
        """Raises `Refusal` for another host, and for what another site asks."""
        if request.headers.get("host", "").lower() not in self._settings.hosts:
            raise Refusal(421, "this page is not reached under that host")
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        opened = request.method == "GET" and request.headers.get("sec-fetch-mode") == "navigate"
        if site not in (None, "same-origin", "none") and not opened:
            raise Refusal(403, "another site may not ask this page")
        if origin is not None and origin.lower() not in self._settings.origins:
            raise Refusal(403, "another site may not ask this page")

    async def login(self, request: Request) -> Response:
        """Show the form, or begin a session for who knows the password. The form is tied to the browser by a cookie."""
        with speaking(catalogue(_languages(request))):
            try:
                self._let_in(request)
                if not self._settings.accounts:
                    return see(f"{self._settings.base}/")
                if request.method != "POST":
                    return await self._login_form(None)
                form = await read_form(request, 64 * 1024)
                kept = request.cookies.get(self._before_login, "")
                if not kept or not hmac.compare_digest(kept.encode(), form.text("csrf").encode()):
                    return await self._login_form(message("error", _("This form is too old: try again")))
                return await self._begun(form, request.cookies.get(self._cookie, ""))
            except _EXPECTED as error:
                return self._refusal(self._explained(error))

    async def _begun(self, form: Form, before: str) -> Response:
        """A session of who gave name and password; the one that the browser had `before` ends."""
        accounts = self._page.register.accounts
        password = next(iter(form.fields.get("password", ())), "")
        try:
            account = await to_thread.run_sync(
                accounts.authenticate, form.text("name"), password, limiter=self._guesses
            )
        except TooManyAttempts as refused:
            return await self._login_form(message("error", str(refused)), 429)
        if account is None:
            return await self._login_form(message("error", _("Name and password do not fit")), 403)
        await to_thread.run_sync(self._sessions.end, before)
        token = await to_thread.run_sync(self._sessions.begin, account)
        response = see(f"{self._settings.base}/")
        self._set(response, self._cookie, token)
        self._unset(response, self._before_login)
        return response

    async def _login_form(self, said: Markup | None, status: int = 0) -> Response:
        secret = secrets.token_urlsafe(24)
        known = await to_thread.run_sync(self._page.register.accounts.all)
        there = any(each.name != "local" for each in known)
        response = document(
            login_view(self._settings.base, secret, said, any_account=there), status or (400 if said else 200)
        )
        self._set(response, self._before_login, secret)
        return response

    async def logout(self, request: Request) -> Response:
        """End the session."""

        def act(visit: Visit) -> Response:
            self._sessions.end(request.cookies.get(self._cookie, ""))
            response = see(f"{visit.base}/page/login")
            self._unset(response, self._cookie)
            return response

        return await self._answered(request, act, lambda visit, _said: act(visit))

    async def units(self, request: Request) -> Response:
        """Remember the units, and go back."""

        def act(visit: Visit) -> Response:
            there = urlsplit(request.headers.get("referer", ""))
            ours = there.netloc.lower() in self._settings.hosts
            path = _ACTS.sub("", there.path.lstrip("/\\"))  # // begins a host
            response = see(f"/{path}" if ours else f"{visit.base}/")
            response.set_cookie(
                "calcipath-units",
                "si" if visit.form.text("units") == "si" else "us",
                max_age=31536000,
                httponly=True,
                samesite="strict",
                secure=self._settings.secure,
            )
            return response

        return await self._answered(request, act, lambda visit, _said: act(visit))

    def _set(self, response: Response, name: str, value: str) -> None:
        response.set_cookie(name, value, httponly=True, samesite="strict", secure=self._settings.secure, path="/")

    def _unset(self, response: Response, name: str) -> None:
        response.delete_cookie(name, httponly=True, samesite="strict", secure=self._settings.secure, path="/")

    def _refusal(self, refused: Refusal) -> Response:
        back = tag("p", tag("a", _("To the first screen"), href=f"{self._settings.base}/"))
        head = tag("header", tag("h1", _("That was not done")))
        main = tag("main", head, tag("p", _sentence(refused.sentence), class_="message error"), back, id="main")
        return document(html(None, _("Not done"), main, base=self._settings.base), refused.status)


def _carried_out(visit: Visit, act: Handler, again: Again | None) -> Response:
    try:
        return act(visit)
    except InputError as error:
        if again is None or visit.part:
            raise
        return again(visit, message("error", _sentence(str(error))))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def _languages(request: Request) -> list[str]:
    """The reader's languages, the first choice first. They become names of folders: what is no language is left out."""
    given = request.headers.get("accept-language", "")[:200].split(",")
    names = [each.partition(";")[0].strip() for each in given]
    return [name.replace("-", "_") for name in names if _LANGUAGE.fullmatch(name)]
