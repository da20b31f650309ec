"""Every route of the page, counted from the application itself: forms of strangers, other sites, others' cases, headers."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parent.parent / "store"))

from security_ground import ACCOUNTS, LOGIN, Browser, Site, bundle, in_process, make_accounts, picture
from store_examples import run_sql

from calcipath.page.layout import SCRIPT, asset_address
from calcipath.page.responses import FILE_HEADERS, HEADERS

MARK = "ZEBRAMARK"
EVIL = "https://evil.example"
# What each form sends when it is meant: a route that is not here fails the tests below.
FORMS: Mapping[str, Mapping[str, str]] = {
    "/cases/upload": {},
    "/cases/example": {"example": "follow-up-responding"},
    "/cases/new": {"label": "new"},
    "/cases/{handle}/answers": {"question": "age", "answer": "given", "value": "70", "unit": "a"},
    "/cases/{handle}/dose": {"weight": "70"},
    "/cases/{handle}/visits": {"when": "2026-03-05", "pain": "3"},
    "/cases/{handle}/photographs": {"taken": "2026-01-05", "site": "thigh", "consent": "written"},
    "/cases/{handle}/settings": {"as_of": "now"},
    "/cases/{handle}/remove": {"key": "Media/x"},
    "/cases/{handle}/share": {"name": "ben", "level": "write", "act": "share"},
    "/cases/{handle}/unshare": {"name": "rita"},
    "/cases/{handle}/delete": {"sure": "yes"},
    "/page/dose": {"weight": "70"},
    "/page/accounts/new": {"name": "eve", "password": "correct horse battery", "role": "administrator"},
    "/page/accounts/change": {"name": "ben", "role": "administrator"},
    "/page/password": {"old": "correct horse battery", "new": "battery horse correct"},
    "/page/logout": {},
    "/page/units": {"units": "si"},
}
COMPUTES = {"/cases/{handle}/dose", "/page/dose"}  # forms that change nothing
FOR_ADMINISTRATORS = {"/page/accounts", "/page/register.csv", "/page/accounts/new", "/page/accounts/change"}
OPEN = {"/page/static/{digest}/{name}", LOGIN}  # to those who are not logged in


@dataclass
class House:
    """A case of ada's, which rita may read and ben does not know."""

    site: Site
    ada: Browser
    ben: Browser
    rita: Browser
    case: str
    photograph: str

    def address(self, path: str) -> str:
        name = self.photograph if "photographs/" in path else Path(asset_address(*SCRIPT)).name
        digest = asset_address(*SCRIPT).split("/")[-2]
        return path.format(handle=self.case.rpartition("/")[2], name=name, digest=digest)

    def gets(self) -> list[str]:
        return [each.path for each in self.site.routes if "GET" in (each.methods or ())]

    def posts(self) -> list[str]:
        return [each.path for each in self.site.routes if "POST" in (each.methods or ())]

    def content(self) -> list[Any]:
        """All that the store holds of cases and accounts."""
        tables = ("case_file", "case_entry", "case_photograph", "case_access", "register_account")
        rows = [sorted(map(str, run_sql(self.site.store, f"SELECT * FROM {table}"))) for table in tables]
        return [*rows, sorted(file.name for file in (self.site.folder / "store.sqlite.photographs").iterdir())]


def marked() -> dict[str, Any]:
    """A record with a mark in what belongs to the patient."""
    whole = bundle()
    patient = next(each["resource"] for each in whole["entry"] if each["resource"]["resourceType"] == "Patient")
    patient["name"] = [{"family": MARK, "given": [MARK]}]
    patient["identifier"] = [{"system": "urn:mrn", "value": MARK}]
    return whole


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with in_process(tmp_path_factory.mktemp("routes"), ACCOUNTS) as site:
        make_accounts(site.store, ada="administrator", ben="clinician", rita="reader")
        ada, ben, rita = Browser(site), Browser(site), Browser(site)
        for browser, name in ((ada, "ada"), (ben, "ben"), (rita, "rita")):
            assert browser.login(name).status_code == 303
        case = ada.case(marked())
        assert ada.post(f"{case}/settings", {"form": "reading", "label": MARK, "notes": "yes"}).status_code == 303
        assert ada.photograph(case, site=MARK, consent=MARK).status_code == 303
        assert ada.post(f"{case}/share", {"name": "rita", "level": "read", "act": "share"}).status_code == 303
        photograph = str(run_sql(site.store, "SELECT id FROM case_photograph")[0][0])
        yield House(site, ada, ben, rita, case, photograph)


def send(house: House, browser: Browser, path: str, secret: str | None, **headers: str) -> httpx.Response:
    files: Any = None
    if path.endswith("photographs"):
        files = {"picture": ("x.jpg", picture(), "image/jpeg")}
    if path.endswith("upload"):
        files = {"record": ("x.json", b'{"resourceType":"Patient","id":"p"}', "application/json")}
    data = {"form": "", **FORMS[path], **({} if secret is None else {"csrf": secret})}
    return browser.client.post(house.address(path), data=data, files=files, headers=headers)


def test_every_form_is_attacked_here(house: House) -> None:
    assert set(house.posts()) == set(FORMS) | {LOGIN}
    assert len(house.gets()) > 15


def test_a_form_without_its_sessions_secret_does_nothing(house: House) -> None:
    before = house.content()
    for path in FORMS:
        for secret in (None, "", "x" * 43, house.ben.csrf, house.ada.csrf[:-1], house.ada.csrf + "x", "ÿ"):
            answer = send(house, house.ada, path, secret)
            assert answer.status_code == 403, (path, secret)
            assert MARK not in answer.text
    assert house.content() == before
    assert house.ada.get("/").status_code == 200  # and nobody was logged out


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": EVIL}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "https{base}"}, 403),  # another scheme
        ({"Origin": "{origin}.evil.example"}, 403),
        ({"Origin": "{origin}@evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:{port}"}, 421),
        ({"Host": "127.0.0.1:1"}, 421),
        ({"Host": "127.0.0.1"}, 421),
    ],
)
def test_another_site_can_send_no_form(house: House, headers: dict[str, str], status: int) -> None:
    base = house.site.base
    words = {"origin": base, "base": base.removeprefix("http"), "port": base.rpartition(":")[2]}
    asked = {name: value.format(**words) for name, value in headers.items()}
    before = house.content()
    for path in FORMS:  # even with the right secret
        assert send(house, house.ada, path, house.ada.csrf, **asked).status_code == status, path
    login = {"name": "ada", "password": "correct horse battery", "csrf": "x"}
    assert house.ada.client.post(LOGIN, data=login, headers=asked).status_code == status
    assert house.content() == before


def test_no_address_answers_under_another_host(house: House) -> None:
    for path in house.gets():
        answer = house.ada.get(house.address(path), headers={"Host": "rebound.example"})
        assert answer.status_code == 421, path
        assert MARK not in answer.text and "location" not in answer.headers
    for path in ("/cases/", "/page/login/", house.case + "/"):  # no redirect to the host of the request
        answer = house.ada.get(path, headers={"Host": "rebound.example"})
        assert answer.status_code == 404 and "location" not in answer.headers


def test_looking_changes_nothing(house: House) -> None:
    before = house.content()
    for path in house.gets():
        assert house.ada.get(house.address(path), params={"csrf": house.ada.csrf, "sure": "yes"}).status_code == 200, (
            path
        )
        assert house.ada.client.head(house.address(path)).status_code == 200, path
    assert house.content() == before


def test_what_is_sent_by_a_link_is_no_form(house: House) -> None:
    before = house.content()
    for path, form in FORMS.items():
        answer = house.ada.get(house.address(path), params={**form, "csrf": house.ada.csrf})
        assert answer.status_code in ((200,) if path in house.gets() else (404, 405)), path
    for method in ("PUT", "PATCH", "DELETE", "TRACE"):
        assert house.ada.client.request(method, house.case).status_code == 405
    hidden = {"X-HTTP-Method-Override": "POST"}
    assert house.ada.get(f"{house.case}/delete", headers=hidden, params={"_method": "POST"}).status_code == 405
    assert house.content() == before


@pytest.mark.parametrize("settings", [None, "requests_per_minute: 1000000\n"], ids=["accounts", "open"])
def test_no_other_site_may_read_the_page(house: House, settings: str | None, tmp_path: Path) -> None:
    def check(site: Site, client: httpx.Client, addresses: list[str]) -> None:
        hooks = client.get("/cds-services", headers={"Origin": EVIL})
        assert hooks.headers["access-control-allow-origin"] == "*"  # the hooks may be read: the page must not
        for address in addresses:
            for method in ("GET", "OPTIONS", "POST"):
                asked = {"Origin": EVIL, "Access-Control-Request-Method": "POST"}
                answer = client.request(method, address, headers=asked)
                assert answer.status_code in (403, 405), (method, address)
                assert not [name for name in answer.headers if name.startswith("access-control-")], (method, address)
                assert MARK not in answer.text

    addresses = [house.address(each.path) for each in house.site.routes]
    if settings is None:
        check(house.site, house.ada.client, addresses)
        return
    with in_process(tmp_path, settings) as site:
        check(site, Browser(site).open().client, addresses)


def test_who_is_not_logged_in_gets_the_login_and_nothing_else(house: House) -> None:
    for path in house.gets():
        with httpx.Client(base_url=house.site.base) as stranger:
            answer = stranger.get(house.address(path))
        assert MARK not in answer.text
        if path not in OPEN:
            assert (answer.status_code, answer.headers["location"]) == (303, LOGIN), path
    before = house.content()
    for path, form in FORMS.items():
        with httpx.Client(base_url=house.site.base) as stranger:
            answer = stranger.post(house.address(path), data={**form, "csrf": house.ada.csrf})
        assert (answer.status_code, answer.headers["location"]) == (303, LOGIN), path
    assert house.content() == before


def test_anothers_case_is_not_there(house: House) -> None:
    before, nowhere = house.content(), "/cases/" + "A" * 24
    for path in house.gets():
        if "{handle}" in path:
            answer = house.ben.get(house.address(path))
            assert answer.status_code == 404 and MARK not in answer.text, path
            absent = house.ben.get(house.address(path).replace(house.case, nowhere))
            assert absent.text.replace(house.ben.csrf, "") == answer.text.replace(house.ben.csrf, ""), path
    for path in FORMS:
        if "{handle}" in path:
            answer = send(house, house.ben, path, house.ben.csrf)
            assert answer.status_code == 404 and MARK not in answer.text, path
    assert MARK not in house.ben.get("/").text
    assert house.content() == before


def test_who_may_read_a_case_changes_nothing_of_it(house: House) -> None:
    for path in house.gets():
        if "{handle}" in path:
            answer = house.rita.get(house.address(path))
            assert answer.status_code == 200, path
            if answer.headers["content-type"].startswith("text/html") and not path.endswith("/dose"):
                assert f'action="{house.case}' not in answer.text, path  # no form is offered that would be refused
    before = house.content()
    for path in FORMS:
        if "{handle}" in path and path not in COMPUTES:
            assert send(house, house.rita, path, house.rita.csrf).status_code == 404, path
    for path in ("/cases/upload", "/cases/new", "/cases/example"):
        assert send(house, house.rita, path, house.rita.csrf).status_code == 403, path
    assert house.content() == before


def test_who_may_write_a_case_neither_shares_nor_deletes_it(house: House) -> None:
    assert house.ada.post(f"{house.case}/share", {"name": "ben", "level": "write", "act": "share"}).status_code == 303
    try:
        assert send(house, house.ben, "/cases/{handle}/settings", house.ben.csrf).status_code == 303
        before = house.content()
        for end in ("share", "unshare", "delete"):
            path = f"/cases/{{handle}}/{end}"
            assert send(house, house.ben, path, house.ben.csrf).status_code == 404, path
        assert house.content() == before
    finally:
        assert house.ada.post(f"{house.case}/unshare", {"name": "ben"}).status_code == 303


def test_only_an_administrator_manages_accounts_and_takes_the_table(house: House) -> None:
    before = house.content()
    for browser in (house.ben, house.rita):
        for path in FOR_ADMINISTRATORS:
            if path in FORMS:
                assert send(house, browser, path, browser.csrf).status_code == 403, path
            else:
                answer = browser.get(path)
                assert answer.status_code == 403 and "ada" not in answer.text, path
    assert house.content() == before


def test_what_every_answer_forbids(house: House) -> None:
    assert HEADERS["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert FILE_HEADERS["Content-Security-Policy"] == "default-src 'none'; sandbox"
    for path in house.gets():
        for browser in (house.ada, house.ben):
            answer = browser.get(house.address(path))
            page = answer.headers.get("content-type", "").startswith("text/html")
            for name, value in (HEADERS if page else FILE_HEADERS).items():
                assert answer.headers[name] == value, (path, name)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            static = path.startswith("/page/static")
            assert answer.headers["Cache-Control"] == (
                "public, max-age=31536000, immutable" if static else "no-store"
            ), path  # fmt: skip
            assert "server" not in answer.headers
    for path in FORMS:  # refused, and redirected
        for browser, secret in ((house.ada, "wrong"), (Browser(house.site), "none")):
            answer = send(house, browser, path, secret)
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS, path
            assert answer.headers["Cache-Control"] == "no-store"


def test_each_form_does_what_it_is_for(house: House) -> None:
    """Without this the refusals above could have another reason."""
    case = house.case
    key = f"Media/{house.photograph}"
    for path in sorted(FORMS, key=lambda each: (each == "/page/logout", each.endswith("delete"), each)):
        if path in ("/page/password", "/cases/{handle}/remove"):
            continue
        answer = send(
            house, house.ada, path, house.ada.csrf, Origin=house.site.base, **{"Sec-Fetch-Site": "same-origin"}
        )
        assert answer.status_code == (200 if path in COMPUTES else 303), (path, answer.text)
        if path.endswith("/{handle}/photographs"):
            assert house.ada.post(f"{case}/remove", {"key": key}).status_code == 303
    assert house.ada.get("/").status_code == 303  # logged out
