"""What a count of cards says: calls, cards, interruptions, and how sure a sample is of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Final

from calcipath.hooks.selection import AlertSettings
from calcipath.population.report.small_numbers import Z

PER: Final = 1000
CARDS, INTERRUPTIVE = (
    "cards",
    "interruptive",
)  # names of a tally's numbers, beside `indicator:x`, `alert:x` and `says:x`


@dataclass(frozen=True, slots=True)
class Sample:
    """Of a very large population only `patients` are looked at, chosen by `seed`."""

    patients: int
    seed: int = 1


@dataclass(slots=True)
class Tally:
    """Sums over patients. `numbers` counts cards by name; a card of two recommendations counts once for each of them."""

    patients: int = 0
    calls: int = 0
    interrupted_calls: int = 0
    patients_with_cards: int = 0
    patients_interrupted: int = 0
    over_budget: int = 0
    shown_before: int = 0
    numbers: Counter[str] = field(default_factory=Counter)
    squares: dict[str, tuple[float, float, float]] = field(default_factory=dict)  # sums of y², x·y, x²; x are calls

    @property
    def cards(self) -> int:
        return self.numbers[CARDS]

    @property
    def interruptive(self) -> int:
        """Cards of indicator warning or critical."""
        return self.numbers[INTERRUPTIVE]

    def named(self, kind: str) -> dict[str, int]:
        """The counts of a kind (`indicator`, `alert`, `says`), most first."""
        found = {k.removeprefix(f"{kind}:"): n for k, n in self.numbers.items() if k.startswith(f"{kind}:") and n}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def per_calls(self, name: str) -> float:
        """How often in 1,000 calls."""
        return PER * self.numbers[name] / self.calls if self.calls else 0.0

    def per_patients(self, name: str) -> float:
        """How often in 1,000 patients."""
        return PER * self.numbers[name] / self.patients if self.patients else 0.0

    def interval(self, name: str, share: float) -> tuple[float, float] | None:
        """The 95 % interval of `per_calls` where the patients are this share of all; None where they are all.

        A ratio estimate with its linearised variance and the correction for a finite population (Cochran, Sampling
        Techniques, 3rd ed. 1977, sections 2.6 and 6.4).
        """
        if share >= 1 or self.patients < 2 or not self.calls or name not in self.squares:
            return None
        ratio = self.numbers[name] / self.calls
        yy, xy, xx = self.squares[name]
        left = max(0.0, yy - 2 * ratio * xy + ratio * ratio * xx) / (self.patients - 1)
        mean_calls = self.calls / self.patients
        half = Z * sqrt((1 - share) * left / self.patients) / mean_calls
        return PER * max(0.0, ratio - half), PER * (ratio + half)

    def as_json(self, share: float) -> dict[str, Any]:
        """For a program."""
        found: dict[str, Any] = {
            "patients": self.patients,
            "calls": self.calls,
            "cards": self.cards,
            "interruptive": self.interruptive,
            "cards_per_1000_calls": round(self.per_calls(CARDS), 2),
            "interruptive_per_1000_calls": round(self.per_calls(INTERRUPTIVE), 2),
            "cards_per_1000_patients": round(self.per_patients(CARDS), 2),
            "interruptive_per_1000_patients": round(self.per_patients(INTERRUPTIVE), 2),
            "calls_interrupted": self.interrupted_calls,
            "patients_with_cards": self.patients_with_cards,
            "patients_interrupted": self.patients_interrupted,
            "not_shown": {"over_budget": self.over_budget, "shown_before": self.shown_before},
            "by_indicator": self.named("indicator"),
            "by_card": self.named("alert"),
            "by_recommendation": self.named("says"),
        }
        for name in (CARDS, INTERRUPTIVE):
            if ends := self.interval(name, share):
                found[f"{name}_per_1000_calls_95"] = [round(end, 2) for end in ends]
        return found


@dataclass(frozen=True, slots=True)
class OrderImpact:
    """One kind of order: for whoever has such a drug running, signed anew at each encounter; and signed once for all."""

    id: str
    watched: tuple[str, ...]
    title: str
    running: Tally | None  # None where nothing in the facts tells that it is running
    everybody: Tally


@dataclass(frozen=True, slots=True)
class ServiceImpact:
    """One service by itself. `calls` says what one call is; `orders` tells the order services' numbers apart."""

    id: str
    hook: str
    title: str
    calls: str
    tally: Tally
    encounters: int
    orders: tuple[OrderImpact, ...] = ()

    def per_encounters(self, name: str) -> float:
        """How often in 1,000 encounters of the population, whatever a call is."""
        return PER * self.tally.numbers[name] / self.encounters if self.encounters else 0.0


@dataclass(frozen=True, slots=True)
class CardImpact:
    """All services. `population` counts all patients of the run, `patients` those that were looked at."""

    guideline: str
    population: int
    patients: int
    encounters: int
    encounters_known: bool
    settings: AlertSettings
    services: tuple[ServiceImpact, ...]
    notes: tuple[str, ...]

    @property
    def share(self) -> float:
        """The share of the population that was looked at."""
        return self.patients / self.population if self.population else 1.0

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "guideline": self.guideline,
            "population": self.population,
            "patients": self.patients,
            "encounters": self.encounters,
            "encounters_from": "the record" if self.encounters_known else "one for each patient",
            "budget": self.settings.budget,
            "memory_days": self.settings.memory_days,
            "notes": list(self.notes),
            "services": [self._service(each) for each in self.services],
        }

    def _service(self, each: ServiceImpact) -> Mapping[str, Any]:
        found = {"id": each.id, "hook": each.hook, "a_call_is": each.calls} | each.tally.as_json(self.share)
        found["cards_per_1000_encounters"] = round(each.per_encounters(CARDS), 2)
        found["interruptive_per_1000_encounters"] = round(each.per_encounters(INTERRUPTIVE), 2)
        if each.orders:
            found["orders"] = [
                {
                    "id": order.id,
                    "watched": list(order.watched),
                    "order": order.title,
                    "running": order.running.as_json(self.share) if order.running else None,
                    "everybody": order.everybody.as_json(self.share),
                }
                for order in each.orders
            ]
        return found
