"""What-if of a screening: cards now, and what another configuration would change; files into the run's folder."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from calcipath.guideline.model import Guideline
from calcipath.hooks.selection import AlertSettings
from calcipath.output.markup import Markup
from calcipath.population.guideline_changes import Changes, Side, guideline_changes
from calcipath.population.impact import count_cards
from calcipath.population.impact_model import CardImpact, Sample
from calcipath.population.impact_section import impact_section
from calcipath.population.report.small_numbers import Mask

ROWS, SUMMARY = "what-if.csv", "what-if.json"
SCHEMA_VERSION: Final = "1.0"


@dataclass(frozen=True, slots=True)
class Configured:
    """A finished run with the guideline that made it and the site's settings for alerts."""

    run: Path
    guideline: Guideline
    settings: AlertSettings


@dataclass(frozen=True, slots=True)
class WhatIf:
    """`then` and `changes` are there where another configuration was asked about."""

    now: CardImpact
    then: CardImpact | None = None
    changes: Changes | None = None

    def section(self, mask: Mask) -> Markup:
        """For the page of the report."""
        return impact_section(self.now, self.then, self.changes, mask)

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        found: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "now": self.now.as_json()}
        if self.then is not None:
            found["then"] = self.then.as_json()
        if self.changes is not None:
            found["changes"] = self.changes.as_json()
        return found


def what_if(
    now: Configured,
    then: Configured | None,
    folder: Path,
    *,
    services: Collection[str] = (),
    sample: Sample | None = None,
    memory: str = "400MB",
    threads: int = 2,
) -> WhatIf:
    """Count and compare; writes `what-if.json`, and with `then` also `what-if.csv`, into `folder`. Raises `InputError`."""
    engine: dict[str, Any] = {"memory": memory, "threads": threads}
    counting = engine | {"services": services, "sample": sample}
    with tempfile.TemporaryDirectory(prefix="calcipath-what-if-") as work:
        cards = Path(work) / "now.parquet", Path(work) / "then.parquet"
        found = WhatIf(count_cards(now.run, now.guideline, now.settings, cards=cards[0], **counting))
        if then is not None:
            other = count_cards(then.run, then.guideline, then.settings, cards=cards[1], **counting)
            sides = Side(now.run, now.guideline, cards[0]), Side(then.run, then.guideline, cards[1])
            found = WhatIf(found.now, other, guideline_changes(*sides, folder / ROWS, **engine))
            (folder / ROWS).chmod(0o600)  # it names patients
    text = json.dumps(found.as_json(), indent=2, ensure_ascii=False)
    (folder / SUMMARY).write_text(f"{text}\n", encoding="utf-8")
    return found
