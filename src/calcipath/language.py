"""The words of the pages in the reader's language (gettext).

English is the language of the source. A catalogue is `locale/LANGUAGE/LC_MESSAGES/calcipath.mo`; the words of the
guideline are not among them: they are translated with the guideline.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from gettext import NullTranslations, translation
from pathlib import Path

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:_[A-Za-z]{2,8})?")
LOCALE = Path(__file__).parent / "locale"
_SPOKEN: ContextVar[NullTranslations | None] = ContextVar("language", default=None)


def _(text: str, **values: object) -> str:
    """The text in the reader's language, with values put in where it names them in braces."""
    spoken = _SPOKEN.get()
    said = spoken.gettext(text) if spoken is not None else text
    return said.format(**values) if values else said


def catalogue(languages: list[str]) -> NullTranslations:
    """The first of the languages that there is a catalogue of, else English."""
    plain = [each for each in languages if _LANGUAGE.fullmatch(each)]  # they come from a request, and become a path
    return translation("calcipath", LOCALE, plain, fallback=True)


@contextmanager
def speaking(words: NullTranslations) -> Iterator[None]:
    """Within the block the page speaks from this catalogue."""
    token = _SPOKEN.set(words)
    try:
        yield
    finally:
        _SPOKEN.reset(token)
