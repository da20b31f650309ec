"""Requests that the service itself makes for keys and tokens: one address, one answer, few bytes, little time.

Nothing is followed: no redirect, no compressed body, no cookie, no proxy or password from the environment. What failed
is told by a reason code; neither the address nor the answer enters a message.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Literal, Self

from calcipath.errors import CalcipathError

if TYPE_CHECKING:
    import httpx

OutgoingReason = Literal["unreachable", "too-slow", "redirect", "too-large", "not-json"]
MOST_BYTES = 256 * 1024
SECONDS = 5.0


class OutgoingFailed(CalcipathError):  # noqa: N818
    """A request that the service made had no usable answer. `reason` is for the log."""

    exit_status = 4

    def __init__(self, reason: OutgoingReason) -> None:
        super().__init__("a server that this service relies on gave no usable answer")
        self.reason: OutgoingReason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """The HTTP status and the JSON object of the body; empty when a refusal carried none."""

    status: int
    content: Mapping[str, Any]


class Outgoing:
    """Makes the requests. `tls`: the trust store (default: the system's). `proxy`: the site's outgoing proxy, if any.

    `seconds` is for the whole exchange, `most_bytes` for the answer's body. Inside `async with outgoing` connections are
    kept open between requests; outside of it each request makes its own.
    """

    def __init__(
        self,
        *,
        seconds: float = SECONDS,
        most_bytes: int = MOST_BYTES,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
    ) -> None:
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._tls = tls
        self._proxy = proxy
        self._shared: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        """Keep connections from here on."""
        self._shared = self._client()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them."""
        shared, self._shared = self._shared, None
        if shared is not None:
            await shared.aclose()

    async def get(self, address: str, headers: Mapping[str, str] | None = None) -> Answer:
        """The JSON object at an address. Raises `OutgoingFailed`."""
        return await self._exchange("GET", address, None, headers)

    async def post(self, address: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a form. Raises `OutgoingFailed`."""
        return await self._exchange("POST", address, form, headers)

    async def _exchange(
        self, method: str, address: str, form: Mapping[str, str] | None, headers: Mapping[str, str] | None
    ) -> Answer:
        import httpx

        try:
            async with asyncio.timeout(self._seconds):
                status, body = await self._receive(method, address, form, headers)
        except TimeoutError:
            raise OutgoingFailed("too-slow") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError, OSError):
            raise OutgoingFailed("unreachable") from None
        if 300 <= status < 400:
            raise OutgoingFailed("redirect")
        return Answer(status, _json_object(status, body))

    async def _receive(
        self, method: str, address: str, form: Mapping[str, str] | None, headers: Mapping[str, str] | None
    ) -> tuple[int, bytes]:
        asked = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        async with AsyncExitStack() as stack:
            client = self._shared
            if client is None:
                client = await stack.enter_async_context(self._client())
            response = await stack.enter_async_context(client.stream(method, address, data=form, headers=asked))
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise OutgoingFailed("not-json")  # a small body that unpacks to a large one
            body = bytearray()
            async for part in response.aiter_raw():
                body += part
                if len(body) > self._most_bytes:
                    raise OutgoingFailed("too-large")
            return response.status_code, bytes(body)

    def _client(self) -> httpx.AsyncClient:
        import httpx

        if self._tls is None:
            self._tls = ssl.create_default_context()
        return httpx.AsyncClient(
            verify=self._tls,
            proxy=self._proxy,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # one user's cookie is not sent for another
            trust_env=False,
            follow_redirects=False,
            timeout=self._seconds,
        )


def _json_object(status: int, body: bytes) -> Mapping[str, Any]:
    import orjson

    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        content = None
    if isinstance(content, dict):
        return content
    if status < 400:
        raise OutgoingFailed("not-json")
    return {}
