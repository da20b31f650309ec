"""Which concepts an event speaks of: by code, by name, by its answer, in free text."""

from __future__ import annotations

import pytest

from calcipath.api import load_guideline
from calcipath.record.model import Coding, Event, Kind
from calcipath.record.recognition import recognise

SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
RESOURCE: dict[Kind, str] = {
    "condition": "Condition", "observation": "Observation", "report": "DiagnosticReport", "allergy": "AllergyIntolerance",
    "medication": "MedicationStatement", "procedure": "Procedure", "note": "ClinicalImpression",
}  # fmt: skip


def event(kind: Kind, name: str = "", **given: object) -> Event:
    return Event(kind, f"{RESOURCE[kind]}/1", RESOURCE[kind], name, **given)  # type: ignore[arg-type]


def found(one: Event, *, read_notes: bool = True) -> dict[str, str]:
    recognised = recognise([one], load_guideline().vocabulary, read_notes)
    return {finding.concept: finding.assertion for finding in recognised.findings}


@pytest.mark.parametrize(
    ("code", "site"),
    [
        ("68367000", "site-thigh"), ("61396006", "site-thigh"), ("818983003", "site-trunk"), ("58602004", "site-trunk"),
        ("46862004", "site-buttock-hip"), ("76752008", "site-breast"), ("40983000", "site-upper-arm"),
        ("14975008", "site-forearm"), ("30021000", "site-lower-leg"), ("53840002", "site-lower-leg"),
        ("61685007", "site-lower-limb"), ("29707007", "site-acral"), ("7569003", "site-acral"), ("76853006", "site-acral"),
        ("18911002", "site-penile"), ("60319009", "site-penile"), ("26893007", "site-genital-perineal"),
    ],
)  # fmt: skip
def test_a_body_site_is_known_by_its_snomed_code_without_a_display(code: str, site: str) -> None:
    exam = event("observation", "Skin examination", value_text="Necrotic ulcer", sites=(Coding(SNOMED, code),))
    assert {concept for concept in found(exam) if concept.startswith("site-")} == {site}


def test_a_short_value_completes_the_name() -> None:
    assert found(event("observation", "Renal function", value_text="normal"))["normal-kidney-function"] == "stated"
    assert found(event("observation", "Peripheral pulses", value_text="weak"))["pulses-absent"] == "stated"
    assert (
        found(event("observation", "Skin", value_codings=(Coding(SNOMED, "17621005", "Normal"),)))["skin-intact"]
        == "stated"
    )


def test_an_answer_affirms_or_denies_what_the_name_asks() -> None:
    assert found(event("observation", "Fever", value_boolean=False))["fever"] == "negated"
    assert found(event("observation", "Fever", value_text="Yes"))["fever"] == "stated"
    assert found(event("observation", "Chest pain", value_text="No"))["chest-pain"] == "negated"
    assert "fever" not in found(event("observation", "Fever", value_text="not assessed"))


def test_a_coded_answer_counts_by_its_display() -> None:
    coded = event("observation", "Peripheral pulses", value_codings=(Coding(SNOMED, "52101004", "Present"),))
    assert found(coded)["pulses-present"] == "stated"


def test_a_drug_that_shares_its_code_is_told_by_its_name() -> None:
    """RxNorm 214342 (calcium acetate) is an ingredient of binders and stands among calcium salts too."""
    acetate = event(
        "medication", "Calcium acetate 667 mg with meals", codings=(Coding(RXNORM, "214342", "calcium acetate"),)
    )
    assert set(found(acetate)) == {"calcium-based-phosphate-binder"}


def test_a_topical_or_inhaled_steroid_is_not_systemic() -> None:
    for name in ("Hydrocortisone 1 % cream", "Triamcinolone ointment", "Clobetasol cream"):
        assert "corticosteroid-systemic" not in found(event("medication", name)), name
    assert "corticosteroid-systemic" in found(event("medication", "Hydrocortisone 20 mg tablets"))


def test_a_sulfonamide_allergy_is_no_sulfite_allergy() -> None:
    assert "sulfite-allergy" not in found(event("allergy", "Sulfa drugs"))
    assert found(event("allergy", "Sodium metabisulfite"))["sulfite-allergy"] == "stated"


def test_an_allergy_is_no_drug_that_is_taken() -> None:
    assert set(found(event("allergy", "Warfarin"))) == set()
    assert found(event("allergy", "Penicillin"))["penicillin-allergy"] == "stated"


def test_a_kidney_biopsy_is_no_skin_biopsy() -> None:
    kidney = event(
        "report",
        "Kidney biopsy",
        category="SP",
        specimen="Kidney biopsy specimen",
        texts=("Calcium oxalate crystals.",),
    )
    concepts = found(kidney)
    assert "kidney-specimen" in concepts
    assert "skin-specimen" not in concepts
    skin = event("report", "Punch biopsy of left thigh", category="SP", texts=("Medial calcification.",))
    assert {"skin-specimen", "histology-medial-calcification"} <= set(found(skin))


def test_free_text_is_left_unread_when_asked() -> None:
    note = event("note", texts=("Painful necrotic ulcer of the calf.",))
    assert found(note, read_notes=False) == {}
    assert found(note)["skin-necrosis-eschar"] == "stated"


def test_a_plain_statement_outweighs_a_doubt_about_the_same_concept() -> None:
    note = event("note", texts=("Possible calciphylaxis.", "Skin biopsy confirmed calciphylaxis."))
    assert found(note)["calciphylaxis"] == "stated"


def test_a_code_that_contradicts_its_display_is_reported() -> None:
    wrong = event("medication", "", codings=(Coding(RXNORM, "11289", "sevelamer"),))
    recognised = recognise([wrong], load_guideline().vocabulary, True)
    assert [problem.problem for problem in recognised.problems] == ["code-display-mismatch"]
    right = event("medication", "", codings=(Coding(RXNORM, "11289", "warfarin"),))
    assert recognise([right], load_guideline().vocabulary, True).problems == ()


def test_a_measured_value_is_no_diagnosis() -> None:
    calcium = event("observation", "Calcium [Mass/volume] in Serum or Plasma", codings=(Coding(LOINC, "17861-6"),))
    assert set(found(calcium)) == {"calcium-total"}
