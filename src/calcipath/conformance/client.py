"""HTTP calls of the service under check: one answer each, with limits of time and size; nothing is followed."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from calcipath.conformance.findings import Answer
from calcipath.conformance.security_checks import is_this_machine
from calcipath.errors import InputError

MOST_BYTES = 8 * 1024 * 1024
MOST_WAIT = 30.0  # seconds that a service may ask to wait after 429
TRIES = 3
AGENT = "calcipath-hooks-check"
Authorise = Callable[[str], str | None]
Sleep = Callable[[float], None]


class Caller:
    """Makes the calls. `authorise` gives the Authorization header for an address, or None.

    `timeout` is in seconds for a whole answer; a 429 is waited for and tried again. Proxies of the environment are used
    for other machines only. Raises `InputError` when the file of certificates cannot be read.
    """

    def __init__(
        self, base: str, *, timeout: float, ca_file: str = "", authorise: Authorise | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:  # fmt: skip
        self._timeout = timeout
        self._authorise = authorise or (lambda _: None)
        self._sleep = sleep
        self.calls = 0
        self.throttled = 0
        self._client = httpx.Client(
            verify=_trust(ca_file) if ca_file else True,
            timeout=timeout,
            follow_redirects=False,
            trust_env=not is_this_machine(base),
            headers={"User-Agent": AGENT, "Accept": "application/json", "Accept-Encoding": "identity"},
        )

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def get(self, url: str, headers: Mapping[str, str] | None = None, *, signed: bool = True) -> Answer:
        """GET, with a token where there is one."""
        return self._call("GET", url, None, headers or {}, self._authorise if signed else None)

    def options(self, url: str, headers: Mapping[str, str]) -> Answer:
        """OPTIONS without a token, as browsers ask before a call."""
        return self._call("OPTIONS", url, None, headers, None)

    def post(self, url: str, content: Any) -> Answer:
        """POST a JSON value, or bytes as they are, with a token where there is one."""
        return self._call("POST", url, _encoded(content), {"Content-Type": "application/json"}, self._authorise)

    def post_with(self, url: str, content: Any, authorization: str | None) -> Answer:
        """POST with a given Authorization header or none."""
        return self._call("POST", url, _encoded(content), {"Content-Type": "application/json"}, lambda _: authorization)

    def _call(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str], authorise: Authorise | None
    ) -> Answer:
        answer = Answer(0)
        for attempt in range(TRIES):
            given = authorise(url) if authorise else None
            answer = self._once(method, url, content, {**headers, **({"Authorization": given} if given else {})})
            if answer.status != 429 or attempt == TRIES - 1:
                break
            self.throttled += 1
            self._sleep(_wait(answer))
        return answer

    def _once(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> Answer:
        self.calls += 1
        started = time.perf_counter()
        try:
            with self._client.stream(method, url, content=content, headers=headers) as response:
                body = bytearray()
                for part in response.iter_bytes():
                    body += part
                    if len(body) > MOST_BYTES:
                        return _failed(started, f"the answer is larger than {MOST_BYTES // (1024 * 1024)} MB")
                    if time.perf_counter() - started > self._timeout:
                        return _failed(started, f"no whole answer within {self._timeout:g} s")
                seconds = time.perf_counter() - started
                return Answer(response.status_code, _headers(response), bytes(body), seconds)
        except httpx.TimeoutException:
            return _failed(started, f"no answer within {self._timeout:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            return _failed(started, _reason(error))


def _headers(response: httpx.Response) -> Mapping[str, str]:
    return {name.lower(): ", ".join(response.headers.get_list(name)) for name in response.headers}


def _failed(started: float, why: str) -> Answer:
    return Answer(0, seconds=time.perf_counter() - started, failure=why)


def _reason(error: BaseException) -> str:
    step: BaseException | None = error
    while step is not None:
        if isinstance(step, ssl.SSLCertVerificationError):
            return "its certificate could not be verified (--ca-file gives others to trust)"
        step = step.__cause__ or step.__context__
    if isinstance(error, httpx.ConnectError):
        return "no connection (is the address right, does the service run?)"
    return f"no proper answer ({type(error).__name__})"


def _encoded(content: Any) -> bytes:
    return content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode("utf-8")


def _wait(answer: Answer) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), MOST_WAIT) if asked.isdigit() else 2.0


def _trust(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError):
        raise InputError(f"{ca_file} is no file of certificates (PEM)") from None
