"""The report of a check, as text and as JSON: every statement once, with its number, verdict, and what was seen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calcipath.conformance.register import KIT
from calcipath.conformance.response_checks import Timing
from calcipath.conformance.verdicts import VERDICTS, Result, Verdict, counts, failed
from calcipath.output.layout import Sheet

FORMAT = "calcipath-hooks-check/1"
HANG = 15  # columns of the verdict before its text
STYLES: Mapping[Verdict, str] = {
    "fail": "red", "warn": "yellow", "not-checked": "magenta", "not-applicable": "dim", "pass": "green",
}  # fmt: skip
HEADINGS: Mapping[Verdict, tuple[str, str]] = {
    "fail": ("Fails", "a requirement is broken"),
    "warn": ("Warnings", "a recommendation is not met"),
    "not-checked": ("Not checked", "with the reason"),
    "not-applicable": ("Not applicable", "the condition did not occur"),
    "pass": ("Passes", ""),
}


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. `started` is an instant in UTC; `timings` are in seconds."""

    url: str
    started: str
    services: tuple[str, ...]
    results: tuple[Result, ...]
    timings: tuple[Timing, ...] = ()
    calls: int = 0
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a requirement is broken."""
        return failed(self.results)

    def verdict(self, code: str) -> Verdict:
        """The verdict on a statement by its short name, such as `83`, `L16` or `K6`."""
        return next(result.verdict for result in self.results if result.statement.code == code)


def as_text(report: Report, width: int, *, colour: bool = False) -> str:
    """The report to read: services and times, then the verdicts, the broken ones first."""
    sheet = Sheet(width, colour=colour)
    sheet.paragraph(f"CDS Hooks conformance of {report.url}", style="bold")
    sheet.paragraph(f"{report.started}, {report.calls} requests, {len(report.services)} services", style="dim")
    for label, further in (("Register", False), ("Further rules", True)):
        counted = counts(report.results, further=further)
        total = sum(counted.values())
        words = ", ".join(f"{counted[verdict]} {verdict}" for verdict in reversed(VERDICTS) if counted[verdict])
        sheet.paragraph(f"{words} (of {total})", label=label, hang=HANG)
    _services(sheet, report)
    for note in report.notes:
        sheet.paragraph(note, label="Note", hang=HANG, mark="yellow")
    for verdict in VERDICTS:
        _section(sheet, verdict, [result for result in report.results if result.verdict == verdict])
    sheet.blank()
    sheet.paragraph(_ending(report), style="bold")
    return sheet.text()


def _services(sheet: Sheet, report: Report) -> None:
    if report.services:
        sheet.heading("Services", "median and slowest answer")
    times = {timing.service: timing for timing in report.timings}
    for label in report.services:
        timing = times.get(label)
        words = (
            f"{1000 * timing.median:.0f} ms, {1000 * timing.slowest:.0f} ms ({timing.calls} calls)"
            if timing
            else "no call succeeded"
        )
        sheet.paragraph(f"{label}: {words}", indent=2, hang=2)
    if report.notes:
        sheet.blank()


def _section(sheet: Sheet, verdict: Verdict, found: Sequence[Result]) -> None:
    if not found:
        return
    title, note = HEADINGS[verdict]
    sheet.heading(title, note, STYLES[verdict])
    for result in found:
        statement = result.statement
        rule = f"{statement.name} [{statement.verb}] {statement.rule}"
        sheet.paragraph(rule, label=verdict, hang=HANG, mark=STYLES[verdict])
        for line in _lines(result):
            sheet.paragraph(line, indent=HANG, hang=2, style="dim" if verdict == "pass" else "")
        if verdict in ("fail", "warn"):
            sheet.paragraph(statement.source, indent=HANG, hang=2, style="dim")


def _lines(result: Result) -> Iterator[str]:
    if result.why:
        yield result.why
    for where, seen in result.places:
        prefix = "for example " if result.verdict == "pass" and result.held > 1 else ""
        yield f"{prefix}{where}: {seen}" if seen else f"{prefix}{where}"
    if result.broken > len(result.places):
        yield f"{result.broken} times in all, {result.held} times as it should be"
    elif result.verdict == "pass" and result.held > 1:
        yield f"{result.held} times in all"


def _ending(report: Report) -> str:
    broken = sum(result.verdict == "fail" for result in report.results)
    if broken:
        return f"{broken} requirements are broken."
    return "No requirement was seen to be broken. What was not checked or did not occur is not thereby met."


def as_json(report: Report) -> str:
    """The report for programs: format `calcipath-hooks-check/1`."""
    content = {
        "format": FORMAT,
        "url": report.url,
        "started": report.started,
        "requests": report.calls,
        "failed": report.failed,
        "services": list(report.services),
        "counts": {
            "register": counts(report.results, further=False),
            "further": counts(report.results, further=True),
        },
        "timing": [
            {
                "service": timing.service,
                "calls": timing.calls,
                "median_ms": round(1000 * timing.median, 1),
                "slowest_ms": round(1000 * timing.slowest, 1),
            }
            for timing in report.timings
        ],
        "notes": list(report.notes),
        "statements": [_entry(result) for result in report.results if result.statement.group != KIT],
        "further": [_entry(result) for result in report.results if result.statement.group == KIT],
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _entry(result: Result) -> Mapping[str, Any]:
    statement = result.statement
    entry: dict[str, Any] = {
        "set": statement.group,
        "number": statement.number,
        "conformance": statement.verb,
        "conditional": statement.conditional,
        "verdict": result.verdict,
        "rule": statement.rule,
        "source": statement.source,
        "held": result.held,
        "broken": result.broken,
        "seen": [{"where": where, "what": seen} for where, seen in result.places],
    }
    if statement.checked_by:
        entry["checked_by"] = statement.checked_by
    if result.why:
        entry["reason"] = result.why
    return entry
