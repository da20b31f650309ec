"""The generator's data: every number has its source, every code is one of the guideline's value sets."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from calcipath.synthesis.content import content
from calcipath.synthesis.fhir_forms import SYSTEMS
from calcipath.synthesis.omop_concepts import FIRST_LOCAL, concepts_of

VALUE_SETS = ("value-sets", "additions", "body-sites")
CLINICAL = ("diagnoses", "drugs", "procedures", "allergies", "lesions")


def data(name: str) -> Any:
    text = files("calcipath.synthesis").joinpath("content", f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def known_codes() -> tuple[set[tuple[str, str]], list[tuple[str, str]]]:
    import csv

    exact, prefixes = set(), []
    for name in VALUE_SETS:
        text = files("calcipath.guideline").joinpath("content", "value-sets", f"{name}.csv").read_text(encoding="utf-8")
        for row in csv.DictReader(text.splitlines()):
            if row["match"] == "prefix":
                prefixes.append((row["system"], row["code"].rstrip("*")))
            else:
                exact.add((row["system"], row["code"]))
    return exact, prefixes


EXACT, PREFIXES = known_codes()


def is_known(system: str, code: str) -> bool:
    return (system, code) in EXACT or any(system == its and code.startswith(stem) for its, stem in PREFIXES)


def numbers() -> list[dict[str, Any]]:
    held = data("prevalences")
    shapes = [shape for each in data("laboratory")["analytes"] for shape in (each["dialysis"], each["general"])]
    return [
        *held["prevalences"],
        *held["rates"],
        *held["ages"].values(),
        *shapes,
        *data("laboratory").get("pressures", {}).values(),
    ]


def test_every_number_has_a_source_and_a_mark() -> None:
    sources = {each["id"]: each["seen"] for each in data("sources")["sources"]}
    for each in numbers():
        assert each["mark"] in ("S", "Q", "A")
        assert sources[each["source"]] == each["mark"], each
        assert (each["mark"] == "A") or each["source"] == "dopps-binders" or each["locator"], each


def test_every_source_is_used_and_says_what_it_is() -> None:
    used = {each["source"] for each in numbers()}
    assert {each["id"] for each in data("sources")["sources"]} == used
    assert all(len(each["citation"]) > 20 for each in data("sources")["sources"])


TERMS = [term for name in CLINICAL for term in getattr(content(), name).values()]


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.id)
def test_a_clinical_code_is_one_of_the_guideline(term: Any) -> None:
    if not term.noise:
        assert all(
            is_known(SYSTEMS[system], code)
            for system, (code, _) in term.codes.items()
            if system != "atc" or "iron" not in term.id
        )
        assert term.site is None or is_known(SYSTEMS["snomed"], term.site[0])


def test_measurements_that_bear_on_the_guideline_have_its_codes() -> None:
    for analyte in content().analytes.values():
        for writing in (analyte.us, analyte.si):
            assert analyte.id == "haemoglobin" or is_known("http://loinc.org", writing.loinc[0])


def test_every_unit_has_a_wrong_one() -> None:
    swaps = content().swaps
    for analyte in content().analytes.values():
        for writing in (analyte.us, analyte.si):
            assert swaps[writing.unit] != writing.unit
            assert swaps[writing.human] != writing.human


def test_conversions_follow_from_the_guidelines_molar_masses() -> None:
    text = files("calcipath.guideline").joinpath("content", "analytes.yaml").read_text(encoding="utf-8")
    mass = {each["id"]: each.get("molar_mass") for each in yaml.safe_load(text)["analytes"]}
    factor = {name: analyte.si.factor for name, analyte in content().analytes.items()}
    assert factor["calcium"] == pytest.approx(10 / mass["calcium"], rel=1e-3)
    assert factor["phosphate"] == pytest.approx(10 / mass["phosphate"], rel=1e-3)
    assert factor["pth"] == pytest.approx(1000 / mass["pth"], rel=1e-3)
    assert factor["creatinine"] == pytest.approx(10_000 / mass["creatinine"], rel=1e-3)
    assert factor["vitamin-d-25-oh"] == pytest.approx(1000 / mass["vitamin-d-25-oh"], rel=1e-3)


def test_the_shares_of_the_sites_add_up() -> None:
    assert sum(site.share for site in content().sites) == pytest.approx(1)


def test_concepts_of_our_own_lie_in_the_range_for_sites() -> None:
    concepts = concepts_of(content())
    assert len(set(concepts.numbers.values())) == len(concepts.held) == len(concepts.numbers)
    assert all(number >= FIRST_LOCAL or number < 100_000_000 for number in concepts.numbers.values())


def test_the_page_shows_every_published_number() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "synthetic-populations.md").read_text(encoding="utf-8")
    for each in data("prevalences")["prevalences"]:
        if each["mark"] != "A":
            row = f"| {each['id']} | {each['among']} | {each['share'] * 100:g} % | {each['source']} | {each['mark']} | {each['locator']} |"
            assert row in page
    for each in data("sources")["sources"]:
        assert each["seen"] == "A" or f"| {each['id']} | {each['seen']} | {each['citation']} |" in page
    for each in data("mistakes")["mistakes"]:
        assert f"| {each['id']} | {each['meaning']} |" in page


def test_the_room_imports_no_other() -> None:
    package = Path(__file__).resolve().parents[2] / "src" / "calcipath" / "synthesis"
    for file in package.glob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.strip().startswith(("from calcipath", "import calcipath")):
                assert line.strip().startswith(("from calcipath.synthesis", "from calcipath.errors")), (file.name, line)
