"""Reads the guideline's content files into the checked model.

Everything that can be wrong in the content is found here, with file and line: unknown keys, dangling ids, missing
sources, unknown units, types and dimensions that do not fit, cycles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from calcipath.errors import GuidelineError
from calcipath.guideline.analytes import AnalyteError, read_analytes
from calcipath.guideline.context_rules import ContextRulesError
from calcipath.guideline.dependencies import require_no_cycle
from calcipath.guideline.entries import ContentFile, Entry, top, unique
from calcipath.guideline.expression import Expression, ExpressionError
from calcipath.guideline.fact_reader import FactContext, read_citation, read_defaults, read_fact, read_obtaining
from calcipath.guideline.hook_knowledge import read_hook_knowledge
from calcipath.guideline.interview_reader import read_interview
from calcipath.guideline.knowledge_reader import KnowledgeReader
from calcipath.guideline.model import Condition, Default, Fact, Guideline, Source, ValueType
from calcipath.guideline.patient_information_reader import read_patient_information
from calcipath.guideline.thiosulfate_knowledge import (
    PRODUCT_STATED,
    TIGHTEN_ONLY,
    ThiosulfateKnowledge,
    only_tightened,
    read_thiosulfate,
    stated_product,
)
from calcipath.guideline.typecheck import TypeChecker
from calcipath.guideline.unit_aliases import UnitAliases, read_unit_aliases
from calcipath.guideline.vocabulary import VocabularyError, build_vocabulary
from calcipath.guideline.worklist_reader import read_worklist

STANDINGS = ("established", "favoured", "possible", "unlikely")
VERDICTS = ("yes", "no", "unknown", "held")
LEVELS = ("confirmed", "clinical", "suspected", "at-risk", "not-suspected", "undetermined")
COMPUTED: Mapping[str, ValueType] = {
    "suspicion-level": ValueType("text", values=LEVELS),
    "any-mimic-established": ValueType("boolean"),
    "any-mimic-leads": ValueType("boolean"),
    "any-risk-factor": ValueType("boolean"),
    "any-urgent": ValueType("boolean"),
}


@dataclass(frozen=True, slots=True)
class Content:
    """The content as text: YAML files by name (`facts/kidney.yaml`) and rows of the value sets."""

    files: Mapping[str, str]
    value_set_rows: Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Site:
    """What a site adds: code systems, value-set rows, vocabulary documents and its own values of defaults."""

    code_systems: Mapping[str, str] = field(default_factory=dict)
    value_set_rows: Sequence[Mapping[str, str]] = ()
    vocabulary: Sequence[tuple[str, Mapping[str, Any]]] = ()
    defaults: Mapping[str, object] = field(default_factory=dict)
    product: Mapping[str, object] = field(default_factory=dict)  # the site's one sodium thiosulfate product


def read_guideline(content: Content, site: Site | None = None) -> Guideline:
    """The whole guideline, checked. Raises `GuidelineError` naming file and line."""
    return _Reading(content, site or Site()).guideline()


def read_thiosulfate_knowledge(content: Content, site: Site | None = None) -> ThiosulfateKnowledge:
    """Only what the dosing needs: quick, as the vocabulary is not read. Raises `GuidelineError`."""
    return _Reading(content, site or Site(), only=("sources.yaml", "defaults.yaml", "thiosulfate/")).thiosulfate()


class _Reading:
    def __init__(self, content: Content, site: Site, only: tuple[str, ...] = ("",)) -> None:
        self._content, self._site = content, site
        self._files = {
            name: ContentFile.parse(name, text) for name, text in sorted(content.files.items()) if name.startswith(only)
        }

    def thiosulfate(self) -> ThiosulfateKnowledge:
        """What the content holds on sodium thiosulfate."""
        for name in ("parameters", "products", "regimens", "wording", "record"):
            self._file(f"thiosulfate/{name}.yaml")
        found = read_thiosulfate(self._files, self._sources(), self._defaults())
        return stated_product(found, self._site.product) if self._site.product else found

    def _defaults(self) -> dict[str, Default]:
        stated = {PRODUCT_STATED: "1"} if self._site.product else {}
        found = read_defaults(self._file("defaults.yaml"), {**self._site.defaults, **stated})
        if set(TIGHTEN_ONLY) & set(self._site.defaults):
            only_tightened(read_defaults(self._file("defaults.yaml"), {}), found)
        return found

    def _file(self, name: str) -> ContentFile:
        if name not in self._files:
            raise GuidelineError(f"the content file {name} is missing")
        return self._files[name]

    def _folder(self, name: str) -> list[ContentFile]:
        return [file for path, file in self._files.items() if path.startswith(name + "/")]

    def guideline(self) -> Guideline:
        identity = top(self._file("guideline.yaml"))
        sources = self._sources()
        defaults = self._defaults()
        vocabulary = self._vocabulary()
        try:
            analytes = read_analytes(self._file("analytes.yaml").data)
        except AnalyteError as error:
            raise GuidelineError(f"analytes.yaml: {error}") from None
        context = FactContext(
            defaults,
            read_obtaining(self._file("facts/obtaining.yaml")),
            analytes,
            sources,
            frozenset(vocabulary.concepts),
        )
        fact_entries = unique(
            [
                entry
                for file in self._folder("facts")
                if file.name != "facts/obtaining.yaml"
                for entry in top(file).entries("facts", required=True)
            ],
            "fact",
        )
        facts = {entry.text("id"): read_fact(entry, context) for entry in fact_entries}
        entries = self._entries()
        types = self._types(facts, entries, context)
        checker = TypeChecker(types, analytes)
        reader = KnowledgeReader(checker, sources, frozenset(facts))
        facts = {
            entry.text("id"): self._with_condition(facts[entry.text("id")], entry, checker) for entry in fact_entries
        }
        guideline = Guideline(
            id=identity.text("id"),
            version=identity.text("version"),
            date=str(identity.data.get("date", "")),
            title=identity.text("title"),
            sources=sources,
            defaults=defaults,
            facts=facts,
            definitions={d.id: d for d in map(reader.definition, entries["definition"])},
            risk_factors=tuple(map(reader.risk_factor, entries["risk"])),
            urgent=tuple(map(reader.urgent, entries["urgent"])),
            mimics=tuple(map(reader.mimic, entries["mimic"])),
            schemes=tuple(map(reader.scheme, entries["scheme"])),
            ladder=tuple(map(reader.rung, entries["rung"])),
            recommendations=tuple(map(reader.recommendation, entries["recommendation"])),
            conflicts=tuple(map(reader.conflict, entries["conflict"])),
            vocabulary=vocabulary,
            aliases=self._aliases(),
            types=types,
            thiosulfate=self.thiosulfate(),
            hooks=read_hook_knowledge(
                top(self._file("hooks.yaml")),
                reader.condition,
                frozenset(entry.text("id") for entry in entries["recommendation"]),
                frozenset(vocabulary.concepts),
            ),
            interview=read_interview(top(self._file("interview.yaml")), facts, vocabulary, sources),
            worklist=read_worklist(
                top(self._file("worklist.yaml")),
                reader.condition,
                [
                    f"{kind}:{entry.text('id')}"
                    for kind in ("recommendation", "risk", "urgent")
                    for entry in entries[kind]
                ],
            ),
            patient_information=read_patient_information(
                top(self._file("patient-information.yaml")),
                sources,
                {f"{kind}:{entry.text('id')}" for kind in ("recommendation", "risk") for entry in entries[kind]},
            ),
        )
        self._require_known_ids(guideline, entries)
        require_no_cycle(guideline)
        return guideline

    def _sources(self) -> dict[str, Source]:
        found = {}
        for entry in unique(top(self._file("sources.yaml")).entries("sources", required=True), "source"):
            entry.only("id", "seen", "citation", "doi")
            mark = entry.one_of("seen", ("S", "Q", "B", "D", "P"))
            doi = entry.text("doi", "")
            found[entry.text("id")] = Source(entry.text("id"), entry.text("citation"), mark, doi)  # type: ignore[arg-type]
        return found

    def _vocabulary(self) -> Any:
        try:
            return build_vocabulary(
                [(file.name, file.data) for file in self._folder("vocabulary")],
                self._content.value_set_rows,
                ("context-rules.yaml", self._file("context-rules.yaml").data),
                site_documents=self._site.vocabulary,
                site_rows=self._site.value_set_rows,
            )
        except (VocabularyError, ContextRulesError) as error:
            raise GuidelineError(str(error)) from None

    def _aliases(self) -> UnitAliases:
        try:
            return read_unit_aliases(self._file("unit-aliases.yaml").data)
        except AnalyteError as error:
            raise GuidelineError(f"unit-aliases.yaml: {error}") from None

    def _entries(self) -> dict[str, list[Entry]]:
        suspicion = top(self._file("suspicion.yaml"))
        suspicion.only("definitions", "levels", "schemes")
        recommendations = [
            entry
            for file in self._folder("recommendations")
            for entry in top(file).entries("recommendations", required=True)
        ]
        return {
            "definition": unique(suspicion.entries("definitions", required=True), "definition"),
            "scheme": unique(suspicion.entries("schemes", required=True), "scheme"),
            "rung": list(suspicion.entries("levels", required=True)),
            "risk": unique(top(self._file("risk-factors.yaml")).entries("risk_factors", required=True), "risk factor"),
            "urgent": unique(top(self._file("urgent.yaml")).entries("urgent", required=True), "urgent finding"),
            "mimic": unique(top(self._file("differential.yaml")).entries("mimics", required=True), "mimic"),
            "recommendation": unique(recommendations, "recommendation"),
            "conflict": unique(top(self._file("conflicts.yaml")).entries("conflicts", required=True), "conflict"),
        }

    def _types(
        self, facts: Mapping[str, Fact], entries: Mapping[str, list[Entry]], context: FactContext
    ) -> dict[str, ValueType]:
        types: dict[str, ValueType] = dict(COMPUTED)
        types.update({name: ValueType("quantity", each.unit) for name, each in context.defaults.items()})
        types.update({name: fact.type for name, fact in facts.items()})
        for entry in entries["definition"]:
            if entry.text("id") in types:
                raise entry.fail("this name is already a fact or default", "id")
            types[entry.text("id")] = ValueType("boolean")
        types.update({f"risk:{e.text('id')}": ValueType("boolean") for e in entries["risk"]})
        types.update({f"urgent:{e.text('id')}": ValueType("boolean") for e in entries["urgent"]})
        types.update({f"mimic:{e.text('id')}": ValueType("text", values=STANDINGS) for e in entries["mimic"]})
        types.update(
            {f"recommendation:{e.text('id')}": ValueType("text", values=VERDICTS) for e in entries["recommendation"]}
        )
        for scheme in entries["scheme"]:
            types[f"scheme:{scheme.text('id')}"] = ValueType("text", values=scheme.texts("results"))
            for criterion in unique(scheme.entries("criteria", required=True), "criterion"):
                types[f"criterion:{criterion.text('id')}"] = ValueType("boolean")
        return types

    def _with_condition(self, fact: Fact, entry: Entry, checker: TypeChecker) -> Fact:
        if fact.kind != "derived":
            return fact
        text, tree = entry.parsed("expression")
        checked = self._checked(entry, "expression", tree, checker, checker.type_of(fact.id))
        return replace(fact, condition=Condition(text, checked), type=checker.type_of(fact.id))

    def _checked(
        self, entry: Entry, key: str, tree: Expression, checker: TypeChecker, expected: ValueType
    ) -> Expression:
        try:
            return checker.expression(tree, expected)
        except ExpressionError as error:
            raise entry.in_condition(key, entry.condition_text(key), error) from None

    def _require_known_ids(self, guideline: Guideline, entries: Mapping[str, list[Entry]]) -> None:
        inputs = guideline.thiosulfate.record_inputs
        for name in inputs.facts():
            if name not in guideline.facts:
                raise GuidelineError(f"thiosulfate/record.yaml: there is no fact '{name}'")
        known = {r.id for r in guideline.recommendations}
        for name in inputs.recommendations():
            if name not in known:
                raise GuidelineError(f"thiosulfate/record.yaml: there is no recommendation '{name}'")
        known |= {r.id for r in guideline.risk_factors}
        known |= {m.id for m in guideline.mimics} | {u.id for u in guideline.urgent}
        for entry, conflict in zip(entries["conflict"], guideline.conflicts, strict=True):
            for name in conflict.ids:
                if name not in known:
                    raise entry.fail(f"there is no recommendation, risk factor or mimic '{name}'", "ids")
        for entry, each in zip(entries["recommendation"], guideline.recommendations, strict=True):
            for guard in each.guards:
                for name in guard.conflict_with:
                    if name not in known:
                        raise entry.fail(
                            f"guard '{guard.id}': there is no recommendation or risk factor '{name}'", "hold_when"
                        )


__all__ = ["Content", "Site", "read_citation", "read_guideline"]
