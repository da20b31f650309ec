"""Units against the UCUM standard, published conversion factors and two independent engines."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcipath.guideline.ucum_atoms import ATOMS, BASE, PREFIXES
from calcipath.guideline.units import (
    MAX_LENGTH,
    Unit,
    UnitError,
    compatible,
    conversion,
    convert,
    divide,
    multiply,
    parse_unit,
    power,
    same_size,
)

TESTS = Path(__file__).parents[1]
ORACLES = TESTS / "oracles"
REQUIRED = os.environ.get("CALCIPATH_REQUIRE_ORACLES") == "1"
Row = tuple[float, str, str, float | None, int | None]


def rows() -> list[Row]:
    with (TESTS / "data" / "unit-pairs.csv").open(encoding="utf-8", newline="") as file:
        return [
            (value, row["from"], row["to"], float(row["molar_mass"] or 0) or None, int(row["valence"] or 0) or None)
            for row in csv.DictReader(file)
            for value in (1.0, 36.6, 0.0)
        ]


def ours(row: Row) -> float:
    value, source, target, mass, valence = row
    return convert(value, source, target, molar_mass_g_per_mol=mass, valence=valence)


def dimension(code: str) -> dict[str, int]:
    return {base: exponent for base, exponent in zip(BASE, parse_unit(code).dimension, strict=True) if exponent}


# -- the standard -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("mg/dL", {"mass": 1, "length": -3}),
        ("mmol/L", {"amount": 1, "length": -3}),
        ("10*3/uL", {"length": -3}),
        ("mm[Hg]", {"mass": 1, "length": -1, "time": -2}),
        ("U/L", {"amount": 1, "time": -1, "length": -3}),
        ("m[IU]/L", {"[IU]": 1, "length": -3}),
        ("mL/min/{1.73_m2}", {"length": 3, "time": -1}),
        ("g/(24.h)", {"mass": 1, "time": -1}),
        ("mg2/dL2", {"mass": 2, "length": -6}),
        ("m-2", {"length": -2}),
        ("/min", {"time": -1}),
        ("{INR}", {}),
        ("%", {}),
        ("", {}),
        ("1", {}),
        ("cd/cd", None),  # the candela is not among our atoms; 'cd' must not be read as a centiday
    ],
)
def test_dimensions(code: str, expected: dict[str, int] | None) -> None:
    if expected is None:
        with pytest.raises(UnitError):
            parse_unit(code)
    else:
        assert dimension(code) == expected


@pytest.mark.parametrize(
    ("code", "same_as"),
    [
        ("m/s", "m.s-1"),
        ("m/s.g", "g.m/s"),  # operators work from left to right (UCUM section 7)
        ("m/(s.g)", "m.s-1.g-1"),
        ("10*3", "10^3"),
        ("10*3", "1000"),
        ("10*-2", "%"),
        ("ng/L", "pg/mL"),
        ("l", "L"),
        ("min", "60.s"),
        ("Pa", "kg.m-1.s-2"),
        ("10*9/L", "10*3/uL"),
        ("mg/dL{calculated}", "mg/dL"),
        ("[iU]", "[IU]"),
        ("1/m", "/m"),
    ],
)
def test_the_same_unit_under_two_names(code: str, same_as: str) -> None:
    assert same_size(code, same_as)


@pytest.mark.parametrize(
    "code",
    [
        "MG/DL", "GPL", "foo", "mg/dl ", " mg", "mg per dL", "mg//dL", "mg/", "/", ".", "mg/dL/", "(mg", "mg)", "()",
        "{x", "x}", "{a}{b}", "m%", "ccm", "kmin", "µg", "ug/µL", "m²", "10*3/", "0", "0/L", "1.5.mg.", "mg-",
        "Cel/min",
        "Cel.m", "[degF]2", "K2.Cel", "10*999", "m61", "mg" * 100, "[", "[IU", "IU", "1e3", "-1", "m--2",
        "(/min)", "(" * 50,
    ],
)  # fmt: skip
def test_what_is_no_unit_is_refused(code: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_unit(code)
    assert caught.value.kind == "unknown"
    assert str(caught.value)


def test_kelvin_trap() -> None:
    """As UCUM, K/uL is kelvin per microlitre and no cell count; pH is a picohenry and no [pH]."""
    assert dimension("K/uL") == {"temperature": 1, "length": -3}
    assert not compatible("K/uL", "10*9/L")
    assert not compatible("pH", "[pH]")


def test_arbitrary_units_do_not_mix() -> None:
    """UCUM section 24: arbitrary units are not commensurable with any other unit."""
    for other in ("U/L", "[arb'U]/L", "[GPL'U]/L", "g/L", "mol/L", "/L"):
        assert not compatible("[IU]/L", other)
    assert compatible("[IU]/L", "k[IU]/mL")


def test_prefixes_are_powers_of_ten_in_both_directions() -> None:
    for prefix, factor in PREFIXES.items():
        assert parse_unit(f"{prefix}m").factor == pytest.approx(factor)
    with pytest.raises(UnitError):
        parse_unit("kd")  # the day is not metric


def test_every_atom_can_be_read() -> None:
    for code in ATOMS:
        assert parse_unit(f"{code}2" if code in ("10*", "10^") else code).factor > 0


# -- published and hand-calculated conversions --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "source", "target", "mass", "expected", "digits"),
    [
        (1.0, "mg/dL", "mmol/L", 40.078, 0.2495, 4),  # calcium, KDOQI/KDIGO conversion factor
        (1.0, "mg/dL", "mmol/L", 30.974, 0.3229, 4),  # phosphate as phosphorus
        (1.0, "pg/mL", "pmol/L", 9424.8, 0.106, 3),  # PTH 1-84
        (150.0, "pg/mL", "pmol/L", 9424.8, 15.9, 1),
        (300.0, "pg/mL", "pmol/L", 9424.8, 31.8, 1),
        (100.0, "pg/mL", "pmol/L", 9424.8, 10.6, 1),
        (70.0, "mg2/dL2", "mmol2/L2", math.sqrt(40.078 * 30.974), 5.64, 2),  # Ca x P 70 mg2/dL2
        (55.0, "mg2/dL2", "mmol2/L2", math.sqrt(40.078 * 30.974), 4.43, 2),
        (10.0, "mg/dL", "mmol/L", 40.078, 2.49513, 5),
        (5.5, "mg/dL", "mmol/L", 30.974, 1.77570, 4),
        (1.0, "mg/dL", "umol/L", 113.12, 88.4, 1),  # creatinine
        (1.0, "mg/dL", "mmol/L", 28.014, 0.357, 3),  # urea nitrogen
        (1.0, "ng/mL", "nmol/L", 400.64, 2.496, 3),  # 25-OH vitamin D
        (1.0, "mg/dL", "umol/L", 584.7, 17.1, 1),  # bilirubin
        (3.5, "g/dL", "g/L", None, 35.0, 9),
        (98.6, "[degF]", "Cel", None, 37.0, 9),
        (95.4, "[degF]", "Cel", None, 35.2, 1),
        (37.0, "Cel", "[degF]", None, 98.6, 9),
        (-40.0, "Cel", "[degF]", None, -40.0, 9),
        (0.0, "K", "Cel", None, -273.15, 9),
        (100.0, "[lb_av]", "kg", None, 45.359237, 9),  # the international pound, 1959
        (1.0, "[in_i]", "cm", None, 2.54, 12),
        (120.0, "mm[Hg]", "kPa", None, 16.0, 1),
        (60.0, "U/L", "ukat/L", None, 1.0, 9),
    ],
)
def test_published_factors(
    value: float, source: str, target: str, mass: float | None, expected: float, digits: int
) -> None:
    assert round(convert(value, source, target, molar_mass_g_per_mol=mass), digits) == pytest.approx(expected)


def test_equivalents_need_the_valence() -> None:
    """Calcium carries two charges: 5 meq/L are 2.5 mmol/L, 100.195 mg/L; sodium one."""
    assert convert(5, "meq/L", "mmol/L", valence=2) == 2.5
    assert convert(2.5, "mmol/L", "meq/L", valence=2) == 5
    assert convert(5, "meq/L", "mg/L", molar_mass_g_per_mol=40.078, valence=2) == pytest.approx(100.195)
    assert convert(100.195, "mg/L", "meq/L", molar_mass_g_per_mol=40.078, valence=2) == pytest.approx(5)
    assert convert(140, "meq/L", "mmol/L", valence=1) == 140
    for mass, valence in ((None, None), (40.078, None), (None, 0), (None, -2)):
        with pytest.raises(UnitError, match="valence"):
            convert(5, "meq/L", "mmol/L", molar_mass_g_per_mol=mass, valence=valence)


@pytest.mark.parametrize(
    ("source", "target", "mass"),
    [
        ("mg/dL", "mmol/L", None),
        ("mg/dL", "mmol/L", 0.0),
        ("mg/dL", "mmol/L", -40.0),
        ("mg/dL", "mmol", 40.078),
        ("mg/dL", "mmol2/L2", 40.078),
        ("mg", "mL", 40.078),
        ("Cel", "kg", 40.078),
        ("[IU]", "ug", 384.6),
        ("%", "mg/dL", None),
    ],
)
def test_incompatible_units(source: str, target: str, mass: float | None) -> None:
    with pytest.raises(UnitError) as caught:
        convert(1, source, target, molar_mass_g_per_mol=mass)
    assert caught.value.kind == "incompatible"
    assert not compatible(source, target)


def test_conversion_is_a_factor_and_a_shift() -> None:
    assert conversion("g/L", "g/dL") == (0.1, 0.0)
    factor, shift = conversion("Cel", "[degF]")
    assert factor == pytest.approx(1.8)
    assert shift == pytest.approx(32.0)


def test_units_of_expressions() -> None:
    """Calcium times phosphate, and back."""
    product = multiply(parse_unit("mg/dL"), parse_unit("mg/dL"))
    assert same_size(product, "mg2/dL2")
    assert same_size(power(parse_unit("mg/dL"), 2), product)
    assert same_size(divide(product, parse_unit("mg/dL")), "mg/dL")
    assert same_size(power(parse_unit("mg/dL"), 0), "1")
    assert same_size(divide(parse_unit("kg"), power(parse_unit("m"), 2)), "kg/m2")
    assert same_size(divide(parse_unit("mg"), parse_unit("/min")), "mg.min")
    for code in (product.code, power(parse_unit("mg/dL"), -2).code, divide(parse_unit("g"), parse_unit("/min")).code):
        assert parse_unit(code)  # the code of a computed unit is itself UCUM
    for operation in (lambda u: multiply(u, u), lambda u: divide(parse_unit("m"), u), lambda u: power(u, 2)):
        with pytest.raises(UnitError) as caught:
            operation(parse_unit("Cel"))
        assert caught.value.kind == "incompatible"
    with pytest.raises(UnitError):
        power(parse_unit("Ym"), 20)  # 10 to the 480


# -- independent engines ------------------------------------------------------------------------------------------


def missing(engine: str) -> None:
    if REQUIRED:
        pytest.fail(f"{engine} is required here and not installed")
    pytest.skip(f"{engine} is not installed")


def disagreements(
    answers: list[float | None], *, tolerance: dict[str, float], beyond_it: frozenset[str] = frozenset()
) -> list[str]:
    """Rows where the engine answers otherwise; rows with a unit of `beyond_it` are left to the other engine."""
    wrong = []
    for row, answer in zip(rows(), answers, strict=True):
        if beyond_it & {row[1], row[2]}:
            continue
        within = max((t for part, t in tolerance.items() if part in row[1] + row[2]), default=1e-9)
        if answer is None or not math.isclose(ours(row), answer, rel_tol=within, abs_tol=1e-9):
            wrong.append(f"{row}: {answer}, ours {ours(row)}")
    return wrong


def test_against_ucum_lhc() -> None:
    node = shutil.which("node")
    folder = Path(os.environ.get("CALCIPATH_NODE_FOLDER", str(ORACLES)))
    if node is None or not (folder / "node_modules" / "@lhncbc" / "ucum-lhc").is_dir():
        missing("node with @lhncbc/ucum-lhc")
    done = subprocess.run(
        [str(node), str(ORACLES / "ucum-lhc.mjs")],
        input=json.dumps(rows()), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(rows()) >= 240
    # it converts no arbitrary unit, not even to a multiple of itself
    arbitrary = frozenset({"[IU]/L", "[IU]/mL", "[GPL'U]/mL"})
    assert disagreements(json.loads(done.stdout), tolerance={}, beyond_it=arbitrary) == []


def test_against_ucumvert() -> None:
    try:
        from lark.exceptions import VisitError
        from ucumvert import PintUcumRegistry
    except ImportError:
        missing("ucumvert")
    registry = PintUcumRegistry()

    def theirs(row: Row) -> float | None:
        value, source, target, mass, valence = row
        try:
            quantity: Any = registry.Quantity(value, registry.from_ucum(source))
            wanted: Any = registry.from_ucum(target)
        except VisitError:
            return None
        if valence:  # to pint an equivalent is a mole
            quantity = quantity / valence if "eq" in source else quantity * valence
        if mass:
            return float(quantity.to(wanted, "chemistry", mw=registry.Quantity(mass, "g/mol")).m)
        return float(quantity.to(wanted).m)

    # pint's conventional millimetre of mercury and column of water have more digits; it refuses mCel, and
    # ucumvert 0.3.2 drops the number of (24.h) and takes the nutritional [Cal] for the small calorie
    beyond_it = frozenset({"mCel", "g/(24.h)", "mg/(24.h)", "[Cal]"})
    answers = [theirs(row) for row in rows()]
    assert disagreements(answers, tolerance={"[Hg]": 5e-6, "[H2O]": 5e-5}, beyond_it=beyond_it) == []


# -- properties ---------------------------------------------------------------------------------------------------

RATIO_ATOMS = sorted(code for code, atom in ATOMS.items() if not atom.zero and not code.startswith("10"))
codes = st.builds(
    lambda atom, exponent: f"{atom}{exponent or ''}",
    st.sampled_from(RATIO_ATOMS),
    st.sampled_from([0, -3, -2, -1, 2, 3]),
)
terms = st.recursive(
    codes,
    lambda inner: st.one_of(
        st.builds("{}/({})".format, inner, inner),
        st.builds("{}.{}".format, inner, inner),
        st.builds("({}){{note}}".format, inner),
    ),
    max_leaves=4,
)
units = terms.map(parse_unit)
values = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.text(max_size=MAX_LENGTH + 5) | st.text("mgdLulk/.*^()[]{}0123456789-+%IU'", max_size=20))
def test_any_text_is_a_unit_or_a_unit_error(text: str) -> None:
    try:
        unit = parse_unit(text)
    except UnitError:
        return
    assert math.isfinite(unit.factor)
    assert unit.factor > 0


@given(units, units, values)
def test_round_trip(a: Unit, b: Unit, value: float) -> None:
    try:
        there = convert(value, a, b, molar_mass_g_per_mol=40.078, valence=2)
        back = convert(there, b, a, molar_mass_g_per_mol=40.078, valence=2)
    except UnitError:
        return
    assert back == pytest.approx(value, rel=1e-9, abs=1e-300)


@given(st.sampled_from(["Cel", "[degF]", "K", "[degR]", "mCel"]), st.sampled_from(["Cel", "[degF]", "K"]), values)
def test_round_trip_of_temperatures(a: str, b: str, value: float) -> None:
    assert convert(convert(value, a, b), b, a) == pytest.approx(value, rel=1e-9, abs=1e-6)


@given(units, units, units)
def test_multiplication_is_associative_and_division_undoes_it(a: Unit, b: Unit, c: Unit) -> None:
    try:
        left, right = multiply(multiply(a, b), c), multiply(a, multiply(b, c))
    except UnitError:
        return
    assert left.dimension == right.dimension
    assert left.factor == pytest.approx(right.factor, rel=1e-12)
    assert divide(left, c).factor == pytest.approx(multiply(a, b).factor, rel=1e-12)
    assert divide(left, c).dimension == multiply(a, b).dimension


@given(units, units)
def test_the_code_of_a_product_and_of_a_quotient_reads_as_that_unit(a: Unit, b: Unit) -> None:
    for operation in (multiply, divide):
        try:
            result = operation(a, b)
        except UnitError:
            continue
        if len(result.code) <= MAX_LENGTH:
            assert same_size(result, result.code)


@given(
    st.sampled_from([("mg/dL", "mmol/L"), ("mmol/L", "mg/dL"), ("meq/L", "mg/dL"), ("Cel", "[degF]"), ("g/L", "g/dL")]),
    values,
    values,
)
def test_conversion_is_monotone(pair: tuple[str, str], x: float, y: float) -> None:
    low, high = sorted((x, y))
    assert convert(low, *pair, molar_mass_g_per_mol=40.078, valence=2) <= convert(
        high, *pair, molar_mass_g_per_mol=40.078, valence=2
    )
