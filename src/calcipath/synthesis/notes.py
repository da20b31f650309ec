"""Clinic notes: each says something that is true of its patient, denies it, doubts it or says it of the family."""

from __future__ import annotations

import numpy as np

from calcipath.synthesis.chance import rows_of, stream
from calcipath.synthesis.content import Content
from calcipath.synthesis.entries import NOTE, Entry
from calcipath.synthesis.people import People, Setting


def note_kinds(setting: Setting, content: Content, chunk: int, people: People) -> list[str]:
    """What each patient's note says; empty where there is none."""
    rng = stream(setting.seed, chunk, "notes")
    written, kind = rng.random(people.size) < setting.notes, rng.random(people.size)
    names = ["negated", "uncertain", "family"]
    bounds = np.cumsum([content.shares[f"note-{name}"] for name in names])
    quiet = np.select([kind < bound for bound in bounds], names, "everyday")
    quiet = np.where(people.kidney_disease == 5, quiet, "everyday")
    true = np.select(
        [people.has("calciphylaxis"), people.has("suspicious-lesion"), people.has("leg-ulcer")],
        ["stated", "suspicious", "ulcer"],
        quiet,
    )
    found: list[str] = np.where(written, true, "").tolist()
    return found


def write_notes(setting: Setting, content: Content, people: People, kinds: list[str]) -> list[Entry]:
    """The notes of a chunk."""
    words = content.notes
    entries: list[Entry] = []
    for row in rows_of(np.array(kinds) != "").tolist():
        kind, number = kinds[row], int(people.number[row])
        age = (setting.as_of - int(people.born[row])) // 365
        clinic = words["renal" if people.kidney_disease[row] == 5 else "general"]
        opening = clinic["opening"].format(age=age, sex="woman" if people.female[row] else "man")
        lines, everyday = words["lines"][kind], clinic["everyday"]
        parts = (opening, everyday[number % len(everyday)], lines[number % len(lines)], words["close"])
        day = int(people.end[row]) - 1 - number % 40
        if kind in ("stated", "suspicious", "ulcer"):
            day = int(people.lesion_day[row]) + 1 + number % 4
        entries.append(Entry(row, NOTE, "clinic-note", kind, day, 900, " ".join(parts)))
    return entries
