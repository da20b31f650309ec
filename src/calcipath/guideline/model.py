"""The guideline as typed, immutable data. Built and checked by `reader.read_guideline`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from calcipath.guideline.analytes import Analyte
from calcipath.guideline.expression import Expression
from calcipath.guideline.interview_model import NO_INTERVIEW, InterviewKnowledge
from calcipath.guideline.patient_information import NO_INFORMATION, PatientInformation
from calcipath.guideline.unit_aliases import UnitAliases
from calcipath.guideline.vocabulary import Vocabulary
from calcipath.guideline.worklist_model import NO_WORKLIST, WorklistKnowledge

if TYPE_CHECKING:
    from calcipath.guideline.hook_knowledge import HookKnowledge
    from calcipath.guideline.thiosulfate_knowledge import ThiosulfateKnowledge

TypeName = Literal["boolean", "text", "quantity"]
Mark = Literal["S", "Q", "B", "D", "P"]


@dataclass(frozen=True, slots=True)
class ValueType:
    """What a name stands for: three-valued boolean, one of several texts, or a quantity in a UCUM unit."""

    kind: TypeName
    unit: str = ""
    values: tuple[str, ...] = ()
    analyte: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A publication or rule; `seen` is the mark of verification (see `content/sources.yaml`)."""

    id: str
    citation: str
    seen: Mark
    doi: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    source: Source
    locator: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition with its text as written; `tree` is checked and in one unit system."""

    text: str
    tree: Expression


@dataclass(frozen=True, slots=True)
class Default:
    """A named number that a site may set; mark P is a default of this software."""

    id: str
    value: float
    unit: str
    mark: Mark
    meaning: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A named, typed thing that a record can say, and the rule by which it is picked.

    Kinds: recorded (boolean from findings), medication (boolean, current use), quantity, positive (a qualitative
    result), elapsed (time since first recorded), frequency, duration (length of one occurrence), demographic, setting (in hospital), derived.
    """

    id: str
    kind: str
    label: str
    type: ValueType
    obtain: str
    effort: int
    concepts: tuple[str, ...] = ()
    within_days: float | None = None
    within_days_inpatient: float | None = None
    event_kinds: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    with_concepts: tuple[str, ...] = ()
    without_concepts: tuple[str, ...] = ()
    denied_by: tuple[str, ...] = ()  # only these concepts can deny the fact; empty: every concept can
    history: bool = False
    only_history: bool = False
    any_certainty: bool = False
    confirmed_only: bool = False
    any_assertion: bool = False
    conditions_within: bool = False
    current: bool = False
    ever: bool = False
    doses_only: bool = False
    done_only: bool = False
    any_text_is_positive: bool = False
    at_least: bool = False
    unitless: bool = False
    from_dose: bool = False
    not_route: tuple[str, ...] = ()
    absent_when_complete: str = ""
    analyte: Analyte | None = None
    accepted_units: tuple[str, ...] = ()
    plausible: tuple[float, float] | None = None
    range: tuple[float, float] | None = None
    field: str = ""
    note: str = ""
    condition: Condition | None = None
    sources: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """A named expression that is no fact of the record by itself."""

    id: str
    label: str
    type: ValueType
    condition: Condition
    note: str = ""


@dataclass(frozen=True, slots=True)
class RiskFactor:
    id: str
    label: str
    condition: Condition
    sources: tuple[Citation, ...]
    modifiable_by: str = ""
    note: str = ""
    effect: str = ""
    descriptive: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    id: str
    condition: Condition
    finding: str
    fact: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class UrgentFinding:
    id: str
    triggers: tuple[Trigger, ...]
    why: str
    do_now: str
    citations: tuple[Citation, ...]
    label: str = ""  # where the id in words reads badly


@dataclass(frozen=True, slots=True)
class Point:
    """An argument for or against a mimic; `specific` points are needed for a mimic to lead."""

    id: str
    condition: Condition
    says: str
    specific: bool
    sources: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class BestNext:
    fact: str
    test: str


@dataclass(frozen=True, slots=True)
class Mimic:
    id: str
    label: str
    sourced: bool
    established_when: Condition | None
    named_when: Condition | None
    points_for: tuple[Point, ...]
    points_against: tuple[Point, ...]
    best_next: tuple[BestNext, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Criterion:
    id: str
    label: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class Scheme:
    id: str
    label: str
    criteria: tuple[Criterion, ...]
    result: Condition
    results: tuple[str, ...]
    sources: tuple[Citation, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung of the suspicion ladder; the first whose condition is true gives the level."""

    level: str
    condition: Condition
    says: str
    assumes_fact: str = ""
    assumes_reason: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """A hold: the recommendation applies but must not be acted on while the guard stands.

    `if_unknown`: `hold` (an unknown value makes the act dangerous), `ask` (the item stays, with a mandatory
    question), `ignore`.
    """

    id: str
    condition: Condition
    if_unknown: Literal["hold", "ask", "ignore"]
    reason: str
    instead: str
    who: str
    question: str = ""
    fact: str = ""
    conflict_with: tuple[str, ...] = ()
    conflict_explanation: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence, with the condition under which it is said (None: always)."""

    text: str
    condition: Condition | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Recommendation:
    id: str
    section: str
    statement: str
    direction: Literal["for", "against", "none"]
    strength: str
    certainty: str
    urgency: str
    applies: Condition
    guards: tuple[Guard, ...]
    cautions: tuple[Said, ...]
    actions: tuple[Said, ...]
    citations: tuple[Citation, ...]
    urgent_now: Condition | None = None
    since_2015: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    id: str
    ids: tuple[str, ...]
    fact: str
    condition: Condition
    explanation: str


@dataclass(frozen=True, slots=True)
class Guideline:
    """Everything that an assessment knows, besides the patient."""

    id: str
    version: str
    date: str
    title: str
    sources: Mapping[str, Source]
    defaults: Mapping[str, Default]
    facts: Mapping[str, Fact]
    definitions: Mapping[str, Definition]
    risk_factors: tuple[RiskFactor, ...]
    urgent: tuple[UrgentFinding, ...]
    mimics: tuple[Mimic, ...]
    schemes: tuple[Scheme, ...]
    ladder: tuple[Rung, ...]
    recommendations: tuple[Recommendation, ...]
    conflicts: tuple[Conflict, ...]
    vocabulary: Vocabulary
    aliases: UnitAliases
    types: Mapping[str, ValueType]
    thiosulfate: ThiosulfateKnowledge
    hooks: HookKnowledge
    worklist: WorklistKnowledge = NO_WORKLIST
    patient_information: PatientInformation = NO_INFORMATION
    interview: InterviewKnowledge = NO_INTERVIEW
