"""Measurements over the last year: laboratory results, body weight and blood pressure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calcipath.synthesis.chance import Flags, Floats, Integers, rows_of, stream
from calcipath.synthesis.content import DIALYSIS, GENERAL, Analyte, Content, Shape
from calcipath.synthesis.entries import LABORATORY, PRESSURE, Entry, made
from calcipath.synthesis.people import People, Setting

BETWEEN, WITHIN = 0.8, 0.6  # how the spread divides: sqrt(0.8 ** 2 + 0.6 ** 2) = 1


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest result of one analyte, one a patient, in the conventional unit and as it was rounded; NaN if none."""

    value: Floats
    day: Integers


@dataclass(frozen=True, slots=True)
class Results:
    """All measurements of a chunk, and the newest of each analyte."""

    entries: list[Entry]
    newest: Mapping[str, Newest]


def measure(setting: Setting, content: Content, chunk: int, people: People) -> Results:
    """The measurements of a chunk."""
    rng = stream(setting.seed, chunk, "laboratory")
    entries: list[Entry] = []
    newest: dict[str, Newest] = {}
    for analyte in content.analytes.values():
        found, last = _analyte(rng, content, people, analyte)
        entries += found
        newest[analyte.id] = last
    again = rows_of(rng.random(len(entries)) < content.shares["repeated-result"]).tolist()
    entries += [entries[place] for place in again]
    entries += _pressures(rng, content, people)
    return Results(entries, newest)


def _analyte(
    rng: np.random.Generator, content: Content, people: People, analyte: Analyte
) -> tuple[list[Entry], Newest]:
    entries: list[Entry] = []
    value, day = np.full(people.size, np.nan), np.zeros(people.size, dtype=np.int64)
    wanted = people.has(analyte.only) if analyte.only else np.ones(people.size, dtype=np.bool_)
    for group, members in ((DIALYSIS, people.kidney_disease == 5), (GENERAL, people.kidney_disease != 5)):
        shape = analyte.shapes[group]
        rows, back = _times(rng, wanted & members, shape.a_year)
        level = rng.standard_normal(people.size)
        drawn = _values(rng, shape, level, rows).clip(analyte.least, analyte.most)
        digits, factor = _writings(content, people, analyte, rows)
        days = people.end[rows] - back
        minutes = 6 * 60 + (rng.random(len(rows)) * 600).astype(np.int64)
        texts = [f"{each:.{places}f}" for each, places in zip((drawn * factor).tolist(), digits, strict=True)]
        flags = _flags(analyte, drawn)
        entries += made(
            rows, LABORATORY, analyte.id, flags, days, minutes, _below(analyte, flags, texts, factor, digits)
        )
        wrong = rows_of(rng.random(len(rows)) < content.shares["void-result"])
        if not analyte.vital:
            entries += _void(
                analyte, rows[wrong], days[wrong], minutes[wrong], [texts[each] for each in wrong.tolist()]
            )
        written = np.array(texts, dtype=np.float64) / factor if texts else np.zeros(0)
        first = np.unique(rows, return_index=True)[1]
        value[rows[first]], day[rows[first]] = written[first], days[first]
    return entries, Newest(value, day)


def _times(rng: np.random.Generator, members: Flags, a_year: float) -> tuple[Integers, Integers]:
    """For each result its patient's row and how many days back it is; the newest of each patient comes first."""
    rows = rows_of(members)
    counts = np.floor(a_year + rng.random(len(rows))).astype(np.int64)
    start = rng.random(len(rows))
    repeated = np.repeat(np.arange(len(rows)), counts)
    place = np.arange(len(repeated)) - np.repeat(np.cumsum(counts) - counts, counts)
    gap = min(365.0 / a_year, 365.0)
    return rows[repeated], ((place + start[repeated]) * gap).astype(np.int64)


def _values(rng: np.random.Generator, shape: Shape, level: Floats, rows: Integers) -> Floats:
    deviation = BETWEEN * level[rows] + WITHIN * rng.standard_normal(len(rows))
    if shape.kind == "normal":
        return shape.centre + shape.spread * deviation
    return shape.centre * np.exp(shape.spread * deviation)


def _writings(content: Content, people: People, analyte: Analyte, rows: Integers) -> tuple[list[int], Floats]:
    """Digits and factor of each result, as its site writes it."""
    writings = [analyte.writing(site) for site in content.sites]
    site = people.site[rows]
    digits = np.array([each.digits for each in writings])[site]
    return digits.tolist(), np.array([each.factor for each in writings])[site]


def _flags(analyte: Analyte, drawn: Floats) -> list[str]:
    if analyte.us.low is None or analyte.us.high is None:
        return ["-"] * len(drawn)
    flags = np.where(drawn < analyte.us.low, "L", np.where(drawn > analyte.us.high, "H", "N"))
    found: list[str] = np.where(drawn < analyte.below, "<", flags).tolist()
    return found


def _below(analyte: Analyte, flags: list[str], texts: list[str], factor: Floats, digits: list[int]) -> list[str]:
    """Results under the limit of the method are written as that limit."""
    if not analyte.below:
        return texts
    limits = (analyte.below * factor).tolist()
    return [
        f"{limit:.{places}f}" if flag == "<" else text
        for flag, text, limit, places in zip(flags, texts, limits, digits, strict=True)
    ]


def _void(analyte: Analyte, rows: Integers, days: Integers, minutes: Integers, texts: list[str]) -> list[Entry]:
    """Results that were entered in error: a slipped decimal point, beside the right one."""
    slipped = [f"{float(text) * 10:g}" for text in texts]
    return made(rows, LABORATORY, analyte.id, "X", days, minutes, slipped)


def _pressures(rng: np.random.Generator, content: Content, people: People) -> list[Entry]:
    entries: list[Entry] = []
    for group, members in ((DIALYSIS, people.dialysis), (GENERAL, ~people.dialysis)):
        rows, back = _times(rng, members, content.rates[f"pressures-{group}"])
        high, low = content.pressures["systolic"], content.pressures["diastolic"]
        systolic = _clipped(high["mean"] + high["sd"] * rng.standard_normal(len(rows)), high)
        base = low["base"] + systolic * low["of_systolic"]
        diastolic = _clipped(base + low["sd"] * rng.standard_normal(len(rows)), low)
        pairs = [f"{upper} {lower}" for upper, lower in zip(systolic.tolist(), diastolic.tolist(), strict=True)]
        minutes = 7 * 60 + (rng.random(len(rows)) * 600).astype(np.int64)
        entries += made(rows, PRESSURE, "blood-pressure", "-", people.end[rows] - back, minutes, pairs)
    return entries


def _clipped(drawn: Floats, limits: Mapping[str, float]) -> Integers:
    return drawn.clip(limits["least"], limits["most"]).astype(np.int64)
