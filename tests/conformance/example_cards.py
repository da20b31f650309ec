"""What the example service says: its discovery and its answers, sound, to be changed by a fault."""

from __future__ import annotations

import copy
import struct
import uuid
import zlib
from typing import Any

CODES = "https://cds.example.org/CodeSystem/topics"
USUAL = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": "Condition?patient={{context.patientId}}&category=problem-list-item&_count=50",
}
EVERY_FIELD = {
    **USUAL,
    "user": "{{context.userId}}",
    "encounter": "Encounter/{{context.encounterId}}",
    "labs": "Observation?patient={{context.patientId}}&code=http://loinc.org|17861-6&date=ge2000-01-01&_sort=-date",
}
DISPATCH = {
    "patient": "Patient/{{context.patientId}}",
    "orders": "ServiceRequest?_id={{context.dispatchedOrders}}",
    "performer": "{{context.performer}}",
    "practitioner": "PractitionerRole?practitioner={{userPractitionerId}}",
}


def _service(name: str, hook: str, prefetch: dict[str, str] | None) -> dict[str, Any]:
    described = {
        "hook": hook, "id": name, "title": name.title(), "description": f"Says what {name} says at {hook}.",
        "version": "2.0.1", "usageRequirements": "FHIR R4", "extension": {"org.example.cds.note": "for the test"},
    }  # fmt: skip
    return {**described, "prefetch": dict(prefetch)} if prefetch else described


def discovery() -> dict[str, Any]:
    return {
        "services": [
            _service("risk", "patient-view", EVERY_FIELD),
            _service("risk", "encounter-discharge", EVERY_FIELD),
            _service("orders", "order-sign", EVERY_FIELD),
            _service("select", "order-select", EVERY_FIELD),
            _service("booking", "appointment-book", EVERY_FIELD),
            _service("start", "encounter-start", EVERY_FIELD),
            _service("dispatch", "order-dispatch", DISPATCH),
            _service("quiet", "patient-view", None),
        ]
    }


def _id() -> str:
    return str(uuid.uuid4())


def answer(service: str, base: str, request: dict[str, Any]) -> dict[str, Any]:
    """The sound answer of a service."""
    if service == "quiet":
        return {"cards": []}
    patient = request["context"]["patientId"]
    found: dict[str, Any] = {"cards": [_card(base, patient)]}
    if service == "orders":
        found["cards"].append(_order_card(base, request))
        found["systemActions"] = [{"type": "update", "resource": _drafts(request)[1]}]
    else:
        found["cards"].append(_plain_card())
    return found


def _card(base: str, patient: str) -> dict[str, Any]:
    subject = {"reference": f"Patient/{patient}"}
    return {
        "uuid": _id(),
        "summary": "Calcium is high: review what promotes calcification",
        "detail": "**Calcium** 10.4 mg/dL\n\n- review `calcium` & vitamin D",
        "indicator": "warning",
        "source": {
            "label": "Example guideline", "url": "https://cds.example.org/guideline", "icon": f"{base}/icon.png",
            "topic": {"system": CODES, "code": "risk", "display": "Risk"},
        },
        "selectionBehavior": "any",
        "suggestions": [
            {
                "label": "Order two tests", "uuid": _id(), "isRecommended": True,
                "actions": [_create("albumin", subject), _create("phosphate", subject)],
            },
            {"label": "Order one test", "uuid": _id(), "isRecommended": True, "actions": [_create("calcium", subject)]},
        ],
        "overrideReasons": [{"code": "refused", "system": CODES, "display": "Patient refused"}],
        "links": [
            {"label": "Details", "url": f"https://cds.example.org/patients/{patient}", "type": "absolute"},
            {
                "label": "Open the app", "url": "https://cds.example.org/launch", "type": "smart",
                "appContext": "view=risk", "autolaunchable": False,
            },
        ],
        "extension": {"org.example.cds.rule": "calcium"},
    }  # fmt: skip


def _create(name: str, subject: dict[str, str]) -> dict[str, Any]:
    resource = {"resourceType": "ServiceRequest", "status": "draft", "intent": "proposal", "subject": subject}
    return {"type": "create", "description": f"Order {name}", "resource": {**resource, "code": {"text": name}}}


def _plain_card() -> dict[str, Any]:
    return {"summary": "All else is well", "indicator": "info", "source": {"label": "Example guideline"}}


def _drafts(request: dict[str, Any]) -> list[dict[str, Any]]:
    entries = request["context"].get("draftOrders", {}).get("entry", [])
    return [copy.deepcopy(entry["resource"]) for entry in entries]


def _order_card(base: str, request: dict[str, Any]) -> dict[str, Any]:
    drug, test = _drafts(request)
    changed = {**drug, "note": [{"text": "reviewed"}]}
    return {
        **_card(base, request["context"]["patientId"]),
        "uuid": _id(),
        "selectionBehavior": "at-most-one",
        "suggestions": [
            {
                "label": "Change the order", "uuid": _id(), "isRecommended": True,
                "actions": [{"type": "update", "description": "Add a note", "resource": changed}],
            },
            {
                "label": "Take the order back", "uuid": _id(),
                "actions": [
                    {"type": "delete", "description": "Remove it", "resourceId": f"ServiceRequest/{test['id']}"}
                ],
            },
        ],
    }  # fmt: skip


def png(side: int = 100, alpha: int | None = None) -> bytes:
    """A grey square; with `alpha` it has an alpha channel of that value."""
    pixel = b"\x80\x80\x80" + (bytes([alpha]) if alpha is not None else b"")
    rows = b"".join(b"\x00" + pixel * side for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2 if alpha is None else 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )
