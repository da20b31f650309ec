"""The status words of each resource type, normalised to active, inactive, completed, planned or unknown.

Source: the required value sets of FHIR R4. `completed` of a condition means resolved, so that healed can be told from
merely inactive. A drug on hold is active: it has not been stopped. An entry in a void table never becomes an event; it
is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from calcipath.record.model import Status, Verification

Statuses = Mapping[str, Status]

IN_ERROR: Final = {"entered-in-error": "entered in error"}
CONDITION: Final[Statuses] = {
    "active": "active", "recurrence": "active", "relapse": "active",
    "inactive": "inactive", "remission": "inactive", "resolved": "completed",
}  # fmt: skip
VERIFICATION: Final[Mapping[str, Verification]] = {
    "confirmed": "confirmed", "provisional": "provisional", "unconfirmed": "provisional",
    "differential": "provisional", "refuted": "refuted",
}  # fmt: skip
# `registered`: no result yet. `active`: a result that may still change.
RESULT: Final[Statuses] = {
    "registered": "planned", "partial": "active", "preliminary": "active", "final": "completed",
    "amended": "completed", "corrected": "completed", "appended": "completed", "unknown": "unknown",
}  # fmt: skip
RESULT_VOIDS: Final = {**IN_ERROR, "cancelled": "cancelled"}
MEDICATION_REQUEST: Final[Statuses] = {
    "active": "active", "on-hold": "active", "cancelled": "completed", "completed": "completed",
    "stopped": "completed", "ended": "completed", "draft": "planned", "unknown": "unknown",
}  # fmt: skip
MEDICATION_STATEMENT: Final[Statuses] = {
    "active": "active", "on-hold": "active", "completed": "completed", "stopped": "completed",
    "not-taken": "completed", "intended": "planned", "unknown": "unknown",
}  # fmt: skip
MEDICATION_ADMINISTRATION: Final[Statuses] = {
    "in-progress": "active", "on-hold": "active", "completed": "completed", "stopped": "completed",
    "unknown": "unknown",
}  # fmt: skip
ADMINISTRATION_VOIDS: Final = {**IN_ERROR, "not-done": "not done"}
MEDICATION_DISPENSE: Final[Statuses] = {
    "preparation": "planned", "in-progress": "active", "on-hold": "active", "completed": "completed",
    "stopped": "completed", "unknown": "unknown",
}  # fmt: skip
DISPENSE_VOIDS: Final = {**IN_ERROR, "cancelled": "cancelled", "declined": "declined"}
PROCEDURE: Final[Statuses] = {
    "preparation": "planned", "in-progress": "active", "on-hold": "active", "stopped": "completed",
    "completed": "completed", "unknown": "unknown",
}  # fmt: skip
PROCEDURE_VOIDS: Final = {**IN_ERROR, "not-done": "not done"}
REQUEST: Final[Statuses] = {
    "draft": "planned", "active": "active", "on-hold": "active", "revoked": "completed", "completed": "completed",
    "unknown": "unknown",
}  # fmt: skip
INTENDED_ONLY: Final = frozenset({"proposal", "plan", "directive", "option"})  # intents that authorise nothing yet
ENCOUNTER: Final[Statuses] = {
    "planned": "planned", "arrived": "active", "triaged": "active", "in-progress": "active", "onleave": "active",
    "finished": "completed", "unknown": "unknown",
}  # fmt: skip
ENCOUNTER_VOIDS: Final = {**IN_ERROR, "cancelled": "cancelled"}
DOCUMENT: Final[Statuses] = {"current": "completed", "superseded": "inactive"}
COMPOSITION: Final[Statuses] = {"preliminary": "active", "final": "completed", "amended": "completed"}
IMPRESSION: Final[Statuses] = {"in-progress": "active", "completed": "completed"}
