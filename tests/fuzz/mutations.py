"""Seeded damage to a FHIR bundle: what broken exports, wrong versions and hostile senders do to JSON."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

Place = tuple[Any, Any]  # a container and the key or position in it

HOSTILE = (
    "", " ", "\x00", "\x00\x1b[31mred", "\u202egnp.exe", "\u2066\u2069", "\ufeff", "\ud800", "ﷺ" * 40, "Z͑ͫ̓̕" * 30, "🩸🦵🏽", "İıſK",
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "{{7*7}}", "${jndi:ldap://x}", "%s%n%x", "'; DROP TABLE x;--",
    "../../etc/passwd", "file:///etc/passwd", "#", "#a", "urn:uuid:", "Patient/", "/", "a" * 5000, "no " * 2000, "(" * 3000,
    "NaN", "Infinity", "-Infinity", "1e999", "0x10", "١٢", "²", "1,5", "<5", "null", "None", "true", "[]", "{}",
    "0000-00-00", "9999-12-31", "0001-01-01", "2026-02-30", "2026-13", "26-01-01", "2026-01-15T25:00:00Z",
    "2026-01-15T10:00:00+99:00", "tomorrow", "2026-01-15T23:59:60Z", "\n\r\t", "\u2028", "no evidence of calciphylaxis",
    "entered-in-error", "cancelled", "not-done", "refuted", "active", "on-hold", "unknown", "Medication", "Bundle", "Patient",
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**30, 10**400, 1e308, -1e308, 5e-324, 1e-300, 0.1, -0.0,
    float("nan"), float("inf"), float("-inf"),
)  # fmt: skip
R5_FIELDS = {"medicationCodeableConcept": "medication", "performedPeriod": "occurrencePeriod", "period": "actualPeriod"}


def places(value: Any) -> list[Place]:
    """Every key and position below `value`."""
    found: list[Place] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
    return found


def delete(rng: random.Random, bundle: Any, place: Place) -> None:
    del place[0][place[1]]


def duplicate(rng: random.Random, bundle: Any, place: Place) -> None:
    holder, key = place
    if isinstance(holder, list):
        holder.insert(rng.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
    else:
        holder[key] = [copy.deepcopy(holder[key]), copy.deepcopy(holder[key])]


def retype(rng: random.Random, bundle: Any, place: Place) -> None:
    holder, key = place
    old = holder[key]
    holder[key] = rng.choice(
        [
            None,
            True,
            False,
            0,
            1.5,
            "text",
            [],
            {},
            [old],
            {"value": old},
            [None],
            [[]],
            old if isinstance(old, str) else "",
            [old, 7],
        ]
    )


def deepen(rng: random.Random, bundle: Any, place: Place) -> None:
    """Nested 20 to 10,000 deep, in lists or in objects, sometimes under the key's own name."""
    holder, key = place
    value = holder[key]
    name = key if isinstance(key, str) and rng.random() < 0.5 else "part"
    as_list = rng.random() < 0.5
    for _ in range(rng.choice([1, 2, 20, 300, 3000, 10_000])):
        value = [value] if as_list else {name: value}
    holder[key] = value


def swap(rng: random.Random, bundle: Any, place: Place) -> None:
    holder, key = place
    other, its_key = rng.choice(places(bundle))
    if isinstance(holder[key], dict | list) or isinstance(other[its_key], dict | list):
        holder[key], other[its_key] = copy.deepcopy(other[its_key]), copy.deepcopy(holder[key])
    else:
        holder[key], other[its_key] = other[its_key], holder[key]


def hostile(rng: random.Random, bundle: Any, place: Place) -> None:
    place[0][place[1]] = rng.choice(HOSTILE)


def hostile_key(rng: random.Random, bundle: Any, place: Place) -> None:
    if isinstance(place[0], dict):
        place[0][rng.choice(HOSTILE)] = place[0].pop(place[1])


def number(rng: random.Random, bundle: Any, place: Place) -> None:
    place[0][place[1]] = rng.choice(NUMBERS)


def splice(rng: random.Random, bundle: Any, place: Place) -> None:
    """A text with something inside it: a word, a control character, a cut."""
    holder, key = place
    old = holder[key][:2000] if isinstance(holder[key], str) else ""
    at = rng.randrange(len(old) + 1)
    holder[key] = old[:at] + rng.choice(HOSTILE)[:200] + old[at + rng.randrange(3) :]


def r5(rng: random.Random, bundle: Any, place: Place) -> None:
    for holder, key in places(bundle):
        if key in R5_FIELDS:
            held = holder.pop(key)
            holder[R5_FIELDS[key]] = {"concept": held} if key.startswith("medication") else held


def resource_type(rng: random.Random, bundle: Any, place: Place) -> None:
    found = [p for p in places(bundle) if p[1] == "resourceType" and isinstance(p[0], dict)]
    if found:
        holder, key = rng.choice(found)
        kinds = (
            "Condition",
            "Observation",
            "MedicationRequest",
            "Procedure",
            "Encounter",
            "Composition",
            "Claim",
            "MedicationUsage",
        )
        holder[key] = rng.choice(
            (*kinds, "DocumentReference", "AllergyIntolerance", "ServiceRequest", "DiagnosticReport", "Bundle")
        )


def status(rng: random.Random, bundle: Any, place: Place) -> None:
    found = [p for p in places(bundle) if p[1] in ("status", "code", "intent") and isinstance(p[0][p[1]], str)]
    if found:
        holder, key = rng.choice(found)
        words = (
            "entered-in-error",
            "cancelled",
            "not-done",
            "on-hold",
            "stopped",
            "draft",
            "plan",
            "refuted",
            "registered",
            "x",
        )
        holder[key] = rng.choice(words)


MUTATIONS: tuple[Callable[[random.Random, Any, Place], None], ...] = (
    delete, duplicate, retype, deepen, swap, hostile, hostile_key, number, splice, r5, resource_type, status,
)  # fmt: skip


def mutated(rng: random.Random, bundle: Any) -> Any:
    """A copy of the bundle with one to six mutations."""
    changed = copy.deepcopy(bundle)
    for _ in range(rng.choice([1, 1, 2, 3, 6])):
        found = places(changed)
        if found:
            rng.choice(MUTATIONS)(rng, changed, rng.choice(found))
            if deep(changed):
                break
    return changed


def deep(value: Any) -> bool:
    """Whether it is nested so deeply that copying it would exceed Python's own stack."""
    waiting = [(value, 0)]
    while waiting:
        holder, level = waiting.pop()
        if level > 100:
            return True
        inner = holder.values() if isinstance(holder, dict) else holder
        waiting.extend((v, level + 1) for v in inner if isinstance(v, dict | list))
    return False
