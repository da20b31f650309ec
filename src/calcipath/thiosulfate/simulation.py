"""Concentration and exposure over time, exact, for one patient or many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from calcipath.errors import InputError
from calcipath.thiosulfate.propagator import Array, OneCompartment, Propagator, TwoCompartments
from calcipath.thiosulfate.timeline import DIGITS, Infusion, Interval, Piece, Timeline, cut, non_negative, positive


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a simulation gives at `times` (h).

    `concentration` (mmol/L) in the central compartment, and `auc` (mmol h/L) under it since the start, each of the
    shape of `times`, or patients x times where a parameter was given for each patient. `peripheral` (mmol/L) likewise,
    where it was asked for and there are two compartments.
    """

    times: Array
    concentration: Array
    auc: Array
    peripheral: Array | None = None


def simulate(
    clearance: Sequence[Interval],
    infusions: Sequence[Infusion],
    *,
    times: ArrayLike,
    volume: ArrayLike,
    intercompartmental_clearance: ArrayLike | None = None,
    peripheral_volume: ArrayLike | None = None,
    production: ArrayLike = 0.0,
    initial: ArrayLike = 0.0,
    keep_peripheral: bool = False,
) -> Simulation:
    """Simulate linear disposition of thiosulfate in closed form.

    `clearance`: total clearance as [(start h, end h, L/h)], without gaps; time starts with the first interval.
    `infusions`: [(start h, mmol, duration h)], a duration of 0 being a bolus, whose concentration at its own time is
    that after it. `times` in h. `volume`, `peripheral_volume` in L; `intercompartmental_clearance` in L/h; `production`
    (constant endogenous input) in mmol/h; `initial` in mmol/L, in both compartments. Each L/h, L, mmol, mmol/h and
    mmol/L value is one number, or an array with one for each patient. Results are as described in `Simulation`; the
    peripheral curve is kept only when asked for.

    An infusion's start belongs to the interval after it; concentrations are continuous at a switch of clearance.
    Raises `InputError` for a negative, missing or impossible value.
    """
    wanted = _hours(times)
    rounded = [round(time, DIGITS) for time in wanted.tolist()]  # as the table is: numpy rounds large times otherwise
    marks, place = np.unique(rounded, return_inverse=True)
    timeline = cut(clearance, infusions, marks.tolist(), end=float(marks[-1]))
    if marks[0] < timeline.start:
        raise InputError(f"time {marks[0]:g} h lies before the start of the clearance table at {timeline.start:g} h")
    model = disposition(volume, intercompartmental_clearance, peripheral_volume)
    made = non_negative(production, "production", "mmol/h")
    first = non_negative(initial, "initial concentration", "mmol/L")
    patients, shape = _patients(model, made, first, *timeline.clearances, *timeline.rates, *timeline.boluses)
    curve = Walk(model, timeline, made, patients).run(first, first, marks, keep_peripheral)
    in_order = np.array_equal(place, np.arange(marks.size))

    def shaped(rows: Array) -> Array:
        asked = rows if in_order else rows[place]
        return asked.T if shape else asked[:, 0]

    outer = None if curve.peripheral is None else shaped(curve.peripheral)
    return Simulation(wanted, shaped(curve.central), shaped(curve.area), outer)


def _hours(times: ArrayLike) -> Array:
    try:
        wanted = np.atleast_1d(np.asarray(times, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError("times must be a list of hours") from None
    if wanted.ndim != 1 or wanted.size == 0 or not np.all(np.isfinite(wanted)):
        raise InputError("times must be a list of hours")
    return wanted


def disposition(
    volume: ArrayLike, intercompartmental_clearance: ArrayLike | None, peripheral_volume: ArrayLike | None
) -> OneCompartment | TwoCompartments:
    """The compartment model of the given volumes (L) and exchange (L/h). Raises `InputError`."""
    central = positive(volume, "volume", "L")
    if intercompartmental_clearance is None and peripheral_volume is None:
        return OneCompartment(central)
    if intercompartmental_clearance is None or peripheral_volume is None:
        raise InputError("a second compartment needs both intercompartmental_clearance (L/h) and peripheral_volume (L)")
    exchange = non_negative(intercompartmental_clearance, "intercompartmental clearance", "L/h")
    return TwoCompartments(central, exchange, positive(peripheral_volume, "peripheral volume", "L"))


def _patients(model: OneCompartment | TwoCompartments, *values: Array) -> tuple[int, bool]:
    """How many patients the values are for, and whether they were given as arrays."""
    own: tuple[Array, ...] = (model.volume,)
    if isinstance(model, TwoCompartments):
        own = (model.volume, model.intercompartmental_clearance, model.peripheral_volume)
    sizes = {value.size for value in (*own, *values) if value.ndim}
    if len(sizes) > 1:
        raise InputError(f"parameters are given for different numbers of patients: {sorted(sizes)}")
    return (sizes.pop(), True) if sizes else (1, False)


class Walk:
    """The state of all patients carried from piece to piece; propagators of like pieces are made once."""

    def __init__(
        self, model: OneCompartment | TwoCompartments, timeline: Timeline, production: Array, patients: int
    ) -> None:
        self.model, self.timeline, self.production, self.patients = model, timeline, production, patients
        self.two = isinstance(model, TwoCompartments)
        self._made: dict[tuple[float, int], Propagator] = {}

    def propagator(self, piece: Piece) -> Propagator:
        """The propagator of a piece."""
        key = (piece.hours, piece.clearance)
        found = self._made.get(key)
        if found is None:
            found = self.model.propagator(piece.hours, self.timeline.clearances[piece.clearance])
            if piece.repeats:
                self._made[key] = found
        return found

    def run(self, central: Array, peripheral: Array, marks: Array, keep_peripheral: bool = False) -> Curve:
        """The curve at `marks` (h, sorted, edges of the timeline) from the concentrations given."""
        shape = (marks.size, self.patients)
        curve = Curve(np.empty(shape), np.empty(shape), np.empty(shape) if self.two and keep_peripheral else None)
        state = State(self, central, peripheral)
        wanted = {float(mark): row for row, mark in enumerate(marks)}
        for piece in self.timeline.pieces:
            state.give(piece.given_at_start)
            curve.note(wanted.get(piece.start), state)
            state.advance(piece)
        state.give(self.timeline.at_end)
        curve.note(marks.size - 1, state)
        return curve

    def end(self, central: Array, peripheral: Array) -> tuple[Array, Array]:
        """Central and peripheral concentration at the end of the timeline."""
        state = State(self, central, peripheral)
        for piece in self.timeline.pieces:
            state.give(piece.given_at_start)
            state.advance(piece)
        state.give(self.timeline.at_end)
        return state.central, state.peripheral


@dataclass(frozen=True, slots=True)
class Curve:
    """Values at the marks: marks x patients."""

    central: Array
    area: Array
    peripheral: Array | None

    def note(self, row: int | None, state: State) -> None:
        """Copy the state to a row."""
        if row is None:
            return
        self.central[row] = state.central
        self.area[row] = state.area
        if self.peripheral is not None:
            self.peripheral[row] = state.peripheral


class State:
    """Concentrations and area so far, changed in place."""

    def __init__(self, walk: Walk, central: Array, peripheral: Array) -> None:
        size = walk.patients
        self._walk = walk
        self.central = np.array(np.broadcast_to(central, size), dtype=np.float64)
        self.peripheral = np.array(np.broadcast_to(peripheral, size), dtype=np.float64)
        self.area = np.zeros(size)
        self._next, self._term = np.empty(size), np.empty(size)
        self._produces = bool(np.any(walk.production))

    def give(self, doses: tuple[int, ...]) -> None:
        """Add doses of no duration to the central compartment."""
        for index in doses:
            self.central += self._walk.timeline.boluses[index] / self._walk.model.volume

    def advance(self, piece: Piece) -> None:
        """Move the state and the area over a piece."""
        over = self._walk.propagator(piece)
        rate = self._input(piece)
        self._add(self.area, over.u1, self.central)
        new = self._next
        np.multiply(over.c11, self.central, out=new)
        if over.c12 is not None and over.c21 is not None and over.c22 is not None and over.u2 is not None:
            self._add(self.area, over.u2, self.peripheral)
            self._add(new, over.c12, self.peripheral)
            self.peripheral *= over.c22
            self._add(self.peripheral, over.c21, self.central)
            if rate is not None and over.r2 is not None:
                self._add(self.peripheral, over.r2, rate)
        if rate is not None:
            self._add(self.area, over.ur, rate)
            self._add(new, over.r1, rate)
        self.central, self._next = new, self.central

    def _add(self, total: Array, factor: Array, value: Array) -> None:
        np.multiply(factor, value, out=self._term)
        total += self._term

    def _input(self, piece: Piece) -> Array | None:
        """The input rate during the piece, mmol/h; None when there is none."""
        rates = [self._walk.timeline.rates[each] for each in piece.inputs]
        if self._produces:
            rates.append(self._walk.production)
        if not rates:
            return None
        total = rates[0]
        for rate in rates[1:]:
            total = total + rate
        return total
