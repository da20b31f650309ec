"""Answers of the page: documents, parts of them, redirects, files. Each forbids what the page does not need."""

from __future__ import annotations

from starlette.responses import HTMLResponse, RedirectResponse, Response

from calcipath.output.markup import Markup

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",  # with none at all, browsers send forms with the origin "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
FILE_HEADERS = HEADERS | {"Content-Security-Policy": "default-src 'none'; sandbox"}  # opened by itself it is nothing


def document(page: Markup, status: int = 200) -> Response:
    """A whole page, or the part of it that the script puts in place."""
    return HTMLResponse(page, status, headers=HEADERS)


def see(address: str) -> Response:
    """What was asked is done: look there."""
    return RedirectResponse(address, 303, headers=HEADERS)


def attachment(data: bytes | str, media_type: str, name: str) -> Response:
    """A file to be saved. `name` is our own, never a patient's."""
    headers = FILE_HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=media_type, headers=headers)


def picture(data: bytes, media_type: str) -> Response:
    """A photograph, for the page itself only."""
    return Response(data, media_type=media_type, headers=FILE_HEADERS)
