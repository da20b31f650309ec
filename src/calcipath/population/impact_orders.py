"""Orders as a dialysis unit signs them, read as if they were signed: what they make of any patient's facts.

The order is read by the reader of one patient, with nothing else in the record. What it says then is laid over the
facts of each patient: a drug that it orders is taken, its dose is the newest, and something begins with it where
nothing of the kind began earlier.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from calcipath.guideline.hook_knowledge import HookKnowledge, WatchedOrder
from calcipath.guideline.model import Fact, Guideline
from calcipath.hooks.draft_orders import Draft, as_signed, drafts, watched
from calcipath.population.forms import VOTES
from calcipath.population.sql_columns import identifier, number, text
from calcipath.population.verdict_sql import HIGH, LOW, PLACE
from calcipath.record.dates import parse_when
from calcipath.record.evidence import FactValue, Interval
from calcipath.record.facts import pick_facts
from calcipath.record.fhir.raw import RawResource
from calcipath.record.reader import read_resources
from calcipath.record.recognition import recognise

PATIENT: Final = "anyone"
NOW: Final = "2026-01-15T12:00:00Z"  # any instant: what an order says does not depend on it
DEMOGRAPHIC: Final = ("demographic", "setting")


@dataclass(frozen=True, slots=True)
class ModelOrder:
    """An order in words. `renewed`: of its kind, the one that stands for signing what is running once more."""

    id: str
    title: str
    resource: Mapping[str, Any]
    renewed: bool = False


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """A model order with what the hooks see in it, and the facts that it brings."""

    model: ModelOrder
    by_order: Mapping[str, tuple[Draft, ...]]
    facts: Mapping[str, FactValue]
    running: tuple[Fact, ...]

    @property
    def watched(self) -> tuple[str, ...]:
        return tuple(name for name, found in self.by_order.items() if found)

    def laid_over(self, facts: Mapping[str, Fact], source: str) -> str:
        """The table of facts with the order among them, as a query."""
        columns = [column for name, value in self.facts.items() for column in _columns(facts[name], value)]
        return f"(SELECT * REPLACE ({', '.join(columns)}) FROM {source})" if columns else source

    def is_running(self) -> str:
        """Whether a patient has a drug or treatment of this kind already, as a condition on the facts."""
        return " OR ".join(f"coalesce({identifier(fact.id)}, false)" for fact in self.running)


def _drug(words: str, dose: float, unit: str, route: str = "oral") -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"text": words},
        "dosageInstruction": [
            {"route": {"text": route}, "doseAndRate": [{"doseQuantity": {"value": dose, "unit": unit}}]}
        ],
    }


def _service(words: str, per_week: int = 0) -> dict[str, Any]:
    found = {"resourceType": "ServiceRequest", "status": "draft", "intent": "order", "code": {"text": words}}
    timing = {"repeat": {"frequency": per_week, "period": 1, "periodUnit": "wk"}}
    return {**found, "occurrenceTiming": timing} if per_week else found


MODEL_ORDERS: Final = (
    ModelOrder("warfarin", "Warfarin", _drug("Warfarin 3 mg oral tablet", 3, "mg"), renewed=True),
    ModelOrder("calcium-acetate", "Calcium acetate, a phosphate binder", _drug("Calcium acetate 667 mg oral capsule", 667, "mg"), renewed=True),
    ModelOrder("calcium-carbonate", "Calcium carbonate", _drug("Calcium carbonate 500 mg oral tablet", 500, "mg")),
    ModelOrder("calcitriol", "Calcitriol", _drug("Calcitriol 0.25 microgram oral capsule", 0.25, "ug"), renewed=True),
    ModelOrder("paricalcitol", "Paricalcitol at dialysis", _drug("Paricalcitol 5 microgram/mL injection", 5, "ug", "intravenous")),
    ModelOrder("thiosulfate-25-g", "Sodium thiosulfate 25 g into a vein", _drug("Sodium thiosulfate 25 g", 25, "g", "intravenous"), renewed=True),
    ModelOrder("skin-biopsy", "Skin biopsy, no site said", _service("Skin biopsy")),
    ModelOrder("skin-biopsy-edge", "Skin biopsy of the viable edge", _service("Skin biopsy of the viable edge")),
    ModelOrder("haemodialysis", "Haemodialysis as before", _service("Hemodialysis"), renewed=True),
    ModelOrder("haemodialysis-6", "Haemodialysis six times a week", _service("Hemodialysis", 6)),
)  # fmt: skip


def signed_orders(guideline: Guideline) -> Iterator[SignedOrder]:
    """The model orders on which the guideline's hooks look, as if signed."""
    for model in MODEL_ORDERS:
        found = _signed(model, guideline)
        if found.watched:
            yield found


def not_modelled(knowledge: HookKnowledge, found: Sequence[SignedOrder]) -> tuple[str, ...]:
    """Watched kinds of orders for which there is no model order."""
    known = {name for each in found for name in each.watched}
    return tuple(order.title for order in knowledge.orders if order.id not in known)


def _signed(model: ModelOrder, guideline: Guideline) -> SignedOrder:
    bundle = ({**model.resource, "id": model.id},)
    found = drafts(bundle, PATIENT, ())
    signed = as_signed(found, bundle, PATIENT, NOW)
    person = {"resourceType": "Patient", "id": PATIENT}
    record = read_resources([RawResource(person), *map(RawResource, signed)], as_of=NOW).record
    findings = recognise(record.events, guideline.vocabulary, False).findings
    moment = parse_when(NOW)
    picked = pick_facts(guideline, record, findings, moment.latest if moment else 0.0).values
    by_order = {order.id: watched(found, findings, order) for order in guideline.hooks.orders}
    kinds = [order for order in guideline.hooks.orders if by_order[order.id]]
    return SignedOrder(
        model,
        by_order,
        {name: value for name, value in picked.items() if _says(guideline.facts[name], value)},
        tuple(_running(guideline, kinds)) if model.renewed else (),
    )


def _says(fact: Fact, value: FactValue) -> bool:
    return value.value is not None and fact.kind not in DEMOGRAPHIC


def _running(guideline: Guideline, kinds: Sequence[WatchedOrder]) -> Iterator[Fact]:
    """The facts that tell by themselves that something of these kinds is taken or done."""
    concepts = {concept for order in kinds for concept in order.concepts}
    for fact in guideline.facts.values():
        current = fact.kind in ("medication", "recorded") and not (fact.ever or fact.only_history)
        if current and fact.concepts and concepts.issuperset(fact.concepts):
            yield fact


def _columns(fact: Fact, value: FactValue) -> Iterator[str]:
    """The columns of a fact under the order."""
    name, found = identifier(fact.id), value.value
    if fact.kind in VOTES:
        yield f"{'true' if found else f'coalesce({name}, false)'} AS {name}"
    elif isinstance(found, tuple):
        earlier = fact.kind == "elapsed"
        for end, limit in zip((LOW, HIGH), _ends(found), strict=True):
            yield f"coalesce({name}{end}, {limit}) AS {name}{end}" if earlier else f"{limit} AS {name}{end}"
        if fact.kind == "quantity":
            yield f"{text(value.position).text if value.position else 'CAST(NULL AS VARCHAR)'} AS {name}{PLACE}"


def _ends(found: Interval) -> tuple[str, str]:
    return number(found[0]).text, number(found[1]).text
