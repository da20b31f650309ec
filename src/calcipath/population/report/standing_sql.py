"""Which entries of the worklist stand for which patient, as one query over the facts.

For each entry a three-valued column; for each item one number whose bits tell what else must be said with it: guards
that hold or ask, cautions, the triggers of an urgent finding. The few numbers that occur are turned into words once. The
steps of the attrition are worked out in the same pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeVar

from calcipath.errors import GuidelineError
from calcipath.guideline.expression import references
from calcipath.guideline.model import Guard, Guideline, Recommendation, RiskFactor, Said, Trigger, UrgentFinding
from calcipath.guideline.worklist_model import WorklistEntry
from calcipath.population.report.attrition import counted_steps
from calcipath.population.report.packed import Packed
from calcipath.population.sql_columns import NULL, Term, chosen, column, joined, text, written
from calcipath.population.verdict_sql import GuidelineSql

BITS: Final = 62
_Item = TypeVar("_Item", Recommendation, RiskFactor, UrgentFinding)
SignalKind = Literal["held", "unknown", "now", "stands", "not-known", "caution", "trigger", "order"]


@dataclass(frozen=True, slots=True)
class Signal:
    """One bit: what it means, and the part of the guideline that it is about."""

    kind: SignalKind
    about: Guard | Said | Trigger | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """The entries of a guideline's worklist with their items."""

    guideline: Guideline

    @property
    def entries(self) -> tuple[WorklistEntry, ...]:
        return self.guideline.worklist.entries

    @property
    def items(self) -> tuple[str, ...]:
        """The items of the entries, each once."""
        return tuple(dict.fromkeys(entry.item for entry in self.entries))

    def recommendation(self, item: str) -> Recommendation | None:
        return _named(self.guideline.recommendations, item, "recommendation")

    def risk_factor(self, item: str) -> RiskFactor | None:
        return _named(self.guideline.risk_factors, item, "risk")

    def urgent(self, item: str) -> UrgentFinding | None:
        return _named(self.guideline.urgent, item, "urgent")

    def always_said(self, entry: WorklistEntry) -> tuple[Said, ...]:
        """Cautions without a condition that belong to a risk factor (those of a recommendation are in `signals`)."""
        owner = self.recommendation(f"recommendation:{entry.cautions_of}") if entry.cautions_of else None
        return tuple(said for said in owner.cautions if said.condition is None) if owner else ()

    def signals(self, item: str) -> tuple[Signal, ...]:
        """What the bits of the item's number mean, from the lowest."""
        found = tuple(self._signals(item))
        if len(found) > BITS:
            raise GuidelineError(f"'{item}' has more guards and cautions than a worklist can tell apart")
        return found

    def _signals(self, item: str) -> Iterator[Signal]:
        if finding := self.urgent(item):
            yield from (Signal("trigger", trigger) for trigger in finding.triggers)
        elif recommendation := self.recommendation(item):
            yield from (Signal("held"), Signal("unknown"), Signal("now"))
            for guard in recommendation.guards:
                yield from (Signal("stands", guard), Signal("not-known", guard))
            yield from (Signal("caution", said) for said in recommendation.cautions if said.condition)
            if any(entry.names for entry in self.entries if entry.item == item):
                orders = (said for said in recommendation.actions if said.condition and said.kind == "order")
                yield from (Signal("order", said) for said in orders)
        else:
            yield from (Signal("caution", said) for said in self._cautions_about(item))

    def _cautions_about(self, item: str) -> Iterator[Said]:
        owners = {entry.cautions_of for entry in self.entries if entry.item == item and entry.cautions_of}
        for recommendation in self.guideline.recommendations:
            if recommendation.id in owners:
                yield from (s for s in recommendation.cautions if s.condition and item in references(s.condition.tree))


def _named(found: tuple[_Item, ...], item: str, kind: str) -> _Item | None:
    return next((each for each in found if f"{kind}:{each.id}" == item), None)


class StandingSql:
    """The table of who stands where. `select` makes it, packed; `columns` are what it holds, unpacked again:

    `entry_n`, `item_n`, `group_n`, `step_n` (of the attrition) are three-valued, `detail_n` is a number.
    """

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.terms = GuidelineSql(listing.guideline)
        self.steps = counted_steps(self.terms)
        self.entries = Packed("entry", len(listing.entries))
        self._places = Packed("group", len(listing.guideline.worklist.groups))
        self._counted = Packed("step", len(self.steps))

    @cached_property
    def _groups(self) -> dict[str, Term]:
        return {g.id: self.terms.flag(g.when) for g in self.listing.guideline.worklist.groups}

    def select(self, source: str) -> str:
        """The query over a table of facts: `patient`, and whole numbers that tell the rest."""
        listing, bound = self.listing, self.terms.layers.bound
        stands = [bound(self._stands(entry)) for entry in listing.entries]
        entries = []
        for number, entry in enumerate(listing.entries):
            earlier = [stands[n] for n in range(number) if listing.entries[n].item == entry.item]
            alone = [stands[number], *(written("({} IS NOT TRUE)", term) for term in earlier)]
            entries.append(bound(joined("AND", alone)))
        outputs = [("patient", column("patient")), *self.entries.outputs(entries)]
        outputs += self._places.outputs([bound(term) for term in self._groups.values()])
        outputs += self._counted.outputs([bound(step.term) for step in self.steps])
        outputs += [(f"detail_{number}", self._detail(item)) for number, item in enumerate(listing.items)]
        return self.terms.layers.select(source, outputs)

    def columns(self) -> str:
        """What to select from the table that `select` makes."""
        items = self.listing.items
        own = [
            " OR ".join(f"entry_{n}" for n, entry in enumerate(self.listing.entries) if entry.item == item)
            for item in items
        ]
        found = [*self.entries.columns(), *self._places.columns(), *self._counted.columns()]
        found += [f"({stands}) AS item_{number}" for number, stands in enumerate(own)]
        return ", ".join([*found, *(f"detail_{number}" for number in range(len(items)))])

    def _stands(self, entry: WorklistEntry) -> Term:
        when = [self.terms.flag(entry.when)] if entry.when else []
        return joined("AND", [self._found(entry), *when, self._groups[entry.group]])

    def _found(self, entry: WorklistEntry) -> Term:
        value = self.terms.name(entry.item)
        if not entry.item.startswith("recommendation:"):
            return value if "yes" in entry.verdicts else written("({} IS NULL)", value)
        listed = written(f"({{}} IN ({', '.join('{}' for _ in entry.verdicts)}))", value, *map(text, entry.verdicts))
        if "unknown" in entry.verdicts:
            return listed
        return chosen([(written("{} = {}", value, text("unknown")), NULL)], listed)

    def _detail(self, item: str) -> Term:
        bits = [
            written(f"CASE WHEN {{}} THEN {1 << position} ELSE 0 END", self._bit(item, signal))
            for position, signal in enumerate(self.listing.signals(item))
        ]
        return written("CAST({} AS BIGINT)", joined("+", bits)) if bits else Term("CAST(0 AS BIGINT)", simple=True)

    def _bit(self, item: str, signal: Signal) -> Term:
        about = signal.about
        if signal.kind in ("held", "unknown"):
            return written("({} = {})", self.terms.name(item), text(signal.kind))
        if signal.kind == "now":
            recommendation = self.listing.recommendation(item)
            return written("({} IS TRUE)", self.terms.flag(recommendation.urgent_now if recommendation else None))
        flag = self.terms.flag(about.condition if about else None)
        return written("({} IS NULL)" if signal.kind == "not-known" else "({} IS TRUE)", flag)
