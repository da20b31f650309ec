"""The assessment of one patient: guideline x record -> the contract's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from calcipath.assessment import answer
from calcipath.assessment.dosing import dose_of, dosing, stated_outcomes
from calcipath.assessment.verdicts import Verdicts
from calcipath.assessment.what_if import InfluenceMap, influence_map
from calcipath.guideline.model import Guideline
from calcipath.record.facts import PickedFacts, pick_facts
from calcipath.record.model import DataProblem, Finding, Record
from calcipath.record.recognition import recognise

if TYPE_CHECKING:
    from calcipath.guideline.thiosulfate_knowledge import Scenario
    from calcipath.thiosulfate.answer import Dosed
    from calcipath.thiosulfate.comparison import Progress
    from calcipath.thiosulfate.options import DoseOptions

SCHEMA_VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer in the contract's shape, with what the doors need beside it."""

    answer: Mapping[str, Any]
    record: Record
    findings: tuple[Finding, ...]
    picked: PickedFacts
    as_of: float
    verdicts: Verdicts


class Assessor:
    """A guideline made ready to assess many patients."""

    def __init__(self, guideline: Guideline) -> None:
        self.guideline = guideline
        self.influence: InfluenceMap = influence_map(guideline)

    def assess(
        self, record: Record, *, as_of: float, as_of_text: str, read_notes: bool = True, brief: bool = False
    ) -> Assessment:
        """Assess one record for the instant `as_of` (seconds since 1970, UTC); `as_of_text` is how it is shown.

        `brief` leaves `unknowns`, `dosing`, `course` and `data_problems` out, for a caller that must answer at once.
        """
        recognised = recognise(record.events, self.guideline.vocabulary, read_notes)
        picked = pick_facts(self.guideline, record, recognised.findings, as_of)
        verdicts = Verdicts(self.guideline, picked.values)
        problems = (*record.problems, *recognised.problems, *picked.problems)
        if brief:
            body = self._brief(record, verdicts, as_of_text)
            return Assessment(body, record, tuple(recognised.findings), picked, as_of, verdicts)
        body = self._answer(
            record, recognised.findings, picked, verdicts, problems, as_of_text, recognised.codes_not_recognised
        )
        return Assessment(body, record, tuple(recognised.findings), picked, as_of, verdicts)

    def dose(
        self,
        record: Record,
        options: DoseOptions,
        *,
        as_of: float,
        read_notes: bool = True,
        scenarios: tuple[Scenario, ...] = (),
        progress: Progress | None = None,
    ) -> Dosed:
        """The dosing answer for a record; what `options` state stands instead of what the record says.

        Raises `InputError` for an option that cannot be.
        """
        recognised = recognise(record.events, self.guideline.vocabulary, read_notes)
        picked = pick_facts(self.guideline, record, recognised.findings, as_of)
        problems = (*recognised.problems, *picked.problems)
        without = Verdicts(self.guideline, picked.values)
        stated = Verdicts(self.guideline, picked.values, stated_outcomes(self.guideline, options))
        return dose_of(stated, without, options, problems, scenarios, progress)

    def _brief(self, record: Record, verdicts: Verdicts, as_of_text: str) -> dict[str, Any]:
        guideline = self.guideline
        return {
            "schema_version": SCHEMA_VERSION,
            "guideline": {"id": guideline.id, "version": guideline.version, "date": guideline.date},
            "as_of": as_of_text,
            "record_ends": record.ends.written if record.ends else None,
            "patient": answer.patient(record, verdicts),
            "urgent": answer.urgent(verdicts),
            "suspicion": answer.suspicion(verdicts),
            "recommendations": answer.recommendations(verdicts),
        }

    def _answer(
        self,
        record: Record,
        findings: Sequence[Finding],
        picked: PickedFacts,
        verdicts: Verdicts,
        problems: Sequence[DataProblem],
        as_of_text: str,
        unread: Mapping[str, int],
    ) -> dict[str, Any]:
        brief = self._brief(record, verdicts, as_of_text)
        recommendations = brief.pop("recommendations")  # the contract's order: after the differential
        return {
            **brief,
            "risk_factors": answer.risk_factors(verdicts),
            "differential": answer.differential(verdicts),
            "recommendations": recommendations,
            "conflicts": answer.conflicts(verdicts),
            "unknowns": answer.unknowns(verdicts, self.influence),
            "assumptions": answer.assumptions(verdicts),
            "data_problems": answer.data_problems(problems, findings, verdicts),
            "dosing": dosing(verdicts, problems),
            "course": answer.course(verdicts, record, findings, picked),
            "reading": {"codes_not_recognised": dict(sorted(unread.items()))},
        }
