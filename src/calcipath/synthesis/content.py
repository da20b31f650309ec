"""The generator's content: sites, prevalences, distributions, codes and words, read once from `content/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

Code = tuple[str, str]  # code and display
DIALYSIS: Final = "dialysis"
GENERAL: Final = "general"
SYSTEMS: Final[tuple[str, ...]] = ("snomed", "icd", "rxnorm", "atc")


@dataclass(frozen=True, slots=True)
class Site:
    """One imaginary unit and its way of writing."""

    id: str
    name: str
    share: float
    ids: str
    units: str
    unit_style: str
    diagnoses: str
    drugs: str
    laboratory: str
    offsets: tuple[str, str]
    times: str
    meta: bool
    flags: bool


@dataclass(frozen=True, slots=True)
class Term:
    """A diagnosis, drug, procedure or lesion: its name and its code in each system."""

    id: str
    name: str
    codes: Mapping[str, Code]
    site: Code | None
    text: str
    noise: bool


@dataclass(frozen=True, slots=True)
class Writing:
    """How one measurement is written in one unit system; `factor` converts from the conventional (US) unit."""

    unit: str
    human: str
    loinc: Code
    digits: int
    factor: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Shape:
    """How values of one group are drawn, in the conventional unit."""

    kind: str
    centre: float
    spread: float
    a_year: float


@dataclass(frozen=True, slots=True)
class Analyte:
    """A measurement. `below`: results under it are written with a comparator; `only`: the trait that it needs."""

    id: str
    name: str
    vital: bool
    only: str
    below: float
    least: float
    most: float
    us: Writing
    si: Writing
    shapes: Mapping[str, Shape]

    def writing(self, site: Site) -> Writing:
        """As this site writes it."""
        return self.us if site.units == "us" else self.si


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that the generator knows."""

    sites: tuple[Site, ...]
    shares: Mapping[str, float]
    rates: Mapping[str, float]
    ages: Mapping[str, tuple[tuple[int, int, float], ...]]
    analytes: Mapping[str, Analyte]
    pressures: Mapping[str, Mapping[str, Any]]
    diagnoses: Mapping[str, Term]
    drugs: Mapping[str, Term]
    procedures: Mapping[str, Term]
    lesions: Mapping[str, Term]
    allergies: Mapping[str, Term]
    notes: Mapping[str, Any]
    mistakes: Mapping[str, float]
    swaps: Mapping[str, str]


@cache
def content() -> Content:
    """The shipped content."""
    prevalences, mistakes, laboratory = (_read(name) for name in ("prevalences", "mistakes", "laboratory"))
    return Content(
        sites=tuple(_site(each) for each in _read("sites")["sites"]),
        shares={each["id"]: float(each["share"]) for each in prevalences["prevalences"]},
        rates={each["id"]: float(each["value"]) for each in prevalences["rates"]},
        ages={group: tuple(map(tuple, held["groups"])) for group, held in prevalences["ages"].items()},
        analytes={each["id"]: _analyte(each) for each in laboratory["analytes"]},
        pressures=laboratory["pressures"],
        diagnoses=_terms("diagnoses"),
        drugs=_terms("drugs"),
        procedures=_terms("procedures"),
        lesions=_terms("lesions"),
        allergies=_terms("allergies"),
        notes=_read("notes"),
        mistakes={each["id"]: float(each["weight"]) for each in mistakes["mistakes"]},
        swaps=mistakes["swaps"],
    )


def _read(name: str) -> Any:
    text = files("calcipath.synthesis").joinpath("content", f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


def _site(held: dict[str, Any]) -> Site:
    return Site(**{**held, "offsets": tuple(held["offsets"])})


def _terms(name: str) -> dict[str, Term]:
    return {each["id"]: _term(each) for each in _read(name)[name]}


def _term(held: dict[str, Any]) -> Term:
    codes: dict[str, Code] = {system: _code(held[system]) for system in SYSTEMS if system in held}
    site = _code(held["site"]) if "site" in held else None
    return Term(
        held["id"], held.get("name", ""), codes, site, held.get("text", held.get("directions", "")), "noise" in held
    )


def _code(pair: list[str]) -> Code:
    return (str(pair[0]), str(pair[1]))


def _analyte(held: dict[str, Any]) -> Analyte:
    return Analyte(
        id=held["id"],
        name=held["name"],
        vital=bool(held.get("vital")),
        only=held.get("only", ""),
        below=float(held.get("below", 0)),
        least=float(held["least"]),
        most=float(held["most"]),
        us=_writing(held, "us", 1.0),
        si=_writing(held, "si", float(held["factor"])),
        shapes={group: _shape(held[group]) for group in (DIALYSIS, GENERAL)},
    )


def _writing(held: dict[str, Any], system: str, factor: float) -> Writing:
    unit = held[system]
    digits = int(unit["digits"])
    limits = [round(float(held[end]) * factor, digits) if end in held else None for end in ("low", "high")]
    return Writing(unit["unit"], unit["human"], _code(unit["loinc"]), digits, factor, limits[0], limits[1])


def _shape(held: dict[str, Any]) -> Shape:
    if held["shape"] == "normal":
        return Shape("normal", float(held["mean"]), float(held["sd"]), float(held["a_year"]))
    return Shape("lognormal", float(held["median"]), float(held["spread"]), float(held["a_year"]))
