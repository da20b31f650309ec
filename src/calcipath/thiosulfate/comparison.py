"""A regimen beside the reference regimen in the same patient, and the dose that would give the same exposure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from calcipath.guideline.thiosulfate_knowledge import Alteration, Scenario, ThiosulfateKnowledge
from calcipath.thiosulfate.exposure import Exposure, exposure
from calcipath.thiosulfate.kinetics import Kinetics, altered, sampled, typical
from calcipath.thiosulfate.propagator import Array
from calcipath.thiosulfate.request import REFERENCE_DIALYSIS, REFERENCE_TIMING, Request, schedule_for
from calcipath.thiosulfate.schedule import Schedule, schedule_of

BLOCK = 20_000  # virtual patients at a time: bounds the memory
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Pair:
    """Exposure of 1 mmol a dose under the regimen asked for, and under the reference regimen, in the same patient."""

    regimen: Exposure
    reference: Exposure


@dataclass(frozen=True, slots=True)
class Comparer:
    """Compares schedules for one patient; the reference is three 4-hour haemodialysis sessions, dose in the last hour."""

    request: Request
    knowledge: ThiosulfateKnowledge
    # Pairs of the typical patient so far: an answer asks for the same five some twenty times. A replaced comparer has its own.
    _known: list[tuple[Scenario, Alteration | None, Pair]] = field(
        init=False, default_factory=list, compare=False, repr=False
    )

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The readings of the literature, then the user's own."""
        return (*self.knowledge.scenarios, *self.request.scenarios)

    @property
    def schedule(self) -> Schedule:
        return schedule_for(self.request, self.knowledge)

    @property
    def reference_schedule(self) -> Schedule:
        return schedule_of(REFERENCE_DIALYSIS, REFERENCE_TIMING, None)

    def pair(self, scenario: Scenario, alteration: Alteration | None = None) -> Pair:
        """The typical patient under a scenario, with one unknown altered where asked."""
        for known, change, pair in self._known:
            if known is scenario and change is alteration:
                return pair
        found = self._typical(scenario, alteration)
        self._known.append((scenario, alteration, found))
        return found

    def _typical(self, scenario: Scenario, alteration: Alteration | None) -> Pair:
        own = typical(self.request.patient, self.request.dialysis, scenario, self.knowledge)
        other = typical(self.request.patient, REFERENCE_DIALYSIS, scenario, self.knowledge)
        if alteration is not None:
            weight = self.request.patient.weight
            own, other = altered(own, alteration, weight), altered(other, alteration, weight)
        return self._pair(own, other)

    def population(self, scenario: Scenario, progress: Progress | None = None) -> Pair:
        """Virtual patients with the published spread, the same in both regimens; streamed in blocks.

        The draws follow from the request's seed alone: the first n of a larger population are the same patients.
        """
        blocks = []
        for drawn in self._drawn(self.request.population):
            draws = dict(zip(("nonrenal", "renal", "dialysis", "volume"), drawn, strict=True))
            blocks.append(self._sampled(scenario, draws))
            if progress is not None:
                progress(drawn.shape[1])
        return Pair(joined([each.regimen for each in blocks]), joined([each.reference for each in blocks]))

    def draws(self, number: int) -> Array:
        """The standard normal draws of the first virtual patients: four x patients."""
        return np.concatenate(list(self._drawn(number)), axis=1)

    def _drawn(self, number: int) -> Iterator[Array]:
        """In blocks, so that a longer series begins with the same patients."""
        generator = np.random.default_rng(self.request.seed)
        for left in range(number, 0, -BLOCK):
            yield generator.standard_normal((BLOCK, 4))[: min(left, BLOCK)].T

    def _sampled(self, scenario: Scenario, draws: dict[str, Array]) -> Pair:
        patient = self.request.patient
        own = sampled(patient, self.request.dialysis, scenario, self.knowledge, draws)
        other = sampled(patient, REFERENCE_DIALYSIS, scenario, self.knowledge, draws)
        return self._pair(own, other)

    def _pair(self, own: Kinetics, other: Kinetics) -> Pair:
        return Pair(exposure(own, self.schedule), exposure(other, self.reference_schedule))


def joined(parts: list[Exposure]) -> Exposure:
    """One exposure of all patients."""
    names = ("weekly_auc", "peak", "trough", "fraction_removed_by_dialysis")
    return Exposure(*(np.concatenate([np.atleast_1d(getattr(part, name)) for part in parts]) for name in names))


def matching_dose(pair: Pair, reference_mmol: float) -> float:
    """The dose (mmol) at which the regimen's weekly exposure equals that of the reference: exposure is linear in it."""
    return float(pair.reference.weekly_auc[0] * reference_mmol / pair.regimen.weekly_auc[0])
