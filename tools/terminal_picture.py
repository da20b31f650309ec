"""Draws the first lines of an assessment as a terminal shows them: docs/images/assess.svg, from the real output.

    .venv/bin/python tools/terminal_picture.py [RECORD] [--lines 50] [--output docs/images/assess.svg]

The command runs on a pseudo-terminal, so that it colours its text itself. No script, no font file and no foreign object
is put into the picture, so that it shows wherever SVG does.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = "examples/haemodialysis-breast-eschar.bundle.json"
COLUMNS = 100
FONT_SIZE = 14.0
CHARACTER = 8.4  # width of a character of the monospace fonts named below, at this size
LINE = 20.0
MARGIN = 24.0
BAR = 36.0
BACKGROUND, TEXT, FAINT = "#14181f", "#e6e9ef", "#a3adbb"
# ANSI foreground colours; each has a contrast of at least 7:1 with the background (WCAG 2.2, criterion 1.4.6).
COLOURS = {
    31: "#ff9b93",
    32: "#8fdc9b",
    33: "#f2c66d",
    34: "#92bfff",
    35: "#dcabff",
    36: "#7fdbe0",
    37: TEXT,
    90: FAINT,
}
ESCAPE = re.compile(r"\x1b\[([0-9;]*)m")


@dataclass(frozen=True, slots=True)
class Style:
    """How text looks: its colour, and whether it is bold, faint or underlined."""

    colour: str = TEXT
    bold: bool = False
    faint: bool = False
    underlined: bool = False

    def after(self, codes: str) -> Style:
        """The style after an escape sequence with these numbers (ECMA-48, SGR)."""
        style = self
        for code in (int(part or 0) for part in codes.split(";")):
            if code == 0:
                style = Style()
            elif code in COLOURS or code - 60 in COLOURS:
                style = replace(style, colour=COLOURS.get(code) or COLOURS[code - 60])
            elif code in (1, 2, 4):
                style = replace(style, **{{1: "bold", 2: "faint", 4: "underlined"}[code]: True})
            elif code == 22:
                style = replace(style, bold=False, faint=False)
            elif code == 39:
                style = replace(style, colour=TEXT)
        return style

    def attributes(self) -> str:
        colour = FAINT if self.faint and self.colour == TEXT else self.colour
        found = "" if colour == TEXT else f' fill="{colour}"'
        found += ' font-weight="bold"' if self.bold else ""
        return found + (' text-decoration="underline"' if self.underlined else "")


def terminal_output(record: str) -> str:
    """What `calcipath assess RECORD --width 100` writes to a terminal."""
    reading, writing = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    process = subprocess.Popen(
        [sys.executable, "-m", "calcipath", "assess", record, "--width", str(COLUMNS)],
        stdout=writing,
        cwd=ROOT,
        env={**kept, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT / "src")},
    )
    os.close(writing)
    written = b""
    while True:
        try:
            piece = os.read(reading, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(reading)
    if process.wait() != 0:
        raise SystemExit(f"terminal_picture: calcipath ended with status {process.returncode}")
    return written.decode("utf-8").replace("\r\n", "\n")


def runs(line: str, style: Style) -> Iterator[tuple[str, Style]]:
    """Pieces of a line, each in one style; the last piece carries the style that the next line starts with."""
    at = 0
    for match in ESCAPE.finditer(line):
        yield line[at : match.start()], style
        style, at = style.after(match.group(1)), match.end()
    yield line[at:], style


def drawn(lines: list[str]) -> Iterator[str]:
    """One SVG text element for each line, at a fixed width, whatever monospace font is found."""
    style, y = Style(), BAR + MARGIN
    for line in lines:
        column, spans = 0, []
        for text, style in runs(line, style):  # noqa: B020  the style goes on from line to line
            if text.strip():
                lead = len(text) - len(text.lstrip())
                words = text.strip()
                x = MARGIN + (column + lead) * CHARACTER
                length = f' textLength="{len(words) * CHARACTER:.1f}"' if len(words) > 1 else ""
                spans.append(f'<tspan x="{x:.1f}"{length}{style.attributes()}>{escape(words, quote=False)}</tspan>')
            column += len(text)
        if spans:
            yield f'<text y="{y:.0f}">{"".join(spans)}</text>'
        y += LINE


def whole_items(lines: list[str], most: int) -> int:
    """How many lines to show, at most `most`, so that no item is cut in two."""
    begins = [at for at, line in enumerate(lines) if re.match(r" {0,2}[A-Z]{2,}|$", ESCAPE.sub("", line))]
    return max((at for at in begins if at <= most), default=most) if most < len(lines) else len(lines)


def picture(output: str, shown: int, command: str) -> str:
    """The SVG of about the first `shown` lines, ending before an item that would be cut."""
    lines = output.rstrip("\n").split("\n")
    shown = whole_items(lines, shown)
    left_off = len(lines) - shown
    lines = lines[:shown]
    if left_off > 0:
        lines += ["", f"\x1b[2m… {left_off} more lines\x1b[0m"]
    width = 2 * MARGIN + COLUMNS * CHARACTER
    height = BAR + 2 * MARGIN + len(lines) * LINE
    plain = " ".join(ESCAPE.sub("", " ".join(lines)).replace("─", "").split())
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
                f' height="{height:.0f}" role="img" aria-labelledby="title description">'
            ),
            '<title id="title">The example patient\'s assessment in a terminal</title>',
            f'<desc id="description">{escape(plain, quote=False)}</desc>',
            f'<rect width="100%" height="100%" rx="10" fill="{BACKGROUND}"/>',
            f'<rect y="{BAR:.0f}" width="100%" height="1" fill="#39414d"/>',
            (
                "<g font-family=\"'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace\""
                f' font-size="{FONT_SIZE:g}" fill="{TEXT}">'
            ),
            f'<text x="{MARGIN:g}" y="{BAR - 13:g}"><tspan fill="{FAINT}">$ </tspan>{escape(command, quote=False)}</text>',
            *drawn(lines),
            "</g>",
            "</svg>",
            "",
        ]
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("record", nargs="?", default=EXAMPLE)
    options.add_argument("--lines", type=int, default=50)
    options.add_argument("--output", type=Path, default=ROOT / "docs" / "images" / "assess.svg")
    chosen = options.parse_args()
    command = f"calcipath assess {chosen.record}"
    content = picture(terminal_output(chosen.record), chosen.lines, command)
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    chosen.output.write_text(content, encoding="utf-8")
    print(f"{chosen.output.name}: {len(content) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
