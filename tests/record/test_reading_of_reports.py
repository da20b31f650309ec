"""Which words count in which kind of entry: pathology, imaging, examination, drug notes."""

from __future__ import annotations

import pytest

from calcipath.api import load_guideline
from calcipath.record.model import Coding, Event, Kind
from calcipath.record.recognition import recognise
from calcipath.record.report_kind import is_imaging

SNOMED = "http://snomed.info/sct"
PATHOLOGY = "Ulcerated epidermis. Medial calcification of arterioles with thrombosis. Suggestive of calciphylaxis."


def event(kind: Kind, name: str = "", **given: object) -> Event:
    return Event(kind, "Resource/1", "Resource", name, **given)  # type: ignore[arg-type]


def found(one: Event, *, read_notes: bool = True) -> dict[str, str]:
    recognised = recognise([one], load_guideline().vocabulary, read_notes)
    return {finding.concept: finding.assertion for finding in recognised.findings}


def test_an_examination_of_the_skin_is_no_biopsy() -> None:
    assert "skin-specimen" not in found(
        event("observation", "Skin examination", value_text="Necrotic ulcer of the calf")
    )
    assert "skin-specimen" not in found(event("observation", "Palpation", value_text="Lumps, skin over them intact"))


@pytest.mark.parametrize(
    ("name", "specimen"),
    [
        ("Skin biopsy pathology report", ""), ("Pathology study", "Skin, left thigh"), ("Pathology study", "Skin"),
        ("Pathology study", "Punch biopsy of skin"), ("Dermatopathology report", ""),
    ],
)  # fmt: skip
def test_a_skin_biopsy_report_is_known_by_its_name_or_specimen(name: str, specimen: str) -> None:
    report = event("report", name, category="SP", specimen=specimen, texts=(PATHOLOGY,))
    read = found(report)
    assert read["skin-specimen"] == "stated"
    assert read["histology-medial-calcification"] == "stated"
    assert read["calciphylaxis"] == "stated", "a pathologist who says 'suggestive of' concludes"


def test_a_pathology_report_without_a_named_specimen_is_told_by_its_words() -> None:
    assert found(event("report", "Pathology study", category="PAT", texts=(PATHOLOGY,)))["skin-specimen"] == "stated"
    kidney = "Glomeruli with mesangial expansion; arterioles with medial calcification."
    assert "kidney-specimen" in found(event("report", "Pathology study", category="PAT", texts=(kidney,)))


def test_a_kidney_report_that_mentions_skin_stays_a_kidney_report() -> None:
    text = "Clinical: skin necrosis. Glomeruli unremarkable. Arteriolar thrombosis."
    read = found(event("report", "Kidney biopsy", category="SP", specimen="Kidney biopsy specimen", texts=(text,)))
    assert "kidney-specimen" in read
    assert "skin-specimen" not in read


@pytest.mark.parametrize(
    ("name", "category"),
    [("X-ray of lower leg", ""), ("CT thigh", ""), ("Plain radiographs", "RAD"), ("Doppler ultrasound", "")],
)
def test_imaging_is_no_histology(name: str, category: str) -> None:
    text = "Calcified vessels in the skin and subcutaneous tissue, arterial thrombosis, larger than before."
    report = event("report", name, category=category, texts=(text,))
    assert is_imaging(report)
    read = found(report)
    assert "imaging-vascular-calcification" in read
    assert not [concept for concept in read if concept.startswith("histology") or concept == "skin-specimen"]
    assert "worsening" not in read


def test_a_biopsy_under_imaging_is_pathology() -> None:
    assert not is_imaging(event("report", "Ultrasound-guided biopsy of skin lesion"))
    assert not is_imaging(event("report", "CT-guided biopsy", category="SP"))


def test_elsewhere_suggestive_is_a_doubt() -> None:
    assert found(event("note", texts=("Lesions suggestive of calciphylaxis.",)))["calciphylaxis"] == "uncertain"
    scan = event("report", "Bone scan", texts=("Uptake suggestive of calciphylaxis.",))
    assert found(scan)["calciphylaxis"] == "uncertain"


def test_the_entrys_own_name_softens_its_code() -> None:
    code = (Coding(SNOMED, "237900002", "Calciphylaxis"),)
    assert found(event("condition", "Calciphylaxis", codings=code))["calciphylaxis"] == "stated"
    assert found(event("condition", "Suspected calciphylaxis", codings=code))["calciphylaxis"] == "uncertain"
    assert found(event("condition", "History of calciphylaxis", codings=code))["calciphylaxis"] == "historical"
    assert found(event("condition", "Family history of calciphylaxis", codings=code))["calciphylaxis"] == "family"


def test_the_residual_code_of_calcium_metabolism_is_calciphylaxis_only_in_words() -> None:
    residual = (Coding("http://hl7.org/fhir/sid/icd-10-cm", "E83.59", "Other disorders of calcium metabolism"),)
    assert found(event("condition", "Other disorders of calcium metabolism", codings=residual)) == {
        "calciphylaxis-related": "stated"
    }
    assert found(event("condition", "Calciphylaxis of the breast", codings=residual))["calciphylaxis"] == "stated"


def test_a_prosthetic_valve_code_is_mechanical_only_in_words() -> None:
    code = (Coding("http://hl7.org/fhir/sid/icd-10-cm", "Z95.2", "Presence of prosthetic heart valve"),)
    assert "mechanical-heart-valve" not in found(event("condition", "Presence of prosthetic heart valve", codings=code))
    assert found(event("condition", "Mechanical mitral valve", codings=code))["mechanical-heart-valve"] == "stated"


def test_a_name_that_holds_a_negative_test_is_not_negated() -> None:
    code = (Coding(SNOMED, "73211009", "Diabetes mellitus"),)
    assert (
        found(event("condition", "C-peptide negative diabetes mellitus", codings=code))["diabetes-mellitus"] == "stated"
    )


def test_dialysis_other_than_haemodialysis_is_no_haemodialysis() -> None:
    codings = (
        Coding(SNOMED, "71192002", "Peritoneal dialysis"),
        Coding("http://www.ama-assn.org/go/cpt", "90945", "Dialysis procedure other than hemodialysis"),
    )
    read = found(event("procedure", "Peritoneal dialysis", codings=codings))
    assert read["peritoneal-dialysis"] == "stated"
    assert "hemodialysis" not in read


def test_a_doubt_about_the_reason_is_no_doubt_about_the_drug() -> None:
    assert found(event("medication", "Antibiotics for presumed cellulitis"))["antibiotic-systemic"] == "stated"


def test_how_another_drug_worked_is_no_word_about_the_wounds() -> None:
    assert "no-improvement" not in found(event("medication", "Antibiotics", texts=("No benefit",)))
    assert found(event("medication", "Sodium thiosulfate", texts=("No benefit",)))["no-improvement"] == "stated"


def test_intact_skin_over_a_lesion_is_no_absence_of_lesions() -> None:
    over = event("observation", "Skin", value_text="Skin intact except for a necrotic ulcer of the thigh")
    assert "skin-intact" not in found(over)
    assert found(event("observation", "Skin", value_text="Skin intact"))["skin-intact"] == "stated"


def test_a_healed_graft_is_no_improvement_and_larger_vessels_no_worsening() -> None:
    assert "improvement" not in found(
        event("observation", "Skin examination", value_text="Erythema around healed graft")
    )
    assert "worsening" not in found(event("note", texts=("Calcification of larger vessels",)))


def test_the_reaction_of_an_allergy_is_no_finding() -> None:
    assert found(event("note", texts=("Allergies: penicillin (rash, hypotension).",))) == {
        "penicillin-allergy": "stated"
    }


def test_a_biopsy_that_was_deferred_is_no_biopsy() -> None:
    assert "skin-biopsy" not in found(event("note", texts=("Skin biopsy was deferred.",)))
    assert found(event("note", texts=("Skin biopsy was performed.",)))["skin-biopsy"] == "stated"


def test_what_is_exquisitely_painful_is_painful() -> None:
    read = found(event("note", texts=("Exquisitely painful ulcers on both calves.",)))
    assert read["painful"] == read["severe-pain"] == "stated"
