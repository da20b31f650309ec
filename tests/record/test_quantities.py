"""Quantities as records write them: published patients' values, hand calculations, and the traps of units."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from calcipath.guideline.analytes import Analyte, AnalyteError, read_analytes
from calcipath.guideline.unit_aliases import UnitAliases, read_unit_aliases
from calcipath.guideline.units import compatible
from calcipath.record.model import Quantity
from calcipath.record.quantities import Normalised, QuantityProblem, normalise
from calcipath.record.reference_ranges import ReferenceRange, reference_range

CONTENT = Path(__file__).parents[2] / "src" / "calcipath" / "guideline" / "content"
UCUM = "http://unitsofmeasure.org"


def content(name: str) -> Any:
    return yaml.safe_load((CONTENT / name).read_text(encoding="utf-8"))


ANALYTES: dict[str, Analyte] = read_analytes(content("analytes.yaml"))
ALIASES: UnitAliases = read_unit_aliases(content("unit-aliases.yaml"))

FACTS: dict[str, dict[str, Any]] = {
    "calcium": {"unit": "mg/dL", "analyte": ANALYTES["calcium"], "plausible": (3, 20)},
    "ionised": {"unit": "mmol/L", "analyte": ANALYTES["calcium"], "plausible": (0.3, 3.0)},
    "phosphate": {"unit": "mg/dL", "analyte": ANALYTES["phosphate"], "plausible": (0.3, 20)},
    "product": {"unit": "mg2/dL2", "analyte": ANALYTES["calcium-phosphate-product"], "plausible": (5, 250)},
    "pth": {"unit": "pg/mL", "analyte": ANALYTES["pth"], "plausible": (1, 10000)},
    "albumin": {"unit": "g/dL", "analyte": ANALYTES["albumin"], "plausible": (0.5, 7)},
    "magnesium": {"unit": "mg/dL", "analyte": ANALYTES["magnesium"], "plausible": (0.3, 12)},
    "vitamin-d": {"unit": "ng/mL", "analyte": ANALYTES["vitamin-d-25-oh"], "plausible": (1, 300)},
    "creatinine": {"unit": "mg/dL", "analyte": ANALYTES["creatinine"], "plausible": (0.1, 40)},
    "urea-nitrogen": {"unit": "mg/dL", "analyte": ANALYTES["urea-nitrogen"], "plausible": (1, 300)},
    "sodium": {"unit": "mmol/L", "analyte": ANALYTES["sodium"], "plausible": (90, 200)},
    "potassium": {"unit": "mmol/L", "analyte": ANALYTES["potassium"], "plausible": (1, 12)},
    "bicarbonate": {"unit": "mmol/L", "analyte": ANALYTES["bicarbonate"], "plausible": (2, 60)},
    "crp": {"unit": "mg/L", "plausible": (0, 1000)},
    "alp": {"unit": "U/L", "plausible": (5, 5000)},
    "white-cells": {"unit": "10*9/L", "plausible": (0.05, 500)},
    "platelets": {"unit": "10*9/L", "analyte": ANALYTES["platelets"], "plausible": (1, 3000)},
    "inr": {"unit": "1", "plausible": (0.5, 25)},
    "ph": {"unit": "[pH]", "accepted_units": ("[pH]", "1"), "plausible": (6.5, 8)},
    "pain": {"unit": "{score}", "accepted_units": ("{score}", "1"), "plausible": (0, 10)},
    "protein-s": {"unit": "%", "plausible": (0, 300)},
    "temperature": {"unit": "Cel", "accepted_units": ("Cel", "[degF]"), "plausible": (25, 45)},
    "pressure": {"unit": "mm[Hg]", "plausible": (40, 300)},
    "pulse": {"unit": "/min", "plausible": (20, 260)},
    "egfr": {"unit": "mL/min/{1.73_m2}", "accepted_units": ("mL/min/{1.73_m2}", "mL/min"), "plausible": (0, 250)},
    "weight": {"unit": "kg", "plausible": (20, 400)},
    "height": {"unit": "cm", "plausible": (50, 250)},
    "bmi": {"unit": "kg/m2", "plausible": (8, 100)},
    "antibody": {"unit": "[IU]/mL", "plausible": (0, 100000)},
    "sedimentation": {"unit": "mm/h", "plausible": (0, 200)},
    "dose": {"unit": "g", "plausible": (1, 100)},
    "qtc": {"unit": "ms", "plausible": (250, 800)},
}


def coded(value: float, code: str, unit: str = "", comparator: str = "") -> Quantity:
    return Quantity(value, unit, UCUM, code, comparator)


def read(fact: str, quantity: Quantity) -> Normalised | QuantityProblem:
    return normalise(quantity, aliases=ALIASES, **FACTS[fact])


def value(fact: str, quantity: Quantity) -> float:
    answer = read(fact, quantity)
    assert isinstance(answer, Normalised), answer
    return answer.value


def problem(fact: str, quantity: Quantity) -> QuantityProblem:
    answer = read(fact, quantity)
    assert isinstance(answer, QuantityProblem), answer
    assert answer.handling.endswith(".")
    assert "not used" in answer.handling
    return answer


# -- values as written --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fact", "quantity", "expected"),
    [
        ("calcium", coded(11.3, "mg/dL", "mg/dL"), 11.3),
        ("calcium", coded(2.5, "mmol/L", "mmol/l"), 10.0195),  # 2.5 x 4.0078
        ("calcium", coded(5, "meq/L", "mEq/L"), 10.0195),  # two charges: 2.5 mmol/L
        ("calcium", Quantity(5, "mEq/L"), 10.0195),
        ("calcium", coded(95, "mg/L"), 9.5),
        ("ionised", coded(2.4, "mg/dL", "mg/dl"), 0.598832),  # 2.4 / 4.0078
        ("phosphate", coded(2.0, "mmol/L"), 6.1948),  # 2 x 3.0974, as phosphorus
        ("product", coded(65.86, "mg2/dL2"), 65.86),
        ("product", coded(5.64, "mmol2/L2"), 70.01),  # evidence: 70 mg2/dL2 = 5.64 mmol2/L2
        ("pth", coded(31.8309, "pmol/L"), 300.0),
        ("pth", coded(340, "ng/L"), 340),
        ("pth", coded(0.34, "ng/mL"), 340),
        ("albumin", Quantity(2, "gr/dl"), 2),
        ("albumin", Quantity(33, "g/L"), 3.3),
        ("albumin", Quantity(33, "G/L"), 3.3),  # not gigaparticles: the substance decides between the readings
        ("magnesium", coded(2, "meq/L"), 2.4305),
        ("vitamin-d", coded(75, "nmol/L"), 30.048),
        ("creatinine", Quantity(160, "µmol/l"), 1.80992),  # U+00B5
        ("creatinine", Quantity(160, "μmol/l"), 1.80992),  # U+03BC
        ("urea-nitrogen", coded(10, "mmol/L"), 28.014),
        ("sodium", Quantity(140, "meq/l"), 140),
        ("bicarbonate", coded(18, "meq/L"), 18),
        ("crp", coded(2.6, "mg/dL", "mg/dl"), 26),
        ("alp", Quantity(332, "IU/L"), 332),  # of an enzyme, the international unit is U
        ("alp", coded(332, "[IU]/L"), 332),
        ("alp", coded(1, "ukat/L"), 60),
        ("white-cells", Quantity(8.06, "K/uL"), 8.06),
        ("white-cells", Quantity(8060, "/mm3"), 8.06),
        ("white-cells", Quantity(8060, "/µL"), 8.06),
        ("white-cells", Quantity(8.06, "x10E3/uL"), 8.06),
        ("white-cells", Quantity(8.06, "10^3/uL"), 8.06),
        ("white-cells", Quantity(8.06, "× 10⁹/L"), 8.06),
        ("white-cells", coded(8.06, "10*3/uL", "K/uL"), 8.06),
        ("platelets", coded(730000, "/uL", "/µL"), 730),
        ("inr", coded(4.23, "{INR}"), 4.23),
        ("inr", Quantity(4.23), 4.23),
        ("inr", Quantity(4.23, "INR"), 4.23),
        ("inr", coded(4.23, "1"), 4.23),
        ("inr", Quantity(4.23, "ratio"), 4.23),
        ("ph", coded(7.31, "[pH]"), 7.31),
        ("ph", coded(7.31, "pH", "pH"), 7.31),  # formally a picohenry
        ("ph", Quantity(7.31), 7.31),
        ("pain", coded(7, "{score}", "{score}"), 7),
        ("pain", Quantity(7, "/10"), 7),
        ("protein-s", coded(38, "%", "%"), 38),
        ("temperature", coded(95.4, "[degF]", "°F"), 35.2222222222),
        ("temperature", Quantity(98.6, "F"), 37),
        ("temperature", Quantity(98.6, "deg F"), 37),
        ("temperature", Quantity(37, "Celsius"), 37),
        ("temperature", Quantity(37, "ºC"), 37),  # the ordinal sign
        ("pressure", coded(140, "mm[Hg]", "mmHg"), 140),
        ("pressure", Quantity(140, "mm Hg"), 140),
        ("pulse", coded(106, "/min", "beats/minute"), 106),
        ("pulse", Quantity(106, "bpm"), 106),
        ("egfr", Quantity(12, "ml/min/1.73m2"), 12),
        ("egfr", Quantity(12, "mL/min/1.73 m²"), 12),
        ("egfr", coded(30, "mL/min", "ml/min"), 30),
        ("weight", Quantity(150, "lbs"), 68.0388555),
        ("height", Quantity(70, "inches"), 177.8),
        ("bmi", Quantity(31.2, "kg/m^2"), 31.2),
        ("antibody", Quantity(64, "UI/ml"), 64),
        ("sedimentation", Quantity(77, "mm/hr"), 77),
        ("qtc", Quantity(0.48, "sec"), 480),
        ("calcium", Quantity(9.9, "MG/DL"), 9.9),
        ("calcium", Quantity(9.9, " mg / dL "), 9.9),
        ("calcium", Quantity(9.9, "mg per dL"), 9.9),
        ("calcium", Quantity(9.9, "", "http://example.org/local", "mg/dl"), 9.9),
        ("calcium", Quantity(9.9, "mg/dL", UCUM, "MG/DL"), 9.9),  # a code that is no UCUM beside a clear text
        ("calcium", Quantity(9.9, "mg/dL (calc)", UCUM, "mg/dL"), 9.9),
        ("calcium", Quantity(9.9, "", "https://unitsofmeasure.org/", "mg/dL"), 9.9),
    ],
)
def test_values_in_the_units_that_laboratories_use(fact: str, quantity: Quantity, expected: float) -> None:
    answer = read(fact, quantity)
    assert isinstance(answer, Normalised), answer
    assert answer.low == answer.high == answer.value
    assert answer.value == pytest.approx(expected, rel=2e-4)
    assert answer.unit == FACTS[fact]["unit"]


def test_decimals_stay_decimals() -> None:
    """33 g/L is 3.3 g/dL, not 3.3000000000000003, which would not be equal to a limit of 3.3."""
    for tenths in range(5, 70):
        assert value("albumin", Quantity(tenths, "g/L")) == tenths / 10


# -- what is not used ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fact", "quantity", "kind"),
    [
        ("calcium", coded(7.92, "mmol/L", "mmol/l"), "unit-impossible"),  # 31.7 mg/dL; as mg/dL believable
        ("phosphate", coded(7.36, "mmol/L", "mmol/l"), "unit-impossible"),
        ("pth", coded(600, "pg/dL", "pg/dl"), "unit-impossible"),  # 6 pg/mL: a unit that no laboratory uses
        ("pth", Quantity(600, "pg/dl"), "unit-impossible"),
        ("calcium", coded(2.3, "mg/dL"), "unit-impossible"),  # believable as mmol/L
        ("white-cells", Quantity(8060), "unit-missing"),
        ("platelets", Quantity(355000), "unit-missing"),
        ("platelets", coded(355000, "10*9/L"), "unit-impossible"),
        ("alp", Quantity(332), "unit-missing"),
        ("calcium", Quantity(9.5, "  ", "", " "), "unit-missing"),
        ("protein-s", Quantity(38), "unit-missing"),
        ("white-cells", coded(8.06, "K/uL", "K/uL"), "unit-impossible"),  # kelvin per microlitre
        ("calcium", coded(9.9, "MG/DL"), "unit-impossible"),
        ("calcium", coded(9.9, "g/L", "mg/dL"), "unit-impossible"),
        ("calcium", coded(9.9, "mg/dL", "mmol/L"), "unit-impossible"),  # code and text differ
        ("albumin", coded(3.5, "g/dL", "g/L"), "unit-impossible"),
        ("calcium", Quantity(9.9, "foo"), "unit-impossible"),
        ("calcium", Quantity(9.9, "mm[Hg]"), "unit-impossible"),
        ("calcium", coded(9.9, "1"), "unit-impossible"),
        ("sodium", coded(322, "mg/dL"), "unit-impossible"),  # dimensionally fine, never reported so
        ("phosphate", coded(3, "meq/L"), "unit-impossible"),  # no fixed valence
        ("inr", coded(85, "%", "%"), "unit-impossible"),  # prothrombin activity is no INR
        ("inr", Quantity(4.2, "sec"), "unit-impossible"),
        ("ph", coded(45, "nmol/L"), "unit-impossible"),
        ("temperature", coded(98.6, "Cel"), "unit-impossible"),  # believable as Fahrenheit
        ("temperature", coded(310, "K"), "unit-impossible"),
        ("crp", coded(5, "g/dL"), "value-implausible"),
        ("calcium", coded(450, "mg/dL"), "value-implausible"),
        ("calcium", coded(-9, "mg/dL"), "value-implausible"),
        ("dose", coded(25, "mg", "mg"), "value-implausible"),  # sodium thiosulfate "25 mg": surely grams, never assumed
        ("calcium", coded(math.nan, "mg/dL"), "value-implausible"),
        ("calcium", coded(math.inf, "mg/dL"), "value-implausible"),
        ("calcium", coded(True, "mg/dL"), "value-implausible"),
        ("calcium", coded(10**400, "mg/dL"), "value-implausible"),
        ("calcium", coded(1e308, "g/dL"), "unit-impossible"),
        ("calcium", coded(1e308, "mg/dL"), "value-implausible"),
        ("pain", Quantity(57), "value-implausible"),
        ("calcium", coded(9.9, "mg/dL", comparator="~"), "unreadable"),
    ],
)
def test_what_is_not_used(fact: str, quantity: Quantity, kind: str) -> None:
    assert problem(fact, quantity).kind == kind


def test_the_sentence_names_value_unit_and_reason() -> None:
    impossible = problem("calcium", coded(7.92, "mmol/L", "mmol/l")).handling
    assert impossible.startswith("Calcium 7.92 mmol/l not used")
    assert "3 to 20 mg/dL" in impossible
    assert "would fit mg/dL" in impossible
    assert problem("white-cells", Quantity(8060)).handling == "Value 8060 not used: no unit is given."
    assert "not a finite number" in problem("calcium", coded(math.nan, "mg/dL")).handling


# -- comparators --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("comparator", "low", "high"),
    [("<", 0, 300), ("<=", 0, 300), ("ad", 0, 300), (">", 300, math.inf), (">=", 300, math.inf), ("", 300, 300)],
)
def test_comparators_give_open_intervals(comparator: str, low: float, high: float) -> None:
    answer = read("pth", coded(300, "pg/mL", comparator=comparator))
    assert isinstance(answer, Normalised)
    assert (answer.low, answer.high) == (pytest.approx(low), pytest.approx(high))
    assert answer.comparator == comparator
    assert (answer.high < 300) == (comparator == "<")
    assert (answer.low > 300) == (comparator == ">")


def test_comparators_and_belief() -> None:
    """Under the limit of detection is believable, above everything is not."""
    below = read("pth", coded(0.5, "pg/mL", comparator="<"))
    assert isinstance(below, Normalised)
    assert below.low == 0
    assert below.high < 0.5
    assert problem("pth", coded(0, "pg/mL", comparator="<")).kind == "value-implausible"
    assert isinstance(read("pth", coded(5000, "pg/mL", comparator=">")), Normalised)
    assert problem("pth", coded(50000, "pg/mL", comparator=">")).kind == "value-implausible"
    cold = read("temperature", coded(93.2, "[degF]", comparator="<"))
    assert isinstance(cold, Normalised)
    assert cold.low == -math.inf
    assert cold.high == pytest.approx(34)


# -- reference ranges ---------------------------------------------------------------------------------------------


def ranges(fact: str, low: Quantity | None = None, high: Quantity | None = None, text: str = "", **more: Any) -> Any:
    answer = reference_range(low, high, text, aliases=ALIASES, **{"value": None, **FACTS[fact], **more})
    return (answer.low, answer.high) if isinstance(answer, ReferenceRange) else answer


def test_a_range_in_its_own_unit_or_in_that_of_the_value() -> None:
    assert ranges("calcium", coded(8.4, "mg/dL"), coded(10.2, "mg/dL")) == (8.4, 10.2)
    assert ranges("calcium", coded(2.1, "mmol/L"), coded(2.55, "mmol/L")) == (pytest.approx(8.41638), 10.21989)
    assert ranges("pth", Quantity(14), Quantity(72), value=coded(1251, "ng/L")) == (14, 72)
    assert ranges("crp", None, Quantity(0.8, "mg/dl"), value=coded(26, "mg/L")) == (None, 8)
    assert ranges("calcium", Quantity(8.4), Quantity(10.2)) is None  # no unit anywhere
    assert ranges("calcium") is None


@pytest.mark.parametrize(
    ("fact", "text", "expected"),
    [
        ("phosphate", "3.5-5.5 mg/dL", (3.5, 5.5)),
        ("phosphate", "(2.5 – 4.5 mg/dL)", (2.5, 4.5)),
        ("phosphate", "2,5 to 4,5 mg/dl", (2.5, 4.5)),
        ("phosphate", "0.81-1.45 mmol/L in adults", (pytest.approx(2.5089, rel=1e-4), pytest.approx(4.4912, rel=1e-4))),
        ("crp", "< 6", (None, 6)),
        ("crp", "<0.8 mg/dL", (None, 8)),
        ("crp", "up to 10 mg/L", (None, 10)),
        ("egfr", "> 60 mL/min/1.73 m2", (60, None)),
        ("egfr", "≥60 mL/min", (60, None)),
        ("protein-s", "60-150%", (60, 150)),
        ("pressure", "90-140 mm Hg", (90, 140)),
        ("phosphate", "3.5-5.5 mg/dL target range for dialysis patients", None),
        ("phosphate", "3.5-5.5 foo/dL", None),
        ("phosphate", "2.5-4.5 mg/dL; children 4-7 mg/dL", None),
        ("phosphate", "male 2.5-4.5, female 2.6-4.6", None),
        ("phosphate", "5.5-3.5 mg/dL", None),
        ("phosphate", "normal", None),
        ("platelets", "150 - 450 000/ µL as printed", None),
        ("calcium", "8.4-10.2 mmol/L", None),
        ("calcium", "84-102 mg/dL", None),
    ],
)
def test_ranges_in_words(fact: str, text: str, expected: tuple[float | None, float | None] | None) -> None:
    unit = {"crp": "mg/L", "phosphate": "mg/dL", "protein-s": "%"}.get(fact, "")
    assert ranges(fact, text=text, value=coded(5, unit)) == expected


def test_a_range_that_cannot_be_one_is_passed_over() -> None:
    """Protein S "7-115 % as printed" (case 18): 38 % is not normal by it."""
    assert ranges("protein-s", text="7-115% as printed", value=coded(38, "%"), usual=(60, 150)) is None
    assert ranges("protein-s", text="55-140 %", value=coded(38, "%"), usual=(60, 150)) == (55, 140)
    assert ranges("pth", coded(1.5, "pmol/L"), coded(7.6, "pmol/L"), usual=(15, 65)) == (
        pytest.approx(14.1372),
        pytest.approx(71.62848),
    )


# -- the data -----------------------------------------------------------------------------------------------------


def test_molar_masses_give_the_published_factors() -> None:
    """Conversion factors from mg/dL (calcium, phosphate, magnesium ...) as medical tables print them."""
    published = {"calcium": 0.2495, "phosphate": 0.3229, "magnesium": 0.4114, "glucose": 0.0555, "urea": 0.1665,
                 "urea-nitrogen": 0.357, "lactate": 0.111}  # fmt: skip
    for analyte, factor in published.items():
        mass = ANALYTES[analyte].molar_mass
        assert mass is not None
        assert 10 / mass == pytest.approx(factor, rel=2e-3)


def test_every_accepted_unit_of_an_analyte_converts_to_its_first() -> None:
    for analyte in ANALYTES.values():
        for unit in analyte.accepted_units:
            quantity = coded(1.0, unit)
            answer = normalise(quantity, unit=analyte.accepted_units[0], aliases=ALIASES, analyte=analyte)
            assert isinstance(answer, Normalised), (analyte.id, unit)


def test_a_spelling_that_minds_no_case_means_one_size() -> None:
    """Two readings of one spelling must measure different things, or the first would win silently."""
    for spelling, readings in ALIASES.any_case.items():
        for other in readings[1:]:
            assert not compatible(readings[0], other), spelling


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (None, "list"),
        ({"analytes": [{"label": "x"}]}, "entry 1"),
        ({"analytes": [{"id": "x", "accepted_units": ["mg/DL"]}]}, "mg/DL"),
        ({"analytes": [{"id": "x", "accepted_units": []}]}, "accepted_units"),
        ({"analytes": [{"id": "x", "accepted_units": ["g/L"], "molar_mass": 5}]}, "source"),
        ({"analytes": [{"id": "x", "accepted_units": ["g/L"], "valence": 0}]}, "valence"),
        ({"analytes": [{"id": "x", "accepted_units": ["g/L"], "colour": "red"}]}, "colour"),
        ({"analytes": [{"id": "x", "accepted_units": ["g/L"]}] * 2}, "twice"),
    ],
)
def test_bad_analyte_data_is_refused_by_name(entries: object, message: str) -> None:
    with pytest.raises(AnalyteError, match=message):
        read_analytes(entries)


@pytest.mark.parametrize(
    ("aliases", "message"),
    [
        ([], "mapping"),
        ({"exact": {}, "any_case": {}}, "misused_codes"),
        ({"exact": {"mg/DL": []}, "any_case": {}, "misused_codes": {}}, "mg/DL"),
        ({"exact": {"mg/dL": "x"}, "any_case": {}, "misused_codes": {}}, "mg/dL"),
    ],
)
def test_bad_alias_data_is_refused_by_name(aliases: object, message: str) -> None:
    with pytest.raises(AnalyteError, match=message):
        read_unit_aliases(aliases)


# -- properties ---------------------------------------------------------------------------------------------------

written = st.builds(
    Quantity,
    st.floats() | st.integers() | st.booleans(),
    st.text(max_size=12) | st.sampled_from(["mg/dL", "mmol/l", "K/uL", "F", "%", "IU/L"]),
    st.sampled_from(["", UCUM, "http://example.org"]),
    st.text(max_size=12) | st.sampled_from(["mg/dL", "mmol/L", "K/uL", "[degF]", "{INR}"]),
    st.sampled_from(["", "<", "<=", ">", ">=", "ad", "~", "="]),
)


@given(st.sampled_from(sorted(FACTS)), written)
def test_any_quantity_is_read_or_refused_with_a_sentence(fact: str, quantity: Quantity) -> None:
    answer = read(fact, quantity)
    if isinstance(answer, QuantityProblem):
        assert answer.handling.endswith(".")
        return
    low, high = FACTS[fact]["plausible"]
    assert answer.low <= answer.high
    assert not math.isnan(answer.low + 0 * answer.value)
    if not answer.comparator:
        assert answer.low == answer.value == answer.high
        assert low <= answer.value <= high


@given(st.sampled_from(["mg/dL", "mmol/L", "meq/L", "mg/L"]), st.floats(3.01, 19.9))
def test_the_same_amount_in_another_unit_is_the_same_value(unit: str, amount: float) -> None:
    """Calcium `amount` mg/dL written in each unit by hand: / 4.0078 mmol/L, / 2.0039 meq/L, x 10 mg/L."""
    factor = {"mg/dL": 1.0, "mmol/L": 1 / 4.0078, "meq/L": 1 / 2.0039, "mg/L": 10.0}[unit]
    assert value("calcium", coded(amount * factor, unit)) == pytest.approx(amount, rel=1e-9)


@given(st.text(max_size=40))
def test_any_text_is_a_range_or_none(text: str) -> None:
    answer = ranges("calcium", text=text, value=coded(9.5, "mg/dL"))
    assert answer is None or any(limit is not None for limit in answer)
