"""What somebody does in the browser, and what is looked at on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from calcipath.register.accounts import Role

ROOT = Path(__file__).parents[2]
AXE = ROOT / "tests" / "oracles" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
OF_COLOUR = ("color-contrast", "link-in-text-block")
THIGH, BREAST, RESPONDING = "thigh-ulcer-four-sessions", "haemodialysis-breast-eschar", "follow-up-responding"
ACCOUNTS: tuple[tuple[str, Role], ...] = (("ada", "administrator"), ("cleo", "clinician"), ("rosa", "reader"))
PASSWORD = "four words are better"  # noqa: S105  of the tests


def store_in(folder: Path) -> str:
    """The address of a store in a folder."""
    return f"sqlite:///{folder / 'store.sqlite'}"


VIEWS = ("", "/orders", "/dose", "/follow-up", "/summary", "/patient", "/record")
_RUN_AXE = """asked => Promise.race([
    axe.run(document, {...asked, resultTypes: ["violations"]}),
    new Promise((_, fail) => setTimeout(() => fail(new Error("axe did not end")), 60000)),
]).then(found =>
    found.violations.map(one => one.id + ": " + one.nodes.slice(0, 3).map(node => node.html.slice(0, 200)).join(" | ")))"""
_WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@cache
def axe_core() -> str:
    return AXE.read_text(encoding="utf-8")


@dataclass
class Walk:
    """`page`: Playwright's. `complaints`: what the console called an error (a breach of the CSP is one), and exceptions.
    `refused`: an address whose error status the test expects, which the console reports too."""

    page: Any
    base: str
    complaints: list[str] = field(default_factory=list)
    refused: str = "\0"
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def _heard(self, said: Any) -> None:
        expected = said.location["url"].split("?")[0].endswith(self.refused) and "Failed to load resource" in said.text
        if said.type == "error" and not expected:
            self.complaints.append(said.text)

    def go(self, address: str = "/") -> Walk:
        """Open an address of the service."""
        self.page.goto(f"{self.base}{address}")
        return self

    def example(self, name: str) -> str:
        """Make a case of a shipped example; the case's address."""
        self.go()
        self.page.click(f"button[value={name}]")
        return self.case()

    def login(self, name: str) -> Walk:
        """As one of `ACCOUNTS`."""
        self.go("/page/login")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.button("Log in").click()
        self.page.wait_for_url(f"{self.base}/")
        return self

    def case(self) -> str:
        """The address of the case that is shown, without what follows it."""
        self.page.wait_for_url("**/cases/*")
        return str(self.page.url).removeprefix(self.base).partition("#")[0]

    def bring(self, file: Path, *, complete: bool = False) -> str:
        """Upload a record from the first screen; the case's address."""
        self.go()
        self.page.set_input_files("#record", str(file))
        if complete:
            self.page.check("#complete")
        self.page.get_by_role("button", name="Assess this record").click()
        return self.case()

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)

    def said(self, place: str = "main") -> str:
        """The text of an element as a reader sees it."""
        return str(self.page.inner_text(place))

    def shown(self) -> int:
        """How often the script has put a new dosing result in place."""
        return int(self.page.get_attribute("#dose-result", "data-shown") or 0)

    def wait_for_result(self, before: int) -> None:
        """Wait until a result newer than `before` stands, and none is on its way."""
        self.page.wait_for_function(
            "n => { const place = document.getElementById('dose-result');"
            " return Number(place.dataset.shown ?? 0) > n && !place.hasAttribute('aria-busy'); }",
            arg=before,
        )

    def violations(self, asked: dict[str, Any] | None = None) -> list[str]:
        """What axe-core finds on the page as it stands; by all its rules, or those that are asked for."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(axe_core())
        found = self.page.evaluate(_RUN_AXE, asked or {"runOnly": {"type": "tag", "values": list(RULES)}})
        return [f"{self.page.url} {each}" for each in found]

    def violations_in_every_look(self) -> list[str]:
        """Light by every rule; dark by those of colour; at 320 pixels by all others, and whether it is too wide."""
        found = self.violations()
        self.page.emulate_media(color_scheme="dark")
        found += self.violations({"runOnly": {"type": "rule", "values": list(OF_COLOUR)}})
        self.page.emulate_media(color_scheme="light")
        size = self.page.viewport_size
        self.page.set_viewport_size({"width": 320, "height": 900})
        others = {"type": "tag", "values": list(RULES)}
        found += self.violations({"runOnly": others, "rules": {each: {"enabled": False} for each in OF_COLOUR}})
        found += self.too_wide()
        self.page.set_viewport_size(size)
        return found

    def too_wide(self) -> list[str]:
        """Where one must scroll sideways: nowhere."""
        beyond = self.page.evaluate(_WIDER)
        return [f"{self.page.url} is {beyond} px too wide"] if beyond > 0 else []
