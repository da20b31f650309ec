"""Rows of OMOP tables give the facts and verdicts of the FHIR records that they mean (`omop_records.py`)."""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from omop_draws import data_sets, together
from omop_records import Meaning, Resource, read_tables, write_tables
from populations import SHARED, differences, one_patient, screened

from calcipath.population.screening import ScreenOptions
from calcipath.synthesis.export import Order, generate
from calcipath.synthesis.people import Setting

OPTIONS = st.builds(
    ScreenOptions,
    as_of=st.sampled_from(["", "2026-02-03", "2026-02-10T10:00:00Z"]),
    notes=st.booleans(),
    complete=st.sampled_from([frozenset(), frozenset({"medications", "allergies"})]),
)
SYNTHEA = SHARED / "data" / "omop-synthea27nj-5.4" / "syn27.zip"


def differing(path: Path, records: dict[str, list[Resource]], options: ScreenOptions) -> list[str]:
    with tempfile.TemporaryDirectory() as work:
        facts, verdicts = screened(path, Path(work), options)
    assert set(facts) == set(records)
    return [
        told
        for patient, resources in records.items()
        for told in differences(patient, one_patient(resources, options), facts, verdicts)
    ]


def meant(path: Path) -> dict[str, list[Resource]]:
    return Meaning(read_tables(path)).records()


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(drawn=st.lists(data_sets(), min_size=3, max_size=3), options=OPTIONS)
def test_drawn_tables(drawn: list[dict[str, list[dict[str, str]]]], options: ScreenOptions) -> None:
    """Three data sets at a time, as one population: most of a small screening's time goes into its planning."""
    tables = together(drawn)
    with tempfile.TemporaryDirectory() as folder:
        path = write_tables(Path(folder) / "cdm", tables)
        assert differing(path, Meaning(tables).records(), options) == []


@pytest.mark.parametrize("as_of", ["", "2026-03-01"])
@pytest.mark.parametrize("version", ["5.3", "5.4"])
def test_the_small_data_sets(version: str, as_of: str) -> None:
    path = Path(__file__).parent / "data" / f"omop-{version}"
    assert differing(path, meant(path), ScreenOptions(as_of=as_of, notes=True)) == []


def test_a_generated_population(tmp_path: Path) -> None:
    chosen = Setting(seed=3, population="dialysis", as_of=739_797, notes=0.3, mistakes=0.0, enrich=50.0)
    generate(Order(tmp_path / "out", 120, chosen, "omop", False, 1))
    assert differing(tmp_path / "out", meant(tmp_path / "out"), ScreenOptions(notes=True)) == []


@pytest.fixture(scope="module")
def synthea(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[Resource]]]:
    folder = tmp_path_factory.mktemp("synthea")
    with zipfile.ZipFile(SYNTHEA) as held:
        held.extractall(folder)
    return folder, meant(folder)


@pytest.mark.skipif(not SYNTHEA.exists(), reason="needs the Synthea27Nj data set beside the repository")
@pytest.mark.parametrize("as_of", ["", "2015-06-01T12:00:00Z"])
def test_synthea_27nj(synthea: tuple[Path, dict[str, list[Resource]]], as_of: str) -> None:
    assert differing(*synthea, ScreenOptions(as_of=as_of, notes=True)) == []
