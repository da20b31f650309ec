"""The dated facts of a record that the page draws: laboratory series, drugs, dialysis, lesions, procedures."""

from __future__ import annotations

from collections.abc import Sequence

from calcipath.assessment.assess import Assessment
from calcipath.guideline.model import Fact, Guideline
from calcipath.output.timeline import Bar, Mark, Point, Series, Timeline
from calcipath.record.evidence import event_date
from calcipath.record.measurements import written_quantity
from calcipath.record.model import Event, Finding
from calcipath.record.quantities import EVERYTHING, Normalised, normalise

_LABORATORY = ("calcium-total", "phosphate", "pth", "albumin")
_DIALYSIS = ("hemodialysis", "hemodiafiltration", "peritoneal-dialysis", "crrt", "hemodialysis-home-nocturnal")
_LESIONS = ("skin-ulcer", "skin-necrosis-eschar", "wound", "livedo", "purpura", "skin-lesion")
_PROCEDURES = ("skin-biopsy", "parathyroidectomy", "wound-debridement", "amputation")
_PTH_TARGET = (150.0, 300.0)


def timeline_of(found: Assessment, guideline: Guideline) -> Timeline:
    """Series with their bands (on dialysis the PTH band is the review's target), bars and marks."""
    findings = found.findings
    points = {name: _points(guideline.facts[name], findings, guideline) for name in _LABORATORY}
    on_dialysis = found.answer["patient"]["kidney"]["dialysis"] == "yes"
    series = [_series(guideline.facts[name], points[name], on_dialysis) for name in _LABORATORY]
    series.insert(1, _corrected(points["calcium-total"], points["albumin"], guideline.facts["calcium-total"]))
    return Timeline(tuple(series), _bars(findings, guideline), _marks(findings), found.as_of)


def _points(fact: Fact, findings: Sequence[Finding], guideline: Guideline) -> tuple[Point, ...]:
    points: dict[int, Point] = {}
    for finding in findings:
        event = finding.event
        if finding.concept not in fact.concepts or event.started is None or finding.route == "text":
            continue
        written = written_quantity(event)
        if written is None:
            continue
        read = normalise(
            written,
            unit=fact.type.unit,
            aliases=guideline.aliases,
            analyte=fact.analyte,
            accepted_units=fact.accepted_units,
            plausible=fact.plausible or EVERYTHING,
        )
        if isinstance(read, Normalised):
            points[id(event)] = (event.started.earliest, read.value, event.reference)
    return tuple(sorted(points.values()))


def _series(fact: Fact, points: tuple[Point, ...], on_dialysis: bool) -> Series:
    low, high = fact.range or (None, None)
    if fact.id == "pth" and on_dialysis:
        low, high = _PTH_TARGET
    panel = "calcium" if fact.id == "calcium-total" else ""
    return Series(fact.label, fact.type.unit, low, high, points, panel, fact.type.analyte)


def _corrected(calcium: tuple[Point, ...], albumin: tuple[Point, ...], fact: Fact) -> Series:
    """Corrected values where calcium and albumin were taken on the same day (Payne 1973: + 0.8 x (4.0 - albumin))."""
    by_day = {int(when // 86400): value for when, value, _ in albumin}
    points = tuple(
        (when, round(value + 0.8 * (4.0 - by_day[int(when // 86400)]), 2), reference)
        for when, value, reference in calcium
        if int(when // 86400) in by_day
    )
    low, high = fact.range or (None, None)
    return Series("albumin-corrected calcium", fact.type.unit, low, high, points, "calcium", fact.type.analyte)


def _bars(findings: Sequence[Finding], guideline: Guideline) -> tuple[Bar, ...]:
    drugs = guideline.vocabulary.of_family("drug")
    bars: dict[tuple[str, str], Bar] = {}
    for finding in findings:
        event = finding.event
        drug = finding.concept in drugs and event.kind == "medication"
        dialysis = (
            finding.concept in _DIALYSIS and event.kind in ("procedure", "condition") and event.status == "active"
        )
        if not (drug or dialysis) or finding.assertion in ("negated", "family"):
            continue
        start = event.started.earliest if event.started else None
        end = event.ended.latest if event.ended else None
        bars[event.reference, event.name] = Bar(event.name or finding.concept, start, end, event.status == "active")
    return tuple(bars.values())


def _marks(findings: Sequence[Finding]) -> tuple[Mark, ...]:
    marks: dict[str, Mark] = {}
    for finding in findings:
        event, when = finding.event, _when(finding.event)
        if when is None or finding.assertion in ("negated", "family") or event.kind == "order":
            continue
        if finding.concept in _PROCEDURES and event.kind == "procedure":
            marks[event.reference] = Mark(event.name or finding.concept, when, "procedure")
        elif finding.concept in _LESIONS and event.kind in ("condition", "observation"):
            words = event.value_text or event.name or finding.concept
            marks.setdefault(event.reference, Mark(words[:80], when, "lesion"))
    return tuple(sorted(marks.values(), key=lambda m: m.when))


def _when(event: Event) -> float | None:
    return event.started.earliest if event.started and event_date(event) else None
