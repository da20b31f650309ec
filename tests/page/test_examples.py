"""The shipped examples are what the tool writes, and are one patient's record each."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from calcipath.api import assess_resources
from calcipath.options import AssessmentOptions
from calcipath.page.first_view import example, examples

ROOT = Path(__file__).resolve().parents[2]


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("page_examples", ROOT / "tools" / "page_examples.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["thigh-ulcer-four-sessions", "follow-up-responding"])
def test_the_imaginary_examples_are_written_by_the_tool(name: str) -> None:
    shipped = (ROOT / "src" / "calcipath" / "page" / "examples" / f"{name}.bundle.json").read_text(encoding="utf-8")
    assert shipped == tool().written(name)


def test_the_published_example_is_that_of_the_repository() -> None:
    name = "haemodialysis-breast-eschar.bundle.json"
    assert json.loads((ROOT / "examples" / name).read_bytes()) == example(name.removesuffix(".bundle.json"))


@pytest.mark.parametrize(
    ("name", "level", "course"),
    [
        ("thigh-ulcer-four-sessions", "suspected", "unknown"),
        ("haemodialysis-breast-eschar", "suspected", "unknown"),
        ("follow-up-responding", "confirmed", "responding"),
    ],
)
def test_what_the_examples_show(name: str, level: str, course: str) -> None:
    complete = AssessmentOptions(complete=frozenset({"medications", "allergies"}))
    answer = assess_resources([example(name)], complete).answer
    assert answer["suspicion"]["level"] == level
    assert answer["course"]["verdict"] == course


def test_every_example_that_is_offered_is_there() -> None:
    for each in examples():
        assert example(each.name)["resourceType"] == "Bundle"
