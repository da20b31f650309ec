"""Sessions and passwords over HTTP: planted cookies, flags, ends, guesses, and this machine's user without a password."""

from __future__ import annotations

import sqlite3
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from gettext import translation
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from security_ground import (
    ACCOUNTS,
    LOGIN,
    PASSWORD,
    UNLIMITED,
    Browser,
    Site,
    accounts_command,
    free_port,
    in_process,
    make_accounts,
    secret_of,
)

from calcipath.page.door import DoorSettings
from calcipath.service.settings import read_settings

LONG_AGO = "2020-01-01T00:00:00.000000Z"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with in_process(tmp_path_factory.mktemp("sessions"), ACCOUNTS) as found:
        make_accounts(found.store, ada="administrator", ben="clinician", cy="clinician")
        yield found


def sql(site: Site, statement: str, *values: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(site.store.removeprefix("sqlite:///"))) as database, database:
        return database.execute(statement, values).fetchall()


def logged_in(site: Site, name: str) -> Browser:
    browser = Browser(site)
    assert browser.login(name).status_code == 303
    return browser


def inside(browser: Browser) -> bool:
    """Whether the first screen is shown, and not the login."""
    answer = browser.get("/")
    assert answer.status_code == 200 or answer.headers["location"] == LOGIN
    return answer.status_code == 200


def test_a_planted_session_is_never_adopted(site: Site) -> None:
    planted = "planted-by-somebody-else-0123456789abcdefgh"
    victim = Browser(site)
    victim.client.cookies.set("calcipath", planted, domain="127.0.0.1")
    assert not inside(victim)
    answer = victim.login("ada")
    token = SimpleCookie(answer.headers["set-cookie"])["calcipath"].value
    assert token != planted and len(token) >= 43
    attacker = Browser(site)
    attacker.client.cookies.set("calcipath", planted)
    assert not inside(attacker)


def test_a_login_ends_the_session_that_was_there(site: Site) -> None:
    first = logged_in(site, "ben")
    stolen = Browser(site)
    stolen.client.cookies.set("calcipath", first.client.cookies["calcipath"])
    assert inside(stolen)
    before = first.client.cookies["calcipath"]
    assert first.login("ben").status_code == 303
    assert first.client.cookies["calcipath"] != before
    assert inside(first) and not inside(stolen)


def test_logging_out_ends_the_session_itself(site: Site) -> None:
    browser, thief = logged_in(site, "ben"), Browser(site)
    thief.client.cookies.set("calcipath", browser.client.cookies["calcipath"])
    assert inside(thief)
    answer = browser.post("/page/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, LOGIN)
    assert "calcipath" not in browser.client.cookies
    assert not inside(browser) and not inside(thief)


@pytest.mark.parametrize("column", ["last_seen", "expires"])
def test_a_session_ends_by_itself(site: Site, column: str) -> None:
    browser = logged_in(site, "ben")
    case = browser.case()
    sql(site, f"UPDATE register_session SET {column} = ?", LONG_AGO)
    for address in ("/", case, f"{case}/export"):
        answer = browser.get(address)
        assert (answer.status_code, answer.headers["location"]) == (303, LOGIN)
    assert browser.post(f"{case}/delete", {"sure": "yes"}).headers["location"] == LOGIN
    again = logged_in(site, "ben")
    assert again.get(case).status_code == 200


def test_a_new_password_ends_every_session(site: Site) -> None:
    here, there = logged_in(site, "cy"), logged_in(site, "cy")
    other = "another good password"
    assert here.post("/page/password", {"old": "wrong wrong wrong", "new": other}).status_code == 400
    assert here.post("/page/password", {"old": PASSWORD, "new": "short"}).status_code == 400
    assert inside(here) and inside(there)
    before = here.client.cookies["calcipath"]
    assert here.post("/page/password", {"old": PASSWORD, "new": other}).status_code == 303
    assert not inside(here) and not inside(there)
    assert here.login("cy").status_code == 403
    assert here.login("cy", other).status_code == 303
    assert here.client.cookies["calcipath"] != before


@pytest.mark.parametrize("act", ["page", "role", "command"])
def test_disabling_an_account_or_changing_its_role_ends_its_sessions(site: Site, act: str) -> None:
    admin, browser = logged_in(site, "ada"), logged_in(site, "ben")
    if act == "page":
        assert admin.post("/page/accounts/change", {"name": "ben", "disabled": "yes"}).status_code == 303
    elif act == "role":
        assert admin.post("/page/accounts/change", {"name": "ben", "role": "reader"}).status_code == 303
    else:
        assert accounts_command(site.store, "disable", "ben") == 0
    assert not inside(browser)
    if act != "role":
        assert browser.login("ben").status_code == 403
    back = {"name": "ben", **({"role": "clinician"} if act == "role" else {"disabled": "no"})}
    assert admin.post("/page/accounts/change", back).status_code == 303
    assert inside(logged_in(site, "ben"))


def test_guesses_are_made_to_wait(site: Site) -> None:
    for name in ("dora", "nobody at all"):
        if name == "dora":
            make_accounts(site.store, dora="clinician")
        guesser = Browser(site)
        statuses = [guesser.login(name, f"wrong password {number}").status_code for number in range(7)]
        assert statuses == [403] * 5 + [429] * 2, name  # the same for a name that nobody has
        assert guesser.login(name).status_code == 429  # the right one too
    others = logged_in(site, "ada")  # nobody else has to wait
    assert inside(others)


def test_the_old_password_cannot_be_guessed_from_an_open_page(site: Site) -> None:
    make_accounts(site.store, fay="clinician")
    browser = logged_in(site, "fay")
    new = "another good password"
    found = [browser.post("/page/password", {"old": f"guess {n}", "new": new}).status_code for n in range(6)]
    assert found == [400] * 5 + [429]


def test_a_login_form_of_another_browser_logs_nobody_in(site: Site) -> None:
    """Otherwise a page of another site could log its visitor in as somebody else, and read what is then entered."""
    attackers = secret_of(site.client().get(LOGIN))
    victim = site.client()
    for cookie in (None, "x", attackers[:-1]):
        victim.cookies.clear()
        if cookie:
            victim.cookies.set("calcipath-login", cookie)
        answer = victim.post(LOGIN, data={"name": "ada", "password": PASSWORD, "csrf": attackers})
        assert answer.status_code == 400 and "calcipath=" not in str(answer.headers.get_list("set-cookie"))
    for cookie in ("", "é", "x" * 4000):  # and an empty secret fits no empty cookie
        sent = {"Cookie": f"calcipath-login={cookie}".encode()}
        answer = httpx.post(
            f"{site.base}{LOGIN}", data={"name": "ada", "password": PASSWORD, "csrf": cookie[:1]}, headers=sent
        )
        assert answer.status_code == 400


def test_cookies_stay_with_the_browser_and_the_page(site: Site) -> None:
    browser = Browser(site)
    form = browser.get(LOGIN).headers.get_list("set-cookie")
    login = browser.login("ada").headers.get_list("set-cookie")
    units = browser.post("/page/units", {"units": "si"}).headers.get_list("set-cookie")
    for line in (*form, *login, *units):
        assert "httponly" in line.lower() and "samesite=strict" in line.lower() and "path=/" in line.lower(), line
        assert "domain=" not in line.lower()
    assert [line.partition("=")[0] for line in form + login] == ["calcipath-login", "calcipath", "calcipath-login"]
    assert "secret" not in str(login).lower() and "secure" not in str(login).lower()  # http on this machine


def test_behind_https_cookies_are_secure_and_bound_to_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST", "d" * 40)
    settings = (
        "public_url: https://clinic.example/calci\ndigest_key_env: DIGEST\npage: {accounts: true}\n"
        "clients:\n  - {issuer: https://ehr.example, jwks_url: 'https://ehr.example/keys'}\n" + UNLIMITED
    )
    with in_process(tmp_path, settings) as site:
        make_accounts(site.store, ada="administrator")
        client = site.client(headers={"Host": "clinic.example"})
        answer = client.get(LOGIN)
        line = answer.headers["set-cookie"]
        assert line.startswith("__Host-calcipath-login=") and "; Secure" in line and "Path=/;" in line
        cookie = {"Cookie": line.partition(";")[0], "Origin": "https://clinic.example"}
        form = {"name": "ada", "password": PASSWORD, "csrf": secret_of(answer)}
        assert client.post(LOGIN, data=form, headers={**cookie, "Origin": "http://clinic.example"}).status_code == 403
        begun = client.post(LOGIN, data=form, headers=cookie)
        assert (begun.status_code, begun.headers["location"]) == (303, "/calci/")
        line = begun.headers.get_list("set-cookie")[0]
        assert line.startswith("__Host-calcipath=") and "; Secure" in line and "HttpOnly" in line
        assert client.get(LOGIN, headers={"Host": f"127.0.0.1:{site.base.rpartition(':')[2]}"}).status_code == 421


def test_beyond_this_machine_the_page_wants_https(tmp_path: Path) -> None:
    from calcipath.errors import CalcipathError

    (tmp_path / "s.yaml").write_text(
        "public_url: http://clinic.example\ndigest_key_env: DIGEST\npage: {accounts: true}\n"
        "clients:\n  - {issuer: https://ehr.example, jwks_url: 'https://ehr.example/keys'}\n"
    )
    with pytest.raises(CalcipathError, match="https"):
        read_settings(
            str(tmp_path / "s.yaml"), host="0.0.0.0", port=80, workers=1, site="", store="", environment={"DIGEST": "d" * 40}  # noqa: S104
        )  # fmt: skip


@pytest.mark.parametrize(
    ("public", "hosts"),
    [
        ("https://clinic.example:443", {"clinic.example:443", "clinic.example"}),
        ("https://clinic.example", {"clinic.example"}),
        ("http://localhost:8080", {"localhost:8080", "127.0.0.1:8080", "[::1]:8080"}),
        ("https://clinic.example:8443/x", {"clinic.example:8443"}),
    ],
)
def test_the_hosts_that_are_ours(public: str, hosts: set[str]) -> None:
    found = DoorSettings(public, accounts=True, most_bytes=1)
    assert found.hosts == hosts
    assert found.origins == {f"{public.partition(':')[0]}://{host}" for host in hosts}


def test_this_machines_user_is_nobody_where_accounts_are_wanted(tmp_path: Path) -> None:
    port, store = free_port(), f"sqlite:///{tmp_path / 'both.sqlite'}"
    with in_process(tmp_path, UNLIMITED, store, port) as site:
        local = Browser(site).open()
        case = local.case()
        token = local.client.cookies["calcipath"]
    make_accounts(store, ada="administrator")
    with in_process(tmp_path, ACCOUNTS, store, port) as site:
        kept = Browser(site)
        kept.client.cookies.set("calcipath", token)
        assert not inside(kept)  # the session that needed no password
        assert kept.get(case).headers["location"] == LOGIN
        for name in ("local", "LOCAL", "ｌocal"):
            for password in ("", "local", PASSWORD):
                assert Browser(site).login(name, password).status_code in (403, 429)
        ada = logged_in(site, "ada")
        assert ada.get(case).status_code == 404 and case not in ada.get("/").text
        refused = ada.post("/page/accounts/change", {"name": "local", "role": "clinician", "password": PASSWORD})
        assert refused.status_code == 400
        for name in ("local", "Local", "command line"):
            made = ada.post("/page/accounts/new", {"name": name, "password": PASSWORD, "role": "clinician"})
            assert made.status_code == 400
        own = ada.case()
        token = ada.client.cookies["calcipath"]
    with in_process(tmp_path, UNLIMITED, store, port) as site:
        back = Browser(site)
        back.client.cookies.set("calcipath", token)
        assert back.get(own).status_code == 404  # on this machine one is the local user, whatever one was
        assert back.get(case).status_code == 200
        assert back.open().get("/page/accounts").status_code == 200


def test_a_form_without_a_session_begins_none(tmp_path: Path) -> None:
    with in_process(tmp_path) as site:
        before = sql(site, "SELECT count(*) FROM register_session")
        for _ in range(3):
            answer = site.client().post("/cases/example", data={"example": "follow-up-responding", "csrf": "x"})
            assert answer.status_code == 403 and "set-cookie" not in answer.headers
        assert sql(site, "SELECT count(*) FROM register_session") == before


def test_a_language_is_no_path(site: Site) -> None:
    with tempfile.TemporaryDirectory(prefix="language") as folder:
        words = b"Log in\0", b"ZEBRA!\0"  # a catalogue of one word, in the format of gettext
        head = struct.pack("<7I", 0x950412DE, 0, 1, 28, 36, 0, 44)
        places = struct.pack("<4I", 6, 44, 6, 44 + len(words[0]))
        (Path(folder) / "LC_MESSAGES").mkdir()
        (Path(folder) / "LC_MESSAGES" / "calcipath.mo").write_bytes(head + places + b"".join(words))
        assert translation("calcipath", folder, ["."]).gettext("Log in") == "ZEBRA!"
        for language in (folder, "../" * 12 + folder[1:], f"{folder}/.", f"de,{folder}", "{0.__class__}", "a" * 5000):
            answer = site.client().get(LOGIN, headers={"Accept-Language": language})
            assert answer.status_code == 200 and "Log in" in answer.text and "ZEBRA" not in answer.text


def test_going_back_after_a_choice_of_units_stays_here(site: Site) -> None:
    browser = logged_in(site, "ben")
    for referer, there in (
        (f"{site.base}/page/dose?x=1", "/page/dose"),
        (f"{site.base}//evil.example/x", "/evil.example/x"),
        (f"{site.base}/\\evil.example", "/evil.example"),
        ("https://evil.example/x", "/"),
        ("", "/"),
    ):
        answer = browser.post("/page/units", {"units": "si"}, headers={"Referer": referer})
        assert answer.headers["location"] == there
