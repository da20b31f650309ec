"""The guideline that is shipped with the package: its content files as text."""

from __future__ import annotations

import csv
from importlib.resources import files
from importlib.resources.abc import Traversable

from calcipath.guideline.reader import Content


def shipped_content() -> Content:
    """Read the packaged content files (text only; `reader.read_guideline` gives them their meaning)."""
    root = files("calcipath.guideline") / "content"
    texts = {name: text for name, text in _texts(root, "") if not name.startswith(("tests/", "site-maps/"))}
    tables = [*_tables(root / "value-sets"), *_tables(root / "code-systems")]
    return Content(texts, [row for table in tables for row in csv.DictReader(table.splitlines())])


def _texts(folder: Traversable, prefix: str) -> list[tuple[str, str]]:
    found = []
    for item in folder.iterdir():
        if item.is_dir():
            found.extend(_texts(item, f"{prefix}{item.name}/"))
        elif item.name.endswith(".yaml"):
            found.append((prefix + item.name, item.read_text(encoding="utf-8")))
    return found


def _tables(folder: Traversable) -> list[str]:
    return [
        item.read_text(encoding="utf-8")
        for item in sorted(folder.iterdir(), key=lambda i: i.name)
        if item.name.endswith(".csv")
    ]
