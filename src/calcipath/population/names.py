"""Names of the guideline as columns of a table."""

from __future__ import annotations

import re

_NO_NAME = re.compile(r"[^0-9a-z]+", re.IGNORECASE)


def column(name: str) -> str:
    """A name as a column: `vitamin-k-antagonist` is `vitamin_k_antagonist`."""
    return _NO_NAME.sub("_", name)
