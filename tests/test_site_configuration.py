"""A site's own codes, words, code systems and defaults (docs/site-configuration.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from calcipath.api import assess_resources, load_guideline
from calcipath.errors import GuidelineError
from calcipath.options import AssessmentOptions

PATIENT = {"resourceType": "Patient", "id": "p", "gender": "male"}
SUBJECT = {"subject": {"reference": "Patient/p"}}


def configured(tmp_path: Path, text: str, *resources: dict[str, Any]) -> dict[str, Any]:
    file = tmp_path / "site.yaml"
    file.write_text(text, encoding="utf-8")
    return dict(assess_resources([PATIENT, *resources], AssessmentOptions(config=str(file))).answer)


def potassium(code: str, system: str, value: float) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": "k", "status": "final", **SUBJECT, "effectiveDateTime": "2026-01-10",
        "code": {"coding": [{"system": system, "code": code}]},
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
    }  # fmt: skip


def test_a_code_system_of_the_site(tmp_path: Path) -> None:
    text = "code_systems:\n  https://hospital.example/loinc: http://loinc.org\n"
    answer = configured(tmp_path, text, potassium("2823-3", "https://hospital.example/loinc", 6.7))
    assert [u["id"] for u in answer["urgent"]] == ["hyperkalaemia"]


def test_rows_of_the_site_and_codes_that_are_not_recognised(tmp_path: Path) -> None:
    lab = potassium("K77", "https://hospital.example/lab", 6.7)
    assert configured(tmp_path, "notes: none\n", lab)["reading"]["codes_not_recognised"] == {
        "https://hospital.example/lab": 1
    }
    rows = 'value_sets:\n  - {value_set: potassium, system: "https://hospital.example/lab", code: K77}\n'
    answer = configured(tmp_path, rows, lab)
    assert [u["id"] for u in answer["urgent"]] == ["hyperkalaemia"] and not answer["reading"]["codes_not_recognised"]


def test_a_table_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("value_set,system,code,match\npotassium,https://h.example/lab,K*,prefix\n")
    answer = configured(tmp_path, "value_sets: rows.csv\n", potassium("K99", "https://h.example/lab", 6.7))
    assert [u["id"] for u in answer["urgent"]] == ["hyperkalaemia"]


def test_words_of_the_site(tmp_path: Path) -> None:
    text = 'terms:\n  - {concept: skin-necrosis-eschar, terms: ["tarry leather patch"]}\n'
    lesion = {
        "resourceType": "Condition", "id": "c", **SUBJECT, "code": {"text": "Tarry leather patch of the thigh"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
    }  # fmt: skip
    eschar = lambda answer: any(  # noqa: E731
        c["id"] == "typical-lesion" and c["verdict"] == "yes"
        for s in answer["suspicion"]["schemes"]
        for c in s["criteria"]
    )
    assert not eschar(configured(tmp_path, "notes: none\n", lesion))
    assert eschar(configured(tmp_path, text, lesion))


def test_a_default_of_the_site(tmp_path: Path) -> None:
    lab = potassium("2823-3", "http://loinc.org", 5.6)
    assert configured(tmp_path, "notes: none\n", lab)["urgent"] == []
    answer = configured(tmp_path, "defaults:\n  potassium-ecg: 5.5 'mmol/L'\n", lab)
    assert [u["id"] for u in answer["urgent"]] == ["hyperkalaemia"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("defalts: {}\n", "unknown key 'defalts'"),
        ("value_sets:\n  - {value_set: potasium, system: s, code: c}\n", "there is no value set 'potasium'"),
        ("value_sets:\n  - {system: s, code: c}\n", "needs value_set, system and code"),
        ("terms:\n  - {concept: escar, terms: [x]}\n", "there is no concept 'escar'"),
        ("defaults:\n  nonsense: 1\n", "there is no default 'nonsense'"),
        ("code_systems: [a]\n", "'code_systems' must be a mapping"),
        ("value_sets: nowhere.csv\n", "cannot be read"),
        ("a: [\n", "this is not YAML"),
    ],
)
def test_a_slip_is_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(GuidelineError, match=words):
        load_guideline(str(file))
