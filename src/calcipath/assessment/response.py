"""The course of treatment in one patient: series, doses and words gathered from the record for `course`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from calcipath.assessment.verdicts import Verdicts
from calcipath.course.model import Course, CourseThresholds, DosePeriod, Point, Topic, Word, WordKind
from calcipath.course.response import assess_course
from calcipath.guideline.model import Guideline
from calcipath.guideline.units import UnitError
from calcipath.record.evidence import event_date
from calcipath.record.facts import PickedFacts
from calcipath.record.measurements import written_quantity
from calcipath.record.model import Event, Finding, Record
from calcipath.record.quantities import Normalised, normalise

_WORDS = ("improvement", "no-improvement", "worsening", "pain-relief", "pain-worse", "pain-unchanged")
_LESION_CONCEPTS = ("skin-ulcer", "skin-necrosis-eschar", "wound", "skin-lesion", "gangrene")
_SERIES = {
    "pain": (("pain-score",), "{score}"),
    "wound_area": (("wound-area",), "cm2"),
    "wound_length": (("wound-length",), "cm"),
    "wound_width": (("wound-width",), "cm"),
    "wound_score": (("bwat-cua",), "{score}"),
}


def thresholds(guideline: Guideline) -> CourseThresholds:
    """The site's or the software's own limits of what counts as a response."""
    defaults = guideline.defaults
    return CourseThresholds(
        days=defaults["response-days"].value,
        pain_percent=100 * defaults["response-pain-fraction"].value,
        pain_points=defaults["response-pain-points"].value,
        wound_percent=100 * defaults["response-wound-fraction"].value,
    )


def course_of(verdicts: Verdicts, record: Record, findings: Sequence[Finding], picked: PickedFacts) -> dict[str, Any]:
    """The contract's `course`: verdict, because, series."""
    series = {name: _points(findings, concepts, unit, verdicts) for name, (concepts, unit) in _SERIES.items()}
    found = assess_course(
        as_of=picked.moment.as_of,
        doses=doses_of(findings),
        words=_words(findings),
        thresholds=thresholds(verdicts.guideline),
        **series,
    )
    return _as_dict(found, record)


def _at(event: Event) -> float | None:
    when = event.ended or event.started or event.issued
    return when.latest if when else None


def _points(findings: Sequence[Finding], concepts: tuple[str, ...], unit: str, verdicts: Verdicts) -> list[Point]:
    points: dict[int, Point] = {}
    for finding in findings:
        event, at = finding.event, _at(finding.event)
        if finding.concept not in concepts or event.kind != "observation" or at is None or finding.route == "text":
            continue
        written = written_quantity(event)
        if written is None:
            continue
        try:
            read = normalise(written, unit=unit, aliases=verdicts.guideline.aliases, plausible=(0, 10_000))
        except UnitError:
            continue
        if isinstance(read, Normalised) and (unit != "{score}" or concepts != ("pain-score",) or read.value <= 10):
            site = ",".join(sorted(c.code for c in event.sites)) or event.site_text
            points[id(event)] = Point(at, read.value, event.reference, site)
    return list(points.values())


def doses_of(findings: Sequence[Finding]) -> list[DosePeriod]:
    """When sodium thiosulfate was given: administrations and statements that a record holds."""
    doses = {}
    for finding in findings:
        event = finding.event
        given = event.kind == "medication" and event.resource_type in (
            "MedicationAdministration",
            "MedicationStatement",
        )
        if finding.concept != "sodium-thiosulfate" or not given or event.started is None or event.status == "planned":
            continue
        if finding.assertion in ("negated", "family", "uncertain"):
            continue
        end: float | None = event.ended.latest if event.ended else event.started.latest
        if event.ended is None and event.status == "active":
            end = None
        doses[id(event)] = DosePeriod(event.started.earliest, end, event.reference)
    return list(doses.values())


def _words(findings: Sequence[Finding]) -> list[Word]:
    lesion_events = {id(f.event) for f in findings if f.concept in _LESION_CONCEPTS}
    words = []
    for finding in findings:
        at = _at(finding.event)
        if finding.concept in _WORDS and at is not None and finding.assertion in ("stated", "historical"):
            about: Topic = "general"
            if finding.concept.startswith("pain"):
                about = "pain"
            elif id(finding.event) in lesion_events:
                about = "wound"
            quote = finding.quote or finding.event.value_text
            words.append(Word(cast("WordKind", finding.concept), about, at, finding.event.reference, quote))
    return words


def _as_dict(found: Course, record: Record) -> dict[str, Any]:
    events = {event.reference: event for event in record.events}

    def item(reference: str) -> dict[str, Any]:
        event = events.get(reference)
        shown: dict[str, Any] = {"reference": reference, "what": (event.name if event else "") or reference}
        if event and event_date(event):
            shown["date"] = event_date(event)
        return shown

    return {
        "verdict": found.verdict,
        "because": [{"what": b.text, "evidence": [item(r) for r in b.evidence]} for b in found.because],
        "series": [
            {
                "name": s.name,
                "unit": s.unit,
                "points": [{**item(p.evidence), "value": p.value, "site": p.site} for p in s.points],
            }
            for s in found.series
        ],
    }
