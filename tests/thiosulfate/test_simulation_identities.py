"""What must hold for every regimen, to 1e-9, whatever the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from regimens import Regimen, numbers, regimens, times_of_day

from calcipath.thiosulfate import Simulation

CLOSE = 1e-9
ordinary = settings(max_examples=60, deadline=None)


def assert_same(left: Simulation, right: Simulation, *, rtol: float = CLOSE) -> None:
    """Concentration and area agree; where nothing is left, to a hundred-billionth of the peak."""
    for ours, other in ((left.concentration, right.concentration), (left.auc, right.auc)):
        np.testing.assert_allclose(ours, other, rtol=rtol, atol=1e-11 * rtol * np.max(np.abs(other)))


@ordinary
@given(regimens())
def test_mass_balance_by_route(regimen: Regimen) -> None:
    """What came in is what each route cleared and what is left; the least clearance counts as the patient's own."""
    ours = regimen.run(regimen.edges, keep_peripheral=True)
    left = regimen.volume * ours.concentration[-1]
    if ours.peripheral is not None:
        left += regimen.peripheral_volume * ours.peripheral[-1]
    values = np.array([value for _, _, value in regimen.clearance])
    own, dialysis = values.min() * ours.auc[-1], np.sum((values - values.min()) * np.diff(ours.auc))

    came_in = regimen.infused + regimen.production * regimen.end + regimen.initial * regimen.total_volume
    assert own + dialysis + left == pytest.approx(came_in, rel=CLOSE)


@ordinary
@given(regimens(clearances=numbers(0.5, 60.0), intervals=1), numbers(1.0, 300.0))
def test_area_to_infinity_is_dose_over_clearance(regimen: Regimen, dose: float) -> None:
    clearance = regimen.clearance[0][2]
    exchange, outer = regimen.intercompartmental_clearance, regimen.peripheral_volume
    turnover = regimen.total_volume / clearance + (outer / exchange if exchange else 0.0)  # never below 1/slow rate
    long = regimen.but(clearance=[(0, 50 * turnover, clearance)], infusions=[(0, dose, 1)], production=0.0, initial=0.0)
    assert long.run([50 * turnover]).auc[0] == pytest.approx(dose / clearance, rel=CLOSE)


@ordinary
@given(regimens())
def test_superposition(regimen: Regimen) -> None:
    """Doses, production and the start each alone, under the same clearances, add up."""
    grid = regimen.grid()
    nothing = regimen.but(infusions=[], production=0.0, initial=0.0)
    parts = [nothing.but(infusions=[dose]) for dose in regimen.infusions]
    parts += [nothing.but(production=regimen.production), nothing.but(initial=regimen.initial)]
    each = [part.run(grid) for part in parts]
    whole = Simulation(np.array(grid), sum(one.concentration for one in each), sum(one.auc for one in each))
    assert_same(regimen.run(grid), whole)


@ordinary
@given(regimens(), numbers(1e-3, 1e3))
def test_linear_in_what_comes_in(regimen: Regimen, factor: float) -> None:
    more = regimen.but(
        infusions=[(begin, amount * factor, hours) for begin, amount, hours in regimen.infusions],
        production=regimen.production * factor,
        initial=regimen.initial * factor,
    )
    once = regimen.run(regimen.grid())
    assert_same(more.run(regimen.grid()), Simulation(once.times, once.concentration * factor, once.auc * factor))


@ordinary
@given(regimens(), times_of_day(-500.0, 500.0))
def test_the_clock_does_not_matter(regimen: Regimen, shift: float) -> None:
    moved = regimen.but(
        clearance=[(begin + shift, stop + shift, value) for begin, stop, value in regimen.clearance],
        infusions=[(begin + shift, amount, hours) for begin, amount, hours in regimen.infusions],
    )
    assert_same(moved.run([time + shift for time in regimen.grid()]), regimen.run(regimen.grid()))


@ordinary
@given(regimens())
def test_one_long_step_equals_many_short_ones(regimen: Regimen) -> None:
    many, one = regimen.run(regimen.grid(97)), regimen.run([regimen.end])
    assert_same(one, Simulation(one.times, many.concentration[-1:], many.auc[-1:]))


@ordinary
@given(regimens(intervals=1), st.floats(0.1, 0.5), st.floats(0.5, 0.9))
def test_session_of_no_dialysis_clearance_is_no_session(regimen: Regimen, begin: float, stop: float) -> None:
    value = regimen.clearance[0][2]
    start, end = round(begin * regimen.end, 6), round(stop * regimen.end, 6) + 1e-3
    session = regimen.but(clearance=[(0, start, value), (start, end, value + 0.0), (end, regimen.end + 1, value)])
    none = regimen.but(clearance=[(0, regimen.end + 1, value)])
    assert_same(session.run(regimen.grid()), none.run(regimen.grid()))


@ordinary
@given(regimens(), st.data())
def test_infusion_cut_in_two_at_a_switch_is_the_same_infusion(regimen: Regimen, data: st.DataObject) -> None:
    """Also one that begins before a session and ends after it."""
    switches = regimen.edges[1:-1] or [round(0.5 * regimen.end, 6)]
    switch = data.draw(st.sampled_from(switches))
    begin = data.draw(times_of_day(0.0, switch - 0.01))
    stop = data.draw(times_of_day(switch + 0.01, regimen.end))
    whole = regimen.but(infusions=[(begin, 100.0, stop - begin)])
    share = (switch - begin) / (stop - begin)
    halves = regimen.but(
        infusions=[(begin, 100.0 * share, switch - begin), (switch, 100.0 * (1.0 - share), stop - switch)]
    )
    assert_same(whole.run(regimen.grid()), halves.run(regimen.grid()))


@ordinary
@given(regimens(compartments=(2,)))
def test_without_exchange_it_is_one_compartment(regimen: Regimen) -> None:
    apart = regimen.but(intercompartmental_clearance=0.0).run(regimen.grid(), keep_peripheral=True)
    assert apart.peripheral is not None
    assert np.all(apart.peripheral == regimen.initial)
    assert_same(apart, regimen.but(intercompartmental_clearance=None, peripheral_volume=None).run(regimen.grid()))


@ordinary
@given(regimens(compartments=(2,), boluses=False))
def test_with_fast_exchange_it_is_one_compartment_of_both_volumes(regimen: Regimen) -> None:
    """Apart by the order of clearance over exchange."""
    mixed = regimen.but(intercompartmental_clearance=1e11)
    one = regimen.but(volume=regimen.total_volume, intercompartmental_clearance=None, peripheral_volume=None)
    assert_same(mixed.run(regimen.grid()), one.run(regimen.grid()), rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.lists(regimens(compartments=(2,), intervals=1), min_size=2, max_size=5), regimens(compartments=(2,)))
def test_patients_in_an_array_are_each_as_alone(others: list[Regimen], shared: Regimen) -> None:
    """Each value of the shared regimen is given for each patient: his own clearance, doses, volumes and start."""
    factors = np.array([1.0 + other.volume / 60.0 for other in others])

    def person(factor: float | np.ndarray, of: list[Regimen] | Regimen) -> Regimen:
        def own(name: str) -> float | np.ndarray:
            return np.array([getattr(one, name) for one in of]) if isinstance(of, list) else getattr(of, name)

        return Regimen(
            [(begin, stop, value * factor) for begin, stop, value in shared.clearance],
            [(begin, amount * factor, hours) for begin, amount, hours in shared.infusions],
            own("volume"),
            own("intercompartmental_clearance"),
            own("peripheral_volume"),
            own("production"),
            own("initial"),
        )

    together = person(factors, others).run(shared.grid(), keep_peripheral=True)
    assert together.peripheral is not None
    for row, (factor, other) in enumerate(zip(factors, others, strict=True)):
        alone = person(float(factor), other).run(shared.grid(), keep_peripheral=True)
        mine = Simulation(alone.times, together.concentration[row], together.auc[row])
        assert_same(mine, alone, rtol=1e-12)
        np.testing.assert_allclose(together.peripheral[row], alone.peripheral, rtol=1e-12, atol=1e-25)
