"""The page: well formed, without script or anything from outside, escaped, and honest."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest
from run_maker import EVIL

VOID = {"meta", "br", "hr"}


class Outline(HTMLParser):
    """Elements, attributes, text and nesting errors."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.errors: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.errors.append(tag)

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture(params=["report.html", "to-share/report.html"])
def page(request: pytest.FixtureRequest, reported: Path) -> str:
    return (reported / str(request.param)).read_text(encoding="utf-8")


def test_it_is_well_formed_and_its_links_lead_somewhere(page: str) -> None:
    outline = Outline(page)
    assert page.startswith("<!doctype html>\n<html lang=")
    assert outline.errors == []
    assert outline.open == []
    ids = [str(found["id"]) for _, found in outline.elements if "id" in found]
    assert len(ids) == len(set(ids))
    for element, found in outline.elements:
        if element == "a":
            assert str(found["href"]).removeprefix("#") in ids
        for label in str(found.get("aria-labelledby") or "").split():
            assert label in ids


def test_it_runs_nothing_and_asks_for_nothing_from_outside(page: str) -> None:
    outline = Outline(page)
    names = {name for name, _ in outline.elements}
    assert not names & {"script", "link", "img", "iframe", "object", "form", "base", "use", "image"}
    for _, found in outline.elements:
        assert not any(name.startswith("on") or name in ("src", "style", "xlink:href") for name in found)
    assert set(re.findall(r"url\(([^)]*)\)", page)) == {"#unknown"}
    assert "http:" not in page.replace("http://example.org/codes", "")
    assert "https:" not in page
    assert EVIL not in page


def test_landmarks_headings_and_tables_that_name_their_cells(page: str) -> None:
    outline = Outline(page)
    names = [name for name, _ in outline.elements]
    for landmark in ("header", "main", "footer", "nav", "h1"):
        assert names.count(landmark) == 1
    levels = [int(name[1]) for name in names if re.fullmatch(r"h[1-6]", name)]
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert all(found.get("scope") in ("row", "col") for name, found in outline.elements if name == "th")
    for name, found in outline.elements:
        if name == "svg":
            assert found.get("aria-hidden") == "true"  # the numbers stand in the cells beside


def test_it_says_what_was_run_and_what_it_cannot_say(page: str) -> None:
    text = Outline(page).text
    for words in (
        "it never means no",
        "whoever works with it does not see the patient",
        "Change no treatment on it",
        "at least",
        "No site is ranked",
        "2026-06-30",
        "very low certainty",
    ):
        assert words in text, words


def test_the_first_patients_stand_on_the_page_with_their_rows(reported: Path) -> None:
    text = Outline((reported / "report.html").read_text(encoding="utf-8")).text
    assert text.index("1. potassium") < text.index("Potassium at or above the emergency limit") < text.index("2. ")
    assert "Call the treating team now" in text


def test_each_group_shows_its_first_patients_and_how_many_there_are(reported: Path) -> None:
    text = Outline((reported / "report.html").read_text(encoding="utf-8")).text
    # "diagnosed" has rows in three groups and stands under the first of them; "lesion-only" is to be found out
    for heading in (
        "Urgent finding all 1",
        "Plan gap in a confirmed patient all 1",
        "Modifiable risk the first 3 of 8",
        "To be found out all 1",
    ):
        assert f"{heading}, most urgent first" in text


def test_what_stood_in_an_entry_is_on_no_page(page: str) -> None:
    assert "authoredOn is not a date; read without it" in page
    assert "2025-02-30" not in page
    assert "2025 02 30" not in page


def test_colours_come_from_the_house_and_nothing_rests_on_them() -> None:
    style = files("calcipath.population.report").joinpath("report.css").read_text(encoding="utf-8")
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl", style)
    assert "url(#unknown)" in style


def test_files_that_name_patients_are_for_their_owner_only(reported: Path) -> None:
    for name in ("worklist.csv", "worklist.parquet", "patient.csv", "report.html", "fhir/RiskAssessment.ndjson"):
        assert (reported / name).stat().st_mode & 0o077 == 0, name
