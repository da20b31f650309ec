"""Prefetch templates: their tokens, what each hook allows in them, and the recommended subset of queries.

Anchors: CDS Hooks 2.0 "Prefetch tokens" (#55 to #57, #59), "Prefetch query restrictions" (#58), the hook library's column
"Prefetch Token". A service that states version 3 may use the paths of that ballot ("Simpler FHIRPath").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from calcipath.conformance.findings import Finding, Service, judge
from calcipath.conformance.hooks import HOOKS, USER_TOKENS, Hook

TOKEN = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_FIELD = re.compile(r"context\.([A-Za-z_][A-Za-z0-9_]*)")
_DEEPER = re.compile(r"context\.([A-Za-z_][A-Za-z0-9_]*)[.\[(].*", re.DOTALL)
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LATER_PATH = re.compile(
    r"(?:context|%[A-Za-z_][\w-]*)(?:\.[A-Za-z]\w*|\.ofType\([A-Z][A-Za-z]+\)|\.resolve\(\))+", re.ASCII
)
_TODAY = re.compile(r"today\(\)(?:\s*[+-]\s*\d+\s+days)?")
_VARIABLE = re.compile(r"%([A-Za-z_][\w-]*)")
_READ = re.compile(r"[A-Z][A-Za-z]+/[^/?#\s]+")
_SEARCH = re.compile(r"[A-Z][A-Za-z]+\?([^#\s]+)")
_RESULTS = frozenset({"_count", "_sort", "_maxresults", "_id", "_lastUpdated"})
_FILLED = "\x00"  # stands for a token's value while a query is read
_OTHER_PREFIX = re.compile(rf"(?:ne|sa|eb|ap)(?:\d{{4}}|{_FILLED})")


def tokens_of(query: str) -> tuple[str, ...]:
    """What stands between double braces."""
    return tuple(TOKEN.findall(query))


def template_findings(service: Service) -> Iterator[Finding]:
    """Everything about the templates of one service."""
    earlier: list[str] = []
    for key, query in service.prefetch.items():
        where = f"{service.label}: prefetch.{key}"
        yield from _delimiters(query, where)
        found = tokens_of(query)
        if found:
            yield from judge("35", True, where, query)
        for token in found:
            yield from token_findings(token, service, earlier, where)
        fault = query_fault(query)
        yield from judge("58", not fault, where, f"{query}: {fault}" if fault else query)
        earlier.append(key)


def _delimiters(query: str, where: str) -> Iterator[Finding]:
    if "{" not in query and "}" not in query:
        return
    rest = TOKEN.sub("", query)
    broken = "{" in rest or "}" in rest or any("{" in token for token in tokens_of(query))
    yield from judge("55", not broken, where, query)


def token_findings(token: str, service: Service, earlier: Sequence[str], where: str) -> Iterator[Finding]:
    """Everything about one token. `earlier` are the keys of the templates listed before it."""
    hook = HOOKS.get(service.hook)
    root, deeper = _FIELD.fullmatch(token), _DEEPER.fullmatch(token)
    if token in USER_TOKENS:
        yield from judge("56", True, where, token)
    elif root:
        yield from _root_field(root[1], hook, where)
    elif service.later_than_2:
        fault = _later_fault(token, earlier)
        yield from judge("56", not fault, where, f"{token}: {fault}" if fault else token)
    elif deeper:
        yield from judge("57", False, where, f"{token}: not a root-level field")
        yield from _library(deeper[1], hook, where)
    else:
        yield from judge("56", False, where, token)
        if hook and _BARE.fullmatch(token) and token in hook.fields:
            yield from judge("59", False, where, f"{token}, not context.{token}")


def _root_field(field: str, hook: Hook | None, where: str) -> Iterator[Finding]:
    yield from judge("59", True, where, f"context.{field}")
    if hook is None:
        yield from judge("56", True, where, f"context.{field}")
        return
    yield from judge("56", field in hook.fields, where, f"context.{field}")
    if field in hook.fields:
        yield from judge("57", field in hook.tokens, where, f"context.{field}")
        yield from _library(field, hook, where)


def _library(field: str, hook: Hook | None, where: str) -> Iterator[Finding]:
    number = hook.numbers.get(field) if hook else None
    if hook and number:
        yield from judge(f"L{number}", field in hook.tokens, where, f"context.{field}")


def _later_fault(token: str, earlier: Iterable[str]) -> str:
    """What is wrong with a token by the 3.0 ballot; empty when it is sound."""
    for part in (piece.strip() for piece in token.split("|")):
        if not (_LATER_PATH.fullmatch(part) or _TODAY.fullmatch(part)):
            return "neither a path of the 3.0 ballot nor today()"
        variable = _VARIABLE.match(part)
        if variable and variable[1] not in earlier:
            return f"%{variable[1]} is no template listed before"
    return ""


def query_fault(query: str) -> str:
    """Why a query is outside the recommended subset; empty when it is inside."""
    filled = TOKEN.sub(_FILLED, query)
    if filled == _FILLED or _READ.fullmatch(filled):
        return ""
    search = _SEARCH.fullmatch(filled)
    if search is None:
        return "neither a relative read (Type/id) nor a search of one type (Type?...)"
    for pair in search[1].split("&"):
        fault = _parameter_fault(*pair.partition("=")[::2])
        if fault:
            return fault
    return ""


def _parameter_fault(name: str, value: str) -> str:
    name, _, modifier = name.partition(":")
    if not name or not value:
        return "a parameter without a name or a value"
    if modifier and (modifier != "in" or name.startswith("_")):
        return f"the modifier :{modifier}"
    if "." in name:
        return f"the chained parameter {name}"
    if name.startswith("_") and name not in _RESULTS:
        return f"the parameter {name}"
    if _OTHER_PREFIX.match(value):
        return f"the date prefix {value[:2]}"
    return ""


def shall_not_findings(services: Sequence[Service]) -> Iterator[Finding]:
    """Good findings for tokens that a hook forbids and that none of its services with templates uses."""
    for hook in HOOKS.values():
        asking = [service for service in services if service.hook == hook.name and service.prefetch]
        for field in hook.others:
            number = hook.numbers.get(field)
            if not (number and asking):
                continue
            texts = [token for service in asking for query in service.prefetch.values() for token in tokens_of(query)]
            if not any(re.match(rf"context\.{field}(?![A-Za-z0-9_])", token) for token in texts):
                names = ", ".join(service.label for service in asking)
                yield from judge(f"L{number}", True, names, f"context.{field} is in no template")
