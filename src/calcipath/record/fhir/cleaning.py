"""Text from a record made safe to keep: no control or direction-changing characters, a stated greatest length."""

from __future__ import annotations

import html
import re

LONGEST_TEXT = 100_000  # characters; a longer string is cut, and the cut is a listed problem
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")
_BREAK = re.compile(r"</?(?:p|br|div|li|ul|ol|tr|table|h[1-6])\b[^<>]{0,1000}>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,10000}>")
_SPACES = re.compile(r"[ \t\xa0]+")
_LINES = re.compile(r"\s*\n\s*")


def clean_text(text: str) -> str:
    """`text` without control characters (line feed and tab stay) and surrounding space, cut to the greatest length."""
    if text.isascii() and text.isprintable() and len(text) <= LONGEST_TEXT:
        return text.strip()
    return _UNWANTED.sub("", text[:LONGEST_TEXT].replace("\r\n", "\n")).strip()


def is_plain(text: str) -> bool:
    """Whether `text` is not empty, and cleaning would leave it as it is."""
    return bool(text) and text.isprintable() and text == clean_text(text)


def text_of_markup(markup: str) -> str:
    """The words of an XHTML or HTML passage, a line for each block.

    >>> text_of_markup("<div><p>Ulcer &gt; 2 cm</p><p>left leg</p></div>")
    'Ulcer > 2 cm\\nleft leg'
    """
    bare = html.unescape(_TAG.sub("", _BREAK.sub("\n", markup)))
    return _LINES.sub("\n", _SPACES.sub(" ", bare)).strip()
