"""Transport, cross-origin rules, and how a service treats tokens (#2, #168, #176 to #208)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from calcipath.conformance.findings import Answer, Finding, judge, shown
from calcipath.conformance.json_checks import body_findings

REFUSED = (401, 403)
_UNDECIDED = (0, 429)
# The statements that a token breaks; a service that takes it breaks them too.
HOSTILE: Mapping[str, str] = {
    "no token": "177",
    "no JWT at all": "176",
    "algorithm none": "201",
    "HS256 with the public key as its secret": "203",
    "HS384 with the public key as its secret": "203",
    "another key under the same kid": "176",
    "changed after signing": "176",
    "the address of another service as audience": "176",
    "the address of discovery as audience": "176",
    "expired": "176",
    "no expiry": "176",
    "not yet valid": "176",
    "used before": "176",
    "unknown kid": "176",
    "unlisted iss": "195",
    "unlisted jku": "195",
}
_TELLS = re.compile(
    r"\b(expire[sd]?|expiry|audience|aud|signature|replay(?:ed)?|jti|kid|jku|issuer|iss|algorithms?|alg|nbf|iat|exp"
    r"|not yet valid|unsigned|symmetric|hs256|already used|jwks?)\b",
    re.IGNORECASE,
)
_VARIABLE = re.compile(rb"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|\d+")


def is_this_machine(url: str) -> bool:
    """Whether an address is on this machine: localhost, 127.0.0.0/8 or ::1."""
    host = (urlsplit(url).hostname or "").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def transport_findings(url: str) -> Iterator[Finding]:
    """HTTPS; a trial on this machine is not production and is not judged."""
    if urlsplit(url).scheme == "https":
        yield from judge("2 168", True, url, "https, the certificate was verified")
    elif not is_this_machine(url):
        yield from judge("2 168", False, url, "http")


def cors_findings(
    origin: str, answer: Answer, where: str, *, invited: bool, preflight: bool = False
) -> Iterator[Finding]:
    """The cross-origin headers of an answer to a request from `origin`.

    `invited`: the origin is one that the service is meant to serve; any other is made up. The Fetch standard lets no
    browser use a wildcard together with credentials; answering any origin by its name with credentials is the same.
    """
    allowed = answer.headers.get("access-control-allow-origin", "")
    credentials = answer.headers.get("access-control-allow-credentials", "").strip().lower() == "true"
    seen = f"Access-Control-Allow-Origin {allowed or 'missing'}" + (", with credentials" if credentials else "")
    if allowed == "*" and credentials:
        yield from judge("208", False, where, seen)
    elif not invited:
        if allowed == origin and credentials:
            yield from judge("208", False, where, f"{seen}: any origin is let in")
        elif allowed:
            yield from judge("208", True, where, seen)
    else:
        fault = "" if allowed in (origin, "*") else "not let in"
        if preflight and not fault:
            fault = _preflight_fault(answer)
        yield from judge("208", not fault, where, f"{seen}: {fault}" if fault else seen)


def _preflight_fault(answer: Answer) -> str:
    if not answer.success:
        return answer.described
    named = {name.strip().lower() for name in answer.headers.get("access-control-allow-headers", "").split(",")}
    if "content-type" not in named and "*" not in named:
        return "the header Content-Type is not allowed"
    if "authorization" not in named:
        return "the header Authorization is not allowed"
    return ""


@dataclass(frozen=True, slots=True)
class TokenTrial:
    """One call with one token. `kind` is a key of `HOSTILE`, or the algorithm of a good token."""

    kind: str
    answer: Answer

    @property
    def refused(self) -> bool:
        """Whether the call was refused because of its token, or refused at all with 4xx."""
        return 400 <= self.answer.status < 500 and self.answer.status not in (412, 429)

    @property
    def decided(self) -> bool:
        """Whether there was an answer that shows what became of the token."""
        return self.answer.status not in _UNDECIDED


def good_token_findings(trials: Sequence[TokenTrial], where: str, *, out_of_band: bool) -> Iterator[Finding]:
    """Good tokens must be taken: at least one, and those of the recommended algorithms.

    `out_of_band`: they named no `jku`, so that the service knows the key by agreement.
    """
    decided = [trial for trial in trials if trial.decided]
    for trial in decided:
        if trial.kind in ("ES384", "RS384"):
            yield from judge("205", not trial.refused, where, f"good {trial.kind} token: {trial.answer.described}")
    if decided:
        taken = any(not trial.refused for trial in decided)
        seen = "; ".join(f"good {trial.kind} token: {trial.answer.described}" for trial in decided)
        yield from judge("176 199" if out_of_band else "176", taken, where, seen)


def hostile_token_findings(trials: Sequence[TokenTrial], where: str, *, local: bool = False) -> Iterator[Finding]:
    """Tokens that must be refused, with 401 and without a reason.

    `local`: the service is on this machine and no key was given; then calls without a token are not judged.
    """
    for trial in trials:
        if not trial.decided or (local and trial.kind == "no token"):
            continue
        here, seen = f"{where}, {trial.kind}", trial.answer.described
        refused = trial.refused or trial.answer.status >= 500
        yield from judge(HOSTILE[trial.kind], refused, here, seen)
        if refused:
            yield from judge("K11", trial.answer.status == 401, here, seen)
            yield from judge("76", True, here, seen)
            yield from body_findings(trial.answer, here)
    yield from _reasons([trial for trial in trials if trial.refused], where)


def _reasons(refusals: Sequence[TokenTrial], where: str) -> Iterator[Finding]:
    """Whether a refusal tells its reason: by a word, or because it differs from the other refusals."""
    bodies: dict[tuple[int, bytes], str] = {}
    for trial in refusals:
        challenge = trial.answer.headers.get("www-authenticate", "")
        text = f"{challenge}\n{trial.answer.body.decode('utf-8', 'replace')}"
        told = _TELLS.search(text)
        yield from judge("K12", told is None, f"{where}, {trial.kind}", shown(told[0]) if told else "no reason")
        # A call without any token may be told that one is wanted (RFC 6750, 3.1): it is not compared.
        if trial.kind != "no token":
            bodies.setdefault((trial.answer.status, _VARIABLE.sub(b"", trial.answer.body)), trial.kind)
    if len(bodies) > 1:
        yield from judge("K12", False, where, f"the refusals differ: {' / '.join(bodies.values())}")
