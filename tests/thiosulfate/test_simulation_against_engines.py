"""The engine against general solvers that know only the differential equations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from regimens import Regimen, Stretch, rate_matrix, regimens, stretches

linalg = pytest.importorskip("scipy.linalg")
integrate = pytest.importorskip("scipy.integrate")


def walk(
    regimen: Regimen, times: list[float], step: Callable[[np.ndarray, float, np.ndarray], np.ndarray]
) -> np.ndarray:
    """Rows of (central, peripheral, area) at `times`: boluses between, and `step` over each stretch."""
    at = {time: np.zeros(3) for time in times}
    state = np.array([regimen.initial, regimen.initial, 0.0, 1.0])
    stretch: Stretch
    for stretch in stretches(regimen, times):
        state[0] += stretch.bolus / regimen.volume
        if stretch.start in at:
            at[stretch.start] = state[:3].copy()
        state = step(rate_matrix(regimen, stretch.clearance, stretch.rate), stretch.stop - stretch.start, state)
    state[0] += (
        sum(dose for begin, dose, hours in regimen.infusions if begin == regimen.end and not hours) / regimen.volume
    )
    at[regimen.end] = state[:3]
    return np.array([at[time] for time in times])


def by_matrix_exponential(matrix: np.ndarray, hours: float, state: np.ndarray) -> np.ndarray:
    return linalg.expm(matrix * hours) @ state


def by_numerical_integration(matrix: np.ndarray, hours: float, state: np.ndarray) -> np.ndarray:
    solved = integrate.solve_ivp(
        lambda _, y: matrix @ y, (0.0, hours), state, method="Radau", rtol=1e-10, atol=1e-12, jac=matrix
    )
    assert solved.success
    return solved.y[:, -1]


def assert_agrees(regimen: Regimen, expected: np.ndarray, times: list[float], within: float) -> None:
    ours = regimen.run(times, keep_peripheral=True)
    floor = within * 1e-3
    np.testing.assert_allclose(ours.concentration, expected[:, 0], rtol=within, atol=floor * (1 + expected[:, 0].max()))
    np.testing.assert_allclose(ours.auc, expected[:, 2], rtol=within, atol=floor)
    if ours.peripheral is not None:
        np.testing.assert_allclose(ours.peripheral, expected[:, 1], rtol=within, atol=floor)


@settings(max_examples=60, deadline=None)
@given(regimens())
def test_agrees_with_the_matrix_exponential(regimen: Regimen) -> None:
    times = regimen.grid(11)
    assert_agrees(regimen, walk(regimen, times, by_matrix_exponential), times, within=1e-8)


@settings(max_examples=15, deadline=None)
@given(regimens(intervals=3))
def test_agrees_with_numerical_integration(regimen: Regimen) -> None:
    times = regimen.edges
    assert_agrees(regimen, walk(regimen, times, by_numerical_integration), times, within=1e-6)
