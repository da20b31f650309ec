"""The terminology data: every code well-formed by its own system's rules, every row with the place it was seen."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
import yaml

CONTENT = resources.files("calcipath.guideline") / "content"
COLUMNS = ["value_set", "system", "code", "display", "match", "where"]
FILES = (
    "value-sets/value-sets.csv",
    "value-sets/additions.csv",
    "value-sets/body-sites.csv",
    "code-systems/icd-9-cm.csv",
)

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD_9_CM = "http://hl7.org/fhir/sid/icd-9-cm"
ATC = "http://www.whocc.no/atc"

# Shapes of whole codes, and of the beginnings that prefix rows hold.
SHAPES = {
    SNOMED: r"[1-9]\d{5,17}",
    LOINC: r"\d{1,5}-\d",
    RXNORM: r"[1-9]\d{0,7}",
    ICD_10_CM: r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?",
    ICD_9_CM: r"(\d{3}|V\d{2})(\.?\d{1,2})?",
    ATC: r"[A-Z](\d{2}([A-Z]([A-Z](\d{2})?)?)?)?",
}

# Verhoeff's dihedral group and permutation (SNOMED CT Release File Specification, "Check-digit").
MULTIPLICATION = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
PERMUTATION = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def permuted(digit: int, times: int) -> int:
    for _ in range(times % 8):
        digit = PERMUTATION[digit]
    return digit


def verhoeff_holds(number: str) -> bool:
    check = 0
    for position, digit in enumerate(reversed(number)):
        check = MULTIPLICATION[check][permuted(int(digit), position)]
    return check == 0


def loinc_check_digit(number: str) -> int:
    """Mod 10 as in the LOINC Users' Guide: every second digit from the right is doubled."""
    total = 0
    for position, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value // 10 + value % 10
    return -total % 10


def rows_of(name: str) -> list[dict[str, str]]:
    with (CONTENT / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


ROWS = [(name, row) for name in FILES for row in rows_of(name)]


def described(name: str, row: dict[str, str]) -> str:
    return f"{name}: {row['value_set']} {row['system']} {row['code']}"


def test_the_check_digit_rules_are_those_of_their_standards() -> None:
    # Verhoeff 1969: 2363. SNOMED CT specification: 138875005 is its root concept. LOINC Users' Guide: 2951-2 is sodium.
    assert verhoeff_holds("2363")
    assert not verhoeff_holds("2364")
    assert verhoeff_holds("138875005")
    assert not verhoeff_holds("138875006")
    assert not verhoeff_holds("138857005")
    assert loinc_check_digit("2951") == 2
    assert loinc_check_digit("2823") == 3


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_the_shared_columns_and_rows(name: str) -> None:
    header = (CONTENT / name).read_text(encoding="utf-8").splitlines()[0]
    assert header.split(",") == COLUMNS
    assert len(rows_of(name)) > 50


def test_every_row_is_complete_and_says_where_it_was_seen() -> None:
    incomplete = [
        described(name, row) for name, row in ROWS if not all((row[column] or "").strip() for column in COLUMNS)
    ]
    assert incomplete == []


def test_no_row_is_unverified() -> None:
    doubt = re.compile(r"confirm|claimed|not seen|unverified|no longer|\?\?", re.IGNORECASE)
    assert [described(name, row) for name, row in ROWS if doubt.search(row["where"])] == []


def test_every_code_has_the_shape_of_its_system() -> None:
    wrong = [
        described(name, row)
        for name, row in ROWS
        if row["system"] not in SHAPES
        or not re.fullmatch(SHAPES[row["system"]], row["code"].removesuffix("*").rstrip("."))
    ]
    assert wrong == []


def test_prefix_rows_end_in_a_star_and_only_they_do() -> None:
    wrong = [
        described(name, row)
        for name, row in ROWS
        if row["match"] not in {"exact", "prefix"} or row["code"].endswith("*") != (row["match"] == "prefix")
    ]
    assert wrong == []


def test_prefix_rows_are_only_of_hierarchical_codes() -> None:
    assert {row["system"] for _, row in ROWS if row["match"] == "prefix"} <= {ICD_10_CM, ICD_9_CM, ATC}


def test_snomed_identifiers_pass_their_check_digit() -> None:
    codes = [(name, row) for name, row in ROWS if row["system"] == SNOMED]
    assert len(codes) > 2000
    assert [described(name, row) for name, row in codes if not verhoeff_holds(row["code"])] == []


def test_loinc_codes_pass_their_check_digit() -> None:
    codes = [(name, row) for name, row in ROWS if row["system"] == LOINC]
    assert len(codes) > 300
    wrong = [
        described(name, row)
        for name, row in codes
        if loinc_check_digit(row["code"].split("-")[0]) != int(row["code"].split("-")[1])
    ]
    assert wrong == []


def test_no_row_is_there_twice() -> None:
    counted = Counter((row["value_set"], row["system"], row["code"]) for _, row in ROWS)
    assert [key for key, count in counted.items() if count > 1] == []


def test_icd_9_codes_are_there_with_and_without_their_dot() -> None:
    codes = {(row["value_set"], row["code"]) for row in rows_of("code-systems/icd-9-cm.csv")}
    dotted = {(value_set, code) for value_set, code in codes if "." in code}
    assert dotted
    assert {(value_set, code.replace(".", "")) for value_set, code in dotted} <= codes


def test_urea_and_urea_nitrogen_are_told_apart() -> None:
    # 1 mmol/L of urea is 6.0 mg/dL as urea and 2.8 mg/dL as urea nitrogen: the row must say which it is.
    urea = [row for _, row in ROWS if row["value_set"] == "urea"]
    analytes = {row["code"]: row["where"].rpartition("[analyte: ")[2].rstrip("]") for row in urea}
    assert analytes["3094-0"] == "urea nitrogen (BUN)"
    assert analytes["3091-6"] == "urea"
    assert analytes["22664-7"] == "urea"
    assert set(analytes.values()) == {"urea", "urea nitrogen (BUN)"}


def named_value_sets(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"value_set", "value_sets"}:
                yield from (
                    [value] if isinstance(value, str) else [name for name in value or [] if isinstance(name, str)]
                )
            else:
                yield from named_value_sets(value)
    elif isinstance(node, list):
        for item in node:
            yield from named_value_sets(item)


def vocabulary_value_sets() -> set[str]:
    files = [file for file in (CONTENT / "vocabulary").iterdir() if file.name.endswith(".yaml")]
    return {name for file in files for name in named_value_sets(yaml.safe_load(file.read_text(encoding="utf-8")))}


def test_every_value_set_that_the_vocabulary_names_exists() -> None:
    named = vocabulary_value_sets()
    assert len(named) > 100
    assert sorted(named - {row["value_set"] for _, row in ROWS}) == []


def site_maps() -> list[Any]:
    files = [file for file in (CONTENT / "site-maps").iterdir() if file.name.endswith(".yaml")]
    return [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]


def test_a_shipped_site_map_adds_only_to_sets_that_exist() -> None:
    known = {row["value_set"] for _, row in ROWS}
    maps = site_maps()
    assert maps
    for site_map in maps:
        assert {row["value_set"] for row in site_map["value_sets"]} <= known
        assert set(site_map) <= {"notes", "code_systems", "value_sets", "terms", "defaults"}
