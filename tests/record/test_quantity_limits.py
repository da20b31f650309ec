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


IN_MG_DL: dict[str, Any] = {"unit": "mg/dL", "analyte": CALCIUM, "plausible": (3, 20)}
INR: dict[str, Any] = {"unit": "1", "plausible": (0.5, 25)}
BELIEVED = "values from 3 to 20 mg/dL are believable"
OTHER_UNIT = f"the unit cannot be right: {BELIEVED}, and the number would fit"


@pytest.mark.parametrize(
    ("fact", "value", "code", "comparator", "kind", "sentence"),
    [
        (IN_MG_DL, math.nan, "mg/dL", "", "value-implausible",
         "Calcium of no number mg/dL not used: the value is not a finite number."),
        (IN_MG_DL, 9.9, "mg/dL", "~", "unreadable", "Calcium ~9.9 mg/dL not used: the comparator '~' is not known."),
        (IN_MG_DL, 450, "mg/dL", "", "value-implausible", f"Calcium 450 mg/dL not used: {BELIEVED}."),
        # 2.3 mmol/L are 9.2 mg/dL, 2.3 meq/L are 4.6 mg/dL; 2.3 mg/L are not believable either
        (IN_MG_DL, 2.3, "mg/dL", "", "unit-impossible",
         f"Calcium 2.3 mg/dL not used: {OTHER_UNIT} mmol/L or meq/L."),
        # more than 25 mg/L is more than 2.5 mg/dL, which is believable
        (IN_MG_DL, 25, "mg/dL", ">", "unit-impossible", f"Calcium >25 mg/dL not used: {OTHER_UNIT} mg/L."),
        (IN_MG_DL, 9.9, "", "", "unit-missing", "Calcium 9.9 not used: no unit is given."),
        (INR, 85, "", "", "value-implausible", "Value 85 not used: values from 0.5 to 25 are believable."),
    ],
)  # fmt: skip
def test_the_sentence_of_a_refusal(
    fact: dict[str, Any], value: float, code: str, comparator: str, kind: str, sentence: str
) -> None:
    answer = read(value, code, comparator, **fact)
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
