"""The exact solution of linear one- and two-compartment disposition over an interval of constant clearance.

State: the concentrations `c1` (central) and `c2` (peripheral), in mmol/L, for many patients at once:

    dc1/dt = input/V1 - (k10 + k12) c1 + k12 c2        k10 = CL/V1, k12 = Q/V1
    dc2/dt = k21 (c1 - c2)                             k21 = Q/V2

Over an interval the state moves by a fixed linear map, and the area under `c1` is a fixed linear function of the state
at its start; both depend on the interval's length and clearance only and are therefore made once and used again. All
terms of the map are sums of positive numbers, so that no digits are lost when the two rates are nearly equal, when one
is zero, or when an interval is very short (textbook form: Gibaldi and Perrier, Pharmacokinetics, 1982, chapter 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Propagator:
    """The map over one interval; each field has the shape of the patients.

    `cJK` takes concentration K at the start to concentration J at the end, `rJ` an input rate (mmol/h) to concentration
    J at the end, `uK` concentration K at the start to the area under the central curve, `ur` an input rate to it. The
    peripheral terms are None with one compartment.
    """

    c11: Array
    r1: Array
    u1: Array
    ur: Array
    c12: Array | None = None
    c21: Array | None = None
    c22: Array | None = None
    r2: Array | None = None
    u2: Array | None = None


@dataclass(frozen=True, slots=True)
class OneCompartment:
    """One compartment of `volume` litres."""

    volume: Array

    def propagator(self, hours: float, clearance: Array) -> Propagator:
        """The map over `hours` at `clearance` (L/h)."""
        rate = clearance / self.volume
        area = integral_of_decay(rate, hours)
        return Propagator(
            np.exp(-rate * hours), area / self.volume, area, second_integral_of_decay(rate, hours) / self.volume
        )


@dataclass(frozen=True, slots=True)
class TwoCompartments:
    """Central and peripheral volume (L) with an intercompartmental clearance (L/h)."""

    volume: Array
    intercompartmental_clearance: Array
    peripheral_volume: Array

    def propagator(self, hours: float, clearance: Array) -> Propagator:
        """The map over `hours` at `clearance` (L/h)."""
        k10 = clearance / self.volume
        k12 = self.intercompartmental_clearance / self.volume
        k21 = self.intercompartmental_clearance / self.peripheral_volume
        fast, slow, gap, share = _rates(k10, k12, k21)
        decay_fast, decay_slow = np.exp(-fast * hours), np.exp(-slow * hours)
        exchange = decay_slow * integral_of_decay(gap, hours)
        area_fast, area_slow = integral_of_decay(fast, hours), integral_of_decay(slow, hours)
        exchanged = _integral_of_exchange(fast, slow, gap, area_fast, area_slow, hours)
        area = share * area_fast + (1.0 - share) * area_slow
        second = share * second_integral_of_decay(fast, hours) + (1.0 - share) * second_integral_of_decay(slow, hours)
        return Propagator(
            c11=share * decay_fast + (1.0 - share) * decay_slow,
            r1=area / self.volume,
            u1=area,
            ur=second / self.volume,
            c12=k12 * exchange,
            c21=k21 * exchange,
            c22=(1.0 - share) * decay_fast + share * decay_slow,
            r2=k21 * exchanged / self.volume,
            u2=k12 * exchanged,
        )


def _rates(k10: Array, k12: Array, k21: Array) -> tuple[Array, Array, Array, Array]:
    """Fast and slow rate, their gap, and the share of the fast one in the central curve (0 to 1)."""
    lean = k10 + k12 - k21
    product = 4.0 * k12 * k21
    gap = np.sqrt(lean * lean + product)
    fast = 0.5 * (k10 + k12 + k21 + gap)
    slow = np.divide(k10 * k21, fast, out=np.zeros_like(fast), where=fast > 0.0)
    larger = gap + np.abs(lean)  # the other root's share follows from the product of both: no cancellation
    major = np.divide(larger, 2.0 * gap, out=np.ones_like(gap), where=gap > 0.0)
    minor = np.divide(product, 2.0 * gap * larger, out=np.zeros_like(gap), where=gap * larger > 0.0)
    return fast, slow, gap, np.where(lean >= 0.0, major, minor)


def _integral_of_exchange(
    fast: Array, slow: Array, gap: Array, area_fast: Array, area_slow: Array, hours: float
) -> Array:
    """The integral over the interval of (exp(-slow s) - exp(-fast s)) / gap, also where the gap closes."""
    near = gap * hours < 1e-5
    apart = np.divide(area_slow - area_fast, gap, out=np.zeros_like(gap), where=~near)
    middle = 0.5 * (fast + slow) * hours
    return np.where(near, hours * hours * _first_moment(middle), apart)


def integral_of_decay(rate: Array, hours: float) -> Array:
    """The integral of exp(-rate s) over `hours`; `hours` itself at rate zero."""
    return np.divide(-np.expm1(-rate * hours), rate, out=np.full_like(rate, hours), where=rate > 0.0)


def second_integral_of_decay(rate: Array, hours: float) -> Array:
    """The integral over `hours` of `integral_of_decay`; half the square of `hours` at rate zero."""
    y = rate * hours
    small = y < 0.1
    exact = np.divide(y + np.expm1(-y), y * y, out=np.zeros_like(y), where=~small)
    return hours * hours * np.where(small, _series(y, small, first=2), exact)


def _first_moment(y: Array) -> Array:
    """The integral of s exp(-y s) for s from 0 to 1."""
    small = y < 0.1
    exact = np.divide(-np.expm1(-y) - y * np.exp(-y), y * y, out=np.zeros_like(y), where=~small)
    return np.where(small, np.exp(-y) * _rising_series(y, small), exact)


def _series(y: Array, small: NDArray[np.bool_], first: int) -> Array:
    """The sum of (-y)^n / (n + first)!, to double precision for y below 0.1; zero where not `small`."""
    return _power_sum(np.where(small, -y, 0.0), [_factorial(n + first) for n in range(11)])


def _rising_series(y: Array, small: NDArray[np.bool_]) -> Array:
    """The sum of y^n / (n + 2)!: (exp(y) - 1 - y) / y^2 for y below 0.1."""
    return _power_sum(np.where(small, y, 0.0), [_factorial(n + 2) for n in range(11)])


def _power_sum(x: Array, divisors: list[float]) -> Array:
    total = np.zeros_like(x)
    for divisor in reversed(divisors):
        total = total * x + 1.0 / divisor
    return total


def _factorial(n: int) -> float:
    product = 1.0
    for factor in range(2, n + 1):
        product *= factor
    return product
