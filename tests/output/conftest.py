"""The sample assessments, written by hand, and a timeline for the first."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from calcipath.output.timeline import Bar, Mark, Series, Timeline

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="session")
def sample() -> Callable[[str], dict[str, Any]]:
    """A fresh copy of a sample by its name."""

    def load(name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((DATA / "assessments" / f"{name}.json").read_text(encoding="utf-8"))
        return loaded

    return load


def seconds(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


@pytest.fixture(scope="session")
def timeline() -> Timeline:
    """Calcium measured and corrected, albumin, two drugs, numbered events and many dialysis sessions."""
    calcium = tuple(
        (seconds(day), value, f"Observation/ca-{place}")
        for place, (day, value) in enumerate((("2025-06-10", 9.5), ("2025-11-03", 10.0), ("2026-01-12", 9.6)))
    )
    corrected = tuple((when, value + 1.1, reference) for when, value, reference in calcium)
    return Timeline(
        series=(
            Series("corrected calcium", "mg/dL", 8.4, 10.2, corrected, "calcium"),
            Series("measured calcium", "mg/dL", 8.4, 10.2, calcium, "calcium"),
            Series("albumin", "g/dL", 3.5, None, ((seconds("2026-01-12"), 2.6, "Observation/alb-7"),)),
        ),
        bars=(
            Bar("warfarin", None, None, current=True),
            Bar("sevelamer", seconds("2025-06-20"), seconds("2025-09-15"), current=False),
        ),
        marks=(
            Mark("skin biopsy", seconds("2025-12-18"), "procedure"),
            Mark("painful livedo", seconds("2025-11-20"), "lesion"),
            *(Mark("haemodialysis", seconds("2026-01-13") - 2 * 86400 * place, "dialysis") for place in range(20)),
        ),
        now=seconds("2026-01-15"),
    )


class Outline(HTMLParser):
    """Elements with their attributes, the text, and nesting errors of a piece of a page."""

    def __init__(self, piece: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.errors: list[str] = []
        self.words: list[str] = []
        self.named: dict[str, str] = {}  # text of the elements with an id that hold text alone
        self._last_id = ""
        self.feed(piece)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        self._last_id = dict(attrs).get("id") or ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._last_id = ""
        if not self.open or self.open.pop() != tag:
            self.errors.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._last_id:
            self.named[self._last_id] = data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def of(self, *names: str, class_: str = "") -> list[dict[str, str]]:
        """Attributes of the elements of these names, with the class where one is given."""
        return [
            found
            for name, found in self.elements
            if name in names and (not class_ or class_ in found.get("class", "").split())
        ]


VOID = {"br", "hr", "meta", "input"}
RUNS = {"script", "style", "link", "iframe", "object", "img", "foreignObject", "use", "image"}


@pytest.fixture(scope="session")
def outline() -> Callable[[str], Outline]:
    """Reads a piece of a page and requires what holds for all: nesting, unique ids, named pictures, a strict policy."""

    def read(piece: str) -> Outline:
        found = Outline(piece)
        assert found.errors == []
        assert found.open == []
        identifiers = [each["id"] for _, each in found.elements if "id" in each]
        assert len(identifiers) == len(set(identifiers))
        assert not {name for name, _ in found.elements} & RUNS
        assert not [key for _, each in found.elements for key in each if key == "style" or key.startswith("on")]
        assert "url(" not in piece
        for picture in found.of("svg"):
            assert picture["role"] == "img"
            names = picture["aria-labelledby"].split()
            assert all(found.named[name].strip() for name in names)
        for head in found.of("th"):
            assert head["scope"] in ("row", "col")
        return found

    return read
