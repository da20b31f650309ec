"""The page opened from an EHR in a real Chromium: launch, login, consent, the patient's assessment, and no token in sight."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from authorization_server import App
from authorization_server import serving as serving_ehr
from records import condition, drug, record
from running import free_port, serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
REQUIRED = os.environ.get("CALCIPATH_REQUIRE_ORACLES") == "1"
pytestmark = pytest.mark.skipif(CHROMIUM is None and not REQUIRED, reason="no Chromium is installed")


def resources() -> list[dict[str, Any]]:
    found = record(drug(7, "Warfarin 5 mg"), condition(9, "Painful necrotic ulcer of the thigh"))
    found[0] |= {"name": [{"family": "Example", "given": ["Ada"]}]}
    return found


@pytest.fixture
def page() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def test_from_the_ehr_to_the_assessment(page: Any, tmp_path: Path) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    app = App("calcipath", f"{base}/smart/callback")
    with serving_ehr(app, resources=resources(), app_address=f"{base}/smart/launch") as ehr:
        issuer = ehr.fhir
        (tmp_path / "settings.yaml").write_text(
            f"fhir_servers: ['{issuer}']\nsmart:\n  client_id: calcipath\n  issuers: ['{issuer}']\n"
        )
        with serving(tmp_path, "--settings", "settings.yaml", port=port) as running:
            problems: list[str] = []
            page.on("console", lambda said: _note(said, problems))
            page.goto(f"{ehr.url}/ehr")
            page.get_by_text("Open calcipath for").first.click()
            page.get_by_role("button", name="Allow").click()
            page.wait_for_url(f"{base}/smart/patient/**")
            text = page.inner_text("body")
            assert "vitamin K antagonist" in text or "Warfarin" in text
            assert "code=" not in page.url and "state=" not in page.url
            cookies = {each["name"]: each for each in page.context.cookies()}
            session = cookies["calcipath-session"]
            assert session["httpOnly"] and session["sameSite"] == "Lax"
            token = next(iter(ehr.tokens))
            assert token not in page.content() and token not in str(cookies)
            assert problems == []
            # without the cookie the address opens nothing
            stranger = page.context.browser.new_context().new_page()
            answer = stranger.goto(page.url)
            assert answer.status == 401 and "session has ended" in stranger.inner_text("body")
        assert token not in running.log.read_text() and "Example" not in running.log.read_text()


def _note(said: Any, problems: list[str]) -> None:
    """Errors of the page; browsers ask for an icon of their own accord."""
    if said.type == "error" and not said.location["url"].endswith("/favicon.ico"):
        problems.append(said.text)


def test_an_ehr_that_is_not_listed_is_refused(page: Any, tmp_path: Path) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    app = App("calcipath", f"{base}/smart/callback")
    with serving_ehr(app, resources=resources(), app_address=f"{base}/smart/launch") as ehr:
        (tmp_path / "settings.yaml").write_text(
            "smart:\n  client_id: calcipath\n  issuers: ['https://other.example/fhir']\n"
        )
        with serving(tmp_path, "--settings", "settings.yaml", port=port):
            page.goto(f"{ehr.url}/ehr")
            page.get_by_text("Open calcipath for").first.click()
            assert "not set up for the record system" in page.inner_text("body")
