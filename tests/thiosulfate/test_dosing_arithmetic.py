"""The arithmetic of a dosing answer, against numbers worked by hand, SciPy's matrix exponential and its ODE solver."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import record, result
from regimens import Regimen, rate_matrix, stretches, times_of_day
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from calcipath import api
from calcipath.dosing import DoseOptions, dose, knowledge_for
from calcipath.errors import InputError
from calcipath.thiosulfate.comparison import Comparer, Pair
from calcipath.thiosulfate.curve import attainment
from calcipath.thiosulfate.dialysis import Dialysis, checked
from calcipath.thiosulfate.exposure import Exposure, exposure, steady_state_curve
from calcipath.thiosulfate.from_levels import individual, prior_of
from calcipath.thiosulfate.kinetics import Kinetics, Patient, typical
from calcipath.thiosulfate.matching import match
from calcipath.thiosulfate.options import request_of
from calcipath.thiosulfate.schedule import Schedule, Timing, schedule_of
from calcipath.thiosulfate.subject import Dose, Level, Session, Subject

Array = np.ndarray[Any, Any]
L_PER_H = 70 * 0.06  # of 1 mL/min/kg at 70 kg
NONRENAL, HALF_LIFE, HAEMODIALYSIS = 2.04 * L_PER_H, 0.3335 * L_PER_H, 2.62 * L_PER_H  # L/h
VOLUME = 0.23 * 70  # L
FULL = 25 / 248.18 * 1000  # mmol in 25 g of pentahydrate
WEEK = (0.0, 48.0, 96.0)  # h: starts of three sessions a week
VIAL = DoseOptions(salt="pentahydrate", concentration=250, population=20)


def options(**given: Any) -> DoseOptions:
    values: dict[str, Any] = {"weight": 70, "modality": "hemodialysis", "salt": "pentahydrate", "population": 20}
    if "modality" not in given:
        values |= {"sessions": 3, "hours": 4}
    return DoseOptions(**(values | given))


def table(schedule: Schedule, off: float, on: float, periods: int = 1) -> list[tuple[float, float, float]]:
    """Clearance by time, L/h, made without the code under test; without sessions dialysis runs throughout."""
    rows, time = [], 0.0
    for number in range(periods):
        for start, end in schedule.sessions or ((0.0, schedule.period),):
            begin, stop = start + number * schedule.period, end + number * schedule.period
            rows += [(time, begin, off)] if begin > time else []
            rows.append((begin, stop, off + on))
            time = stop
    last = schedule.period * periods
    return [*rows, (time, last, off)] if last > time else rows


def infusions(schedule: Schedule, mmol: float, periods: int = 1) -> list[tuple[float, float, float]]:
    starts = [number * schedule.period for number in range(periods)]
    return [(time + start, mmol, hours) for time in starts for start, hours in schedule.doses]


def steady(regimen: Regimen, flow: Callable[[Array], Array] = expm, grid: int = 0) -> tuple[Array, float]:
    """Concentrations at edges and so many points, and area, of a period that repeats: x = F x + g by linear algebra."""
    points = list(stretches(regimen, np.linspace(0.0, regimen.end, grid).round(6).tolist()))
    maps = [flow(rate_matrix(regimen, each.clearance, each.rate) * (each.stop - each.start)) for each in points]
    total = np.eye(4)
    for each in maps:
        total = each @ total
    size = 2 if regimen.intercompartmental_clearance else 1
    state = np.array([0.0, 0.0, 0.0, 1.0])
    state[:size] = np.linalg.solve(np.eye(size) - total[:size, :size], total[:size, 3])
    levels = [state[0]]
    for each in maps:
        state = each @ state
        levels.append(state[0])
    return np.array(levels), float(state[2])


def by_ode(generator: Array) -> Array:
    """The flow over a stretch from SciPy's ODE solver, which knows nothing of exponentials."""

    def slope(_: float, y: Array) -> Array:
        return (generator @ y.reshape(4, 4)).ravel()

    found = solve_ivp(slope, (0.0, 1.0), np.eye(4).ravel(), method="DOP853", rtol=1e-10, atol=1e-13)
    return np.asarray(found.y[:, -1].reshape(4, 4))


def sessions_of(hours: float, offset: float, infusion: float, starts: tuple[float, ...] = WEEK) -> Schedule:
    return Schedule(168.0, tuple((s, s + hours) for s in starts), tuple((s + offset, infusion) for s in starts))


REFERENCE = sessions_of(4, 3, 1)


def a_week(schedule: Schedule, off: float, on: float, volume: float = VOLUME, **second: float) -> float:
    """Weekly area of 1 mmol a dose, h/L."""
    regimen = Regimen(table(schedule, off, on), infusions(schedule, 1.0), volume, **second)
    return steady(regimen)[1] * 168.0 / schedule.period


@st.composite
def repeating(draw: st.DrawFn, two: bool) -> tuple[Kinetics, Schedule]:
    period = draw(st.sampled_from([24.0, 48.0, 56.0, 168.0]))
    starts = [0.0, period / 2] if draw(st.booleans()) else [0.0]
    hours, offset, infusion = (draw(times_of_day(*span)) for span in ((0.5, 10.0), (0.0, 10.0), (0.1, 1.9)))
    spans = tuple((start, start + hours) for start in starts) if draw(st.booleans()) else ()
    values = {"volume": (8.0, 30.0), "nonrenal": (3.0, 15.0), "renal": (0.0, 5.0), "dialysis": (0.5, 20.0)}
    values |= {"intercompartmental_clearance": (1.0, 20.0), "peripheral_volume": (5.0, 30.0)} if two else {}
    kinetics = Kinetics(**{name: np.asarray(draw(st.floats(*span))) for name, span in values.items()})
    return kinetics, Schedule(period, spans, tuple((start + offset, infusion) for start in starts))


def regimen_of(kinetics: Kinetics, schedule: Schedule, periods: int = 1) -> Regimen:
    """100 mmol a dose."""
    off, on = float(kinetics.nonrenal + kinetics.renal), float(kinetics.dialysis)
    outer = kinetics.intercompartmental_clearance, kinetics.peripheral_volume
    second = [None if each is None else float(each) for each in outer]
    rows = table(schedule, off, on, periods), infusions(schedule, 100.0, periods)
    return Regimen(*rows, float(kinetics.volume), *second)


@settings(deadline=None, max_examples=40)
@given(st.booleans().flatmap(repeating))
def test_the_steady_state_is_that_of_a_long_run(drawn: tuple[Kinetics, Schedule]) -> None:
    kinetics, schedule = drawn
    at = np.linspace(0.0, schedule.period, 60).round(6)
    curve, marks = steady_state_curve(kinetics, schedule, 100.0, at=at)
    # From nothing by the engine, which has its own outside checks: the slowest rate drawn, 0.023/h, leaves 1e-17.
    run = regimen_of(kinetics, schedule, periods=70).run(69 * schedule.period + marks)
    assert set(at) <= set(marks)
    assert curve.central[:, 0] == pytest.approx(run.concentration, rel=1e-9, abs=1e-12)
    assert curve.area[:, 0] == pytest.approx(run.auc - run.auc[0], rel=1e-9, abs=1e-10)
    found = exposure(kinetics, schedule, 100.0)
    assert found.weekly_auc[0] == pytest.approx((run.auc[-1] - run.auc[0]) * 168.0 / schedule.period, rel=1e-9)
    assert found.peak[0] == pytest.approx(run.concentration.max(), rel=1e-9)
    assert found.trough[0] == pytest.approx(run.concentration.min(), rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=10)
@given(st.booleans().flatmap(repeating))
def test_the_exposure_agrees_with_an_ode_solver(drawn: tuple[Kinetics, Schedule]) -> None:
    kinetics, schedule = drawn
    levels, area = steady(regimen_of(kinetics, schedule), by_ode, grid=20)
    found = exposure(kinetics, schedule, 100.0)
    assert found.weekly_auc[0] == pytest.approx(area * 168.0 / schedule.period, rel=1e-7)
    assert (found.peak[0], found.trough[0]) == pytest.approx((levels.max(), levels.min()), rel=1e-7, abs=1e-9)
    if not schedule.sessions:  # what is given in a period leaves in it, in shares of the clearances
        share = kinetics.dialysis / (kinetics.dialysis + kinetics.nonrenal + kinetics.renal)
        assert found.fraction_removed_by_dialysis[0] == pytest.approx(float(share), rel=1e-9)


def test_the_second_compartment_of_the_answer() -> None:
    """12 L, 1.19 mL/min/kg and 14 L at 70 kg (0.1714 L/kg, 0.20 L/kg): the sensitivity shown beside each answer."""
    second = {"intercompartmental_clearance": 1.19 * L_PER_H, "peripheral_volume": 14.0}
    found = next(e for e in dose(options(timing="after", dose=25))["sensitivity"] if e["id"] == "second-compartment")
    mine = a_week(sessions_of(4, 4, 1), NONRENAL, HAEMODIALYSIS, 0.1714 * 70, **second)
    reference = a_week(REFERENCE, NONRENAL, HAEMODIALYSIS, 0.1714 * 70, **second)
    assert found["weekly_auc"]["value"] == pytest.approx(FULL * mine, rel=1e-9)
    assert found["ratio"]["value"] == pytest.approx(mine / reference, rel=1e-9)


def peritoneal(off: float, drained: float) -> float:
    """Against the reference, dose for dose: with constant clearance the area of a dose is dose / clearance."""
    return 3.0 / (off + drained / 24.0) / a_week(REFERENCE, off, HAEMODIALYSIS)


@pytest.mark.parametrize(("drained", "status"), [(10.0, "shown"), (15.0, "withheld")])
def test_readings_more_than_a_quarter_apart_disagree(drained: float, status: str) -> None:
    ratios = [peritoneal(off, drained) for off in (NONRENAL, HALF_LIFE)]
    assert (max(ratios) / min(ratios) - 1.0 <= 0.25) == (status == "shown") and max(ratios) / min(ratios) < 1.3
    found = dose(options(modality="peritoneal", drained=drained))
    assert [each["ratio"]["value"] for each in found["scenarios"]] == pytest.approx(ratios, rel=1e-6)
    assert found["matched"]["status"] == status
    assert bool(found["disagreement"]) == (status == "withheld")


def test_a_users_own_reading_counts_in_the_agreement(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    head = "scenarios:\n  - id: ours\n    title: Ours\n    statement: Measured here.\n    parameters:\n      "
    file.write_text(head + "hemodialysis: {mean: \"13.1 'mL/min/kg'\", sd: \"1 'mL/min/kg'\", source: us, mark: S}\n")
    late, on = sessions_of(4, 3.5, 0.5), 5 * HAEMODIALYSIS
    ratios = [a_week(late, NONRENAL, each) / a_week(REFERENCE, NONRENAL, each) for each in (HAEMODIALYSIS, on)]
    assert ratios[1] / ratios[0] > 1.25
    assert dose(options(timing="last-half-hour"))["matched"]["status"] == "shown"
    found = dose(options(timing="last-half-hour", parameters=str(file)))
    assert found["scenarios"][-1]["ratio"]["value"] == pytest.approx(ratios[1], rel=1e-9)
    assert found["matched"]["status"] == "withheld" and "under Ours" in found["matched"]["reason"]


def people(regimen: list[float]) -> Pair:
    """Virtual patients whose exposure of 1 mmol a dose is given, and is 1 under the reference regimen."""
    rows = (np.array(regimen), np.ones(len(regimen)))
    return Pair(*(Exposure(row, row, row, row) for row in rows))


def test_the_share_that_attains_its_own_reference() -> None:
    knowledge = knowledge_for()
    request = request_of(options(), knowledge)
    matched = match(Comparer(request, knowledge), people([0.92, 0.95, 1.0, 1.2, 1.3]))
    assert (matched.dose, matched.at_least, matched.near) == (25.0, 0.6, 0.8)  # it is the reference dose
    found = attainment(people([2.0, 1.2, 1.0, 0.5]), request, knowledge, FULL / 2)
    shares = {round(x, 3): pair for x, *pair in zip(found.doses, found.at_least, found.near, strict=True)}
    # 12.5 g: 2, 1.2, 1 and 0.5 times the reference; 25 g twice that; 6 g 0.96, 0.576, 0.48 and 0.24 times
    assert (shares[6.0], shares[12.5], shares[25.0]) == ([0.0, 0.25], [0.75, 0.5], [1.0, 0.25])


@pytest.mark.parametrize("seed", [1, 7])
def test_the_population_follows_from_the_seed(seed: int) -> None:
    """Peritoneal: area 3 D / (nonrenal + 10 L/day), nonrenal log-normal with the published mean and SD 0.72 of 2.04."""
    omega = math.sqrt(math.log1p((0.72 / 2.04) ** 2))
    drawn = np.random.default_rng(seed).standard_normal((300, 4))[:, 0]
    nonrenal = NONRENAL * np.exp(omega * drawn - omega**2 / 2)
    expected = np.percentile(3 * FULL / (nonrenal + 10 / 24), [5, 25, 50, 75, 95])
    found = dose(options(modality="peritoneal", dose=25, seed=seed, population=300))["population"]
    assert found["weekly_auc"]["values"] == pytest.approx(expected, rel=1e-6)


def clearance(dialysis: Dialysis, weight: float = 70) -> float:
    """By dialysis, L/h."""
    knowledge = knowledge_for()
    return float(typical(Patient(weight), checked(dialysis), knowledge.scenarios[0], knowledge).dialysis)


@pytest.mark.parametrize(("share", "ml_per_min"), [(None, 200.0), (1.0, 150.0), (0.5, 200 * 300 / 350)])
def test_haemodiafiltration_with_predilution(share: float | None, ml_per_min: float) -> None:
    """KoA, blood and dialysate 300: 150 by diffusion; 24 L in 4 h are 100, at half strength 50; diluted 300 : 300 + share."""
    given = {"koa": 300, "blood_flow": 300, "dialysate_flow": 300, "substitution": 24, "predilution": share}
    assert clearance(Dialysis("hemodiafiltration", 3, 4, **given)) == pytest.approx(ml_per_min * 0.06)


def test_effluent_and_drained_volume() -> None:
    """60 mL/kg/h at 100 kg are 6 L/h or 100 mL/min."""
    assert clearance(Dialysis("cvvh", effluent=60, blood_flow=150, predilution=1.0), 100) == pytest.approx(3.6)
    with pytest.raises(InputError, match="effluent flow exceeds the blood flow"):
        clearance(Dialysis("cvvh", effluent=60, blood_flow=99), 100)
    assert clearance(Dialysis("peritoneal", drained=18)) == pytest.approx(0.75)
    assert clearance(Dialysis("peritoneal")) == pytest.approx(10 / 24)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"modality": "cvvhd", "effluent": 25, "blood_flow": 200, "predilution": 0.5}, "does not belong to cvvhd"),
        ({"koa": 800}, "all three"),
        ({"blood_flow": 300, "dialysate_flow": 500}, "all three"),
        ({"sessions": 4, "hours": 24}, "shorter than the 24 h"),
        ({"infusion": 61}, "does not fit the last hour"),
        ({"timing": "last-half-hour", "infusion": 45}, "does not fit the last half hour"),
        ({"timing": "first-hour", "infusion": 90}, "does not fit the first hour"),
    ],
)
def test_what_cannot_be_is_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        dose(options(**changed))


@pytest.mark.parametrize(("sessions", "days"), [(1, [0]), (2, [0, 3]), (3, [0, 2, 4]), (4, [0, 1, 3, 5])])
def test_the_days_of_the_sessions(sessions: int, days: list[int]) -> None:
    """Two on Monday and Thursday; four with two days in a row once, Sunday free."""
    found = schedule_of(Dialysis("hemodialysis", sessions, 5), Timing("last-half-hour"), None)
    assert found.sessions == tuple((24.0 * day, 24.0 * day + 5) for day in days)
    assert found.doses == tuple((24.0 * day + 4.5, 0.5) for day in days)


def test_the_worksheet() -> None:
    given = {"dose": 20, "concentration": 80, "diluent": "saline", "diluent_volume": 100, "timing": "last-half-hour"}
    found = dose(options(**given))
    sheet = found["session_sheet"]
    assert sheet["draw"].startswith("250.0 mL = 20 g = 80.6 mmol")  # 20 / 248.18
    assert sheet["volume"].startswith("350 mL in all")
    assert (sheet["duration"], sheet["rate"]) == ("30 min", "700 mL/h")
    assert sheet["start"] == "3.5 h after the start of the 4 h session"
    assert found["regimen"]["product_volume"] == {"value": 250.0, "unit": "mL"}
    assert found["regimen"]["final_volume"] == {"value": 350.0, "unit": "mL"}
    assert found["exposure"]["volume_per_week"] == {"value": 1050.0, "unit": "mL"}
    short = dose(options(dose=25, infusion=45))["session_sheet"]
    assert short["start"].startswith("3 h after") and (short["duration"], short["rate"]) == ("45 min", "133 mL/h")


def test_the_matched_dose_is_simulated_with_what_stands_beside_every_answer() -> None:
    found = dose(options(match_reference=True, dose=12.5))
    assert found["regimen"]["dose"] == {"value": 25.0, "unit": "g"}
    assert found["scenarios"][0]["ratio"]["value"] == pytest.approx(1.0, rel=1e-12)
    weekly = FULL * a_week(REFERENCE, NONRENAL, HAEMODIALYSIS)
    assert found["exposure"]["weekly_auc"]["value"] == pytest.approx(weekly, rel=1e-9)
    assert any("falsely raises chloride" in each for each in found["information"])
    assert {e["id"]: e["verified"] for e in found["scenarios"]} == {"farese-2011": True, "half-life-478-min": False}


def test_what_one_change_does() -> None:
    found = {each["change"]: each for each in dose(options(dose=12.5))["changes"]}
    base = a_week(REFERENCE, NONRENAL, HAEMODIALYSIS)
    changed = {
        "after": sessions_of(4, 4, 1),
        "first hour": sessions_of(4, 0, 1),
        "sessions of 8 h": sessions_of(8, 7, 1),
        "4 sessions a week": sessions_of(4, 3, 1, (0.0, 24.0, 72.0, 120.0)),
    }
    for name, schedule in changed.items():
        weekly = a_week(schedule, NONRENAL, HAEMODIALYSIS)
        assert found[name]["ratio"]["value"] == pytest.approx(weekly / base, rel=1e-9)
        assert found[name]["weekly_auc"]["value"] == pytest.approx(FULL / 2 * weekly, rel=1e-9)


def published(**given: Any) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in dose(options(**given))["published"] if "id" in each}


def test_a_published_regimen_beside_the_reference() -> None:
    same = published()["hd-over-60"]
    assert same["ratio"]["value"] == pytest.approx(1.0, rel=1e-9) and "differs" not in same
    late = published(timing="after")["hd-over-60"]  # 1.31 times
    expected = a_week(sessions_of(4, 4, 1), NONRENAL, HAEMODIALYSIS) / a_week(REFERENCE, NONRENAL, HAEMODIALYSIS)
    assert late["ratio"]["value"] == pytest.approx(expected, rel=1e-9)
    assert f"about {expected:.2f} times" in late["differs"]
    low = published(modality="peritoneal")["pd-low"]  # 14 times 3.2 g against three times 25 g
    assert low["ratio"]["value"] == pytest.approx(peritoneal(NONRENAL, 10.0) * 14 * 3.2 / (3 * 25), rel=1e-6)


def test_published_regimens_by_weight_and_gfr() -> None:
    assert {"hd-under-60", "hd-over-60"} & set(published(weight=50)) == {"hd-under-60"}
    assert {"hd-under-60", "hd-over-60"} & set(published(weight=75)) == {"hd-over-60"}
    for weight, name in ((50, "under-60"), (75, "over-60")):
        for gfr, level in ((40, "low"), (59.9, "low"), (60, "60"), (90, "60")):
            assert set(published(weight=weight, modality="none", gfr=gfr)) == {f"off-gfr-{level}-{name}"}


def test_cautions() -> None:
    def said(**given: Any) -> str:
        return " ".join(dose(options(**given))["warnings"])

    # 12 x 248.18 / 158.11 = 18.84
    assert "Anhydrous salt: 12 g holds as much thiosulfate as 18.8 g of" in said(salt="anhydrous", dose=12)
    assert "Anhydrous" not in said(dose=12)
    assert "part of the ratio between them is the dialyser" in said(koa=300, blood_flow=300, dialysate_flow=300)
    assert "derived from flows" in said(modality="peritoneal")
    assert "derived from flows" in said(modality="cvvh", effluent=25)
    assert "the dialyser" not in said() and "derived from flows" not in said()


def test_the_prior_is_the_median_of_the_published_mean() -> None:
    """A log-normal of mean m and coefficient of variation c has the median m / sqrt(1 + c squared)."""
    knowledge = knowledge_for()
    found = prior_of(request_of(options(gfr=10), knowledge), knowledge).entries
    means = {"nonrenal": NONRENAL, "dialysis": HAEMODIALYSIS, "renal": 0.6}
    variations = {"nonrenal": 0.72 / 2.04, "dialysis": 1.01 / 2.62, "renal": 0.45 / 1.86}
    for name, variation in variations.items():
        assert found[name][0] == pytest.approx(means[name] / math.sqrt(1 + variation**2), rel=1e-9)
        assert found[name][1] == pytest.approx(math.sqrt(math.log(1 + variation**2)), rel=1e-9)


def test_levels_are_predicted_with_what_the_body_makes() -> None:
    """From 7.1 umol/L with 14.6 nmol/min/kg, 100 mmol over the last hour of a session: SciPy at the parameters found."""
    subject = Subject("1", (Dose(3.0, 100.0, 1.0),), (Level(5.0, 2.0), Level(40.0, 0.008)), (Session(0.0, 4.0),))
    knowledge = knowledge_for()
    found = individual(subject, request_of(options(), knowledge), knowledge, 25.0).estimate
    fitted = {each.name: each.value for each in found.parameters}

    def slope(rate: float, cleared: float) -> Callable[[float, Array], Array]:
        return lambda _, y: (rate - cleared * y) / fitted["volume"]

    made, off = 14.6e-6 * 60 * 70, fitted["nonrenal"]
    on, level, predicted = off + fitted["dialysis"], np.array([0.0071]), []
    for hours, rate, cleared in ((3.0, 0.0, on), (1.0, 100.0, on), (1.0, 0.0, off), (35.0, 0.0, off)):
        level = solve_ivp(slope(made + rate, cleared), (0.0, hours), level, "LSODA", rtol=1e-10, atol=1e-13).y[:, -1]
        predicted.append(float(level[0]))
    assert [each.predicted for each in found.levels] == pytest.approx(predicted[2:], rel=1e-6)
    assert predicted[-1] == pytest.approx(made / off, rel=1e-3)  # nothing but the body's own is left


def test_a_measured_clearance_stands_before_an_estimate() -> None:
    measured, estimate = result(20, "creatinine clearance", 50), result(21, "egfr", 60)
    both = api.dose_resources(record(measured, estimate, result(22, "height", 170), dialysis=None), VIAL).answer
    assert both["patient"]["gfr"] == {"value": 50.0, "unit": "mL/min"}


def test_a_wide_interval_is_no_number() -> None:
    """A clearance reported as below 10 mL/min may be anything from 0: it is not taken as 5."""
    below = result(20, "creatinine clearance", 10)
    below["valueQuantity"]["comparator"] = "<"
    assert api.dose_resources(record(below), VIAL).answer["patient"]["gfr"] is None
    exact = api.dose_resources(record(result(20, "creatinine clearance", 10)), VIAL).answer
    assert exact["patient"]["gfr"] == {"value": 10.0, "unit": "mL/min"}
