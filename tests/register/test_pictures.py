"""Pictures: told by decoding them, upright, without what a camera writes, and otherwise untouched."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from register_examples import picture, with_camera_data

from calcipath.errors import InputError
from calcipath.register.pictures import picture_of

RED, BLUE = (250, 10, 10), (20, 60, 200)
KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def corners(data: bytes) -> list[str]:
    """Whether the corners are red: upper left, upper right, lower left, lower right."""
    image = decoded(data).convert("RGB")
    right, below = image.width - 2, image.height - 2
    found = []
    for place in ((1, 1), (right, 1), (1, below), (right, below)):
        red, _, blue = image.getpixel(place)  # type: ignore[misc]
        found.append("red" if red > blue else "blue")
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_without_metadata_keeps_its_bytes(kind: str) -> None:
    data = picture(kind)
    found = picture_of(data)
    assert found.data == data
    assert (found.media_type, found.width, found.height) == (KINDS[kind], 12, 8)


@pytest.mark.parametrize(
    "how", [{"progressive": True}, {"quality": 30, "subsampling": 2}, {"restart_marker_blocks": 1}]
)
def test_every_form_of_jpeg_keeps_its_bytes(how: dict[str, int]) -> None:
    data = picture("JPEG", (70, 50), **how)
    assert picture_of(data).data == data


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_colours_of_jpeg_keep_their_bytes(mode: str) -> None:
    written = io.BytesIO()
    Image.new(mode, (20, 20)).save(written, "JPEG")
    assert picture_of(written.getvalue()).data == written.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_the_colour_profile_stays(kind: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = picture(kind, icc_profile=profile)
    assert decoded(picture_of(data).data).info["icc_profile"] == profile


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_camera_writes_is_gone_and_no_pixel_changed(kind: str) -> None:
    data = with_camera_data(kind)
    assert b"MARKER" in data
    found = picture_of(data)
    assert b"MARKER" not in found.data and b"Exif" not in found.data and b"EXIF" not in found.data
    assert len(decoded(found.data).getexif()) == 0
    assert decoded(found.data).tobytes() == decoded(data).tobytes()
    assert picture_of(found.data).data == found.data


def test_other_places_where_a_jpeg_can_speak() -> None:
    data = picture("JPEG", comment=b"MARKER comment")
    xmp = b"http://ns.adobe.com/xap/1.0/\0<MARKER/>"
    iptc = b"Photoshop 3.0\x008BIM MARKER"
    for marker, said in ((0xE1, xmp), (0xED, iptc), (0xE5, b"MARKER"), (0xE2, b"FPXR\0MARKER"), (0xFE, b"MARKER")):
        data = data[:2] + bytes((0xFF, marker)) + struct.pack(">H", len(said) + 2) + said + data[2:]
    data += b"MARKER motion picture" + with_camera_data("JPEG")
    found = picture_of(data)
    assert found.data == picture("JPEG")


def test_a_thumbnail_may_show_what_was_cut_off() -> None:
    plain = picture("JPEG")
    length = struct.unpack(">H", plain[4:6])[0]
    small = b"JFIF\0\x01\x01\0\0\x01\0\x01\x01\x01" + b"RED"
    data = plain[:2] + b"\xff\xe0" + struct.pack(">H", len(small) + 2) + small + plain[4 + length :]
    assert b"RED" in data and b"RED" not in picture_of(data).data


def test_other_places_where_a_png_can_speak() -> None:
    plain = picture("PNG")
    chunks = b""
    for name, said in (
        (b"tEXt", b"Author\0MARKER"),
        (b"iTXt", b"XML\0\0\0\0\0MARKER"),
        (b"prVt", b"MARKER"),
        (b"tIME", bytes(7)),
    ):
        chunks += struct.pack(">I", len(said)) + name + said + struct.pack(">I", zlib.crc32(name + said))
    data = plain[:33] + chunks + plain[33:] + b"MARKER behind the end"  # after IHDR
    assert picture_of(data).data == plain


def test_other_places_where_a_webp_can_speak() -> None:
    data = picture("WEBP", xmp=b"<MARKER/>", exif=b"Exif\0\0MARKER")
    odd = b"ODDS" + struct.pack("<I", 7) + b"MARKER!\0"
    data = b"RIFF" + struct.pack("<I", len(data) - 8 + len(odd)) + data[8:] + odd + b"MARKER behind"
    found = picture_of(data)
    assert b"MARKER" not in found.data
    assert decoded(found.data).tobytes() == decoded(picture("WEBP")).tobytes()
    assert picture_of(found.data).data == found.data


UPRIGHT = {  # orientation: which corner the red is in, when shown as the camera was held (EXIF 2.32, table 4)
    1: "upper left",
    2: "upper right",
    3: "lower right",
    4: "lower left",
    5: "upper left",
    6: "upper right",
    7: "lower right",
    8: "lower left",
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_turned_as_the_camera_was_held(kind: str, orientation: int) -> None:
    found = picture_of(with_camera_data(kind, orientation, size=(48, 32)))
    assert (found.width, found.height) == ((48, 32) if orientation < 5 else (32, 48))
    names = ["upper left", "upper right", "lower left", "lower right"]
    assert [name for name, colour in zip(names, corners(found.data), strict=True) if colour == "red"] == [
        UPRIGHT[orientation]
    ]
    assert len(decoded(found.data).getexif()) == 0
    assert picture_of(found.data).data == found.data


def test_the_picture_of_a_telephone_with_a_second_one_inside() -> None:
    written = io.BytesIO()
    first, second = Image.new("RGB", (16, 16), RED), Image.new("RGB", (8, 8), BLUE)
    first.save(written, "MPO", save_all=True, append_images=[second])
    assert decoded(written.getvalue()).format == "MPO"
    found = picture_of(written.getvalue())
    assert (found.media_type, decoded(found.data).format, found.width) == ("image/jpeg", "JPEG", 16)
    assert len(found.data) < len(written.getvalue())


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM", "ICO"])
def test_other_formats_are_refused(kind: str) -> None:
    with pytest.raises(InputError, match="no JPEG, PNG or WebP"):
        picture_of(picture(kind, (16, 16)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"MZ" + bytes(100),
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"no JPEG, PNG or WebP|broken"):
        picture_of(data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_picture_is_refused(kind: str) -> None:
    data = picture(kind, (64, 64))
    with pytest.raises(InputError):
        picture_of(data[: len(data) * 2 // 3])


def test_a_moving_picture_is_refused() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE)]
    for kind in ("WEBP", "PNG"):
        written = io.BytesIO()
        frames[0].save(written, kind, save_all=True, append_images=frames[1:])
        with pytest.raises(InputError, match="not a moving one"):
            picture_of(written.getvalue())


def test_a_picture_that_is_too_large() -> None:
    with pytest.raises(InputError, match="at most 15 MB"):
        picture_of(picture() + bytes(15 * 1024 * 1024))


@pytest.mark.parametrize("size", [(50_001, 1_000), (10_000, 10_000), (60_000, 60_000)])
def test_a_small_file_with_too_many_pixels(size: tuple[int, int]) -> None:
    """Never decoded: only the header is there."""
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for name, said in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")):
        data += struct.pack(">I", len(said)) + name + said + struct.pack(">I", zlib.crc32(name + said))
    with pytest.raises(InputError, match="at most 50 million pixels"):
        picture_of(data)


def test_fifty_million_pixels_are_allowed() -> None:
    written = io.BytesIO()
    Image.new("1", (10_000, 5_000)).save(written, "PNG")
    assert picture_of(written.getvalue()).width == 10_000


@given(
    st.sampled_from(sorted(KINDS)), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8)
)
def test_damaged_bytes_give_a_picture_or_one_sentence(kind: str, damage: list[tuple[float, int]]) -> None:
    data = bytearray(with_camera_data(kind, 6))
    for place, byte in damage:
        data[int(place * (len(data) - 1))] = byte
    try:
        found = picture_of(bytes(data))
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert picture_of(found.data).data == found.data
