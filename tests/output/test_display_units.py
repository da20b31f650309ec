"""Values in the units that a reader is used to. Factors by hand: molar masses Ca 40.078, P 30.974, PTH 9424.8 g/mol."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from calcipath.api import AssessedRecord, assess_resources, load_guideline
from calcipath.guideline.analytes import AnalyteError, read_analytes
from calcipath.output.display_units import UnitSystem, shown_in, timeline_in
from calcipath.output.timeline import Series, Timeline

GUIDELINE = load_guideline()
SCHEMA = json.loads((Path(__file__).parents[1] / "data" / "assessment.schema.json").read_text())
VALUES = {
    "17861-6": (8.4, "mg/dL"),
    "2777-1": (5.5, "mg/dL"),
    "2731-8": (300, "pg/mL"),
    "1751-7": (2.5, "g/dL"),
    "2823-3": (6.55, "mmol/L"),
}
# calcium 84 mg/L / 40.078; phosphate 55 / 30.974; PTH 300 ng/L / 9.4248; albumin 2.5 x 10
SI = {
    "calcium-total": (2.10, "mmol/L"),
    "phosphate": (1.78, "mmol/L"),
    "pth": (31.8, "pmol/L"),
    "albumin": (25.0, "g/L"),
    "potassium": (6.55, "mmol/L"),
}


def laboratory(values: dict[str, tuple[float, str]], when: str = "2026-03-10T08:00:00Z") -> list[dict[str, Any]]:
    def observation(code: str, value: float, unit: str) -> dict[str, Any]:
        return {
            "resourceType": "Observation", "id": f"o{code}", "status": "final", "effectiveDateTime": when,
            "subject": {"reference": "Patient/p"}, "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
        }  # fmt: skip

    return [observation(code, *written) for code, written in values.items()]


def assessed(values: dict[str, tuple[float, str]]) -> AssessedRecord:
    dialysis = {
        "resourceType": "Condition", "id": "d", "subject": {"reference": "Patient/p"},
        "clinicalStatus": {"coding": [{"code": "active"}]}, "recordedDate": "2026-03-01",
        "code": {"text": "end stage renal disease on haemodialysis"},
    }  # fmt: skip
    ulcer = {
        "resourceType": "Condition", "id": "u", "subject": {"reference": "Patient/p"},
        "clinicalStatus": {"coding": [{"code": "active"}]}, "recordedDate": "2026-03-09",
        "code": {"text": "painful skin ulcer of the thigh"},
    }  # fmt: skip
    return assess_resources([{"resourceType": "Patient", "id": "p"}, dialysis, ulcer, *laboratory(values)])


def items(value: Any) -> list[dict[str, Any]]:
    """Every {fact, value, unit} of an answer."""
    if isinstance(value, list):
        return [item for each in value for item in items(each)]
    if not isinstance(value, dict):
        return []
    found = [item for each in value.values() for item in items(each)]
    return [value, *found] if {"fact", "value", "unit"} <= value.keys() else found


def values_of(answer: dict[str, Any]) -> dict[str, set[tuple[float, str]]]:
    found: dict[str, set[tuple[float, str]]] = {}
    for item in items(answer):
        found.setdefault(item["fact"], set()).add((item["value"], item["unit"]))
    return found


AMERICAN = assessed(VALUES)


def test_the_answer_in_si_units() -> None:
    shown = values_of(shown_in(AMERICAN.answer, "si", GUIDELINE))
    assert {name: shown[name] for name in SI if name in shown} == {name: {SI[name]} for name in SI if name in shown}
    assert {"calcium-total", "phosphate", "albumin", "potassium"} <= shown.keys()


def test_the_urgent_finding_keeps_its_number_where_only_the_unit_has_another_name() -> None:
    """6.55 mmol/L is 6.55 meq/L: nothing is rounded next to a limit."""
    urgent = next(
        item for item in shown_in(AMERICAN.answer, "us", GUIDELINE)["urgent"] if item["id"] == "hyperkalaemia"
    )
    assert (urgent["value"], urgent["unit"]) == (6.55, "meq/L")
    assert urgent["recorded"] == {"value": 6.55, "unit": "mmol/L"}


def test_the_value_as_recorded_stands_beside() -> None:
    for item in items(shown_in(AMERICAN.answer, "si", GUIDELINE)):
        if item["fact"] == "phosphate":
            assert item["recorded"] == {"value": 5.5, "unit": "mg/dL"}


def test_to_si_and_back_is_the_answer() -> None:
    back = shown_in(shown_in(AMERICAN.answer, "si", GUIDELINE), "us", GUIDELINE)
    direct = shown_in(AMERICAN.answer, "us", GUIDELINE)
    assert values_of(back) == values_of(direct)
    assert values_of(back)["phosphate"] == {(5.5, "mg/dL")}


def test_a_record_in_si_units_is_shown_as_it_was_written() -> None:
    """The answer holds 2.1 mmol/L as 8.4164 mg/dL; in SI units the record's own number comes back, not a conversion."""
    written = {
        "2000-8": (2.1, "mmol/L"),
        "14879-1": (1.83, "mmol/L"),
        "14866-8": (33.3, "pmol/L"),
        "1751-7": (24.4, "g/L"),
    }
    answer = assessed(written).answer
    assert values_of(dict(answer))["calcium-total"] == {(8.4164, "mg/dL")}
    shown = values_of(shown_in(answer, "si", GUIDELINE))
    assert shown["calcium-total"] == {(2.1, "mmol/L")}
    assert shown["phosphate"] == {(1.83, "mmol/L")}
    assert shown["albumin"] == {(24.4, "g/L")}
    assert next(i for i in items(dict(answer)) if i["fact"] == "phosphate")["recorded"] == {
        "value": 1.83,
        "unit": "mmol/L",
    }


def test_everything_else_is_untouched() -> None:
    before = copy.deepcopy(dict(AMERICAN.answer))
    shown = shown_in(AMERICAN.answer, "si", GUIDELINE)
    assert AMERICAN.answer == before
    jsonschema.validate(json.loads(json.dumps(shown)), SCHEMA)

    def bare(value: Any) -> Any:
        if isinstance(value, list):
            return [bare(each) for each in value]
        if isinstance(value, dict):
            kept = (
                value.items()
                if "fact" not in value
                else [(k, v) for k, v in value.items() if k not in ("value", "unit", "recorded")]
            )
            return {key: bare(each) for key, each in kept}
        return value

    assert bare(shown) == bare(before)


@pytest.mark.parametrize("system", ["us", "si"])
def test_an_unknown_analyte_stays(system: UnitSystem) -> None:
    item = {"what": "pain", "fact": "pain-score", "value": 7.0, "unit": "{score}"}
    strange = {"what": "?", "fact": "no-such-fact", "value": 7.0, "unit": "mg/dL"}
    wrong = {"what": "calcium", "fact": "calcium-total", "value": 7.0, "unit": "kg"}
    word = {"what": "calcium", "fact": "calcium-total", "value": "low", "unit": ""}
    answer = {
        "x": [item, strange, wrong, word],
        "conflicts": [{"fact": "calcium is low", "value": 1.0, "unit": "mg/dL"}],
    }
    assert shown_in(answer, system, GUIDELINE) == answer


def test_an_input_of_dosing() -> None:
    read = {"input": "x", "fact": "creatinine", "value": {"value": 1.0, "unit": "mg/dL"}, "used": True}
    shown = shown_in({"dosing": {"read": [read]}}, "si", GUIDELINE)["dosing"]["read"][0]
    # 10 mg/L / 113.12 g/mol = 88.4 umol/L
    assert shown["value"] == {"value": 88.0, "unit": "umol/L", "recorded": {"value": 1.0, "unit": "mg/dL"}}


def test_the_timeline_with_its_bands() -> None:
    shown = {series.name: series for series in timeline_in(AMERICAN.timeline, "si", GUIDELINE).series}
    calcium, pth = shown["total calcium"], shown["intact PTH"]
    assert (calcium.unit, calcium.band_low, calcium.band_high) == ("mmol/L", 2.1, 2.55)  # 84 and 102 mg/L / 40.078
    assert [value for _, value, _ in calcium.points] == [2.1]
    assert (pth.unit, pth.band_low, pth.band_high) == ("pmol/L", 15.9, 31.8)  # 150 and 300 ng/L / 9.4248
    corrected = shown["albumin-corrected calcium"]
    assert [value for _, value, _ in corrected.points] == [2.4]  # 8.4 + 0.8 x (4.0 - 2.5) = 9.6 mg/dL
    assert [panel for panel in timeline_in(AMERICAN.timeline, "si", GUIDELINE).panels() if len(panel) == 2]


def test_a_series_without_an_analyte_stays() -> None:
    timeline = Timeline((Series("pain", "{score}", None, 3.0, ((0.0, 7.0, "Observation/x"),)),))
    assert timeline_in(timeline, "si", GUIDELINE) == timeline


@pytest.mark.parametrize(
    ("us", "says"),
    [({"unit": "mg/dL"}, "a unit and its decimals"), ({"unit": "pg/mL", "decimals": 1}, "one of its accepted units")],
)
def test_a_customary_unit_must_be_one_that_is_read(us: object, says: str) -> None:
    entry = {"id": "x", "accepted_units": ["mg/dL"], "us": us}
    with pytest.raises(AnalyteError, match=says):
        read_analytes({"analytes": [entry]})
