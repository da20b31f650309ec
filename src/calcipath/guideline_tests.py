"""The guideline's own tests: imaginary patients as data beside the content, each with the expected verdict.

A case gives facts by id (everything else is unknown) and may fix a computed name such as `suspicion-level`, or a
default that a site sets, as a number in the unit of the default. Every recommendation needs a yes, a no, an unknown
and one held for each guard, or a stated reason why it cannot have one; every urgent trigger needs a case that fires
it, one that does not, and one that lacks the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from calcipath.assessment.outcome import Outcome
from calcipath.assessment.verdicts import Verdicts
from calcipath.errors import GuidelineError
from calcipath.guideline.entries import ContentFile, Entry, top
from calcipath.guideline.expression import ExpressionError, Literal
from calcipath.guideline.expression_parser import parse
from calcipath.guideline.model import Fact, Guideline
from calcipath.guideline.units import UnitError, conversion
from calcipath.record.evidence import Evidence, FactValue, Value
from calcipath.record.measurements import position_of

VERDICTS = ("yes", "no", "unknown", "held")


@dataclass(frozen=True, slots=True)
class Case:
    """One imaginary patient: what is given, and what is expected of one recommendation or urgent finding."""

    subject: str
    kind: str  # recommendation or urgent
    id: str
    given: Mapping[str, Any]
    expect: str
    held_by: tuple[str, ...]
    trigger: str
    entry: Entry

    @property
    def place(self) -> str:
        """File and line; found only when it is needed, because finding it reads the file again."""
        return self.entry.place


@dataclass(frozen=True, slots=True)
class Waiver:
    """A verdict that a recommendation cannot have, with the reason."""

    subject: str
    verdict: str
    reason: str
    guard: str = ""  # the waiver is about this guard; `verdict` is then what its condition cannot be


@lru_cache(maxsize=1)
def shipped_test_files() -> tuple[ContentFile, ...]:
    """The packaged test files."""
    folder = files("calcipath.guideline") / "content" / "tests"
    return tuple(
        ContentFile.parse(f"tests/{item.name}", item.read_text(encoding="utf-8"))
        for item in sorted(folder.iterdir(), key=lambda i: i.name)
        if item.name.endswith(".yaml")
    )


def read_cases(test_files: Sequence[ContentFile]) -> tuple[list[Case], list[Waiver]]:
    """Cases and waivers of the files. Raises `GuidelineError` with file and line."""
    cases: list[Case] = []
    waivers: list[Waiver] = []
    for file in test_files:
        for entry in top(file).entries("tests", required=True):
            entry.only("recommendation", "urgent", "cases", "cannot_be")
            kind = "urgent" if "urgent" in entry.data else "recommendation"
            subject = entry.text(kind)
            cases.extend(_case(each, subject, kind) for each in entry.entries("cases", required=True))
            for waiver in entry.entries("cannot_be"):
                waiver.only("verdict", "guard", "reason")
                verdict = waiver.one_of("verdict", VERDICTS)
                waivers.append(Waiver(subject, verdict, waiver.text("reason"), waiver.text("guard", "")))
    return cases, waivers


def _case(entry: Entry, subject: str, kind: str) -> Case:
    entry.only("id", "given", "expect", "held_by", "trigger")
    given = entry.entry("given")
    return Case(
        subject,
        kind,
        entry.text("id"),
        given.data if given else {},
        entry.one_of("expect", VERDICTS),
        entry.texts("held_by"),
        entry.text("trigger", ""),
        entry,
    )


class _Imagined(Verdicts):
    """Verdicts in which some computed names are fixed by the case."""

    def __init__(self, guideline: Guideline, facts: Mapping[str, FactValue], fixed: Mapping[str, Value]) -> None:
        super().__init__(guideline, facts)
        marker = (Evidence("given by the case", "Case/1"),)
        self._known.update({name: Outcome(value, marker) for name, value in fixed.items()})


def imagine(case: Case, guideline: Guideline) -> Verdicts:
    """The patient of a case. Raises `GuidelineError` for a given name that does not exist or does not fit."""
    facts: dict[str, FactValue] = {}
    fixed: dict[str, Value] = {}
    for name, raw in case.given.items():
        fact = guideline.facts.get(name)
        if fact is not None and fact.condition is None:
            facts[name] = _fact_value(fact, raw, case)
        elif name in guideline.types:
            fixed[name] = _fact_value(fact, raw, case).value if fact is not None else _plain(raw, name, guideline, case)
        else:
            raise GuidelineError(f"{case.place}: {case.id}: there is no fact '{name}'")
    return _Imagined(guideline, facts, fixed)


def _plain(raw: Any, name: str, guideline: Guideline, case: Case) -> Value:
    expected = guideline.types[name]
    if expected.kind == "boolean" and isinstance(raw, bool):
        return raw
    if expected.kind == "text" and raw in expected.values:
        return str(raw)
    if name in guideline.defaults and isinstance(raw, int | float) and not isinstance(raw, bool):
        return float(raw), float(raw)
    raise GuidelineError(f"{case.place}: {case.id}: '{name}' cannot be {raw!r}")


def _fact_value(fact: Fact, raw: Any, case: Case) -> FactValue:
    evidence = (Evidence(fact.label, "Case/1"),)
    if fact.type.kind == "boolean" and isinstance(raw, bool):
        return FactValue(raw, evidence)
    if fact.type.kind == "text" and (raw in fact.type.values):
        return FactValue(str(raw), evidence)
    if fact.type.kind == "quantity" and raw in ("below", "within", "above"):
        return FactValue(None, evidence, str(raw))
    if fact.type.kind == "quantity":
        number = _number(fact, raw, case)
        position = position_of((number, number), *fact.range) if fact.range else ""
        return FactValue((number, number), evidence, position)
    raise GuidelineError(f"{case.place}: {case.id}: '{fact.id}' cannot be {raw!r}")


def _number(fact: Fact, raw: Any, case: Case) -> float:
    try:
        literal = parse(str(raw))
        if not isinstance(literal, Literal) or not isinstance(literal.value, float):
            raise ExpressionError("a number with its unit is needed", 0)
        mass = fact.analyte.molar_mass if fact.analyte else None
        valence = fact.analyte.valence if fact.analyte else None
        factor, shift = conversion(literal.unit or "1", fact.type.unit, molar_mass_g_per_mol=mass, valence=valence)
        return literal.value * factor + shift
    except (ExpressionError, UnitError) as error:
        raise GuidelineError(f"{case.place}: {case.id}: '{fact.id}': {error}") from None


def run_case(case: Case, guideline: Guideline) -> str:
    """An empty text when the case holds, else one sentence of what came instead."""
    verdicts = imagine(case, guideline)
    if case.kind == "urgent":
        return _run_urgent(case, guideline, verdicts)
    item = next((r for r in guideline.recommendations if r.id == case.subject), None)
    if item is None:
        return f"{case.place}: there is no recommendation '{case.subject}'"
    judged = verdicts.judge(item)
    if judged.verdict != case.expect:
        return f"{case.place}: {case.subject}/{case.id}: {judged.verdict}, expected {case.expect}"
    standing = {g.guard.id for g in judged.guards if g.holds}
    missing = set(case.held_by) - standing
    if missing:
        return f"{case.place}: {case.subject}/{case.id}: the guard {min(missing)} does not stand"
    return ""


def _run_urgent(case: Case, guideline: Guideline, verdicts: Verdicts) -> str:
    finding = next((u for u in guideline.urgent if u.id == case.subject), None)
    trigger = next((t for t in finding.triggers if t.id == case.trigger), None) if finding else None
    if trigger is None:
        return f"{case.place}: there is no urgent trigger '{case.subject}/{case.trigger}'"
    value = verdicts.evaluate(trigger.condition).value
    found = "unknown" if value is None else "yes" if value is True else "no"
    return "" if found == case.expect else f"{case.place}: {case.subject}/{case.id}: {found}, expected {case.expect}"


def missing_cases(guideline: Guideline, cases: Sequence[Case], waivers: Sequence[Waiver]) -> Iterator[str]:
    """What the tests do not cover, one sentence each."""
    has = {(c.subject, c.expect) for c in cases if c.kind == "recommendation"}
    has |= {(w.subject, w.verdict) for w in waivers if not w.guard}
    held = {(c.subject, guard) for c in cases for guard in c.held_by}
    for item in guideline.recommendations:
        for verdict in ("yes", "no", "unknown"):
            if (item.id, verdict) not in has:
                yield f"tests: {item.id} has no case with verdict {verdict}"
        for guard in item.guards:
            if (item.id, guard.id) not in held:
                yield f"tests: {item.id} has no case held by {guard.id}"
    fired = {(c.subject, c.trigger, c.expect) for c in cases if c.kind == "urgent"}
    waived = {(w.subject, w.verdict) for w in waivers}
    for finding in guideline.urgent:
        for trigger in finding.triggers:
            for verdict in ("yes", "no", "unknown"):
                if (finding.id, trigger.id, verdict) not in fired and (
                    f"{finding.id}/{trigger.id}",
                    verdict,
                ) not in waived:
                    yield f"tests: urgent {finding.id}/{trigger.id} has no case with verdict {verdict}"


def missing_guard_cases(guideline: Guideline, cases: Sequence[Case], waivers: Sequence[Waiver]) -> Iterator[str]:
    """Guards for which no case makes the condition true, none makes it false, or none lacks the data."""
    seen = {(w.subject, w.guard, w.verdict) for w in waivers if w.guard}
    items = {item.id: item for item in guideline.recommendations}
    for case in cases:
        if case.kind == "recommendation" and case.subject in items:
            judged = imagine(case, guideline).judge(items[case.subject])
            words = {True: "yes", False: "no", None: "unknown"}
            seen |= {(case.subject, g.guard.id, words[g.outcome.value]) for g in judged.guards}  # type: ignore[index]
    for item in guideline.recommendations:
        for guard in item.guards:
            for word in ("yes", "no", "unknown"):
                if (item.id, guard.id, word) not in seen:
                    yield f"tests: {item.id} has no case in which the guard {guard.id} is {word}"


def check_tests(guideline: Guideline) -> list[str]:
    """All faults of the shipped guideline tests: failing cases and missing ones."""
    cases, waivers = read_cases(shipped_test_files())
    failures = [sentence for case in cases if (sentence := run_case(case, guideline))]
    missing = [*missing_cases(guideline, cases, waivers), *missing_guard_cases(guideline, cases, waivers)]
    return [*failures, *missing]
