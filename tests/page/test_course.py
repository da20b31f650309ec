"""A case followed over visits by the forms alone, and a service that is stopped and started in between."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from page_walk import Walk, store_in
from running import serving

# a red square of 1 pixel as PNG
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
)


def day(before: int) -> str:
    return (datetime.now().astimezone() - timedelta(days=before)).date().isoformat()


def begin(walk: Walk) -> str:
    page = walk.go().page
    page.get_by_label("date of birth or age").fill("58")
    page.get_by_role("radio", name="Haemodialysis", exact=True).check()
    page.get_by_role("radio", name="Ulcer", exact=True).check()
    page.get_by_role("checkbox", name="Lower leg").check()
    walk.button("Assess").click()
    return walk.case()


def save_visit(walk: Walk, address: str, when: str, pain: str, size: tuple[str, str], **more: str) -> None:
    page = walk.go(f"{address}/follow-up").page
    page.fill("#visit-when", when)
    page.fill("#visit-pain", pain)
    page.fill("#visit-site-0", "left shin")
    page.fill("#visit-length-0", size[0])
    page.fill("#visit-width-0", size[1])
    for name, value in more.items():
        page.fill(f"#visit-{name}", value)
    walk.button("Save the visit").click()
    page.wait_for_url("**/follow-up?done=visit")
    assert "Done. The visit is saved." in walk.said("#said")


def test_over_two_visits_to_responding(walk: Walk) -> None:
    """Pain from 8 to 3 and 20 to 9 cm² in 28 days of treatment: less pain and smaller wounds."""
    address = begin(walk)
    save_visit(walk, address, day(28), "8", ("5", "4"), grams="25")
    assert "Responding" not in walk.said("#response")
    save_visit(walk, address, day(0), "3", ("4,5", "2"), grams="25")
    response = walk.said("#response")
    assert "Responding: pain is better and the wounds are not larger." in response
    assert "8 to 3 points" in response and "20 to 9 cm2" in response
    picture: Any = walk.page.locator("#response svg")
    assert picture.count() >= 1
    walk.page.click("#response summary")
    table = walk.said("#response table")
    assert day(28) in table and day(0) in table


def test_a_visit_is_kept_whole_or_not_at_all(walk: Walk) -> None:
    address = begin(walk)
    walk.refused = "/visits"
    page = walk.go(f"{address}/follow-up").page
    page.fill("#visit-pain", "4")
    page.fill("#visit-length-0", "3")
    walk.button("Save the visit").click()
    page.wait_for_selector(".message.error")
    assert "both its length and its width" in walk.said(".message.error")
    assert page.input_value("#visit-pain") == "4" and page.input_value("#visit-length-0") == "3"
    walk.go(f"{address}/follow-up")
    assert "pain, points" not in walk.said("#response")


def test_restarting_the_service_loses_nothing(opening: Any, tmp_path: Path) -> None:
    """The same browser, whose session has outlived the process, sees the same case; the picture comes back by byte."""
    picture = tmp_path / "wound.png"
    picture.write_bytes(PICTURE)
    store = ("--store", store_in(tmp_path))
    with serving(tmp_path, *store) as running:
        walk = opening(running.base)
        address = begin(walk)
        save_visit(walk, address, day(0), "8", ("5", "4"))
        page = walk.page
        page.set_input_files("#picture", str(picture))
        page.get_by_label("Consent: who agreed to what").fill("the patient, for the record")
        walk.button("Keep the photograph").click()
        page.wait_for_url("**/follow-up?done=photograph")
        page.fill("#next-visit", day(-14))
        walk.button("Plan it").click()
        page.wait_for_url("**/follow-up?done=settings")
        before = [walk.go(f"{address}{view}").said() for view in ("/follow-up", "/record")]
        port = int(running.base.rpartition(":")[2])
    with serving(tmp_path, *store, port=port):
        after = [walk.go(f"{address}{view}").said() for view in ("/follow-up", "/record")]
        assert after == before
        assert f"Next visit: {day(-14)}" in after[0]
        walk.go(f"{address}/follow-up")
        assert "left shin" in page.text_content("#response")
        page.locator("figure img").scroll_into_view_if_needed()
        page.wait_for_function("() => document.querySelector('figure img').naturalWidth === 1")
        walk.go()
        assert page.locator("#cases li").count() == 1
