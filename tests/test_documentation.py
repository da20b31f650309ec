"""What the documentation shows exists: examples run, commands parse, files and links are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from calcipath import cli
from calcipath.api import load_guideline
from calcipath.guideline.expression import references
from calcipath.guideline.expression_parser import parse

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDELINE = (ROOT / "docs" / "guideline.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")])
PROGRAMS = {"./run": ["assess"], "./test": None, ".venv/bin/calcipath": []}


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


EXAMPLES = blocks((ROOT / "docs" / "python-api.md").read_text(encoding="utf-8"), "python")


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_python_example_runs(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(example, "docs/python-api.md", "exec"), {})  # noqa: S102  the project's own documentation


def readme_commands() -> list[list[str]]:
    lines = re.findall(r"^    (\S.*)$", README, re.MULTILINE)
    return [words for words in (shlex.split(line, comments=True) for line in lines) if words[0] in PROGRAMS]


def test_the_readme_shows_every_program() -> None:
    assert {words[0] for words in readme_commands()} == set(PROGRAMS)
    assert all((ROOT / name).is_file() for name in ("run", "test"))


@pytest.mark.parametrize("words", readme_commands(), ids=" ".join)
def test_readme_command_parses(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    begin = PROGRAMS[words[0]]
    if begin is not None:
        cli._parser().parse_args([*begin, *words[1:]])  # exits, and fails the test, where an option does not exist
    assert capsys.readouterr().err == ""


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    with pytest.raises(SystemExit):
        cli._parser().parse_args(["assess", "PATH", "--no-such-option"])


def test_recommendations_named_in_the_readme_exist() -> None:
    named = [words[2] for words in readme_commands() if words[1:2] == ["explain"]]
    assert named
    assert set(named) <= {item.id for item in load_guideline().recommendations}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert missing == []


def test_the_explained_recommendation_is_the_real_one() -> None:
    """Every value of the example in docs/guideline.md stands so in the content; lists may be shortened."""
    shown = yaml.safe_load(blocks(GUIDELINE, "yaml")[0])[0]
    real = _recommendation(shown["id"])
    for key, value in shown.items():
        if isinstance(value, list):
            assert all(_within(item, real[key]) for item in value), key
        else:
            assert _words(value) == _words(real[key]), key


def _recommendation(identifier: str) -> dict[str, Any]:
    folder = ROOT / "src" / "calcipath" / "guideline" / "content" / "recommendations"
    items = [i for file in folder.glob("*.yaml") for i in yaml.safe_load(file.read_text("utf-8"))["recommendations"]]
    found: dict[str, Any] = next(item for item in items if item["id"] == identifier)
    return found


def _words(value: Any) -> str:
    return " ".join(str(value).split())


def _within(shown: dict[str, Any], real: list[dict[str, Any]]) -> bool:
    return any(all(_words(value) == _words(item.get(key)) for key, value in shown.items()) for item in real)


def test_the_shown_tests_are_the_real_ones() -> None:
    shown = yaml.safe_load(blocks(GUIDELINE, "yaml")[1])[0]
    folder = ROOT / "src" / "calcipath" / "guideline" / "content" / "tests"
    files = [yaml.safe_load(file.read_text("utf-8")) for file in folder.glob("*.yaml")]
    cases = [
        c for f in files for t in f["tests"] if t.get("recommendation") == shown["recommendation"] for c in t["cases"]
    ]
    assert all(case in cases for case in shown["cases"])


def language_examples() -> list[str]:
    table = GUIDELINE.partition("## The condition language")[2].partition("\n## ")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines() if row.startswith("| ")]
    return [row[-1].strip("`") for row in rows if row[-1].startswith("`") and row[-1] != '`"name"`']


@pytest.mark.parametrize("condition", language_examples())
def test_example_of_the_condition_language(condition: str) -> None:
    unknown = set(references(parse(condition))) - set(load_guideline().types)
    assert unknown == set()


def test_the_language_table_has_its_examples() -> None:
    assert len(language_examples()) >= 10


def test_files_named_as_the_guideline_s_content_exist() -> None:
    content = ROOT / "src" / "calcipath" / "guideline" / "content"
    table = GUIDELINE.partition("## Where it lies")[2].partition("\n## ")[0]
    names = re.findall(r"`([a-z-]+(?:\.yaml|/))`", table)
    assert len(names) >= 10
    assert [name for name in names if not (content / name).exists()] == []
