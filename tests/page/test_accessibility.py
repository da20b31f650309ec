"""Every view under axe-core (WCAG 2.2 AA and its best practices), light, dark and at 320 pixels, where nothing is too wide."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from page_walk import AXE, BREAST, RESPONDING, ROOT, THIGH, VIEWS, Walk
from running import Running

URGENT = ROOT / "tests" / "data" / "cases" / "41-dialysis-missed-penicillin-allergy.bundle.json"
UNFOLD = "() => { for (const each of document.querySelectorAll('details')) { each.open = true; } }"


@pytest.fixture
def looking(walk: Walk, required: bool) -> Walk:
    """A page, where axe-core is there to look at it."""
    if not AXE.exists() and not required:
        pytest.skip("axe-core is not installed")
    return walk


def problems(walk: Walk, addresses: list[str]) -> list[str]:
    found = []
    for address in addresses:
        walk.go(address)
        found += walk.violations_in_every_look()
    return found


def test_axe_finds_what_is_wrong(looking: Walk) -> None:
    """It runs on the page, in spite of the content security policy, and sees a fault that is put there."""
    walk = looking.go()
    walk.page.evaluate("() => document.querySelector('label[for=label]').remove()")
    walk.page.evaluate("() => { document.querySelector('footer p').style.color = '#777'; }")  # on dark paper too faint
    walk.page.evaluate("() => { document.body.style.minWidth = '400px'; }")
    found = " ".join(walk.violations_in_every_look())
    assert "label: " in found and "color-contrast: " in found and "80 px too wide" in found


def test_first_screen_error_and_the_dose_without_a_record(looking: Walk) -> None:
    walk = looking
    walk.refused = "/cases/none"
    assert problems(walk, ["/", "/cases/none", "/page/dose"]) == []


@pytest.mark.parametrize(
    ("case", "marked", "views"),
    [
        (THIGH, "#held", VIEWS),
        (URGENT, "#urgent", ("", "/orders", "/summary")),
        (RESPONDING, ".ladder", ("", "/follow-up", "/dose")),
    ],
    ids=["held", "urgent", "follow-up"],
)
def test_every_view_of_a_case(case: str | Path, marked: str, views: tuple[str, ...], looking: Walk) -> None:
    walk = looking
    address = walk.example(case) if isinstance(case, str) else walk.bring(case)
    assert walk.page.locator(marked).count() == 1
    assert problems(walk, [f"{address}{view}" for view in views]) == []


def test_after_a_slider_moved_and_with_everything_unfolded(looking: Walk) -> None:
    walk = looking
    address = walk.example(BREAST)
    walk.go(f"{address}/dose")
    before = walk.shown()
    walk.page.locator("[data-for=dose-hours]").fill("5")
    walk.wait_for_result(before)
    walk.page.evaluate(UNFOLD)
    found = walk.violations_in_every_look()
    for view in ("", "/record", "/follow-up"):
        walk.go(f"{address}{view}").page.evaluate(UNFOLD)
        found += walk.violations_in_every_look()
    assert found == []


def test_what_is_seen_when_something_is_wrong(looking: Walk) -> None:
    walk = looking
    address = walk.example(RESPONDING)
    walk.refused = "/visits"
    walk.go(f"{address}/follow-up").page.fill("#visit-pain", "much")
    walk.button("Save the visit").click()
    walk.page.wait_for_selector(".message.error")
    assert walk.page.input_value("#visit-pain") == "much"
    assert walk.violations_in_every_look() == []


def test_login_accounts_and_password(looking: Walk, guarded: Running) -> None:
    walk = looking
    walk.base = guarded.base
    found = problems(walk, ["/page/login"])
    walk.login("ada")
    address = walk.example(THIGH)
    assert found + problems(walk, ["/", "/page/accounts", "/page/password", f"{address}/record"]) == []


def test_headings_are_in_order_on_every_view(walk: Walk) -> None:
    """One h1, first; no level is left out on the way down."""
    addresses = ["/", "/page/dose", *(f"{walk.example(THIGH)}{view}" for view in VIEWS)]
    for address in addresses:
        walk.go(address)
        levels = [
            int(each[1]) for each in walk.page.eval_on_selector_all("h1,h2,h3,h4,h5", "all => all.map(e => e.tagName)")
        ]
        assert levels[0] == 1 and levels.count(1) == 1, address
        assert all(after <= before + 1 for before, after in pairwise(levels)), address


def test_no_id_stands_twice_and_every_label_names_a_control(walk: Walk) -> None:
    addresses = ["/", "/page/dose", *(f"{walk.example(THIGH)}{view}" for view in VIEWS)]
    for address in addresses:
        ids = walk.go(address).page.eval_on_selector_all("[id]", "all => all.map(each => each.id)")
        assert sorted(ids) == sorted(set(ids)), address
        loose = "all => all.filter(each => !each.control).map(each => each.outerHTML)"
        assert walk.page.eval_on_selector_all("label", loose) == [], address


def test_every_word_of_state_is_there_without_colour(walk: Walk) -> None:
    """What colour tells is told in words too: the step of suspicion, held, strengths, the view, the units."""
    address = walk.example(THIGH)
    assert "Suspicion: suspected." in walk.said()
    assert walk.said("#held .word").lower() == "held"
    words = {each.strip().lower() for each in walk.page.locator(".rows .word").all_inner_texts()}
    assert words and words <= {"do", "suggest", "option", "note", "avoid", "stop"}
    assert walk.page.get_attribute(".tabs a:text-is('Assessment')", "aria-current") == "page"
    assert walk.page.get_attribute(".units button:text-is('US units')", "aria-pressed") == "true"
    walk.go(f"{address}/dose").page.select_option("#dose-salt", "pentahydrate")
    walk.wait_for_result(0)
    key = walk.page.text_content("#dose-curve svg")
    assert "solid: this regimen" in key and "dashed: reference regimen" in key
