"""A picture as it is kept: told by decoding it, upright, without what a camera writes beside the pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from PIL import Image

from calcipath.errors import InputError
from calcipath.register.picture_containers import BrokenFileError, without_metadata

MOST_BYTES = 15 * 1024 * 1024
MOST_PIXELS = 50_000_000
_MEDIA_TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_FORMATS = {media_type: name for name, media_type in _MEDIA_TYPES.items() if name != "MPO"}
_ORIENTATION = 0x0112  # EXIF 2.32, table 4
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUALITY = 95  # of a photograph that had to be turned, and so written anew


@dataclass(frozen=True, slots=True)
class Picture:
    """What is kept: the file's bytes, its type, and its size in pixels."""

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int


def picture_of(data: bytes) -> Picture:
    """The picture in a file. One that is upright and has no metadata keeps its bytes.

    Raises `InputError` in one sentence: for another format, a moving or broken picture, and one that is too large.
    """
    if len(data) > MOST_BYTES:
        raise InputError(f"a photograph may have at most {MOST_BYTES // 1024 // 1024} MB")
    try:
        media_type, orientation = _looked_at(data)
        bare = without_metadata(data, media_type)
        if orientation in _UPRIGHT:
            bare = without_metadata(_turned(bare, media_type, orientation), media_type)
        with Image.open(io.BytesIO(bare), formats=[_FORMATS[media_type]]) as image:
            image.load()
            return Picture(bare, media_type, image.width, image.height)
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except BrokenFileError:
        raise InputError("the photograph's file is broken") from None
    except Exception:  # noqa: BLE001 - Pillow's decoders raise what they like
        raise InputError("the photograph is no JPEG, PNG or WebP picture that can be read") from None


def _looked_at(data: bytes) -> tuple[str, int]:
    """The type and the orientation (EXIF), before any pixel is decoded that would be too many."""
    with Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "WEBP"]) as image:
        if image.width * image.height > MOST_PIXELS:
            raise _too_many_pixels()
        media_type = _MEDIA_TYPES[image.format or ""]
        if media_type != "image/jpeg" and getattr(image, "n_frames", 1) > 1:
            raise InputError("a photograph must be one picture, not a moving one")
        return media_type, _orientation(image)


def _orientation(image: Image.Image) -> int:
    """Upright where the camera's words cannot be read: the picture is not worse for it."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - as above
        return 1


def _turned(bare: bytes, media_type: str, orientation: int) -> bytes:
    with Image.open(io.BytesIO(bare)) as image:
        turned = image.transpose(_UPRIGHT[orientation])
        written = io.BytesIO()
        turned.save(written, _FORMATS[media_type], quality=_QUALITY, icc_profile=image.info.get("icc_profile"))
    return written.getvalue()


def _too_many_pixels() -> InputError:
    return InputError(f"a photograph may have at most {MOST_PIXELS // 1_000_000} million pixels")
