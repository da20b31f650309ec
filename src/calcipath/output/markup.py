"""HTML and SVG built as values: text is escaped unless it was built here, so a record can never write markup."""

from __future__ import annotations

import re
from html import escape

from calcipath.output.wording import clean


class Markup(str):
    """Text that is already markup. Made only by `tag`, `join` and `raw`."""

    __slots__ = ()


def raw(text: str) -> Markup:
    """Markup written by the programme itself; never call it with anything that a record or guideline says."""
    return Markup(text)


def text(value: object) -> Markup:
    """A value as escaped text on one line; a space at either end is kept, for the word that stands beside it."""
    if isinstance(value, Markup):
        return value
    words = clean(value)
    if isinstance(value, str) and words:
        words = " " * value[:1].isspace() + words + " " * value[-1:].isspace()
    elif isinstance(value, str):
        words = " " * bool(value)
    return Markup(escape(words, quote=True))


def prose(value: object) -> Markup:
    """Escaped text for running prose: a date is never broken at its hyphens."""
    return value if isinstance(value, Markup) else Markup(_DAY.sub(r'<span class="day">\g<0></span>', text(value)))


def join(*children: object, between: str = "") -> Markup:
    """Children one after the other; `None` and empty texts vanish. `between` is escaped text."""
    parts = [text(child) for child in children if child is not None and child != ""]
    return Markup(escape(between, quote=True).join(parts))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element. Attribute names: a trailing underscore is dropped, the others become hyphens.

    >>> tag("p", "a < b", class_="note", aria_label='say "x"')
    '<p class="note" aria-label="say &quot;x&quot;">a &lt; b</p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    inner = children if name in _PLAIN else [prose(child) for child in children if child is not None]
    return Markup(f"<{name}{written}>{join(*inner)}</{name}>")


_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
_PLAIN = frozenset({"title", "style", "code", "svg", "desc", "text", "tspan"})  # elements that may not hold a span
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
