"""The engine against 60 digits, where rates are equal, nearly equal, zero or far apart."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from regimens import Regimen

Matrix = list[list[Decimal]]


def product(left: Matrix, right: Matrix) -> Matrix:
    columns = list(zip(*right, strict=True))
    return [[sum((a * b for a, b in zip(row, column, strict=True)), Decimal(0)) for column in columns] for row in left]


def exact(regimen: Regimen, hours: float) -> list[float]:
    """Central, peripheral and area at `hours` by the power series of the exponential, with 60 digits."""
    clearance, (_, amount, duration) = Decimal(regimen.clearance[0][2]), regimen.infusions[0]
    v1, q, v2 = (
        Decimal(value) for value in (regimen.volume, regimen.intercompartmental_clearance, regimen.peripheral_volume)
    )
    zero, one = Decimal(0), Decimal(1)
    with localcontext() as context:
        context.prec = 60
        rate = Decimal(amount) / Decimal(duration)
        generator = [
            [-(clearance + q) / v1, q / v1, zero, rate / v1],
            [q / v2, -q / v2, zero, zero],
            [one, zero, zero, zero],
            [zero, zero, zero, zero],
        ]
        largest = max(abs(entry) for row in generator for entry in row) * Decimal(hours)
        halvings = max(0, int(largest).bit_length() + 1)
        small = [[entry * Decimal(hours) / 2**halvings for entry in row] for row in generator]
        term = [[one if row == column else zero for column in range(4)] for row in range(4)]
        total = term
        for n in range(1, 45):
            term = [[entry / n for entry in row] for row in product(term, small)]
            total = [[a + b for a, b in zip(x, y, strict=True)] for x, y in zip(total, term, strict=True)]
        for _ in range(halvings):
            total = product(total, total)
        start = [[Decimal(regimen.initial)], [Decimal(regimen.initial)], [zero], [one]]
        return [float(row[0]) for row in product(total, start)][:3]


@pytest.mark.parametrize("hours", [1e-9, 0.01, 1.0, 24.0])
@pytest.mark.parametrize("k12", [1e-16, 1e-13, 1e-10, 1e-8, 1e-4, 0.1])
@pytest.mark.parametrize("apart", [0.0, 1e-12, 1e-6, -1e-3])
def test_equal_and_nearly_equal_rates(k12: float, hours: float, apart: float) -> None:
    """k10 + k12 = k21 but for `apart`: the rates' gap is then the root of 4 k12 k21, and closes with k12."""
    regimen = Regimen(
        [(0, hours, 0.5 * 10.0 * (1.0 + apart))],
        [(0, 30.0, hours)],
        volume=10.0,
        intercompartmental_clearance=k12 * 10.0,
        peripheral_volume=k12 * 10.0 / (0.5 + k12),
        initial=0.25,
    )
    ours = regimen.run([hours], keep_peripheral=True)
    assert ours.peripheral is not None
    assert [ours.concentration[0], ours.peripheral[0], ours.auc[0]] == pytest.approx(exact(regimen, hours), rel=1e-9)


@pytest.mark.parametrize("clearance", [0.0, 1e-12, 1e-6, 1e-3, 9.0, 1e3])
@pytest.mark.parametrize("exchange", [1e-12, 1e-6, 1e-3, 5.0, 1e3, 1e6])
@pytest.mark.parametrize("hours", [1e-6, 1e-4, 4.0, 168.0])
def test_extreme_rates(clearance: float, exchange: float, hours: float) -> None:
    """An infusion alone, so that nothing hides a loss of digits in its part of the area."""
    regimen = Regimen([(0, hours, clearance)], [(0, 100.0, hours)], 12.0, exchange, 14.0)
    ours = regimen.run([hours], keep_peripheral=True)
    central, peripheral, area = exact(regimen, hours)
    assert ours.peripheral is not None
    assert ours.concentration == pytest.approx([central], rel=1e-11)
    assert ours.peripheral == pytest.approx([peripheral], rel=1e-10)
    assert ours.auc == pytest.approx([area], rel=1e-11)
