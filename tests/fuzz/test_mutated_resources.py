"""Damaged bundles through the reader alone: the account adds up, references stay clean, times stay ordered.

`CALCIPATH_FUZZ` is how many mutants are tried (500 without it), `CALCIPATH_FUZZ_SEED` the number of the first.
"""

from __future__ import annotations

import json
import math
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from mutations import mutated

from calcipath.errors import InputError
from calcipath.record.model import Event, Quantity, When
from calcipath.record.reader import ReadReport, read_resources
from calcipath.sources.files import source_of

CASES = Path(__file__).parents[1] / "data" / "cases"
BUNDLES = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(CASES.glob("*.bundle.json"))]
TRIES = int(os.environ.get("CALCIPATH_FUZZ", "500"))
FIRST = int(os.environ.get("CALCIPATH_FUZZ_SEED", "0"))

Reading = Callable[[Any, str | None], ReadReport]


def read_bundle(bundle: Any, as_of: str | None) -> ReadReport:
    """The function under test."""
    return read_resources(source_of([bundle]).resources, as_of=as_of)


@pytest.mark.parametrize("reading", [read_bundle])
def test_every_resource_of_a_mutant_is_accounted_for(reading: Reading) -> None:
    tally: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + TRIES):
        rng = random.Random(seed)  # noqa: S311  a repeatable choice, no secret
        bundle = mutated(rng, rng.choice(BUNDLES))
        try:
            found = reading(bundle, rng.choice([None, "2026-01-15", "2025-06-01T12:00:00Z"]))
        except InputError as error:
            assert str(error).isprintable(), f"mutant {seed}"
            tally["refused"] += 1
            continue
        tally["read"] += 1
        faults = list(faults_of(found))
        assert not faults, f"mutant {seed}: {faults[:3]}"
    assert tally["read"] > TRIES / 2, "most mutants must still be read, else the mutations test the parser only"


def faults_of(found: ReadReport) -> Iterator[str]:
    fates = (found.read, found.folded, found.ignored, found.dropped, found.refused)
    if found.total != sum(sum(fate.values()) for fate in fates):
        yield f"{found.total} resources, but the account has {fates}"
    if sum(found.refused.values()) and not found.record.problems:
        yield "refused, but no problem is listed"
    references = {event.reference for event in found.record.events} - {found.record.patient.reference}
    if len(references) < sum(found.read.values()) - found.read.get("Patient", 0):
        yield "fewer references than resources that were read"
    for problem in found.record.problems:
        if not problem.handling.isprintable() or not problem.reference.isprintable() or not problem.handling:
            yield f"not one clear line: {problem!r}"
    for event in found.record.events:
        yield from faults_of_event(event)


def faults_of_event(event: Event) -> Iterator[str]:
    for name in Event.__dataclass_fields__:
        value = getattr(event, name)
        if isinstance(value, str) and any(ord(c) < 32 and c not in "\n\t" for c in value):
            yield f"{event.reference}: control characters in {name}"
        if isinstance(value, Quantity) and not (isinstance(value.value, float) and math.isfinite(value.value)):
            yield f"{event.reference}: {name} is {value.value!r}"
        if isinstance(value, When) and not value.earliest <= value.latest:
            yield f"{event.reference}: {name} is no interval"
    try:
        hash(event)
    except TypeError:
        yield f"{event.reference}: cannot be hashed, so something that JSON held came through as it was"
