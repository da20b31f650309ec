"""The flat form of one patient's record.

A FHIR resource becomes one or more `Event` rows: what was recorded, when, with which codes, value,
status and free text. Everything after this (facts, population tables) reads only these rows.
Times are intervals, because FHIR dates may be partial ("2022" is any instant of that year).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["condition", "medication", "observation", "procedure", "report", "allergy", "encounter", "order", "note"]
Status = Literal["active", "inactive", "completed", "planned", "unknown"]
Verification = Literal["confirmed", "provisional", "refuted", "unstated"]
Assertion = Literal["stated", "negated", "historical", "uncertain", "family"]
Route = Literal["code", "name", "text"]


@dataclass(frozen=True, slots=True)
class When:
    """A FHIR date or instant as the interval of instants that it can mean (seconds since 1970, UTC).

    >>> When(1640995200.0, 1672531199.0, "2022").written
    '2022'
    """

    earliest: float
    latest: float
    written: str


@dataclass(frozen=True, slots=True)
class Coding:
    """One FHIR Coding; `system` is the canonical URI, empty when the record gave none."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A FHIR Quantity as written: `unit` is the human text, `code` the code in `system`."""

    value: float
    unit: str = ""
    system: str = ""
    code: str = ""
    comparator: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One recorded thing. `reference` is `Type/id` and resolves in the record.

    `status` is already normalised over resource types; entered-in-error resources never become events.
    `started` is the clinically relevant time (onset, effective, performed, authored), `ended` its end.
    `texts` are the free-text passages that belong to the event itself (conclusion, note, value text).
    `name` is the best human name of the event's code; `sites` are body sites, codes and text.
    """

    kind: Kind
    reference: str
    resource_type: str
    name: str = ""
    codings: tuple[Coding, ...] = ()
    status: Status = "unknown"
    verification: Verification = "unstated"
    category: str = ""
    started: When | None = None
    ended: When | None = None
    issued: When | None = None
    quantity: Quantity | None = None
    value_text: str = ""
    value_codings: tuple[Coding, ...] = ()
    value_boolean: bool | None = None
    interpretation: str = ""  # v3 ObservationInterpretation code: H, HH, L, LL, N, A, POS, NEG ...
    range_low: Quantity | None = None
    range_high: Quantity | None = None
    sites: tuple[Coding, ...] = ()
    site_text: str = ""
    specimen: str = ""  # names of the specimens of a report or observation
    texts: tuple[str, ...] = ()
    reason: str = ""  # why a drug or procedure was given
    dose: Quantity | None = None
    route: str = ""
    frequency_per_week: float | None = None
    inpatient: bool | None = None
    range_text: str = ""  # the reference range in words, as written


@dataclass(frozen=True, slots=True)
class Finding:
    """A concept of the guideline's vocabulary recognised in an event.

    `route` says how: by code, by the event's name, or in free text. `quote` is the passage for name and text.
    """

    concept: str
    event: Event
    route: Route
    assertion: Assertion = "stated"
    quote: str = ""


@dataclass(frozen=True, slots=True)
class DataProblem:
    """Something in the record that was not used as written; `problem` is a word of the answer's contract."""

    reference: str
    problem: str
    handling: str
    concept: str = ""  # the vocabulary concept that it touches; empty when it touches the whole resource


@dataclass(frozen=True, slots=True)
class Patient:
    """Demographics; unknown is None or empty."""

    reference: str = ""
    sex: str = ""  # FHIR administrative gender
    born: When | None = None
    died: When | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One patient's record: the only input of an assessment besides the guideline.

    `complete` names what the source was asked for in full ("medications", "allergies").
    `ends` is the newest clinical date, None when the record holds no date.
    `not_read` counts resources of the types that are not read, by type.
    """

    patient: Patient
    events: tuple[Event, ...]
    problems: tuple[DataProblem, ...] = ()
    ends: When | None = None
    complete: frozenset[str] = field(default_factory=frozenset)
    not_read: Mapping[str, int] = field(default_factory=dict, hash=False)
