"""Inputs and answer of the judgement of response to sodium thiosulfate over time.

Instants are seconds since 1970 (UTC); `evidence` is a `Type/id` of the record. Source of the verdicts:
guideline outline, section 10; the thresholds are product defaults [P], read from the guideline data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DAY = 86_400.0

Verdict = Literal["responding", "pain-only", "not-responding", "worse", "too-early", "unknown"]
Topic = Literal["pain", "wound", "general"]
WordKind = Literal["improvement", "no-improvement", "worsening", "pain-relief", "pain-worse", "pain-unchanged"]
Direction = Literal["better", "same", "worse"]


@dataclass(frozen=True, slots=True)
class DosePeriod:
    """A time on the drug. A single dose has `end` equal to `start`; None is still running."""

    start: float
    end: float | None
    evidence: str


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement. `site` keeps several wounds apart; measurements of different sites are never compared."""

    when: float
    value: float
    evidence: str
    site: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A statement of the notes about the course, with the passage that says so."""

    kind: WordKind
    about: Topic
    when: float
    evidence: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class CourseThresholds:
    """When a response can be judged, and what counts as a change.

    A change of pain is `pain_percent` of the first score or `pain_points` (scale 0-10), either way; of a wound
    `wound_percent` of the first measurement. `baseline_days`: how old a measurement before the first dose may be;
    `gap_days`: a longer pause between doses begins a new course of treatment.
    """

    days: float = 14
    pain_percent: float = 30
    pain_points: float = 2
    wound_percent: float = 20
    baseline_days: float = 28
    gap_days: float = 28


@dataclass(frozen=True, slots=True)
class Because:
    """One reason in plain words, with the entries of the record that it rests on."""

    text: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """A measured series as used, oldest first: what it measures, its unit, and the points."""

    name: str
    unit: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """The answer: how the disease has gone since treatment began, why, and the series for a chart."""

    verdict: Verdict
    because: tuple[Because, ...]
    series: tuple[Series, ...] = ()
