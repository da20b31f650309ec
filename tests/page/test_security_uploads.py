"""What is sent to the page to break it: bombs, tricks with names and types, bodies without end. A process of its own."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import select
import socket
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from security_ground import ACCOUNTS, UNLIMITED, VIEWS, Browser, Site, bundle, check_still_there, picture, process

MEGABYTE = 2**20
MULTIPART = "multipart/form-data; boundary=b"
END = b"\r\n--b--\r\n"
OBJECT = b'{"resourceType":"Patient","id":"p","extension":'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, subprocess.Popen[bytes]]]:
    folder = tmp_path_factory.mktemp("uploads")
    (folder / "settings.yaml").write_text(UNLIMITED)
    with process(folder, "--settings", "settings.yaml") as found:
        yield found


@pytest.fixture(scope="module")
def site(running: tuple[Site, subprocess.Popen[bytes]]) -> Site:
    return running[0]


@pytest.fixture(scope="module")
def browser(site: Site) -> Browser:
    return Browser(site).open()


def most_memory(process: subprocess.Popen[bytes]) -> int:
    """The most that the process has held, in MB."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
    assert found
    return int(found[1]) // 1024


def parts(browser: Browser, data: bytes = b"", headers: bytes = b"") -> bytes:
    """A form with the right secret and the beginning of a file."""
    secret = b'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n' + browser.csrf.encode() + b"\r\n"
    file = b'--b\r\nContent-Disposition: form-data; name="record"; filename="x.json"' + headers + b"\r\n\r\n"
    return secret + file + data


def send(browser: Browser, body: bytes, kind: str = MULTIPART, address: str = "/cases/upload") -> tuple[int, str]:
    answer = browser.client.post(address, content=body, headers={"Content-Type": kind})
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text))
    return answer.status_code, words


def head(browser: Browser, address: str, *lines: str) -> bytes:
    there = urlsplit(browser.site.base)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.client.cookies.items())
    return "\r\n".join(
        (f"POST {address} HTTP/1.1", f"Host: {there.netloc}", f"Cookie: {cookie}", f"Content-Type: {MULTIPART}", *lines, "", "")
    ).encode()  # fmt: skip


def poured(browser: Browser, first: bytes, piece: bytes, most: int) -> tuple[int, bytes]:
    """Send `first`, then `piece` again and again until there is an answer; how much was sent, and the answer."""
    there = urlsplit(browser.site.base)
    with socket.create_connection((there.hostname or "", there.port or 0), timeout=30) as line:
        line.sendall(first)
        sent = 0
        while sent < most and not select.select([line], [], [], 0)[0]:
            line.sendall(piece)
            sent += len(piece)
        return sent, line.recv(65536)


def test_a_body_that_says_it_is_too_large_is_not_read(browser: Browser) -> None:
    start = head(browser, "/cases/upload", f"Content-Length: {100 * MEGABYTE}")
    sent, answer = poured(browser, start + parts(browser), b"", 0)
    assert (sent, answer[:12]) == (0, b"HTTP/1.1 413")


def test_a_body_that_does_not_say_how_large_it_is_is_cut_off(
    browser: Browser, running: tuple[Site, subprocess.Popen[bytes]]
) -> None:
    assert browser.get("/").status_code == 200
    before = most_memory(running[1])
    begin = parts(browser)
    start = head(browser, "/cases/upload", "Transfer-Encoding: chunked") + b"%x\r\n%s\r\n" % (len(begin), begin)
    sent, answer = poured(browser, start, b"%x\r\n%s\r\n" % (MEGABYTE // 4, b"x" * (MEGABYTE // 4)), 200 * MEGABYTE)
    assert answer[:12] == b"HTTP/1.1 413" and 60 * MEGABYTE < sent < 90 * MEGABYTE
    assert most_memory(running[1]) - before < 160  # the limit itself, and as much while a buffer grows
    assert check_still_there(browser)


def test_a_stranger_and_a_wrong_address_have_no_body_read(browser: Browser) -> None:
    for address, lines in (
        ("/cases/upload", ["Cookie: calcipath=nobody"]),
        ("/cases/upload", ["Origin: https://evil.example"]),
        ("/nowhere", []),
    ):
        stranger = Browser(browser.site)
        sent, answer = poured(stranger, head(stranger, address, f"Content-Length: {60 * MEGABYTE}", *lines), b"", 0)
        assert sent == 0 and answer[9:12] in (b"403", b"404"), answer


def test_where_accounts_are_wanted_strangers_send_nothing_either(tmp_path: Path) -> None:
    from security_ground import in_process

    with in_process(tmp_path, ACCOUNTS) as closed:
        stranger = Browser(closed)
        for address, status in (("/cases/upload", b"303"), ("/page/login", b"413")):
            start = head(stranger, address, f"Content-Length: {60 * MEGABYTE}")
            assert poured(stranger, start, b"", 0)[1][9:12] == status


def test_forms_that_are_none(browser: Browser) -> None:
    secret = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'
    file = b'--b\r\nContent-Disposition: form-data; name="a"; filename="x"\r\n\r\nx\r\n'
    whole = parts(browser, b"{}") + END
    for body, kind, status in (
        (secret * 5000 + END, MULTIPART, 400),
        (file * 5000 + END, MULTIPART, 400),
        (b"a=&" * 10_000, "application/x-www-form-urlencoded", 400),
        (b"a=" + b"x" * (8 * MEGABYTE), "application/x-www-form-urlencoded", 413),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded", 400),
        (whole, "multipart/form-data", 400),
        (whole, "multipart/form-data; boundary=", 400),
        (whole, "multipart/form-data; boundary=" + "b" * 5000, 400),
        (whole, "multipart/form-data; boundary=other", 400),
        (whole, "multipart/mixed; boundary=b", 400),
        (whole, "text/plain", 400),
        (whole, "application/json", 400),
        (b"--b\r\nX: " + b"a" * (40 * MEGABYTE) + b"\r\n\r\n" + END, MULTIPART, 400),
        (b"--b\r\n" + b"X: a\r\n" * (6 * MEGABYTE) + b"\r\n" + END, MULTIPART, 400),
        (b"--b\r\n" + b"a" * (40 * MEGABYTE) + b": x\r\n\r\n" + END, MULTIPART, 400),
        (b"\r\n" * (20 * MEGABYTE), MULTIPART, 403),
        (parts(browser, b"{}")[:-1], MULTIPART, 400),
        (b"", MULTIPART, 403),
    ):
        assert send(browser, body, kind)[0] == status, (body[:60], kind[:60])
    assert check_still_there(browser)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04" + b"x" * 100, "zip archive"),
        (gzip.compress(b'{"resourceType":"Bundle","entry":[' + b" " * (200 * MEGABYTE) + b"]}", 1), "unzips to more"),
        (gzip.compress(gzip.compress(b"x")), "not JSON"),
        (gzip.compress(b'{"resourceType":"Bundle","entry":[' + b'{"a":1},' * 6_000_000 + b"1]}", 1), "JSON values"),
        (b"\x1f\x8bnonsense", "gzip"),
        (gzip.compress(b"x" * 1000)[:20], "gzip"),
        (b'{"resourceType":"Bundle","entry":[' + b"[]," * 1_000_000 + b"1]}", "limit"),
        (b'{"resourceType":"Bundle","entry":[' + b'{"resource":{}},' * 1_000_000 + b"1]}", "limit"),
        (OBJECT + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested"),
        (OBJECT + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, "nested"),
        ('{"resourceType":"Patient","id":"é"}'.encode("latin-1"), "not JSON"),
        ('{"resourceType":"Patient","id":"p"}'.encode("utf-16"), "not JSON"),
        (b'{"resourceType":"Patient","id":"\\ud800"}', "not JSON"),
        (b'{"resourceType":"Patient","id":"p","x":NaN}', "not JSON"),
        (b"<html><script>alert(1)</script>", "not JSON"),
        (b"[]", "a FHIR resource is a JSON object"),
        (b"\x00" * 100, "not JSON"),
        (b"%PDF-1.7\n" + b"x" * 100, "not JSON"),
        (picture(), "not JSON"),
        (b"", "Choose a file"),
    ],
    ids=lambda each: each if isinstance(each, str) else "file",  # the bytes of a gzip file hold the time
)  # fmt: skip
def test_files_that_are_no_record(
    browser: Browser, running: tuple[Site, subprocess.Popen[bytes]], data: bytes, words: str
) -> None:
    status, said = send(browser, parts(browser, data) + END)
    assert (status, words in said) == (400, True), said[:600]
    assert most_memory(running[1]) < 900
    assert check_still_there(browser)


def test_a_zip_that_is_also_json_is_read_as_what_it_is(browser: Browser) -> None:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("../../../escaped.json", "{}")
    both = json.dumps(bundle()).encode() + zipped.getvalue()
    status, said = send(browser, parts(browser, both) + END)
    assert status == 400 and "not JSON" in said


def test_several_patients_are_refused_without_their_names(browser: Browser) -> None:
    whole = bundle()
    for name in ("ZEBRA", "QUAGGA"):
        whole["entry"].append({"resource": {"resourceType": "Patient", "id": name, "name": [{"family": name}]}})
    answer = browser.upload(whole)
    assert answer.status_code == 400 and "ZEBRA" not in answer.text and "QUAGGA" not in answer.text


@pytest.mark.parametrize("depth", [40, 400, 900])
def test_a_deep_record_is_kept_and_shown_or_refused(browser: Browser, depth: int) -> None:
    lists = OBJECT + b"[" * depth + b"]" * depth + b"}"
    objects = OBJECT + b'{"extension":' * depth + b"1" + b"}" * depth + b"}"
    for data in (lists, objects):
        made = browser.upload(data)
        assert made.status_code in (303, 400)
        if made.status_code == 303:
            case = made.headers["location"]
            assert [browser.get(case + view).status_code for view in (*VIEWS, "/export")] == [200] * 8
            again = browser.upload(browser.get(f"{case}/export").content)
            assert again.status_code == 303


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31T23:59:59+00:00", "aaaaaaaaaa"])
def test_days_that_no_calendar_has_stop_no_view(browser: Browser, day: str) -> None:
    def dated(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: dated(held, name) for name, held in value.items()}
        if isinstance(value, list):
            return [dated(each, key) for each in value]
        return day if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d", value) else value

    whole = dated(bundle())
    for entry in whole["entry"]:
        entry["resource"]["note"] = [{"text": "Stated on the clinician's page."}]
    case = browser.case(whole)
    for instant in ("record", "now"):
        assert browser.post(f"{case}/settings", {"as_of": instant}).status_code == 303
        assert [browser.get(case + view).status_code for view in VIEWS] == [200] * 7
    visit = {"when": day, "pain": "3", "grams": "25", "site0": "thigh", "length0": "1", "width0": "1", "note": "x"}
    assert browser.post(f"{case}/visits", visit).status_code in (303, 400)
    assert browser.post(f"{case}/settings", {"next_visit": day}).status_code in (303, 400)
    assert browser.get(f"{case}/follow-up").status_code == 200


@pytest.mark.parametrize("number", ["nan", "-inf", "1e999", "-1", "٣", "0x10", "1" * 400])
def test_numbers_that_are_none_are_refused_or_harmless(browser: Browser, number: str) -> None:
    fields = ("weight", "dose", "hours", "sessions", "gfr", "infusion", "interval", "concentration", "vial", "height")
    for name in fields:
        for form in ({"modality": "hemodialysis", "salt": "anhydrous", "weight": "70", "dose": "25", name: number},):
            assert browser.post("/page/dose", form).status_code in (200, 400)
            assert browser.post("/page/dose", form, headers={"X-Part": "1"}).status_code in (200, 400)
    answers = {f"{name}.value": number for name in ("age", "weight", "sex", "dialysis", "lesion")}
    assert browser.post("/cases/new", answers).status_code in (303, 400)


@pytest.mark.parametrize(
    "settings",
    [{"complete": 5}, {"complete": {"a": 1}}, {"notes": "x"}, {"as_of": []}, {"next_visit": 7}, {"next_visit": "<b>"},
     {"opened": [1]}, {"opened": {"age": {}}}, {"passed": 3}, {"passed": {"a": 1}}],
)  # fmt: skip
def test_settings_of_a_forged_export_are_refused(browser: Browser, settings: dict[str, Any]) -> None:
    case = browser.case()
    whole = browser.get(f"{case}/export").json()
    said = whole["entry"][0]["resource"]["extension"]
    assert said[1]["url"] == "urn:calcipath:case-settings"
    said[1]["valueString"] = json.dumps(settings)
    answer = browser.upload(whole)
    assert answer.status_code == 400 and "settings" in answer.text


def test_names_of_files_are_never_paths(browser: Browser, site: Site, tmp_path: Path) -> None:
    names = [
        "../../x.json",
        "/etc/passwd",
        f"{tmp_path}/planted",
        "..\\..\\x",
        "x" * 5000,
        "con",
        "a\x00b",
        ".",
        "",
        "%2e%2e%2fx",
    ]

    def files() -> set[str]:
        return {str(each.relative_to(site.folder)) for each in site.folder.rglob("*") if each.is_file()}

    case, before = browser.case(), files()
    for name in names:
        assert browser.upload(bundle(), name).status_code in (303, 400)
        sent = {"picture": (name, picture(), "image/jpeg")}
        said = {"taken": "2026-01-05", "site": "thigh", "consent": "written"}
        assert browser.post(f"{case}/photographs", said, files=sent).status_code in (303, 400)
    new = files() - before
    assert len(new) >= 8 and all(
        re.fullmatch(r"calcipath-service\.sqlite\.photographs/[0-9a-f]{32}", each) for each in new
    )
    assert list(tmp_path.iterdir()) == []
    for name in ("../../calcipath-service.sqlite", "..%2f..%2fcalcipath-service.sqlite", "calcipath-register", "%00"):
        answer = browser.get(f"{case}/photographs/{name}")
        assert answer.status_code in (400, 404) and b"SQLite format" not in answer.content


def bomb() -> bytes:
    """A PNG that says it has 60 000 by 60 000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    size = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "data",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
        b"<html><script>alert(1)</script></html>",
        b"GIF89a/*" + b"x" * 50 + b"*/=1;alert(1)",
        picture("GIF"),
        picture("BMP"),
        picture("TIFF"),
        picture()[:100],
        b"\xff\xd8\xff" + b"<script>alert(1)</script>" * 10,
        bomb(),
        b"%PDF-1.7",
        b"x" * (15 * MEGABYTE + 1),
    ],
)  # fmt: skip
def test_what_is_no_photograph_is_refused(
    browser: Browser, running: tuple[Site, subprocess.Popen[bytes]], data: bytes
) -> None:
    case, before = browser.case(), most_memory(running[1])
    answer = browser.photograph(case, data)
    assert answer.status_code == 400 and "alert(1)" not in answer.text
    assert "/photographs/" not in browser.get(f"{case}/follow-up").text.replace(f'action="{case}/photographs"', "")
    assert most_memory(running[1]) - before < 200


def test_a_photograph_comes_back_without_camera_and_stowaways(browser: Browser) -> None:
    exif = Image.Exif()
    exif[0x010E] = "ZEBRA"
    exif.get_ifd(0x8825)[2] = (59.0, 20.0, 1.0)
    hidden = b"<script>ZEBRA</script>PK\x03\x04ZEBRA"
    for kind, media_type in (("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")):
        case = browser.case()
        stored = picture(kind, exif=exif) + (hidden if kind != "WEBP" else b"")
        assert b"ZEBRA" in stored
        assert browser.photograph(case, stored).status_code == 303
        address = re.search(r'src="([^"]+/photographs/[^"]+)"', browser.get(f"{case}/follow-up").text)
        assert address
        answer = browser.get(address[1], headers={"Accept": "text/html"})
        assert answer.headers["content-type"] == media_type and answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert b"ZEBRA" not in answer.content
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.size == (16, 12) and not image.getexif()
        exported = browser.get(f"{case}/export").json()
        data = next(
            each["resource"]["data"] for each in exported["entry"] if each["resource"]["resourceType"] == "Binary"
        )
        assert base64.b64decode(data) == answer.content
