"""Every published patient, every patient that development had not seen, and the examples, brought by the file chooser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from page_walk import ROOT, Walk
from running import Running

CASES = sorted((ROOT / "tests" / "data" / "cases").glob("*.bundle.json"))
UNSEEN = sorted((ROOT / "tests" / "data" / "unseen").glob("*.bundle.json"))
EXAMPLES = sorted((ROOT / "examples").glob("*.bundle.json"))
SHIPPED = sorted((ROOT / "src" / "calcipath" / "page" / "examples").glob("*.bundle.json"))


def test_there_are_records_to_bring() -> None:
    assert [len(each) for each in (CASES, UNSEEN, EXAMPLES, SHIPPED)] == [22, 12, 1, 3]


@pytest.fixture(scope="module")
def same_walk(chromium: Any, service: Running) -> Iterator[Walk]:
    """One page for all records: what is new in each test is the record."""
    context = chromium.new_context()
    yield Walk(context.new_page(), service.base)
    context.close()


def level_of(walk: Walk) -> str:
    """The step of the ladder that is marked, by the name that the guideline gives it."""
    return walk.said(".ladder .here").removeprefix("Here: ").replace(" ", "-").lower()


@pytest.mark.parametrize("file", [*CASES, *UNSEEN, *EXAMPLES, *SHIPPED], ids=lambda file: file.name.split(".")[0])
def test_a_record_is_brought_and_assessed(file: Path, same_walk: Walk) -> None:
    """The suspicion is one that the case's source allows, and what is urgent by it stands before what is to do."""
    walk = same_walk
    walk.bring(file)
    expected = file.with_name(file.name.replace(".bundle.json", ".expect.yaml"))
    if expected.exists():
        expect = yaml.safe_load(expected.read_text(encoding="utf-8"))
        assert level_of(walk) in expect["suspicion"]["level_in"]
        urgent = (expect.get("urgent") or {}).get("yes") or []
        assert walk.page.locator("#urgent > ul > li").count() >= len(urgent)
    held = [each.inner_text() for each in walk.page.locator("#held > ul > li").all()]
    assert all("do not act on this yet" in each for each in held)
    assert walk.complaints == []


def test_a_dropped_file_is_brought(walk: Walk) -> None:
    walk.go()
    text = EXAMPLES[0].read_text(encoding="utf-8")
    walk.page.evaluate(
        """text => { const carried = new DataTransfer();
        carried.items.add(new File([text], "record.json", {type: "application/json"}));
        document.querySelector("[data-drop]").dispatchEvent(
            new DragEvent("drop", {dataTransfer: carried, bubbles: true, cancelable: true})); }""",
        text,
    )
    walk.case()
    assert "On haemodialysis" in walk.said()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Choose a file first"),
        (b"not JSON", "Not done."),
        (b'{"resourceType": "Bundle", "type": "collection"}', "Not done."),
        (
            json.dumps(
                {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": x}} for x in "ab"]}
            ).encode(),
            "Not done.",
        ),
    ],
    ids=["empty", "no JSON", "nobody", "two patients"],
)
def test_what_is_no_record_of_one_patient_is_refused_in_a_sentence(
    content: bytes, said: str, walk: Walk, tmp_path: Path
) -> None:
    walk.refused = "/cases/upload"
    file = tmp_path / "record.json"
    file.write_bytes(content)
    walk.go()
    before = walk.page.locator("#cases li").count()
    walk.page.set_input_files("#record", str(file))
    walk.button("Assess this record").click()
    walk.page.wait_for_selector(".message.error")
    message = walk.said(".message.error")
    assert said in message and "Traceback" not in message and str(tmp_path) not in message
    assert walk.page.locator("#cases li").count() == before


def test_export_and_import_bring_the_same_case(walk: Walk, tmp_path: Path) -> None:
    address = walk.example("follow-up-responding")
    facts = walk.said(".facts")
    walk.go(f"{address}/record")
    with walk.page.expect_download() as waiting:
        walk.page.get_by_role("link", name="Save the case as a FHIR bundle").click()
    saved = tmp_path / "case.json"
    waiting.value.save_as(saved)
    assert saved.stat().st_size > 10_000
    again = walk.bring(saved)
    assert again != address
    assert walk.said(".facts") == facts
    assert "Six weeks of sodium thiosulfate" in walk.said(".case-name")
