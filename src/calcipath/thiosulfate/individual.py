"""One patient's kinetics from measured levels: maximum a posteriori estimate, its uncertainty, and a forecast.

Research use: no level is recommended clinically. Each parameter is log-normal, typical * exp(eta) with
eta ~ N(0, omega^2). The objective, minus twice the log posterior without its constants, is

    sum over levels of [ln v + (y - f)^2 / v]  +  sum over parameters of (eta / omega)^2,

with v = additive^2 + (proportional f)^2 at the individual prediction f (Kang et al., Korean J Physiol Pharmacol 2012;
16: 97). A level below its limit L enters as -2 ln Phi((L - f) / sqrt v) (method M3: Beal, J Pharmacokinet Pharmacodyn
2001; 28: 481). Uncertainty is by importance sampling around the maximum (Robert and Casella, Monte Carlo Statistical
Methods, 2004, chapter 3), so that an interval does not rest on a normal approximation.

Everything is searched in z = eta / omega, and all parameter sets of a step are one array for the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from calcipath.errors import InputError
from calcipath.thiosulfate.posterior import Sample, maximum, sample, weighted_quantiles
from calcipath.thiosulfate.propagator import Array
from calcipath.thiosulfate.simulation import Simulation, simulate
from calcipath.thiosulfate.subject import (
    Dose,
    Level,
    Session,
    checked_dose,
    checked_level,
    checked_sessions,
    require_whole,
    rows_of,
)
from calcipath.thiosulfate.timeline import Interval

UNITS = {"nonrenal": "L/h", "renal": "L/h", "dialysis": "L/h", "volume": "L"}
FAR = 3.0  # of omega: then the data are questioned before the patient
FEWEST = 400.0  # effective draws for a dependable interval


@dataclass(frozen=True, slots=True)
class Prior:
    """`entries`: name -> (typical value, omega); names "nonrenal", "renal", "dialysis" (L/h) and "volume" (L).

    The typical value is the median. A clearance of zero, and a parameter with an omega of zero, are not estimated; a
    clearance that is absent counts as zero. Raises `InputError`.
    """

    entries: Mapping[str, tuple[float, float]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", dict(self.entries))
        for name, (typical, omega) in self.entries.items():
            if name not in UNITS:
                raise InputError(f"the prior has an unknown parameter {name!r}; the names are {', '.join(UNITS)}")
            if not (np.isfinite(typical) and typical >= 0.0):
                raise InputError(f"the typical {name} must be zero or more, in {UNITS[name]}")
            if not 0.0 <= omega <= 3.0:
                raise InputError(f"omega of {name} must be from 0 to 3 (it is a standard deviation on the log scale)")
        if not self.entries.get("volume", (0.0, 0.0))[0]:
            raise InputError("the prior needs a typical volume above zero, in L")
        if not self.estimated:
            raise InputError(
                "the prior leaves nothing to estimate: no parameter has both a value and an omega above zero"
            )

    @property
    def estimated(self) -> tuple[str, ...]:
        """The parameters that are estimated, in a fixed order."""
        return tuple(name for name in UNITS if all(self.entries.get(name, (0.0, 0.0))))

    @property
    def omega(self) -> Array:
        """Their omegas."""
        return np.array([self.entries[name][1] for name in self.estimated])

    def values(self, eta: Array) -> dict[str, Array]:
        """All parameters for rows of eta (sets x estimated parameters)."""
        found = {name: np.full(len(eta), self.entries.get(name, (0.0, 0.0))[0]) for name in UNITS}
        for column, name in enumerate(self.estimated):
            found[name] = found[name] * np.exp(np.clip(eta[:, column], -50.0, 50.0))
        return found


@dataclass(frozen=True, slots=True)
class ResidualError:
    """Standard deviation of a level around its prediction f: sqrt(additive^2 + (proportional f)^2).

    `proportional` is a fraction; `additive` (mmol/L) must be above zero, or nothing would be allowed at f = 0.
    """

    proportional: float
    additive: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.proportional < np.inf:
            raise InputError("the proportional error must be zero or more, as a fraction")
        if not 0.0 < self.additive < np.inf:
            raise InputError("the additive error must be above zero, in mmol/L")

    def variance(self, predicted: Array) -> Array:
        """Of levels predicted at so many mmol/L."""
        return self.additive**2 + (self.proportional * predicted) ** 2


@dataclass(frozen=True, slots=True)
class History:
    """What was given. Time starts with the earliest dose, session or level, at the concentration `initial` (mmol/L).

    `production` is the endogenous input in mmol/h.
    """

    start: float
    doses: tuple[Dose, ...]
    sessions: tuple[Session, ...]
    production: float
    initial: float

    def simulate(self, prior: Prior, eta: Array, times: ArrayLike) -> Simulation:
        """The patients with these eta (sets x parameters) at `times` (h)."""
        values = prior.values(eta)
        wanted = np.asarray(times, dtype=np.float64)
        if np.any(wanted < self.start):
            raise InputError(f"{float(wanted.min()):g} h lies before the start of the history at {self.start:g} h")
        end = max([float(wanted.max()), *(dose.start + dose.duration for dose in self.doses)]) + 1.0
        off = values["nonrenal"] + values["renal"]
        return simulate(
            self._clearance(off, off + values["dialysis"], end),
            self.doses,
            times=wanted,
            volume=values["volume"],
            production=self.production,
            initial=self.initial,
        )

    def _clearance(self, off: Array, on: Array, end: float) -> list[Interval]:
        table: list[Interval] = []
        reached = self.start
        for start, stop in self.sessions:
            if start > reached:
                table.append((reached, start, off))
            table.append((start, stop, on))
            reached = stop
        return [*table, (reached, end, off)] if end > reached else table


@dataclass(frozen=True, slots=True)
class ParameterEstimate:
    """One parameter: `value` at the maximum (unit in `unit`), with its eta.

    `relative_sd` is the posterior SD of the value over its posterior mean. `shrinkage` is 1 - posterior SD of eta / omega
    (of SDs, not of variances): near 0 the levels say nothing of this parameter, near 1 they fix it. Beware that software
    for populations calls something else shrinkage, 1 - SD of the etas / omega, which runs the other way.
    """

    name: str
    unit: str
    typical: float
    omega: float
    eta: float
    value: float
    relative_sd: float
    shrinkage: float


@dataclass(frozen=True, slots=True)
class FittedLevel:
    """A level with the concentration predicted at the maximum; `residual` is measured - predicted, None when below."""

    level: Level
    predicted: float
    residual: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """The estimate, with posterior draws of eta (draws x estimated parameters) and their weights, which sum to 1."""

    parameters: tuple[ParameterEstimate, ...]
    levels: tuple[FittedLevel, ...]
    objective: float
    effective_sample_size: float
    warnings: tuple[str, ...]
    prior: Prior
    history: History
    draws: Array
    weights: Array


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Posterior median and interval, of the shape of what they are of."""

    median: Array
    low: Array
    high: Array


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """`concentration` (mmol/L) at `times` (h), and `auc` (mmol h/L) over `window` (h), with the interval in percent.

    It carries the uncertainty of this patient's parameters, not the error of an assay.
    """

    times: Array
    concentration: Band
    window: tuple[float, float] | None
    auc: Band | None
    interval: tuple[float, float]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Fit:
    """The objective as a function of z, for sets of z at once."""

    prior: Prior
    history: History
    levels: tuple[Level, ...]
    error: ResidualError

    def __call__(self, z: Array) -> Array:
        """The objective of each row of z (sets x parameters)."""
        from scipy.special import log_ndtr  # type: ignore[import-untyped]

        predicted = self.predicted(z)
        variance = self.error.variance(predicted)
        limit = np.array([level.value for level in self.levels])
        below = np.array([level.below for level in self.levels])
        measured = np.log(variance) + (limit - predicted) ** 2 / variance
        censored = -2.0 * log_ndtr((limit - predicted) / np.sqrt(variance))
        terms: Array = np.where(below, censored, measured).sum(axis=1) + (z * z).sum(axis=1)
        return terms

    def predicted(self, z: Array) -> Array:
        """Concentrations (sets x levels)."""
        times = [level.time for level in self.levels]
        return self.history.simulate(self.prior, z * self.prior.omega, times).concentration


def estimate(
    prior: Prior,
    levels: Sequence[Level | tuple[float, float, bool, float | None]],
    doses: Sequence[Dose | tuple[float, float, float]],
    *,
    error: ResidualError,
    seed: int,
    sessions: Sequence[tuple[float, float]] = (),
    production: float = 0.0,
    initial: float = 0.0,
    draws: int = 4000,
) -> Estimate:
    """Estimate one patient's parameters from measured levels (research use).

    `levels` in mmol/L as (time h, value, below its limit?, limit), of which those before the first dose tell of the
    baseline; `doses` as (start h, mmol, duration h), all of the patient's doses that still matter; `sessions` of dialysis
    as (start h, end h); `production` in mmol/h; `initial` in mmol/L at the start of the history. The same `seed` gives
    the same draws. Raises `InputError` for no levels, a negative one, or one below a limit that is not given.
    """
    if not levels:
        raise InputError("there are no levels to estimate from; give at least one, in mmol/L")
    require_whole(draws, round(FEWEST), "draws")
    require_whole(seed, 0, "seed")
    checked = [
        checked_level(row[0], row[1], row[2], row[3], f"level {number}")
        for number, row in enumerate(rows_of(levels, 4, "levels", "(time h, mmol/L, below its limit?, limit)"), 1)
    ]
    known = tuple(sorted(checked, key=lambda level: level.time))
    history = _history(doses, sessions, production, initial, (level.time for level in known))
    if history.sessions and "dialysis" not in prior.entries:
        raise InputError("there are dialysis sessions, but the prior has no dialysis clearance; give it, in L/h")
    fit = _Fit(prior, history, known, error)
    generator = np.random.default_rng(seed)
    best = maximum(fit, len(prior.estimated), generator)
    found = sample(fit, best, generator, draws)
    parameters = _parameters(prior, best, found)
    return Estimate(
        parameters,
        _fitted(known, fit.predicted(best[None, :])[0]),
        float(fit(best[None, :])[0]),
        found.effective_size,
        _warnings(parameters, found),
        prior,
        history,
        found.z * prior.omega,
        found.weights,
    )


def forecast(
    estimated: Estimate,
    *,
    times: ArrayLike,
    window: tuple[float, float] | None = None,
    doses: Sequence[Dose | tuple[float, float, float]] = (),
    sessions: Sequence[tuple[float, float]] = (),
    interval: tuple[float, float] = (5.0, 95.0),
) -> Forecast:
    """Concentrations at `times` (h), and the AUC over `window` (h), for the history with further doses and sessions.

    Medians and `interval` (percent) are of the posterior draws. Raises `InputError`.
    """
    low, high = interval
    if not 0.0 < low < high < 100.0:
        raise InputError("an interval is two rising percentages between 0 and 100, such as 5 and 95")
    if window is not None and not window[0] < window[1]:
        raise InputError("the window of an AUC must end after its start, in h")
    wanted = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if wanted.ndim != 1 or not wanted.size or not np.all(np.isfinite([*wanted, *(window or ())])):
        raise InputError("times and window must be hours")
    history = _extended(estimated.history, doses, sessions)
    if history.sessions and "dialysis" not in estimated.prior.entries:
        raise InputError("there are dialysis sessions, but the prior has no dialysis clearance; estimate with one")
    curve = history.simulate(estimated.prior, estimated.draws, [*wanted, *(window or ())])
    cuts = (50.0, low, high)
    concentration = Band(*weighted_quantiles(curve.concentration[:, : wanted.size], estimated.weights, cuts))
    auc = None
    if window is not None:
        auc = Band(*weighted_quantiles(curve.auc[:, -1] - curve.auc[:, -2], estimated.weights, cuts))
    return Forecast(wanted, concentration, window, auc, interval, estimated.warnings)


def _history(
    doses: Sequence[tuple[float, float, float]],
    sessions: Sequence[tuple[float, float]],
    production: float,
    initial: float,
    times: Iterable[float],
) -> History:
    given, dialysed = _checked(doses, sessions)
    if not (0.0 <= production < np.inf and 0.0 <= initial < np.inf):
        raise InputError("production (mmol/h) and the initial concentration (mmol/L) must be zero or more")
    start = min([*times, *(dose.start for dose in given), *(session.start for session in dialysed)])
    return History(start, given, dialysed, float(production), float(initial))


def _extended(
    history: History, doses: Sequence[tuple[float, float, float]], sessions: Sequence[tuple[float, float]]
) -> History:
    given, dialysed = _checked([*history.doses, *doses], [*history.sessions, *sessions])
    if min([history.start, *(dose.start for dose in given), *(each.start for each in dialysed)]) < history.start:
        raise InputError(f"a further dose or session lies before the start of the history at {history.start:g} h")
    return History(history.start, given, dialysed, history.production, history.initial)


def _checked(
    doses: Sequence[tuple[float, float, float]], sessions: Sequence[tuple[float, float]]
) -> tuple[tuple[Dose, ...], tuple[Session, ...]]:
    rows = rows_of(doses, 3, "doses", "(start h, mmol, duration h)")
    given = tuple(checked_dose(row[0], row[1], row[2], f"dose {number}") for number, row in enumerate(rows, 1))
    spans = [(row[0], row[1]) for row in rows_of(sessions, 2, "sessions", "(start h, end h)")]
    return given, checked_sessions(spans, "dialysis")


def _parameters(prior: Prior, best: Array, found: Sample) -> tuple[ParameterEstimate, ...]:
    eta = best * prior.omega
    values, drawn = prior.values(eta[None, :]), prior.values(found.z * prior.omega)
    spread = prior.omega * found.deviation()
    rows = []
    for column, name in enumerate(prior.estimated):
        typical, omega = prior.entries[name]
        mean = float(found.weights @ drawn[name])
        deviation = float(np.sqrt(found.weights @ (drawn[name] - mean) ** 2))
        shrinkage = 1.0 - float(spread[column]) / omega
        value = float(values[name][0])
        rows.append(
            ParameterEstimate(name, UNITS[name], typical, omega, float(eta[column]), value, deviation / mean, shrinkage)
        )
    return tuple(rows)


def _fitted(levels: tuple[Level, ...], predicted: Array) -> tuple[FittedLevel, ...]:
    return tuple(
        FittedLevel(level, float(value), None if level.below else level.value - float(value))
        for level, value in zip(levels, predicted, strict=True)
    )


def _warnings(parameters: tuple[ParameterEstimate, ...], found: Sample) -> tuple[str, ...]:
    warnings = [
        f"{each.name} lies {abs(each.eta) / each.omega:.1f} omega from its typical value: question the data first (unit, "
        "salt, times of dose and sample, contamination from the line) before the patient"
        for each in parameters
        if abs(each.eta) > FAR * each.omega
    ]
    if found.effective_size < FEWEST:
        warnings.append(
            f"the effective sample size is {found.effective_size:.0f}, below {FEWEST:.0f}: the intervals are rough; "
            "ask for more draws"
        )
    return tuple(warnings)
