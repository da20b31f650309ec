"""Text set to a width: hanging indents, display columns of wide characters, colour only as an extra."""

from __future__ import annotations

import unicodedata

CODES = {"bold": "1", "dim": "2", "red": "1;31", "yellow": "1;33", "green": "32", "cyan": "36", "magenta": "1;35"}


def columns(text: str) -> int:
    """Columns that the text takes on a terminal: wide characters take two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_column, text))


def _column(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def wrap(text: str, width: int, first: int | None = None) -> list[str]:
    """Lines of at most `width` columns, broken at spaces; a longer word is cut.

    `first` is the room of the first line; it stays empty where not even one word fits.
    """
    lines, line, used = [], "", 0
    room = width if first is None else first
    for word in text.split():
        for piece in _cut(word, width):
            size = columns(piece)
            if line and used + 1 + size <= room:
                line, used = f"{line} {piece}", used + 1 + size
                continue
            if line or size > room:
                lines.append(line)
                room = width
            line, used = piece, size
    return [*lines, line] if line else lines


def _cut(word: str, width: int) -> list[str]:
    if columns(word) <= width:
        return [word]
    pieces, piece, used = [], "", 0
    for character in word:
        size = _column(character)
        if piece and used + size > width:
            pieces.append(piece)
            piece, used = "", 0
        piece, used = piece + character, used + size
    return [*pieces, piece]


class Sheet:
    """A text under construction. `width` is in columns; without `colour` no escape code is ever written.

    `full` says that the reader asked for every ground and source, not for the short form.
    """

    def __init__(self, width: int, *, colour: bool = False, full: bool = False) -> None:
        self.width = max(width, 24)
        self.colour = colour
        self.full = full
        self._lines: list[str] = []

    def paint(self, text: str, style: str) -> str:
        """The text in a style, when colour is wanted."""
        return f"\x1b[{CODES[style]}m{text}\x1b[0m" if self.colour and style and text else text

    def blank(self) -> None:
        """One empty line, never two."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def rule(self, character: str = "─") -> None:
        """A line across."""
        self._lines.append(self.paint(character * self.width, "dim"))

    def heading(self, text: str, note: str = "", style: str = "bold") -> None:
        """A section's heading in capitals, with a note in ordinary letters after it."""
        self.blank()
        words = text.upper()
        if note and columns(f"{words}  {note}") <= self.width:
            self._lines.append(f"{self.paint(words, style)}  {self.paint(note, 'dim')}")
            return
        for line in wrap(words, self.width):
            self._lines.append(self.paint(line, style))
        self.paragraph(note, style="dim")

    def paragraph(
        self, text: str, *, label: str = "", indent: int = 0, hang: int = 0, style: str = "", mark: str = ""
    ) -> None:
        """Text under a hanging indent: `label` opens the first line in the style `mark`, the rest aligns at `hang`.

        On a narrow sheet the hang shrinks so that at least 20 columns of text remain.
        """
        room = self.width - indent
        hang = max(min(hang, room - 20), 2) if hang or label else 0
        gap = " " * max(hang - columns(label), 1) if label else ""
        heads = wrap(label, room)
        lines = wrap(text, room - hang, room - hang if not label else room - columns(label) - len(gap))
        if not label:
            self._lines.extend(" " * (indent + hang) + self.paint(line, style) for line in lines)
            return
        for head in heads[:-1]:
            self._lines.append(" " * indent + self.paint(head, mark))
        opening = " " * indent + self.paint(heads[-1], mark)
        first, rest = (lines[0], lines[1:]) if lines else ("", [])
        self._lines.append(opening + gap + self.paint(first, style) if first else opening)
        self._lines.extend(" " * (indent + hang) + self.paint(line, style) for line in rest)

    def text(self) -> str:
        """Everything written so far, ending with one newline."""
        return "\n".join(self._lines).rstrip("\n") + "\n"
