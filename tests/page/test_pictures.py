"""The pictures of docs/clinician-page.md: always drawn, and written to docs/images where CALCIPATH_PICTURES=1 asks for it."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import pytest
from page_walk import RESPONDING, ROOT, THIGH, Walk
from PIL import Image

WRITTEN = os.environ.get("CALCIPATH_PICTURES") == "1"
IMAGES = ROOT / "docs" / "images"
MOST_BYTES, COLOURS = 200_000, 64


def keep(walk: Walk, name: str, height: int, folder: Path) -> None:
    """The upper part of what is shown, in few colours so that the file is small."""
    shown = walk.page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": 1100, "height": height})
    picture = Image.open(BytesIO(shown)).convert("RGB")
    assert len(picture.getcolors(1 << 24) or ()) > 10, "an empty picture"
    file = (IMAGES if WRITTEN else folder) / f"page-{name}.png"
    picture.quantize(COLOURS).save(file, optimize=True)
    assert file.stat().st_size < MOST_BYTES


@pytest.mark.parametrize(
    ("name", "example", "view", "height"),
    [("assessment", THIGH, "", 1250), ("follow-up", RESPONDING, "/follow-up", 1330)],
    ids=["assessment", "follow-up"],
)
def test_a_view_of_an_example(name: str, example: str, view: str, height: int, walk: Walk, tmp_path: Path) -> None:
    walk.go(f"{walk.example(example)}{view}")
    keep(walk, name, height, tmp_path)


def test_the_dose(walk: Walk, tmp_path: Path) -> None:
    page = walk.go("/page/dose").page
    page.select_option("#dose-modality", "hemodialysis")
    for name, value in (("weight", "92"), ("sessions", "4"), ("hours", "3"), ("dose", "25")):
        page.fill(f"#dose-{name}", value)
    before = walk.shown()
    page.select_option("#dose-salt", "pentahydrate")
    walk.wait_for_result(before)
    page.wait_for_selector("#dose-curve")
    page.mouse.move(0, 0)
    keep(walk, "dose", 1500, tmp_path)


def test_the_first_screen(chromium: object, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """On a service of its own: the list of cases is empty as at a first visit."""
    from page_walk import store_in
    from running import serving

    opening = request.getfixturevalue("opening")
    with serving(tmp_path, "--store", store_in(tmp_path)) as running:
        walk = opening(running.base).go()
        assert walk.page.locator("#cases").count() == 0
        keep(walk, "first", 1180, tmp_path)
