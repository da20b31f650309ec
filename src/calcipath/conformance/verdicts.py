"""Findings about each statement into one verdict with what was seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from calcipath.conformance.checks import OCCASIONS
from calcipath.conformance.findings import Finding
from calcipath.conformance.register import KIT, Statement, statement, statements

Verdict = Literal["pass", "fail", "warn", "not-applicable", "not-checked"]
VERDICTS: tuple[Verdict, ...] = ("fail", "warn", "not-checked", "not-applicable", "pass")
MOST_PLACES = 4


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on one statement.

    `places` are where it was broken (or, on a pass, an example of where it holds) with what was seen there; `held` and
    `broken` count the observations; `why` tells why it does not apply or was not checked.
    """

    statement: Statement
    verdict: Verdict
    places: tuple[tuple[str, str], ...] = ()
    held: int = 0
    broken: int = 0
    why: str = ""


def results(findings: Iterable[Finding], reasons: Mapping[str, str]) -> tuple[Result, ...]:
    """One result for each statement of the register, in its order, then the further rules.

    `reasons`: why a check (by its id) or a statement (by its short name) could not be made in this run. Raises
    `UnknownStatementError` for a finding about no known statement.
    """
    sorted_findings: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        sorted_findings[statement(finding.code).code].append(finding)
    return tuple(_result(one, sorted_findings[one.code], reasons) for one in statements().values())


def _result(statement: Statement, findings: Sequence[Finding], reasons: Mapping[str, str]) -> Result:
    broken = [finding for finding in findings if not finding.ok]
    held = len(findings) - len(broken)
    if broken:
        verdict: Verdict = "warn" if statement.advisory else "fail"
        return Result(statement, verdict, _places(broken), held, len(broken))
    if findings:
        return Result(statement, "pass", _places(findings)[:1], held)
    if statement.reason:
        return Result(statement, "not-checked", why=statement.reason)
    why = reasons.get(statement.code) or reasons.get(statement.checked_by)
    if why:
        return Result(statement, "not-checked", why=why)
    return Result(statement, "not-applicable", why=OCCASIONS[statement.checked_by])


def _places(findings: Sequence[Finding]) -> tuple[tuple[str, str], ...]:
    """A few places: one of each service first, then more of them."""
    turns: dict[str, int] = defaultdict(int)
    places = []
    for where, seen in dict.fromkeys((finding.where, finding.seen) for finding in findings):
        service = where.partition(",")[0]
        turns[service] += 1
        places.append((turns[service], where, seen))
    places.sort(key=lambda place: place[0])
    return tuple((where, seen) for _, where, seen in places[:MOST_PLACES])


def counts(found: Iterable[Result], *, further: bool) -> dict[Verdict, int]:
    """How many statements of the register (or further rules) have each verdict."""
    counted: dict[Verdict, int] = dict.fromkeys(VERDICTS, 0)
    for result in found:
        if (result.statement.group == KIT) == further:
            counted[result.verdict] += 1
    return counted


def failed(found: Iterable[Result]) -> bool:
    """Whether anything that is more than a recommendation is broken."""
    return any(result.verdict == "fail" for result in found)
