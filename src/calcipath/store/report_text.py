"""The feedback report, the suppression memory and a verification as text and as structures for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calcipath.output.layout import Sheet
from calcipath.store.feedback_report import FEWEST, FeedbackReport, RecommendationFigures, ServiceFigures, Share
from calcipath.store.instants import instant_text
from calcipath.store.memory import ShownAlert
from calcipath.store.verification import Verification

HANG = 12
MORE = "a card of several recommendations counts for each of them"
NO_CODE = "no coded reason"


def render_report(report: FeedbackReport, *, width: int = 80, colour: bool = False) -> str:
    """The report as text of at most `width` columns."""
    sheet = Sheet(width, colour=colour)
    sheet.heading("Feedback", _period(report))
    sheet.rule()
    if report.recommendations:
        sheet.heading("By recommendation", MORE)
    for figures in report.recommendations:
        _recommendation(sheet, figures)
    if report.services:
        sheet.heading("By service")
    for service in report.services:
        _service(sheet, service)
    if not report.services:
        sheet.paragraph("No call in this period.")
    if report.unknown_cards:
        sheet.blank()
        sheet.paragraph(f"{_count(report.unknown_cards, 'answer')} for cards that this store does not know.")
    return sheet.text()


def _period(report: FeedbackReport) -> str:
    since = f"from {instant_text(report.since)}" if report.since is not None else "from the beginning"
    return f"{since} to {instant_text(report.until)}" if report.until is not None else f"{since} until now"


def _recommendation(sheet: Sheet, figures: RecommendationFigures) -> None:
    sheet.blank()
    sheet.paragraph(figures.id, indent=2, style="bold")
    fates = ", ".join(f"{why} {count}" for why, count in figures.suppressed.items())
    lines = [
        ("shown", str(figures.shown)),
        ("not shown", f"{sum(figures.suppressed.values())}: {fates}" if fates else ""),
    ]
    if figures.shown:
        shares = (_share(figures.accepted_of_shown, "shown"), _share(figures.accepted_of_answered, "answered"))
        lines.append(("accepted", ", ".join(shares)))
        lines.append(("overridden", f"{figures.overridden}{_reasons(figures)}"))
        lines.append(("no answer", str(figures.no_answer)))
        lines.append(("answered", _times(figures)))
    for label, said in lines:
        if said:
            sheet.paragraph(said, label=label, indent=4, hang=HANG, mark="dim")


def _reasons(figures: RecommendationFigures) -> str:
    said = [
        f"{each.display or 'no display'} [{each.code}] {each.count}" if each.code else f"{NO_CODE} {each.count}"
        for each in figures.reasons
    ]
    return f": {'; '.join(said)}" if said else ""


def _times(figures: RecommendationFigures) -> str:
    early = figures.answered - figures.timed
    said = [f"{_count(early, 'answer')} dated before the card, left out"] if early else []
    if figures.median_seconds is not None:
        said.insert(0, f"after {duration(figures.median_seconds)} (median of {figures.timed})")
    return "; ".join(said)


def _share(share: Share, noun: str) -> str:
    rate = f"{100 * share.rate:.0f} %" if share.rate is not None else "too few"
    return f"{share.part} of {share.of} {noun} ({rate})"


def _service(sheet: Sheet, figures: ServiceFigures) -> None:
    sheet.blank()
    sheet.paragraph(figures.id, indent=2, style="bold")
    statuses = ", ".join(f"status {status}: {count}" for status, count in figures.statuses.items())
    for label, said in (
        ("calls", f"{figures.calls} ({statuses})"),
        ("cards", f"{figures.cards}, {figures.cards_per_call:.2f} a call"),
        ("duration", f"p50 {figures.p50_milliseconds:.0f} ms, p95 {figures.p95_milliseconds:.0f} ms"),
    ):
        sheet.paragraph(said, label=label, indent=4, hang=HANG, mark="dim")


def duration(seconds: float) -> str:
    """A time to answer in the largest unit that leaves at least 2 of it."""
    for size, unit in ((86_400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds:.3g} s"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def report_structure(report: FeedbackReport) -> dict[str, Any]:
    """The report for JSON. A `rate` is null below 5 cards, with the reason beside it."""
    return {
        "since": instant_text(report.since) if report.since is not None else None,
        "until": instant_text(report.until) if report.until is not None else None,
        "recommendations": [_recommendation_structure(figures) for figures in report.recommendations],
        "services": [_service_structure(figures) for figures in report.services],
        "unknown_cards": report.unknown_cards,
    }


def _recommendation_structure(figures: RecommendationFigures) -> dict[str, Any]:
    return {
        "id": figures.id,
        "shown": figures.shown,
        "suppressed": dict(figures.suppressed),
        "accepted": figures.accepted,
        "overridden": figures.overridden,
        "override_reasons": [
            {"system": each.system, "code": each.code, "display": each.display, "count": each.count}
            for each in figures.reasons
        ],
        "no_answer": figures.no_answer,
        "accepted_of_shown": _share_structure(figures.accepted_of_shown),
        "accepted_of_answered": _share_structure(figures.accepted_of_answered),
        "median_seconds_to_answer": figures.median_seconds,
        "answers_timed": figures.timed,
    }


def _share_structure(share: Share) -> dict[str, Any]:
    found: dict[str, Any] = {"part": share.part, "of": share.of, "rate": share.rate}
    return found if share.rate is not None else {**found, "why": f"too few: fewer than {FEWEST} cards"}


def _service_structure(figures: ServiceFigures) -> dict[str, Any]:
    return {
        "id": figures.id,
        "calls": figures.calls,
        "cards": figures.cards,
        "cards_per_call": round(figures.cards_per_call, 4),
        "p50_milliseconds": figures.p50_milliseconds,
        "p95_milliseconds": figures.p95_milliseconds,
        "statuses": {str(status): count for status, count in figures.statuses.items()},
    }


def render_suppressed(alerts: Sequence[ShownAlert], *, width: int = 80, colour: bool = False) -> str:
    """What is remembered as shown, and so is not shown again for the same facts."""
    sheet = Sheet(width, colour=colour)
    sheet.heading("Shown before", "not shown again for the same facts until they change or this ends")
    sheet.rule()
    if not alerts:
        sheet.paragraph("Nothing is remembered.")
    for alert in alerts:
        sheet.blank()
        names = [name for name in alert.recommendations if name != alert.alert]
        sheet.paragraph(alert.alert + (f" ({', '.join(names)})" if names else ""), indent=2, style="bold")
        lines = [("shown", instant_text(alert.shown_at)), ("ends", instant_text(alert.expires))]
        if alert.forgotten_at is not None:
            lines.append(("taken back", instant_text(alert.forgotten_at)))
        for label, said in (*lines, ("patient", alert.patient_digest[:16]), ("key", alert.key)):
            sheet.paragraph(said, label=label, indent=4, hang=HANG, mark="dim")
    return sheet.text()


def suppressed_structure(alerts: Sequence[ShownAlert]) -> list[dict[str, Any]]:
    """The same for JSON."""
    return [
        {
            "key": alert.key,
            "alert": alert.alert,
            "recommendations": list(alert.recommendations),
            "patient_digest": alert.patient_digest,
            "facts_digest": alert.facts_digest,
            "shown_at": instant_text(alert.shown_at),
            "expires": instant_text(alert.expires),
            "forgotten_at": instant_text(alert.forgotten_at) if alert.forgotten_at is not None else None,
        }
        for alert in alerts
    ]


def render_verification(found: Verification, *, width: int = 80, colour: bool = False) -> str:
    """Whether the audit is whole, and each fault on a line of its own."""
    sheet = Sheet(width, colour=colour)
    counts = [_count(found.decisions, "decision"), _count(found.feedback, "answer")]
    if found.case_acts:
        counts.append(_count(found.case_acts, "act") + " on cases")
    entries = ", ".join([*counts, _count(len(found.heads), "writer")])
    if found.whole:
        sheet.paragraph(f"The audit is whole: {entries}.", style="green")
        return sheet.text()
    sheet.paragraph(f"The audit is NOT whole: {entries}.", style="red")
    for fault in found.faults:
        sheet.paragraph(fault, label="-", indent=2, hang=2)
    if found.more_faults:
        sheet.paragraph(f"and {_count(found.more_faults, 'more fault')}", indent=4)
    return sheet.text()


def verification_structure(found: Verification) -> dict[str, Any]:
    """The same for JSON; `heads` is the seal to keep elsewhere."""
    heads: list[Mapping[str, Any]] = [
        {"writer": head.writer, "number": head.number, "hash": head.hash} for head in found.heads
    ]
    return {
        "whole": found.whole,
        "decisions": found.decisions,
        "feedback": found.feedback,
        "case_acts": found.case_acts,
        "faults": list(found.faults),
        "more_faults": found.more_faults,
        "heads": heads,
    }
