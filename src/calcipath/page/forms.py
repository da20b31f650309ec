"""The body of a request as a form, within limits that hold while it is read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from urllib.parse import parse_qs

from python_multipart.exceptions import MultipartParseError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from calcipath.page.visit import Form, Upload

MOST_FIELDS = 400
MOST_FILES = 10
MOST_TYPED = 4 * 2**20  # bytes of a form without files: a note of 100 000 characters takes a third of it at most


class TooLarge(Exception):  # noqa: N818  it is an answer
    """The body is larger than what may be sent."""


class NoForm(Exception):  # noqa: N818  it is an answer
    """The body is no form."""


class _InMemory(MultiPartParser):
    """A patient's record is not written to a temporary file on its way."""

    spool_max_size = 1 << 30


async def read_form(request: Request, most_bytes: int) -> Form:
    """The form of a request. Raises `TooLarge` before the rest is read, `NoForm`."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most_bytes:
        raise TooLarge
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _multipart(request, most_bytes)
    if kind != "application/x-www-form-urlencoded":
        raise NoForm
    body = b"".join([part async for part in _limited(request, min(most_bytes, MOST_TYPED))])
    try:
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise NoForm from None
    return Form(fields)


async def _limited(request: Request, most_bytes: int) -> AsyncGenerator[bytes, None]:
    read = 0
    async for part in request.stream():
        read += len(part)
        if read > most_bytes:
            raise TooLarge
        yield part


async def _multipart(request: Request, most_bytes: int) -> Form:
    parser = _InMemory(
        request.headers,
        _limited(request, most_bytes),
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
        max_part_size=most_bytes,
    )
    try:
        sent = await parser.parse()
    except (MultiPartException, MultipartParseError, UnicodeDecodeError):
        raise NoForm from None
    fields: dict[str, list[str]] = {}
    files: dict[str, Upload] = {}
    for name, value in sent.multi_items():
        if isinstance(value, UploadFile):
            data = await value.read()
            if data or value.filename:
                files[name] = Upload(value.filename or "", data)
        else:
            fields.setdefault(_whole(name), []).append(_whole(value))
    await sent.close()
    return Form(fields, files)


def _whole(text: str) -> str:
    """The text without halves of characters, which a form in a strange encoding can hold and nothing can write."""
    return text.encode("utf-8", "replace").decode("utf-8")
