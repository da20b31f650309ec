"""Many three-valued columns as a few whole numbers: a table of a million patients is then written and counted quickly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from calcipath.population.sql_columns import Term, joined, written

BITS: Final = 62  # of a BIGINT; the sign and one more are left alone


@dataclass(frozen=True, slots=True)
class Packed:
    """Columns `name_n`, of which each whole number tells `BITS`: one number for the true ones, one for the unknown."""

    name: str
    count: int

    def outputs(self, terms: Sequence[Term]) -> list[tuple[str, Term]]:
        """The whole numbers, as columns of a query."""
        found = []
        for word, first in enumerate(range(0, self.count, BITS)):
            some = terms[first : first + BITS]
            found.append((f"{self.name}_yes_{word}", _sum("CASE WHEN {} THEN %d ELSE 0 END", some)))
            found.append((f"{self.name}_open_{word}", _sum("CASE WHEN ({}) IS NULL THEN %d ELSE 0 END", some)))
        return found

    def columns(self) -> list[str]:
        """The three-valued columns again, to select from the table of the whole numbers."""
        return [
            f"CASE WHEN {self._bit('yes', n)} THEN true WHEN {self._bit('open', n)} THEN NULL ELSE false END AS {self.name}_{n}"
            for n in range(self.count)
        ]

    def is_true(self, number: int) -> str:
        """Whether a column is true, in a query of the table of the whole numbers."""
        return self._bit("yes", number)

    def _bit(self, kind: str, number: int) -> str:
        word, place = divmod(number, BITS)
        return f"{self.name}_{kind}_{word} & {1 << place} <> 0"


def _sum(template: str, terms: Sequence[Term]) -> Term:
    bits = [written(template % (1 << place), term) for place, term in enumerate(terms)]
    return written("CAST({} AS BIGINT)", joined("+", bits))
