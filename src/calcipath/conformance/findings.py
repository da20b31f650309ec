"""What the checks see and say: services, exchanges with them, and single findings about numbered statements."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

from calcipath.conformance.states import State

MOST_SHOWN = 160  # characters of a seen value in a report
DEEPEST = 200  # levels of nesting that are looked into


class _NotJson:
    """Stands for a body that is not JSON."""

    def __repr__(self) -> str:
        return "not JSON"


NOT_JSON: Final = _NotJson()


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation about one statement. `code` is its short name; `ok` says whether it holds here."""

    code: str
    ok: bool
    where: str
    seen: str = ""


def judge(codes: str, ok: bool, where: str, seen: object = "") -> Iterator[Finding]:
    """The same observation about one or more statements; what comes from the service is made safe to print."""
    words = safe(seen) if isinstance(seen, str) else shown(seen)
    place = safe(where)
    for code in codes.split():
        yield Finding(code, ok, place, words)


def safe(text: str) -> str:
    """A text of the service as a report shows it: one line of at most 160 printable characters."""
    text = "".join(character if character.isprintable() else "?" for character in text[: 2 * MOST_SHOWN])
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


def shown(value: object) -> str:
    """A JSON value as a report shows it: at most 160 characters, on one line."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return safe(text)


@dataclass(frozen=True)
class Answer:
    """The answer to one request. `failure` says in words why there was none; `status` is 0 then.

    `headers` have lower-case names; `seconds` is the time until the last byte.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    failure: str = ""

    @property
    def success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def described(self) -> str:
        """The status, or why there was no answer, in words."""
        return f"status {self.status}" if self.status else self.failure or "no answer"

    @cached_property
    def _parsed(self) -> tuple[Any, tuple[str, ...]]:
        return parse(self.body)

    @property
    def value(self) -> Any:
        """The body as JSON, or `NOT_JSON`."""
        return self._parsed[0]

    @property
    def repeated_names(self) -> tuple[str, ...]:
        """Member names that an object of the body holds twice."""
        return self._parsed[1]

    @property
    def outcome(self) -> Mapping[str, Any] | None:
        """The body when it is an OperationOutcome with an issue."""
        value = self.value
        if isinstance(value, dict) and value.get("resourceType") == "OperationOutcome" and value.get("issue"):
            return value
        return None


def parse(body: bytes) -> tuple[Any, tuple[str, ...]]:
    """Strict JSON (RFC 8259) and the member names that stand twice in an object; `NOT_JSON` for anything else.

    JSON that nests deeper than 200 levels counts as none: RFC 8259 lets a reader set such a limit.
    """
    repeated: list[str] = []

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in members:
            if name in found:
                repeated.append(name)
            found[name] = value
        return found

    def refused(_: str) -> None:
        raise ValueError

    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=pairs, parse_constant=refused)
    except (ValueError, RecursionError):
        return NOT_JSON, ()
    return (NOT_JSON, ()) if _too_deep(value) else (value, tuple(repeated))


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            member
            for holder in level
            if isinstance(holder, dict | list)
            for member in (holder.values() if isinstance(holder, dict) else holder)
        ]
        if not level:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Service:
    """One entry of discovery that can be called. `prefetch` holds its usable templates."""

    id: str
    hook: str
    prefetch: Mapping[str, str] = field(default_factory=dict)
    version: str = ""

    @property
    def label(self) -> str:
        """How reports name it."""
        return safe(f"{self.id} ({self.hook})")

    @property
    def later_than_2(self) -> bool:
        """Whether it says that it implements version 3 or later of the specification."""
        found = re.match(r"(\d+)\.", self.version)
        return found is not None and int(found[1]) >= 3


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call of a service with a conformant request, and its answer.

    `usual` is the status of the same call with full prefetch, where that is known (0 otherwise).
    """

    service: Service
    state: State
    request: Mapping[str, Any]
    answer: Answer
    usual: int = 0

    @property
    def where(self) -> str:
        """How reports name it."""
        return f"{self.service.label}, {self.state}"


def is_text(value: object) -> bool:
    """Whether a value is a string that says something."""
    return isinstance(value, str) and bool(value.strip())


def is_absolute_url(value: object) -> bool:
    """Whether a value is an absolute http or https URL."""
    if not isinstance(value, str) or any(character.isspace() for character in value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def is_reference(value: object) -> bool:
    """Whether a value is a relative reference, `Type/id`."""
    return isinstance(value, str) and re.fullmatch(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}", value) is not None


def resource_name(resource: object) -> str:
    """`Type/id` of a resource, empty when it has none."""
    if not isinstance(resource, Mapping):
        return ""
    kind, name = resource.get("resourceType"), resource.get("id")
    return f"{kind}/{name}" if isinstance(kind, str) and isinstance(name, str) else ""
