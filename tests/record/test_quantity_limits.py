"""Quantities at the limits of belief, open intervals, and the whole sentences of refusal; all worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from calcipath.guideline.analytes import Analyte
from calcipath.guideline.unit_aliases import UnitAliases
from calcipath.record.model import Quantity
from calcipath.record.quantities import Normalised, QuantityProblem, normalise

UCUM = "http://unitsofmeasure.org"
NO_ALIASES = UnitAliases({}, {}, {})
CALCIUM = Analyte("calcium", "calcium", 40.078, 2, ("mg/dL", "mmol/L", "meq/L", "mg/L"))


def read(value: Any, code: str, comparator: str = "", **fact: Any) -> Normalised | QuantityProblem:
    return normalise(Quantity(value, "", UCUM if code else "", code, comparator), aliases=NO_ALIASES, **fact)


def calcium(value: Any, code: str = "mg/dL", comparator: str = "") -> Normalised | QuantityProblem:
    return read(value, code, comparator, unit="mg/dL", analyte=CALCIUM, plausible=(3, 20))


@pytest.mark.parametrize(
    ("answer", "kind", "sentence"),
    [
        (calcium(math.nan), "value-implausible",
         "Calcium of no number mg/dL not used: the value is not a finite number."),
        (calcium(9.9, comparator="~"), "unreadable", "Calcium ~9.9 mg/dL not used: the comparator '~' is not known."),
        (calcium(450), "value-implausible",
         "Calcium 450 mg/dL not used: values from 3 to 20 mg/dL are believable."),
        # 2.3 mmol/L are 9.2 mg/dL, 2.3 meq/L are 4.6 mg/dL; 2.3 mg/L are not believable either
        (calcium(2.3), "unit-impossible", "Calcium 2.3 mg/dL not used: the unit cannot be right: values from 3 to 20 "
         "mg/dL are believable, and the number would fit mmol/L or meq/L."),
        # more than 25 mg/L is more than 2.5 mg/dL, which is believable
        (calcium(25, comparator=">"), "unit-impossible", "Calcium >25 mg/dL not used: the unit cannot be right: values "
         "from 3 to 20 mg/dL are believable, and the number would fit mg/L."),
        (read(85, "", unit="1", plausible=(0.5, 25)), "value-implausible",
         "Value 85 not used: values from 0.5 to 25 are believable."),
        (calcium(9.9, ""), "unit-missing", "Calcium 9.9 not used: no unit is given."),
    ],
)  # fmt: skip
def test_the_sentence_of_a_refusal(answer: Normalised | QuantityProblem, kind: str, sentence: str) -> None:
    assert isinstance(answer, QuantityProblem)
    assert (answer.kind, answer.handling) == (kind, sentence)


@pytest.mark.parametrize(("value", "used"), [(3, True), (20, True), (2.99, False), (20.01, False)])
def test_the_limits_of_belief_are_believed(value: float, used: bool) -> None:
    assert isinstance(read(value, "mmol/L", unit="mmol/L", plausible=(3, 20)), Normalised) is used


@pytest.mark.parametrize(
    ("comparator", "value", "used"),
    [(">", 20, False), (">=", 20, True), (">=", 20.01, False), ("<", 0.2, True), ("<=", 0.2, True), ("ad", 0.2, True)],
)
def test_belief_in_open_intervals(comparator: str, value: float, used: bool) -> None:
    """More than the most that is believable is refused; less than a limit of detection may lie under the least."""
    assert isinstance(read(value, "mmol/L", comparator, unit="mmol/L", plausible=(0.3, 20)), Normalised) is used
    assert isinstance(read(value, "mmol/L", comparator, unit="mmol/L", plausible=(3, 20)), Normalised) is used


@pytest.mark.parametrize(
    ("plausible", "unit", "low"),
    [
        ((0.3, 20), "mmol/L", 0.0),
        ((0, 20), "mmol/L", 0.0),
        ((3, 20), "mmol/L", 0.0),
        ((-30, 30), "mmol/L", -math.inf),  # a base excess may be negative
        ((25, 45), "Cel", -math.inf),  # nothing says that a scale with its own zero ends there
    ],
)
def test_where_an_open_low_end_lies(plausible: tuple[float, float], unit: str, low: float) -> None:
    for comparator in ("<", "<=", "ad"):
        answer = read(26, unit, comparator, unit=unit, plausible=plausible)
        assert isinstance(answer, Normalised)
        assert answer.low == low
