"""The steps of a screening in order, each with its rough share of the time (a million patients from FHIR files)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

Weighted = tuple[str, float]
REPORT: Final[tuple[Weighted, ...]] = (
    ("worklist", 12), ("comparison", 3), ("numbers", 4), ("patients", 8), ("FHIR", 4),
)  # fmt: skip
WHAT_IF: Final = ("what if", 30)


def screening_steps(*, flat: bool, encounters: bool) -> Iterator[Weighted]:
    """`flat`: the flat form is kept; `encounters`: it is counted how often each patient was seen."""
    yield "source", 1
    if flat:
        yield "flat form", 60
    yield from (("patients", 4), ("entries", 60), ("versions", 3), ("facts", 25), ("verdicts", 25))
    if encounters:
        yield "encounters", 8
