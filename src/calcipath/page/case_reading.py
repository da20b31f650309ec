"""A case as the guideline sees it: its resources read and assessed as any record is, and its dose."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from calcipath.assessment.assess import Assessor
from calcipath.assessment.response import doses_of, thresholds
from calcipath.course.treatment import current_treatment
from calcipath.dosing import WHILE_A_CONTROL_MOVES, curve_of, dosed, reference_curve_of
from calcipath.errors import InputError
from calcipath.output.display_units import shown_in, timeline_in
from calcipath.output.timeline import Bar, Timeline
from calcipath.page.dose_forms import recorded
from calcipath.page.language import _
from calcipath.page.visit import Units
from calcipath.record.dates import parse_when
from calcipath.record.model import Record
from calcipath.record.reader import RecordError, read_resources
from calcipath.register.access import Case
from calcipath.sources.files import source_of
from calcipath.thiosulfate.answer import Dosed
from calcipath.thiosulfate.curve import RegimenCurve
from calcipath.thiosulfate.dialysis import MissingInput
from calcipath.thiosulfate.options import DoseOptions
from calcipath.timeline_of_record import timeline_of

NOW, RECORD = "now", "record"
KEPT = 16  # cases that stay read in memory


@dataclass(frozen=True, slots=True)
class Found:
    """`answer` and `timeline` in the units of the guideline; `as_of` in seconds since 1970; `days` since the record ends;
    `doses`: when sodium thiosulfate was given; `treated_since`: when its current course began (s since 1970)."""

    answer: Mapping[str, Any]
    timeline: Timeline
    record: Record
    as_of: float
    days: int | None
    doses: tuple[Bar, ...] = ()
    treated_since: float | None = None

    def shown(self, units: Units, assessor: Assessor) -> tuple[Mapping[str, Any], Timeline]:
        """Answer and timeline in the reader's units."""
        guideline = assessor.guideline
        return shown_in(self.answer, units, guideline), timeline_in(self.timeline, units, guideline)


@dataclass(frozen=True, slots=True)
class Dose:
    """A dosing answer with what is drawn of it; `wrong` says why there is none."""

    found: Dosed | None
    curve: RegimenCurve | None = None
    reference: RegimenCurve | None = None
    wrong: str = ""


class CaseReading:
    """Reads and assesses cases. `clock` gives seconds since 1970; what was read last is kept in memory."""

    def __init__(
        self, assessor: Assessor, code_systems: Mapping[str, str], clock: Callable[[], float], *, config: str = ""
    ) -> None:
        self.assessor, self._code_systems, self._clock, self._config = assessor, code_systems, clock, config
        self._kept: OrderedDict[tuple[str, int, int], Found] = OrderedDict()
        self._inputs: OrderedDict[tuple[str, int], Mapping[str, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time here."""
        return datetime.fromtimestamp(self._clock()).astimezone()

    def found(self, case: Case, resources: Callable[[], Sequence[Mapping[str, Any]]]) -> Found:
        """The assessment of a case. Raises `InputError` where its entries are not one patient's record."""
        minute = int(self._clock() // 60) if _as_of(case.settings) == NOW else 0
        key = (case.handle, case.revision, minute)
        with self._lock:
            known = self._kept.get(key)
        if known is None:
            known = self.assessed(resources(), case.settings)
            with self._lock:
                self._kept[key] = known
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return known

    def recorded(self, case: Case, found: Found) -> Mapping[str, Any]:
        """What the record gives for a dosing question, by the names of the controls."""
        key = (case.handle, case.revision)
        with self._lock:
            known = self._inputs.get(key)
        if known is None:
            plain = self.dose(found, case.settings, DoseOptions()).found
            known = recorded(plain.answer) if plain is not None else {}
            with self._lock:
                self._inputs[key] = known
                while len(self._inputs) > KEPT:
                    self._inputs.popitem(last=False)
        return known

    def forget(self, handle: str) -> None:
        """Keep nothing more of a case."""
        with self._lock:
            for key in [key for key in self._kept if key[0] == handle]:
                del self._kept[key]
            for own in [key for key in self._inputs if key[0] == handle]:
                del self._inputs[own]

    def assessed(self, resources: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> Found:
        """The assessment of resources. Raises `InputError`."""
        now = self.now().astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        asked = now if _as_of(settings) == NOW else None
        try:
            report = read_resources(
                source_of(resources).resources,
                as_of=asked,
                complete=frozenset(map(str, settings.get("complete", ()))),
                code_systems=self._code_systems,
            )
        except RecordError as error:
            raise InputError(str(error)) from None
        record = report.record
        moment = parse_when(asked) if asked else record.ends
        at = moment.latest if moment else self._clock()
        text = moment.written if moment else now
        notes = bool(settings.get("notes", True))
        found = self.assessor.assess(record, as_of=at, as_of_text=text, read_notes=notes)
        ends = record.ends
        days = int((self._clock() - ends.latest) // 86_400) if ends else None
        doses = doses_of(found.findings)
        course = current_treatment(doses, at, thresholds(self.assessor.guideline))
        return Found(
            found.answer,
            timeline_of(found, self.assessor.guideline),
            record,
            at,
            days,
            tuple(Bar(_("sodium thiosulfate"), dose.start, dose.end, dose.end is None) for dose in doses),
            course.start if course else None,
        )

    def dose(self, found: Found | None, settings: Mapping[str, Any], options: DoseOptions) -> Dose:
        """The dosing answer of a record, or without one of the options alone."""
        asked = replace(options, population=WHILE_A_CONTROL_MOVES, config=self._config)
        try:
            if found is None:
                answered = dosed(asked)
            else:
                notes = bool(settings.get("notes", True))
                answered = self.assessor.dose(found.record, asked, as_of=found.as_of, read_notes=notes)
            if answered.request is None:
                return Dose(answered)
            curve = curve_of(answered, others=bool(answered.answer.get("disagreement")))
            return Dose(answered, curve, reference_curve_of(answered))
        except MissingInput as missing:
            return Dose(None, wrong=_("Fill in first: {questions}", questions=missing.question))
        except InputError as error:
            return Dose(None, wrong=str(error))


def _as_of(settings: Mapping[str, Any]) -> str:
    return NOW if settings.get("as_of") == NOW else RECORD


def age_of_record(found: Found) -> str:
    """How long ago the record ends, where that matters."""
    if found.days is None or found.days < 1:
        return ""
    if found.days == 1:
        return _("The record ends a day ago.")
    return _("The record ends {days} days ago.", days=found.days)
