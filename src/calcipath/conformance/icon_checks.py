"""The icon of a source: a PNG of 100 by 100 pixels without transparency (#112). PNG specification, third edition."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from calcipath.conformance.findings import Answer, Finding, is_absolute_url, judge

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
SIDE = 100  # pixels
_WITH_ALPHA = {4: 2, 6: 4}  # colour type to bytes of a pixel at 8 bits a sample


def icon_urls(response: Any) -> list[str]:
    """The absolute icon addresses of a response's cards."""
    cards = response.get("cards") if isinstance(response, Mapping) else None
    sources = [card.get("source") for card in cards if isinstance(card, Mapping)] if isinstance(cards, list) else []
    icons = [source.get("icon") for source in sources if isinstance(source, Mapping)]
    return [str(icon) for icon in icons if is_absolute_url(icon)]


def icon_findings(url: str, answer: Answer) -> Iterator[Finding]:
    """Whether what is at an icon's address is what the specification recommends."""
    fault = icon_fault(answer.body) if answer.success else answer.described
    yield from judge("112", not fault, url, fault or "PNG, 100x100, opaque")


def icon_fault(data: bytes) -> str:
    """Why an image is not the recommended one; empty when it is."""
    try:
        return _fault(data)
    except (struct.error, zlib.error, IndexError):
        return "a broken PNG"


def _fault(data: bytes) -> str:
    if not data.startswith(_SIGNATURE):
        return "no PNG"
    chunks = list(_chunks(data))
    if not chunks or chunks[0][0] != b"IHDR":
        return "a broken PNG"
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunks[0][1])
    if (width, height) != (SIDE, SIDE):
        return f"{width}x{height} pixels"
    if any(name == b"tRNS" and min(content, default=0) < 255 for name, content in chunks):
        return "has transparent colours"
    if colour not in _WITH_ALPHA:
        return ""
    if depth != 8 or interlace:
        return "has an alpha channel"
    data = b"".join(content for name, content in chunks if name == b"IDAT")
    return "" if _opaque(data, _WITH_ALPHA[colour]) else "has transparent pixels"


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(_SIGNATURE)
    while place + 12 <= len(data):
        length, name = struct.unpack(">I4s", data[place : place + 8])
        yield name, data[place + 8 : place + 8 + length]
        place += 12 + length


def _opaque(packed: bytes, size: int) -> bool:
    """Whether every pixel of an 8-bit image with alpha is opaque; undoes the filters of the lines."""
    stride = SIDE * size
    data = zlib.decompressobj().decompress(packed, (stride + 1) * SIDE)
    if len(data) < (stride + 1) * SIDE:
        raise IndexError
    above = bytes(stride)
    for row in range(SIDE):
        start = row * (stride + 1)
        above = _unfiltered(data[start], data[start + 1 : start + 1 + stride], above, size)
        if any(alpha != 255 for alpha in above[size - 1 :: size]):
            return False
    return True


def _unfiltered(kind: int, line: bytes, above: bytes, size: int) -> bytes:
    found = bytearray(line)
    for index in range(len(found)):
        left = found[index - size] if index >= size else 0
        corner = above[index - size] if index >= size else 0
        found[index] = (found[index] + _predicted(kind, left, above[index], corner)) & 255
    return bytes(found)


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 4:
        guess = left + up - corner
        return min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
    return (0, left, up, (left + up) // 2)[kind]
