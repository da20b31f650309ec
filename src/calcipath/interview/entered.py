"""Who entered something, when, of whom: what every resource of the interview shares."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from calcipath.errors import InputError
from calcipath.record.dates import parse_when
from calcipath.record.model import When

Resource = dict[str, Any]
DAY = 86400.0
STATED = "Stated on the clinician's page."
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


def was_stated(resource: Mapping[str, Any]) -> bool:
    """Whether a resource was entered on the page."""
    notes = resource.get("note")
    return any(
        isinstance(each, Mapping) and each.get("text") == STATED for each in (notes if isinstance(notes, list) else ())
    )


@dataclass(frozen=True, slots=True)
class Entered:
    """`when` is a FHIR date or instant, `author` the person's name, `patient` the case's Patient resource.

    `new_id` gives the id of a resource for a hint such as "potassium"; the same call must give the same id, so that a
    corrected answer replaces the earlier one. A yes and a no to one question may be of different resource types: an
    entry replaces the one with its id, whatever its type.
    """

    when: str
    author: str
    patient: Mapping[str, Any]
    new_id: Callable[[str], str]

    def moment(self) -> When:
        """The instant of the entry. Raises `InputError` for what is no date."""
        found = parse_when(self.when)
        if found is None:
            raise InputError(f"'{self.when[:40]}' is not a date such as 2026-01-15 or an instant with its time zone")
        return found

    def days_before(self, days: float) -> str:
        """The date that many days earlier."""
        return datetime.fromtimestamp(self.moment().earliest - days * DAY, UTC).date().isoformat()

    def resource(self, resource_type: str, hint: str) -> Resource:
        """An empty resource about the patient, with its id."""
        identifier = self.new_id(hint)
        if not _ID.fullmatch(identifier):
            raise InputError(f"'{identifier[:80]}' is not an id of FHIR")
        about = "patient" if resource_type == "AllergyIntolerance" else "subject"
        return {"resourceType": resource_type, "id": identifier, about: {"reference": self.reference()}}

    def reference(self) -> str:
        """The reference to the patient."""
        return f"Patient/{self.patient.get('id', '')}"

    def who(self) -> dict[str, str]:
        """The author as a reference without an entry."""
        return {"display": self.author}

    def notes(self) -> list[dict[str, str]]:
        """Where the statement comes from."""
        return [{"authorString": self.author, "time": self.when, "text": STATED}]
