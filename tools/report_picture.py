"""Draws parts of a population's report: docs/images/report-*.png, from an imaginary population, in Chromium.

    .venv/bin/python tools/report_picture.py [--chromium PATH] [--output docs/images]

Needs the packages of requirements-dev.txt and an installed Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from calcipath.cli import main

ROOT = Path(__file__).parents[1]
PARTS = {"worklist": ("#worklist", 760), "impact": ("#impact", 560)}  # where each begins, and its height
COLOURS = 64


def population(folder: Path) -> Path:
    """The report of 1,500 imaginary patients."""
    made = ["generate", str(folder / "source"), "--patients", "1500", "--enrich", "30"]
    asked = ["--as-of", "2026-06-30", "--complete", "medications,allergies", "--what-if"]
    if main(made) or main(["screen", str(folder / "source"), "--out", str(folder / "out"), *asked]):
        raise SystemExit("the population could not be made")
    return (folder / "out" / "latest" / "report.html").resolve()


def draw(page_file: Path, chromium: str, output: Path) -> None:
    """A picture of each part, in few colours so that the file is small."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 800}, color_scheme="light")
        page.goto(page_file.as_uri())
        for name, (place, height) in PARTS.items():
            top = page.evaluate("place => document.querySelector(place).getBoundingClientRect().top", place)
            clip = {"x": 0, "y": top - 10, "width": 1000, "height": height}
            shown = page.screenshot(full_page=True, clip=clip)
            picture = Image.open(BytesIO(shown)).convert("RGB").quantize(COLOURS)
            picture.save(output / f"report-{name}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--chromium", default=shutil.which("chromium") or "")
    options.add_argument("--output", type=Path, default=ROOT / "docs" / "images")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as work:
        draw(population(Path(work)), chosen.chromium, chosen.output)
