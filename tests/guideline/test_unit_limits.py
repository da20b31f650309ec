"""Units at the edges: exponents, sizes out of reach, codes of computed units, and what the refusals say."""

from __future__ import annotations

import pytest

from calcipath.guideline.units import (
    UnitError,
    conversion,
    convert,
    divide,
    multiply,
    parse_unit,
    power,
    same_size,
)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("mg/", "'mg/' is not a UCUM unit (character 4)"),  # three characters read, the fourth is missing
        ("mg)", "'mg)' is not a UCUM unit (character 3)"),
        ("(mg", "'(mg' is not a UCUM unit (character 4)"),
        ("{x", "'{x' is not a UCUM unit (character 1)"),
        ("m61", "'m61': the exponent 61 is not read"),
        ("mg/foo", "'mg/foo': 'foo' is not a UCUM unit"),
        ("foo", "'foo' is not a UCUM unit"),
        ("Cel.m", "'Cel.m': a temperature scale cannot be multiplied, divided or raised to a power"),
        ("Ym20", "the size of 'Ym20' is out of reach"),  # 10 to the 480
        ("m" * 121, "a unit code of 121 characters is not read"),
    ],
)
def test_a_refused_code_says_what_and_where(code: str, sentence: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_unit(code)
    assert (caught.value.kind, str(caught.value)) == ("unknown", sentence)


def test_the_longest_code_and_the_largest_exponent_are_read() -> None:
    assert same_size(parse_unit("m/m." * 29 + "m{x}"), "m")  # 120 characters
    assert same_size("m60", power(parse_unit("m30"), 2))
    assert same_size(power(parse_unit("m"), 60), "m60")
    with pytest.raises(UnitError, match=r"^the exponent 61 is out of reach$") as caught:
        power(parse_unit("m"), 61)
    assert caught.value.kind == "incompatible"


@pytest.mark.parametrize(("source", "target"), [("Ym12", "ym12"), ("ym12", "Ym12")])
def test_a_factor_beyond_the_floating_point_numbers_is_refused(source: str, target: str) -> None:
    """1e288 to 1e-288 and back: 1e576 and its reciprocal; the shift, zero, is well within reach."""
    with pytest.raises(UnitError, match=f"^'{source}' and '{target}' are too far apart$") as caught:
        conversion(source, target)
    assert caught.value.kind == "incompatible"


def test_a_size_out_of_reach_is_incompatible() -> None:
    with pytest.raises(UnitError, match=r"^the size of 'Ym20' is out of reach$") as caught:
        power(parse_unit("Ym"), 20)
    assert caught.value.kind == "incompatible"


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        ("mg", "mL", "'mg' and 'mL' measure different things"),
        ("mg/dL", "mmol/L", "'mg/dL' to 'mmol/L' needs the molar mass of the substance"),
        ("meq/L", "mmol/L", "'meq/L' to 'mmol/L' needs the valence of the ion"),
    ],
)
def test_a_refused_conversion_says_why(source: str, target: str, sentence: str) -> None:
    with pytest.raises(UnitError) as caught:
        conversion(source, target)
    assert (caught.value.kind, str(caught.value)) == ("incompatible", sentence)


def test_a_factor_that_is_no_short_decimal_keeps_its_digits() -> None:
    """One day is 1/365.25 of a Julian year; to 12 digits that would be wrong in the thirteenth."""
    assert conversion("d", "a_j")[0] == pytest.approx(1 / 365.25, rel=1e-15, abs=0)


def test_a_molar_mass_of_one() -> None:
    assert convert(3, "g", "mol", molar_mass_g_per_mol=1.0) == 3


def test_codes_of_computed_units() -> None:
    """The code of a computed unit is UCUM and reads as that unit: (m2)3 is m6 and not m23."""
    metre, square, ratio = parse_unit("m"), parse_unit("m2"), parse_unit("mg/dL")
    assert power(metre, 2).code == "m2"
    assert power(metre, -2).code == "m-2"
    assert same_size(power(square, 3).code, "m6")
    assert same_size(power(square, -3).code, "m-6")
    assert same_size(power(ratio, 2).code, "mg2/dL2")
    assert same_size(power(ratio, -1).code, "dL/mg")
    assert same_size(power(ratio, -2).code, "dL2/mg2")
    assert power(ratio, 0).code == "1"
    assert multiply(metre, parse_unit("s")).code == "m.s"
    assert divide(metre, ratio).code == "m/(mg/dL)"
    assert divide(metre, parse_unit("/min")).code == "m/(1/min)"


def test_a_unit_whose_bridge_overflows_is_incompatible() -> None:
    with pytest.raises(UnitError) as refused:
        conversion("mol60.mol60.g-60.g-59/L", "pg/mL", molar_mass_g_per_mol=9424.8)
    assert refused.value.kind == "incompatible"
