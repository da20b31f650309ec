"""Image files as their parts, and which parts a picture needs: all others, where a camera writes who, where and when,
are left out without touching a pixel.

Sources: ITU-T T.81 annex B (JPEG), the PNG specification (W3C, third edition), RFC 9649 (WebP).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS = frozenset(
    (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs")
)
_WEBP_CHUNKS = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP"))
_WEBP_METADATA = 0x08 | 0x04  # flags of VP8X: there is EXIF, there is XMP
_JPEG_TABLES = frozenset((*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD)) - {0xC8}
_JPEG_ALONE = frozenset((0x01, *range(0xD0, 0xD8)))
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_JFIF_WITHOUT_THUMBNAIL = 16  # bytes that the segment says of itself


class BrokenFileError(ValueError):
    """The file does not follow its format."""


def without_metadata(data: bytes, media_type: str) -> bytes:
    """The file without what a picture does not need; one that has nothing else comes back as it was.

    Raises `BrokenFileError`.
    """
    return _READERS[media_type](data)


def _jpeg(data: bytes) -> bytes:
    return b"".join((data[:2], *_jpeg_parts(data)))


def _jpeg_parts(data: bytes) -> Iterator[bytes]:
    at = 2
    while True:
        start = at
        if data[at : at + 1] != b"\xff":
            raise BrokenFileError
        while data[at + 1 : at + 2] == b"\xff":  # fill bytes
            at += 1
        if at + 2 > len(data):
            raise BrokenFileError
        marker = data[at + 1]
        at += 2
        if marker == 0xD9:  # the end of the picture; whatever a camera put behind it is left out
            yield data[start:at]
            return
        if marker in _JPEG_ALONE:
            continue
        length = int.from_bytes(data[at : at + 2])
        segment, at = data[at + 2 : at + length], at + length
        if length < 2 or at > len(data):
            raise BrokenFileError
        if _is_needed(marker, segment):
            yield data[start:at]
        if marker == 0xDA:
            found = _NEXT_MARKER.search(data, at)
            if found is None:
                raise BrokenFileError
            yield data[at : found.start()]
            at = found.start()


def _is_needed(marker: int, segment: bytes) -> bool:
    """Tables and frames, the density (without a thumbnail), the colour profile and the colour transform."""
    if marker == 0xE0:
        return segment.startswith(b"JFIF\0") and len(segment) + 2 == _JFIF_WITHOUT_THUMBNAIL
    if marker == 0xE2:
        return segment.startswith(b"ICC_PROFILE\0")
    if marker == 0xEE:
        return segment.startswith(b"Adobe")
    return marker in _JPEG_TABLES


def _png(data: bytes) -> bytes:
    if not data.startswith(_PNG):
        raise BrokenFileError
    parts, at, name = [_PNG], len(_PNG), b""
    while name != b"IEND":
        length, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data) or (name == b"IEND" and length):
            raise BrokenFileError
        if name in _PNG_CHUNKS:
            parts.append(data[at:end])
        at = end
    return b"".join(parts)


def _webp(data: bytes) -> bytes:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise BrokenFileError
    parts, at, whole = [b"WEBP"], 12, 8 + int.from_bytes(data[4:8], "little")
    if whole > len(data):
        raise BrokenFileError
    while at < whole:
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + length + length % 2
        if end > len(data):
            raise BrokenFileError
        if name == b"VP8X":
            flags = data[at + 8] & ~_WEBP_METADATA
            parts.append(data[at : at + 8] + bytes((flags,)) + data[at + 9 : end])
        elif name in _WEBP_CHUNKS:
            parts.append(data[at:end])
        at = end
    body = b"".join(parts)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


_READERS: Mapping[str, Callable[[bytes], bytes]] = {"image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp}
