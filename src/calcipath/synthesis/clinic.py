"""Diagnoses and drugs of a chunk: what lasts, what is void or past, and what is everyday."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from calcipath.synthesis.chance import Flags, Integers, rows_of, stream
from calcipath.synthesis.content import Content
from calcipath.synthesis.entries import DATE, DIAGNOSIS, DRUG, EXAMINATION, MONTH, YEAR, Entry, made
from calcipath.synthesis.people import People, Setting

# How much of the date of an onset is known: mostly the day, sometimes the minute, the month or the year alone.
PRECISIONS: Final = np.array([DATE, DATE, DATE, DATE, DATE, DATE, 600, MONTH, MONTH, YEAR], dtype=np.int64)
ULCERS: Final = ("ulcer-calf", "ulcer-thigh", "ulcer-foot")
LASTING: Final = (
    "obesity",
    "hypertension",
    "atrial-fibrillation",
    "heart-failure",
    "peripheral-arterial-disease",
    "secondary-hyperparathyroidism",
)
CURRENT: Final[Mapping[str, str]] = {
    "warfarin": "warfarin",
    "apixaban": "apixaban",
    "calcium-acetate": "calcium-acetate",
    "sevelamer": "sevelamer",
    "cinacalcet": "cinacalcet",
    "iron-sucrose": "iron-sucrose",
    "prednisone": "prednisone",
    "insulin": "insulin-glargine",
}
EVERYDAY_LASTING: Final = ("anaemia", "knee-osteoarthritis", "back-pain")
EVERYDAY_PASSING: Final = ("acute-bronchitis", "sinusitis")
EVERYDAY_DRUGS: Final = ("amlodipine", "lisinopril", "simvastatin", "acetaminophen")


def diagnose(setting: Setting, content: Content, chunk: int, people: People) -> list[Entry]:
    """Conditions, among them ulcers, calciphylaxis and entries of it that are void."""
    rng = stream(setting.seed, chunk, "diagnoses")
    entries: list[Entry] = []
    for item, members, longest in _diagnosed(people):
        rows = rows_of(members)
        days = people.end[rows] - 30 - (rng.random(len(rows)) * longest).astype(np.int64)
        entries += made(rows, DIAGNOSIS, item, "active", days, _precision(rng, len(rows)))
    entries += _dependence(people)
    entries += _calciphylaxis(rng, people)
    entries += _ulcers(rng, content, people)
    for item in (*EVERYDAY_LASTING, *EVERYDAY_PASSING):
        rows = rows_of(rng.random(people.size) < content.shares[item])
        days = people.end[rows] - 40 - (rng.random(len(rows)) * 1400).astype(np.int64)
        precision = _precision(rng, len(rows))
        if item in EVERYDAY_LASTING:
            entries += made(rows, DIAGNOSIS, item, "active", days, precision)
        else:
            entries += made(rows, DIAGNOSIS, item, "resolved", days, precision, ends=days + 14)
    return entries


def _precision(rng: np.random.Generator, size: int) -> Integers:
    return PRECISIONS[(rng.random(size) * len(PRECISIONS)).astype(np.int64)]


def _diagnosed(people: People) -> list[tuple[str, Flags, int]]:
    """Which condition, who has it, and how many days back it may have begun."""
    diabetes, failing = people.has("diabetes"), people.kidney_disease == 5
    found = [
        ("end-stage-kidney-disease", people.dialysis, 2000),
        ("kidney-disease-5", failing & ~people.dialysis, 700),
        ("kidney-disease-3", people.kidney_disease == 3, 1500),
        ("diabetic-nephropathy", diabetes & failing, 4000),
        ("diabetes", diabetes & ~failing, 4000),
    ]
    return found + [(item, people.has(item), 3000) for item in LASTING]


def _dependence(people: People) -> list[Entry]:
    """Dependence on dialysis as a condition, for all whose sessions are not recorded one by one."""
    entries: list[Entry] = []
    for item, members in (
        ("dialysis-dependence-hd", people.dialysis & (people.modality != 3) & ~people.sessions),
        ("dialysis-dependence-pd", people.modality == 3),
    ):
        rows = rows_of(members)
        entries += made(rows, DIAGNOSIS, item, "active", people.end[rows] - people.vintage[rows])
    return entries


def _calciphylaxis(rng: np.random.Generator, people: People) -> list[Entry]:
    ill = rows_of(people.has("calciphylaxis"))
    void = rows_of(people.has("calciphylaxis-void"))
    variant = np.where(rng.random(len(void)) < 0.5, "refuted", "entered-in-error").tolist()
    entries = made(ill, DIAGNOSIS, "calciphylaxis", "confirmed", people.lesion_day[ill])
    return entries + made(void, DIAGNOSIS, "calciphylaxis", variant, people.end[void] - 60)


def _ulcers(rng: np.random.Generator, content: Content, people: People) -> list[Entry]:
    """Ulcers of calf or thigh in calciphylaxis, of calf or foot otherwise; and some that have healed."""
    entries: list[Entry] = []
    ill, ulcer = people.has("calciphylaxis"), people.has("leg-ulcer")
    place = np.where(ill, people.lesion % 2, (people.lesion % 2) * 2)
    for number, item in enumerate(ULCERS):
        rows = rows_of((ill | ulcer) & (place == number))
        entries += made(rows, DIAGNOSIS, item, "active", people.lesion_day[rows])
    healed = rows_of(~ill & ~ulcer & (rng.random(people.size) < content.shares["healed-ulcer"]))
    days = people.end[healed] - 500
    return entries + made(healed, DIAGNOSIS, "ulcer-calf", "resolved", days, ends=days + 100)


def examine(content: Content, people: People) -> list[Entry]:
    """Suspicious lesions that nobody has named, as findings of an examination."""
    entries: list[Entry] = []
    for place, item in enumerate(content.lesions):
        rows = rows_of(people.has("suspicious-lesion") & (people.lesion == place))
        entries += made(rows, EXAMINATION, item, "-", people.lesion_day[rows], 660)
    return entries


class Orders:
    """Drug orders of a chunk."""

    def __init__(self, rng: np.random.Generator, content: Content, people: People) -> None:
        self._rng, self._people = rng, people
        self._earlier = content.shares["earlier-order"]
        self.entries: list[Entry] = []

    def add(self, item: str, members: Flags, variant: str, longest: int) -> None:
        """Orders of at most `longest` days ago; some current drugs were ordered before."""
        rng, people = self._rng, self._people
        rows = rows_of(members)
        days = people.end[rows] - 1 - (rng.random(len(rows)) * longest).astype(np.int64)
        self.entries += made(rows, DRUG, item, variant, days)
        if variant == "active":
            before = rows[rng.random(len(rows)) < self._earlier]
            self.entries += made(before, DRUG, item, "completed", people.end[before] - longest - 60)


def prescribe(setting: Setting, content: Content, chunk: int, people: People) -> list[Entry]:
    """Current drugs, earlier orders of the same, stopped ones and those entered in error."""
    rng, share = stream(setting.seed, chunk, "drugs"), content.shares
    orders = Orders(rng, content, people)
    for trait, item in CURRENT.items():
        orders.add(item, people.has(trait), "active", 300)
    active = people.has("active-vitamin-d")
    orders.add("paricalcitol", active & (people.site % 2 == 0), "active", 300)
    orders.add("calcitriol", active & (people.site % 2 == 1), "active", 300)
    never = ~people.has("warfarin") & ~people.has("warfarin-stopped")
    orders.add("warfarin", people.has("warfarin-stopped"), "stopped", 600)
    orders.add("warfarin", never & (rng.random(people.size) < share["warfarin-void"]), "entered-in-error", 60)
    treated = people.has("calciphylaxis") & people.dialysis & (rng.random(people.size) < share["sodium-thiosulfate"])
    orders.add("sodium-thiosulfate", treated, "active", 10)
    for item in EVERYDAY_DRUGS:
        orders.add(item, rng.random(people.size) < share[item], "active", 500)
    return orders.entries
