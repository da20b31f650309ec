"""Dialysis, biopsies with their reports, operations, visits and allergies of a chunk."""

from __future__ import annotations

import numpy as np

from calcipath.synthesis.chance import rows_of, stream
from calcipath.synthesis.content import Content
from calcipath.synthesis.entries import ALLERGY, PROCEDURE, REPORT, VISIT, Entry, made
from calcipath.synthesis.people import People, Setting


def treat(setting: Setting, content: Content, chunk: int, people: People) -> list[Entry]:
    """Everything that was done, is planned, or is to be avoided."""
    rng = stream(setting.seed, chunk, "procedures")
    entries = _sessions(content, people)
    peritoneal = rows_of(people.modality == 3)
    begun = people.end[peritoneal] - people.vintage[peritoneal]
    entries += made(peritoneal, PROCEDURE, "peritoneal-dialysis", "in-progress", begun)
    entries += _biopsies(rng, content, people)
    entries += _operations(rng, content, people)
    for item in content.allergies:
        rows = rows_of(people.has(f"{item}-allergy"))
        entries += made(rows, ALLERGY, item, "active", people.end[rows] - 900)
    return entries + _visits(rng, content, people)


def _sessions(content: Content, people: People) -> list[Entry]:
    """Three sessions a week, each a Procedure of four hours."""
    entries: list[Entry] = []
    longest = int(content.rates["sessions-days"])
    for kind, item in ((1, "haemodialysis-session"), (2, "haemodiafiltration-session")):
        rows = rows_of((people.modality == kind) & people.sessions)
        counts = np.minimum(people.vintage[rows], longest) * 3 // 7
        repeated = np.repeat(rows, counts)
        place = np.arange(len(repeated)) - np.repeat(np.cumsum(counts) - counts, counts)
        days = people.end[repeated] - 1 - (place // 3) * 7 - np.array([0, 2, 4])[place % 3]
        entries += made(repeated, PROCEDURE, item, "session", days, 420 + (repeated % 2) * 330)
    return entries


def _biopsies(rng: np.random.Generator, content: Content, people: People) -> list[Entry]:
    rows = rows_of(people.has("calciphylaxis") & (rng.random(people.size) < content.shares["biopsied"]))
    confirms = rng.random(len(rows)) < content.shares["biopsy-confirms"]
    variant = np.where(confirms, "confirms", "inconclusive").tolist()
    entries = made(rows, PROCEDURE, "skin-biopsy", "completed", people.lesion_day[rows] + 2)
    return entries + made(rows, REPORT, "skin-biopsy", variant, people.lesion_day[rows] + 4)


def _operations(rng: np.random.Generator, content: Content, people: People) -> list[Entry]:
    entries: list[Entry] = []
    living = people.has("secondary-hyperparathyroidism") & ~people.died
    for variant, back, share in (("completed", 700, "done"), ("planned", -20, "planned")):
        rows = rows_of(living & (rng.random(people.size) < content.shares[f"parathyroidectomy-{share}"]))
        entries += made(rows, PROCEDURE, "parathyroidectomy", variant, people.end[rows] - back)
    reviewed = rows_of(rng.random(people.size) < content.shares["medication-review"])
    return entries + made(reviewed, PROCEDURE, "medication-review", "completed", people.end[reviewed] - 20)


def _visits(rng: np.random.Generator, content: Content, people: People) -> list[Entry]:
    """Visits of half an hour, and some stays of a few days."""
    many = np.where(people.kidney_disease == 5, content.rates["visits-renal"], content.rates["visits-general"])
    counts = np.floor(many + rng.random(people.size)).astype(np.int64)
    rows = np.repeat(np.arange(people.size, dtype=np.int64), counts)
    days = people.end[rows] - 6 - (rng.random(len(rows)) * 360).astype(np.int64)
    stays = rng.random(len(rows)) < content.shares["inpatient-visit"]
    variant = np.where(stays, "IMP", "AMB").tolist()
    minutes = 480 + (rng.random(len(rows)) * 480).astype(np.int64)
    return made(rows, VISIT, "visit", variant, days, minutes, ends=np.where(stays, days + 4, 0))
