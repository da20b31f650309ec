"""Mistakes as real exports have them: which entries are hit, and by what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from calcipath.synthesis.chance import picked, rows_of, stream
from calcipath.synthesis.content import Content
from calcipath.synthesis.entries import LABORATORY, Entry
from calcipath.synthesis.people import Setting

OF_MEASUREMENTS: Final = ("missing-unit", "wrong-unit", "implausible-value")
HARMLESS: Final = ("same-id-identical", "same-id-two-versions")


@dataclass(frozen=True, slots=True)
class Mistake:
    """`hides`: whether the entry can no longer be read as it was meant."""

    kind: str
    hides: bool


def choose_mistakes(setting: Setting, content: Content, chunk: int, entries: Sequence[Entry]) -> dict[int, Mistake]:
    """The mistakes of a chunk, by the entry's place in it."""
    if not setting.mistakes:
        return {}
    rng = stream(setting.seed, chunk, "mistakes")
    hit = rows_of(rng.random(len(entries)) < setting.mistakes).tolist()
    every = list(content.mistakes)
    others = [kind for kind in every if kind not in OF_MEASUREMENTS]
    uniform = rng.random(len(hit))
    measured = picked(uniform, [content.mistakes[kind] for kind in every]).tolist()
    unmeasured = picked(uniform, [content.mistakes[kind] for kind in others]).tolist()
    found = {}
    for place, here, there in zip(hit, measured, unmeasured, strict=True):
        kind = every[here] if entries[place].family == LABORATORY else others[there]
        found[place] = Mistake(kind, kind not in HARMLESS)
    return found
