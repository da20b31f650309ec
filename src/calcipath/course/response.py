"""The verdict on the response to sodium thiosulfate: measured series first, words of the notes second.

Source: guideline outline, section 10 (improvement expected within about 2 weeks; pain improves before wounds heal).
"""

from __future__ import annotations

from collections.abc import Sequence

from calcipath.course.change import Change, pain_change, usable, wound_changes
from calcipath.course.model import (
    Because,
    Course,
    CourseThresholds,
    Direction,
    DosePeriod,
    Point,
    Series,
    Topic,
    Verdict,
    Word,
)
from calcipath.course.treatment import Treatment, current_treatment
from calcipath.course.words import direction_of, spoken

_PAIN_SAID: dict[Direction, str] = {"better": "relieved", "same": "unchanged", "worse": "worse"}
_WOUND_SAID: dict[Direction, str] = {"better": "improving", "same": "not improving", "worse": "worsening"}
_GENERAL_SAID: dict[Direction, str] = {"better": "improvement", "same": "no improvement", "worse": "worsening"}
_MISSING = {
    "pain": Because("No change of pain can be told: no two scores or statement since treatment began."),
    "wound": Because("No change of the wounds can be told: no two measurements or statement since treatment began."),
}


def assess_course(
    *,
    as_of: float,
    doses: Sequence[DosePeriod],
    pain: Sequence[Point] = (),
    wound_area: Sequence[Point] = (),
    wound_length: Sequence[Point] = (),
    wound_width: Sequence[Point] = (),
    wound_score: Sequence[Point] = (),
    words: Sequence[Word] = (),
    thresholds: CourseThresholds = CourseThresholds(),  # noqa: B008 - frozen
) -> Course:
    """The course up to `as_of` (seconds since 1970, UTC).

    `pain` is on the scale 0-10, areas are in cm2, lengths and widths in cm, `wound_score` is BWAT-CUA (8-40); more is
    worse in each. Of one wound the area decides, else length x width measured together, else length, width, score.
    Verdicts: `too-early`, `responding`, `pain-only`, `not-responding`, `worse`, `unknown`.
    """
    series = _series(as_of, pain, wound_area, wound_length, wound_width, wound_score)
    treatment = current_treatment(doses, as_of, thresholds)
    if treatment is None:
        return Course("unknown", (Because("No dose of sodium thiosulfate is recorded."),), series)
    begun = Because(f"Treated for {_days(treatment.days)}.", treatment.evidence)
    if treatment.days < thresholds.days:
        due = f"A response is judged after {thresholds.days:g} days of treatment."
        return Course("too-early", (begun, Because(due)), series)
    topics: tuple[Topic, ...] = ("pain", "wound", "general")
    heard = {topic: spoken(words, topic, treatment, as_of, thresholds) for topic in topics}
    pain_direction, pain_reasons = _pain(series, treatment, thresholds, heard)
    wound_direction, wound_reasons = _wounds(series, treatment, thresholds, heard)
    verdict = _verdict(pain_direction, wound_direction)
    reasons = (begun, *pain_reasons, *wound_reasons, *_remark(verdict, pain_direction, wound_direction))
    return Course(verdict, reasons, series)


def _verdict(pain: Direction | None, wound: Direction | None) -> Verdict:
    """The outline's table. Where one side is unknown, relief is not assumed and the other side decides."""
    if pain is None and wound is None:
        return "unknown"
    if pain == "worse":
        return "worse"
    if pain == "better":
        if wound is None:
            return "unknown"  # "responding" and "pain-only" differ in the wounds alone
        return "pain-only" if wound == "worse" else "responding"
    if wound == "worse":
        return "worse"
    return "responding" if wound == "better" else "not-responding"


def _remark(verdict: Verdict, pain: Direction | None, wound: Direction | None) -> tuple[Because, ...]:
    if verdict == "unknown" and pain == "better":
        return (Because("Less pain is an early sign of response; whether the wounds follow is not recorded."),)
    if verdict == "responding" and pain != "better":
        return (Because("The wounds are better although less pain is not recorded: this is taken as a response."),)
    if verdict == "worse" and pain == "worse" and wound == "better":
        return (Because("The wounds are better but pain is worse: pain decides, and its cause should be looked for."),)
    return ()


def _pain(
    series: tuple[Series, ...], treatment: Treatment, thresholds: CourseThresholds, heard: dict[Topic, Word | None]
) -> tuple[Direction | None, tuple[Because, ...]]:
    points = next((s.points for s in series if s.name == "pain"), ())
    change = pain_change(points, treatment, thresholds)
    if change is None:
        return _by_word("pain", _PAIN_SAID, heard)
    reason = Because(f"Pain {_numbers(change, 'points')}.", (change.first.evidence, change.last.evidence))
    return change.direction, (reason, *_contradiction("Pain", change.direction, heard["pain"], _PAIN_SAID))


def _wounds(
    series: tuple[Series, ...], treatment: Treatment, thresholds: CourseThresholds, heard: dict[Topic, Word | None]
) -> tuple[Direction | None, tuple[Because, ...]]:
    judged: dict[str, tuple[Series, Change]] = {}
    for measured in series:
        if measured.name != "pain":
            for change in wound_changes(measured.points, treatment, thresholds):
                judged.setdefault(change.first.site, (measured, change))
    if not judged:
        return _by_word("wound", _WOUND_SAID, heard)
    directions = {change.direction for _, change in judged.values()}
    direction: Direction = "worse" if "worse" in directions else "better" if "better" in directions else "same"
    reasons = [
        Because(
            f"{measured.name.capitalize().replace('-', ' ')}{f' ({site})' if site else ''} "
            f"{_numbers(change, measured.unit)}.",
            (change.first.evidence, change.last.evidence),
        )
        for site, (measured, change) in judged.items()
    ]
    return direction, (*reasons, *_contradiction("Wounds", direction, heard["wound"], _WOUND_SAID))


def _by_word(
    topic: Topic, said: dict[Direction, str], heard: dict[Topic, Word | None]
) -> tuple[Direction | None, tuple[Because, ...]]:
    """No measurement: the notes on the topic, else on the course in general."""
    word, general = heard[topic], heard["general"]
    if word is not None:
        direction = direction_of(word)
        return direction, (Because(f"The notes call the {topic} {said[direction]}{_quote(word)}.", (word.evidence,)),)
    if general is not None:
        direction = direction_of(general)
        text = f"The notes speak of {_GENERAL_SAID[direction]} in general{_quote(general)}, read for the {topic} too."
        return direction, (Because(text, (general.evidence,)),)
    return None, (_MISSING[topic],)


def _contradiction(
    what: str, measured: Direction, word: Word | None, said: dict[Direction, str]
) -> tuple[Because, ...]:
    if word is None or direction_of(word) == measured:
        return ()
    text = (
        f"{what}: the notes say {said[direction_of(word)]}{_quote(word)}, the measurements say {said[measured]}; "
        "the measurements are used."
    )
    return (Because(text, (word.evidence,)),)


def _quote(word: Word) -> str:
    return f' ("{word.quote}")' if word.quote else ""


def _numbers(change: Change, unit: str) -> str:
    percent = "" if change.percent is None else f" ({change.percent:+.0f} %)"
    verb = {"better": "is better", "same": "is not clearly changed", "worse": "is worse"}[change.direction]
    return f"{verb}: {change.first.value:g} to {change.last.value:g} {unit}{percent}"


def _days(days: float) -> str:
    whole = int(days)
    return "1 day" if whole == 1 else f"{whole} days"


def _series(
    as_of: float,
    pain: Sequence[Point],
    area: Sequence[Point],
    length: Sequence[Point],
    width: Sequence[Point],
    score: Sequence[Point],
) -> tuple[Series, ...]:
    """The series that hold points, the most telling first."""
    every = (
        Series("pain", "points", usable(pain, as_of)),
        Series("wound-area", "cm2", usable(area, as_of)),
        Series("wound-length-by-width", "cm2", _products(usable(length, as_of), usable(width, as_of))),
        Series("wound-length", "cm", usable(length, as_of)),
        Series("wound-width", "cm", usable(width, as_of)),
        Series("wound-score", "points", usable(score, as_of)),
    )
    return tuple(series for series in every if series.points)


def _products(lengths: Sequence[Point], widths: Sequence[Point]) -> tuple[Point, ...]:
    """Length times width where both were measured of one wound at one instant."""
    width_at = {(point.when, point.site): point for point in widths}
    return tuple(
        Point(point.when, point.value * other.value, point.evidence, point.site)
        for point in lengths
        if (other := width_at.get((point.when, point.site)))
    )
