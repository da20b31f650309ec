"""Recommendations, risk factors, mimics, urgent findings and schemes, read from their content files."""

from __future__ import annotations

from collections.abc import Mapping

from calcipath.errors import GuidelineError
from calcipath.guideline.entries import Entry, unique
from calcipath.guideline.expression import ExpressionError
from calcipath.guideline.fact_reader import read_citation
from calcipath.guideline.model import (
    BestNext,
    Citation,
    Condition,
    Conflict,
    Criterion,
    Definition,
    Guard,
    Mimic,
    Point,
    Recommendation,
    RiskFactor,
    Rung,
    Said,
    Scheme,
    Source,
    Trigger,
    UrgentFinding,
    ValueType,
)
from calcipath.guideline.typecheck import BOOLEAN, TypeChecker

SECTIONS = (
    "recognise", "confirm", "investigate", "team-and-wounds", "mineral-and-bone", "anticoagulation-and-dialysis",
    "sodium-thiosulfate", "follow-up",
)  # fmt: skip
STRENGTHS = ("recommend", "suggest", "option", "no recommendation")
CERTAINTIES = ("very low", "low", "moderate", "high", "not graded")
URGENCIES = ("now", "today", "this-week", "routine")


class KnowledgeReader:
    """Turns entries into model objects; every condition is parsed and type-checked on the way."""

    def __init__(self, checker: TypeChecker, sources: Mapping[str, Source], facts: frozenset[str]) -> None:
        self._checker, self._sources, self._facts = checker, sources, facts

    def condition(self, entry: Entry, key: str, expected: ValueType = BOOLEAN) -> Condition:
        text, tree = entry.parsed(key)
        try:
            return Condition(text, self._checker.expression(tree, expected))
        except ExpressionError as error:
            raise entry.in_condition(key, entry.condition_text(key), error) from None

    def _optional(self, entry: Entry, key: str) -> Condition | None:
        return self.condition(entry, key) if key in entry.data else None

    def _citations(self, entry: Entry, key: str, *, required: bool = True) -> tuple[Citation, ...]:
        found = tuple(read_citation(each, self._sources) for each in entry.entries(key, required=required))
        if required and not found:
            raise entry.fail(f"'{key}' is empty: every statement names its source", key)
        return found

    def _fact(self, entry: Entry, key: str) -> str:
        name = entry.text(key, "")
        if name and name not in self._facts:
            raise entry.fail(f"there is no fact '{name}'", key)
        return name

    def definition(self, entry: Entry) -> Definition:
        entry.only("id", "label", "note", "expression")
        return Definition(
            entry.text("id"), entry.text("label"), BOOLEAN, self.condition(entry, "expression"), entry.text("note", "")
        )

    def risk_factor(self, entry: Entry) -> RiskFactor:
        entry.only("id", "label", "when", "note", "effect", "modifiable_by", "descriptive", "sources")
        return RiskFactor(
            entry.text("id"),
            entry.text("label"),
            self.condition(entry, "when"),
            self._citations(entry, "sources"),
            entry.one_of("modifiable_by", ("prescriber", "treatment", ""), ""),
            entry.text("note", ""),
            entry.text("effect", ""),
            entry.flag("descriptive"),
        )

    def urgent(self, entry: Entry) -> UrgentFinding:
        entry.only("id", "label", "triggers", "why", "do_now", "citations", "note")
        triggers = []
        for each in unique(entry.entries("triggers", required=True), "trigger"):
            each.only("id", "when", "finding", "fact", "mark")
            mark = each.one_of("mark", ("S", "Q", "P"))
            condition = self.condition(each, "when")
            triggers.append(Trigger(each.text("id"), condition, each.text("finding"), self._fact(each, "fact"), mark))  # type: ignore[arg-type]
        citations = self._citations(entry, "citations")
        return UrgentFinding(
            entry.text("id"),
            tuple(triggers),
            entry.text("why"),
            entry.text("do_now"),
            citations,
            entry.text("label", ""),
        )

    def mimic(self, entry: Entry) -> Mimic:
        entry.only(
            "id", "label", "discriminators", "established_when", "named_when", "for", "against", "best_next", "note"
        )
        best = []
        for each in entry.entries("best_next", required=True):
            each.only("fact", "test")
            best.append(BestNext(self._fact(each, "fact"), each.text("test")))
        return Mimic(
            entry.text("id"),
            entry.text("label"),
            entry.one_of("discriminators", ("sourced", "unsourced")) == "sourced",
            self._optional(entry, "established_when"),
            self._optional(entry, "named_when"),
            tuple(map(self._point, entry.entries("for"))),
            tuple(map(self._point, entry.entries("against"))),
            tuple(best),
            entry.text("note", ""),
        )

    def _point(self, entry: Entry) -> Point:
        entry.only("id", "when", "says", "specific", "sources")
        return Point(
            entry.text("id"),
            self.condition(entry, "when"),
            entry.text("says"),
            entry.flag("specific"),
            self._citations(entry, "sources"),
        )

    def scheme(self, entry: Entry) -> Scheme:
        entry.only("id", "label", "sources", "note", "criteria", "result", "results")
        criteria = []
        for each in entry.entries("criteria", required=True):
            each.only("id", "label", "when")
            criteria.append(Criterion(each.text("id"), each.text("label"), self.condition(each, "when")))
        results = entry.texts("results")
        return Scheme(
            entry.text("id"),
            entry.text("label"),
            tuple(criteria),
            self.condition(entry, "result", ValueType("text", values=results)),
            results,
            self._citations(entry, "sources"),
            entry.text("note", ""),
        )

    def rung(self, entry: Entry) -> Rung:
        entry.only("level", "when", "says", "assumes")
        assumes = entry.entry("assumes")
        if assumes:
            assumes.only("fact", "reason")
        return Rung(
            entry.text("level"),
            self.condition(entry, "when"),
            entry.text("says"),
            self._fact(assumes, "fact") if assumes else "",
            assumes.text("reason") if assumes else "",
        )

    def recommendation(self, entry: Entry) -> Recommendation:
        entry.only(
            "id", "section", "statement", "direction", "strength", "certainty", "urgency", "urgency_now_when", "applies",
            "hold_when", "cautions", "actions", "actions_for", "citations", "since_2015",
        )  # fmt: skip
        guards = tuple(map(self._guard, unique(entry.entries("hold_when"), "guard")))
        return Recommendation(
            id=entry.text("id"),
            section=entry.one_of("section", SECTIONS),
            statement=entry.text("statement"),
            direction=entry.one_of("direction", ("for", "against", "none")),  # type: ignore[arg-type]
            strength=entry.one_of("strength", STRENGTHS),
            certainty=entry.one_of("certainty", CERTAINTIES),
            urgency=entry.one_of("urgency", URGENCIES),
            applies=self.condition(entry, "applies"),
            guards=guards,
            cautions=tuple(self._said(each, "say") for each in entry.entries("cautions")),
            actions=tuple(
                self._said(each, "text") for each in (*entry.entries("actions"), *entry.entries("actions_for"))
            ),
            citations=self._citations(entry, "citations"),
            urgent_now=self._optional(entry, "urgency_now_when"),
            since_2015=entry.text("since_2015", ""),
            place=entry.file.name,
        )

    def _said(self, entry: Entry, key: str) -> Said:
        entry.only("when", key, "kind")
        return Said(entry.text(key), self._optional(entry, "when"), entry.text("kind", ""))

    def _guard(self, entry: Entry) -> Guard:
        entry.only("id", "when", "if_unknown", "question", "fact", "reason", "instead", "who", "conflict")
        if_unknown = entry.one_of("if_unknown", ("hold", "ask", "ignore"))
        if if_unknown == "ask" and not ("question" in entry.data and "fact" in entry.data):
            raise entry.fail("a guard that asks needs 'question' and 'fact'")
        conflict = entry.entry("conflict")
        if conflict:
            conflict.only("with", "explanation")
        return Guard(
            entry.text("id"),
            self.condition(entry, "when"),
            if_unknown,  # type: ignore[arg-type]
            entry.text("reason"),
            entry.text("instead"),
            entry.text("who"),
            entry.text("question", ""),
            self._fact(entry, "fact"),
            conflict.texts("with") if conflict else (),
            conflict.text("explanation") if conflict else "",
        )

    def conflict(self, entry: Entry) -> Conflict:
        entry.only("id", "ids", "fact", "when", "explanation")
        ids = entry.texts("ids")
        if not ids:
            raise GuidelineError(f"{entry.place}: a conflict names at least one id")
        return Conflict(
            entry.text("id"), ids, entry.text("fact"), self.condition(entry, "when"), entry.text("explanation")
        )
