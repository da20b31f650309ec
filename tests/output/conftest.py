"""The sample assessments, written by hand, and a timeline for the first."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from calcipath.output.timeline import Bar, Mark, Series, Timeline

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="session")
def sample() -> Callable[[str], dict[str, Any]]:
    """A fresh copy of a sample by its name."""

    def load(name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((DATA / "assessments" / f"{name}.json").read_text(encoding="utf-8"))
        return loaded

    return load


def seconds(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


@pytest.fixture(scope="session")
def timeline() -> Timeline:
    """Calcium measured and corrected, albumin, two drugs, numbered events and many dialysis sessions."""
    calcium = tuple(
        (seconds(day), value, f"Observation/ca-{place}")
        for place, (day, value) in enumerate((("2025-06-10", 9.5), ("2025-11-03", 10.0), ("2026-01-12", 9.6)))
    )
    corrected = tuple((when, value + 1.1, reference) for when, value, reference in calcium)
    return Timeline(
        series=(
            Series("corrected calcium", "mg/dL", 8.4, 10.2, corrected, "calcium"),
            Series("measured calcium", "mg/dL", 8.4, 10.2, calcium, "calcium"),
            Series("albumin", "g/dL", 3.5, None, ((seconds("2026-01-12"), 2.6, "Observation/alb-7"),)),
        ),
        bars=(
            Bar("warfarin", None, None, current=True),
            Bar("sevelamer", seconds("2025-06-20"), seconds("2025-09-15"), current=False),
        ),
        marks=(
            Mark("skin biopsy", seconds("2025-12-18"), "procedure"),
            Mark("painful livedo", seconds("2025-11-20"), "lesion"),
            *(Mark("haemodialysis", seconds("2026-01-13") - 2 * 86400 * place, "dialysis") for place in range(20)),
        ),
        now=seconds("2026-01-15"),
    )
