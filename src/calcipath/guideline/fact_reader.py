"""Facts and defaults of the guideline, read from their content files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calcipath.errors import GuidelineError
from calcipath.guideline.analytes import Analyte
from calcipath.guideline.entries import ContentFile, Entry, top, unique
from calcipath.guideline.expression import ExpressionError, Literal
from calcipath.guideline.expression_parser import parse
from calcipath.guideline.model import Citation, Default, Fact, Source, ValueType
from calcipath.guideline.units import UnitError, convert, parse_unit

_COMMON = ("id", "kind", "label", "obtain", "note", "sources")
_FINDING = (
    "concepts", "within", "within_inpatient", "event_kinds", "with", "without", "routes", "history", "only_history",
    "any_certainty", "confirmed_only", "any_assertion", "conditions_within", "absent_when_complete", "procedures", "denied_by",
)  # fmt: skip
_QUANTITY = ("unit", "analyte", "accepted_units", "plausible", "range", "unitless")
_KEYS: dict[str, tuple[str, ...]] = {
    "recorded": _FINDING,
    "medication": (*_FINDING, "ever", "doses_only", "not_route"),
    "positive": (*_FINDING, "any_text_is_positive"),
    "quantity": (*_FINDING, *_QUANTITY, "source"),
    "elapsed": (*_FINDING, "unit", "since", "single_sessions", "current"),
    "frequency": (*_FINDING, "unit"),
    "duration": (*_FINDING, "unit", "plausible"),
    "demographic": ("field", "values", "unit"),
    "setting": (),
    "derived": ("expression", "unit", "values", "range", "analyte"),
}
_BOOLEAN_KINDS = ("recorded", "medication", "positive", "setting")


@dataclass(frozen=True, slots=True)
class FactContext:
    """What facts refer to."""

    defaults: Mapping[str, Default]
    obtaining: Mapping[str, tuple[int, str]]
    analytes: Mapping[str, Analyte]
    sources: Mapping[str, Source]
    concepts: frozenset[str]


def read_citation(entry: Entry, sources: Mapping[str, Source]) -> Citation:
    """`{source, locator, mark}`: the source must exist and the mark may not claim more than the source was seen."""
    entry.only("source", "locator", "mark")
    name = entry.text("source")
    if name not in sources:
        raise entry.fail(f"there is no source '{name}'", "source")
    mark = entry.one_of("mark", ("S", "Q", "B", "D", "P"))
    return Citation(sources[name], entry.text("locator"), mark)  # type: ignore[arg-type]


def read_defaults(file: ContentFile, overrides: Mapping[str, object]) -> dict[str, Default]:
    """The named numbers; `overrides` are a site's own values by id, in any unit that fits."""
    found = {}
    for entry in unique(top(file).entries("defaults", required=True), "default"):
        entry.only("id", "value", "mark", "meaning")
        value, unit = number_with_unit(entry, entry.data.get("value"), "value")
        name = entry.text("id")
        mark = entry.one_of("mark", ("S", "Q", "P"))
        found[name] = Default(name, value, unit, mark, entry.text("meaning"))  # type: ignore[arg-type]
    for name, text in overrides.items():
        if name not in found:
            raise GuidelineError(f"site configuration: there is no default '{name}'")
        found[name] = _overridden(found[name], text)
    return found


def _overridden(default: Default, text: object) -> Default:
    try:
        literal = parse(str(text))
        if not isinstance(literal, Literal) or not isinstance(literal.value, float):
            raise ExpressionError("a number with its unit is needed", 0)
        value = convert(literal.value, literal.unit or "1", default.unit)
    except (ExpressionError, UnitError) as error:
        raise GuidelineError(f"site configuration: default '{default.id}': {error}") from None
    return Default(default.id, value, default.unit, default.mark, default.meaning + " (set by this site)")


def number_with_unit(entry: Entry, raw: object, key: str) -> tuple[float, str]:
    """A plain number, or a literal such as \"2.04 'mL/min/kg'\", with its unit. Raises `GuidelineError`."""
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        return float(raw), "1"
    try:
        literal = parse(str(raw))
        if not isinstance(literal, Literal) or not isinstance(literal.value, float):
            raise ExpressionError("a number with its unit is needed", 0)
        parse_unit(literal.unit)
    except (ExpressionError, UnitError) as error:
        raise entry.fail(f"'{key}': {error}", key) from None
    return literal.value, literal.unit or "1"


def read_obtaining(file: ContentFile) -> dict[str, tuple[int, str]]:
    """How a missing fact is had: id -> (effort, words)."""
    found = {}
    for entry in unique(top(file).entries("obtaining", required=True), "way of obtaining"):
        entry.only("id", "effort", "how")
        effort = entry.data.get("effort")
        if not isinstance(effort, int):
            raise entry.fail("'effort' must be a whole number", "effort")
        found[entry.text("id")] = effort, entry.text("how")
    return found


def read_fact(entry: Entry, context: FactContext) -> Fact:
    """One fact. Raises `GuidelineError` with file and line for every kind of authoring mistake."""
    kind = entry.one_of("kind", tuple(_KEYS))
    entry.only(*_COMMON, *_KEYS[kind])
    for key in ("concepts", "with", "without", "denied_by"):
        for concept in entry.texts(key):
            if concept not in context.concepts:
                raise entry.fail(f"there is no concept '{concept}' in the vocabulary", key)
    if "concepts" in _KEYS[kind] and not entry.texts("concepts"):
        raise entry.fail("a fact of this kind needs 'concepts'")
    effort, how = context.obtaining.get(entry.text("obtain"), (0, ""))
    if not how:
        raise entry.fail(
            f"'obtain' is '{entry.text('obtain')}', must be one of {', '.join(context.obtaining)}", "obtain"
        )
    return Fact(
        id=entry.text("id"),
        kind=kind,
        label=entry.text("label"),
        type=_type(entry, kind),
        obtain=how,
        effort=effort,
        concepts=entry.texts("concepts"),
        within_days=_days(entry, "within", context),
        within_days_inpatient=_days(entry, "within_inpatient", context),
        event_kinds=entry.texts("event_kinds"),
        routes=entry.texts("routes"),
        with_concepts=entry.texts("with"),
        without_concepts=entry.texts("without"),
        denied_by=entry.texts("denied_by"),
        history=entry.flag("history"),
        only_history=entry.flag("only_history"),
        any_certainty=entry.flag("any_certainty"),
        confirmed_only=entry.flag("confirmed_only"),
        any_assertion=entry.flag("any_assertion"),
        conditions_within=entry.flag("conditions_within"),
        current=entry.flag("current"),
        ever=entry.flag("ever"),
        doses_only=entry.flag("doses_only"),
        done_only=entry.text("procedures", "any") == "done",
        any_text_is_positive=entry.flag("any_text_is_positive"),
        at_least=entry.text("single_sessions", "") == "at-least",
        unitless=entry.flag("unitless"),
        from_dose=entry.text("source", "value") == "dose",
        not_route=entry.texts("not_route"),
        absent_when_complete=entry.text("absent_when_complete", "medications" if kind == "medication" else ""),
        analyte=_analyte(entry, context),
        accepted_units=entry.texts("accepted_units"),
        plausible=entry.pair("plausible"),
        range=entry.pair("range"),
        field=entry.text("field", ""),
        note=entry.text("note", ""),
        sources=tuple(read_citation(each, context.sources) for each in entry.entries("sources")),
    )


def _type(entry: Entry, kind: str) -> ValueType:
    if kind in _BOOLEAN_KINDS:
        return ValueType("boolean")
    if "unit" in entry.data:
        unit = entry.text("unit")
        try:
            parse_unit(unit)
        except UnitError as error:
            raise entry.fail(str(error), "unit") from None
        return ValueType("quantity", unit, analyte=entry.text("analyte", ""))
    if "values" in entry.data:
        return ValueType("text", values=entry.texts("values"))
    if kind in ("quantity", "elapsed", "frequency", "duration"):
        raise entry.fail("a fact of this kind needs a 'unit'")
    return ValueType("boolean")


def _analyte(entry: Entry, context: FactContext) -> Analyte | None:
    name = entry.text("analyte", "")
    if name and name not in context.analytes:
        raise entry.fail(f"there is no analyte '{name}'", "analyte")
    return context.analytes.get(name)


def _days(entry: Entry, key: str, context: FactContext) -> float | None:
    if key not in entry.data:
        by_kind = entry.data.get("kind") == "medication" and key == "within"
        return _days_of(context.defaults["drug-window"]) if by_kind and "drug-window" in context.defaults else None
    name = entry.text(key)
    if name not in context.defaults:
        raise entry.fail(f"'{key}' names the default '{name}', which does not exist", key)
    return _days_of(context.defaults[name])


def _days_of(default: Default) -> float:
    return convert(default.value, default.unit, "d")
