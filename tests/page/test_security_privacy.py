"""Nothing of a patient stands in a log, an address, a header or an error page; kill -9 loses nothing acknowledged;
what goes out comes back; what is deleted is gone from the bytes. On processes of their own, SQLite and PostgreSQL."""

from __future__ import annotations

import json
import random
import re
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parent.parent / "store"))

from security_ground import (
    ACCOUNTS,
    PASSWORD,
    UNLIMITED,
    VIEWS,
    Browser,
    Site,
    bundle,
    elements,
    free_port,
    in_process,
    make_accounts,
    picture,
    process,
)
from store_examples import run_sql
from store_fixtures import new_postgres, postgres

from calcipath.cli import main

__all__ = ["new_postgres", "postgres"]
MARK = "ZEBRA"
QUESTION = "antiphospholipid-syndrome"


def marked() -> dict[str, Any]:
    """A record with a mark wherever it may have one."""
    whole = bundle()
    for entry in whole["entry"]:
        resource = entry["resource"]
        resource["note"] = [{"text": f"{MARK} note"}]
        resource["text"] = {"status": "generated", "div": f"<div>{MARK}</div>"}
        resource["identifier"] = [{"value": MARK}]
        if resource["resourceType"] == "Patient":
            resource["name"] = [{"family": MARK}]
        elif "code" in resource:
            resource["code"]["text"] = f"{resource['code'].get('text', '')} {MARK}"
    return whole


def files(site: Site, kept: Path | None = None) -> bytes:
    """All bytes of the store and of the folder of photographs."""
    file = Path(site.store.removeprefix("sqlite:///"))
    places = [each for each in file.parent.iterdir() if each.is_file() and each.name.startswith(file.name)]
    places += list((kept or Path(f"{file}.photographs")).iterdir())
    return b"".join(each.read_bytes() for each in places)


def test_a_patient_is_in_no_log_no_address_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text(ACCOUNTS + "most_body_megabytes: 1\n")
    store = f"sqlite:///{tmp_path / 'calcipath-service.sqlite'}"
    make_accounts(store, ada="administrator", ben="clinician")
    answers: list[httpx.Response] = []
    with process(tmp_path, "--settings", "settings.yaml") as (site, _):
        ada, ben = Browser(site), Browser(site)
        for each in (ada, ben):
            each.client.event_hooks["response"] = [answers.append]
        assert ada.login("ada").status_code == 303 and ben.login("ben").status_code == 303
        case = ada.case(marked())
        assert (
            ada.post(f"{case}/settings", {"form": "reading", "label": f"{MARK} label", "notes": "yes"}).status_code
            == 303
        )
        visit = {
            "when": "2026-03-05",
            "pain": "4",
            "site0": MARK,
            "length0": "3",
            "width0": "2",
            "note": f"{MARK} note",
        }
        assert ada.post(f"{case}/visits", visit).status_code == 303
        assert ada.photograph(case, site=MARK, consent=MARK).status_code == 303
        shown = [ada.get(case + view) for view in (*VIEWS, "/export")]
        assert all(each.status_code == 200 for each in shown) and sum(MARK in each.text for each in shown) > 4
        for answer in shown[:-1]:
            for element in elements(answer.text):
                for name, value in element.attributes:
                    assert name not in ("href", "src", "action", "formaction") or MARK not in (value or "")
        # errors of every kind, each of someone who sent the mark or asked for what holds it
        for browser, most in ((ada, 500), (ben, 500)):
            wrong = [
                browser.upload(f'{{"resourceType":"Patient","id":"{MARK}"'.encode(), f"{MARK}.json"),
                browser.upload(MARK.encode() * 400_000),
                browser.upload({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": MARK}}]}),
                browser.post(f"{case}/visits", {"when": MARK, "pain": MARK, "note": MARK}),
                browser.post(f"{case}/remove", {"key": f"Observation/{MARK}"}),
                browser.post(f"{case}/share", {"name": MARK, "level": "read"}),
                browser.photograph(case, MARK.encode(), site=MARK, consent=MARK),
                browser.post("/page/accounts/new", {"name": MARK, "password": MARK, "role": MARK}),
                browser.post("/page/password", {"old": f"{MARK} password", "new": MARK}),
                browser.get(f"{case}/photographs/{MARK}"),
                browser.get(
                    f"/cases/{MARK}", params={"q": MARK}, headers={"Referer": f"{site.base}/{MARK}", "X-M": MARK}
                ),
                browser.get(f"/{MARK}"),
                browser.client.post(f"{case}/visits", content=MARK, headers={"Content-Type": MARK}),
                browser.client.request(MARK, case),
                Browser(site).login(MARK, MARK),
                browser.get("/", headers={"Host": MARK}),
            ]
            assert all(300 < each.status_code < most for each in wrong), [each.status_code for each in wrong]
        there = urlsplit(site.base)
        with socket.create_connection((there.hostname or "", there.port or 0)) as line:  # no HTTP at all
            line.sendall(f"{MARK} {MARK}\r\n{MARK}\r\n\r\n".encode())
            assert b"400" in line.recv(1000)
        # an error of the service itself: a row that somebody has damaged
        settings = run_sql(store, "SELECT settings FROM case_file")[0][0]
        run_sql(store, "UPDATE case_file SET settings = :wrong", wrong=f'{{"{MARK}": {MARK}')
        for address in ("/", case, f"{case}/record", f"{case}/export"):
            answer = ada.get(address)
            assert answer.status_code == 500 and MARK not in answer.text, address
        run_sql(store, "UPDATE case_file SET settings = :right", right=settings)
        assert ada.get(case).status_code == 200
        # a store that cannot be used
        run_sql(store, "ALTER TABLE case_file RENAME TO elsewhere")
        broken = [ada.get(address) for address in ("/", case, f"{case}/record", f"{case}/export", "/page/register.csv")]
        broken += [ada.post(f"{case}/visits", visit), ada.upload(marked()), ada.photograph(case, site=MARK)]
        assert {each.status_code for each in broken} == {503} and all(MARK not in each.text for each in broken)
        assert all("nothing was kept" in each.text for each in broken)
        run_sql(store, "ALTER TABLE elsewhere RENAME TO case_file")
        assert ada.get(f"{case}/record").status_code == 200
        lines = (tmp_path / "service.log").read_text()
    for answer in answers:
        assert MARK not in str([value for name, value in answer.headers.multi_items() if name != "x"]), answer.headers
        for previous in ("location", "refresh", "link", "content-location"):
            assert not re.search(r"label|note|thigh", answer.headers.get(previous, ""))
    assert '"event": "error"' in lines and "JSONDecodeError" in lines  # the log did speak of it
    assert MARK not in lines and "password" not in lines and case.rpartition("/")[2] not in lines
    for secret in (ada.csrf, ada.client.cookies.get("calcipath", ""), PASSWORD):
        assert secret and secret not in lines


@dataclass
class Saving:
    """Three people who save without end, and what was acknowledged to them."""

    case: str
    port: int
    visits: list[str] = field(default_factory=list)
    photographs: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)  # those under way begin with "?"

    def visit(self, browser: Browser, number: int) -> None:
        site = f"site {self.port} {number}"
        form = {"when": "2026-03-05", "site0": site, "length0": "3", "width0": "2"}
        assert browser.post(f"{self.case}/visits", form).status_code == 303
        self.visits.append(site)

    def photograph(self, browser: Browser, number: int) -> None:
        consent = f"consent {self.port} {number}"
        assert browser.photograph(self.case, consent=consent).status_code == 303
        self.photographs.append(consent)

    def answer(self, browser: Browser, number: int) -> None:
        """One question answered yes and no in turn, which are resources of different types."""
        said = "yes" if number % 2 else "no"
        self.answers.append(f"?{said}")
        form = {"question": QUESTION, "answer": said}
        assert browser.post(f"{self.case}/answers", form).status_code == 303
        self.answers.append(said)

    def begin(self, site: Site) -> list[threading.Thread]:
        def save(what: Callable[[Browser, int], None]) -> None:
            browser = Browser(site).open()
            with suppress(httpx.HTTPError):  # the service was killed
                for number in range(10_000):
                    what(browser, number)

        threads = [threading.Thread(target=save, args=(what,)) for what in (self.visit, self.photograph, self.answer)]
        for each in threads:
            each.start()
        return threads


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_kill_9_loses_nothing_that_was_acknowledged(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    store = request.getfixturevalue("new_postgres")() if kind == "postgresql" else ""
    page = f"page: {{photographs: {tmp_path / 'photographs'}, accounts: false}}\n"
    (tmp_path / "settings.yaml").write_text(UNLIMITED + page)
    options = ["--settings", "settings.yaml", *(["--store", store] if store else [])]
    chance, port = random.Random(), free_port()  # noqa: S311 - another moment in every run
    with process(tmp_path, *options, port=port) as (site, running):
        saving = Saving(Browser(site).open().case(), port)
        threads = saving.begin(site)
        wanted, end = chance.randint(3, 12), time.monotonic() + 30
        while min(len(saving.visits), len(saving.photographs), len(saving.answers)) < wanted and time.monotonic() < end:
            time.sleep(0.005)
        time.sleep(chance.random() / 20)
        running.send_signal(signal.SIGKILL)
        running.wait(20)
        for each in threads:
            each.join(20)
    assert min(len(saving.visits), len(saving.photographs), len(saving.answers)) >= wanted
    with process(tmp_path, *options, port=port) as (site, _):
        check_kept(Browser(site).open(), saving)
    assert main(["feedback", "verify", "--store", store or f"sqlite:///{tmp_path / 'calcipath-service.sqlite'}"]) == 0


def check_kept(browser: Browser, saving: Saving) -> None:
    """What was acknowledged is in the export, and each photograph's bytes with it."""
    exported = browser.get(f"{saving.case}/export")
    assert exported.status_code == 200
    resources = [each["resource"] for each in exported.json()["entry"]]
    sites = {each["bodySite"]["text"] for each in resources if each["id"].startswith("wound-")}
    consents = {
        each["note"][0]["text"].removeprefix("Consent: ") for each in resources if each["resourceType"] == "Media"
    }
    assert set(saving.visits) <= sites and set(saving.photographs) <= consents
    assert sum(each["resourceType"] == "Binary" for each in resources) == len(consents)
    kinds = [each["resourceType"] for each in resources if each["id"].startswith(QUESTION)]
    assert len(kinds) == 1  # never none: the earlier answer goes in the step in which the later one comes
    last = max(number for number, each in enumerate(saving.answers) if not each.startswith("?"))
    assert {"Condition": "yes", "Observation": "no"}[kinds[0]] in [each.strip("?") for each in saving.answers[last:]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with in_process(tmp_path_factory.mktemp("exchange")) as site:
        yield site


def through(browser: Browser) -> tuple[str, bytes]:
    """A case with everything a case can have; its export."""
    case = browser.case(marked())
    for number in range(2):
        day = f"2026-03-0{number + 5}"
        visit = {
            "when": day,
            "pain": "4",
            "site0": f"{MARK} {number}",
            "length0": "3",
            "width0": "2",
            "grams": "25",
            "note": MARK,
        }
        assert browser.post(f"{case}/visits", visit).status_code == 303
        kind = ("JPEG", "PNG")[number]
        assert browser.photograph(case, picture(kind), site=f"{MARK} é", consent=f"{MARK} & <b>").status_code == 303
    assert browser.post(f"{case}/settings", {"next_visit": "2026-04-01"}).status_code == 303
    said = {"form": "reading", "label": f"{MARK} <i>ü</i>", "notes": "yes", "complete": "allergies"}
    assert browser.post(f"{case}/settings", said).status_code == 303
    exported = browser.get(f"{case}/export")
    assert exported.status_code == 200
    return case, exported.content


def test_an_export_comes_back_as_the_same_export(made: Site) -> None:
    browser = Browser(made).open()
    case, first = through(browser)
    assert b'"Binary"' in first and MARK.encode() in first
    again = browser.upload(first, f"{MARK}.json")
    assert again.status_code == 303 and again.headers["location"] != case
    assert browser.get(f"{again.headers['location']}/export").content == first
    for view in VIEWS:
        one, two = browser.get(case + view).text, browser.get(again.headers["location"] + view).text
        handle, other = case.rpartition("/")[2], again.headers["location"].rpartition("/")[2]
        if view != "/record":  # which also tells who wrote what when
            assert one.replace(handle, "") == two.replace(other, "")


def test_a_deleted_case_is_gone_from_every_byte(made: Site) -> None:
    browser = Browser(made).open()
    for line in re.findall(r'href="(/cases/[^"/]+)"', browser.get("/").text):
        assert browser.post(f"{line}/delete", {"sure": "yes"}).status_code == 303
    assert MARK.encode() not in files(made)
    case, exported = through(browser)
    photographs = [
        each["resource"] for each in json.loads(exported)["entry"] if each["resource"]["resourceType"] == "Binary"
    ]
    assert len(photographs) == 2
    pictures = [browser.get(f"{case}/photographs/{each['id']}").content for each in photographs]
    held = files(made)
    assert MARK.encode() in held and all(each in held for each in pictures)
    assert browser.post(f"{case}/delete").status_code == 400
    assert browser.get(case).status_code == 200
    answer = browser.post(f"{case}/delete", {"sure": "yes"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?done=deleted")
    held = files(made)
    assert MARK.encode() not in held and not any(each in held for each in pictures)
    for view in (*VIEWS, "/export"):
        assert browser.get(case + view).status_code == 404
    with closing(sqlite3.connect(made.store.removeprefix("sqlite:///"))) as database:
        kept = [
            row[0]
            for row in database.execute("SELECT action FROM audit_case WHERE handle = ?", [case.rpartition("/")[2]])
        ]
    assert "case-deleted" in kept and "case-made" in kept  # that it was, and nothing of it


def test_the_page_on_postgresql_from_the_first_account_to_the_deletion(
    new_postgres: Callable[[], str], tmp_path: Path
) -> None:
    store = new_postgres()
    folder = tmp_path / "photographs"
    make_accounts(store, ada="administrator", ben="clinician", rita="reader")
    settings = UNLIMITED + f"page: {{accounts: true, photographs: {folder}}}\n"
    with in_process(tmp_path, settings, store) as site:
        ada, ben, rita = Browser(site), Browser(site), Browser(site)
        for browser, name in ((ada, "ada"), (ben, "ben"), (rita, "rita")):
            assert browser.login(name).status_code == 303
        case, first = through(ada)
        assert all(ada.get(case + view).status_code == 200 for view in VIEWS)
        again = ada.upload(first).headers["location"]
        assert ada.get(f"{again}/export").content == first
        assert ben.get(case).status_code == 404 and rita.get(case).status_code == 404
        for name, level in (("ben", "write"), ("rita", "read")):
            assert ada.post(f"{case}/share", {"name": name, "level": level, "act": "share"}).status_code == 303
        assert ben.post(f"{case}/visits", {"when": "2026-03-09", "pain": "2"}).status_code == 303
        assert rita.get(f"{case}/follow-up").status_code == 200
        assert rita.post(f"{case}/visits", {"when": "2026-03-09", "pain": "2"}).status_code == 404
        table = ada.get("/page/register.csv")
        assert table.status_code == 200 and MARK not in table.text and len(table.text.splitlines()) > 5
        assert ben.get("/page/register.csv").status_code == 403
        wrong = [Browser(site).login("ben", f"wrong {number}").status_code for number in range(6)]
        assert wrong == [403] * 5 + [429]
        assert len(list(folder.iterdir())) == 5
        for each in (case, again):
            assert ada.post(f"{each}/delete", {"sure": "yes"}).status_code == 303
            assert ada.get(each).status_code == 404 and ben.get(each).status_code == 404
        assert [each.name for each in folder.iterdir()] == ["calcipath-register"]
        for name in ("case_file", "case_entry", "case_photograph", "case_access"):
            assert run_sql(store, f"SELECT count(*) FROM {name}")[0][0] == 0
    assert main(["feedback", "verify", "--store", store]) == 0
