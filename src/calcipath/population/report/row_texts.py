"""The words of a worklist row, for an entry and what stands with it: plain data, the same for every such patient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from calcipath.guideline.expression import references
from calcipath.guideline.model import Citation, Condition, Guard, Guideline, Said, Trigger
from calcipath.guideline.worklist_model import CHANGES, WorklistEntry
from calcipath.output.wording import MARKS, URGENCIES, sentence
from calcipath.population.report.standing_sql import Listing, Signal

BETWEEN = " | "


@dataclass(frozen=True, slots=True)
class RowText:
    """Everything in a row that does not depend on the patient. `facts`: what else the record says that bears on it.

    `computed`: numbers that the guideline works out of the record and that trigger an urgent finding.
    """

    entry: int
    detail: int
    urgency: str
    urgency_place: int
    changes: str
    changes_place: int
    list_group: str
    group_label: str
    item: str
    verdict: str
    what: str
    to_do: str
    held_by: str
    decides: str
    ask_first: str
    cautions: str
    strength: str
    source: str
    facts: list[str]
    computed: list[str]


def row_text(listing: Listing, number: int, detail: int) -> RowText:
    """The words of the entry of this number, with the bits of its item."""
    entry = listing.entries[number]
    signals = [s for place, s in enumerate(listing.signals(entry.item)) if detail >> place & 1]
    guards = _guards(signals)
    urgency = _urgency(listing, entry, signals)
    held = any(signal.kind == "held" for signal in signals)
    conditions = [entry.when, *(g.condition for g, stands in guards if stands and held)]
    return RowText(
        number,
        detail,
        urgency,
        0 if listing.urgent(entry.item) else 1 + list(URGENCIES).index(urgency),  # what cannot wait comes first
        entry.changes,
        CHANGES.index(entry.changes),
        entry.group,
        listing.guideline.worklist.group(entry.group).label,
        entry.item,
        "held" if held else "unknown" if any(s.kind == "unknown" for s in signals) else "yes",
        _what(listing, entry, signals),
        _to_do(entry, guards if held else [], [] if held else signals),
        BETWEEN.join(_holding(guard, stands) for guard, stands in _holds(guards)) if held else "",
        BETWEEN.join(dict.fromkeys(guard.who for guard, _ in _holds(guards))) if held else "",
        BETWEEN.join(dict.fromkeys(g.question for g, stands in guards if not stands and g.if_unknown == "ask")),
        BETWEEN.join(said.text for said in _cautions(listing, entry, signals)),
        _strength(listing, entry.item),
        "; ".join(map(cited, _citations(listing, entry.item))),
        list(_facts(conditions, listing.guideline)),
        [s.about.fact for s in signals if isinstance(s.about, Trigger) and s.about.fact in computed_numbers(listing)],
    )


def computed_numbers(listing: Listing) -> tuple[str, ...]:
    """The numbers, worked out of others, that trigger urgent findings of the list."""
    findings = [finding for entry in listing.entries if (finding := listing.urgent(entry.item))]
    names = dict.fromkeys(trigger.fact for finding in findings for trigger in finding.triggers)
    facts = [listing.guideline.facts[name] for name in names]
    return tuple(fact.id for fact in facts if fact.condition and fact.type.kind == "quantity")


def _guards(signals: Iterable[Signal]) -> list[tuple[Guard, bool]]:
    """The guards that stand (true), and those that are not known (false)."""
    return [(s.about, s.kind == "stands") for s in signals if isinstance(s.about, Guard)]


def _holds(guards: list[tuple[Guard, bool]]) -> list[tuple[Guard, bool]]:
    return [(guard, stands) for guard, stands in guards if stands or guard.if_unknown == "hold"]


def _holding(guard: Guard, stands: bool) -> str:
    return sentence(guard.reason) if stands else f"Not known: {guard.question or guard.reason}"


def _to_do(entry: WorklistEntry, guards: list[tuple[Guard, bool]], signals: list[Signal]) -> str:
    holds = _holds(guards)
    if not holds:
        named = "; ".join(s.about.text for s in signals if s.kind == "order" and isinstance(s.about, Said))
        return f"{entry.review} {entry.names}: {named}." if entry.names and named else entry.review
    first = " ".join(dict.fromkeys(guard.instead for guard, _ in holds))
    who = ", ".join(dict.fromkeys(guard.who for guard, _ in holds))
    return f"Held: ask {who} before anything is changed. For them: {first}"


def _urgency(listing: Listing, entry: WorklistEntry, signals: list[Signal]) -> str:
    if listing.urgent(entry.item) or any(signal.kind == "now" for signal in signals):
        return "now"
    recommendation = listing.recommendation(entry.item)
    return recommendation.urgency if recommendation else entry.urgency


def _what(listing: Listing, entry: WorklistEntry, signals: list[Signal]) -> str:
    if entry.what:
        return entry.what
    triggers = [signal.about.finding for signal in signals if isinstance(signal.about, Trigger)]
    if triggers:
        return triggers[0]
    factor = listing.risk_factor(entry.item)
    return sentence(factor.label) if factor else entry.item


def _cautions(listing: Listing, entry: WorklistEntry, signals: list[Signal]) -> Iterator[Said]:
    yield from listing.always_said(entry)
    yield from (s.about for s in signals if s.kind == "caution" and isinstance(s.about, Said))
    recommendation = listing.recommendation(entry.item)
    if recommendation:
        yield from (said for said in recommendation.cautions if said.condition is None)


def _strength(listing: Listing, item: str) -> str:
    recommendation = listing.recommendation(item)
    if recommendation:
        return f"{recommendation.strength}, {recommendation.certainty} certainty"
    return "urgent finding" if listing.urgent(item) else "risk factor, not a recommendation"


def _citations(listing: Listing, item: str) -> tuple[Citation, ...]:
    found = listing.recommendation(item) or listing.urgent(item)
    if found:
        return found.citations
    factor = listing.risk_factor(item)
    return factor.sources if factor else ()


def cited(citation: Citation) -> str:
    """A source in one line, with its place and how far it was verified."""
    return f"{citation.source.citation}, {citation.locator} ({MARKS.get(citation.mark, citation.mark)})"


def _facts(conditions: Iterable[Condition | None], guideline: Guideline) -> Iterator[str]:
    """The facts that conditions read, derived ones opened; not those behind levels, mimics or findings."""
    waiting = [name for condition in conditions if condition for name in references(condition.tree)]
    seen = set[str]()
    while waiting:
        name = waiting.pop(0)
        fact = guideline.facts.get(name)
        if fact is None or name in seen:
            continue
        seen.add(name)
        if fact.condition is None:
            yield name
        else:
            waiting.extend(references(fact.condition.tree))
