"""The words for the patient: their reading grade, their sources, and what the reader refuses with file and line."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from calcipath.errors import GuidelineError
from calcipath.guideline.entries import ContentFile, top
from calcipath.guideline.model import Guideline, Source
from calcipath.guideline.patient_information import PatientInformation
from calcipath.guideline.patient_information_reader import read_patient_information
from calcipath.guideline.reader import Content, read_guideline
from calcipath.guideline.shipped import shipped_content

HIGHEST_GRADE = 7.0
SOURCES = {"R": Source("R", "a review", "S")}
ITEMS = {"risk:dialysis", "recommendation:x"}
SOUND = """\
title: A page
introduction: Read it.
sections:
  - id: one
    title: One
    statements:
      - say: Ask before you stop anything.
        citations: [{source: R, locator: page, mark: S}]
  - id: two
    title: Two
    when: ["risk:dialysis"]
    statements:
      - say: Come to your sessions.
        when: ["recommendation:x"]
        citations: [{source: R, locator: page, mark: S}]
"""


@pytest.fixture(scope="module")
def guideline() -> Guideline:
    return read_guideline(shipped_content())


def read(text: str) -> PatientInformation:
    return read_patient_information(top(ContentFile.parse("patient-information.yaml", text)), SOURCES, ITEMS)


def syllables(word: str) -> int:
    """Groups of vowels, less a silent e or ed at the end: close to a dictionary's count for plain words."""
    letters = re.sub(r"[^a-z]", "", word.lower())
    count = len(re.findall(r"[aeiouy]+", letters))
    count += len(re.findall(r"ia[^l]|ial[^l]?y|io[^nu]|iu", letters))
    if re.search(r"[^aeiouyl]e$", letters) or re.search(r"[^aeiouytd]ed$|[^aeiouyscxz]es$", letters):
        count -= 1
    return max(count, 1)


def grade(text: str) -> float:
    """Flesch-Kincaid (1975): 0.39 x words a sentence + 11.8 x syllables a word - 15.59."""
    sentences = [each for each in re.split(r"[.!?:]+\s*", text) if each.strip()]
    words = [word for word in text.split() if re.search(r"[A-Za-z]", word)]
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("calciphylaxis", 5), ("dialysis", 4), ("calcium", 3), ("skin", 1), ("take", 1), ("little", 2), ("needed", 2),
        ("measured", 2), ("thiosulfate", 4), ("vitamin", 3), ("people", 2), ("sores", 1), ("illness", 2), ("doctors", 2),
    ],
)  # fmt: skip
def test_syllables_as_a_dictionary_counts_them(word: str, count: int) -> None:
    assert syllables(word) == count


def test_the_formula_on_counted_sentences() -> None:
    # 6 words, 1 sentence, 6 syllables: 0.39 x 6 + 11.8 x 1 - 15.59 = -1.45
    assert grade("The cat sat on the mat.") == pytest.approx(-1.45)
    assert grade("Multidisciplinary evaluation necessitates histopathological documentation.") > 20


def test_a_reader_of_eleven_or_twelve_can_read_it(guideline: Guideline) -> None:
    information = guideline.patient_information
    whole = []
    for section in information.sections:
        text = " ".join(statement.say for statement in section.statements)
        whole.append(text)
        assert grade(text) <= HIGHEST_GRADE, section.id
        for statement in section.statements:
            for sentence in re.split(r"(?<=[.!?])\s", statement.say):
                assert len(sentence.split()) <= 20, sentence
    assert grade(" ".join(whole)) <= HIGHEST_GRADE


def test_every_condition_names_an_item_of_the_guideline(guideline: Guideline) -> None:
    known = {f"risk:{each.id}" for each in guideline.risk_factors}
    known |= {f"recommendation:{each.id}" for each in guideline.recommendations}
    named = [
        name
        for section in guideline.patient_information.sections
        for name in (*section.when, *(each for statement in section.statements for each in statement.when))
    ]
    assert len(named) > 10
    assert set(named) <= known


def test_every_statement_has_a_source_and_none_claims_more_than_was_seen(guideline: Guideline) -> None:
    rank = "SQDPB"
    for section in guideline.patient_information.sections:
        for statement in section.statements:
            assert statement.citations
            for citation in statement.citations:
                assert citation.source.id in guideline.sources
                assert rank.index(citation.mark) >= rank.index(citation.source.seen)


def test_what_must_be_said(guideline: Guideline) -> None:
    sections = {section.id: section for section in guideline.patient_information.sections}
    always = " ".join(
        s.say for section in sections.values() if not section.when for s in section.statements if not s.when
    )
    assert "ask before you stop anything" in always.lower()
    assert "has not been proven" in " ".join(s.say for s in sections["thiosulfate"].statements)
    for name in ("what-it-is", "why-questions", "what-is-looked-at", "what-you-can-do", "call-at-once"):
        assert not sections[name].when


def test_a_sound_file_is_read() -> None:
    found = read(SOUND)
    assert found.title == "A page"
    assert [section.when for section in found.sections] == [(), ("risk:dialysis",)]
    assert found.sections[1].statements[0].when == ("recommendation:x",)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("Come to your sessions.", "Take 25 grams.", 13, "holds a digit"),
        ("title: Two", "title: Two of 3", 10, "holds a digit"),
        ("Come to your sessions.", "Stop your pills.", 13, "asks to end a treatment"),
        ('"risk:dialysis"', '"risk:dialisis"', 11, "no risk factor or recommendation 'risk:dialisis'"),
        ('"recommendation:x"', '"recommendation:y"', 14, "'recommendation:y'"),
        ('["recommendation:x"]', "[]", 14, "names nothing"),
        ("title: Two", "titel: Two", 10, "unknown key 'titel'"),
        ("id: two", "id: one", 9, "already defined"),
        ("        citations: [{source: R, locator: page, mark: S}]\n  - id: two", "        citations: []\n  - id: two", 8, "needs a source"),
        ("source: R, locator: page, mark: S}]\n  - id: two", "source: Z, locator: page, mark: S}]\n  - id: two", 8, "no source 'Z'"),
        ("Ask before you stop anything.", "Ask us.", 4, "no section that is always there"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_file_and_line(old: str, new: str, line: int, said: str) -> None:
    assert SOUND.count(old) == 1
    with pytest.raises(GuidelineError) as raised:
        read(SOUND.replace(old, new))
    assert said in str(raised.value)
    assert str(raised.value).startswith(f"patient-information.yaml:{line}:")


def test_the_shipped_file_is_checked_with_the_guideline() -> None:
    shipped = shipped_content()
    text = shipped.files["patient-information.yaml"].replace("risk:dialysis", "risk:nothing")
    with pytest.raises(GuidelineError, match=r"patient-information\.yaml:[0-9]+: .*risk:nothing"):
        read_guideline(replace(shipped, files={**shipped.files, "patient-information.yaml": text}))
    without = {name: file for name, file in shipped.files.items() if name != "patient-information.yaml"}
    with pytest.raises(GuidelineError, match=r"patient-information\.yaml is missing"):
        read_guideline(Content(without, shipped.value_set_rows))
