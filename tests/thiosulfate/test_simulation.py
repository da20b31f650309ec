"""The pharmacokinetic engine against stored reference simulations of mrgsolve and against hand calculation."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from regimens import Regimen

from calcipath.thiosulfate import simulate

DOSING = Path(__file__).parent.parent / "data" / "dosing"
SCENARIOS: list[dict[str, Any]] = json.loads((DOSING / "scenarios.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def reference() -> dict[str, np.ndarray]:
    """For each scenario rows of (h, mmol/L, mmol h/L), from mrgsolve."""
    rows = defaultdict(list)
    with (DOSING / "reference.csv").open(encoding="utf-8", newline="") as file:
        for scenario, *values in list(csv.reader(file))[1:]:
            rows[scenario].append([float(value) for value in values])
    return {scenario: np.array(values) for scenario, values in rows.items()}


def test_there_are_thirteen_scenarios_and_a_reference_for_each(reference: dict[str, np.ndarray]) -> None:
    assert len(SCENARIOS) == 13
    assert {each["name"] for each in SCENARIOS} == set(reference)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each["name"])
def test_agrees_with_mrgsolve(scenario: dict[str, Any], reference: dict[str, np.ndarray]) -> None:
    times, concentration, auc = reference[scenario["name"]].T
    assert times[-1] == scenario["total_h"]

    ours = simulate(
        [tuple(interval) for interval in scenario["clearance_L_per_h"]],
        [tuple(dose) for dose in scenario["doses"]],
        times=times,
        volume=scenario["volume_L"],
        intercompartmental_clearance=scenario["Q_L_per_h"],
        peripheral_volume=scenario["V2_L"],
        production=scenario["production_mmol_per_h"],
        initial=scenario["initial_mmol_per_L"],
    )

    apart = np.abs(ours.concentration - concentration)
    assert np.all((apart <= 1e-6 * np.abs(concentration)) | (apart <= 1e-9))
    np.testing.assert_allclose(ours.auc, auc, rtol=1e-8, atol=0.0)


def test_bolus_decays_exponentially() -> None:
    ours = Regimen([(0, 24, 10.0)], [(0, 100.0, 0)], volume=20.0).run([0, 2 * log(2), 4])
    assert ours.concentration == pytest.approx([5.0, 2.5, 5.0 * exp(-2.0)], rel=1e-13)
    assert ours.auc == pytest.approx([0.0, 5.0, 10.0 * (1.0 - exp(-2.0))], rel=1e-13)


def test_infusion_rises_to_its_level_and_decays_after_it() -> None:
    ours = Regimen([(0, 24, 10.0)], [(1, 100.0, 2)], volume=20.0).run([1, 3, 5])
    top = 5.0 * (1.0 - exp(-1.0))  # 50 mmol/h over 10 L/h
    assert ours.concentration == pytest.approx([0.0, top, top * exp(-1.0)], rel=1e-13)
    assert ours.auc[2] == pytest.approx((100.0 - 20.0 * top * exp(-1.0)) / 10.0, rel=1e-13)


def test_infusion_that_spans_the_start_and_the_end_of_a_session() -> None:
    """2 L/h off dialysis, 12 L/h on it from 1 to 3 h, 10 mmol/h from 0 to 4 h, in 10 L."""
    ours = Regimen([(0, 1, 2.0), (1, 3, 12.0), (3, 9, 2.0)], [(0, 40.0, 4)], volume=10.0).run([1, 3, 4, 9])
    before = 5.0 * (1.0 - exp(-0.2))
    during = 10.0 / 12.0 + (before - 10.0 / 12.0) * exp(-2.4)
    after = 5.0 + (during - 5.0) * exp(-0.2)
    assert ours.concentration == pytest.approx([before, during, after, after * exp(-1.0)], rel=1e-13)


def test_without_clearance_everything_stays() -> None:
    ours = Regimen([(0, 10, 0.0)], [(0, 30.0, 2)], volume=10.0, production=1.0, initial=0.5).run([2, 10])
    assert ours.concentration == pytest.approx([3.7, 4.5], rel=1e-14)
    assert ours.auc == pytest.approx([4.2, 4.2 + 8 * 4.1], rel=1e-14)


def test_without_clearance_two_compartments_come_to_one_level() -> None:
    regimen = Regimen([(0, 1e4, 0.0)], [(0, 60.0, 0)], 10.0, 5.0, 20.0)
    ours = regimen.run([0, 1e4], keep_peripheral=True)
    assert ours.concentration == pytest.approx([6.0, 2.0], rel=1e-12)
    assert ours.peripheral == pytest.approx([0.0, 2.0], rel=1e-12)


def test_production_alone_tends_to_production_over_clearance() -> None:
    ours = Regimen([(0, 1000, 8.0)], [], volume=16.0, production=0.06).run([1000])
    assert ours.concentration == pytest.approx([0.0075], rel=1e-13)


def test_concentration_rises_after_a_session_only_with_a_second_compartment() -> None:
    """Rebound: what had been distributed returns, while the amount in the body still falls."""
    regimen = Regimen([(0, 6, 2.0), (6, 10, 40.0), (10, 24, 0.5)], [(0, 100.0, 1)], 12.0, 5.0, 14.0)
    ours = regimen.run([6, 10, 10.5, 11, 12], keep_peripheral=True)
    assert ours.peripheral is not None
    assert ours.concentration[1] < ours.concentration[0] / 3
    assert np.all(np.diff(ours.concentration[1:]) > 0)
    assert np.all(np.diff(12.0 * ours.concentration + 14.0 * ours.peripheral) < 0)

    alone = regimen.but(intercompartmental_clearance=None, peripheral_volume=None).run([10, 10.5, 11, 12])
    assert np.all(np.diff(alone.concentration) < 0)


@pytest.mark.parametrize("when", [0.0, 3.0, 10.0])
def test_bolus_counts_at_its_own_time(when: float) -> None:
    """At the start, at a switch, and at the very end of the table."""
    ours = Regimen([(0, 3, 1.0), (3, 10, 4.0)], [(when, 50.0, 0)], volume=10.0).run([when])
    assert ours.concentration == pytest.approx([5.0])
    assert ours.auc == pytest.approx([0.0])


def test_dose_after_the_last_time_asked_for_changes_nothing() -> None:
    regimen = Regimen([(0, 48, 5.0)], [(0, 20.0, 1)], volume=10.0)
    later = regimen.but(infusions=[(0, 20.0, 1), (24, 500.0, 1), (30, 500.0, 0)])
    assert later.run([6, 24]).concentration.tolist() == regimen.run([6, 24]).concentration.tolist()


def test_a_time_at_the_end_of_a_long_table_lies_within_it() -> None:
    """Times this long have fewer digits than they are rounded to; both must be rounded alike."""
    end = 9773.801505194015
    ours = Regimen([(0, end, 0.01)], [(0, 20.0, 0)], volume=10.0).run([end])
    assert ours.concentration == pytest.approx([2.0 * exp(-0.001 * end)], rel=1e-12)


def test_results_follow_the_order_of_the_times_asked_for() -> None:
    regimen = Regimen([(0, 24, 5.0)], [(0, 20.0, 1)], 10.0, 5.0, 20.0)
    sorted_, shuffled = regimen.run([1, 4, 9]), regimen.run([9, 1, 4, 9], keep_peripheral=True)
    assert shuffled.times.tolist() == [9, 1, 4, 9]
    assert shuffled.concentration.tolist() == sorted_.concentration[[2, 0, 1, 2]].tolist()
    assert shuffled.auc.tolist() == sorted_.auc[[2, 0, 1, 2]].tolist()
    assert shuffled.peripheral is not None
    assert shuffled.peripheral.shape == (4,)


def test_shapes_for_one_patient_and_for_many() -> None:
    regimen = Regimen([(0, 24, 5.0)], [(0, 20.0, 1)], 10.0, 5.0, 20.0)
    assert regimen.run([1, 2, 3]).concentration.shape == (3,)
    assert regimen.run([1, 2, 3]).peripheral is None
    many = regimen.but(volume=np.array([10.0, 12.0])).run([1, 2, 3], keep_peripheral=True)
    assert many.peripheral is not None
    assert many.concentration.shape == many.auc.shape == many.peripheral.shape == (2, 3)
    assert regimen.but(infusions=[(0, np.array([20.0]), 1)]).run(5.0).auc.shape == (1, 1)


def test_arguments_are_left_as_they_were() -> None:
    initial, clearance = np.array([0.5, 1.0]), np.array([4.0, 5.0])
    Regimen([(0, 24, clearance)], [(0, 20.0, 0)], 10.0, 5.0, 20.0, initial=initial).run([1, 24])
    assert initial.tolist() == [0.5, 1.0]
    assert clearance.tolist() == [4.0, 5.0]
