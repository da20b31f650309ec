"""What is printed, the reader's units on every view, and how much is carried to the browser."""

from __future__ import annotations

import gzip

from page_walk import RESPONDING, THIGH, VIEWS, Walk

MOST_BYTES = 500_000
WITHOUT_CHOICES = "() => { for (const each of document.querySelectorAll('main select')) { each.remove(); } }"
LEFT_OUT = "nav, form, button, input, textarea, select, footer, .skip"


def test_on_paper_there_is_no_navigation_and_no_form(walk: Walk) -> None:
    """Follow-up's and record's forms are their reason to be: what one prints there is their answer."""
    address = walk.example(THIGH)
    for view in ("", "/orders", "/dose", "/summary", "/patient"):
        walk.go(f"{address}{view}").page.emulate_media(media="print")
        seen = walk.page.eval_on_selector_all(
            LEFT_OUT, "all => all.filter(each => each.checkVisibility()).map(each => each.outerHTML.slice(0, 120))"
        )
        assert seen == [], view
        assert walk.page.locator("main h1, main h2").first.is_visible(), view
        walk.page.emulate_media(media="screen")


def test_on_paper_the_patients_page_does_not_bear_the_name_of_the_readers_list(walk: Walk) -> None:
    address = walk.example(THIGH)
    walk.go(f"{address}/patient").page.emulate_media(media="print")
    assert not walk.page.is_visible(".case-name")
    walk.go(f"{address}/summary")
    assert walk.page.is_visible(".case-name")


def test_units_are_switched_on_every_view_and_stay(walk: Walk) -> None:
    """Calcium 9.4 mg/dL is 9.4 / 4.008 = 2.35 mmol/L: the switch changes what is shown and what is offered first."""
    address = walk.example(THIGH)
    american = {view: walk.go(f"{address}{view}").said() for view in VIEWS}
    walk.go(f"{address}/orders").button("SI units").click()
    walk.page.wait_for_selector(".units button[value=si][aria-pressed=true]")
    assert walk.page.url == f"{walk.base}{address}/orders"
    for view in VIEWS:
        walk.go(f"{address}{view}")
        assert walk.page.get_attribute(".units button[value=si]", "aria-pressed") == "true", view
        walk.page.evaluate(WITHOUT_CHOICES)
        assert "mg/dL" not in walk.said(), view
    assert "mg/dL" in american[""]
    walk.go(f"{address}/follow-up")
    assert walk.page.get_by_label("Unit of What is the total calcium?").input_value() == "mmol/L"


def test_all_of_a_visit_weighs_less_than_500_kilobytes_when_it_is_compressed(walk: Walk) -> None:
    """Every address that the browser asks for, over all views of a case; each is compressed here as a proxy would."""
    address = walk.example(RESPONDING)
    walk.requests.clear()
    for view in VIEWS:
        walk.go(f"{address}{view}")
    asked = sorted(set(walk.requests))
    weighed = {each: len(gzip.compress(walk.page.context.request.get(each).body(), 6)) for each in asked}
    assert any(each.endswith("page.js") for each in weighed) and any(each.endswith(".css") for each in weighed)
    assert sum(weighed.values()) < MOST_BYTES


def test_the_browser_asks_nobody_else(walk: Walk) -> None:
    address = walk.example(THIGH)
    for view in VIEWS:
        walk.go(f"{address}{view}")
    assert [each for each in walk.requests if not each.startswith((walk.base, "blob:", "data:"))] == []
