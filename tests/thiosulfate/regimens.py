"""Random regimens for the tests of the pharmacokinetic engine, and their pieces, cut without the engine's help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st

from calcipath.thiosulfate import Simulation, simulate


@dataclass(frozen=True)
class Regimen:
    """The arguments of `simulate`, times apart."""

    clearance: list[tuple[float, float, Any]]
    infusions: list[tuple[float, Any, float]]
    volume: Any
    intercompartmental_clearance: Any = None
    peripheral_volume: Any = None
    production: Any = 0.0
    initial: Any = 0.0

    @property
    def end(self) -> float:
        """Where the clearance table ends, h."""
        return self.clearance[-1][1]

    @property
    def edges(self) -> list[float]:
        """The start of the clearance table and every switch up to its end, h."""
        return [self.clearance[0][0], *(stop for _, stop, _ in self.clearance)]

    @property
    def total_volume(self) -> float:
        """Of both compartments, L."""
        return self.volume + (self.peripheral_volume or 0.0)

    @property
    def infused(self) -> float:
        """All doses, mmol."""
        return sum(amount for _, amount, _ in self.infusions)

    def run(self, times: Any, **options: Any) -> Simulation:
        """The engine's answer at `times`."""
        return simulate(
            self.clearance,
            self.infusions,
            times=times,
            volume=self.volume,
            intercompartmental_clearance=self.intercompartmental_clearance,
            peripheral_volume=self.peripheral_volume,
            production=self.production,
            initial=self.initial,
            **options,
        )

    def but(self, **changes: Any) -> Regimen:
        """The same with some arguments changed."""
        return replace(self, **changes)

    def grid(self, count: int = 23) -> list[float]:
        """Times from start to end that do not avoid the switches, h."""
        spaced = np.linspace(self.edges[0], self.end, count).round(6)
        return sorted({*spaced.tolist(), *self.edges})


@dataclass(frozen=True)
class Stretch:
    """A time of constant clearance (L/h) and input (mmol/h), after a bolus (mmol) at its start."""

    start: float
    stop: float
    clearance: float
    rate: float
    bolus: float


def stretches(regimen: Regimen, times: list[float]) -> Iterator[Stretch]:
    """The regimen cut at every edge and at `times`; what holds is looked up at the middle of each stretch."""
    cuts = {*regimen.edges, *times}
    for start, _, hours in regimen.infusions:
        cuts |= {start, round(start + hours, 6)}
    for start, stop in pairwise(sorted(cut for cut in cuts if cut <= regimen.end)):
        if stop - start < 1e-9:
            continue
        middle = 0.5 * (start + stop)
        clearance = next(value for begin, end, value in regimen.clearance if begin < middle < end)
        running = (amount / hours for begin, amount, hours in regimen.infusions if begin < middle < begin + hours)
        bolus = sum(amount for begin, amount, hours in regimen.infusions if not hours and begin == start)
        yield Stretch(start, stop, clearance, regimen.production + sum(running), bolus)


def rate_matrix(regimen: Regimen, clearance: float, rate: float) -> np.ndarray:
    """The generator of (central, peripheral, area, 1): the textbook equations, with no closed form."""
    v1, q, v2 = regimen.volume, regimen.intercompartmental_clearance or 0.0, regimen.peripheral_volume or 1.0
    return np.array(
        [
            [-(clearance + q) / v1, q / v1, 0.0, rate / v1],
            [q / v2, -q / v2, 0.0, 0.0],
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0],
        ]
    )


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers of a range, with equal weight for each power of ten."""
    return st.floats(np.log10(low), np.log10(high)).map(lambda power: float(10.0**power))


def times_of_day(low: float, high: float) -> st.SearchStrategy[float]:
    """Hours with six decimals, so that sums of a few are exact to eleven."""
    return st.floats(low, high).map(lambda hours: round(hours, 6))


@st.composite
def regimens(
    draw: st.DrawFn,
    *,
    compartments: tuple[int, ...] = (1, 2),
    clearances: st.SearchStrategy[float] | None = None,
    intervals: int = 5,
    boluses: bool = True,
) -> Regimen:
    """One to `intervals` intervals of clearance, up to four doses that may begin or end at a switch."""
    lengths = draw(st.lists(times_of_day(0.05, 60.0), min_size=1, max_size=intervals))
    edges = [0.0, *(round(edge, 6) for edge in accumulate(lengths))]
    clearance = st.one_of(st.just(0.0), numbers(0.05, 60.0)) if clearances is None else clearances
    table = [(begin, stop, draw(clearance)) for begin, stop in pairwise(edges)]
    infusions = []
    for _ in range(draw(st.integers(0, 4))):
        begin = draw(st.one_of(st.sampled_from(edges[:-1]), times_of_day(0.0, edges[-1])))
        later = [edge for edge in edges if edge - begin > 0.01]
        kinds = [st.just(0.0)] if boluses else []
        if later:
            kinds += [st.sampled_from([round(edge - begin, 6) for edge in later])]
            kinds += [times_of_day(0.01, later[-1] - begin)]
        if kinds:
            infusions.append((begin, draw(numbers(0.1, 300.0)), draw(st.one_of(kinds))))
    two = draw(st.sampled_from(compartments)) == 2
    return Regimen(
        table,
        infusions,
        volume=draw(numbers(2.0, 60.0)),
        intercompartmental_clearance=draw(numbers(0.05, 100.0)) if two else None,
        peripheral_volume=draw(numbers(1.0, 100.0)) if two else None,
        production=draw(st.one_of(st.just(0.0), numbers(0.01, 1.0))),
        initial=draw(st.one_of(st.just(0.0), numbers(0.001, 5.0))),
    )
