"""A patient's record from a FHIR R4 server: searches with paging.

The bearer token comes from the environment variable CALCIPATH_FHIR_TOKEN and is sent to the given server only: links
and redirects to another origin are refused. Neither the token nor patient data enters an error message.
"""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from calcipath.errors import InputError, ServerError
from calcipath.record.fhir.raw import RawResource
from calcipath.sources.files import MOST_ENTRIES, Source

TOKEN_VARIABLE = "CALCIPATH_FHIR_TOKEN"  # noqa: S105 - a name, no secret
TIMEOUT_SECONDS = 30
MOST_PAGES = 500
_MOST_BYTES = 64 * 1024 * 1024  # of one answer
_MOST_BYTES_IN_ALL = 512 * 1024 * 1024
_SEARCHES = {
    "Condition": "", "Observation": "", "MedicationRequest": "medications", "MedicationStatement": "",
    "MedicationAdministration": "", "Procedure": "", "DiagnosticReport": "", "AllergyIntolerance": "allergies",
    "Encounter": "", "Device": "", "ServiceRequest": "", "DocumentReference": "", "Specimen": "",
}  # fmt: skip
_INCLUDES = {kind: f"&_include={kind}:medication" for kind in _SEARCHES if kind.startswith("Medication")}


class _SameOrigin(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if _origin(urljoin(req.full_url, newurl)) != _origin(req.full_url):
            fp.close()
            raise ServerError("the server redirects to another address; that is not followed")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and (token := req.unredirected_hdrs.get("Authorization")):
            following.add_unredirected_header("Authorization", token)
        return following


def _origin(url: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port; None for what is no address."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None


def read_server(url: str, patient: str) -> Source:
    """Fetch the patient and everything that the guideline reads.

    Medications and allergies are complete when their search was answered. A type that the server does not serve is
    left out. Raises `ServerError` when the server cannot be reached or refuses, `InputError` for a bad URL or patient.
    """
    origin = _origin(url)
    if origin is None or origin[0] not in ("http", "https") or not origin[1] or not url.isascii() or " " in url:
        raise InputError("--server must be the http or https address of a FHIR server")
    if not patient.strip():
        raise InputError("--patient must be the id of a patient on the server")
    client = _Client(url.rstrip("/") + "/")
    person = client.get(f"Patient/{quote(patient, safe='')}")
    if person is None or person.get("resourceType") != "Patient":
        raise ServerError("the server has no patient with this id")
    found = [RawResource(person, f"{client.base}Patient/{patient}", "Patient")]
    complete = set()
    for kind, means in _SEARCHES.items():
        answered = client.search(kind, patient)
        if answered is None:
            continue
        pages, whole = answered
        found.extend(pages)
        if means and whole:
            complete.add(means)
        if len(found) > MOST_ENTRIES:
            raise _too_many()
    return Source(tuple(found), frozenset(complete))


class _Client:
    def __init__(self, base: str) -> None:
        self.base = base
        self._opener = urllib.request.build_opener(_SameOrigin)
        self._received = 0

    def search(self, kind: str, patient: str) -> tuple[list[RawResource], bool] | None:
        """All pages of a search, and whether the server reported no error in them; None when it does not serve the type.

        A search that breaks off after its first page is an error: half an answer would look like a whole one.
        """
        found: list[RawResource] = []
        link = f"{kind}?patient={quote(patient, safe='')}&_count=200{_INCLUDES.get(kind, '')}"
        seen: set[str] = set()
        whole = True
        while link:
            if link in seen or len(seen) >= MOST_PAGES:
                raise ServerError(f"the server's pages of {kind} do not end")
            bundle = self.get(link)
            if bundle is None or bundle.get("resourceType") != "Bundle":
                if seen:
                    raise ServerError(f"the server's pages of {kind} break off after page {len(seen)}")
                return None
            seen.add(link)
            found.extend(_entries(bundle, kind))
            if len(found) > MOST_ENTRIES:
                raise _too_many()
            whole = whole and not _reports_error(bundle)
            link = _next(bundle)
        return found, whole

    def get(self, path: str) -> Mapping[str, Any] | None:
        """The parsed answer; None for 400, 404, 405, 410 and 501 (not there, not served)."""
        import orjson

        try:
            url = urljoin(self.base, path)
        except ValueError:
            raise ServerError("the server's paging link is no address") from None
        if _origin(url) is None or _origin(url) != _origin(self.base):
            raise ServerError("the server's paging link leads to another address; that is not followed")
        request = urllib.request.Request(url, headers={"Accept": "application/fhir+json"})  # noqa: S310 - checked scheme
        if token := os.environ.get(TOKEN_VARIABLE):
            if not (token.isascii() and token.isprintable()):
                raise InputError(f"{TOKEN_VARIABLE} holds characters that no token has")
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                data = answer.read(_MOST_BYTES + 1)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in (400, 404, 405, 410, 501):
                return None
            reason = {401: "it wants a valid token", 403: "access is forbidden"}.get(error.code, "it refused")
            raise ServerError(f"the FHIR server answered {error.code}: {reason}") from None
        except (urllib.error.URLError, OSError):
            raise ServerError("the FHIR server could not be reached") from None
        except (http.client.HTTPException, ValueError):
            raise ServerError("the FHIR server's answer is not proper HTTP, or its paging link is no address") from None
        self._received += len(data)
        if len(data) > _MOST_BYTES or self._received > _MOST_BYTES_IN_ALL:
            raise ServerError("the FHIR server's answer is too large")
        try:
            parsed = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise ServerError("the FHIR server's answer is not JSON") from None
        return parsed if isinstance(parsed, Mapping) else None


def _too_many() -> ServerError:
    return ServerError(f"the server gave more than {MOST_ENTRIES:,} resources, the limit for one patient")


def _reports_error(bundle: Mapping[str, Any]) -> bool:
    """Whether an OperationOutcome among the entries says that something went wrong: the search is not complete then."""
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else []:
        resource = entry.get("resource") if isinstance(entry, Mapping) else None
        if isinstance(resource, Mapping) and resource.get("resourceType") == "OperationOutcome":
            issues = resource.get("issue")
            for issue in issues if isinstance(issues, list) else []:
                if isinstance(issue, Mapping) and issue.get("severity") in ("error", "fatal"):
                    return True
    return False


def _entries(bundle: Mapping[str, Any], kind: str) -> list[RawResource]:
    entries = bundle.get("entry")
    found = []
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        resource = entry.get("resource") if isinstance(entry, Mapping) else None
        if isinstance(resource, Mapping) and resource.get("resourceType") != "OperationOutcome":
            full_url = entry.get("fullUrl")
            found.append(RawResource(resource, full_url if isinstance(full_url, str) else "", f"{kind}[{number}]"))
    return found


def _next(bundle: Mapping[str, Any]) -> str:
    links = bundle.get("link")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, Mapping) and link.get("relation") == "next" and isinstance(link.get("url"), str):
            return str(link["url"])
    return ""
