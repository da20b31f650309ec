"""The trend picture: each site a line of its own, told apart without colour, at the right place, with doses and visits."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from calcipath.api import assess_resources
from calcipath.output import wording
from calcipath.output.timeline import Bar, Mark
from calcipath.output.trend_svg import GUTTER, MARGIN, WIDTHS, draw_trend, tracks_of


def seconds(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def point(day: str, value: float, site: str = "") -> dict[str, Any]:
    return {"reference": f"Observation/{day}", "what": "x", "date": day, "value": value, "site": site}


COURSE = {
    "verdict": "pain-only",
    "because": [{"what": "Pain is better: 9 to 4 points (-56 %).", "evidence": []}],
    "series": [
        {"name": "pain", "unit": "points", "points": [point("2026-01-01", 9), point("2026-01-11", 6), point("2026-01-21", 4)]},
        {
            "name": "wound-area",
            "unit": "cm2",
            "points": [
                point("2026-01-01", 12, "61396006"),
                point("2026-01-21", 18, "61396006"),
                point("2026-01-11", 4, "left calf"),
            ],
        },
    ],
}  # fmt: skip
DOSES = (Bar("sodium thiosulfate", seconds("2026-01-02"), seconds("2026-01-12"), current=False),)
VISITS = (Mark("clinic", seconds("2026-01-11"), "visit"), Mark("dressing", seconds("2026-01-21"), "visit"))


def drawn(course: dict[str, Any] = COURSE, **more: Any) -> str:
    return draw_trend(
        course, doses=DOSES, visits=VISITS, sites={"61396006": "thigh, left"}, now=seconds("2026-01-21"), **more
    )


def test_the_verdict_is_in_words(outline: Any) -> None:
    found = outline(drawn())
    assert wording.sentence(wording.COURSES["pain-only"]) in found.text
    assert "Pain is better: 9 to 4 points" in found.text


@pytest.mark.parametrize("verdict", wording.COURSES)
def test_each_verdict_has_its_words_without_a_measurement(verdict: str, outline: Any) -> None:
    found = outline(draw_trend({"verdict": verdict, "because": [], "series": []}))
    assert wording.COURSES[verdict][1:] in found.text
    assert not found.of("svg")


def test_numbers_in_words(outline: Any) -> None:
    about = outline(drawn()).named["trend-wide-about"]
    assert "Pain, points: 9 on 2026-01-01 to 4 on 2026-01-21" in about
    assert "Wound area (thigh, left), cm²: 12 on 2026-01-01 to 18 on 2026-01-21" in about
    assert "Wound area (left calf), cm²: 4 on 2026-01-11" in about
    assert "sodium thiosulfate: from 2026-01-02 to 2026-01-12" in about


def test_points_stand_where_time_and_value_put_them(outline: Any) -> None:
    pain = outline(drawn()).of("polyline")[0]["points"].split()
    pairs = [tuple(map(float, each.split(","))) for each in pain]
    width = WIDTHS["wide"] - MARGIN - GUTTER
    assert [x for x, _ in pairs] == pytest.approx([GUTTER, GUTTER + width / 2, GUTTER + width], abs=0.06)
    top, foot = pairs[0][1] - 84 * 0.1, pairs[0][1] + 84 * 0.9  # 9 of 10 on 84 px
    assert [y for _, y in pairs] == pytest.approx([foot - 84 * 0.9, foot - 84 * 0.6, foot - 84 * 0.4], abs=0.1)
    assert top < foot


def test_sites_differ_in_dash_shape_and_name(outline: Any) -> None:
    names = ["a", "b", "c", "d"]
    points = [point(day, 5.0 + place, name) for place, name in enumerate(names) for day in ("2026-01-01", "2026-01-20")]
    found = outline(
        draw_trend({"verdict": "unknown", "series": [{"name": "wound-area", "unit": "cm2", "points": points}]})
    )
    assert {each["class"] for each in found.of("polyline")} == {
        f"curve {k}" for k in ("first", "second", "third", "fourth")
    }
    assert found.of("circle", class_="first")
    assert found.of("circle", class_="second")
    assert found.of("rect", class_="third")
    assert found.of("polygon", class_="fourth")
    assert not [each for _, each in found.elements if {"fill", "stroke"} & set(each)]
    for name in names:
        assert f" {name} " in f" {found.text} "


def test_doses_and_visits_are_drawn_and_listed(outline: Any) -> None:
    found = outline(drawn())
    assert len(found.of("rect", class_="ended")) == 2
    assert len(found.of("circle", class_="disc")) == 4
    assert "clinic 2026-01-11" in found.text
    assert "2026-01-21 wound area (thigh, left) 18 cm² Observation/" in found.text


def test_many_doses_of_one_drug_share_a_row(outline: Any) -> None:
    days = range(2, 20)
    single = tuple(
        Bar("sodium thiosulfate", seconds(f"2026-01-{d:02}"), seconds(f"2026-01-{d:02}"), current=False) for d in days
    )
    many = outline(draw_trend(COURSE, doses=single))
    assert many.of("svg")[0]["viewbox"] == outline(draw_trend(COURSE, doses=DOSES)).of("svg")[0]["viewbox"]
    assert len(many.of("rect", class_="ended")) == 2 * len(days)
    assert "sodium thiosulfate: 18 periods, 2026-01-02 to 2026-01-19" in many.named["trend-wide-about"]


def test_a_point_without_a_date_or_number_is_not_drawn() -> None:
    odd = {"series": [{"name": "pain", "unit": "points", "points": [{"value": 3}, {"date": "2026-01-01", "value": "3"}, {"date": "no day", "value": 1}]}]}  # fmt: skip
    assert tracks_of(odd, {}) == ()


def test_one_value_and_doses_alone(outline: Any) -> None:
    lone = {"verdict": "unknown", "series": [{"name": "pain", "unit": "points", "points": [point("2026-01-01", 0)]}]}
    assert outline(draw_trend(lone)).of("circle")
    assert outline(draw_trend({"verdict": "too-early", "series": []}, doses=DOSES)).of("svg")
    outline(drawn() + drawn(place="again"))


def test_the_course_of_an_assessment(outline: Any) -> None:
    patient = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1960-01-01"}
    scores = [
        {
            "resourceType": "Observation", "id": f"pain-{day}", "status": "final", "subject": {"reference": "Patient/p"},
            "code": {"coding": [{"system": "http://loinc.org", "code": "72514-3"}], "text": "Pain severity 0-10"},
            "effectiveDateTime": f"2026-01-{day}", "valueQuantity": {"value": value, "unit": "{score}", "code": "{score}", "system": "http://unitsofmeasure.org"},
        }
        for day, value in (("01", 8), ("25", 3))
    ]  # fmt: skip
    given = {
        "resourceType": "MedicationAdministration", "id": "sts", "status": "in-progress", "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": {"text": "sodium thiosulfate"}, "effectivePeriod": {"start": "2026-01-02"},
    }  # fmt: skip
    course = assess_resources([patient, *scores, given]).answer["course"]
    assert course["verdict"] == "responding" or course["series"], json.dumps(course)
    found = outline(draw_trend(course))
    assert "Pain, points: 8 on 2026-01-01 to 3 on 2026-01-25" in found.named["trend-wide-about"]


def test_the_page_styles_every_class_of_the_picture() -> None:
    css = (Path(__file__).parents[2] / "src/calcipath/output/page.css").read_text(encoding="utf-8")
    for name in ("curve.second", "curve.third", "curve.fourth", "curve.other", "spread", "session", "limit"):
        assert f"svg .{name} " in css
    for name in ("dot.second", "dot.third", "dot.fourth"):
        assert f"svg .{name}" in css
