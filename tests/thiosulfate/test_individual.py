"""One patient's estimate: against grids, SciPy's own distributions and formulas worked by hand, not our engine."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, optimize, stats

from calcipath.errors import InputError
from calcipath.thiosulfate.individual import Estimate, FittedLevel, Prior, ResidualError, estimate, forecast
from calcipath.thiosulfate.posterior import Sample, gradient, hessian, maximum, sample, weighted_quantiles
from calcipath.thiosulfate.subject import Dose, Level

Array = NDArray[np.float64]
TYPICAL, OMEGA, VOLUME, DOSE = 8.0, 0.34, 16.0, 100.0
ONE = Prior({"nonrenal": (TYPICAL, OMEGA), "volume": (VOLUME, 0.0)})
TWO = Prior({"nonrenal": (TYPICAL, OMEGA), "volume": (VOLUME, 0.2)})
ERROR = ResidualError(proportional=0.15, additive=0.02)
BOLUS = [Dose(0.0, DOSE, 0.0)]
GRID = np.linspace(-8 * OMEGA, 8 * OMEGA, 40001)


def bolus(eta: Array, time: float, volume: float | Array = VOLUME) -> Array:
    """The textbook curve after a bolus, D/V exp(-CL t / V)."""
    curve: Array = DOSE / volume * np.exp(-TYPICAL * np.exp(eta) / volume * time)
    return curve


def log_likelihood(level: Level, predicted: Array) -> Array:
    """By SciPy's normal distribution."""
    deviation = np.hypot(ERROR.additive, ERROR.proportional * predicted)
    found: Array = (
        stats.norm.logcdf(level.value, predicted, deviation)
        if level.below
        else stats.norm.logpdf(level.value, predicted, deviation)
    )
    return found


def grid_posterior(levels: list[Level]) -> tuple[float, float, float]:
    """Mode, mean and SD of eta by brute force."""
    log = stats.norm.logpdf(GRID, 0.0, OMEGA)
    log = log + sum(log_likelihood(level, bolus(GRID, level.time)) for level in levels)
    density = np.exp(log - log.max())
    density /= integrate.simpson(density, x=GRID)
    mean = integrate.simpson(GRID * density, x=GRID)
    variance = integrate.simpson((GRID - mean) ** 2 * density, x=GRID)
    return float(GRID[int(np.argmax(log))]), float(mean), float(np.sqrt(variance))


CASES = {
    "one level": [Level(4.0, 1.6)],
    "three levels": [Level(1.0, 3.0), Level(4.0, 0.6), Level(8.0, 0.12)],
    "one below the limit": [Level(8.0, 0.05, True, 0.05)],
    "both": [Level(2.0, 1.2), Level(10.0, 0.1, True, 0.1)],
    "far below the limit": [Level(2.0, 0.3, True, 0.3)],
}


@pytest.mark.parametrize("levels", CASES.values(), ids=CASES)
def test_one_parameter_agrees_with_a_brute_force_grid(levels: list[Level]) -> None:
    mode, mean, deviation = grid_posterior(levels)
    found = estimate(ONE, levels, BOLUS, error=ERROR, seed=1, draws=20000)
    (parameter,) = found.parameters
    assert parameter.eta == pytest.approx(mode, abs=GRID[1] - GRID[0])
    assert parameter.value == pytest.approx(TYPICAL * np.exp(parameter.eta), rel=1e-12)
    tolerance = 4.0 * deviation / np.sqrt(found.effective_sample_size)  # four Monte Carlo errors
    assert found.weights @ found.draws[:, 0] == pytest.approx(mean, abs=tolerance)
    assert OMEGA * (1.0 - parameter.shrinkage) == pytest.approx(deviation, rel=0.04)
    assert found.effective_sample_size > 5000
    assert found.warnings == () or abs(mode) > 3 * OMEGA


@pytest.mark.parametrize("levels", CASES.values(), ids=CASES)
def test_the_objective_is_the_published_one(levels: list[Level]) -> None:
    """A measured level counts ln v + (y - f)^2/v: minus twice SciPy's log density, less ln(2 pi)."""
    found = estimate(TWO, levels, BOLUS, error=ERROR, seed=1)
    etas = np.array([parameter.eta for parameter in found.parameters])

    def direct(eta: Array) -> float:
        total = float(eta[0] ** 2 / OMEGA**2 + eta[1] ** 2 / 0.2**2)
        for level in levels:
            predicted = bolus(eta[0], level.time, VOLUME * np.exp(eta[1]))
            total -= 2.0 * float(log_likelihood(level, predicted)) + (0.0 if level.below else float(np.log(2 * np.pi)))
        return total

    assert found.objective == pytest.approx(direct(etas), rel=1e-10, abs=1e-10)
    best = optimize.minimize(direct, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    assert found.objective == pytest.approx(best.fun, abs=1e-8)
    assert etas == pytest.approx(best.x, abs=2e-5)


def test_a_rich_record_gives_back_the_patient_that_made_it() -> None:
    """Levels integrated by SciPy's Runge-Kutta through two sessions, an infusion and endogenous production."""
    prior = Prior({"nonrenal": (8.0, 0.34), "renal": (0.0, 0.0), "dialysis": (11.0, 0.37), "volume": (16.0, 0.2)})
    truth = {"nonrenal": 5.5, "dialysis": 15.0, "volume": 19.0}
    sessions, infusions, made, first = [(4.0, 8.0), (20.0, 24.0)], [(3.0, 100.0, 1.0), (19.0, 80.0, 2.0)], 0.06, 0.007
    edges = sorted(
        {0.0, 30.0, *(x for pair in sessions for x in pair), *(x for s, _, d in infusions for x in (s, s + d))}
    )
    times, values, state = [], [], first
    for begin, end in pairwise(edges):
        middle = 0.5 * (begin + end)
        clearance = truth["nonrenal"] + truth["dialysis"] * any(s < middle < e for s, e in sessions)
        rate = made + sum(amount / d for s, amount, d in infusions if s < middle < s + d)
        marks = np.linspace(begin, end, 6)
        solved = integrate.solve_ivp(
            lambda _, c, cl=clearance, r=rate: (r - cl * c) / truth["volume"],
            (begin, end), [state], method="DOP853", t_eval=marks, rtol=1e-12, atol=1e-14,
        )  # fmt: skip
        times.extend(marks[1:])
        values.extend(solved.y[0, 1:])
        state = float(solved.y[0, -1])
    levels = [Level(0.0, first), *(Level(float(t), float(y)) for t, y in zip(times, values, strict=True))]
    found = estimate(
        prior, levels, infusions, error=ResidualError(0.001, 1e-5), seed=3,
        sessions=sessions, production=made, initial=first,
    )  # fmt: skip
    assert [parameter.name for parameter in found.parameters] == ["nonrenal", "dialysis", "volume"]
    for parameter in found.parameters:
        assert parameter.value == pytest.approx(truth[parameter.name], rel=1e-4)
        assert parameter.shrinkage > 0.99
        assert parameter.relative_sd < 0.002
    assert found.warnings == ()
    assert all(row.residual == pytest.approx(0.0, abs=1e-4) for row in found.levels)


def without_information() -> Estimate:
    """A level that the assay cannot tell from any other."""
    return estimate(TWO, [Level(2.0, 1.0)], BOLUS, error=ResidualError(0.0, 1e6), seed=5, draws=20000)


def test_with_no_information_the_posterior_is_the_prior() -> None:
    found = without_information()
    for parameter, omega in zip(found.parameters, (OMEGA, 0.2), strict=True):
        assert parameter.eta == pytest.approx(0.0, abs=1e-6)
        assert parameter.shrinkage == pytest.approx(0.0, abs=0.03)
        # the coefficient of variation of a log-normal value
        assert parameter.relative_sd == pytest.approx(np.sqrt(np.expm1(omega**2)), rel=0.04)
    clearance = forecast(found, times=[0.0], window=(0.0, 2000.0)).auc
    assert clearance is not None
    # AUC = dose / CL, so its quantiles are those of a log-normal
    spread = np.exp(stats.norm.ppf(0.95) * OMEGA)
    assert clearance.median == pytest.approx(DOSE / TYPICAL, rel=0.02)
    assert clearance.low == pytest.approx(DOSE / TYPICAL / spread, rel=0.03)
    assert clearance.high == pytest.approx(DOSE / TYPICAL * spread, rel=0.03)


def test_a_forecast_adds_doses_and_sessions_to_the_history() -> None:
    prior = Prior({"nonrenal": (8.0, 0.3), "dialysis": (12.0, 0.0), "volume": (16.0, 0.0)})
    truth = DOSE / 16.0 * np.exp(-8.0 / 16.0 * np.array([1.0, 2.0, 4.0]))
    levels = [Level(t, float(y)) for t, y in zip((1.0, 2.0, 4.0), truth, strict=True)]
    found = estimate(prior, levels, BOLUS, error=ResidualError(1e-4, 1e-6), seed=2)
    seen = forecast(found, times=[52.0, 48.0], doses=[(48.0, 60.0, 0.0)], sessions=[(48.0, 52.0)], window=(48.0, 52.0))
    left = DOSE / 16.0 * np.exp(-24.0) + 60.0 / 16.0
    assert seen.concentration.median == pytest.approx([left * np.exp(-20.0 / 16.0 * 4.0), left], rel=1e-3)
    assert seen.auc is not None
    assert seen.auc.median == pytest.approx(left * 16.0 / 20.0 * (1.0 - np.exp(-5.0)), rel=1e-3)
    assert np.all(seen.concentration.low <= seen.concentration.median)
    assert np.all(seen.concentration.median <= seen.concentration.high)
    assert seen.interval == (5.0, 95.0)
    assert forecast(found, times=3.0).auc is None


def test_a_level_before_the_first_dose_tells_of_the_baseline() -> None:
    """At steady state production = CL x C, whatever the volume."""
    baseline = 0.0071
    found = estimate(
        TWO, [Level(-5.0, baseline), Level(4.0, 1.0)], BOLUS, error=ERROR, seed=1, production=TYPICAL * baseline,
        initial=baseline,
    )  # fmt: skip
    assert found.history.start == -5.0
    assert found.levels[0] == FittedLevel(Level(-5.0, baseline), baseline, 0.0)


def test_a_level_far_off_is_a_question_about_the_data() -> None:
    found = estimate(ONE, [Level(4.0, 6.2), Level(8.0, 6.1)], BOLUS, error=ResidualError(0.01, 0.01), seed=1)
    assert abs(found.parameters[0].eta) > 3 * OMEGA
    assert any(word.startswith("nonrenal lies") and "unit" in word for word in found.warnings)


def test_too_few_effective_draws_are_said() -> None:
    """Weighted draws are never worth more than their number, here 400."""
    found = estimate(ONE, [Level(4.0, 1.0)], BOLUS, error=ERROR, seed=1, draws=400)
    assert found.effective_sample_size < 400
    assert any("effective sample size" in word for word in found.warnings)
    assert forecast(found, times=[1.0]).warnings == found.warnings


def test_the_seed_decides_the_draws() -> None:
    first, second, other = (estimate(ONE, [Level(4.0, 1.0)], BOLUS, error=ERROR, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.draws, second.draws)
    assert not np.array_equal(first.draws, other.draws)
    assert first.parameters[0].eta == pytest.approx(other.parameters[0].eta, abs=1e-7)


def rosenbrock_like(z: Array) -> Array:
    x, y = z[:, 0], z[:, 1]
    value: Array = (x - 0.5) ** 2 + 3.0 * (y - x**2) ** 2 + np.exp(0.3 * x * y)
    return value


def test_finite_differences_agree_with_derivatives_by_hand() -> None:
    x, y = 0.7, -0.4
    e = np.exp(0.3 * x * y)
    value, slope = gradient(rosenbrock_like, np.array([x, y]))
    assert value == pytest.approx((x - 0.5) ** 2 + 3 * (y - x * x) ** 2 + e, rel=1e-14)
    assert slope == pytest.approx(
        [2 * (x - 0.5) - 12 * x * (y - x * x) + 0.3 * y * e, 6 * (y - x * x) + 0.3 * x * e], abs=1e-6
    )
    second = [
        [2 - 12 * y + 36 * x * x + 0.09 * y * y * e, -12 * x + 0.3 * e + 0.09 * x * y * e],
        [-12 * x + 0.3 * e + 0.09 * x * y * e, 6 + 0.09 * x * x * e],
    ]
    assert hessian(rosenbrock_like, np.array([x, y])) == pytest.approx(np.array(second), abs=1e-4)


def test_sampling_a_correlated_normal_gives_its_moments() -> None:
    """Precision [[3, 1], [1, 2]], so that the covariance is [[2, -1], [-1, 3]] / 5."""
    precision, centre = np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([0.4, -1.1])

    def objective(z: Array) -> Array:
        value: Array = np.einsum("ni,ij,nj->n", z - centre, precision, z - centre)
        return value

    generator = np.random.default_rng(8)
    best = maximum(objective, 2, generator)
    assert best == pytest.approx(centre, abs=1e-6)
    found = sample(objective, best, generator, 40000)
    assert found.mean() == pytest.approx(centre, abs=0.02)
    assert found.deviation() == pytest.approx(np.sqrt([0.4, 0.6]), rel=0.02)
    covariance = found.weights @ ((found.z[:, 0] - centre[0]) * (found.z[:, 1] - centre[1]))
    assert covariance == pytest.approx(-0.2, abs=0.015)


def test_weighted_quantiles_and_moments_by_hand() -> None:
    values, weights = np.array([[3.0], [1.0], [2.0]]), np.array([0.2, 0.5, 0.3])
    low, middle, high = weighted_quantiles(values, weights, (40.0, 60.0, 90.0))
    assert (low.item(), middle.item(), high.item()) == (1.0, 2.0, 3.0)
    drawn = Sample(values, weights, 0.0)
    assert drawn.mean() == pytest.approx([1.7])
    assert drawn.deviation() == pytest.approx([np.sqrt(0.2 * 1.69 + 0.5 * 0.49 + 0.3 * 0.09)])


@pytest.mark.parametrize(
    ("levels", "word"),
    [
        ([], "no levels"),
        ([Level(1.0, -0.5)], "level 1: a level must be zero or more"),
        ([Level(1.0, 0.5), Level(2.0, 0.0, True)], "level 2: a level below quantification needs its lower limit"),
        ([Level(float("nan"), 0.5)], "time"),
        ([Level(1.0, float("inf"))], "zero or more"),
    ],
)
def test_levels_that_cannot_be_used(levels: list[Level], word: str) -> None:
    with pytest.raises(InputError, match=word):
        estimate(ONE, levels, BOLUS, error=ERROR, seed=1)


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        ({"hepatic": (1.0, 0.3), "volume": (16.0, 0.2)}, "unknown parameter 'hepatic'"),
        ({"nonrenal": (8.0, 0.3)}, "typical volume"),
        ({"nonrenal": (8.0, 0.0), "volume": (16.0, 0.0)}, "nothing to estimate"),
        ({"nonrenal": (-8.0, 0.3), "volume": (16.0, 0.2)}, "typical nonrenal"),
        ({"nonrenal": (8.0, -0.3), "volume": (16.0, 0.2)}, "omega of nonrenal"),
        ({"nonrenal": (float("nan"), 0.3), "volume": (16.0, 0.2)}, "typical nonrenal"),
    ],
)
def test_a_prior_that_cannot_be(entries: dict[str, tuple[float, float]], word: str) -> None:
    with pytest.raises(InputError, match=word):
        Prior(entries)


def test_other_input_that_cannot_be_used() -> None:
    level = [Level(1.0, 1.0)]
    for proportional, additive in ((-0.1, 0.1), (0.1, 0.0), (float("nan"), 0.1)):
        with pytest.raises(InputError, match="error must be"):
            ResidualError(proportional, additive)
    with pytest.raises(InputError, match="no dialysis clearance"):
        estimate(ONE, level, BOLUS, error=ERROR, seed=1, sessions=[(0.0, 4.0)])
    with pytest.raises(InputError, match="production"):
        estimate(ONE, level, BOLUS, error=ERROR, seed=1, production=-1.0)
    with pytest.raises(InputError, match="draws must be"):
        estimate(ONE, level, BOLUS, error=ERROR, seed=1, draws=10)
    found = estimate(ONE, level, BOLUS, error=ERROR, seed=1)
    with pytest.raises(InputError, match="no dialysis clearance"):
        forecast(found, times=[1.0], sessions=[(0.0, 4.0)])
    with pytest.raises(InputError, match="percentages"):
        forecast(found, times=[1.0], interval=(95.0, 5.0))
    with pytest.raises(InputError, match="window"):
        forecast(found, times=[1.0], window=(5.0, 5.0))
    with pytest.raises(InputError, match="before the start"):
        forecast(found, times=[-1.0])
    with pytest.raises(InputError, match="before the start"):
        forecast(found, times=[1.0], doses=[(-3.0, 10.0, 0.0)])
    with pytest.raises(InputError, match="must be hours"):
        forecast(found, times=[float("nan")])
