"""Every kind of authoring mistake is refused, loudly, with the file and the line."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from calcipath.errors import GuidelineError
from calcipath.guideline.completeness import unused
from calcipath.guideline.reader import Content, Site, read_guideline
from calcipath.guideline.shipped import shipped_content

CONTENT = shipped_content()
MINERAL = "recommendations/5-mineral-and-bone.yaml"

# file, what is written, what is written instead, words of the error
MISTAKES = {
    "no YAML": ("defaults.yaml", "defaults:", "defaults: [", "this is not YAML"),
    "unknown key": ("urgent.yaml", "    why: ", "    wy: ", "unknown key 'wy'"),
    "unknown fact": (MINERAL, '"pth" > 300', '"pht" > 300', 'there is no fact or definition named "pht"; did you mean "pth"?'),
    "unknown unit": (MINERAL, "\"pth\" > 300 'pg/mL'", "\"pth\" > 300 'pg/mLL'", "pg/mLL"),
    "wrong dimension": (MINERAL, "\"pth\" > 300 'pg/mL'", "\"pth\" > 300 'mm[Hg]'", "measure different things"),
    "bare number": (MINERAL, "\"pth\" > 300 'pg/mL'", '"pth" > 300', "measure different things"),
    "quantity as condition": (MINERAL, "\"pth\" > 300 'pg/mL'", '"pth"', "a boolean is needed"),
    "impossible text": ("suspicion.yaml", "\"suspicion-level\" = 'undetermined'", "\"suspicion-level\" = 'undecided'", "the value is one of"),
    "half a condition": (MINERAL, "\"pth\" > 300 'pg/mL'", '"pth" >', "unknown word 'or'"),
    "unknown source": (MINERAL, "{source: R,", "{source: Q,", "there is no source 'Q'"),
    "unknown concept": ("facts/drugs.yaml", "concepts: [denosumab]", "concepts: [denosumap]", "there is no concept 'denosumap'"),
    "unknown default": ("facts/drugs.yaml", "within: thiosulfate-window", "within: thiosulfat-window", "which does not exist"),
    "unknown analyte": ("facts/mineral-bone.yaml", "analyte: pth", "analyte: pht", "there is no analyte 'pht'"),
    "wrong direction": (MINERAL, "direction: for", "direction: pro", "must be one of for, against, none"),
    "missing statement": (MINERAL, "    statement: ", "    # statement: ", "'statement' is missing"),
    "twice the same id": ("risk-factors.yaml", "  - id: diabetes\n", "  - id: obesity\n", "already defined at risk-factors.yaml:"),
    "unknown scheme result": ("suspicion.yaml", "results: [met with pathology,", "results: [met,", "is not one of the declared values"),
    "conflict with nobody": ("conflicts.yaml", "ids: [", "ids: [nobody, ", "there is no recommendation, risk factor or mimic 'nobody'"),
    "question of no fact": ("interview.yaml", "{id: skin-ulcer,", "{id: skin-ulcr,", "there is no fact 'skin-ulcr'"),
    "question of a derived fact": ("interview.yaml", "{id: skin-ulcer,", "{id: dialysis,", "derived from others and is not asked"),
    "answer that is no concept of the fact": ("interview.yaml", "stands_for: skin-lesion", "stands_for: asthma", "'asthma' is no concept of the fact"),
    "no no without a reason": ("interview.yaml", "deniable: false, because", "deniable: true, because", "belong together"),
    "a name of no concept": ("interview.yaml", "  chills: chills", "  chils: chills", "there is no concept 'chils'"),
    "a window that is none": ("interview.yaml", "have asthma, or did they have it before?\"", "have asthma?\", over_window: true", "the fact has no window"),
    "an opening choice of no concept": ("interview.yaml", "concepts: [hemodialysis,", "concepts: [hemodialysi,", "there is no concept 'hemodialysi'"),
    "an opening question after none": ("interview.yaml", "after: dialysis}", "after: dyalisis}", "there is no opening question 'dyalisis'"),
    "a laboratory value that is none": ("interview.yaml", "laboratory: [calcium-total", "laboratory: [asthma", "there is no measured fact 'asthma'"),
    "a standard code of another thing": ("interview.yaml", "code: 17861-6", "code: 2777-1", "2777-1 stands in no value set of 'calcium-total'"),
    "unknown way of obtaining": ("facts/patient.yaml", "obtain: vital-sign", "obtain: wish", "'obtain' is 'wish'"),
}  # fmt: skip


def changed(file: str, written: str, instead: str) -> Content:
    text = CONTENT.files[file]
    assert written in text
    return replace(CONTENT, files={**CONTENT.files, file: text.replace(written, instead, 1)})


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_its_place(mistake: str) -> None:
    file, written, instead, words = MISTAKES[mistake]
    with pytest.raises(GuidelineError) as refused:
        read_guideline(changed(file, written, instead))
    sentence = str(refused.value)
    assert words in sentence
    found = re.match(rf"{re.escape(file)}:(\d+): ", sentence)
    assert found, sentence
    line = CONTENT.files[file][: CONTENT.files[file].index(written)].count("\n") + 1
    assert abs(int(found[1]) - line) <= 60  # an entry may be long; the error names the entry or the key in it
    assert "\n" not in sentence


def test_a_circle_is_named() -> None:
    looped = changed("suspicion.yaml", '"livedo" or ("purpura"', '"suspected-or-more" or "livedo" or ("purpura"')
    with pytest.raises(GuidelineError, match=r"depend on each other in a circle: .*suspicion-level"):
        read_guideline(looped)


def test_a_missing_file_is_named() -> None:
    files = {name: text for name, text in CONTENT.files.items() if name != "urgent.yaml"}
    with pytest.raises(GuidelineError, match=r"the content file urgent\.yaml is missing"):
        read_guideline(replace(CONTENT, files=files))


def test_the_shipped_content_uses_all_that_it_holds() -> None:
    assert list(unused(read_guideline(CONTENT))) == []


def test_an_unread_fact_is_named() -> None:
    more = changed(
        "facts/patient.yaml",
        "facts:\n",
        "facts:\n  - {id: shoe-size, kind: demographic, label: shoe size, field: age, unit: cm, obtain: ask}\n",
    )
    assert list(unused(read_guideline(more))) == ["facts: nothing reads the fact 'shoe-size'"]


def test_a_site_sets_a_default_in_any_unit_that_fits() -> None:
    ours = read_guideline(CONTENT, Site(defaults={"severe-hypocalcaemia-ionised": "850 'umol/L'"}))
    assert ours.defaults["severe-hypocalcaemia-ionised"].value == pytest.approx(0.85)
    assert "set by this site" in ours.defaults["severe-hypocalcaemia-ionised"].meaning


@pytest.mark.parametrize(
    ("defaults", "words"),
    [
        ({"nonsense": "1"}, "there is no default 'nonsense'"),
        ({"potassium-ecg": "6 'mm[Hg]'"}, "default 'potassium-ecg'"),
    ],
)
def test_a_site_cannot_set_what_does_not_exist_or_fit(defaults: dict[str, str], words: str) -> None:
    with pytest.raises(GuidelineError, match=words):
        read_guideline(CONTENT, Site(defaults=defaults))
