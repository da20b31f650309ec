"""The maximum of a posterior, and weighted draws from it, for a standard normal prior.

An objective maps sets x parameters (z, of prior N(0, 1) each) to minus twice the log posterior of each set, up to a
constant; all sets that a step needs are asked for at once. SciPy is imported on use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import lgamma

import numpy as np

from calcipath.errors import InputError
from calcipath.thiosulfate.propagator import Array

Objective = Callable[[Array], Array]
STEP = 1e-4  # of z: central differences are then good to about 1e-8
CURVATURE_STEP = 1e-3
REACH = 10.0  # the search stays within so many omega
STARTS = 200  # prior draws, the best of which begins a second search
FREEDOM = 5.0  # of the t distribution around the maximum
FROM_PRIOR = 0.1  # share of draws from the prior, which bounds the weights in the tails


@dataclass(frozen=True, slots=True)
class Sample:
    """Draws `z` (draws x parameters) with `weights` that sum to 1; `effective_size` is 1 / sum of their squares."""

    z: Array
    weights: Array
    effective_size: float

    def mean(self) -> Array:
        """The posterior mean of z."""
        total: Array = self.weights @ self.z
        return total

    def deviation(self) -> Array:
        """The posterior standard deviation of z."""
        spread: Array = np.sqrt(self.weights @ (self.z - self.mean()) ** 2)
        return spread


def gradient(objective: Objective, z: Array) -> tuple[float, Array]:
    """The objective at z, and its gradient by central differences, in one call of the objective."""
    steps = STEP * np.eye(z.size)
    values = objective(np.vstack([z[None, :], z + steps, z - steps]))
    return float(values[0]), (values[1 : z.size + 1] - values[z.size + 1 :]) / (2.0 * STEP)


def hessian(objective: Objective, z: Array) -> Array:
    """The second derivatives of the objective at z by central differences, in one call of the objective."""
    size = z.size
    steps = CURVATURE_STEP * np.eye(size)
    sums = steps[:, None, :] + steps[None, :, :]
    differences = steps[:, None, :] - steps[None, :, :]
    corners = np.stack([sums, differences, -differences, -sums]).reshape(-1, size)
    plus, mixed, mixed_too, minus = objective(z + corners).reshape(4, size, size)
    second: Array = (plus - mixed - mixed_too + minus) / (4.0 * CURVATURE_STEP**2)
    return second


def maximum(objective: Objective, size: int, generator: np.random.Generator) -> Array:
    """The z of the smallest objective, searched from zero and from the best of some prior draws, then polished."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    drawn = np.clip(generator.standard_normal((STARTS, size)), -REACH, REACH)
    starts = (np.zeros(size), drawn[int(np.argmin(objective(drawn)))])
    found = [
        minimize(lambda z: gradient(objective, z), start, jac=True, method="L-BFGS-B", bounds=[(-REACH, REACH)] * size)
        for start in starts
    ]
    best: Array = np.asarray(min(found, key=lambda each: float(each.fun)).x, dtype=np.float64)
    return _polished(objective, best)


def _polished(objective: Objective, z: Array) -> Array:
    """A few Newton steps, each kept only when it lowers the objective."""
    for _ in range(4):
        value, slope = gradient(objective, z)
        values, vectors = _curvature(objective, z)
        step = z - vectors @ ((vectors.T @ slope) / (2.0 * values))
        if np.any(np.abs(step) > REACH) or not objective(step[None, :])[0] < value:
            return z
        z = step
    return z


def _curvature(objective: Objective, z: Array) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors of half the Hessian (the precision); the prior alone has 1, and a quarter is the floor."""
    second = hessian(objective, z)
    half = 0.25 * (second + second.T)
    values, vectors = np.linalg.eigh(half)
    return np.maximum(values, 0.25), vectors


def sample(objective: Objective, best: Array, generator: np.random.Generator, draws: int) -> Sample:
    """Importance sampling from a mixture: a t distribution by Laplace's approximation at the maximum, and the prior."""
    values, vectors = _curvature(objective, best)
    from_prior = generator.random(draws) < FROM_PRIOR
    normal = generator.standard_normal((draws, best.size))
    stretch = np.sqrt(FREEDOM / generator.chisquare(FREEDOM, draws))
    near = best + (stretch[:, None] * normal / np.sqrt(values)) @ vectors.T
    z = np.where(from_prior[:, None], normal, near)
    log_weights = -0.5 * objective(z) - _log_proposal(z, best, values, vectors)
    weights = np.exp(log_weights - log_weights.max())
    total = float(weights.sum())
    if not np.isfinite(total):
        raise InputError("no parameters near the prior explain the levels; check their units and times")
    weights /= total
    return Sample(z, weights, float(1.0 / (weights @ weights)))


def _log_proposal(z: Array, best: Array, values: Array, vectors: Array) -> Array:
    """The log density of the mixture, without the factor (2 pi)^(-size / 2) that both parts share."""
    size = best.size
    distance = (((z - best) @ vectors) ** 2 * values).sum(axis=1)
    scale = lgamma((FREEDOM + size) / 2.0) - lgamma(FREEDOM / 2.0) - 0.5 * size * np.log(FREEDOM / 2.0)
    near = scale + 0.5 * np.log(values).sum() - 0.5 * (FREEDOM + size) * np.log1p(distance / FREEDOM)
    prior = -0.5 * (z * z).sum(axis=1)
    density: Array = np.logaddexp(np.log1p(-FROM_PRIOR) + near, np.log(FROM_PRIOR) + prior)
    return density


def weighted_quantiles(values: Array, weights: Array, percents: tuple[float, ...]) -> tuple[Array, ...]:
    """Quantiles over the first axis of `values`: the smallest value that the wanted share of weight does not exceed."""
    columns = values.reshape(len(values), -1)
    order = np.argsort(columns, axis=0)
    reached = np.cumsum(weights[order], axis=0)
    ranked = np.take_along_axis(columns, order, axis=0)
    found = []
    for percent in percents:
        row = np.minimum((reached < percent / 100.0 * reached[-1]).sum(axis=0), len(ranked) - 1)
        found.append(np.take_along_axis(ranked, row[None, :], axis=0)[0].reshape(values.shape[1:]))
    return tuple(found)
