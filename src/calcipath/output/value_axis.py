"""Round numbers for the axis of a drawn value, from zero up."""

from __future__ import annotations

import math

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def round_ticks(highest: float, most: int) -> list[float]:
    """At most `most` round values from 0, the last at or above `highest`; [0, 1] where nothing is above zero.

    >>> round_ticks(3.62, 5), round_ticks(604.0, 4), round_ticks(0.0, 5)
    ([0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 250.0, 500.0, 750.0], [0.0, 1.0])
    """
    if not highest > 0.0:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(highest / most))
    for step in (power * each for scale in (1.0, 10.0) for each in (scale * size for size in STEPS)):
        number = math.ceil(round(highest / step, 9))
        if number + 1 <= most:
            return [round(place * step, 12) for place in range(number + 1)]
    return [0.0, highest]
