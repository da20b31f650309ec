"""The only gate for addresses that a caller chooses: a request's `fhirServer`, a SMART launch's `iss`, a paging link.

An address is read by one strict grammar, brought to one spelling and compared for equality with the site's list. What
is fetched afterwards is the spelling of the list, never the caller's text. An address that two programs could read in
two ways (user part, backslash, dot segment, encoded slash, numeric host) is refused, not repaired. Anchors: RFC 3986
sections 3 and 6.2, IDNA 2008 (RFC 5891); CDS Hooks register 168 (TLS) and 195 (allow-list).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from calcipath.errors import InputError

MOST_CHARACTERS = 2048
_SHAPE = re.compile(r"(https?)://([^/?#]*)([^?#]*)(?:\?([^#]*))?", re.IGNORECASE | re.ASCII)
_PORTS = {"http": 80, "https": 443}
_PORT = re.compile(r"(.*?)(?::([1-9][0-9]{0,4}))?", re.ASCII | re.DOTALL)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2})*)*", re.ASCII)
_QUERY = re.compile(r"[!-~]*", re.ASCII)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})", re.ASCII)
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_TWICE_READ = frozenset({"%25", "%2F", "%5C", "%7F"})  # escapes that a second reader may decode into something else
_OTHER_DOTS = frozenset("\u3002\uff0e\uff61")  # IDNA reads these as dots of the host name
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


class AddressRefused(InputError):  # noqa: N818
    """A text is no plain http or https address; the message never repeats the text."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address in its one spelling. `path` has no slash at its end; `port` is always filled."""

    scheme: str
    host: str
    port: int
    path: str = ""
    query: str = ""

    @property
    def origin(self) -> str:
        """Scheme, host and port as a browser writes them."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    @property
    def loopback(self) -> bool:
        """Whether the host is this machine: `localhost`, 127.0.0.0/8 or ::1."""
        return self.host in ("localhost", "[::1]") or (
            _is_ipv4(self.host) and ipaddress.ip_address(self.host) in _LOOPBACK
        )

    def __str__(self) -> str:
        return f"{self.origin}{self.path}{'?' if self.query else ''}{self.query}"


def read_address(text: object, *, with_query: bool = False) -> Address:
    """The address in its one spelling: lower-case scheme and host, no default port, no slash at the end.

    `with_query` lets a query through, as links to pages have. Raises `AddressRefused` for everything else than an
    absolute https address, or an http address of this machine.
    """
    if not isinstance(text, str) or not text or len(text) > MOST_CHARACTERS:
        raise AddressRefused("an address must be a text of at most 2048 characters")
    if "\\" in text or any(ord(character) <= 32 or ord(character) == 127 for character in text):
        raise AddressRefused("an address holds no space, control character or backslash")
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise AddressRefused("an address must begin with https:// (or http://) and have no fragment")
    scheme, authority, path, query = found.groups()
    scheme = scheme.lower()
    if query is not None and (not with_query or not _QUERY.fullmatch(query)):
        raise AddressRefused("an address of a server has no query")
    host, port = _host_and_port(authority)
    address = Address(scheme, host, port or _PORTS[scheme], _path(path), query or "")
    if scheme == "http" and not address.loopback:
        raise AddressRefused("an address beyond this machine must be https")
    return address


def _host_and_port(authority: str) -> tuple[str, int | None]:
    if "@" in authority or "%" in authority:
        raise AddressRefused("an address has no user part and no escapes in its host")
    found = _PORT.fullmatch(authority)
    host, port = found.groups() if found else ("", None)
    if port is not None and int(port) > 65535:
        raise AddressRefused("an address's port is at most 65535")
    return _host(host), int(port) if port else None


def _host(text: str) -> str:
    if text.startswith("[") and text.endswith("]"):
        return _ipv6(text[1:-1])
    host = text.translate(_LOWER)
    labels = host.split(".")
    if not host.isascii() or any(label.startswith("xn--") for label in labels):
        host = _international(host)
        labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefused("an address's host is no host name")
    if _NUMERIC_LABEL.fullmatch(labels[-1]) and not _is_ipv4(host):
        raise AddressRefused("an address's host is a number that is read in more than one way")
    return host


def _ipv6(text: str) -> str:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise AddressRefused("an address's host is no IPv6 address") from None
    if address.ipv4_mapped is not None:
        raise AddressRefused("an address's IPv6 host has no IPv4 address inside")
    return f"[{address.compressed}]"


def _international(host: str) -> str:
    """The ASCII form of a host with letters of other scripts; only lower-case letters that IDNA 2008 allows."""
    import idna

    if _OTHER_DOTS & set(host):
        raise AddressRefused("an address's host is no host name")
    try:
        return idna.encode(host).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise AddressRefused("an address's host is no host name") from None


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _path(text: str) -> str:
    path = _ESCAPE.sub(_one_escape, text)
    if not _PATH.fullmatch(path):
        raise AddressRefused("an address's path holds characters that no path has")
    path = path.removesuffix("/")
    segments = path.split("/")[1:]
    if "" in segments or any(segment.split(";")[0] in (".", "..") for segment in segments):
        raise AddressRefused("an address's path has no empty and no dot segments")
    return path


def _one_escape(found: re.Match[str]) -> str:
    escape = found[0].upper()
    character = chr(int(found[1], 16))
    if character in _UNRESERVED:
        return character
    if escape in _TWICE_READ or ord(character) < 32:
        raise AddressRefused("an address's path hides no slash, percent sign or control character behind an escape")
    return escape


@dataclass(frozen=True, slots=True)
class Allowed:
    """The servers that a site has listed; every caller-chosen address passes through here or is not fetched.

    `fhir_servers`: bases that a CDS Hooks request may name. `issuers`: FHIR bases that may launch the SMART app. Both
    are kept in their one spelling. Raises `AddressRefused` for an entry of the list that is no address.
    """

    fhir_servers: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()

    def __init__(self, fhir_servers: Iterable[str] = (), issuers: Iterable[str] = ()) -> None:
        object.__setattr__(self, "fhir_servers", tuple(str(read_address(entry)) for entry in fhir_servers))
        object.__setattr__(self, "issuers", tuple(str(read_address(entry)) for entry in issuers))

    def fhir_server(self, given: object) -> str | None:
        """The listed FHIR base that `given` names, without a slash at its end; None for any other."""
        return _listed(given, self.fhir_servers)

    def issuer(self, given: object) -> str | None:
        """The listed SMART issuer that `given` names, without a slash at its end; None for any other."""
        return _listed(given, self.issuers)


def _listed(given: object, entries: tuple[str, ...]) -> str | None:
    try:
        wanted = str(read_address(given))
    except AddressRefused:
        return None
    return next((entry for entry in entries if entry == wanted), None)


def below(base: str, given: object) -> str | None:
    """`given` in its one spelling when it is the base itself or lies below it (a resource, a page); None otherwise.

    The base must be an entry of the list. The query may differ, the origin and the path to the base may not.
    """
    try:
        root, address = read_address(base), read_address(given, with_query=True)
    except AddressRefused:
        return None
    inside = address.path == root.path or address.path.startswith(root.path + "/")
    return str(address) if inside and address.origin == root.origin else None
