"""Dosing from a record (safety rules 2 and 6): what fills an input, what holds the dose, what warns, what is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from records import LABORATORY, condition, drug, patient, procedure, record, resource, result, sessions, thiosulfate

from calcipath import api
from calcipath.api import assess_path, assess_resources
from calcipath.cli import main
from calcipath.dosing import DoseOptions
from calcipath.errors import GuidelineError, InputError
from calcipath.options import AssessmentOptions
from calcipath.output.html import render_html
from calcipath.output.terminal import render_terminal

CASES = Path(__file__).parents[1] / "data" / "cases"
VIAL = DoseOptions(salt="pentahydrate", concentration=250)


def dose_resources(resources: list[dict[str, Any]], options: DoseOptions) -> dict[str, Any]:
    return api.dose_resources(resources, options).answer


def dose_path(path: str, options: DoseOptions) -> dict[str, Any]:
    return api.dose_path(path, options).answer


def read(found: dict[str, Any]) -> dict[str, Any]:
    shown = {each["input"]: each["value"] for each in found["read"]}
    return {name: value["value"] if isinstance(value, dict) else value for name, value in shown.items()}


def test_a_full_record_is_answered_with_the_vial_alone_asked() -> None:
    found = dose_resources(record(), VIAL)
    assert found["status"] == "answered" and found["holds"] == []
    assert assess_resources(record()).answer["patient"]["kidney"]["hours_per_session"] == 4
    assert read(found) == {"weight": 70, "modality": "hemodialysis", "sessions": 3, "hours": 4}
    assert found["matched"]["status"] == "shown" and found["matched"]["dose"] == {"value": 25.0, "unit": "g"}
    assert {each["id"] for each in found["questions"]} == {
        "decompensated-heart-failure",
        "dialysis-missed",
        "cisplatin",
        "product",
    }
    assert all(each["evidence"][0]["reference"] for each in found["read"])


def test_the_assessment_names_what_is_missing() -> None:
    found = assess_resources(record()).answer["dosing"]
    assert found["status"] == "incomplete"
    assert [each["input"] for each in found["needs"]] == ["salt"]
    assert found["matched"] == {
        "status": "withheld",
        "dose": None,
        "reason": "not known: Which salt form does the vial hold, pentahydrate or anhydrous?",
    }


def test_a_site_states_its_product_once(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("thiosulfate_product: {salt: anhydrous, concentration: 80 'mg/mL', vial: 8 'g'}\n")
    options = AssessmentOptions(config=str(site))
    found = assess_resources(record(), options).answer
    assert found["dosing"]["status"] == "answered"
    assert found["dosing"]["regimen"]["concentration"] == {"value": 80.0, "unit": "mg/mL"}
    assert found["dosing"]["regimen"]["salt"] == "anhydrous"
    # 25 g of pentahydrate are 100.73 mmol, 15.93 g of the anhydrous salt (158.11 g/mol)
    assert found["dosing"]["regimen"]["dose"]["value"] == pytest.approx(15.927, abs=0.001)
    recommendation = next(r for r in found["recommendations"] if r["id"] == "thiosulfate-dose-by-dialysis")
    assert recommendation["verdict"] == "yes"
    site.write_text("thiosulfate_product: {salt: table}\n")
    with pytest.raises(GuidelineError, match="must be one of pentahydrate, anhydrous"):
        assess_resources(record(), options)


HOLDS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "bicarbonate": (record(bicarbonate=17), "bicarbonate is below 18"),
    "bicarbonate unknown": (record(bicarbonate=None), "not known: What is the bicarbonate now?"),
    "ionised calcium": (record(ionised_calcium=0.95), "calcium is low"),
    "ionised calcium unknown": (record(ionised_calcium=None), "not known: What is the ionised calcium now?"),
    "QTc": (record(qtc=510), "QTc is 500 ms or more"),
    "systolic": (record(systolic=85), "systolic pressure is below 90"),
    "systolic unknown": (record(systolic=None), "not known: What is the systolic blood pressure now?"),
    "vasopressor": (record(drug(7, "Norepinephrine infusion")), "a vasopressor is given"),
    "sodium": (record(sodium=147), "sodium is above 145"),
    "sodium unknown": (record(sodium=None), "not known: What is the serum sodium now?"),
    "heart failure": (record(condition(8, "Decompensated heart failure")), "decompensated heart failure"),
    "missed": (record(condition(8, "Missed dialysis session")), "dialysis was missed"),
    "cisplatin": (record(drug(7, "Cisplatin")), "cisplatin"),
    "child": (record(born="2015-03-01"), "under 18"),
    "pregnancy": (record(condition(8, "Pregnancy"), born="1996-05-01"), "pregnan"),
}


@pytest.mark.parametrize("name", HOLDS)
def test_a_record_holds_the_dose(name: str) -> None:
    resources, reason = HOLDS[name]
    found = dose_resources(resources, VIAL)
    assert found["status"] == "withheld", found["holds"]
    assert found["matched"]["status"] == "withheld" and found["matched"]["dose"] is None
    assert reason in found["matched"]["reason"]
    assert found["session_sheet"] is None
    assert found["exposure"]["weekly_auc"]["value"] > 0  # exposure is always simulated and compared
    hold = next(each for each in found["holds"] if reason in each["reason"])
    assert hold["instead"] and hold["who"]


WARNS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "bicarbonate": (record(bicarbonate=19), "Bicarbonate is 18-21 mmol/L"),
    "heart failure": (record(condition(8, "Heart failure")), "Heart failure: 25 g carries"),
    "systolic": (record(systolic=95), "Low or low-normal blood pressure"),
    "intradialytic hypotension": (record(condition(8, "Intradialytic hypotension")), "Low or low-normal blood pressure"),
    "peritoneal": (record(dialysis="Peritoneal dialysis"), "Peritoneal dialysis removes little thiosulfate"),
    "dextrose": (record(sodium=128), "Sodium is below 130 mmol/L: no dextrose diluent."),
    "asthma": (record(condition(8, "Asthma")), "first dose supervised"),
    "sulfite": (
        record(resource("AllergyIntolerance", 9, code={"text": "Sulfite"}, clinicalStatus={"coding": [{"code": "active"}]})),
        "first dose supervised",
    ),
    "calcimimetic": (record(drug(7, "Cinacalcet 30 mg")), "A calcimimetic is taken"),
    "eGFR below 30": (
        record(result(20, "egfr", 22), result(21, "height", 165), condition(8, "Not on dialysis"), condition(9, "Chronic kidney disease stage 4"), dialysis=None),
        "eGFR below 30 off dialysis",
    ),
    "sodium a week": (record(), "Sodium is 604 mmol a week, above 600 mmol"),
}  # fmt: skip


@pytest.mark.parametrize("name", WARNS)
def test_a_record_warns(name: str) -> None:
    resources, warning = WARNS[name]
    found = dose_resources(resources, VIAL)
    assert any(warning in each for each in found["warnings"]), found["warnings"]


@pytest.mark.parametrize("name", [name for name in WARNS if name != "sodium a week"])
def test_a_record_without_it_does_not_warn(name: str) -> None:
    assert not any(WARNS[name][1] in each for each in dose_resources(record(), VIAL)["warnings"])


def test_a_dose_with_more_than_230_mmol_of_sodium_warns() -> None:
    found = dose_resources(record(), DoseOptions(salt="anhydrous", concentration=250, dose=20))  # 253 mmol
    assert any("253 mmol a dose, above 230 mmol" in each for each in found["warnings"])


MODALITIES = {
    "Hemodialysis": "hemodialysis",
    "Hemodiafiltration": "hemodiafiltration",
    "Home nocturnal hemodialysis": "hemodialysis",
    "Peritoneal dialysis": "peritoneal",
}


@pytest.mark.parametrize("name", MODALITIES)
def test_the_modality_of_the_record(name: str) -> None:
    found = dose_resources(record(dialysis=name), VIAL)
    assert found["regimen"]["modality"] == MODALITIES[name]


def test_continuous_therapy_must_be_named() -> None:
    resources = record(dialysis="Continuous renal replacement therapy")
    found = dose_resources(resources, VIAL)
    assert found["status"] == "incomplete"
    assert found["needs"][0]["question"] == "Which continuous therapy is it, cvvh, cvvhd or cvvhdf?"
    named = dose_resources(
        resources, DoseOptions(salt="pentahydrate", concentration=250, modality="cvvhd", effluent=25)
    )
    assert named["status"] == "answered" and named["matched"]["status"] == "withheld"
    assert "disagree" in named["matched"]["reason"]


def test_an_unknown_modality_is_asked_and_holds() -> None:
    found = dose_resources(record(dialysis=None), VIAL)
    assert found["status"] == "incomplete"
    assert found["needs"][0]["input"] == "modality"
    stated = dose_resources(
        record(dialysis=None),
        DoseOptions(salt="pentahydrate", concentration=250, modality="hemodialysis", sessions=3, hours=4),
    )
    assert stated["status"] == "answered" and stated["matched"]["status"] == "shown"


def test_off_dialysis_the_reported_gfr_is_made_absolute() -> None:
    resources = record(result(20, "egfr", 60), result(21, "height", 170), dialysis=None)
    found = dose_resources(resources, VIAL)
    assert found["regimen"]["modality"] == "none"
    # Mosteller: sqrt(170 * 70 / 3600) = 1.818 m2; 60 * 1.818 / 1.73 = 63.06 mL/min
    assert found["patient"]["gfr"]["value"] == pytest.approx(63.06, abs=0.01)
    assert "off dialysis" in found["matched"]["reason"]
    short = dose_resources(record(result(20, "egfr", 60), dialysis=None), VIAL)
    assert [each["input"] for each in short["needs"]] == ["height"]


def test_residual_function_is_a_measured_clearance_not_an_estimate() -> None:
    measured = dose_resources(record(result(20, "creatinine clearance", 8)), VIAL)
    assert measured["patient"]["gfr"] == {"value": 8.0, "unit": "mL/min"}
    without = dose_resources(record(result(20, "egfr", 8)), VIAL)
    assert without["patient"]["gfr"] is None
    assert measured["exposure"]["weekly_auc"]["value"] < without["exposure"]["weekly_auc"]["value"]
    assert any("Residual kidney function is not given" in each for each in without["warnings"])


def test_the_length_of_a_session_from_start_to_end() -> None:
    resources = [each for each in record() if each["resourceType"] != "ServiceRequest"]
    long = procedure(3, "Hemodialysis", "2026-01-13T20:00:00Z", "2026-01-14T04:00:00Z")
    found = dose_resources([*resources, sessions(4, hours=None), long], VIAL)
    assert read(found)["hours"] == 8


def test_an_option_stands_instead_of_the_record_and_says_so() -> None:
    found = dose_resources(record(), DoseOptions(salt="pentahydrate", concentration=250, weight=50))
    assert found["patient"]["weight"]["value"] == 50
    assert found["reference"]["dose"]["value"] == 12.5
    assert "The record gives weight 70 kg (2026-01-14T10:00:00Z); 50 was stated and is used." in found["warnings"]
    assert next(each for each in found["read"] if each["input"] == "weight")["used"] is False


def test_the_ordered_dose_is_simulated_and_milligrams_are_questioned() -> None:
    ordered = dose_resources(record(thiosulfate(30, 12.5, "g")), VIAL)
    assert ordered["regimen"]["dose"] == {"value": 12.5, "unit": "g"}
    assert ordered["regimen"]["dose_is"] == "as on record"
    misprint = dose_resources(record(thiosulfate(30, 25, "mg")), VIAL)
    assert misprint["regimen"]["dose_is"] == "the reference dose, as none was given"
    assert any("sodium thiosulfate dose was not used as written" in each for each in misprint["warnings"])


def test_at_exactly_60_kg_the_record_is_asked_for_the_dose() -> None:
    found = dose_resources(record(weight=60), VIAL)
    assert found["status"] == "incomplete" and found["matched"]["dose"] is None
    assert [each["input"] for each in found["needs"]] == ["dose"] and "12.5 g or 25 g" in found["reason"]
    asked = dose_resources(record(weight=60), DoseOptions(salt="pentahydrate", concentration=250, dose=12.5))
    assert asked["matched"]["dose"] is None and "exactly 60 kg" in asked["matched"]["reason"]


def test_nothing_is_computed_where_thiosulfate_is_not_considered() -> None:
    found = assess_resources([patient(), condition(1, "Psoriasis")]).answer["dosing"]
    assert found["status"] == "not-considered" and "exposure" not in found
    asked = dose_resources(
        [patient(), condition(1, "Psoriasis")],
        DoseOptions(salt="pentahydrate", concentration=250, weight=70, modality="hemodialysis", sessions=3, hours=4),
    )
    assert asked["status"] == "withheld" and asked["matched"]["dose"] is None
    assert asked["holds"] == [] or asked["matched"]["reason"]


def test_an_option_that_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="--sessions 9"):
        dose_resources(record(), DoseOptions(salt="pentahydrate", concentration=250, sessions=9))


def test_a_value_of_the_record_that_cannot_be_is_a_question_in_the_assessment(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("thiosulfate_product: {salt: pentahydrate, concentration: 250 'mg/mL'}\n")
    resources = [each for each in record() if each["resourceType"] != "ServiceRequest"]
    found = assess_resources([*resources, sessions(4, per_week=14)], AssessmentOptions(config=str(site))).answer[
        "dosing"
    ]
    assert found["status"] == "incomplete" and [each["input"] for each in found["needs"]] == ["sessions"]
    assert any("The record's sessions cannot be used: --sessions 14" in each for each in found["warnings"])


@pytest.mark.parametrize("form", ["text", "html"])
def test_a_held_dose_is_shown_in_no_format(form: str, tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("thiosulfate_product: {salt: pentahydrate, concentration: 250 'mg/mL'}\n")
    held = assess_resources(record(weight=50, bicarbonate=15), AssessmentOptions(config=str(site)))
    assert held.answer["dosing"]["status"] == "withheld"
    shown = render_terminal(held.answer, width=200) if form == "text" else render_html(held.answer, held.timeline)
    part = shown[shown.upper().index("THIOSULFATE DOSING") :]
    part = part[: part.upper().index("NOT DECIDED")]
    assert "bicarbonate is below 18" in part and "weekly AUC" in part
    assert "12.5" not in part and "50.4" not in part  # g, mmol


def test_a_schedule_in_the_name_of_the_treatment() -> None:
    resources = [each for each in record() if each["resourceType"] != "ServiceRequest"]
    named = procedure(3, "Hemodialysis 4.5 h, three times a week", "2026-01-13", "2026-01-13")
    found = read(dose_resources([*resources, named], VIAL))  # the newest entry that says it
    assert (found["sessions"], found["hours"]) == (3, 4.5)


def test_published_regimens_off_dialysis_are_chosen_by_the_egfr_that_they_are_quoted_by() -> None:
    resources = record(result(20, "egfr", 55), result(21, "height", 190), dialysis=None, weight=100)
    found = dose_resources(resources, VIAL)
    assert found["patient"]["gfr"]["value"] > 60  # absolute, in a large patient
    said = [each["statement"] for each in found["published"]]
    assert any("up to four times a week" in each for each in said) and not any("five times" in each for each in said)


EXPECTED = {  # modality that the record gives, or why nothing is computed
    "01-hd-thigh-egpa": ("hemodialysis", ["sessions", "hours", "weight", "salt"]),
    "11-hdf-acral-failed-transplant": ("hemodiafiltration", ["sessions", "hours", "weight", "salt"]),
    "20-pd-acral-fingers-toes": ("peritoneal", ["weight", "salt"]),
    "14-ckd5-nondialysis-warfarin-inr4": (None, ["modality", "weight", "salt"]),
    "13-spk-transplant-ptx-oversuppressed": (None, ["modality", "weight", "salt"]),
    "16-nonuremic-cirrhosis-relapse": ("none", ["gfr", "weight", "salt"]),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_published_patients_name_what_is_missing(name: str) -> None:
    modality, needs = EXPECTED[name]
    found = dose_path(str(CASES / f"{name}.bundle.json"), DoseOptions())
    assert found["status"] == "incomplete"
    assert read(found).get("modality") == modality
    assert [each["input"] for each in found["needs"]] == needs
    assert found["matched"]["status"] == "withheld"


@pytest.mark.parametrize("name", EXPECTED)
def test_the_published_patients_are_answered_when_the_gaps_are_filled_and_stay_held(name: str) -> None:
    modality = EXPECTED[name][0] or "hemodialysis"
    stated: dict[str, Any] = {"weight": 70, "salt": "pentahydrate", "concentration": 250}
    stated |= {"gfr": 70} if modality == "none" else {}
    stated |= {"sessions": 3, "hours": 4} if modality.startswith("hemo") else {}
    stated |= {} if EXPECTED[name][0] else {"modality": modality}
    found = dose_path(str(CASES / f"{name}.bundle.json"), DoseOptions(**stated))
    assert found["status"] == "withheld" and found["regimen"]["modality"] == modality
    assert found["exposure"]["weekly_auc"]["value"] > 0 and found["matched"]["dose"] is None
    assert "What is the bicarbonate now?" in found["matched"]["reason"] or "bicarbonate" in str(found["read"])


@pytest.mark.parametrize("file", sorted(CASES.glob("*.bundle.json")), ids=lambda file: file.name.split(".")[0])
def test_no_published_patient_gets_a_dose_without_what_is_missing(file: Path) -> None:
    found = assess_path(str(file)).answer["dosing"]
    assert found["status"] in ("not-considered", "incomplete")
    assert "exposure" not in found and found.get("matched", {"dose": None})["dose"] is None


def test_the_command_reads_a_record_and_gives_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = tmp_path / "bundle.json"
    entries = [{"resource": each} for each in record(bicarbonate=15)]
    bundle.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    assert main(["dose", str(bundle), "--salt", "pentahydrate", "--concentration", "250", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads(json.dumps(dose_path(str(bundle), VIAL)))
    assert main(["dose", str(bundle), "--salt", "pentahydrate", "--concentration", "250"]) == 0
    text = capsys.readouterr().out
    assert text.index("HELD: DO NOT GIVE IT YET") < text.index("REGIMEN")
    assert main(["dose", str(bundle)]) == 0
    assert "NEEDED BEFORE ONE REGIMEN IS SIMULATED" in capsys.readouterr().out


def test_the_laboratory_of_these_tests_is_read_by_its_codes() -> None:
    assert len(LABORATORY) == 9
