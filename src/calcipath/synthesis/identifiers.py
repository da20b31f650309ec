"""Identifiers of patients and entries, unique by construction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from calcipath.synthesis.chance import stream
from calcipath.synthesis.content import Content
from calcipath.synthesis.people import People, Setting

MOST_ENTRIES: Final = 4096  # entries of one patient, and so the distance between the numbers of two patients
_SPREAD: Final = 2654435761  # odd, so that multiplying by it modulo 2 ** 32 never gives one number twice


@dataclass(frozen=True, slots=True)
class Identity:
    """What the identifiers of one patient's entries are made from; `prefix` is empty where they are numbers."""

    number: int
    prefix: str

    def of(self, entry: int) -> str:
        """The FHIR id of the patient's entry of this number; 0 is the patient."""
        if self.prefix:
            return f"{self.prefix}{entry:012x}"
        return str(self.of_number(entry))

    def of_number(self, entry: int) -> int:
        """The same as a number, which is what OMOP has."""
        return self.number * MOST_ENTRIES + entry


def identities(setting: Setting, content: Content, chunk: int, people: People) -> list[Identity]:
    """One a patient."""
    rng = stream(setting.seed, chunk, "identifiers")
    parts = (rng.random((3, people.size)) * [[1 << 16], [1 << 12], [1 << 12]]).astype(np.int64)
    named = [content.sites[site].ids == "uuid" for site in people.site.tolist()]
    found = []
    for number, named_so, a, b, c in zip(people.number.tolist(), named, *parts.tolist(), strict=True):
        prefix = f"{number * _SPREAD % (1 << 32):08x}-{a:04x}-4{b:03x}-a{c:03x}-" if named_so else ""
        found.append(Identity(number, prefix))
    return found
