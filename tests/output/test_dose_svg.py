"""The drawn curve: where its peak lies, what its words say, and that it needs no colour and no time."""

from __future__ import annotations

import re
from typing import Any

import pytest

from calcipath.dosing import (
    Dosed,
    DoseOptions,
    curve_of,
    dosed,
    reference_curve_of,
)
from calcipath.output.dose_svg import GUTTER, MARGIN, PLOT, WIDTHS, draw_dose_curve

NIGHT = {"modality": "hemodialysis", "sessions": 5, "hours": 8}
CVVH = {"modality": "cvvh", "effluent": 25, "predilution": 0.5, "blood_flow": 200}


def asked(**options: Any) -> Dosed:
    return dosed(DoseOptions(**({"weight": 70, "salt": "pentahydrate", "dose": 25, "population": 200} | options)))


@pytest.fixture(scope="module")
def night() -> Dosed:
    return asked(**NIGHT)


def points(line: dict[str, str]) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in line["points"].split())]


def test_the_drawing_says_what_the_answer_says(night: Dosed, outline: Any) -> None:
    found = outline(draw_dose_curve(curve_of(night, others=False), reference_curve_of(night)))
    # peak of the published example (docs/dosing.md): 3.62 mmol/L for this regimen and for the reference regimen
    about = found.named["dose-wide-about"]
    assert "This regimen in the typical patient: peak 3.62 mmol/L at day 1, 8 h" in about
    assert "Reference regimen: peak 3.62 mmol/L at day 1, 4 h" in about
    assert "5 infusions, 5 dialysis sessions" in about
    assert found.named["dose-narrow-about"] == about


def test_the_peak_stands_where_the_axis_puts_it(night: Dosed, outline: Any) -> None:
    found = outline(draw_dose_curve(curve_of(night, others=False)))
    line = points(found.of("polyline", class_="first")[0])
    x, y = min(line, key=lambda point: point[1])
    # the axis runs from 0 to 5 mmol/L (the 95th percentile lies under 5) over 190 px, and 168 h over the plot's width
    assert y == pytest.approx(PLOT * (1 - 3.62 / 5), abs=0.4)
    width = WIDTHS["wide"] - MARGIN - GUTTER
    peaks = [GUTTER + width * (24 * day + 8) / 168 for day in (0, 1, 2, 4, 5)]
    assert min(abs(x - peak) for peak in peaks) < 0.2
    assert min(y for _, y in line) >= 0
    assert max(y for _, y in line) <= PLOT


def test_both_forms_hold_the_same_and_fit_their_width(night: Dosed, outline: Any) -> None:
    found = outline(draw_dose_curve(curve_of(night), reference_curve_of(night)))
    boxes = {each["class"]: each["viewbox"].split() for each in found.of("svg")}
    assert boxes["wide"][2] == "760"
    assert boxes["narrow"][2] == "320"
    for line in found.of("polyline"):
        assert max(x for x, _ in points(line)) <= 760 - MARGIN + 0.1
    narrow = draw_dose_curve(curve_of(night), reference_curve_of(night)).split('class="narrow"')[1]
    assert max(float(x) for x in re.findall(r' x="([\d.]+)"', narrow)) <= 320


def test_every_line_is_told_apart_without_colour(outline: Any) -> None:
    continuous = asked(**CVVH)
    found = outline(draw_dose_curve(curve_of(continuous), reference_curve_of(continuous)))
    kinds = {each["class"] for each in found.of("polyline")}
    assert kinds == {"curve first", "curve second", "curve other"}
    for said in ("solid: this regimen", "dashed: reference regimen", "dotted: 478 min half-life", "5 to 95 %"):
        assert said in found.text
    assert not [each for _, each in found.elements for key in each if key in ("fill", "stroke")]


def test_sessions_and_infusions_have_lanes(night: Dosed, outline: Any) -> None:
    found = outline(draw_dose_curve(curve_of(night)))
    assert len(found.of("rect", class_="session")) == 2 * 5
    bars = found.of("rect", class_="bar")
    assert len([each for each in bars if each["class"] == "bar"]) == 2 * 5
    assert len([each for each in bars if each["class"] == "bar ended"]) == 2 * 5


def test_the_table_holds_the_edges_with_their_levels(night: Dosed, outline: Any) -> None:
    found = outline(draw_dose_curve(curve_of(night), reference_curve_of(night)))
    assert "day 1, 8 h session ends, infusion ends 3.62" in found.text
    assert "day 1, 7 h infusion begins" in found.text


def test_without_dialysis_and_without_the_spread(outline: Any) -> None:
    none = asked(modality="none", gfr=40)
    found = outline(draw_dose_curve(curve_of(none), band=False))
    assert "0 dialysis sessions" in found.named["dose-wide-about"]
    assert "virtual" not in found.text
    assert not found.of("polygon")


def test_the_reference_is_that_of_the_answer(night: Dosed) -> None:
    curve = reference_curve_of(night)
    assert curve is not None
    (levels,) = curve.concentration.values()
    assert float(levels.max()) == pytest.approx(night.answer["reference"]["peak"]["value"], rel=1e-9)
    assert float(curve.auc[-1]) == pytest.approx(night.answer["reference"]["weekly_auc"]["value"], rel=1e-9)
    assert [round(end - start, 9) for start, end in curve.sessions] == [4.0, 4.0, 4.0]


def test_at_exactly_sixty_kilograms_there_is_no_reference() -> None:
    assert reference_curve_of(asked(weight=60, **NIGHT)) is None


def test_two_hours_have_an_axis_in_hours(night: Dosed, outline: Any) -> None:
    found = outline(draw_dose_curve(curve_of(night, days=2.0, beginning="first-dose")))
    assert "hours since the first dose began" in found.text
    assert "from the first dose" in found.named["dose-wide-title"]


def test_two_pictures_on_one_page(night: Dosed, outline: Any) -> None:
    curve = curve_of(night, others=False)
    both = draw_dose_curve(curve) + draw_dose_curve(curve, place="other")
    outline(both)
    ids = re.findall(r' id="([^"]+)"', both)
    assert ids
    assert len(ids) == len(set(ids))


def test_the_other_readings_are_left_out_where_they_are_not_asked_for(night: Dosed) -> None:
    every, first = curve_of(night), curve_of(night, others=False)
    assert list(first.concentration) == list(every.concentration)[:1]
    assert list(first.titles) == list(first.concentration)
    (levels,) = first.concentration.values()
    assert levels.tolist() == next(iter(every.concentration.values())).tolist()
