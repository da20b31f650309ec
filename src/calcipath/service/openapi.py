"""The service described for machines (OpenAPI 3.1), from the same content that makes discovery."""

from __future__ import annotations

from typing import Any

from calcipath import __version__
from calcipath.guideline.model import Guideline
from calcipath.hooks.request import CONTEXT_BUNDLES

OUTCOME = {"$ref": "#/components/schemas/OperationOutcome"}
STRING = {"type": "string"}


def description(guideline: Guideline, base: str) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, Any] = {
        "/cds-services": {"get": _get("Discovery", {"$ref": "#/components/schemas/Discovery"})},
        "/about.json": {"get": _get("Intended use, limits, source attributes", {"type": "object"})},
        "/topics": {"get": _get("Codes that cards use as their topic", {"type": "object"})},
        "/health": {"get": _get("Whether the service answers", {"type": "object"})},
    }
    for service in guideline.hooks.services:
        paths[f"/cds-services/{service.id}"] = {"post": _call(service.title, service.hook)}
        paths[f"/cds-services/{service.id}/feedback"] = {"post": _feedback(service.title)}
    return {
        "openapi": "3.1.0",
        "info": {"title": f"calcipath: {guideline.title}", "version": __version__, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": base}],
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": {"client": {"type": "http", "scheme": "bearer"}}},
        "security": [{"client": []}, {}],
    }


def _get(summary: str, schema: Any) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": _answer("As asked", schema), **_refusals("401", "429")}}


def _call(title: str, hook: str) -> dict[str, Any]:
    context: dict[str, Any] = {
        "type": "object",
        "properties": {"patientId": {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"}, "userId": STRING},
        "required": ["patientId"],
    }
    bundle = CONTEXT_BUNDLES.get(hook)
    if bundle:
        context["properties"][bundle] = {"$ref": "#/components/schemas/Bundle"}
        context["required"].append(bundle)
    body = {
        "type": "object",
        "properties": {
            "hook": {"const": hook},
            "hookInstance": {"type": "string", "format": "uuid"},
            "context": context,
            "prefetch": {"type": "object"},
            "fhirServer": {"type": "string", "format": "uri"},
        },
        "required": ["hook", "hookInstance", "context"],
    }
    answers = {"200": _answer("Cards, or none", {"$ref": "#/components/schemas/Cards"})}
    refusals = _refusals("400", "401", "404", "412", "413", "422", "429")
    return {"summary": title, "requestBody": _body(body), "responses": answers | refusals}


def _feedback(title: str) -> dict[str, Any]:
    item = {
        "type": "object",
        "properties": {
            "card": STRING,
            "outcome": {"enum": ["accepted", "overridden"]},
            "outcomeTimestamp": {"type": "string", "format": "date-time"},
            "acceptedSuggestions": {"type": "array", "items": {"type": "object"}},
            "overrideReason": {"type": "object"},
        },
        "required": ["card", "outcome", "outcomeTimestamp"],
    }
    body = {"type": "object", "properties": {"feedback": {"type": "array", "items": item}}, "required": ["feedback"]}
    answers = {"200": {"description": "Kept"}} | _refusals("400", "401", "404", "413", "429")
    return {"summary": f"Feedback on {title}", "requestBody": _body(body), "responses": answers}


def _body(schema: Any) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _answer(words: str, schema: Any) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def _refusals(*statuses: str) -> dict[str, Any]:
    content = {"application/fhir+json": {"schema": OUTCOME}}
    return {status: {"description": "Refused", "content": content} for status in statuses}


def _schemas() -> dict[str, Any]:
    card = {
        "type": "object",
        "properties": {
            "uuid": STRING,
            "summary": {"type": "string", "maxLength": 139},
            "indicator": {"enum": ["info", "warning", "critical"]},
            "detail": STRING,
            "source": {"type": "object", "required": ["label"]},
            "suggestions": {"type": "array", "minItems": 1},
            "selectionBehavior": {"enum": ["any", "at-most-one"]},
            "links": {"type": "array", "minItems": 1},
            "overrideReasons": {"type": "array", "minItems": 1},
        },
        "required": ["uuid", "summary", "indicator", "source"],
    }
    return {
        "Bundle": {
            "type": "object",
            "properties": {
                "resourceType": {"const": "Bundle"},
                "entry": {"type": "array", "items": {"type": "object"}},
            },
            "required": ["resourceType"],
        },
        "Cards": {
            "type": "object",
            "properties": {"cards": {"type": "array", "items": card}, "extension": {"type": "object"}},
            "required": ["cards"],
        },
        "Discovery": {
            "type": "object",
            "properties": {
                "services": {"type": "array", "items": {"type": "object", "required": ["hook", "id", "description"]}}
            },
            "required": ["services"],
        },
        "OperationOutcome": {
            "type": "object",
            "properties": {"resourceType": {"const": "OperationOutcome"}, "issue": {"type": "array", "minItems": 1}},
            "required": ["resourceType", "issue"],
        },
    }
