"""The page's words can be translated: every one of them passes the catalogue, and a catalogue is used."""

from __future__ import annotations

import ast
import importlib.util
import re
import struct
from pathlib import Path
from types import ModuleType

import pytest

from calcipath import language
from calcipath.language import _, catalogue, speaking

ROOT = Path(__file__).resolve().parents[2]
PAGE = sorted((ROOT / "src" / "calcipath" / "page").glob("*.py"))
NAMES = {"calcipath", "BWAT-CUA"}  # in every language the same


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("page_words", ROOT / "tools" / "page_words.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compiled(words: dict[str, str]) -> bytes:
    """A catalogue as `msgfmt` writes it (GNU gettext manual, "The Format of GNU MO Files")."""
    entries = sorted({"": "Content-Type: text/plain; charset=UTF-8\n", **words}.items())
    head, texts = 28, b""
    tables: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    start = head + 16 * len(entries)
    for side in (0, 1):
        for entry in entries:
            encoded = entry[side].encode()
            tables[side].append((len(encoded), start + len(texts)))
            texts += encoded + b"\0"
    index = b"".join(struct.pack("<II", *each) for table in tables for each in table)
    return struct.pack("<7I", 0x950412DE, 0, len(entries), head, head + 8 * len(entries), 0, 0) + index + texts


def test_the_template_holds_every_word_of_the_page() -> None:
    assert tool().TEMPLATE.read_text(encoding="utf-8") == tool().template()


@pytest.mark.parametrize("file", PAGE, ids=lambda file: file.name)
def test_no_text_of_the_page_is_shown_past_the_catalogue(file: Path) -> None:
    """Children of an element are texts of the catalogue, values, or names; a plain text among them would stay English."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tag":
            plain = [
                each.value for each in node.args[1:] if isinstance(each, ast.Constant) and isinstance(each.value, str)
            ]
            assert [text for text in plain if re.search("[A-Za-z]", text) and text not in NAMES] == []


def test_a_catalogue_speaks_and_the_rest_stays_english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = tmp_path / "de" / "LC_MESSAGES"
    place.mkdir(parents=True)
    (place / "calcipath.mo").write_bytes(
        compiled({"Log in": "Anmelden", "Next visit: {day}.": "Nächster Termin: {day}."})
    )
    monkeypatch.setattr(language, "LOCALE", tmp_path)
    with speaking(catalogue(["fr", "de_AT", "en"])):
        assert _("Log in") == "Anmelden"
        assert _("Next visit: {day}.", day="2026-12-01") == "Nächster Termin: 2026-12-01."
        assert _("Password") == "Password"
    assert _("Log in") == "Log in"


def test_a_language_without_a_catalogue_is_english() -> None:
    with speaking(catalogue(["xx", "../../etc"])):
        assert _("Log in") == "Log in"
