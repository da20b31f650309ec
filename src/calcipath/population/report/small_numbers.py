"""Counts that may leave the unit: none so small that it could point to a person, and none that differences give away."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

Z: Final = 1.959963984540054  # 95 %


@dataclass(frozen=True, slots=True)
class Mask:
    """Counts from 1 to below `under` are not shown, all others are rounded to multiples of it; 0 shows all as they are.

    Rounding everything is what keeps a hidden count hidden: totals and neighbours no longer give it away.
    """

    under: int = 0

    def shown(self, count: int) -> int | None:
        """The count as it may be shown; None where it is hidden."""
        if not self.under or count == 0:
            return count
        if count < self.under:
            return None
        return self.under * ((2 * count + self.under) // (2 * self.under))

    def word(self, count: int) -> str:
        """The same for a reader.

        >>> Mask(5).word(3), Mask(5).word(12), Mask(5).word(13), Mask().word(3), Mask(5).word(0)
        ('<5', '10', '15', '3', '0')
        """
        shown = self.shown(count)
        return f"<{self.under}" if shown is None else f"{shown:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def wilson(count: int, total: int) -> tuple[float, float] | None:
    """The 95 % interval of a share by Wilson's score (1927); None without a total.

    >>> [round(end, 4) for end in wilson(81, 263)]
    [0.2553, 0.3662]
    """
    if total <= 0:
        return None
    share, weight = count / total, Z * Z / total
    middle = (share + weight / 2) / (1 + weight)
    half = Z / (1 + weight) * sqrt(share * (1 - share) / total + weight / (4 * total))
    return max(0.0, middle - half), min(1.0, middle + half)
