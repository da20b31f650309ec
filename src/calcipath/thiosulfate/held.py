"""What may be said of a regimen while a hold stands: the comparison of exposures, and no dose that nobody named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

AMOUNTS = ("dose", "thiosulfate", "product_volume", "final_volume")
LEVELS = ("weekly_auc", "peak", "trough", "fraction_removed_by_dialysis")
DROPPED = ("published", "changes", "session_sheet", "information")


def held_form(answer: Mapping[str, Any], *, named: bool, record_warnings: tuple[str, ...]) -> dict[str, Any]:
    """The answer behind a hold. `named`: the dose was named by the caller or stands on record, so that it may be said.

    Published regimens, changes, worksheet and general advice on giving it are left out; a dose that stood in for one
    is not told. Warnings that name amounts follow the dose.
    """
    found = {key: value for key, value in answer.items() if key not in DROPPED}
    found["matched"] = {"status": answer["matched"]["status"], "dose": None, "reason": answer["matched"]["reason"]}
    found["session_sheet"] = None
    if named:
        return found
    found["regimen"] = {key: value for key, value in answer["regimen"].items() if key not in AMOUNTS}
    found["exposure"] = {key: value for key, value in answer["exposure"].items() if key in LEVELS}
    reference = {key: value for key, value in answer["reference"].items() if key not in ("dose", "options")}
    found["reference"] = reference
    found["warnings"] = list(dict.fromkeys(record_warnings))
    return found
