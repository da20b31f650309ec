"""Addresses that a caller chooses: one spelling, compared with the list; what can be read in two ways is refused."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcipath.errors import InputError
from calcipath.service.addresses import AddressRefused, Allowed, below, read_address

BASE = "https://ehr.example/fhir/r4"
LOCAL = "http://127.0.0.1:8090/fhir"
ALLOWED = Allowed(
    fhir_servers=(BASE, LOCAL, "https://bücher.example/fhir", "https://[2001:db8::1]/fhir"), issuers=(BASE,)
)


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        (BASE, BASE),
        ("HTTPS://EHR.Example/fhir/r4", BASE),
        ("https://ehr.example:443/fhir/r4", BASE),
        ("https://ehr.example/fhir/r4/", BASE),
        ("https://ehr.example/%66hir/r%34", BASE),
        ("http://127.0.0.1:8090/fhir/", LOCAL),
        ("https://bücher.example/fhir", "https://xn--bcher-kva.example/fhir"),
        ("https://xn--bcher-kva.example/fhir", "https://xn--bcher-kva.example/fhir"),
        ("https://BüCHER.EXAMPLE/fhir", "https://xn--bcher-kva.example/fhir"),
        ("https://[2001:DB8:0:0:0:0:0:1]:443/fhir", "https://[2001:db8::1]/fhir"),
    ],
)
def test_other_spellings_of_a_listed_server_are_that_server(given: str, spelled: str) -> None:
    assert ALLOWED.fhir_server(given) == spelled


HOSTILE = [
    # another host that looks like the listed one
    "https://ehr.example.evil.com/fhir/r4",
    "https://ehr.example-evil.com/fhir/r4",
    "https://evil-ehr.example/fhir/r4",
    "https://evil.com/ehr.example/fhir/r4",
    "https://evil.com?https://ehr.example/fhir/r4",
    "https://evil.com#https://ehr.example/fhir/r4",
    "https://еhr.example/fhir/r4",  # a Cyrillic letter
    "https://ehr。example/fhir/r4",
    "https://ehr．example/fhir/r4",
    "https://ehr｡example/fhir/r4",
    "https://ｅhr.example/fhir/r4",
    "https://eh\u00adr.example/fhir/r4",
    "https://ehr\u200b.example/fhir/r4",
    "https://ehr.exam\u2060ple/fhir/r4",
    "https://ehr.eⓧample/fhir/r4",
    "https://\u212a.example/fhir",  # the Kelvin sign
    "https://ehr.example./fhir/r4",
    "https://ehr..example/fhir/r4",
    "https://.ehr.example/fhir/r4",
    "https://ehr.example%2eevil.com/fhir/r4",
    "https://ehr.example%00.evil.com/fhir/r4",
    "https://xn--zzzz-.example/fhir/r4",
    # user part
    "https://ehr.example@evil.com/fhir/r4",
    "https://ehr.example:443@evil.com/fhir/r4",
    "https://user:secret@ehr.example/fhir/r4",
    "https://@ehr.example/fhir/r4",
    "https://ehr.example%40evil.com/fhir/r4",
    # backslashes, white space, control characters
    "https://ehr.example\\@evil.com/fhir/r4",
    "https:\\\\ehr.example/fhir/r4",
    "https://ehr.example\\fhir\\r4",
    "https:/\\ehr.example/fhir/r4",
    " https://ehr.example/fhir/r4",
    "https://ehr.example/fhir/r4 ",
    "https://ehr.example/fhir/r4\n",
    "https://ehr.example/fhir/r4\r\nHost: evil.com",
    "ht\ttps://ehr.example/fhir/r4",
    "https://ehr.exa\tmple/fhir/r4",
    "https://ehr.example/fhir/r4\x00",
    "https://ehr.example\u2028/fhir/r4",
    # schemes and shapes
    "http://ehr.example/fhir/r4",
    "httpſ://ehr.example/fhir/r4",
    "ftp://ehr.example/fhir/r4",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "//ehr.example/fhir/r4",
    "https:ehr.example/fhir/r4",
    "https:///ehr.example/fhir/r4",
    "https:/ehr.example/fhir/r4",
    "ehr.example/fhir/r4",
    "/fhir/r4",
    "https://",
    "https:///fhir/r4",
    "https://:443/fhir/r4",
    "",
    # path
    "https://ehr.example",
    "https://ehr.example/",
    "https://ehr.example/fhir",
    "https://ehr.example/fhir/r4x",
    "https://ehr.example/fhir/r4/Patient",
    "https://ehr.example/FHIR/R4",
    "https://ehr.example/fhir/r4/..",
    "https://ehr.example/fhir/./r4",
    "https://ehr.example/fhir/x/../r4",
    "https://ehr.example/fhir/r4/%2e%2e/admin",
    "https://ehr.example/fhir/r4/%2E%2e",
    "https://ehr.example/fhir/r4/..;/admin",
    "https://ehr.example/fhir%2fr4",
    "https://ehr.example/fhir%2Fr4",
    "https://ehr.example/fhir%5cr4",
    "https://ehr.example/fhir%252fr4",
    "https://ehr.example/fhir/r4%00",
    "https://ehr.example/fhir/r4%0d%0a",
    "https://ehr.example/fhir/r4%",
    "https://ehr.example/fhir/r4%zz",
    "https://ehr.example/fhir//r4",
    "https://ehr.example//fhir/r4",
    "https://ehr.example/fhir/r4//",
    "https://ehr.example/fhir/r4;x",
    "https://ehr.example/fhir/r4?",
    "https://ehr.example/fhir/r4?x=1",
    "https://ehr.example/fhir/r4#",
    "https://ehr.example/fhir/r4#x",
    "https://ehr.example/fhir/ŕ4",
    "https://ehr.example?/fhir/r4",
    # ports
    "https://ehr.example:444/fhir/r4",
    "https://ehr.example:/fhir/r4",
    "https://ehr.example:0/fhir/r4",
    "https://ehr.example:0443/fhir/r4",
    "https://ehr.example:65979/fhir/r4",  # 443 + 65536
    "https://ehr.example:４４３/fhir/r4",
    "https://ehr.example:443:443/fhir/r4",
    "https://ehr.example:-443/fhir/r4",
    "https://ehr.example: 443/fhir/r4",
    # this machine in other words
    "http://2130706433:8090/fhir",
    "http://0x7f000001:8090/fhir",
    "http://0x7f.1:8090/fhir",
    "http://0177.0.0.1:8090/fhir",
    "http://127.1:8090/fhir",
    "http://127.0.0.1.:8090/fhir",
    "http://127.0.0.01:8090/fhir",
    "http://127.0.0.1:8091/fhir",
    "http://127.0.0.2:8090/fhir",
    "http://localhost:8090/fhir",
    "http://[::1]:8090/fhir",
    "http://[::ffff:127.0.0.1]:8090/fhir",
    "http://[::ffff:7f00:1]:8090/fhir",
    "http://[::127.0.0.1]:8090/fhir",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:8090/fhir",
    "http://①②⑦.0.0.1:8090/fhir",
    "http://169.254.169.254/latest/meta-data",
    "http://0.0.0.0:8090/fhir",
    "https://[2001:db8::2]/fhir",
    "https://[2001:db8::1%25eth0]/fhir",
    "https://[2001:db8::1%eth0]/fhir",
    "https://2001:db8::1/fhir",
    "https://[2001:db8::1]evil.com/fhir",
    "https://[2001:db8::1/fhir",
    "https://[]/fhir",
    "https://[ehr.example]/fhir/r4",
]


@pytest.mark.parametrize("given", HOSTILE)
def test_hostile_addresses_are_not_on_the_list(given: str) -> None:
    assert ALLOWED.fhir_server(given) is None
    assert ALLOWED.issuer(given) is None
    try:
        read_address(given)
    except AddressRefused as error:
        assert len(given) < 6 or given not in str(error)


@pytest.mark.parametrize(
    "given", [None, 1, b"https://ehr.example/fhir/r4", [BASE], {"url": BASE}, True, "https://ehr.example/" + "a" * 2048]
)
def test_what_is_no_text_or_too_long_is_refused(given: object) -> None:
    assert ALLOWED.fhir_server(given) is None
    with pytest.raises(AddressRefused):
        read_address(given)


@pytest.mark.parametrize(
    "given",
    [
        "https://ehr.example:65979/fhir",
        "https://ehr.example:65536/fhir",
        "https://2130706433/fhir",
        "https://0x7f000001/fhir",
        "https://127.1/fhir",
        "https://0177.0.0.1/fhir",
        "https://1.2.3.4.5/fhir",
        "https://ehr.example.0x1/fhir",
        "https://[::ffff:10.0.0.1]/fhir",
        "https://[fe80::1%eth0]/fhir",
        "https://[fe80::1%25eth0]/fhir",
        "https://\u212a.example/fhir",  # the Kelvin sign, which lower() makes a plain k
        "https://ehr.example./fhir",
        "https://user@ehr.example/fhir",
        "https://ehr.example/a/../b",
        "https://ehr.example/a/..;x/b",
        "https://ehr.example/a%2fb",
    ],
)
def test_what_can_be_read_in_two_ways_is_no_address_on_any_list(given: str) -> None:
    with pytest.raises(AddressRefused):
        read_address(given)


def test_the_two_lists_are_apart() -> None:
    allowed = Allowed(fhir_servers=(BASE,), issuers=(LOCAL,))
    assert allowed.fhir_server(LOCAL) is None
    assert allowed.issuer(BASE) is None
    assert Allowed().fhir_server(BASE) is None


@pytest.mark.parametrize(
    "entry", ["http://ehr.example/fhir", "https://u@ehr.example/fhir", "ehr.example", "https://*.example/fhir", ""]
)
def test_a_list_with_an_entry_that_is_no_safe_address_is_refused(entry: str) -> None:
    with pytest.raises(InputError):
        Allowed(fhir_servers=(entry,))
    with pytest.raises(InputError):
        Allowed(issuers=(entry,))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.3.2.1", "[::1]", "[0:0:0:0:0:0:0:1]", "LOCALHOST"])
def test_plain_http_is_for_this_machine(host: str) -> None:
    assert read_address(f"http://{host}:8080/x").loopback


@pytest.mark.parametrize(
    "host", ["localhost.evil.com", "127.0.0.1.evil.com", "10.0.0.1", "192.168.1.1", "[fe80::1]", "128.0.0.1", "ehr"]
)
def test_plain_http_is_for_no_other_machine(host: str) -> None:
    with pytest.raises(AddressRefused):
        read_address(f"http://{host}/x")
    assert not read_address(f"https://{host}/x").loopback


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (f"{BASE}/Patient/1", f"{BASE}/Patient/1"),
        (f"{BASE}?_getpages=a-b&_getpagesoffset=20", f"{BASE}?_getpages=a-b&_getpagesoffset=20"),
        (f"{BASE}/Observation?code=http://loinc.org|1234-5", f"{BASE}/Observation?code=http://loinc.org|1234-5"),
        ("HTTPS://EHR.EXAMPLE:443/fhir/r4/Patient", f"{BASE}/Patient"),
        (BASE, BASE),
        (f"{BASE}x/Patient", None),
        ("https://ehr.example/fhir/Patient", None),
        ("https://ehr.example/fhir/r4/../admin", None),
        ("https://ehr.example/fhir/r4/%2e%2e/admin", None),
        ("https://ehr.example/fhir/r4/..;/admin", None),
        ("https://ehr.example/fhir/r4/a%2f..%2f..%2fadmin", None),
        ("https://ehr.example/fhir/r4/a%5c..%5cadmin", None),
        ("https://ehr.example/fhir/r4\\..\\admin", None),
        ("https://ehr.example.evil.com/fhir/r4/Patient", None),
        ("https://ehr.example@evil.com/fhir/r4/Patient", None),
        ("http://ehr.example/fhir/r4/Patient", None),
        ("https://ehr.example:8443/fhir/r4/Patient", None),
        (f"{BASE}/Patient?a=b#c", None),
        (f"{BASE}/Patient?a=b\r\nX: y", None),
        (f"{BASE}/Patient?a=é", None),
        (f"{BASE}/Patient?a=\\..", None),
        ("Patient/1", None),
        (None, None),
    ],
)
def test_a_link_is_followed_only_below_the_base(given: object, expected: str | None) -> None:
    assert below(BASE, given) == expected


PIECES = st.lists(
    st.sampled_from(
        ["https", "http", ":", "//", "/", "\\", "@", "ehr.example", "evil.com", "fhir", "r4", ".", "..", "%2e", "%2f", "%00",
         "?", "#", ":443", ":80", "127.0.0.1", "[::1]", "localhost", " ", "\t", "\n", "é", "。", "\u212a", "ſ", "xn--", ";", "%"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(PIECES | PIECES.map(lambda text: "https://" + text) | PIECES.map(lambda text: BASE + text))
def test_what_passes_means_the_same_to_two_other_readers(text: str) -> None:
    """The standard library and httpx must see the host that was compared, and reading twice changes nothing."""
    try:
        address = read_address(text, with_query=True)
    except AddressRefused:
        return
    spelled = str(address)
    assert str(read_address(spelled, with_query=True)) == spelled
    assert urlsplit(spelled).hostname == address.host.strip("[]") == httpx.URL(spelled).raw_host.decode()
    assert (urlsplit(spelled).port or {"https": 443, "http": 80}[address.scheme]) == address.port
    assert httpx.URL(spelled).raw_path.decode().split("?")[0].rstrip("/") == address.path
    if ALLOWED.fhir_server(text) is not None:
        assert urlsplit(text).hostname in (
            "ehr.example",
            "127.0.0.1",
            "bücher.example",
            "xn--bcher-kva.example",
            "2001:db8::1",
        )
