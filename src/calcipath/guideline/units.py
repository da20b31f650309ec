"""Units of measure: a subset of UCUM read into dimension and size, and conversion between units.

A value `v` in a unit is `v * factor + offset` in base units (gram, mole, metre, second, kelvin, coulomb,
equivalent). Source of the syntax: UCUM 2.1, sections 5-12; of the atoms: `ucum_atoms`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from calcipath.guideline.ucum_atoms import ATOMS, BASE, PREFIXES

MAX_LENGTH = 120
MAX_EXPONENT = 60
_MASS, _AMOUNT, _EQUIVALENTS = BASE.index("mass"), BASE.index("amount"), BASE.index("equivalents")
_NO_DIMENSION = (0,) * len(BASE)
_ANNOTATION = re.compile(r"\{[^{}]*\}")
_NUMBER = re.compile(r"[0-9]+")
_SYMBOL = re.compile(r"(?:10[*^]|(?:\[[!-Z\\^-z|~]*\]|[A-Za-z%_])+)(?P<exponent>[+-]?[0-9]+)?")


class UnitError(ValueError):
    """A code that is no unit that we know (`unknown`), or units that do not fit together (`incompatible`)."""

    def __init__(self, kind: Literal["unknown", "incompatible"], message: str) -> None:
        super().__init__(message)
        self.kind: Literal["unknown", "incompatible"] = kind


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as exponents over `ucum_atoms.BASE`, its size in base units, and the offset of its zero.

    >>> parse_unit("mg/dL").factor / parse_unit("g/L").factor
    0.01
    """

    dimension: tuple[int, ...]
    factor: float
    offset: float
    code: str


@lru_cache(maxsize=4096)
def parse_unit(code: str) -> Unit:
    """Read a UCUM code (case-sensitive); '' and '1' are the plain number. Raises `UnitError` (unknown)."""
    if len(code) > MAX_LENGTH:
        raise UnitError("unknown", f"a unit code of {len(code)} characters is not read")
    if code == "":
        return Unit(_NO_DIMENSION, 1.0, 0.0, "1")
    try:
        return replace(_Reader(code).whole(), code=code)
    except UnitError as error:
        reason = str(error)
        raise UnitError("unknown", reason if f"'{code}'" in reason else f"'{code}': {reason}") from None


class _Reader:
    """Recursive descent over one code: terms of components joined by '.' and '/', from left to right."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.at = 0

    def whole(self) -> Unit:
        unit = self.term(leading_slash=True)
        if self.at != len(self.code):
            raise self.unreadable()
        return unit

    def term(self, *, leading_slash: bool) -> Unit:
        if leading_slash and self.peek() == "/":
            unit = Unit(_NO_DIMENSION, 1.0, 0.0, "1")
        else:
            unit = self.component()
        while self.peek() in (".", "/"):
            operator = self.code[self.at]
            self.at += 1
            right = self.component()
            unit = multiply(unit, right) if operator == "." else divide(unit, right)
        return unit

    def component(self) -> Unit:
        if self.peek() == "(":
            self.at += 1
            unit = self.term(leading_slash=False)
            if self.peek() != ")":
                raise self.unreadable()
            self.at += 1
        elif self.peek() == "{":
            unit = Unit(_NO_DIMENSION, 1.0, 0.0, "1")
            self.annotation()
            return unit
        else:
            unit = self.simple()
        if self.peek() == "{":
            self.annotation()
        return unit

    def simple(self) -> Unit:
        if match := _SYMBOL.match(self.code, self.at):
            self.at = match.end()
            exponent = match["exponent"]
            unit = _symbol(match[0].removesuffix(exponent) if exponent else match[0])
            return power(unit, _exponent(exponent)) if exponent else unit
        if (match := _NUMBER.match(self.code, self.at)) and (number := _finite(match[0])):
            self.at = match.end()
            return Unit(_NO_DIMENSION, number, 0.0, match[0])
        raise self.unreadable()

    def annotation(self) -> None:
        match = _ANNOTATION.match(self.code, self.at)
        if match is None:
            raise self.unreadable()
        self.at = match.end()

    def peek(self) -> str:
        return self.code[self.at : self.at + 1]

    def unreadable(self) -> UnitError:
        return UnitError("unknown", f"'{self.code}' is not a UCUM unit (character {self.at + 1})")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else 0.0


def _exponent(text: str) -> int:
    exponent = int(text)
    if abs(exponent) > MAX_EXPONENT:
        raise UnitError("unknown", f"the exponent {text} is not read")
    return exponent


@lru_cache(maxsize=1024)
def _symbol(symbol: str) -> Unit:
    """An atom, or a prefix with a metric atom; an atom of that name wins ('cd', 'min', 'Pa')."""
    if symbol in ATOMS:
        return _atom(symbol)
    for length in (1, 2):
        prefix, rest = symbol[:length], symbol[length:]
        if prefix in PREFIXES and rest in ATOMS and ATOMS[rest].metric:
            unit = _atom(rest)
            return Unit(unit.dimension, unit.factor * PREFIXES[prefix], unit.offset, symbol)
    raise UnitError("unknown", f"'{symbol}' is not a UCUM unit")


@lru_cache(maxsize=512)
def _atom(code: str) -> Unit:
    atom = ATOMS[code]
    if atom.base:
        return Unit(tuple(int(base == atom.base) for base in BASE), 1.0, 0.0, code)
    inner = parse_unit(atom.unit)
    return Unit(inner.dimension, atom.value * inner.factor, atom.zero * inner.factor, code)


def multiply(a: Unit, b: Unit) -> Unit:
    """The product unit. Scales with an offset (Celsius, Fahrenheit) take no part in products: `UnitError`."""
    dimension = tuple(x + y for x, y in zip(a.dimension, b.dimension, strict=True))
    return _product(dimension, a.factor * b.factor, a, b, f"{a.code}.{_grouped(b.code)}")


def divide(a: Unit, b: Unit) -> Unit:
    """The quotient unit; see `multiply`."""
    dimension = tuple(x - y for x, y in zip(a.dimension, b.dimension, strict=True))
    return _product(dimension, a.factor / b.factor, a, b, f"{a.code}/{_grouped(b.code)}")


def power(a: Unit, exponent: int) -> Unit:
    """The unit to a whole power; see `multiply`."""
    if abs(exponent) > MAX_EXPONENT:
        raise UnitError("incompatible", f"the exponent {exponent} is out of reach")
    try:
        factor = a.factor**exponent
    except (OverflowError, ZeroDivisionError):
        factor = math.inf
    simple = _SYMBOL.fullmatch(a.code)
    code = f"{a.code}{exponent}" if simple and not simple["exponent"] else _repeated(a.code, exponent)
    return _product(tuple(x * exponent for x in a.dimension), factor, a, a, code)


def _product(dimension: tuple[int, ...], factor: float, a: Unit, b: Unit, code: str) -> Unit:
    if a.offset or b.offset:
        raise UnitError("incompatible", "a temperature scale cannot be multiplied, divided or raised to a power")
    if not math.isfinite(factor) or factor == 0.0:
        raise UnitError("incompatible", f"the size of '{code[:40]}' is out of reach")
    return Unit(dimension, factor, 0.0, code)


def _grouped(code: str) -> str:
    if code.startswith("/"):
        return f"(1{code})"
    return f"({code})" if "/" in code or "." in code else code


def _repeated(code: str, exponent: int) -> str:
    product = ".".join([f"({code})"] * abs(exponent)) or "1"
    return f"1/({product})" if exponent < 0 else product


def _unit(unit: Unit | str) -> Unit:
    return parse_unit(unit) if isinstance(unit, str) else unit


def compatible(a: Unit | str, b: Unit | str) -> bool:
    """Whether both measure the same dimension (without knowing a substance)."""
    return _unit(a).dimension == _unit(b).dimension


def same_size(a: Unit | str, b: Unit | str) -> bool:
    """Whether both are the same unit under different names ('ng/L' and 'pg/mL', '%' and '10*-2')."""
    a, b = _unit(a), _unit(b)
    return (
        a.dimension == b.dimension
        and math.isclose(a.factor, b.factor, rel_tol=1e-9)
        and math.isclose(a.offset, b.offset, rel_tol=1e-9)
    )


def conversion(
    from_unit: Unit | str,
    to_unit: Unit | str,
    *,
    molar_mass_g_per_mol: float | None = None,
    valence: int | None = None,
) -> tuple[float, float]:
    """`(factor, shift)`: a value `v` in `from_unit` is `v * factor + shift` in `to_unit`.

    With a molar mass, mass converts to amount of substance and back; with a valence, amount to equivalents.
    Raises `UnitError` (incompatible, or unknown for a code that cannot be read).
    """
    source, target = _unit(from_unit), _unit(to_unit)
    try:
        same = source.dimension == target.dimension
        bridge = 1.0 if same else _bridge(source, target, molar_mass_g_per_mol, valence)
        factor = source.factor / target.factor * bridge
        shift = (source.offset - target.offset) / target.factor
    except (OverflowError, ZeroDivisionError):
        factor = shift = math.inf
    if not (math.isfinite(factor) and math.isfinite(shift)) or factor == 0.0:
        raise UnitError("incompatible", f"'{source.code}' and '{target.code}' are too far apart")
    return _decimal(factor), _decimal(shift)


def _decimal(number: float) -> float:
    """The short decimal that binary rounding has missed by a hair: 0.1, not 0.10000000000000002."""
    short = float(f"{number:.12g}")
    return short if math.isclose(short, number, rel_tol=1e-14) else number


def _bridge(source: Unit, target: Unit, molar_mass: float | None, valence: int | None) -> float:
    """Size of the step over mole: 1 g = 1/M mol, 1 eq = 1/z mol, to the powers in which they differ."""
    difference = [x - y for x, y in zip(source.dimension, target.dimension, strict=True)]
    mass, equivalents = difference[_MASS], difference[_EQUIVALENTS]
    others = [d for i, d in enumerate(difference) if d and i not in (_MASS, _AMOUNT, _EQUIVALENTS)]
    if others or mass + difference[_AMOUNT] + equivalents != 0:
        raise UnitError("incompatible", f"'{source.code}' and '{target.code}' measure different things")
    if mass and not (molar_mass and molar_mass > 0):
        raise UnitError("incompatible", f"'{source.code}' to '{target.code}' needs the molar mass of the substance")
    if equivalents and not (valence and valence > 0):
        raise UnitError("incompatible", f"'{source.code}' to '{target.code}' needs the valence of the ion")
    return float((molar_mass or 1.0) ** -mass * float(valence or 1) ** -equivalents)


def convert(
    value: float,
    from_unit: Unit | str,
    to_unit: Unit | str,
    *,
    molar_mass_g_per_mol: float | None = None,
    valence: int | None = None,
) -> float:
    """`value` in `from_unit`, expressed in `to_unit`; see `conversion`.

    >>> round(convert(10, "mg/dL", "mmol/L", molar_mass_g_per_mol=40.078), 5)
    2.49513
    """
    factor, shift = conversion(from_unit, to_unit, molar_mass_g_per_mol=molar_mass_g_per_mol, valence=valence)
    return value * factor + shift
