"""What a source hands to the reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RawResource:
    """One resource as parsed JSON, where it is known as (`full_url`) and where it stood (`place`: line or JSON path).

    `resource` is whatever JSON stood there: the reader judges it. `void` is filled when the source itself says that
    the entry no longer holds (deleted, an older version): it is counted and not read.
    """

    resource: Any
    full_url: str = ""
    place: str = ""
    void: str = ""
