"""What a caller may choose about an assessment."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AssessmentOptions:
    """`complete` names what the source was asked for in full ("medications", "allergies"): absence is then an answer.

    `notes`: read free text. `as_of`: an ISO date or instant with its zone, empty for the newest clinical date of the
    record. `config`: path of a site's configuration file, empty for none. `patient`: which patient of a file that holds
    several, by id; empty where it holds one.
    """

    complete: frozenset[str] = field(default_factory=frozenset)
    notes: bool = True
    as_of: str = ""
    config: str = ""
    patient: str = ""
