"""Each mistake that the truth names is where it says, in FHIR and in OMOP, and there are no others."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from synthetic import AS_OF, generated, lines, setting, table

from calcipath.record.dates import parse_when
from calcipath.synthesis.content import content
from calcipath.synthesis.omop_forms import TABLES

RATE = 0.05
Line = tuple[str, dict[str, Any] | None]


@pytest.fixture(scope="module")
def marred(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generated(tmp_path_factory.mktemp("marred") / "out", 150, setting(mistakes=RATE, notes=0.5))


@pytest.fixture(scope="module")
def by_id(marred: Path) -> dict[tuple[str, str], list[Line]]:
    """Every line under its resource's type and id, and what it says where it is JSON."""
    found: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for kind, line in lines(marred):
        identifier = line.partition('"id":"')[2].partition('"')[0]
        try:
            found[kind, identifier].append((line, json.loads(line)))
        except ValueError:
            found[kind, identifier].append((line, None))
    return found


def _value(line: Line) -> Any:
    assert line[1] is not None
    return line[1]["valueQuantity"]


def _subject(line: Line) -> Any:
    assert line[1] is not None
    return line[1].get("subject", line[1].get("patient"))


def _dates(line: Line) -> list[str]:
    assert line[1] is not None
    held = [
        value
        for key, value in line[1].items()
        if key.endswith("DateTime") or key in ("authoredOn", "date", "recordedDate")
    ]
    return held + [value for key in ("period", "performedPeriod") for value in line[1].get(key, {}).values()]


def _wrong_type(found: list[Line]) -> bool:
    held = found[0][1] or {}
    return isinstance(_subject(found[0]), str) or isinstance(held.get("valueQuantity", {}).get("value"), str)


CHECKS: dict[str, Callable[[list[Line]], bool]] = {
    "truncated-line": lambda found: found[0][1] is None and not found[0][0].endswith("}"),
    "malformed-line": lambda found: found[0][1] is None and found[0][0].endswith(",}"),
    "wrong-type": _wrong_type,
    "missing-unit": lambda found: set(_value(found[0])) <= {"value", "comparator"},
    "wrong-unit": lambda found: _value(found[0])["unit"] in content().swaps.values(),
    "implausible-value": lambda found: _value(found[0])["value"] >= 1000,
    "future-date": lambda found: min(_dates(found[0])) > "2100",
    "impossible-date": lambda found: all(parse_when(when) is None for when in _dates(found[0])),
    "missing-subject": lambda found: _subject(found[0]) is None,
    "unknown-patient": lambda found: _subject(found[0])["reference"] == "Patient/not-in-this-export",
    "same-id-identical": lambda found: len(found) == 2 and found[0] == found[1],
    "same-id-two-versions": lambda found: len({(line[1] or {})["meta"]["lastUpdated"] for line in found}) == 2,
}


def test_every_kind_has_a_check_and_occurs(marred: Path) -> None:
    kinds = Counter(row["kind"] for row in table(marred / "truth/mistakes.csv"))
    assert set(kinds) == set(CHECKS) == set(content().mistakes)


@pytest.mark.parametrize("kind", CHECKS)
def test_a_mistake_is_where_the_truth_says(marred: Path, by_id: dict[tuple[str, str], list[Line]], kind: str) -> None:
    rows = [row for row in table(marred / "truth/mistakes.csv") if row["kind"] == kind]
    assert rows
    for row in rows:
        assert CHECKS[kind](by_id[row["resource_type"], row["resource"]]), row


def test_there_are_no_mistakes_elsewhere(marred: Path, by_id: dict[tuple[str, str], list[Line]]) -> None:
    named = {(row["resource_type"], row["resource"]) for row in table(marred / "truth/mistakes.csv")}
    for key, found in by_id.items():
        if key not in named and key[0] not in ("Organization", "Location", "Medication", "Patient"):
            assert len(found) == 1
            assert _subject(found[0])["reference"].startswith("Patient/")
            assert all(parse_when(when) is not None and when[:10] <= "2026-07-20" for when in _dates(found[0]))


def test_the_rate_is_kept(marred: Path) -> None:
    rows = table(marred / "truth/truth.csv")
    entries, mistakes = (sum(int(row[name]) for row in rows) for name in ("entries", "mistakes"))
    assert mistakes == len(table(marred / "truth/mistakes.csv"))
    assert abs(mistakes / entries - RATE) < 4 * (RATE * (1 - RATE) / entries) ** 0.5


def test_hiding_mistakes_are_counted(marred: Path) -> None:
    named = Counter(row["patient"] for row in table(marred / "truth/mistakes.csv") if row["hides"] == "yes")
    assert {row["patient"]: int(row["hiding_mistakes"]) for row in table(marred / "truth/truth.csv")} == {
        row["patient"]: named[row["patient"]] for row in table(marred / "truth/truth.csv")
    }


def test_no_mistakes_where_none_are_asked_for(tmp_path: Path) -> None:
    folder = generated(tmp_path / "out", 100, setting())
    assert table(folder / "truth/mistakes.csv") == []


def test_omop_has_the_same_mistakes(marred: Path, tmp_path: Path) -> None:
    folder = generated(tmp_path / "out", 150, setting(mistakes=RATE, notes=0.5), "omop")
    for name in ("truth.csv", "mistakes.csv"):
        assert (folder / "truth" / name).read_bytes() == (marred / "truth" / name).read_bytes()
    broken = [row for name in TABLES for row in _broken(folder, name)]
    kinds = Counter(row["kind"] for row in table(folder / "truth/mistakes.csv"))
    assert len(broken) >= kinds["truncated-line"] + kinds["malformed-line"] - 5  # void entries are not in the CDM


def _broken(folder: Path, name: str) -> list[list[str]]:
    with (folder / f"{name}.csv").open(newline="") as stream:
        return [row for row in csv.reader(stream) if len(row) != len(TABLES[name])]


def test_the_date_of_the_export_is_the_newest(tmp_path: Path) -> None:
    folder = generated(tmp_path / "out", 100, setting())
    plans = ("preparation",)
    for kind, line in lines(folder):
        if kind not in ("Organization", "Location", "Medication", "Patient"):
            held = json.loads(line)
            assert held.get("status") in plans or max(when[:10] for when in _dates((line, held))) <= AS_OF
