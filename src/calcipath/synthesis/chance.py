"""Random numbers: a stream of its own for each purpose and chunk of patients, so that order and workers change nothing."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]
PURPOSES: Final = ("people", "laboratory", "diagnoses", "drugs", "procedures", "notes", "mistakes", "identifiers")


def stream(seed: int, chunk: int, purpose: str) -> np.random.Generator:
    """The stream of one purpose within one chunk."""
    key = np.random.SeedSequence(seed, spawn_key=(chunk, PURPOSES.index(purpose)))
    return np.random.Generator(np.random.Philox(key))


def rows_of(flags: Flags) -> Integers:
    """The numbers of the rows that are true."""
    return np.flatnonzero(flags).astype(np.int64)


def picked(uniform: Floats, weights: list[float]) -> Integers:
    """For each uniform number the index that the weights give it."""
    bounds = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(bounds / bounds[-1], uniform, side="right").clip(0, len(weights) - 1).astype(np.int64)
