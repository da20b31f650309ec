"""Response to sodium thiosulfate: published courses, the boundaries of the outline's thresholds, and properties."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcipath.course import Course, CourseThresholds, DosePeriod, Point, Word, assess_course
from calcipath.course.model import DAY, Topic, WordKind

START = 1_760_000_000.0
ORDER = {"responding": 0, "pain-only": 1, "not-responding": 2, "worse": 3}


def day(number: float) -> float:
    return START + number * DAY


def period(first: float, last: float | None) -> DosePeriod:
    return DosePeriod(day(first), None if last is None else day(last), "MedicationAdministration/sts")


def points(*pairs: tuple[float, float], site: str = "", name: str = "p") -> list[Point]:
    return [Point(day(when), value, f"Observation/{name}{when:g}", site) for when, value in pairs]


def word(kind: WordKind, about: Topic, when: float, quote: str = "") -> Word:
    return Word(kind, about, day(when), f"Observation/w{when:g}", quote)


def course(now: float, doses: list[DosePeriod] | None = None, **series: Any) -> Course:
    return assess_course(as_of=day(now), doses=[period(0, None)] if doses is None else doses, **series)


def said(answer: Course) -> str:
    return " ".join(reason.text for reason in answer.because)


# -- published courses ---------------------------------------------------------------------------------------------


def test_case_07_five_weeks_without_improvement_of_the_wounds() -> None:
    """Yeh 2014: necrotic wounds, no improvement on thiosulfate; pain not stated."""
    answer = course(
        36,
        [period(0, 34)],
        words=[word("no-improvement", "wound", 35, "No improvement of the necrotic wounds during the course")],
    )
    assert answer.verdict == "not-responding"
    assert "No improvement of the necrotic wounds" in said(answer)
    assert "No change of pain can be told" in said(answer)
    assert any("Observation/w35" in reason.evidence for reason in answer.because)


def test_case_22_rapid_pain_relief_but_lesions_progress_at_ten_weeks() -> None:
    """Tindni 2008."""
    words = [word("pain-relief", "pain", 14, "Rapid, dramatic relief"), word("worsening", "wound", 70)]
    assert course(70, [period(0, 69)], words=words).verdict == "pain-only"


def test_case_16_improvement_in_general_within_three_weeks() -> None:
    assert course(30, words=[word("improvement", "general", 21)]).verdict == "responding"


# -- how long --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "verdict"), [(0, "too-early"), (13, "too-early"), (13.999, "too-early"),
                                              (14, "not-responding")])  # fmt: skip
def test_a_response_is_judged_from_fourteen_days_on(days: float, verdict: str) -> None:
    answer = course(days, pain=points((-1, 8), (days, 8)))
    assert answer.verdict == verdict


def test_too_early_even_when_worse_or_better() -> None:
    for last in (2, 10):
        assert course(10, pain=points((0, 6), (9, last))).verdict == "too-early"


def test_doses_decide_how_long() -> None:
    series = {"pain": points((0, 8), (60, 8))}
    singles = [period(number, number) for number in range(0, 13, 2)]
    assert course(20, singles, pain=points((0, 8), (20, 8))).verdict == "not-responding"  # the last one 8 days ago
    assert course(60, singles, **series).verdict == "too-early"  # stopped after 12 days
    assert course(60, [period(0, 5)], **series).verdict == "too-early"
    assert course(60, [period(0, 14)], **series).verdict == "not-responding"
    assert course(60, [period(-200, -150), period(55, None)], **series).verdict == "too-early"  # a new course
    assert course(60, [period(-200, -150), period(0, 30), period(40, None)], **series).verdict == "not-responding"
    assert course(60, [], **series).verdict == "unknown"
    assert course(60, [period(61, None)], **series).verdict == "unknown"  # not yet begun
    assert "No dose" in said(course(60, []))


# -- how much --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "verdict"),
    [
        (10, 8.1, "not-responding"),
        (10, 8, "responding"),  # 2 points
        (5, 3.55, "not-responding"),  # 29 %
        (5, 3.5, "responding"),  # 30 %
        (7, 4.9, "responding"),
        (3, 2.1, "responding"),  # 30 % of a small score
        (3, 2.2, "not-responding"),
        (6, 7.7, "not-responding"),
        (6, 7.8, "worse"),  # 30 % up
        (8, 10, "worse"),  # 2 points up
        (8, 9.9, "not-responding"),
        (0, 0, "not-responding"),
        (0, 1.9, "not-responding"),
        (0, 2, "worse"),
    ],
)
def test_pain_beside_unchanged_wounds(first: float, last: float, verdict: str) -> None:
    answer = course(30, pain=points((0, first), (28, last)), wound_area=points((0, 50), (28, 50)))
    assert answer.verdict == verdict
    assert f"{first:g} to {last:g}" in said(answer)


@pytest.mark.parametrize(
    ("area", "with_relief", "without"),
    [
        (119, "responding", "not-responding"),
        (120, "pain-only", "worse"),  # larger by 20 %
        (100, "responding", "not-responding"),
        (81, "responding", "not-responding"),
        (80, "responding", "responding"),  # smaller by 20 %
    ],
)
def test_wounds_with_and_without_relief_of_pain(area: float, with_relief: str, without: str) -> None:
    wounds = points((0, 100), (28, area))
    assert course(30, pain=points((0, 8), (28, 3)), wound_area=wounds).verdict == with_relief
    assert course(30, pain=points((0, 8), (28, 8)), wound_area=wounds).verdict == without
    assert course(30, wound_area=wounds).verdict == without


def test_more_pain_is_worse_even_when_wounds_shrink() -> None:
    answer = course(30, pain=points((0, 4), (28, 8)), wound_area=points((0, 100), (28, 50)))
    assert answer.verdict == "worse"
    assert "cause should be looked for" in said(answer)


def test_one_growing_wound_is_growth() -> None:
    wounds = points((0, 100), (28, 20), site="left") + points((0, 10), (28, 13), site="right")
    assert course(30, pain=points((0, 8), (28, 8)), wound_area=wounds).verdict == "worse"
    assert "(right)" in said(course(30, wound_area=wounds))


def test_wounds_of_different_sites_are_never_compared() -> None:
    wounds = points((0, 10), site="left") + points((28, 90), site="right")
    assert course(30, wound_area=wounds).verdict == "unknown"


def test_a_wound_that_appears_from_nothing_is_larger() -> None:
    assert course(30, wound_area=points((0, 0), (28, 3))).verdict == "worse"


def test_area_before_length_by_width_before_length_before_score() -> None:
    better, worse = points((0, 10), (28, 5)), points((0, 10), (28, 20))
    assert course(30, wound_area=better, wound_score=worse).verdict == "responding"
    assert course(30, wound_length=better, wound_width=points((0, 4), (28, 16))).verdict == "worse"  # 40 to 80 cm2
    assert course(30, wound_length=better, wound_width=points((3, 4))).verdict == "responding"
    assert course(30, wound_width=worse).verdict == "worse"
    assert course(30, wound_score=points((0, 30), (28, 24))).verdict == "responding"  # BWAT-CUA, 20 %
    # another series where the first does not compare
    assert course(30, wound_area=points((0, 10)), wound_score=worse).verdict == "worse"


# -- which points ----------------------------------------------------------------------------------------------------


def test_the_baseline_is_the_last_fresh_score_before_the_first_dose() -> None:
    assert course(30, pain=points((-3, 9), (-1, 5), (28, 5))).verdict == "not-responding"
    assert course(30, pain=points((-400, 9), (2, 5), (28, 5))).verdict == "not-responding"
    assert course(30, pain=points((-400, 9), (28, 5))).verdict == "unknown"  # nothing to compare with


def test_no_change_is_only_said_of_a_late_point() -> None:
    assert course(60, pain=points((0, 8), (5, 8))).verdict == "unknown"
    assert course(60, pain=points((0, 8), (13.9, 8))).verdict == "unknown"
    assert course(60, pain=points((0, 8), (14, 8))).verdict == "not-responding"
    assert course(60, pain=points((0, 8), (5, 10))).verdict == "worse"


def test_points_after_the_instant_and_broken_points_are_left_out() -> None:
    pain = points((0, 8), (28, 8), (31, 1), (29, math.nan), (29.5, -4))
    answer = course(30, pain=pain)
    assert answer.verdict == "not-responding"
    assert [point.value for point in answer.series[0].points] == [8, 8]


def test_of_two_scores_at_one_instant_the_worse_counts() -> None:
    assert course(30, pain=points((0, 8), (28, 3), (28, 9))).verdict == "not-responding"
    assert course(30, pain=points((0, 8), (28, 9), (28, 3))).verdict == "not-responding"


def test_series_are_named_and_in_order() -> None:
    answer = course(30, pain=points((28, 3), (0, 8)), wound_length=points((0, 7)), wound_width=points((0, 7)))
    assert [(s.name, s.unit) for s in answer.series] == [
        ("pain", "points"),
        ("wound-length-by-width", "cm2"),
        ("wound-length", "cm"),
        ("wound-width", "cm"),
    ]
    assert [p.value for p in answer.series[0].points] == [8, 3]
    assert [p.value for p in answer.series[1].points] == [49]


# -- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ([], "unknown"),
        ([("pain-relief", "pain")], "unknown"),  # whether the wounds follow is not known
        ([("pain-relief", "pain"), ("improvement", "wound")], "responding"),
        ([("pain-relief", "pain"), ("no-improvement", "wound")], "responding"),
        ([("pain-relief", "pain"), ("worsening", "wound")], "pain-only"),
        ([("pain-relief", "general"), ("worsening", "general")], "pain-only"),
        ([("pain-unchanged", "pain"), ("worsening", "wound")], "worse"),
        ([("pain-unchanged", "pain")], "not-responding"),
        ([("pain-worse", "pain")], "worse"),
        ([("pain-worse", "pain"), ("improvement", "wound")], "worse"),
        ([("worsening", "wound")], "worse"),
        ([("improvement", "wound")], "responding"),
        ([("improvement", "pain"), ("worsening", "wound")], "pain-only"),
        ([("no-improvement", "general")], "not-responding"),
        ([("worsening", "general")], "worse"),
    ],
)
def test_words_alone(words: list[tuple[WordKind, Topic]], verdict: str) -> None:
    assert course(40, words=[word(kind, about, 30) for kind, about in words]).verdict == verdict


def test_words_count_since_the_first_dose_and_the_newest_wins() -> None:
    assert course(40, words=[word("worsening", "wound", -1)]).verdict == "unknown"
    assert course(40, words=[word("worsening", "wound", 41)]).verdict == "unknown"
    assert course(40, words=[word("no-improvement", "wound", 5)]).verdict == "unknown"
    both = [word("worsening", "wound", 10), word("improvement", "wound", 30)]
    assert course(40, words=both).verdict == "responding"
    same_day = [word("improvement", "wound", 30), word("worsening", "wound", 30)]
    assert course(40, words=same_day).verdict == "worse"


def test_measurements_before_words_and_the_contradiction_is_said() -> None:
    answer = course(
        40,
        pain=points((0, 8), (28, 3)),
        wound_area=points((0, 100), (28, 90)),
        words=[word("pain-worse", "pain", 30, "pain much worse"), word("worsening", "wound", 30)],
    )
    assert answer.verdict == "responding"
    assert 'the notes say worse ("pain much worse"), the measurements say relieved' in said(answer)
    assert "the notes say worsening, the measurements say not improving" in said(answer)
    agreeing = course(40, pain=points((0, 8), (28, 3)), words=[word("pain-relief", "pain", 30)])
    assert "the measurements are used" not in said(agreeing)


def test_words_fill_what_was_not_measured() -> None:
    pain = points((0, 8), (28, 3))
    assert course(40, pain=pain).verdict == "unknown"
    assert "early sign of response" in said(course(40, pain=pain))
    assert course(40, pain=pain, words=[word("worsening", "wound", 30)]).verdict == "pain-only"
    assert course(40, pain=pain, words=[word("improvement", "general", 30)]).verdict == "responding"


def test_thresholds_are_data() -> None:
    strict = CourseThresholds(days=28, pain_percent=50, pain_points=5, wound_percent=50)
    series = {"pain": points((0, 8), (28, 5)), "wound_area": points((0, 100), (28, 140))}
    assert course(30, **series).verdict == "pain-only"
    assert course(30, **series, thresholds=strict).verdict == "not-responding"
    assert course(27, **series, thresholds=strict).verdict == "too-early"


def test_reasons_name_their_entries() -> None:
    answer = course(30, pain=points((0, 8), (28, 3)), wound_area=points((0, 100), (28, 90), name="a"))
    evidence = [entry for reason in answer.because for entry in reason.evidence]
    assert evidence == ["MedicationAdministration/sts", "Observation/p0", "Observation/p28", "Observation/a0",
                        "Observation/a28"]  # fmt: skip


# -- properties ------------------------------------------------------------------------------------------------------

score = st.floats(0, 10)
size = st.floats(0, 500)
statements = st.lists(
    st.builds(
        word,
        st.sampled_from(["improvement", "no-improvement", "worsening", "pain-relief", "pain-worse", "pain-unchanged"]),
        st.sampled_from(["pain", "wound", "general"]),
        st.floats(-10, 60),
    ),
    max_size=4,
)


@given(score, score, score, size, size, statements)
def test_more_pain_never_moves_to_a_better_verdict(
    first: float, one: float, other: float, before: float, after: float, words: list[Word]
) -> None:
    less, more = sorted((one, other))
    wounds = points((0, before), (28, after))
    verdicts = [
        course(40, pain=points((0, first), (28, last)), wound_area=wounds, words=words).verdict for last in (less, more)
    ]
    assert ORDER[verdicts[0]] <= ORDER[verdicts[1]]


@given(score, score, size, size, size, statements)
def test_larger_wounds_never_move_to_a_better_verdict(
    first: float, last: float, before: float, one: float, other: float, words: list[Word]
) -> None:
    pain = points((0, first), (28, last))
    verdicts = [
        course(40, pain=pain, wound_area=points((0, before), (28, after)), words=words).verdict
        for after in sorted((one, other))
    ]
    assert ORDER[verdicts[0]] <= ORDER[verdicts[1]]


@given(
    st.lists(st.builds(period, st.floats(-100, 50), st.none() | st.floats(-100, 100)), max_size=4),
    st.lists(st.builds(Point, st.floats(day(-100), day(100)), st.floats(), st.just("Observation/x")), max_size=5),
    st.lists(st.builds(Point, st.floats(day(-100), day(100)), st.floats(), st.just("Observation/y")), max_size=5),
    statements,
)
def test_any_input_has_a_verdict_with_a_reason_whatever_its_order(
    doses: list[DosePeriod], pain: list[Point], wounds: list[Point], words: list[Word]
) -> None:
    answer = course(40, doses, pain=pain, wound_length=wounds, words=words)
    assert answer.because
    assert answer.verdict in {*ORDER, "too-early", "unknown"}
    again = course(40, doses[::-1], pain=pain[::-1], wound_length=wounds[::-1], words=words[::-1])
    assert again.verdict == answer.verdict
