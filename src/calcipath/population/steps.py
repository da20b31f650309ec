"""The steps of a screening in order, each with its rough share of the time (a million patients from FHIR files)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

Weighted = tuple[str, float]
PORTIONS: Final = "patients 1"  # the first portion; the others belong to it
REPORT: Final[tuple[Weighted, ...]] = (
    ("worklist", 12), ("comparison", 3), ("numbers", 4), ("patients", 8), ("FHIR", 4),
)  # fmt: skip
WHAT_IF: Final = ("what if", 30)


def screening_steps(*, flat: bool, ends: bool, encounters: bool) -> Iterator[Weighted]:
    """`flat`: the flat form is kept; `ends`: each patient is judged for the end of the own record."""
    yield "source", 15
    if flat:
        yield "flat form", 80
    yield from (("patients", 5), ("contents", 20), ("forms", 4), ("entries", 20))
    if ends:
        yield "ends of records", 20
    yield from ((PORTIONS, 25), ("verdicts", 12), ("results", 12))
    if encounters:
        yield "encounters", 8
