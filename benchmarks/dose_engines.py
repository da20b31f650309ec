"""General solvers of differential equations on the dosing task: each given only the equations, and what holds when.

Each function returns None when its library is not installed, else a function without arguments that gives
(concentration, patients x times; area of the asked week, patients).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

Population = dict[str, np.ndarray]
Run = Callable[[], tuple[np.ndarray, np.ndarray]]


def library(name: str) -> Any | None:
    """A module, or None when it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def each_patient(people: Population, segments: list[Any], solve: Callable[..., np.ndarray]) -> Run:
    """Walk stretch by stretch, restarting at each; `solve` gives the rows (central mg/L, area) at the asked times."""
    stretches = _merged(segments)
    samples = 1 + max(segment.obs_index for segment in segments)

    def run() -> tuple[np.ndarray, np.ndarray]:
        count = people["CL"].size
        concentration, area = np.empty((count, samples)), np.zeros(count)
        for patient in range(count):
            person = {name: float(values[patient]) for name, values in people.items()}
            state = np.zeros(3)
            for group in stretches:
                ends = np.array([segment.end for segment in group])
                rows = solve(person, group[0], state, ends)
                gained = np.diff(rows[:, 2], prepend=state[2])
                area[patient] += sum(gained[row] for row, segment in enumerate(group) if segment.in_auc)
                for row, segment in enumerate(group):
                    if segment.obs_index >= 0:
                        concentration[patient, segment.obs_index] = rows[row, 0]
                state = rows[-1]
        return concentration, area

    return run


def _merged(segments: list[Any]) -> list[list[Any]]:
    """Segments in groups without a switch between them."""
    groups: list[list[Any]] = []
    for segment in segments:
        if groups and (groups[-1][0].on_dialysis, groups[-1][0].rate) == (segment.on_dialysis, segment.rate):
            groups[-1].append(segment)
        else:
            groups.append([segment])
    return groups


def _clearance(person: dict[str, float], segment: Any) -> float:
    return person["CL"] + (person["CLHD"] if segment.on_dialysis else 0.0)


def scipy_lsoda(people: Population, segments: list[Any]) -> Run | None:
    """SciPy's `solve_ivp` with LSODA, relative and absolute 1e-8."""
    integrate = library("scipy.integrate")
    if integrate is None:
        return None

    def solve(person: dict[str, float], segment: Any, state: np.ndarray, ends: np.ndarray) -> np.ndarray:
        clearance, v1, q, v2 = _clearance(person, segment), person["V1"], person["Q"], person["V2"]

        def slope(_: float, y: np.ndarray) -> list[float]:
            exchange = q * (y[0] - y[1])
            return [(segment.rate - clearance * y[0] - exchange) / v1, exchange / v2, y[0]]

        solved = integrate.solve_ivp(
            slope, (segment.start, ends[-1]), state, method="LSODA", t_eval=ends, rtol=1e-8, atol=1e-8
        )
        return solved.y.T

    return each_patient(people, segments, solve)


SBML = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"><model id="two_compartments">
<listOfParameters>{parameters}</listOfParameters><listOfRules>
<rateRule variable="c1">{maths}<apply><divide/><apply><minus/><apply><minus/><ci>rate</ci><apply><times/><ci>CL</ci>
<ci>c1</ci></apply></apply><apply><times/><ci>Q</ci><apply><minus/><ci>c1</ci><ci>c2</ci></apply></apply></apply>
<ci>V1</ci></apply></math></rateRule>
<rateRule variable="c2">{maths}<apply><divide/><apply><times/><ci>Q</ci><apply><minus/><ci>c1</ci><ci>c2</ci></apply>
</apply><ci>V2</ci></apply></math></rateRule>
<rateRule variable="area">{maths}<ci>c1</ci></math></rateRule>
</listOfRules></model></sbml>"""


def libroadrunner_cvode(people: Population, segments: list[Any]) -> Run | None:
    """libRoadRunner with CVODE, relative 1e-8 and absolute 1e-10, one compiled model for all patients."""
    roadrunner = library("roadrunner")
    if roadrunner is None:
        return None
    names = ("c1", "c2", "area", "CL", "Q", "V1", "V2", "rate")
    parameters = "".join(f'<parameter id="{name}" value="1" constant="false"/>' for name in names)
    maths = '<math xmlns="http://www.w3.org/1998/Math/MathML">'
    model = roadrunner.RoadRunner(SBML.format(parameters=parameters, maths=maths))
    model.integrator.setValue("relative_tolerance", 1e-8)
    model.integrator.setValue("absolute_tolerance", 1e-10)
    model.timeCourseSelections = ["c1", "c2", "area"]

    def solve(person: dict[str, float], segment: Any, state: np.ndarray, ends: np.ndarray) -> np.ndarray:
        values = (*state.tolist(), _clearance(person, segment), person["Q"], person["V1"], person["V2"], segment.rate)
        for name, value in zip(names, values, strict=True):
            model[name] = value
        model.integrator.restart(segment.start)
        return np.array(model.simulate(times=[segment.start, *ends.tolist()]))[1:]

    return each_patient(people, segments, solve)


def diffrax_tsit5(people: Population, segments: list[Any]) -> Run | None:
    """diffrax with Tsit5, relative 1e-6 and absolute 1e-7, switches declared, all patients at once, compiled."""
    diffrax, jax = library("diffrax"), library("jax")
    if diffrax is None or jax is None:
        return None
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    groups = _merged(segments)
    switches = jnp.array([group[0].start for group in groups])
    rates = jnp.array([group[0].rate for group in groups])
    dialysed = jnp.array([1.0 if group[0].on_dialysis else 0.0 for group in groups])
    at = [segment.end for segment in segments if segment.obs_index >= 0]
    asked = [0.0, *at]
    first = asked.index(next(segment.start for segment in segments if segment.in_auc))
    last = asked.index(next(segment.end for segment in reversed(segments) if segment.in_auc))
    controller = diffrax.ClipStepSizeController(diffrax.PIDController(rtol=1e-6, atol=1e-7), jump_ts=switches[1:])

    def slope(time: Any, y: Any, person: Any) -> Any:
        now = jnp.searchsorted(switches, time, side="right") - 1
        clearance = person["CL"] + dialysed[now] * person["CLHD"]
        exchange = person["Q"] * (y[0] - y[1])
        return jnp.stack([(rates[now] - clearance * y[0] - exchange) / person["V1"], exchange / person["V2"], y[0]])

    def one(person: Any) -> Any:
        solved = diffrax.diffeqsolve(
            diffrax.ODETerm(slope),
            diffrax.Tsit5(),
            0.0,
            at[-1],
            None,
            jnp.zeros(3),
            person,
            saveat=diffrax.SaveAt(ts=jnp.array(asked)),
            stepsize_controller=controller,
            max_steps=100_000,
        )
        return solved.ys

    every = jax.jit(jax.vmap(one))

    def run() -> tuple[np.ndarray, np.ndarray]:
        rows = np.asarray(every(people))
        return rows[:, 1:, 0], rows[:, last, 2] - rows[:, first, 2]

    return run
