"""The published patients (tests/data/cases, with what their sources state): every expectation is checked.

The rules are those of `tests/data/cases/EXPECT.md`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from calcipath.api import assess_path
from calcipath.options import AssessmentOptions

CASES = Path(__file__).parent / "data" / "cases"
SCHEMA = json.loads((Path(__file__).parent / "data" / "assessment.schema.json").read_text())
FILES = sorted(CASES.glob("*.expect.yaml"))
LEADS = ("established", "favoured")


def assessed(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    expect = yaml.safe_load(file.read_text())
    bundle = file.with_name(file.name.replace(".expect.yaml", ".bundle.json"))
    return expect, dict(assess_path(str(bundle)).answer)


def listed(block: Any, key: str) -> list[Any]:
    return (block or {}).get(key) or []


def test_there_are_cases() -> None:
    assert len(FILES) == 22


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name.split(".")[0])
def test_published_case(file: Path) -> None:
    expect, got = assessed(file)
    jsonschema.validate(got, SCHEMA)
    assert list(_misses(expect, got)) == []


def _misses(expect: dict[str, Any], got: dict[str, Any]):  # type: ignore[no-untyped-def]
    level = got["suspicion"]["level"]
    if level not in expect["suspicion"]["level_in"]:
        yield f"level {level}"
    urgent = {item["id"] for item in got["urgent"]}
    yield from (f"urgent missing: {n}" for n in listed(expect.get("urgent"), "yes") if n not in urgent)
    yield from (f"urgent raised: {n}" for n in listed(expect.get("urgent"), "no") if n in urgent)
    risk = {item["id"]: item["verdict"] for item in got["risk_factors"]}
    for want in ("yes", "no", "unknown"):
        yield from (f"risk {n} is {risk[n]}" for n in listed(expect.get("risk_factors"), want) if risk[n] != want)
    standing = {item["id"]: item["standing"] for item in got["differential"]}
    differential = expect.get("differential") or {}
    yield from (f"{n} does not lead" for n in listed(differential, "expect_top") if standing[n] not in LEADS)
    yield from (f"{n} leads" for n in listed(differential, "must_not_be_favoured") if standing[n] in LEADS)
    any_of = listed(differential, "expect_top_any")
    if any_of and not any(standing[n] in LEADS for n in any_of):
        yield f"none of {any_of} leads"
    verdict = {item["id"]: item["verdict"] for item in got["recommendations"]}
    wanted = expect["recommendations"]
    accepted = {"yes": ("yes",), "no": ("no", "unknown", "held"), "unknown": ("unknown", "held"), "held": ("held",)}
    for want, fine in accepted.items():
        yield from (f"{n} is {verdict[n]}, wanted {want}" for n in listed(wanted, want) if verdict[n] not in fine)
    problems = {(p["reference"], p["problem"]) for p in got["data_problems"]}
    for item in expect.get("data_problems") or []:
        words = {item["problem"]} | (
            {"unit-impossible", "value-implausible"} if "unit-imp" in item["problem"] else set()
        )
        if not any(item["resource"] in reference and kind in words for reference, kind in problems):
            yield f"not reported: {item}"
    if expect.get("course") and got["course"]["verdict"] not in expect["course"]["verdict_in"]:
        yield f"course {got['course']['verdict']}"


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name.split(".")[0])
def test_no_held_item_has_an_action_and_no_format_shows_one(file: Path) -> None:
    from calcipath.output.html import render_html
    from calcipath.output.terminal import render_terminal

    bundle = file.with_name(file.name.replace(".expect.yaml", ".bundle.json"))
    found = assess_path(str(bundle))
    held = [r for r in found.answer["recommendations"] if r["verdict"] == "held"]
    assert all(not r["actions"] and r["held_by"] for r in held)
    from calcipath.api import load_guideline

    texts = {r.id: [a.text for a in r.actions] for r in load_guideline().recommendations}
    shown = {a["text"] for r in found.answer["recommendations"] if r["verdict"] == "yes" for a in r["actions"]}
    for page in (render_terminal(found.answer, why=True, width=10_000), render_html(found.answer, found.timeline)):
        for item in held:
            assert not [t for t in texts[item["id"]] if t in page and t not in shown]


def test_without_notes_coded_facts_remain() -> None:
    file = CASES / "05-esrd-mechanical-valves-warfarin.bundle.json"
    got = assess_path(str(file), AssessmentOptions(notes=False)).answer
    risk = {item["id"]: item["verdict"] for item in got["risk_factors"]}
    assert risk["kidney-failure"] == "yes" and risk["vitamin-k-antagonist"] == "yes"
    assert all(not e.get("quote") for r in got["risk_factors"] for e in r["evidence"])


def test_completeness_turns_silence_into_a_named_no() -> None:
    file = CASES / "20-pd-acral-fingers-toes.bundle.json"
    silent = assess_path(str(file)).answer
    asked = assess_path(str(file), AssessmentOptions(complete=frozenset({"medications", "allergies"}))).answer
    of = lambda answer: {item["id"]: item["verdict"] for item in answer["risk_factors"]}["vitamin-k-antagonist"]  # noqa: E731
    assert (of(silent), of(asked)) == ("unknown", "no")
    assert "vitamin-k-antagonist" in {a["fact"] for a in asked["assumptions"]}


def test_the_same_record_gives_the_same_answer() -> None:
    file = str(CASES / "41-dialysis-missed-penicillin-allergy.bundle.json")
    assert assess_path(file).answer == assess_path(file).answer
