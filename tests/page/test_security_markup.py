"""Whatever a record, a form, a file's name or an address says is shown as text: no view gets an element by it."""

from __future__ import annotations

import base64
import csv
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from hypothesis import given, settings
from hypothesis import strategies as st
from security_ground import ACCOUNTS, VIEWS, Browser, Element, Site, bundle, elements, in_process, make_accounts

from calcipath.page.layout import SCRIPT, asset_address

# Each holds a mark that no element, no name of an attribute and no address of a page may hold. {} makes them differ.
PAYLOADS = (
    "<script zap{}>alert(1)</script>",
    '"><img zap{} src=x onerror=alert(1)>',
    "' onmouseover='alert(1)' zap{}='",
    '" autofocus onfocus="alert(1)" zap{}="',
    "</textarea><svg zap{} onload=alert(1)>",
    "</title><body zap{} onload=alert(1)>",
    "javascript:alert('zap{}')",
    "--><iframe zap{} srcdoc='<script>alert(1)</script>'>",
    "</style><style zap{}>*{{background:url(//zap.example)}}",
    "\\3c script zap{}\\3e expression(alert(1))",
    "&lt;script zap{}&gt;&#60;img zap{} onerror=1&#62;",
    "<a zap{} href='javascript:alert(1)'>x</a><svg><a zap{} xlink:href='javascript:alert(1)'>x</a></svg>",
    "]]><math zap{}><!--",
    "</script><form zap{} action='https://zap.example'><button>x",
    "data:text/html,<b zap{}>",
    '=HYPERLINK("https://zap.example/{}")',
    "{{zap{}}}${{zap}}<%= zap %>{zap}%s",
)
ROUNDS = 3
KEPT = {"resourceType", "id", "reference", "system", "code", "status", "url", "contentType", "comparator", "intent"}
DATES = re.compile(r"\d{4}(-\d\d.*)?")
ADDRESSES = {"href", "src", "action", "formaction", "xlink:href", "data", "srcset", "poster", "ping", "background"}
OUTSIDE = re.compile(r"https://(doi\.org|pubmed\.ncbi\.nlm\.nih\.gov|[a-z.]+)/[^<>\"']*")


class Poison:
    """Hands out payloads, each another one."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self) -> str:
        self.number += 1
        return PAYLOADS[self.number % len(PAYLOADS)].format(*[self.number] * 3, zap="zap")

    def within(self, value: Any, key: str = "", *, everything: bool = False) -> Any:
        """The value with a payload in every text that may be any text: with `everything` in codes and dates too."""
        if isinstance(value, dict):
            return {name: self.within(held, name, everything=everything) for name, held in value.items()}
        if isinstance(value, list):
            return [self.within(each, key, everything=everything) for each in value]
        if not isinstance(value, str) or key in ("resourceType", "id", "reference"):
            return value
        if key == "data":
            return base64.b64encode((base64.b64decode(value).decode() + "\n" + self()).encode()).decode()
        if not everything and (key in KEPT or DATES.fullmatch(value)):
            return value
        return f"{value} {self()}" if not everything else self()


def poisoned(name: str, *, everything: bool) -> dict[str, Any]:
    """An example with a payload in each text, and with texts where the example has none."""
    poison, whole = Poison(), bundle(name)
    for entry in whole["entry"]:
        resource = entry["resource"]
        resource["note"] = [{"text": "note", "authorString": "author"}]
        resource["extension"] = [{"url": "https://ehr.example/x", "valueString": "said"}]
        resource["text"] = {"status": "generated", "div": "<div>words</div>"}
        resource["identifier"] = [{"system": "https://ehr.example", "value": "number"}]
        if resource["resourceType"] == "Patient":
            resource["name"] = [{"family": "Doe", "given": ["Jane"], "text": "Jane Doe"}]
            resource["address"] = [{"line": ["Street"], "city": "Town"}]
        if resource["resourceType"] == "Observation":
            resource["bodySite"] = {"text": "thigh", "coding": [{"code": "68367000", "display": "Thigh"}]}
            resource["interpretation"] = [{"text": "high"}]
        if resource["resourceType"] in ("Procedure", "Condition"):
            resource["bodySite"] = [{"text": "thigh", "coding": [{"code": "68367000", "display": "Thigh"}]}]
    whole["entry"].append(
        {
            "resource": {
                "resourceType": "DocumentReference",
                "id": "words",
                "status": "current",
                "date": "2026-01-04",
                "content": [
                    {
                        "attachment": {
                            "contentType": "text/plain",
                            "title": "t",
                            "data": base64.b64encode(b"A note.").decode(),
                        }
                    }
                ],
            }
        }
    )
    made: dict[str, Any] = poison.within(whole, everything=everything)
    assert poison.number > 100
    return made


def check(text: str, base: str = "") -> int:
    """The document has no element, attribute or address by a payload; how many elements it has."""
    found = elements(text)
    scripts = [each for each in found if each.name == "script"]
    assert [dict(each.attributes) for each in scripts] in ([{"src": asset_address(*SCRIPT), "defer": "defer"}], [])
    for element in found:
        assert "zap" not in element.name
        assert element.name not in ("iframe", "object", "embed", "style", "base", "math", "foreignobject", "applet")
        for name, value in element.attributes:
            assert not name.startswith("on") and name != "style" and "zap" not in name, element
            if name in ADDRESSES:
                assert "zap" not in (value or "") and ":" not in (value or "").split("/")[0].replace("https:", "")
                assert (value or "").startswith(("/", "#")) or OUTSIDE.fullmatch(value or ""), element
                assert not (value or "").startswith("//")
    return len(found)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with in_process(tmp_path_factory.mktemp("markup"), ACCOUNTS) as found:
        make_accounts(found.store, ada="administrator", ben="clinician")
        yield found


@pytest.fixture(scope="module")
def ada(site: Site) -> Browser:
    browser = Browser(site)
    assert browser.login("ada").status_code == 303
    return browser


@pytest.mark.parametrize("everything", [False, True], ids=["words", "everything"])
@pytest.mark.parametrize("name", ["follow-up-responding", "thigh-ulcer-four-sessions"])
def test_no_text_of_a_bundle_becomes_markup(ada: Browser, name: str, everything: bool) -> None:
    made = ada.upload(poisoned(name, everything=everything), "<img zap onerror=alert(1)>.json", complete="yes")
    assert made.status_code == 303, made.text
    case, shown = made.headers["location"], ""
    for view in VIEWS:
        answer = ada.get(case + view)
        assert answer.status_code == 200, view
        assert check(answer.text) > 20
        shown += answer.text
    part = ada.post(f"{case}/dose", {"weight": "70", "dose": "25"}, headers={"X-Part": "1"})
    assert part.status_code == 200
    check(part.text)
    assert shown.count("zap") > 20  # the payloads did come through, as text
    exported = ada.get(f"{case}/export")
    assert exported.headers["content-type"].startswith("application/fhir+json")
    assert exported.headers["content-disposition"] == 'attachment; filename="calcipath-case.json"'
    ada.post(f"{case}/delete", {"sure": "yes"})


def test_no_text_of_a_form_becomes_markup(ada: Browser) -> None:
    poison, case = Poison(), ada.case()
    for _ in range(ROUNDS):
        said = {"form": "reading", "label": poison(), "notes": "yes"}
        assert ada.post(f"{case}/settings", said).status_code == 303
        visit = {
            "when": "2026-03-05",
            "pain": "4",
            "site0": f"thigh {poison()}"[:100],
            "length0": "3",
            "width0": "2",
            "note": poison(),
        }
        assert ada.post(f"{case}/visits", visit).status_code == 303
        assert ada.photograph(case, site=poison(), consent=poison()).status_code == 303
        for text in (ada.get(f"{case}/patient").text, ada.get("/").text):  # the label
            assert check(text) > 20 and "zap" in text
    assert all(check(ada.get(case + view).text) > 20 for view in VIEWS)
    assert ada.get(f"{case}/follow-up").text.count("zap") > 2 * ROUNDS  # sites and consents
    ada.post(f"{case}/delete", {"sure": "yes"})


def test_names_of_accounts_are_text(ada: Browser, site: Site) -> None:
    poison, case = Poison(), ada.case()
    names = [poison()[:64] for _ in range(ROUNDS)]
    for name in names:
        form = {"name": name, "password": "correct horse battery", "role": "clinician"}
        assert ada.post("/page/accounts/new", form).status_code == 303, name
        assert ada.post(f"{case}/share", {"name": name, "level": "read", "act": "share"}).status_code == 303
    assert check(ada.get("/page/accounts").text) > 100
    assert check(ada.get(f"{case}/record").text) > 100
    guest = Browser(site)
    assert guest.login(names[0]).status_code == 303
    for address in ("/", "/page/password", case, f"{case}/record"):
        assert check(guest.get(address).text) > 5
    ada.post(f"{case}/delete", {"sure": "yes"})


def test_what_was_asked_wrongly_comes_back_as_text(ada: Browser) -> None:
    poison, case = Poison(), ada.case()
    for _ in range(ROUNDS):
        wrong = [
            ada.post(f"{case}/visits", {"when": poison(), "pain": poison()}),
            ada.post(f"{case}/visits", {"when": "2026-01-05", "pain": poison(), poison(): poison()}),
            ada.post(f"{case}/answers", {"question": poison(), "answer": poison(), "back": poison()}),
            ada.post(f"{case}/remove", {"key": poison()}),
            ada.post(f"{case}/share", {"name": poison(), "level": poison()}),
            ada.post(f"{case}/settings", {"next_visit": poison()}),
            ada.post(f"{case}/dose", {"weight": poison(), "salt": poison(), "modality": poison(), "timing": poison()}),
            ada.post(f"{case}/dose", {"weight": poison()}, headers={"X-Part": "1"}),
            ada.post("/page/dose", {"dose": "25", "weight": "70", "salt": poison(), "modality": poison()}),
            ada.post("/cases/new", {"age.value": poison(), "label": poison(), "sex.value": poison()}),
            ada.post("/cases/example", {"example": poison()}),
            ada.post("/page/accounts/new", {"name": poison(), "password": "short", "role": poison()}),
            ada.post("/page/accounts/change", {"name": poison(), "role": poison()}),
            ada.post("/page/password", {"old": poison(), "new": poison()}),
            ada.upload(poison().encode(), poison()),
            ada.photograph(case, poison().encode(), taken=poison()),
            ada.get("/", params={"done": poison(), "units": poison()}),
            ada.get(f"{case}/photographs/{poison().replace('/', '')}"),
            ada.get(f"/cases/{poison().replace('/', '')}"),
            ada.get("/", headers={"X-Part": poison(), "Accept-Language": poison(), "X-Forwarded-Host": poison()}),
            ada.get("/", headers={"Cookie": f"calcipath-units={poison().replace(';', '')}"}),
        ]
        for answer in wrong:
            assert answer.status_code in (200, 303, 400, 403, 404, 422, 429), answer.text
            if answer.headers.get("content-type", "").startswith("text/html"):
                check(answer.text)
            else:
                assert not answer.headers.get("content-type", "").startswith("text/")
            assert "zap" not in str(answer.headers.multi_items())
    ada.post(f"{case}/delete", {"sure": "yes"})


def test_no_cell_of_the_table_is_a_formula(ada: Browser) -> None:
    case = ada.case(poisoned("follow-up-responding", everything=False))
    visit = {"when": "2026-03-05", "pain": "4", "site0": "=1+1", "length0": "3", "width0": "2"}
    assert ada.post(f"{case}/visits", visit).status_code == 303
    answer = ada.get("/page/register.csv")
    assert answer.status_code == 200 and "zap" not in answer.text and "=1+1" not in answer.text
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert len(rows) > 10
    for cell in (cell for row in rows for cell in row):
        assert not re.match(r"[=+\-@\t\r]", cell) or re.fullmatch(r"-?[0-9.e+-]+", cell), cell
    ada.post(f"{case}/delete", {"sure": "yes"})


@pytest.fixture(scope="module")
def labelled(ada: Browser) -> str:
    return ada.case()


def without_days(text: str) -> list[Element]:
    """The elements but those that keep a date on one line."""
    return [each for each in elements(text) if ("class", "day") not in each.attributes]


@settings(max_examples=20, deadline=None)
@given(
    label=st.text(st.one_of(st.sampled_from("<>\"'&=/!-x \\"), st.characters(codec="utf-8")), min_size=1, max_size=60)
)
def test_a_label_changes_no_element(ada: Browser, labelled: str, label: str) -> None:
    said = {"form": "reading", "notes": "yes"}
    ada.post(f"{labelled}/settings", {**said, "label": "plain"})
    plain = without_days(ada.get(f"{labelled}/patient").text)
    ada.post(f"{labelled}/settings", {**said, "label": label})
    assert without_days(ada.get(f"{labelled}/patient").text) == plain
