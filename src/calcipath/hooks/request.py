"""A CDS Hooks request, read and checked (CDS Hooks 2.0, "HTTP Request"; hook pages for the contexts).

Unknown members and extensions are ignored, as a client may know later versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from calcipath.errors import InputError

CONTEXT_BUNDLES = {
    "order-select": "draftOrders",
    "order-sign": "draftOrders",
    "problem-list-item-create": "conditions",
}
MOST_ORDERS = 500


class BadRequest(InputError):  # noqa: N818  it names what the request is
    """The request cannot be answered as it stands; the sentence names the member."""


@dataclass(frozen=True, slots=True)
class HookRequest:
    """`prefetch` is None where the client sent none. `token` is never shown: it is left out of the representation.

    `bundle` holds the resources of the context's bundle, `selections` the `Type/id` that were chosen (order-select).
    """

    hook: str
    instance: str
    patient: str
    context: Mapping[str, Any]
    prefetch: Mapping[str, Any] | None = None
    bundle: tuple[Mapping[str, Any], ...] = ()
    selections: tuple[str, ...] = ()
    fhir_server: str = ""
    token: str = field(default="", repr=False)


def read_request(body: object, hook: str) -> HookRequest:
    """The request to a service of `hook`. Raises `BadRequest` with one sentence that names the member."""
    if not isinstance(body, Mapping):
        raise BadRequest("the request must be a JSON object")
    said = _text(body, "hook")
    if said != hook:
        raise BadRequest(f"hook: this service is for {hook}")
    context = body.get("context")
    if not isinstance(context, Mapping):
        raise BadRequest("context: must be an object")
    prefetch = body.get("prefetch")
    if prefetch is not None and not isinstance(prefetch, Mapping):
        raise BadRequest("prefetch: must be an object")
    server, token = _server(body)
    return HookRequest(
        hook,
        _text(body, "hookInstance"),
        _patient(context),
        context,
        prefetch,
        _bundle(context, hook),
        _selections(context) if hook == "order-select" else (),
        server,
        token,
    )


def _text(body: Mapping[str, Any], name: str, where: str = "") -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 512:
        raise BadRequest(f"{where}{name}: must be a text")
    return value


def _patient(context: Mapping[str, Any]) -> str:
    """The id of the patient; `Patient/id`, which some clients send, is understood."""
    name = _text(context, "patientId", "context.").removeprefix("Patient/")
    if not name or len(name) > 64 or not all(c.isascii() and (c.isalnum() or c in "-.") for c in name):
        raise BadRequest("context.patientId: must be a FHIR id")
    return name


def _server(body: Mapping[str, Any]) -> tuple[str, str]:
    server = body.get("fhirServer")
    if server is not None and (not isinstance(server, str) or len(server) > 2048):
        raise BadRequest("fhirServer: must be a URL")
    given = body.get("fhirAuthorization")
    if given is None:
        return server or "", ""
    if not isinstance(given, Mapping):
        raise BadRequest("fhirAuthorization: must be an object")
    if not server:
        raise BadRequest("fhirServer: is needed where fhirAuthorization is given")
    if str(given.get("token_type", "Bearer")).lower() != "bearer":
        raise BadRequest("fhirAuthorization.token_type: must be Bearer")
    token = given.get("access_token")
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable() or " " in token:
        raise BadRequest("fhirAuthorization.access_token: must be a token")
    return server, token


def _bundle(context: Mapping[str, Any], hook: str) -> tuple[Mapping[str, Any], ...]:
    name = CONTEXT_BUNDLES.get(hook)
    if name is None:
        return ()
    bundle = context.get(name)
    if not isinstance(bundle, Mapping) or bundle.get("resourceType") != "Bundle":
        raise BadRequest(f"context.{name}: must be a Bundle")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise BadRequest(f"context.{name}.entry: must be a list")
    if len(entries) > MOST_ORDERS:
        raise BadRequest(f"context.{name}.entry: holds more than {MOST_ORDERS} entries")
    found = []
    for number, entry in enumerate(entries):
        resource = entry.get("resource") if isinstance(entry, Mapping) else None
        if not isinstance(resource, Mapping) or not isinstance(resource.get("resourceType"), str):
            raise BadRequest(f"context.{name}.entry[{number}].resource: must be a FHIR resource")
        found.append(resource)
    return tuple(found)


def _selections(context: Mapping[str, Any]) -> tuple[str, ...]:
    """Empty where the client sends none: all orders are then looked at (the member's duty differs between versions)."""
    given = context.get("selections")
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise BadRequest("context.selections: must be a list of references such as MedicationRequest/1")
    return tuple(given)
