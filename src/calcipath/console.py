"""How commands meet the terminal: its width, its colours, its encoding. Imported at start-up, so nothing heavy."""

from __future__ import annotations

import argparse
import os
import sys

WIDEST = 100  # columns of text when the terminal is wider: longer lines are hard to read


def columns(chosen: argparse.Namespace) -> int:
    """Columns of text: as asked, or the terminal's."""
    if chosen.width is not None:
        return int(chosen.width)
    given = os.environ.get("COLUMNS", "")
    try:
        found = int(given) if given.isdigit() else os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        found = 80
    return min(max(found, 24), WIDEST)


def colour(chosen: argparse.Namespace) -> bool:
    """Whether to colour the text."""
    refused = chosen.no_colour or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not refused and getattr(chosen, "output", None) is None and sys.stdout.isatty()


def print_json(value: object) -> None:
    """Print a structure as JSON."""
    import json

    show(json.dumps(value, ensure_ascii=False, indent=2) + "\n", "json")


def show(content: str, form: str) -> None:
    """Print text or JSON to standard output."""
    from calcipath.output.writing import print_text

    print_text(content, encoding=(sys.stdout.encoding or "utf-8") if form == "text" else "utf-8")
