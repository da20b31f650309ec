"""The page: structure, escaping, contrast by the formula of WCAG 2, and that it asks for nothing from outside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calcipath.output.html import render_html
from calcipath.output.markup import join, tag
from calcipath.output.timeline import Bar, Mark, Series, Timeline

Sample = Callable[[str], dict[str, Any]]
NAMES = ("haemodialysis-mechanical-valve", "at-risk", "pyoderma-established")
VALVE = NAMES[0]
VOID = {"meta", "br", "hr"}


class Outline(HTMLParser):
    """Elements, attributes, text and nesting errors of a page."""

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


def page_of(sample: Sample, timeline: Timeline, name: str = VALVE) -> str:
    return render_html(sample(name), timeline if name == VALVE else Timeline())


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_well_formed_and_complete(name: str, sample: Sample, timeline: Timeline) -> None:
    page = page_of(sample, timeline, name)
    outline = Outline(page)
    assert page.startswith("<!doctype html>\n<html lang=")
    assert outline.errors == []
    assert outline.open == []
    identifiers = [found["id"] for _, found in outline.elements if "id" in found]
    assert len(identifiers) == len(set(identifiers))
    links = [str(found["href"]) for element, found in outline.elements if element == "a"]
    assert {link.removeprefix("#") for link in links} <= set(identifiers)
    shown = outline.text.lower()
    assessment = sample(name)
    for item in assessment["recommendations"] + assessment["risk_factors"] + assessment["differential"]:
        assert item["id"] in shown or item["id"].replace("-", " ") in shown, item["id"]


@pytest.mark.parametrize("name", NAMES)
def test_headings_and_landmarks(name: str, sample: Sample, timeline: Timeline) -> None:
    outline = Outline(page_of(sample, timeline, name))
    levels = [int(element[1]) for element, _ in outline.elements if re.fullmatch("h[1-6]", element)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    names = [element for element, _ in outline.elements]
    assert all(names.count(landmark) == 1 for landmark in ("main", "nav", "header", "footer"))
    for element, found in outline.elements:
        if element in ("section", "svg"):
            labels = str(found["aria-labelledby"]).split()
            assert all(any(other.get("id") == label for _, other in outline.elements) for label in labels)
        if element == "th":
            assert found["scope"] in ("row", "col")


def test_same_order_as_the_terminal(sample: Sample, timeline: Timeline) -> None:
    outline = Outline(page_of(sample, timeline))
    sections = [found["id"] for element, found in outline.elements if element == "section"]
    order = "urgent held todo questions unknowns conflicts suspicion differential risk course dosing undecided data"
    assert sections == [*order.split(), "assumptions"]


def test_nothing_runs_and_nothing_is_fetched(sample: Sample, timeline: Timeline) -> None:
    page = page_of(sample, timeline)
    outline = Outline(page)
    assert not {element for element, _ in outline.elements} & {"script", "link", "img", "iframe", "object", "form"}
    assert not [
        key for _, found in outline.elements for key in found if key.startswith("on") or key in ("src", "style")
    ]
    assert "url(" not in page
    assert "@import" not in page
    assert "http://" not in page
    assert "https://" not in page


def leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a structure that holds a text."""
    for key, part in list(value.items() if isinstance(value, dict) else enumerate(value)):
        if isinstance(part, str):
            yield value, key
        elif isinstance(part, dict | list):
            yield from leaves(part)


EVIL = "\"'><x-evil onx=1 style=x></style></title></svg><script>alert(1)</script><!--&lt;&#60;"
KEPT = {"verdict", "standing", "direction", "level", "urgency"}  # they choose the place, so most are kept


@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=30), every=st.booleans(), data=st.data())
@example(text="", every=True, data=None)
def test_no_text_of_a_record_becomes_markup(
    text: str, *, every: bool, data: st.DataObject | None, sample: Sample, timeline: Timeline
) -> None:
    assessment = sample(VALVE)
    evil = EVIL + text
    places = list(leaves(assessment))
    if every or data is None:
        places = [(group, key) for group, key in places if key not in KEPT]
    else:
        places = [data.draw(st.sampled_from(places))]
    for group, key in places:
        group[key] = evil
    hostile = Timeline(
        tuple(replace(series, name=evil, unit=evil, panel=evil) for series in timeline.series),
        tuple(replace(bar, label=evil) for bar in timeline.bars),
        tuple(replace(mark, label=evil, kind=evil) for mark in timeline.marks),
        timeline.now,
    )
    page = render_html(assessment, hostile)
    outline = Outline(page)
    usual = Outline(page_of(sample, timeline))
    assert outline.errors == []
    assert {element for element, _ in outline.elements} <= {element for element, _ in usual.elements}
    attributes = {key for _, found in usual.elements for key in found}
    assert {key for _, found in outline.elements for key in found} <= attributes | {"aria-current"}
    assert "<x-evil" not in page
    assert "<script" not in page
    assert page.count("</style>") == 1
    assert "x-evil" in outline.text


@pytest.mark.parametrize("evil", ["\x00", "\x1b[2J", "\u202e", "\ud800", "\x0b\x85\u2028"])
def test_characters_that_html_forbids_do_not_reach_it(evil: str) -> None:
    shown = tag("p", f"a{evil}b", title=f"a{evil}b")
    assert all(character.isprintable() for character in shown)
    shown.encode("utf-8")


def test_markup_is_escaped_once() -> None:
    assert tag("p", "a & b", tag("b", "<")) == "<p>a &amp; b<b>&lt;</b></p>"
    assert join("x", None, "", tag("i", 'q"'), between=" < ") == "x &lt; <i>q&quot;</i>"
    assert tag("p", "on 2026-01-15 ") == '<p>on <span class="day">2026-01-15</span> </p>'


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def themes() -> list[dict[str, str]]:
    style = files("calcipath.output").joinpath("page.css").read_text(encoding="utf-8")
    found = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    return [theme for theme in found if theme]


def test_contrast_formula_against_the_published_extremes() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1, 2], ids=["light", "dark", "print"])
def test_letters_have_the_contrast_of_wcag_aa(theme: int) -> None:
    assert len(themes()) == 3
    colours = themes()[theme]
    on_paper = ("ink", "muted", "urgent", "held", "wanted", "unwanted", "link")
    pairs = [(name, "paper") for name in on_paper]
    pairs += [("ink", "urgent-paper"), ("muted", "urgent-paper"), ("urgent", "urgent-paper"), ("link", "urgent-paper")]
    pairs += [("ink", "held-paper"), ("muted", "held-paper"), ("held", "held-paper"), ("link", "held-paper")]
    pairs += [("muted", "faint"), ("ink", "band"), ("muted", "band")]
    for ink, paper in pairs:
        assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
    for shape in ("line", "band-edge"):  # graphics need 3 to 1
        assert contrast(colours[shape], colours["paper"]) >= 3, shape


def test_an_empty_assessment_is_a_page() -> None:
    outline = Outline(render_html({}))
    assert outline.errors == []
    assert "undetermined" in outline.text


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_damaged_assessment_is_still_a_page(data: st.DataObject, sample: Sample) -> None:
    assessment = sample(VALVE)
    key = data.draw(st.sampled_from(sorted(assessment)))
    group: Any = assessment
    if data.draw(st.booleans()) and isinstance(assessment[key], list) and isinstance(assessment[key][0], dict):
        group, key = assessment[key][0], data.draw(st.sampled_from(sorted(assessment[key][0])))
    group[key] = data.draw(ANYTHING)
    assert Outline(render_html(assessment)).errors == []


def test_a_timeline_alone_is_drawn() -> None:
    timeline = Timeline(
        (Series("x", "1", None, None, ((0.0, 1.0, "Observation/1"),)),),
        (Bar("b", None, None, True),),
        (Mark("m", 0.0, "lesion"),),
    )
    page = render_html({}, timeline)
    assert Outline(page).errors == []
    assert page.count("<svg") == 2
