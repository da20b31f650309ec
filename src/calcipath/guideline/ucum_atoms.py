"""Prefixes and unit atoms of the Unified Code for Units of Measure, as far as clinical records use them.

Source: UCUM 2.1 (ucum.org, case-sensitive codes); each atom is given as UCUM gives it, a number and a unit in other
atoms. Three deliberate differences keep different things apart that UCUM lets pass for one another:
the mole and the equivalent are dimensions of their own (UCUM makes both a count, so that 2 meq/L would equal
2 mmol/L even of calcium), each arbitrary unit is its own dimension (as UCUM says in words, section 24), and `[pH]`
is a plain number (UCUM makes it a logarithm of a concentration, with which nobody calculates here).
"""

from __future__ import annotations

from dataclasses import dataclass

ARBITRARY = (
    "[IU]", "[arb'U]", "[USP'U]", "[GPL'U]", "[MPL'U]", "[APL'U]", "[beth'U]", "[anti'Xa'U]", "[CFU]", "[ELU]", "[EU]",
)  # fmt: skip
BASE = ("mass", "amount", "length", "time", "temperature", "charge", "equivalents", *ARBITRARY)

PREFIXES = {
    "Y": 1e24, "Z": 1e21, "E": 1e18, "P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "da": 1e1,
    "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18, "z": 1e-21, "y": 1e-24,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Atom:
    """`value` times `unit`, a code in other atoms; `base` names its own dimension when it is a base unit.

    `metric` atoms take prefixes. `zero` is the place of the scale's zero in `unit` (temperature scales only).
    """

    metric: bool
    value: float
    unit: str = ""
    base: str = ""
    zero: float = 0.0


_BASES = {"g": "mass", "mol": "amount", "m": "length", "s": "time", "K": "temperature", "C": "charge",
          "eq": "equivalents"}  # fmt: skip

_METRIC: dict[str, tuple[float, str]] = {
    "L": (1, "dm3"), "l": (1, "dm3"), "Hz": (1, "s-1"), "N": (1, "kg.m/s2"), "Pa": (1, "N/m2"), "J": (1, "N.m"),
    "W": (1, "J/s"), "A": (1, "C/s"), "V": (1, "J/C"), "F": (1, "C/V"), "Ohm": (1, "V/A"), "S": (1, "Ohm-1"),
    "Wb": (1, "V.s"), "T": (1, "Wb/m2"), "H": (1, "Wb/A"), "G": (1e-4, "T"), "Bq": (1, "s-1"), "Gy": (1, "J/kg"),
    "Sv": (1, "J/kg"), "kat": (1, "mol/s"), "U": (1, "umol/min"), "bar": (1e5, "Pa"), "m[Hg]": (133.3220, "kPa"),
    "m[H2O]": (9.80665, "kPa"), "cal": (4.184, "J"), "t": (1e3, "kg"), "dyn": (1, "g.cm/s2"), "erg": (1, "dyn.cm"),
    "P": (1, "dyn.s/cm2"), "u": (1.6605402e-24, "g"), "g%": (1, "g/dL"), "osm": (1, "mol"), "rad": (1, "1"),
    "sr": (1, "1"), "[iU]": (1, "[IU]"),
}  # fmt: skip

_PLAIN: dict[str, tuple[float, str]] = {
    "10*": (10, "1"), "10^": (10, "1"), "[pi]": (3.141592653589793, "1"), "%": (1e-2, "1"), "[ppth]": (1e-3, "1"),
    "[ppm]": (1e-6, "1"), "[ppb]": (1e-9, "1"), "[pptr]": (1e-12, "1"), "[pH]": (1, "1"), "[HPF]": (1, "1"),
    "[LPF]": (100, "1"), "deg": (0.017453292519943295, "rad"), "min": (60, "s"), "h": (60, "min"), "d": (24, "h"),
    "wk": (7, "d"), "a_j": (365.25, "d"), "a": (1, "a_j"), "mo_j": (30.4375, "d"), "mo": (1, "mo_j"),
    "atm": (101325, "Pa"), "[Cal]": (1, "kcal"), "[in_i]": (2.54, "cm"), "[ft_i]": (12, "[in_i]"),
    "[yd_i]": (3, "[ft_i]"), "[mi_i]": (5280, "[ft_i]"), "[sin_i]": (1, "[in_i]2"), "[sft_i]": (1, "[ft_i]2"),
    "[gr]": (64.79891, "mg"), "[lb_av]": (7000, "[gr]"), "[oz_av]": (437.5, "[gr]"), "[stone_av]": (14, "[lb_av]"),
    "[gal_us]": (231, "[in_i]3"), "[qt_us]": (0.25, "[gal_us]"), "[pt_us]": (0.5, "[qt_us]"),
    "[foz_us]": (0.0625, "[pt_us]"), "[tbs_us]": (0.5, "[foz_us]"), "[tsp_us]": (1 / 6, "[foz_us]"),
    "[drp]": (0.05, "mL"), "[degR]": (5 / 9, "K"),
}  # fmt: skip

_METRIC_ARBITRARY = frozenset({"[IU]"})


def _atoms() -> dict[str, Atom]:
    atoms = {code: Atom(True, 1.0, base=base) for code, base in _BASES.items()}
    atoms |= {code: Atom(code in _METRIC_ARBITRARY, 1.0, base=code) for code in ARBITRARY}
    atoms |= {code: Atom(True, value, unit) for code, (value, unit) in _METRIC.items()}
    atoms |= {code: Atom(False, value, unit) for code, (value, unit) in _PLAIN.items()}
    atoms["Cel"] = Atom(True, 1.0, "K", zero=273.15)
    atoms["[degF]"] = Atom(False, 5 / 9, "K", zero=459.67 * 5 / 9)
    return atoms


ATOMS: dict[str, Atom] = _atoms()
