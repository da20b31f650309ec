"""`calcipath screen --what-if`: the count stands on the page, with the settings of the service, and its mistakes come early."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from populations import resources_of

from calcipath.cli import main

BUNDLE = json.loads((Path(__file__).parents[2] / "examples" / "haemodialysis-breast-eschar.bundle.json").read_text())
SITE = "defaults:\n  laboratory-window: \"1 'd'\"\n"
PATIENT = next(r["id"] for r in resources_of(BUNDLE) if r["resourceType"] == "Patient")


def write(folder: Path, **files: str) -> str:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return str(folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("what-if")
    lines = "".join(f"{json.dumps(resource)}\n" for resource in resources_of(BUNDLE))
    source = write(folder / "source", all_ndjson=lines)
    write(folder, site_yaml=SITE, service_yaml="budget: 1\nmemory_days: 7\n")
    options = ["--what-if", str(folder / "site.yaml"), "--settings", str(folder / "service.yaml")]
    assert main(["screen", source, "--out", str(folder / "out"), *options]) == 0
    return (folder / "out" / "latest").resolve()


def test_the_settings_are_those_of_the_service(run: Path) -> None:
    found = json.loads((run / "what-if.json").read_text())
    assert [(found[when]["budget"], found[when]["memory_days"]) for when in ("now", "then")] == [(1, 7.0)] * 2


def test_the_count_stands_on_both_pages(run: Path) -> None:
    for page in ("report.html", "to-share/report.html"):
        text = (run / page).read_text(encoding="utf-8")
        assert 'href="#impact"' in text
        assert text.count('<section id="impact"') == 1
        assert "at most 1 card a call besides the critical, none again within 7 days" in text
        assert "What another configuration would change" in text
    assert PATIENT not in (run / "to-share" / "report.html").read_text(encoding="utf-8")


def test_nothing_of_the_other_screening_stays(run: Path) -> None:
    assert [each.name for each in run.iterdir() if each.is_dir()] != []
    assert sorted(each.name for each in run.iterdir() if each.is_dir()) == ["fhir", "to-share"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--settings", "service.yaml"], "needs --what-if"),
        (["--what-if-sample", "100"], "needs --what-if"),
        (["--what-if", "--settings", "missing.yaml"], "missing.yaml cannot be read"),
        (["--what-if", "--settings", "bad.yaml"], "'budget' must be a whole number from 0 to 20"),
        (["--what-if", "missing.yaml"], "no such configuration file: missing.yaml"),
    ],
)
def test_a_mistake_is_said_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, bad_yaml="budget: many\n", service_yaml="budget: 2\n")
    assert main(["screen", "nowhere", "--out", "out", *options]) in (2, 3)
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
