"""One chunk of a population: its people, their entries in order, and where the mistakes are."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from calcipath.synthesis.clinic import diagnose, examine, prescribe
from calcipath.synthesis.content import Content
from calcipath.synthesis.entries import Entry
from calcipath.synthesis.identifiers import Identity, identities
from calcipath.synthesis.laboratory import Results, measure
from calcipath.synthesis.mistakes import Mistake, choose_mistakes
from calcipath.synthesis.notes import note_kinds, write_notes
from calcipath.synthesis.people import People, Setting, draw_people
from calcipath.synthesis.treatment import treat
from calcipath.synthesis.truth import truth_rows

CHUNK: Final = 1000  # patients that are drawn together; a chunk's patients never depend on how many others there are


@dataclass(frozen=True, slots=True)
class Chunk:
    """`numbers`: the place of each entry within its patient, from 1. `mistakes`: by the entry's place in the chunk."""

    people: People
    known: Sequence[Identity]
    entries: Sequence[Entry]
    numbers: Sequence[int]
    mistakes: dict[int, Mistake]
    truth: str


def draw_chunk(setting: Setting, content: Content, number: int, size: int) -> Chunk:
    """Chunk `number` of a population, and of it the first `size` patients: it is always drawn whole."""
    whole = draw_people(setting, content, number, number * CHUNK + 1, CHUNK)
    results = measure(setting, content, number, whole)
    kinds = note_kinds(setting, content, number, whole)
    drawn = _in_order(setting, content, number, whole, results, kinds)
    last = bisect_left(drawn, size, key=itemgetter(0))
    hit = choose_mistakes(setting, content, number, drawn)
    people, entries = whole.first(size), drawn[:last]
    known = identities(setting, content, number, whole)[:size]
    mistakes = {place: mistake for place, mistake in hit.items() if place < last}
    counts = _counted(size, entries, mistakes)
    truth = truth_rows(content, people, known, results.newest, kinds, counts)
    return Chunk(people, known, entries, _numbered(entries), mistakes, truth)


def _in_order(
    setting: Setting, content: Content, number: int, people: People, results: Results, kinds: list[str]
) -> list[Entry]:
    """All entries, patient by patient."""
    entries = results.entries
    entries += diagnose(setting, content, number, people)
    entries += examine(content, people)
    entries += prescribe(setting, content, number, people)
    entries += treat(setting, content, number, people)
    entries += write_notes(setting, content, people, kinds)
    entries.sort(key=itemgetter(0))
    return entries


def _numbered(entries: Sequence[Entry]) -> list[int]:
    numbers, row, count = [], -1, 0
    for entry in entries:
        count = count + 1 if entry[0] == row else 1
        row = entry[0]
        numbers.append(count)
    return numbers


def _counted(size: int, entries: Sequence[Entry], mistakes: dict[int, Mistake]) -> list[tuple[int, int, int]]:
    """Entries, mistakes and mistakes that hide something, of each patient."""
    counts = [[0, 0, 0] for _ in range(size)]
    for entry in entries:
        counts[entry[0]][0] += 1
    for place, mistake in mistakes.items():
        counts[entries[place][0]][1] += 1
        counts[entries[place][0]][2] += mistake.hides
    return [(held[0], held[1], held[2]) for held in counts]
