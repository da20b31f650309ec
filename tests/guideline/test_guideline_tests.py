"""The guideline's own tests hold, cover everything, and fail when they should.

Expected verdicts stand in the content's test files and come from the clinical rules, not from running them.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from calcipath.errors import GuidelineError
from calcipath.guideline.entries import ContentFile
from calcipath.guideline.model import Guideline
from calcipath.guideline.reader import read_guideline
from calcipath.guideline.shipped import shipped_content
from calcipath.guideline_tests import (
    Case,
    Waiver,
    missing_cases,
    missing_guard_cases,
    read_cases,
    run_case,
    shipped_test_files,
)

CASES, WAIVERS = read_cases(shipped_test_files())

# A small test file that holds, to be broken in each way below.
FILE = """
tests:
  - recommendation: skin-biopsy
    cases:
      - id: valve-patient-at-the-target-inr
        given: {suspicion-level: suspected, lesion-penile: false, vitamin-k-antagonist: true, inr: 3.0}
        expect: "held"
        held_by: [inr-above-limit-on-vitamin-k-antagonist]
  - urgent: hyperkalaemia
    cases:
      - id: potassium-7
        trigger: potassium-emergency
        given: {potassium: "7 'mmol/L'"}
        expect: "yes"
"""


@pytest.fixture(scope="module")
def guideline() -> Guideline:
    return read_guideline(shipped_content())


def name_of(case: Case) -> str:
    return "/".join(part for part in (case.subject, case.trigger, case.id) if part)


def own(text: str) -> list[Case]:
    return read_cases([ContentFile.parse("own.yaml", text)])[0]


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_case_of_the_content(case: Case, guideline: Guideline) -> None:
    assert run_case(case, guideline) == ""


def test_every_verdict_guard_and_trigger_has_a_case(guideline: Guideline) -> None:
    assert list(missing_cases(guideline, CASES, WAIVERS)) == []


def test_case_names_are_unique() -> None:
    names = [name_of(case) for case in CASES]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_a_case_belongs_to_something_that_exists(guideline: Guideline) -> None:
    known = {r.id for r in guideline.recommendations} | {u.id for u in guideline.urgent}
    assert sorted({case.subject for case in CASES} - known) == []


def test_a_waiver_is_not_contradicted_by_a_case() -> None:
    shown = {(case.subject, case.expect) for case in CASES}
    shown |= {(f"{case.subject}/{case.trigger}", case.expect) for case in CASES if case.trigger}
    assert [w for w in WAIVERS if not w.guard and (w.subject, w.verdict) in shown] == []


def only_cases() -> Iterator[tuple[int, str]]:
    """A case that alone shows its guard or its trigger's answer, one of each kind."""
    for kind in ("recommendation", "urgent"):
        for number, case in enumerate(CASES):
            if case.kind != kind or (kind == "recommendation" and not case.held_by):
                continue
            rivals = [c for c in CASES if c is not case and c.subject == case.subject]
            same = [c for c in rivals if (c.trigger, c.expect) == (case.trigger, case.expect)]
            if not (set(case.held_by) & {g for c in rivals for g in c.held_by} if case.held_by else same):
                yield number, case.held_by[0] if case.held_by else case.trigger
                break


def newly_missing(guideline: Guideline, rest: list[Case], *waivers: Waiver) -> set[str]:
    """What is missing with fewer cases and not with all of them."""
    return set(missing_cases(guideline, rest, [*WAIVERS, *waivers])) - set(missing_cases(guideline, CASES, WAIVERS))


def test_both_kinds_of_case_are_dropped_below() -> None:
    assert len(list(only_cases())) == 2


@pytest.mark.parametrize(("number", "names"), list(only_cases()), ids=lambda value: str(value))
def test_a_dropped_case_is_missed(number: int, names: str, guideline: Guideline) -> None:
    missing = newly_missing(guideline, CASES[:number] + CASES[number + 1 :])
    assert len(missing) == 1
    assert names in missing.pop()


@pytest.mark.parametrize("verdict", ["yes", "no", "unknown"])
def test_a_recommendation_without_one_verdict_is_missed(verdict: str, guideline: Guideline) -> None:
    rest = [c for c in CASES if (c.subject, c.expect) != ("skin-biopsy", verdict)]
    assert newly_missing(guideline, rest) == {f"tests: skin-biopsy has no case with verdict {verdict}"}


def test_a_waiver_stands_in_for_a_verdict(guideline: Guideline) -> None:
    rest = [c for c in CASES if (c.subject, c.expect) != ("skin-biopsy", "unknown")]
    assert newly_missing(guideline, rest, Waiver("skin-biopsy", "unknown", "for this test")) == set()


def test_the_small_file_holds(guideline: Guideline) -> None:
    assert [run_case(case, guideline) for case in own(FILE)] == ["", ""]


@pytest.mark.parametrize("wrong", ["yes", "no", "unknown"])
def test_a_flipped_expectation_fails_with_what_came(wrong: str, guideline: Guideline) -> None:
    held = replace(own(FILE)[0], expect=wrong, held_by=())
    sentence = run_case(held, guideline)
    assert sentence.endswith(f"skin-biopsy/valve-patient-at-the-target-inr: held, expected {wrong}")
    assert sentence.startswith("own.yaml:5")


@pytest.mark.parametrize("wrong", ["no", "unknown"])
def test_a_flipped_urgent_expectation_fails(wrong: str, guideline: Guideline) -> None:
    sentence = run_case(replace(own(FILE)[1], expect=wrong), guideline)
    assert sentence.endswith(f"hyperkalaemia/potassium-7: yes, expected {wrong}")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("inr-above-limit-on-vitamin-k-antagonist", "thrombocytopenia", "the guard thrombocytopenia does not stand"),
        ("recommendation: skin-biopsy", "recommendation: skin-biopsie", "there is no recommendation 'skin-biopsie'"),
        ("trigger: potassium-emergency", "trigger: potassium", "there is no urgent trigger 'hyperkalaemia/potassium'"),
        ("inr: 3.0", "inr: 1.4", "yes, expected held"),
        ("7 'mmol/L'", "5 'mmol/L'", "no, expected yes"),
    ],
)
def test_a_wrong_case_fails(old: str, new: str, says: str, guideline: Guideline) -> None:
    assert old in FILE
    failures = [sentence for case in own(FILE.replace(old, new)) if (sentence := run_case(case, guideline))]
    assert len(failures) == 1
    assert failures[0].endswith(says)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("inr: 3.0", "innr: 3.0", "there is no fact 'innr'"),
        ("suspicion-level: suspected", "suspicion-level: likely", "'suspicion-level' cannot be 'likely'"),
        ("lesion-penile: false", "lesion-penile: 3", "'lesion-penile' cannot be 3"),
        ("7 'mmol/L'", "7 'kg'", "'potassium'"),
        ("7 'mmol/L'", "much", "'potassium'"),
    ],
)
def test_a_given_that_means_nothing_is_refused(old: str, new: str, says: str, guideline: Guideline) -> None:
    assert old in FILE
    cases = own(FILE.replace(old, new))
    with pytest.raises(GuidelineError, match=says) as refused:
        [run_case(case, guideline) for case in cases]
    assert str(refused.value).startswith("own.yaml:")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('expect: "held"', 'expect: "maybe"', "'expect' is 'maybe'"),
        ("held_by:", "heldby:", "unknown key 'heldby'"),
        ('        expect: "yes"\n', "", "'expect' is missing"),
    ],
)
def test_a_slip_in_the_file_is_refused_with_its_line(old: str, new: str, says: str) -> None:
    assert old in FILE
    with pytest.raises(GuidelineError, match=rf"^own\.yaml:\d+: .*{says}"):
        own(FILE.replace(old, new))


def test_every_guard_has_a_case_that_fires_it_one_that_does_not_and_one_without_data(guideline: Guideline) -> None:
    assert list(missing_guard_cases(guideline, CASES, WAIVERS)) == []


def test_a_guard_without_its_cases_is_named(guideline: Guideline) -> None:
    fewer = [case for case in CASES if "mechanical-valve" not in case.given]
    sentences = list(missing_guard_cases(guideline, fewer, WAIVERS))
    assert "tests: replace-warfarin has no case in which the guard mechanical-valve is yes" in sentences
