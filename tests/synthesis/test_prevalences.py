"""A generated population has what its sources say, within the tolerance of its size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from synthetic import setting

from calcipath.synthesis.chance import Flags
from calcipath.synthesis.content import content
from calcipath.synthesis.laboratory import measure
from calcipath.synthesis.people import People, draw_people

SIZE = 20_000
SIGMAS = 4.0


@pytest.fixture(scope="module")
def renal() -> People:
    return draw_people(setting(), content(), 0, 1, SIZE)


@pytest.fixture(scope="module")
def mixed() -> People:
    return draw_people(setting("mixed"), content(), 0, 1, SIZE)


def _trait(name: str) -> Callable[[People], Flags]:
    return lambda people: people.has(name)


def _without_calciphylaxis(people: People) -> Flags:
    return people.dialysis & ~people.has("calciphylaxis")


def _dialysis(people: People) -> Flags:
    return people.dialysis


def _general(people: People) -> Flags:
    return ~people.dialysis


# prevalence: (who has it, among whom)
DIALYSIS: dict[str, tuple[Callable[[People], Flags], Callable[[People], Flags]]] = {
    "on-dialysis-renal": (_dialysis, lambda people: people.number > 0),
    "female-dialysis": (lambda people: people.female, _without_calciphylaxis),
    "peritoneal-dialysis": (lambda people: people.modality == 3, _dialysis),
    "haemodiafiltration": (lambda people: people.modality == 2, _dialysis),
    "diabetes-dialysis": (_trait("diabetes"), _dialysis),
    "obesity-dialysis": (_trait("obesity"), _dialysis),
    "hypertension-dialysis": (_trait("hypertension"), _dialysis),
    "heart-failure-dialysis": (_trait("heart-failure"), _dialysis),
    "peripheral-arterial-disease-dialysis": (_trait("peripheral-arterial-disease"), _dialysis),
    "atrial-fibrillation-dialysis": (_trait("atrial-fibrillation"), _dialysis),
    "warfarin-in-fibrillation-dialysis": (
        _trait("warfarin"),
        lambda people: _without_calciphylaxis(people) & people.has("atrial-fibrillation"),
    ),
    "calcium-acetate": (_trait("calcium-acetate"), _dialysis),
    "sevelamer": (_trait("sevelamer"), _dialysis),
    "iron-sucrose": (_trait("iron-sucrose"), _dialysis),
    "cinacalcet": (_trait("cinacalcet"), _dialysis),
    "active-vitamin-d": (_trait("active-vitamin-d"), _dialysis),
    "secondary-hyperparathyroidism": (_trait("secondary-hyperparathyroidism"), _dialysis),
    "calciphylaxis-dialysis": (_trait("calciphylaxis"), _dialysis),
    "suspicious-lesion-dialysis": (_trait("suspicious-lesion"), _without_calciphylaxis),
    "leg-ulcer-dialysis": (
        _trait("leg-ulcer"),
        lambda people: _without_calciphylaxis(people) & ~people.has("suspicious-lesion"),
    ),
    "died": (lambda people: people.died, lambda people: people.number > 0),
}
MIXED: dict[str, tuple[Callable[[People], Flags], Callable[[People], Flags]]] = {
    "on-dialysis-mixed": (_dialysis, lambda people: people.number > 0),
    "female-general": (lambda people: people.female, _general),
    "kidney-disease-3-mixed": (lambda people: people.kidney_disease == 3, _general),
    "diabetes-general": (_trait("diabetes"), _general),
    "hypertension-general": (_trait("hypertension"), _general),
}


def _within(people: People, name: str, has: Callable[[People], Flags], among: Callable[[People], Flags]) -> bool:
    members = among(people)
    share, size = content().shares[name], int(members.sum())
    found = int((has(people) & members).sum())
    return bool(abs(found - size * share) <= SIGMAS * (size * share * (1 - share)) ** 0.5 + 1)


@pytest.mark.parametrize("name", DIALYSIS)
def test_a_share_of_patients_on_dialysis(renal: People, name: str) -> None:
    assert _within(renal, name, *DIALYSIS[name])


@pytest.mark.parametrize("name", MIXED)
def test_a_share_of_a_mixed_population(mixed: People, name: str) -> None:
    assert _within(mixed, name, *MIXED[name])


def test_those_with_calciphylaxis_resemble_the_registry() -> None:
    people = draw_people(setting(enrich=100), content(), 0, 1, SIZE)
    for name, has in (
        ("female-calciphylaxis", lambda each: each.female),
        ("warfarin-calciphylaxis", _trait("warfarin")),
    ):
        assert _within(people, name, has, _trait("calciphylaxis"))


def test_enriching_multiplies_the_rare() -> None:
    people = draw_people(setting(enrich=50), content(), 0, 1, SIZE)
    expected = content().shares["calciphylaxis-dialysis"] * 50 * people.dialysis.sum()
    assert (people.has("calciphylaxis") & people.dialysis).sum() == pytest.approx(expected, rel=0.1)


def test_the_ages_are_those_of_the_source(renal: People) -> None:
    years = (setting().as_of - renal.born[renal.dialysis]) / 365.25
    whole = sum(weight for *_, weight in content().ages["dialysis"])
    for low, high, weight in content().ages["dialysis"]:
        found = ((years >= low - 0.01) & (years < high + 1)).mean()
        assert found == pytest.approx(weight / whole, abs=0.02)


@pytest.mark.parametrize("name", ["calcium", "phosphate", "albumin", "haemoglobin"])
def test_newest_values_have_the_mean_and_spread_of_the_source(renal: People, name: str) -> None:
    shape = content().analytes[name].shapes["dialysis"]
    newest = _newest(renal)[name]
    assert newest.mean() == pytest.approx(shape.centre, rel=0.02)
    assert newest.std() == pytest.approx(shape.spread, rel=0.06)


def test_parathyroid_hormone_has_the_quartiles_of_the_source(renal: People) -> None:
    low, middle, high = np.percentile(_newest(renal)["pth"], [25, 50, 75])
    assert middle == pytest.approx(193, rel=0.06)
    assert low == pytest.approx(98, rel=0.12)
    assert high == pytest.approx(336, rel=0.12)


def _newest(people: People) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    found = measure(setting(), content(), 0, draw_people(setting(), content(), 0, 1, 3000)).newest
    return {name: held.value[~np.isnan(held.value)] for name, held in found.items()}
